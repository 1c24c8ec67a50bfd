#include "rules.hpp"

#include "host_manifest.hpp"

#include <algorithm>
#include <bit>
#include <iterator>
#include <map>
#include <utility>

namespace iom::host {

namespace {

constexpr std::string_view condition_words[] = {"is", "is-not", "less", "greater", "contains"};

constexpr std::string_view verdict_words[] = {
    "never looked at", "fired",   "waiting",         "disabled",          "no match",           "condition",
    "unchanged",       "at-most", "stopped by rule", "nested too deeply", "value not available"};

bool holds(condition_word word, value_view subject, value_view operand) {
    switch (word) {
    case condition_word::is:
        return compare(subject, operand) == 0;
    case condition_word::is_not:
        return compare(subject, operand) != 0;
    case condition_word::less:
        return compare(subject, operand) < 0;
    case condition_word::greater:
        return compare(subject, operand) > 0;
    case condition_word::contains:
        if (subject.kind == value_kind::text && operand.kind == value_kind::text)
            return subject.text.find(operand.text) != subject.text.npos;
        return to_text(subject).find(to_text(operand)) != std::string::npos;
    }
    return false;
}

} // namespace

bool condition_holds(condition_word word, value_view subject, value_view operand) {
    return holds(word, subject, operand);
}

std::optional<condition_word> condition_word_of(std::string_view word) noexcept {
    const auto* found = std::find(std::begin(condition_words), std::end(condition_words), word);
    if (found == std::end(condition_words))
        return std::nullopt;
    return static_cast<condition_word>(found - std::begin(condition_words));
}

std::string_view to_word(verdict what) noexcept {
    return verdict_words[static_cast<std::size_t>(what)];
}

// ---- what the engine keeps ---------------------------------------------------------------------------

class rule_engine::body {
public:
    body(const rule_set& rules, variables& values, effects& world, trace_sink& trace);

    void adopt(body& before, const succession& what, std::vector<lost_deed>& lost);
    void start(time_us now, bool startup);
    void fire(const event& what, time_us now);
    void action_failed(const origin& from, std::string_view sentence, time_us now);
    bool fire_by_hand(std::uint32_t which, time_us now, std::string& why);
    void advance(time_us now);
    [[nodiscard]] std::optional<time_us> next_deadline() const;
    void enable(std::uint32_t which, bool enabled) { states_[which].known.enabled = enabled; }
    [[nodiscard]] rule_report report(std::uint32_t which) const;
    [[nodiscard]] std::size_t delayed_actions() const noexcept {
        return delayed_.size() - free_delayed_.size();
    }

private:
    static constexpr std::uint32_t no_gate = 0xffff'ffff;

    /// A rule, as one kind of event finds it.
    struct entry {
        std::uint32_t rule = 0;
        std::uint32_t listening = 0;
        std::uint32_t gate = no_gate; ///< first of its states
    };

    /// A walk, from which is told what was not said to each rule singly.
    struct walk_record {
        std::uint64_t number = 0;
        time_us at = 0;
        std::uint32_t stopped_entry = no_rule;
        std::uint32_t stopped_by = no_rule;
    };

    /// All rules that listen to one trigger of one instance; instances with the same rules share it.
    struct table {
        std::uint32_t trigger;
        std::vector<entry> entries;
        match_index index;
        walk_record last;
    };
    using tables = std::vector<table>;

    struct rule_state {
        rule_report known;
        std::uint64_t walk = 0;
    };

    struct gate_state {
        bool has_last = false;
        value last;
        std::vector<time_us> times; ///< a ring of the last firings
        std::size_t next_time = 0;

        // debounce
        bool held = false;
        bool queued = false; ///< stands in the timer queue
        time_us due = 0;
        std::uint32_t rule = 0;
        std::uint32_t listening = 0;
        std::uint32_t instance = 0;
        std::vector<value> variables;
        std::vector<value> captures;

        /// False if at-most forbids to fire now; otherwise what fires is remembered.
        bool admit(const host::gate& asked, const capture_list& found, time_us now);
    };

    struct ticker {
        std::uint32_t rule;
        std::uint32_t listening;
        time_us interval;
        time_us due;
    };

    struct delayed_act {
        std::uint32_t instance = 0;
        std::uint32_t target = 0;
        origin from;
        std::vector<value> values;
        std::vector<const std::shared_ptr<const match>*> tests;
        std::vector<std::uint32_t> numbers;
    };

    enum class timer_kind : std::uint8_t { tick, debounce, act };

    struct timer {
        time_us due;
        std::uint64_t order; ///< of two that are due at the same time the older goes first
        timer_kind kind;
        std::uint32_t index;

        bool operator<(const timer& other) const noexcept {
            return due != other.due ? due > other.due : order > other.order;
        }
    };

    struct failure {
        origin from;
        std::string sentence;
    };

    /// What a rule sees while it runs.
    class context final : public scope {
    public:
        context(body& engine, const event& what, const host::listening* heard, const capture_list& captures)
            : engine_(engine), what_(what), heard_(heard), captures_(captures), session_(what.instance) {}

        bool supply(const reference& what, value_view& found, std::string& why) override;

        /// From now on ${session/…} and ${seq} are those of this instance, and ${seq} is a new one.
        void address(std::uint32_t instance) {
            session_ = instance == host_instance ? what_.instance : instance;
            seq_.reset();
        }

