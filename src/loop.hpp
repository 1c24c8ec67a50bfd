#pragma once

#include "common/eager_wait.hpp"
#include "value.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

/// The [control] loop: waits for what has come up, and gives each that wants to be serviced its fair share.
namespace iom::host {

/// Something that is serviced when it has asked for it.
class serviced_by_loop {
public:
    /// One bounded batch; true if there is more. [control]
    virtual bool service_batch() = 0;

    serviced_by_loop() = default;
    serviced_by_loop(const serviced_by_loop&) = delete;
    serviced_by_loop& operator=(const serviced_by_loop&) = delete;
    virtual ~serviced_by_loop() = default;

private:
    friend class control_loop;
    std::atomic<bool> asked_{false};
    serviced_by_loop* next_ = nullptr;
};

class control_loop {
public:
    using handler = std::function<void(std::uint32_t events)>;

    control_loop();
    ~control_loop();
    control_loop(const control_loop&) = delete;
    control_loop& operator=(const control_loop&) = delete;

    /// The clock of all deadlines: microseconds, never stepping back.
    static time_us now() noexcept;

    /// When the service that is under way began: good enough for all that happens in one batch.
    [[nodiscard]] time_us service_time() const noexcept { return service_time_; }

    /// Asks for a service of `who` soon; many times before it are one. [any thread]
    void ask(serviced_by_loop& who) noexcept;

    /// Has `what` done on [control] in the next round; false if too much waits already. [any thread]
    bool post(std::function<void()> what);

    /// Calls `then` when the descriptor is ready (EPOLLIN, EPOLLOUT …); false if it is of a kind that cannot
    /// be waited for, as plain files are.
    bool watch(int descriptor, std::uint32_t events, handler then);
    void change(int descriptor, std::uint32_t events);
    void unwatch(int descriptor);

    /// One round: every descriptor that is ready, then each that asked is serviced once. Waits first, until
    /// `deadline` at most, if there is nothing to do.
    void turn(std::optional<time_us> deadline);

    /// Forgets what `who` asked for; it may be deleted then.
    void forget(serviced_by_loop& who);

    /// Microseconds that were not spent waiting, since the loop was made; and the longest time between two
    /// waits since this was last asked.
    [[nodiscard]] time_us busy_time() const noexcept { return busy_; }
    [[nodiscard]] time_us longest() const noexcept { return longest_; }
    [[nodiscard]] time_us take_longest() noexcept { return std::exchange(longest_, 0); }

private:
    void ring() noexcept;
    void collect();
    void do_posted();
    void rest() noexcept; ///< the work since the last wait is over
    void poll(int timeout);
    [[nodiscard]] bool is_asked() const noexcept;

    time_us service_time_ = 0;
    time_us woken_ = 0; ///< when the last wait ended
    time_us busy_ = 0;
    time_us longest_ = 0;
    eager_wait next_; ///< what a service is asked for
    int epoll_ = -1;
    int bell_ = -1;
    std::atomic<serviced_by_loop*> asking_{nullptr}; ///< the newest first
    std::atomic<bool> sleeping_{false};
    std::atomic<bool> posted_{false};
    std::mutex posts_mutex_;
    std::vector<std::function<void()>> posts_; ///< bounded
    std::vector<serviced_by_loop*> round_;     ///< who is serviced in this turn; null: forgotten
    std::map<int, std::shared_ptr<handler>> handlers_;
};

} // namespace iom::host
