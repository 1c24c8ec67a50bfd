#include "rule_trial.hpp"

#include <algorithm>

namespace iom::host {
namespace {

class trial_scope final : public scope {
public:
    trial_scope(trial_world& world, const event& what, const listening* heard, const capture_list& captures)
        : world_(world), what_(what), heard_(heard), captures_(captures) {}

    bool supply(const reference& what, value_view& found, std::string& why) override {
        found = {};
        switch (what.from) {
        case source::trigger:
            if (heard_ != nullptr && what.index < heard_->positions.size()) {
                const name_position position = heard_->positions[what.index];
                if (position.captured) {
                    found = captures_[position.index];
                } else if (position.index < what_.variables.size()) {
                    found = what_.variables[position.index];
                }
            }
            break;
        case source::instance:
            found = value_view::of(world_.instance_name(what_.instance));
            break;
        case source::status:
            found = world_.status(what.owner == this_instance ? what_.instance : what.owner, what.index);
            break;
        case source::session:
            if (const auto captured = world_.session(what_.instance, what.index)) {
                found = *captured;
                break;
            }
            why = not_captured(world_.symbol(what.index));
            return false;
        case source::variable:
            found = world_.variable(what.index);
            break;
        case source::secret:
            text_ = "${secret:" + world_.symbol(what.index) + '}';
            found = value_view::of(std::string_view(text_));
            break;
        case source::environment:
            text_ = "${env:" + world_.symbol(what.index) + '}';
            found = value_view::of(std::string_view(text_));
            break;
        case source::seq:
            text_ = "${seq}"; // a real one would be used up
            found = value_view::of(std::string_view(text_));
            break;
        case source::uuid:
            text_ = "${uuid}";
            found = value_view::of(std::string_view(text_));
            break;
        case source::now:
            found = value_view::of(world_.now());
            break;
        }
        return true;
    }

private:
    trial_world& world_;
    const event& what_;
    const listening* heard_;
    const capture_list& captures_;
    std::string text_;
};

bool hears(const listening& one, const event& what, const std::vector<std::uint32_t>& module_of) {
    if (one.trigger != what.trigger) {
        return false;
    }
    if (one.instance == any_instance) {
        return what.instance != host_instance && what.instance < module_of.size() &&
               module_of[what.instance] == one.module;
    }
    return one.instance == what.instance;
}

std::string in_words(const match_spec& of, bool holds) {
    const std::string text = in_quotes(of.text);
    switch (of.kind) {
    case match_kind::contains:
        return of.text.empty() ? "takes every message" : (holds ? "contains " : "does not contain ") + text;
    case match_kind::equals:
        return (holds ? "equals " : "is not exactly ") + text;
    case match_kind::prefix:
        return (holds ? "begins with " : "does not begin with ") + text;
    case match_kind::regex:
        return (holds ? "fits the expression " : "does not fit the expression ") + of.text;
    case match_kind::json:
        if (of.compare == json_comparison::exists) {
            return (holds ? "has " : "has nothing at ") + of.pointer;
        }
        return of.pointer + (holds ? " is " : " is not ") + std::string(to_word(of.compare)) + ' ' + of.text;
    }
    return {};
}

void need_time(trial_world& world) {
    if (!world.has_time()) {
        throw trial_out_of_time();
    }
}

/// Answers the first that does not hold.
const match_spec* test_matches(const match& all, message_view& message, trial_world& world, rule_trial& to) {
    const match_spec* failing = nullptr;
    for (const match_spec& each : all.specs()) {
        need_time(world);
        std::string why;
        std::size_t which = 0;
        const auto one = match::compile(std::span(&each, 1), why, which);
        const bool holds = one != nullptr && one->test(message);
        to.matches.push_back({holds, in_words(each, holds)});
        failing = failing == nullptr && !holds ? &each : failing;
    }
    return failing;
}

const listening* heard_by(const rule_set& rules, std::uint32_t which, const event& what) {
    for (const listening& each : rules.rules[which].listens) {
        if (hears(each, what, rules.module_of)) {
            return &each;
        }
    }
    return nullptr;
}

value_view tested_of(const listening& heard, const event& what) {
    return heard.tested < what.variables.size() ? what.variables[heard.tested] : value_view{};
}

} // namespace

std::string why_no_match(const rule_set& rules, std::uint32_t which, const event& what) {
    const listening* const heard = heard_by(rules, which, what);
    if (heard == nullptr || heard->test == nullptr) {
        return {};
    }
    json_document scratch;
    message_view message(tested_of(*heard, what), scratch);
    const auto failing = heard->test->failing(message);
    return failing ? "the message " + in_words(heard->test->specs()[*failing], false) : std::string();
}

bool listens_to(const rule_set& rules, std::uint32_t which, const event& what) {
    return heard_by(rules, which, what) != nullptr;
}

std::vector<reference> references_of(const rule& what) {
    std::vector<reference> all;
    const auto add = [&](const text_template& from) {
        const std::vector<reference> found = from.references();
        all.insert(all.end(), found.begin(), found.end());
    };
    for (const condition& each : what.conditions) {
        add(each.subject);
        add(each.operand);
    }
    for (const act& each : what.acts) {
        for (const argument_plan& argument : each.arguments) {
            add(argument.text);
        }
    }
    return all;
}

rule_trial try_rule(const rule_set& rules, std::uint32_t which, const event& what, bool by_hand,
                    trial_world& world) {
    const rule& tried = rules.rules[which];
    rule_trial made;
    const listening* heard = nullptr;
    if (!by_hand) {
        heard = heard_by(rules, which, what);
        if (heard == nullptr) {
            made.sentence = "does not listen to this";
            return made;
        }
        made.on = heard->on;
    }
    made.listens = true;

    json_document scratch;
    capture_list captures;
    bool goes_on = true;
    if (!tried.enabled) {
        made.said = verdict::disabled;
        made.sentence = "is not enabled";
        goes_on = false;
    }
    if (heard != nullptr && heard->test != nullptr) {
        message_view message(tested_of(*heard, what), scratch);
        const match_spec* const failing = test_matches(*heard->test, message, world, made);
        if (failing == nullptr) {
            need_time(world);
            heard->test->capture(message, captures);
        } else if (goes_on) {
            made.said = verdict::no_match;
            made.sentence = "its match did not hold: the message " + in_words(*failing, false);
            goes_on = false;
        }
        const auto& names = heard->test->capture_names();
        for (std::size_t at = 0; at < captures.size(); ++at) {
            made.captures.push_back({what.variables.size() + at + 1,
                                     at < names.size() ? names[at] : std::string(), to_text(captures[at])});
        }
    }

    trial_scope seen(world, what, heard, captures);
    bool matched = goes_on;
    for (const condition& each : tried.conditions) {
        if (!matched) {
            break; // what it compares may come from a match that did not hold
        }
        rule_trial::condition said;
        said.written = each.written;
        std::string subject_text;
        std::string operand_text;
        std::string why;
        value_view subject;
        value_view operand;
        bool supplied = each.subject.evaluate(seen, subject_text, subject, why);
        value kept;
        kept.assign(subject);
        supplied = supplied && each.operand.evaluate(seen, operand_text, operand, why);
        said.found = to_text(kept.view());
        said.holds = supplied && condition_holds(each.word, kept.view(), operand);
        said.sentence = !supplied    ? why
                        : said.holds ? "holds"
                                     : "does not hold: there is " + in_quotes(said.found);
        if (!said.holds && goes_on) {
            made.said = supplied ? verdict::condition : verdict::unsupplied;
            made.sentence = "its condition did not hold: " + each.written;
            goes_on = false;
        }
        made.conditions.push_back(std::move(said));
    }
    if (!goes_on) {
        return made;
    }
    made.said = verdict::fired;
    made.sentence = "would fire";
    for (const act& each : tried.acts) {
        rule_trial::deed deed;
        deed.action = each.written;
        deed.after = each.after;
        const std::uint32_t instance = each.instance == this_instance ? what.instance : each.instance;
        std::size_t target = 0;
        if (each.instance == this_instance && instance < rules.module_of.size()) {
            while (target + 1 < each.targets.size() &&
                   each.targets[target].module != rules.module_of[instance]) {
                ++target;
            }
            deed.action =
                std::string(world.instance_name(instance)) + each.written.substr(each.written.find('/'));
        }
        for (std::size_t at = 0; at < each.arguments.size() && target < each.targets.size(); ++at) {
            const argument_plan& plan = each.arguments[at];
            const manifest::field& field = *each.targets[target].arguments[at].what;
            std::string text;
            std::string why;
            if (plan.test != nullptr) {
                for (const match_spec& spec : plan.test->specs()) {
                    text += (text.empty() ? "" : ", ") + std::string(to_word(spec.kind)) + ' ' +
                            in_quotes(spec.text);
                }
            } else if (!plan.text.expand(seen, text, why)) {
                deed.sentence = why;
            } else if (!plan.text.is_literal() && field.type != manifest::type::secret) {
                deed.sentence = deed.sentence.empty() ? manifest::judge(field, text) : deed.sentence;
            }
            deed.arguments.emplace_back(field.id, std::move(text));
        }
        made.would.push_back(std::move(deed));
    }
    return made;
}

} // namespace iom::host