        [[nodiscard]] const event& what() const { return what_; }
        [[nodiscard]] const host::listening* heard() const { return heard_; }
        [[nodiscard]] const capture_list& captures() const { return captures_; }

    private:
        [[nodiscard]] std::uint32_t resolve(std::uint32_t owner) const {
            return owner == this_instance ? what_.instance : owner;
        }

        body& engine_;
        const event& what_;
        const host::listening* heard_;
        const capture_list& captures_;
        std::uint32_t session_;
        std::optional<std::int64_t> seq_;
    };

    void adopt_reports(const body& before, const succession& what);
    /// Answers where each old gate stands now, or no_gate.
    std::vector<std::uint32_t> adopt_gates(body& before, const succession& what,
                                           std::vector<lost_deed>& lost);
    void adopt_gate(gate_state& from, std::uint32_t which, std::uint32_t on, std::uint32_t place,
                    std::uint32_t instance);
    void adopt_timers(body& before, const succession& what, const std::vector<std::uint32_t>& gates,
                      std::vector<lost_deed>& lost);
    void adopt_delayed(body& before, const timer& one, const succession& what, std::vector<lost_deed>& lost);
    /// The listening of the new rule that is the old one's; no_rule if there is none.
    [[nodiscard]] std::uint32_t same_listening(const host::listening& old, std::uint32_t which,
                                               const succession& what) const;

    void build_tables();
    tables make_tables(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& listeners);
    [[nodiscard]] static table* find(tables& among, std::uint32_t trigger);

    void walk(const event& what, std::uint32_t depth, time_us now);
    /// True if the rule took the event: its match and its conditions held.
    bool look(const entry& one, const event& what, message_view& message, std::uint32_t depth, time_us now);
    /// What that walk said, without saying it, to the entry at this place.
    static void note_no(rule_report& known, const walk_record& walk, std::uint32_t at);
    bool conditions_hold(const rule& what, context& seen, verdict& said, std::uint32_t& detail);
    bool passes(const entry& one, context& seen, time_us now);
    void hold(gate_state& gate, const entry& one, const context& seen, time_us now);
    void let_go(std::uint32_t gate, time_us now);
    bool run_alone(std::uint32_t which, cause why, const event& what, const host::listening* heard,
                   std::uint32_t by, std::uint32_t depth, time_us now);
    void run(std::uint32_t which, context& seen, std::uint32_t depth, time_us now);
    bool prepare(const act& what, const action_target& target, context& seen, std::string& why);
    bool prepare_one(const argument_plan& plan, const manifest::field& what, context& seen, value& memory,
                     value_view& found, std::string& why);
    bool begin(std::uint32_t instance, const act& what, const action_target& target, const origin& from,
               time_us now, std::string& why);
    bool put_off(std::uint32_t instance, std::uint32_t target, const act& what, const origin& from,
                 time_us now, std::string& why);
    void run_delayed(std::uint32_t index, time_us now);
    bool fire_rule(std::uint32_t which, const origin& from, time_us now, std::string& why);
    void fail(const origin& from, std::string_view sentence);
    void tell_failures(time_us now);
    [[nodiscard]] bool deeper(const origin& from, std::string_view by, std::string& why);
    void say(std::uint32_t which, verdict said, std::uint32_t detail, time_us now);
    void schedule(time_us due, timer_kind kind, std::uint32_t index);

    const std::vector<rule>& rules_;
    const std::vector<std::uint32_t>& module_of_;
    variables& values_;
    effects& world_;
    trace_sink& trace_;

    std::vector<rule_state> states_;
    std::vector<gate_state> gates_;
    std::vector<std::vector<std::uint32_t>> gate_of_; ///< [rule][listening]
    std::vector<tables> dispatch_;
    std::vector<std::uint32_t> dispatch_of_; ///< for each instance
    tables host_tables_;

    std::vector<ticker> tickers_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, time_us>
        beats_; ///< of tickers to be: when they are due
    std::vector<delayed_act> delayed_;
    std::vector<std::uint32_t> free_delayed_;
    std::vector<timer> timers_; ///< a heap
    std::uint64_t timer_order_ = 0;

    std::vector<failure> failures_;
    std::uint64_t walks_ = 0;
    std::uint32_t runs_ = 0;

