#include "host_manifest.hpp"

#include <utility>

namespace iom::host {

namespace {

using manifest::field;
using manifest::type;

field make(std::uint32_t number, const char* id, const char* label, type kind, const char* help) {
    field made;
    made.number = number;
    made.id = id;
    made.label = label;
    made.type = kind;
    made.help = help;
    return made;
}

field required(field what) {
    what.required = true;
    return what;
}

field with_default(field what, const char* value) {
    what.default_value = value;
    return what;
}

manifest::trigger trigger(std::uint32_t number, const char* id, const char* label, const char* help,
                          std::vector<field> variables = {}) {
    manifest::trigger made;
    made.number = number;
    made.id = id;
    made.label = label;
    made.help = help;
    made.variables = std::move(variables);
    return made;
}

manifest::action action(std::uint32_t number, const char* id, const char* label, const char* help,
                        std::vector<field> arguments) {
    manifest::action made;
    made.number = number;
    made.id = id;
    made.label = label;
    made.help = help;
    made.arguments = std::move(arguments);
    return made;
}

manifest::module_manifest make_manifest() {
    manifest::module_manifest made;
    made.id = "host";
    made.label = "Host";
    made.version = "1.0.0";
    made.help = "What the controller can do by itself, without any module.";

    made.triggers.push_back(trigger(host_trigger::startup, "startup", "Startup",
                                    "The host has started and its rules are live; once for each start."));
    made.triggers.push_back(trigger(host_trigger::every, "every", "Every",
                                    "Again and again, each time the interval has passed."));
    made.triggers.push_back(trigger(host_trigger::manual, "manual", "By hand",
                                    "Somebody asked for it, in the page or over HTTP."));
    made.triggers.push_back(
        trigger(host_trigger::action_failed, "action-failed", "Action failed",
                "An action of a rule was refused, was given up or took too long.",
                {make(1, "rule", "Rule", type::text, "The name of the rule."),
                 make(2, "action", "Action", type::text, "The action as the rule names it."),
                 make(3, "sentence", "Sentence", type::text, "What went wrong, and what to do next.")}));
    auto level = with_default(
        make(host_argument::log_level, "level", "Level", type::choice, "How serious it is."), "info");
    for (const auto* word : {"error", "warning", "info", "debug"})
        level.choices.push_back({word, word, ""});
    made.actions.push_back(
        action(host_action::log, "log", "Log", "Writes a line to the log.",
               {required(make(host_argument::log_message, "message", "Message", type::text, "The line.")),
                std::move(level)}));
    made.actions.push_back(
        action(host_action::set, "set", "Set variable", "Gives a host variable a value.",
               {required(make(host_argument::variable, "variable", "Variable", type::text,
                              "The name of the variable.")),
                required(make(host_argument::value, "value", "Value", type::text, "Its new value."))}));
    made.actions.push_back(action(host_action::add, "add", "Add to variable",
                                  "Adds to a host variable; to a text, it is appended.",
                                  {required(make(host_argument::variable, "variable", "Variable", type::text,
                                                 "The name of the variable.")),
                                   with_default(make(host_argument::value, "value", "Value", type::text,
                                                     "What to add; a negative number subtracts."),
                                                "1")}));
    made.actions.push_back(
        action(host_action::fire, "fire", "Fire rule", "Runs another rule now, if its conditions hold.",
               {required(make(host_argument::rule, "rule", "Rule", type::text, "The name of the rule."))}));
    return made;
}

} // namespace

const manifest::module_manifest& host_manifest() {
    static const manifest::module_manifest made = make_manifest();
    return made;
}

} // namespace iom::host
