#pragma once

#include "loop.hpp"
#include "runtime.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The web interface's place on [control]: does what it is asked in bounded slices, and remembers the last
/// hour.
namespace iom::host::web {

/// The last hour of one instance, in memory that does not grow.
struct hour {
    static constexpr std::int64_t step = 10'000; ///< milliseconds in a bucket
    static constexpr std::size_t buckets = 360;
    static constexpr std::size_t most_changes = 512;

    struct bucket {
        std::int64_t number = -1; ///< time / step; -1: nothing in it
        std::uint32_t sent = 0;
        std::uint32_t received = 0;
        float round_trip = 0; ///< sum
        std::uint16_t pings = 0;
    };
    struct change {
        std::int64_t at = 0;
        std::string state;
    };

    std::array<bucket, buckets> all{};
    std::deque<change> states;

    // What was seen last.
    std::int64_t sent = -1;
    std::int64_t received = -1;
    std::chrono::system_clock::time_point state_at{};
    std::chrono::system_clock::time_point ping_at{};
    std::chrono::system_clock::time_point error_at{};
    std::chrono::system_clock::time_point error_since{}; ///< of the first of those that said the same
    std::string error;
    bool recovered = false; ///< it has been ready since that error
    std::deque<std::pair<std::int64_t, std::pair<std::int64_t, std::int64_t>>> counts; ///< of ten seconds

    /// Messages per second over the last ten seconds: sent, received.
    [[nodiscard]] std::pair<double, double> rates() const;
};

/// Places of the statuses that the page knows by name, in one module's manifest.
struct known_statuses {
    static constexpr std::uint32_t none = 0xffff'ffff;
    std::uint32_t state = none;
    std::uint32_t error = none;
    std::uint32_t error_layer = none;
    std::uint32_t error_code = none;
    std::uint32_t attempt = none;
    std::uint32_t next_retry = none;
    std::uint32_t round_trip = none;
    std::uint32_t sent = none;
    std::uint32_t received = none;

    explicit known_statuses(const manifest::module_manifest& of);
    known_statuses() = default;
};

/// When it came to the state that it is in. Attempts that fail faster than statuses are posted leave no trace
/// in the state itself, which is the same before and after; the attempt and its failure tell of them.
[[nodiscard]] std::chrono::system_clock::time_point entered(std::span<const status_entry> statuses,
                                                            const known_statuses& at);

/// Something that has ended, or not yet.
struct page_call {
    std::uint64_t number = 0;
    std::string instance;
    std::string action;
    std::string state = "running";
    std::string sentence;
    time_us began = 0;
    double milliseconds = 0;
};

class desk final : private serviced_by_loop, private onlooker {
public:
    static constexpr std::size_t most_jobs = 256;
    /// Of them, for what open pages show by themselves: however many they are, requests find a place.
    static constexpr std::size_t most_for_pages = most_jobs / 2;
    static constexpr std::size_t most_calls = 256;

    explicit desk(runtime& of);
    ~desk() override;

    /// A slice of work on [control]; true if there is more to do.
    using job = std::function<bool()>;
    /// [any thread]; false if `most` or more wait already.
    bool ask(job what, std::size_t most = most_jobs);

    /// What may have changed, as bits; taking them arms the next `tell`. [any thread]
    enum : unsigned { statuses = 1, rules = 2, structure = 4, calls = 8 };
    unsigned take_news() noexcept;
    void arm() noexcept { armed_.store(true); }
    /// Is called on [control] when something changes after `take_news`; before the loop runs.
    void tell(std::function<void()> how) { tell_ = std::move(how); }

    /// What is in use, for other threads.
    struct edition {
        std::uint32_t generation = 0;
        std::shared_ptr<const std::string> source; ///< the project file's text when it was loaded
        std::shared_ptr<const project> read;
    };
    [[nodiscard]] edition newest(); ///< [any thread]

    // Everything below: [control].

    [[nodiscard]] runtime& controller() noexcept { return runtime_; }
    [[nodiscard]] const known_statuses& places(std::uint32_t index);
    [[nodiscard]] const hour& last_hour(std::uint32_t index);
    /// Begins an action; null with a sentence if it is refused.
    const page_call* call(std::uint32_t index, const manifest::action& what,
                          std::span<const argument_view> arguments, std::string& why);
    [[nodiscard]] const page_call* find_call(std::uint64_t number) const;
    [[nodiscard]] const std::string& wanted(std::string_view instance) const;
    /// Counts up with every status of that instance that changes.
    [[nodiscard]] std::uint64_t version_of(std::uint32_t index) const;

    /// Calls it every 50 ms until it answers false.
    void look_after(std::function<bool(time_us now)> what);

    struct load {
        double busy = 0;    ///< share of the last ten seconds
        double longest = 0; ///< milliseconds, in the last minute
    };
    [[nodiscard]] load loop_load() const;

private:
    bool service_batch() override;
    void status_changed(std::uint32_t index, const instance& who) noexcept override;
    void rules_walked() noexcept override { news(rules); }
    void project_changed() override;
    void call_ended(std::uint64_t ticket, iom_outcome outcome, std::string_view sentence) override;

    void news(unsigned what) noexcept;
    void tick();
    void wake_later();
    void sample(std::uint32_t index, std::int64_t now);

    runtime& runtime_;
    std::function<void()> tell_;
    std::atomic<unsigned> news_{0};
    std::atomic<bool> armed_{false};

    std::mutex mutex_;
    std::deque<job> jobs_;
    time_us window_ = 0; ///< when the present 20 ms began …
    time_us spent_ = 0;  ///< … and what was used of them
    int timer_ = -1;     ///< for what has to wait
    int pulse_ = -1;     ///< for samples
    int beat_ = -1;      ///< for what is looked after
    std::function<bool(time_us now)> looked_after_;

    std::map<std::string, hour, std::less<>> hours_;
    std::vector<hour*> hour_of_; ///< for each instance
    std::vector<known_statuses> places_;
    std::vector<std::uint64_t> versions_;
    std::deque<page_call> calls_;
    std::uint64_t last_call_ = 0;
    std::map<std::string, std::string, std::less<>> wanted_;
    edition edition_; ///< under mutex_

    struct pulse {
        time_us at = 0;
        time_us busy = 0;
        time_us longest = 0;
    };
    std::deque<pulse> pulses_; ///< of a minute
};

} // namespace iom::host::web