    // Kept for their memory; each is free again when the function that fills it returns.
    json_document json_;
    capture_list captures_;
    std::vector<std::uint64_t> candidates_;
    std::vector<value> argument_memory_;
    std::vector<argument_view> arguments_;
    value subject_;
    std::string subject_text_;
    std::string operand_text_;
    std::string why_;
};

rule_engine::body::body(const rule_set& rules, variables& values, effects& world, trace_sink& trace)
    : rules_(rules.rules), module_of_(rules.module_of), values_(values), world_(world), trace_(trace) {
    states_.resize(rules_.size());
    for (std::size_t which = 0; which < rules_.size(); ++which)
        states_[which].known.enabled = rules_[which].enabled;
    build_tables();
}

void rule_engine::body::build_tables() {
    using listeners = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
    listeners of_host;
    std::map<std::uint32_t, listeners> of_module;
    std::vector<listeners> of_instance(module_of_.size());

    std::uint32_t gates = 0;
    gate_of_.resize(rules_.size());
    for (std::uint32_t which = 0; which < rules_.size(); ++which) {
        const auto& listens = rules_[which].listens;
        for (std::uint32_t on = 0; on < listens.size(); ++on) {
            const auto& one = listens[on];
            gate_of_[which].push_back(one.gate.any() ? gates : no_gate);
            if (one.gate.any())
                gates += one.instance == any_instance ? static_cast<std::uint32_t>(module_of_.size()) : 1;
            if (one.instance == any_instance)
                of_module[one.module].emplace_back(which, on);
            else if (one.instance != host_instance)
                of_instance[one.instance].emplace_back(which, on);
            else
                of_host.emplace_back(which, on);
        }
    }
    gates_.resize(gates);

    host_tables_ = make_tables(of_host);
    std::map<std::uint32_t, std::uint32_t> shared;
    for (std::size_t instance = 0; instance < module_of_.size(); ++instance) {
        const auto module = module_of_[instance];
        auto mine = of_instance[instance];
        if (mine.empty()) {
            if (const auto known = shared.find(module); known != shared.end()) {
                dispatch_of_.push_back(known->second);
                continue;
            }
            shared.emplace(module, static_cast<std::uint32_t>(dispatch_.size()));
        }
        const auto& common = of_module[module];
        mine.insert(mine.end(), common.begin(), common.end());
        std::sort(mine.begin(), mine.end());
        dispatch_of_.push_back(static_cast<std::uint32_t>(dispatch_.size()));
        dispatch_.push_back(make_tables(mine));
    }
}

rule_engine::body::tables
rule_engine::body::make_tables(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& listeners) {
    std::map<std::uint32_t, std::vector<entry>> by_trigger;
    for (const auto& [which, on] : listeners)
        by_trigger[rules_[which].listens[on].trigger].push_back({which, on, gate_of_[which][on]});

    tables made;
    for (auto& [trigger, entries] : by_trigger) {
        std::vector<const match*> tests;
        for (const auto& one : entries)
            tests.push_back(rules_[one.rule].listens[one.listening].test.get());
        made.push_back({trigger, std::move(entries), match_index{tests}, {}});
    }
    return made;
}

rule_engine::body::table* rule_engine::body::find(tables& among, std::uint32_t trigger) {
    for (auto& one : among)
        if (one.trigger == trigger)
            return &one;
    return nullptr;
}

// ---- values ------------------------------------------------------------------------------------------

bool rule_engine::body::context::supply(const reference& what, value_view& found, std::string& why) {
    switch (what.from) {
    case source::trigger: {
        found = {};
        if (heard_ == nullptr || what.index >= heard_->positions.size())
            return true;
        const auto position = heard_->positions[what.index];
        if (position.captured)
            found = captures_[position.index];
        else if (position.index < what_.variables.size())
            found = what_.variables[position.index];
        return true;
    }
    case source::instance:
        found = value_view::of(engine_.world_.instance_name(what_.instance));
        return true;
    case source::status:
        found = engine_.world_.status(resolve(what.owner), what.index);
        return true;
    case source::session:
        return engine_.world_.captured(session_, what.index, found, why);
    case source::variable:
        found = engine_.values_.get(what.index);
        return true;
    case source::secret:
        return engine_.world_.secret(what.index, found, why);
    case source::environment:
        return engine_.world_.environment(what.index, found, why);
    case source::seq:
        if (!seq_)
            seq_ = session_ == host_instance ? 0 : engine_.world_.session(session_).next_seq();
        found = value_view::of(*seq_);
        return true;
    case source::uuid:
        found = value_view::of(engine_.world_.uuid());
        return true;
    case source::now:
        found = value_view::of(engine_.world_.now());
        return true;
    }
    return true;
}

// ---- walking -----------------------------------------------------------------------------------------

void rule_engine::body::fire(const event& what, time_us now) {
    runs_ = 0;
    walk(what, 0, now);
    tell_failures(now);
}

void rule_engine::body::walk(const event& what, std::uint32_t depth, time_us now) {
    trace_.begin(cause::trigger, what, no_rule, depth, now);
    auto& among = what.instance == host_instance ? host_tables_ : dispatch_[dispatch_of_[what.instance]];
    auto* here = find(among, what.trigger);
    if (here == nullptr) {
        trace_.end(0, no_rule);
        return;
    }
    auto& record = here->last;
    const auto before = std::exchange(record, {++walks_, now, no_rule, no_rule});

    const auto& first = here->entries.front();
    const auto tested = rules_[first.rule].listens[first.listening].tested;
    message_view message{tested < what.variables.size() ? what.variables[tested] : value_view{}, json_};
    // Other tables may be walked while this one is: by a rule that fires a rule, never this same one.
    here->index.find(message, candidates_);

    auto taken = no_rule;
    for (std::size_t word = 0; word < candidates_.size() && record.stopped_by == no_rule; ++word) {
        for (auto bits = candidates_[word]; bits != 0; bits &= bits - 1) {
            const auto at =
                static_cast<std::uint32_t>(word * 64) + static_cast<std::uint32_t>(std::countr_zero(bits));
            const auto& one = here->entries[at];
            if (before.number > states_[one.rule].walk)
                note_no(states_[one.rule].known, before, at);
            if (one.rule == taken || !look(one, what, message, depth, now))
                continue;
            taken = one.rule;
            if (rules_[one.rule].stop) {
                record.stopped_entry = at;
                record.stopped_by = one.rule;
                break;
            }
        }
    }
    trace_.end(static_cast<std::uint32_t>(here->entries.size()), record.stopped_by);
}

bool rule_engine::body::look(const entry& one, const event& what, message_view& message, std::uint32_t depth,
                             time_us now) {
    const auto& looked_at = rules_[one.rule];
    const auto& heard = looked_at.listens[one.listening];
    if (!states_[one.rule].known.enabled) {
        say(one.rule, verdict::disabled, 0, now);
        return false;
    }
    captures_.clear();
    if (heard.test && !heard.test->capture(message, captures_)) {
        say(one.rule, verdict::no_match, 0, now);
        return false;
    }
    context seen{*this, what, &heard, captures_};
    auto said = verdict::fired;
    std::uint32_t detail = 0;
    if (!conditions_hold(looked_at, seen, said, detail)) {
        say(one.rule, said, detail, now);
        return false;
    }
    if (one.gate != no_gate && !passes(one, seen, now))
        return true;
    say(one.rule, verdict::fired, 0, now);
    run(one.rule, seen, depth, now);
    return true;
}

bool rule_engine::body::conditions_hold(const rule& what, context& seen, verdict& said,
                                        std::uint32_t& detail) {
    for (std::uint32_t at = 0; at < what.conditions.size(); ++at) {
        const auto& condition = what.conditions[at];
        value_view subject;
        value_view operand;
        bool supplied = condition.subject.evaluate(seen, subject_text_, subject, why_);
        if (supplied && condition.operand.is_literal()) {
            operand = value_view::of(condition.operand.literal());
        } else if (supplied) {
            subject_.assign(subject);
            subject = subject_.view();
            supplied = condition.operand.evaluate(seen, operand_text_, operand, why_);
        }
        if (!supplied || !holds(condition.word, subject, operand)) {
            said = supplied ? verdict::condition : verdict::unsupplied;
            detail = at;
            return false;
        }
    }
    return true;
}

bool rule_engine::body::gate_state::admit(const host::gate& asked, const capture_list& found, time_us now) {
    if (asked.at_most != 0) {
        if (times.size() < asked.at_most) {
            times.push_back(now);
        } else if (now - times[next_time] >= one_second) {
            times[next_time] = now;
            next_time = (next_time + 1) % times.size();
        } else {
            return false;
        }
    }
    if (asked.on_change) {
        has_last = true;
        last.assign(found[*asked.on_change]);
    }
    return true;
}

bool rule_engine::body::passes(const entry& one, context& seen, time_us now) {
    const auto& asked = rules_[one.rule].listens[one.listening];
    auto& gate = gates_[one.gate + (asked.instance == any_instance ? seen.what().instance : 0)];

    if (asked.gate.on_change && gate.has_last && gate.last.view() == seen.captures()[*asked.gate.on_change]) {
        gate.held = false; // what was held is no longer the last that came
        say(one.rule, verdict::unchanged, 0, now);
        return false;
    }
    if (asked.gate.debounce != 0) {
        hold(gate, one, seen, now);
        say(one.rule, verdict::waiting, 0, now);
        return false;
    }
    if (!gate.admit(asked.gate, seen.captures(), now)) {
        say(one.rule, verdict::too_often, 0, now);
        return false;
    }
    return true;
}

void rule_engine::body::hold(gate_state& gate, const entry& one, const context& seen, time_us now) {
    const auto& asked = rules_[one.rule].listens[one.listening];
    gate.held = true;
    gate.due = now + asked.gate.debounce;
    gate.rule = one.rule;
    gate.listening = one.listening;
    gate.instance = seen.what().instance;
    gate.variables.resize(seen.what().variables.size());
    for (std::size_t at = 0; at < gate.variables.size(); ++at)
        gate.variables[at].assign(seen.what().variables[at]);
    gate.captures.resize(seen.captures().size());
    for (std::size_t at = 0; at < gate.captures.size(); ++at)
        gate.captures[at].assign(seen.captures()[at]);
    if (!gate.queued) {
        gate.queued = true;
        schedule(gate.due, timer_kind::debounce, static_cast<std::uint32_t>(&gate - gates_.data()));
    }
}

void rule_engine::body::let_go(std::uint32_t index, time_us now) {
    auto& gate = gates_[index];
    gate.queued = false;
    if (!gate.held)
        return;
    if (gate.due > now) { // more has come since
        gate.queued = true;
        schedule(gate.due, timer_kind::debounce, index);
        return;
    }
    gate.held = false;
    const auto& asked = rules_[gate.rule].listens[gate.listening];
    std::vector<value_view> variables;
    for (const auto& one : gate.variables)
        variables.push_back(one.view());
    capture_list captures;
    for (const auto& one : gate.captures)
        captures.add(one.view());
    const event what{gate.instance, asked.trigger, variables};
    context seen{*this, what, &asked, captures};

    ++walks_;
    trace_.begin(cause::debounce, what, gate.rule, 0, now);
    if (!states_[gate.rule].known.enabled) {
        say(gate.rule, verdict::disabled, 0, now);
    } else if (!gate.admit(asked.gate, captures, now)) {
        say(gate.rule, verdict::too_often, 0, now);
    } else {
        say(gate.rule, verdict::fired, 0, now);
        run(gate.rule, seen, 0, now);
    }
    trace_.end(1, no_rule);
}

bool rule_engine::body::run_alone(std::uint32_t which, cause why, const event& what,
                                  const host::listening* heard, std::uint32_t by, std::uint32_t depth,
                                  time_us now) {
    static constexpr capture_list nothing{};
    context seen{*this, what, heard, nothing};
    ++walks_;
    trace_.begin(why, what, by, depth, now);
    auto said = verdict::fired;
    std::uint32_t detail = 0;
    if (!states_[which].known.enabled)
        said = verdict::disabled;
    else
        conditions_hold(rules_[which], seen, said, detail);
    say(which, said, detail, now);
    if (said == verdict::fired)
        run(which, seen, depth, now);
    trace_.end(1, no_rule);
    return said == verdict::fired;
}

// ---- acting ------------------------------------------------------------------------------------------

void rule_engine::body::run(std::uint32_t which, context& seen, std::uint32_t depth, time_us now) {
    const auto& acts = rules_[which].acts;
    for (std::uint32_t at = 0; at < acts.size(); ++at) {
        const auto& what = acts[at];
        const origin from{which, at, depth};
        const auto instance = what.instance == this_instance ? seen.what().instance : what.instance;
        std::uint32_t target = 0;
        if (what.instance == this_instance)
            while (target + 1 < what.targets.size() && what.targets[target].module != module_of_[instance])
                ++target;
        const auto& chosen = what.targets[target];

        seen.address(instance);
        std::string why;
        const bool accepted = prepare(what, chosen, seen, why) &&
                              (what.after > 0 ? put_off(instance, target, what, from, now, why)
                                              : begin(instance, what, chosen, from, now, why));
        trace_.acted(which, at, accepted, what.after, why);
        if (!accepted)
            fail(from, why);
    }
}

bool rule_engine::body::prepare(const act& what, const action_target& target, context& seen,
                                std::string& why) {
    arguments_.clear();
    if (argument_memory_.size() < what.arguments.size())
        argument_memory_.resize(what.arguments.size());
    for (std::size_t at = 0; at < what.arguments.size(); ++at) {
        const auto& plan = what.arguments[at];
        const auto& field = *target.arguments[at].what;
        argument_view made{field.number, {}, nullptr};
        if (plan.test)
            made.test = &plan.test;
        else if (!prepare_one(plan, field, seen, argument_memory_[at], made.what, why))
            return false;
        arguments_.push_back(made);
    }
    return true;
}

bool rule_engine::body::prepare_one(const argument_plan& plan, const manifest::field& what, context& seen,
                                    value& memory, value_view& found, std::string& why) {
    const auto* only = plan.text.sole();
    bool ready = plan.text.is_literal();
    if (ready) {
        found = value_view::of(plan.text.literal());
    } else if (only != nullptr && (only->from == source::trigger || what.type == manifest::type::data)) {
        if (!seen.supply(*only, found, why))
            return false;
        // What the event brought stays good while the rule runs: a large message goes through without a copy.
        if (found.kind == value_kind::bytes && what.type == manifest::type::data) {
            if (only->from != source::trigger) {
                memory.assign(found);
                found = memory.view();
            }
            return true;
        }
        ready = found.kind == value_kind::text && only->from == source::trigger;
    }
    if (!ready) {
        if (!plan.text.expand(seen, memory.text, why))
            return false;
        memory.kind = value_kind::text;
        found = memory.view();
    }

    if (!plan.text.is_literal())
        why = manifest::judge(what, found.text);
    bool fits = why.empty();
    if (fits && what.type == manifest::type::boolean)
        fits = convert(found, variable_type::boolean, memory);
    else if (fits && what.type == manifest::type::integer)
        fits = convert(found, variable_type::integer, memory);
    else if (fits && what.type == manifest::type::real)
        fits = convert(found, variable_type::real, memory);
    else if (fits)
        return true;
    if (!fits) {
        if (why.empty())
            why = what.id + " cannot be " + in_quotes(found.text) + ".";
        return false;
    }
    found = memory.view();
    return true;
}

bool rule_engine::body::begin(std::uint32_t instance, const act& what, const action_target& target,
                              const origin& from, time_us now, std::string& why) {
    if (target.module == host_instance) {
        const auto argument = [&](std::uint32_t number) {
            for (const auto& one : arguments_)
                if (one.number == number)
                    return one.what;
            return value_view::of(std::int64_t{1}); // what host/add adds if nothing is said
        };
        switch (target.what->number) {
        case host_action::set:
            return values_.set(what.place, argument(host_argument::value), why);
        case host_action::add:
            return values_.add(what.place, argument(host_argument::value), why);
        case host_action::fire:
            return fire_rule(what.place, from, now, why);
        default:
            break;
        }
    }
    return world_.invoke({instance, target.what->number, arguments_, from}, why);
}

bool rule_engine::body::fire_rule(std::uint32_t which, const origin& from, time_us now, std::string& why) {
    if (!deeper(from, "host/fire", why)) {
        say(which, verdict::too_deep, 0, now);
        return false;
    }
    const event none{host_instance, host_trigger::manual, {}};
    run_alone(which, cause::rule, none, nullptr, from.rule, from.depth + 1, now);
    return true;
}

bool rule_engine::body::deeper(const origin& from, std::string_view by, std::string& why) {
    if (from.depth >= max_depth) {
        why = "Rules that fire rules are nested " + std::to_string(max_depth) +
              " deep, and here they stop: the rule " + in_quotes(rules_[from.rule].name) +
              " would go deeper by " + std::string{by} +
              ". Let fewer rules fire each other, or use after=\"…\".";
    } else if (++runs_ > max_runs) {
        why = "One event has led to " + std::to_string(max_runs) +
              " runs of rules, and here they stop: the rule " + in_quotes(rules_[from.rule].name) +
              " would add one by " + std::string{by} + ". Let fewer rules fire each other.";
    } else {
        return true;
    }
    trace_.complain(from.rule, why);
    return false;
}

bool rule_engine::body::put_off(std::uint32_t instance, std::uint32_t target, const act& what,
                                const origin& from, time_us now, std::string& why) {
    std::uint32_t index = 0;
    if (!free_delayed_.empty()) {
        index = free_delayed_.back();
        free_delayed_.pop_back();
    } else if (delayed_.size() < max_delayed) {
        index = static_cast<std::uint32_t>(delayed_.size());
        delayed_.emplace_back();
    } else {
        why = std::to_string(max_delayed) +
              " delayed actions are waiting already, so this one is not taken. Delay "
              "fewer, or for a shorter time.";
        trace_.complain(from.rule, why);
        return false;
    }
    auto& one = delayed_[index];
    one.instance = instance;
    one.target = target;
    one.from = from;
    one.values.resize(arguments_.size());
    one.tests.resize(arguments_.size());
    one.numbers.resize(arguments_.size());
    for (std::size_t at = 0; at < arguments_.size(); ++at) {
        one.values[at].assign(arguments_[at].what);
        one.tests[at] = arguments_[at].test;
        one.numbers[at] = arguments_[at].number;
    }
    schedule(now + what.after, timer_kind::act, index);
    return true;
}

void rule_engine::body::run_delayed(std::uint32_t index, time_us now) {
    auto& one = delayed_[index];
    const auto from = origin{one.from.rule, one.from.act, 0}; // time has passed: nothing is nested any more
    const auto instance = one.instance;
    const auto& what = rules_[from.rule].acts[from.act];
    const auto& target = what.targets[one.target];
    arguments_.clear();
    for (std::size_t at = 0; at < one.values.size(); ++at)
        arguments_.push_back({one.numbers[at], one.values[at].view(), one.tests[at]});

    std::string why;
    const bool accepted = begin(instance, what, target, from, now, why);
    trace_.acted(from.rule, from.act, accepted, 0, why);
    // A message that was put off need not be kept once it is on its way. (Not `one`: more may have been put
    // off in between.)
    delayed_[index].values.clear();
    free_delayed_.push_back(index);
    if (!accepted)
        fail(from, why);
}

void rule_engine::body::fail(const origin& from, std::string_view sentence) {
    if (find(host_tables_, host_trigger::action_failed) != nullptr)
        failures_.push_back({from, std::string{sentence}});
}

void rule_engine::body::tell_failures(time_us now) {
    // Each may lead to more; max_depth and max_runs bound them.
    for (std::size_t at = 0; at < failures_.size(); ++at) {
        const auto one = failures_[at];
        std::string why;
        if (!deeper(one.from, "host/action-failed", why))
            continue;
        const auto& failed = rules_[one.from.rule];
        const value_view variables[] = {value_view::of(std::string_view{failed.name}),
                                        value_view::of(std::string_view{failed.acts[one.from.act].written}),
                                        value_view::of(std::string_view{one.sentence})};
        walk({host_instance, host_trigger::action_failed, variables}, one.from.depth + 1, now);
    }
    failures_.clear();
}

void rule_engine::body::action_failed(const origin& from, std::string_view sentence, time_us now) {
    runs_ = 0;
    fail(from, sentence);
    tell_failures(now);
}

bool rule_engine::body::fire_by_hand(std::uint32_t which, time_us now, std::string& why) {
    const auto& wanted = rules_[which];
    if (!wanted.by_itself) {
        why = "The rule " + in_quotes(wanted.name) +
              " uses values of its trigger, and by hand there are none. Let its "
              "trigger happen.";
        return false;
    }
    if (!states_[which].known.enabled) {
        why = "The rule " + in_quotes(wanted.name) + " is disabled. Enable it first.";
        return false;
    }
    runs_ = 0;
    const event what{host_instance, host_trigger::manual, {}};
    const bool fired = run_alone(which, cause::hand, what, nullptr, no_rule, 0, now);
    if (!fired) {
        const auto& known = states_[which].known;
        why = "The rule " + in_quotes(wanted.name) + " was not fired: its condition " +
              in_quotes(wanted.conditions[known.detail].written) + " does not hold.";
    }
    tell_failures(now);
    return fired;
}

// ---- time --------------------------------------------------------------------------------------------

void rule_engine::body::schedule(time_us due, timer_kind kind, std::uint32_t index) {
    timers_.push_back({due, ++timer_order_, kind, index});
    std::push_heap(timers_.begin(), timers_.end());
}

std::optional<time_us> rule_engine::body::next_deadline() const {
    if (timers_.empty())
        return std::nullopt;
    return timers_.front().due;
}

void rule_engine::body::start(time_us now, bool startup) {
    for (std::uint32_t which = 0; which < rules_.size(); ++which) {
        for (std::uint32_t on = 0; on < rules_[which].listens.size(); ++on) {
            const auto& heard = rules_[which].listens[on];
            if (heard.interval == 0)
                continue;
            const auto index = static_cast<std::uint32_t>(tickers_.size());
            const auto beat = beats_.find({which, on});
            const auto due = beat != beats_.end() ? beat->second : now + heard.interval;
            tickers_.push_back({which, on, heard.interval, due});
            schedule(due, timer_kind::tick, index);
        }
    }
    if (startup)
        fire({host_instance, host_trigger::startup, {}}, now);
}

// ---- taking over -------------------------------------------------------------------------------------

namespace {

std::uint32_t successor(const std::vector<std::uint32_t>& of, std::uint32_t old) {
    // any_instance, this_instance and host_instance stand for themselves.
    return old < of.size() ? of[old] : old >= any_instance ? old : no_rule;
}

} // namespace

void rule_engine::body::adopt(body& before, const succession& what, std::vector<lost_deed>& lost) {
    adopt_reports(before, what);
    adopt_timers(before, what, adopt_gates(before, what, lost), lost);
    for (const auto& tick : before.tickers_) {
        const auto which = successor(what.rules, tick.rule);
        if (which == no_rule)
            continue;
        const auto on = same_listening(before.rules_[tick.rule].listens[tick.listening], which, what);
        if (on != no_rule)
            beats_[{which, on}] = tick.due;
    }
}

void rule_engine::body::adopt_reports(const body& before, const succession& what) {
    walks_ = before.walks_;
    const auto told = [&](verdict& said, std::uint32_t& detail) {
        if (said != verdict::stopped)
            return;
        detail = successor(what.rules, detail);
        if (detail == no_rule)
            said = verdict::never; // by a rule that is gone
    };
    for (std::uint32_t old = 0; old < before.rules_.size(); ++old) {
        const auto which = successor(what.rules, old);
        if (which == no_rule) {
            // What a changed rule said of events is no longer true; how often it fired is.
            if (const auto changed = successor(what.named, old); changed != no_rule) {
                states_[changed].known.fired = before.states_[old].known.fired;
                states_[changed].known.last_fired = before.states_[old].known.last_fired;
            }
            continue;
        }
        auto& state = states_[which];
        state.known = before.report(old);
        state.walk = walks_;
        told(state.known.last_said, state.known.detail);
        told(state.known.last_no_said, state.known.last_no_detail);
    }
}

std::uint32_t rule_engine::body::same_listening(const host::listening& old, std::uint32_t which,
                                                const succession& what) const {
    const auto& among = rules_[which].listens;
    const auto found = std::find_if(among.begin(), among.end(), [&](const host::listening& one) {
        return one.on == old.on && one.trigger == old.trigger &&
               one.instance == successor(what.instances, old.instance) &&
               (one.instance != any_instance || one.module == successor(what.modules, old.module));
    });
    return found == among.end() ? no_rule : static_cast<std::uint32_t>(found - among.begin());
}

std::vector<std::uint32_t> rule_engine::body::adopt_gates(body& before, const succession& what,
                                                          std::vector<lost_deed>& lost) {
    std::vector<std::uint32_t> places(before.gates_.size(), no_gate);
    for (std::uint32_t old = 0; old < before.rules_.size(); ++old) {
        const auto which = successor(what.rules, old);
        for (std::uint32_t at = 0; at < before.rules_[old].listens.size(); ++at) {
            const auto& heard = before.rules_[old].listens[at];
            const auto first = before.gate_of_[old][at];
            if (first == no_gate)
                continue;
            const auto on = which == no_rule ? no_rule : same_listening(heard, which, what);
            const bool each = heard.instance == any_instance;
            const auto count = each ? static_cast<std::uint32_t>(before.module_of_.size()) : 1;
            for (std::uint32_t one = 0; one < count; ++one) {
                auto& gate = before.gates_[first + one];
                const auto instance = each ? successor(what.instances, one) : 0;
                if (on != no_rule && instance != no_rule) {
                    places[first + one] = gate_of_[which][on] + instance;
                    adopt_gate(gate, which, on, places[first + one],
                               successor(what.instances, gate.instance));
                } else if (gate.held) {
                    lost.push_back({old, "the event that it was holding back (debounce)", gate.due});
                }
            }
        }
    }
    return places;
}

void rule_engine::body::adopt_gate(gate_state& from, std::uint32_t which, std::uint32_t on,
                                   std::uint32_t place, std::uint32_t instance) {
    auto& gate = gates_[place];
    gate = std::move(from);
    gate.rule = which;
    gate.listening = on;
    gate.instance = instance;
    gate.queued = false;
}

/// In the order in which they would have come.
void rule_engine::body::adopt_timers(body& before, const succession& what,
                                     const std::vector<std::uint32_t>& gates, std::vector<lost_deed>& lost) {
    auto waiting = before.timers_;
    std::sort(waiting.begin(), waiting.end(), [](const timer& a, const timer& b) { return b < a; });
    for (const auto& one : waiting) {
        if (one.kind == timer_kind::act) {
            adopt_delayed(before, one, what, lost);
        } else if (one.kind == timer_kind::debounce && gates[one.index] != no_gate) {
            auto& gate = gates_[gates[one.index]];
            gate.queued = gate.held;
            if (gate.held)
                schedule(one.due, timer_kind::debounce, gates[one.index]);
        }
    }
}

void rule_engine::body::adopt_delayed(body& before, const timer& one, const succession& what,
                                      std::vector<lost_deed>& lost) {
    auto& old = before.delayed_[one.index];
    const auto& act_before = before.rules_[old.from.rule].acts[old.from.act];
    const auto which = successor(what.rules, old.from.rule);
    const auto instance = successor(what.instances, old.instance);
    const auto module = successor(what.modules, act_before.targets[old.target].module);
    // The host's own number is that of no rule: only an instance can be gone.
    const bool addressed = instance != no_rule || old.instance == host_instance;
    auto target = no_rule;
    if (which != no_rule && addressed) {
        const auto& targets = rules_[which].acts[old.from.act].targets;
        for (std::uint32_t at = 0; at < targets.size(); ++at)
            if (targets[at].module == module)
                target = at;
    }
    if (target == no_rule) {
        lost.push_back({old.from.rule, act_before.written, one.due});
        return;
    }
    const auto& arguments = rules_[which].acts[old.from.act].arguments;
    for (std::size_t at = 0; at < old.tests.size(); ++at)
        if (old.tests[at] != nullptr)
            old.tests[at] = &arguments[at].test;
    old.from.rule = which;
    old.instance = instance;
    old.target = target;
    schedule(one.due, timer_kind::act, static_cast<std::uint32_t>(delayed_.size()));
    delayed_.push_back(std::move(old));
}

void rule_engine::body::advance(time_us now) {
    // What becomes due meanwhile waits for the next call.
    const auto newest = timer_order_;
    std::vector<timer> later;
    while (!timers_.empty() && timers_.front().due <= now) {
        std::pop_heap(timers_.begin(), timers_.end());
        const auto next = timers_.back();
        timers_.pop_back();
        if (next.order > newest) {
            later.push_back(next);
            continue;
        }
        runs_ = 0;
        switch (next.kind) {
        case timer_kind::tick: {
            auto& tick = tickers_[next.index];
            // However late: once, and then again on the old beat.
            tick.due += ((now - tick.due) / tick.interval + 1) * tick.interval;
            schedule(tick.due, timer_kind::tick, next.index);
            const auto& heard = rules_[tick.rule].listens[tick.listening];
            const event what{host_instance, host_trigger::every, {}};
            run_alone(tick.rule, cause::trigger, what, &heard, no_rule, 0, now);
            break;
        }
        case timer_kind::debounce:
            let_go(next.index, now);
            break;
        case timer_kind::act:
            run_delayed(next.index, now);
            break;
        }
        tell_failures(now);
    }
    for (const auto& one : later) {
        timers_.push_back(one);
        std::push_heap(timers_.begin(), timers_.end());
    }
}

// ---- telling -----------------------------------------------------------------------------------------

void rule_engine::body::say(std::uint32_t which, verdict said, std::uint32_t detail, time_us now) {
    auto& state = states_[which];
    state.walk = walks_;
    state.known.last_looked = now;
    state.known.last_said = said;
    state.known.detail = detail;
    if (said == verdict::fired) {
        ++state.known.fired;
        state.known.last_fired = now;
    } else if (said != verdict::waiting) {
        state.known.last_no = now;
        state.known.last_no_said = said;
        state.known.last_no_detail = detail;
    }
    trace_.looked(which, said, detail);
}

void rule_engine::body::note_no(rule_report& known, const walk_record& walk, std::uint32_t at) {
    const bool stopped = walk.stopped_entry != no_rule && at > walk.stopped_entry;
    known.last_looked = known.last_no = walk.at;
    known.last_said = !known.enabled ? verdict::disabled : stopped ? verdict::stopped : verdict::no_match;
    known.detail = stopped ? walk.stopped_by : 0;
    known.last_no_said = known.last_said;
    known.last_no_detail = known.detail;
}

rule_report rule_engine::body::report(std::uint32_t which) const {
    auto known = states_[which].known;
    auto newest = states_[which].walk;
    const auto consider = [&](const tables& among) {
        for (const auto& one : among) {
            const auto mine = std::find_if(one.entries.begin(), one.entries.end(),
                                           [&](const entry& each) { return each.rule == which; });
            if (one.last.number <= newest || mine == one.entries.end())
                continue;
            note_no(known, one.last, static_cast<std::uint32_t>(mine - one.entries.begin()));
            newest = one.last.number;
        }
    };
    consider(host_tables_);
    for (const auto& among : dispatch_)
        consider(among);
    return known;
}

// ---- the engine's face -------------------------------------------------------------------------------

rule_engine::rule_engine(const rule_set& rules, variables& values, effects& world, trace_sink& trace)
    : body_(std::make_unique<body>(rules, values, world, trace)) {}
rule_engine::~rule_engine() = default;

std::vector<lost_deed> rule_engine::adopt(rule_engine& before, const succession& what) {
    std::vector<lost_deed> lost;
    body_->adopt(*before.body_, what, lost);
    return lost;
}
void rule_engine::start(time_us now, bool startup) {
    body_->start(now, startup);
}
void rule_engine::fire(const event& what, time_us now) {
    body_->fire(what, now);
}
void rule_engine::action_failed(const origin& from, std::string_view sentence, time_us now) {
    body_->action_failed(from, sentence, now);
}
bool rule_engine::fire_by_hand(std::uint32_t rule, time_us now, std::string& why) {
    return body_->fire_by_hand(rule, now, why);
}
void rule_engine::advance(time_us now) {
    body_->advance(now);
}
std::optional<time_us> rule_engine::next_deadline() const {
    return body_->next_deadline();
}
void rule_engine::enable(std::uint32_t rule, bool enabled) {
    body_->enable(rule, enabled);
}
rule_report rule_engine::report(std::uint32_t rule) const {
    return body_->report(rule);
}
std::size_t rule_engine::delayed_actions() const noexcept {
    return body_->delayed_actions();
}

} // namespace iom::host
