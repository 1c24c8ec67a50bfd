#pragma once

#include "rules.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What a rule would make of an event, step by step, without doing anything. Pure.
namespace iom::host {

/// What the trial sees of the world. What is borrowed holds until the next call.
class trial_world {
public:
    trial_world() = default;
    trial_world(const trial_world&) = delete;
    trial_world& operator=(const trial_world&) = delete;
    virtual ~trial_world() = default;

    virtual value_view status(std::uint32_t instance, std::uint32_t status) = 0;
    virtual std::string_view instance_name(std::uint32_t instance) = 0;
    /// Nothing if it was not captured in this session.
    virtual std::optional<value_view> session(std::uint32_t instance, std::uint32_t symbol) = 0;
    virtual value_view variable(std::uint32_t which) = 0;
    virtual std::string_view now() = 0;
    /// The name that stands for it, since the value is not to be shown.
    virtual std::string symbol(std::uint32_t symbol) = 0;
    /// Whether one more match may be tested; it is asked before each.
    virtual bool has_time() { return true; }
};

/// The world has no time left: what was tried until then tells nothing.
class trial_out_of_time : public std::runtime_error {
public:
    trial_out_of_time() : std::runtime_error("the trial of a rule ran out of time") {}
};

struct rule_trial {
    struct test {
        bool holds = false;
        std::string sentence;
    };
    struct capture {
        std::size_t number = 0; ///< as in ${3}
        std::string name;
        std::string value;
    };
    struct condition {
        std::string written;
        bool holds = false;
        std::string found;
        std::string sentence;
    };
    struct deed {
        std::string action;
        time_us after = 0;
        std::vector<std::pair<std::string, std::string>> arguments;
        std::string sentence; ///< why it could not be done
    };

    bool listens = false; ///< to this trigger at all
    verdict said = verdict::never;
    std::string sentence;
    std::optional<std::uint32_t> on;
    std::vector<test> matches;
    std::vector<capture> captures;
    std::vector<condition> conditions;
    std::vector<deed> would;
};

/// Which part of the rule's match that event does not fit: `the message does not contain "ALARM"`. Empty if
/// it does, or if the rule does not listen to it.
std::string why_no_match(const rule_set& rules, std::uint32_t which, const event& what);

/// Whether the rule listens to that event at all.
bool listens_to(const rule_set& rules, std::uint32_t which, const event& what);

/// All that its conditions and the arguments of its actions insert: what try_rule may ask the world for.
std::vector<reference> references_of(const rule& what);

/// Throws trial_out_of_time. `by_hand`: as if a person fired it. Counts (on-change, at-most, debounce) are
/// not looked at.
rule_trial try_rule(const rule_set& rules, std::uint32_t which, const event& what, bool by_hand,
                    trial_world& world);

} // namespace iom::host
