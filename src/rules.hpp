#pragma once

#include "manifest/manifest.hpp"
#include "match.hpp"
#include "text.hpp"
#include "value.hpp"
#include "variables.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Rules as the project file gave them, with every name found, and the engine that walks them. Pure: time is
/// an argument, and what rules do to the world goes through `effects`.
namespace iom::host {

// ---- rules, as loaded --------------------------------------------------------------------------------

/// Stands for every instance of a module, where an instance's index is asked for.
inline constexpr std::uint32_t any_instance = 0xffff'fffd;

/// What `on-change`, `debounce` and `at-most` of a <match> ask for.
struct gate {
    std::optional<std::uint32_t> on_change; ///< position of a capture
    time_us debounce = 0;                   ///< 0: none
    std::uint32_t at_most = 0;              ///< in any one second; 0: no limit

    [[nodiscard]] bool any() const noexcept { return on_change || debounce != 0 || at_most != 0; }
};

/// Where in an event a name of the rule stands.
struct name_position {
    bool captured = false;
    std::uint32_t index = 0;
};

/// One <on>, as one module's instances fire it ("*" makes one for each module that has the trigger).
struct listening {
    std::uint32_t on = 0;                   ///< which <on> of the rule
    std::uint32_t instance = host_instance; ///< an index, any_instance or host_instance
    std::uint32_t module = 0;               ///< with any_instance: which one's
    std::uint32_t trigger = 0;              ///< its number
    std::uint32_t tested = 0;               ///< position of the variable that the match tests
    std::shared_ptr<const match> test;      ///< null: always holds
    std::vector<name_position> positions;   ///< for each of the rule's names
    host::gate gate;
    time_us interval = 0; ///< host/every
};

enum class condition_word : std::uint8_t { is, is_not, less, greater, contains };

std::optional<condition_word> condition_word_of(std::string_view word) noexcept;

/// Whether `subject` is, is not, is less than … `operand`.
bool condition_holds(condition_word word, value_view subject, value_view operand);

struct condition {
    text_template subject;
    condition_word word = condition_word::is;
    text_template operand;
    std::string written; ///< as the trace shows it: `status press/is-ready is true`
};

/// One argument of an action.
struct argument_plan {
    text_template text;
    std::shared_ptr<const match> test; ///< of an argument of type match
};

/// The same argument as one module knows it.
struct argument_slot {
    const manifest::field* what = nullptr;
};

/// An action as one module knows it; `this/…` may lead to several modules.
struct action_target {
    std::uint32_t module = 0; ///< index, or host_instance for an action of the host's
    const manifest::action* what = nullptr;
    std::vector<argument_slot> arguments;                  ///< for each of the plan's
    std::shared_ptr<const manifest::module_manifest> keep; ///< `what` lives in it
};

/// One <do>.
struct act {
    std::uint32_t instance = host_instance; ///< an index, this_instance or host_instance
    std::vector<action_target> targets;     ///< exactly one, unless this_instance
    std::vector<argument_plan> arguments;
    time_us after = 0;
    std::uint32_t place = 0; ///< host/set and host/add: the variable; host/fire: the rule
    std::string written;     ///< `press/send-message`
    manifest::location where;
};

struct rule {
    std::string name;
    bool enabled = true;
    bool stop = false;
    std::vector<std::string> names; ///< of trigger variables and captures that its texts use
    std::vector<listening> listens;
    std::vector<condition> conditions;
    std::vector<act> acts;
    bool by_itself = true; ///< needs nothing of a trigger, so that host/fire and people can fire it
    std::string written;   ///< all of it as it stands in the file: two that are equal are the same rule
    manifest::location where;
};

struct rule_set {
    std::vector<rule> rules;
    std::vector<std::uint32_t> module_of; ///< for each instance
};

// ---- what the engine asks and tells ------------------------------------------------------------------

/// Something that has happened, once. Everything is borrowed for the call.
struct event {
    std::uint32_t instance = host_instance; ///< an index, or host_instance
    std::uint32_t trigger = 0;
    std::span<const value_view> variables;
};

/// Whose deed an action is, kept with the call so that its failure finds the way back.
struct origin {
    std::uint32_t rule = 0;
    std::uint32_t act = 0;
    std::uint32_t depth = 0; ///< rules that fired rules before it
};

struct argument_view {
    std::uint32_t number = 0;
    value_view what;                                    ///< of the type that the manifest gives
    const std::shared_ptr<const match>* test = nullptr; ///< of an argument of type match
};

/// An action to begin. Everything is borrowed for the call.
struct invocation {
    std::uint32_t instance = host_instance; ///< host_instance: host/log and host/http
    std::uint32_t action = 0;
    std::span<const argument_view> arguments;
    origin from;
};

/// What rules can see of the world and do to it. What is borrowed holds until the next call.
class effects {
public:
    virtual ~effects() = default;

    /// Begins the action; false with a sentence in `why` if it is refused. A call that is accepted and fails
    /// later is told through rule_engine::action_failed.
    virtual bool invoke(const invocation& what, std::string& why) = 0;

    /// `status` counts in the manifest's order, from 0.
    virtual value_view status(std::uint32_t instance, std::uint32_t status) = 0;
    virtual std::string_view instance_name(std::uint32_t instance) = 0;
    virtual session_values& session(std::uint32_t instance) = 0;

    /// False with a sentence if no match has captured that name in the instance's session.
    virtual bool captured(std::uint32_t instance, std::uint32_t symbol, value_view& found,
                          std::string& why) = 0;

