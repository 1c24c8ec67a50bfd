#pragma once

#include "guard.hpp"
#include "log.hpp"
#include "project.hpp"
#include "rules.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iom::host {

/// One event in words, for people.
struct trace_event {
    struct act {
        std::string action;
        std::string_view state; ///< done, begun, refused, put-off, given-up, timed-out
        std::string sentence;
        time_us delay = 0;
    };
    struct look {
        std::string rule;
        verdict said = verdict::never;
        std::string sentence;
        std::vector<act> acts;
    };

    std::uint64_t number = 0;
    std::uint64_t change = 0; ///< counts up with everything that is told of any event
    time_us time = 0;
    cause why = cause::trigger;
    std::string by;      ///< rule
    std::string trigger; ///< `press/message-received`
    std::uint32_t instance = 0;
    std::uint32_t trigger_number = 0;
    std::vector<std::pair<std::string, value>> variables; ///< in the manifest's order
    bool whole = true;                                    ///< they were kept whole
    std::uint32_t listeners = 0;
    std::vector<look> looks;
    std::string stopped_by;
    std::uint32_t omitted = 0;
};

/// What the rules did with the last events, in memory that never grows: "why did it not fire?". [control]
class trace final : public trace_sink {
public:
    static constexpr std::size_t capacity = 1000;
    static constexpr std::size_t most_entries = 16; ///< of one event; more are counted
    static constexpr std::size_t most_text = 160;   ///< bytes of a message or sentence that are kept
    static constexpr std::size_t most_kept = 1024;  ///< bytes of all variables, to try the event again

    /// `aloud`: each event is logged as well.
    trace(log& journal, bool aloud);

    /// The project whose rules are walked from now on.
    void use(std::shared_ptr<const project> current);

    void begin(cause why, const event& what, std::uint32_t by, std::uint32_t depth, time_us now) override;
    void looked(std::uint32_t rule, verdict said, std::uint32_t detail) override;
    void acted(std::uint32_t rule, std::uint32_t act, bool accepted, time_us delay,
               std::string_view sentence) override;
    void end(std::uint32_t listeners, std::uint32_t stopped_by) override;
    void complain(std::uint32_t rule, std::string_view sentence) override;

    /// Everything stops: that actions are refused now is no matter for the log.
    void end_begins() noexcept { ending_ = true; }

    /// The number of the event that is being walked, to be kept with calls; 0 outside of one.
    [[nodiscard]] std::uint64_t current() const noexcept { return open_.empty() ? 0 : open_.back(); }

    /// An accepted call of that event has ended.
    void finished(const call_origin& origin, iom_outcome outcome, std::string_view sentence);

    /// How many events there have been, and the newest of them in words, the oldest of those first.
    [[nodiscard]] std::uint64_t events() const noexcept { return last_; }
    [[nodiscard]] std::vector<std::string> in_words(std::size_t most, time_us now) const;

    /// Counts up with every event and with every action of one that has ended.
    [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
    /// The event of that number, if it is still known.
    [[nodiscard]] std::optional<trace_event> tell(std::uint64_t number) const;
    /// Numbers of events that changed after `change`, the earliest change first.
    [[nodiscard]] std::vector<std::uint64_t> changed_since(std::uint64_t change) const;
    /// What a verdict means, for a rule of the newest project that gave it then.
    [[nodiscard]] std::string in_words(std::uint32_t rule, verdict said, std::uint32_t detail,
                                       time_us at) const;

    /// One line on a rule: when it was looked at, fired, and why it last said no.
    [[nodiscard]] std::string in_words(std::uint32_t rule, const rule_report& report, time_us now) const;

private:
    enum class deed : std::uint8_t { looked, refused, put_off, begun, done, given_up, timed_out };

    struct entry {
        deed what = deed::looked;
        verdict said = verdict::never;
        std::uint32_t rule = no_rule;
        std::uint32_t detail = 0; ///< of a look; of a deed: which act
        time_us delay = 0;
    };

    template <std::size_t Size>
    struct short_text {
        std::array<char, Size> bytes;
        std::uint16_t size = 0;
        bool cut = false;

        void assign(std::string_view from);
        [[nodiscard]] std::string_view view() const { return {bytes.data(), size}; }
    };

    struct record {
        std::uint64_t number = 0;
        std::uint64_t change = 0;
        std::uint64_t generation = 0; ///< of the project
        time_us time = 0;
        cause why = cause::trigger;
        bool binary = false;
        bool has_message = false;
        std::uint32_t instance = 0;
        std::uint32_t trigger = 0;
        std::uint32_t by = no_rule;
        std::uint32_t listeners = 0;
        std::uint32_t stopped_by = no_rule;
        std::uint32_t omitted = 0;
        std::uint32_t size = 0;
        short_text<most_text> message;
        short_text<most_text> sentence; ///< of the last deed that failed
        std::array<entry, most_entries> entries;
        std::uint32_t failed = no_rule; ///< place of the entry that `sentence` is about
        std::uint16_t kept_size = 0;
        bool whole = true;
        std::array<char, most_kept> kept; ///< the variables, one behind the other
    };

    /// What is kept of a project to tell its events by; rules that did not change are shared with the next.
    struct chapter {
        struct told_rule {
            std::string name;
            std::vector<std::string> acts;
            std::vector<std::string> conditions;

            bool operator==(const told_rule&) const = default;
        };
        struct told_instance {
            std::string name;
            std::shared_ptr<const manifest::module_manifest> module;
        };

        std::uint64_t generation = 0;
        std::vector<std::shared_ptr<const told_rule>> rules;
        std::vector<told_instance> instances;
        std::shared_ptr<const project> whole; ///< of the newest alone
    };

    record* find(std::uint64_t number);
    static void keep(record& to, std::span<const value_view> variables);
    [[nodiscard]] static std::vector<value> kept_in(const record& from);
    void add(const entry& what);
    [[nodiscard]] bool is_at_once(std::uint32_t rule, std::uint32_t act) const;
    [[nodiscard]] const chapter* chapter_of(std::uint64_t generation) const;
    [[nodiscard]] std::string describe(const record& of) const;
    [[nodiscard]] static std::string rule_name(const chapter* in, std::uint32_t rule);
    [[nodiscard]] static std::string act_name(const chapter* in, std::uint32_t rule, std::uint32_t act);
    [[nodiscard]] static std::string trigger_name(const chapter* in, std::uint32_t instance,
                                                  std::uint32_t trigger);
    [[nodiscard]] static std::string explain(const chapter* in, std::uint32_t rule, verdict said,
                                             std::uint32_t detail, const record* of);

    log& journal_;
    const bool aloud_;
    bool ending_ = false;
    std::vector<record> records_;
    std::vector<std::uint64_t> open_; ///< events that have begun and not ended, the innermost last
    std::uint64_t last_ = 0;
    std::uint64_t changes_ = 0;
    std::uint64_t generation_ = 0;
    std::deque<chapter> chapters_; ///< those that events are left of
};

} // namespace iom::host