    /// False with a sentence if there is no such secret (any more).
    virtual bool secret(std::uint32_t symbol, value_view& found, std::string& why) = 0;
    virtual bool environment(std::uint32_t symbol, value_view& found, std::string& why) = 0;
    virtual std::string_view uuid() = 0;
    virtual std::string_view now() = 0;
};

/// What a rule said when it was looked at.
enum class verdict : std::uint8_t {
    never, ///< was not looked at yet
    fired,
    waiting, ///< debounce: will fire when it has been quiet
    disabled,
    no_match,
    condition, ///< `detail` is the <when> that did not hold
    unchanged, ///< on-change
    too_often, ///< at-most
    stopped,   ///< `detail` is the rule that ended the walk before it
    too_deep,  ///< rules that fire rules: more than rule_engine::max_depth
    unsupplied ///< a condition needs a value that cannot be supplied
};

std::string_view to_word(verdict what) noexcept;

enum class cause : std::uint8_t {
    trigger,
    rule,     ///< host/fire; `by` is the rule
    hand,     ///< fire_by_hand
    debounce, ///< what was held is let go
};

/// What a trace is told, in this order: begin, then looked and acted for each rule that was worth looking
/// at, then end. A rule fired by a rule brings its own begin and end in between.
class trace_sink {
public:
    virtual ~trace_sink() = default;

    virtual void begin(cause why, const event& what, std::uint32_t by, std::uint32_t depth, time_us now) = 0;
    virtual void looked(std::uint32_t rule, verdict said, std::uint32_t detail) = 0;
    /// An action was begun (accepted), put off (`delay` above 0), or refused with a sentence.
    virtual void acted(std::uint32_t rule, std::uint32_t act, bool accepted, time_us delay,
                       std::string_view sentence) = 0;
    /// `listeners` rules listen to it; `stopped_by` is the rule that ended the walk, or no_rule.
    virtual void end(std::uint32_t listeners, std::uint32_t stopped_by) = 0;

    /// Something that belongs into the log: rules nested too deeply, too many delayed actions.
    virtual void complain(std::uint32_t rule, std::string_view sentence) = 0;
};

inline constexpr std::uint32_t no_rule = 0xffff'ffff;

/// What is known of a rule: the answer to "why did it not fire?".
struct rule_report {
    bool enabled = true;
    std::uint64_t fired = 0;
    std::optional<time_us> last_fired;
    std::optional<time_us> last_looked;
    verdict last_said = verdict::never;
    std::uint32_t detail = 0;
    std::optional<time_us> last_no; ///< when it last said no, also if it has fired since
    verdict last_no_said = verdict::never;
    std::uint32_t last_no_detail = 0;
};

/// What of one set of rules is still there in the next, when a project was loaded again: for each place in
/// the old one the place in the new one, or no_rule.
struct succession {
    std::vector<std::uint32_t> rules; ///< those that were not changed
    std::vector<std::uint32_t> named; ///< those that have the same name
    std::vector<std::uint32_t> instances;
    std::vector<std::uint32_t> modules;
};

/// Something that was to happen later and will not, because its rule was changed or is gone.
struct lost_deed {
    std::uint32_t rule = 0; ///< in the old set
    std::string what;       ///< `press/send-message`, or what else was to happen
    time_us due = 0;
};

// ---- the engine --------------------------------------------------------------------------------------

/// Walks the rules. Not re-entrant: what effects::invoke leads to must come back in a later call.
class rule_engine {
public:
    /// Rules that fire rules (host/fire, host/action-failed) stop at this depth.
    static constexpr std::uint32_t max_depth = 16;
    /// Rule runs that one event may lead to through host/fire and host/action-failed.
    static constexpr std::uint32_t max_runs = 4096;
    /// Delayed actions that may be pending; one more is refused.
    static constexpr std::size_t max_delayed = 10'000;

    /// All of them must outlive the engine.
    rule_engine(const rule_set& rules, variables& values, effects& world, trace_sink& trace);
    ~rule_engine();
    rule_engine(const rule_engine&) = delete;
    rule_engine& operator=(const rule_engine&) = delete;

    /// Takes over what the engine of the rules before has begun: delayed actions, debounced events, the beat
    /// of host/every, what was told of each rule. Comes before start; `before` is of no use any more. Answers
    /// what could not be taken over.
    std::vector<lost_deed> adopt(rule_engine& before, const succession& what);

    /// Arms host/every, then (at the start of the process, not at a reload) fires host/startup.
    void start(time_us now, bool startup = true);

    void fire(const event& what, time_us now);

    /// An accepted action of a rule was given up or timed out: fires host/action-failed.
    void action_failed(const origin& from, std::string_view sentence, time_us now);

    /// Fires a rule for a person; false with a sentence in `why` if it cannot be fired so.
    bool fire_by_hand(std::uint32_t rule, time_us now, std::string& why);

    /// Does what has become due: host/every, debounced events, delayed actions. At most one of each
    /// host/every however late it is.
    void advance(time_us now);

    /// When advance has something to do, if ever.
    [[nodiscard]] std::optional<time_us> next_deadline() const;

    void enable(std::uint32_t rule, bool enabled);

    [[nodiscard]] rule_report report(std::uint32_t rule) const;
    [[nodiscard]] std::size_t delayed_actions() const noexcept;

private:
    class body;
    std::unique_ptr<body> body_;
};

} // namespace iom::host
