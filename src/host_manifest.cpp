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
    auto answered = trigger(
        host_trigger::http_answered, "http-answered", "HTTP answered",
        "A request made with the action HTTP request has been answered, or has failed.",
        {make(1, "body", "Body", type::data, "The body of the answer."),
         make(2, "status", "Status", type::integer, "The HTTP status; 0 if there was no answer."),
         make(3, "name", "Name", type::text, "The name that the action gave the request."),
         make(4, "sentence", "Sentence", type::text, "Why there was no answer; empty if there was one.")});
    answered.match_variable = "body";
    answered.match_label = "Body";
    made.triggers.push_back(std::move(answered));

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

    auto method = with_default(
        make(host_argument::http_method, "method", "Method", type::choice, "What to ask of the server."),
        "GET");
    for (const auto* word : {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"})
        method.choices.push_back({word, word, ""});
    auto headers = make(host_argument::http_headers, "headers", "Headers", type::text,
                        "Header lines, each as Name: value.");
    headers.list = true;
    auto timeout = with_default(make(host_argument::http_timeout, "timeout", "Timeout", type::real,
                                     "How long the whole request may take."),
                                "10");
    timeout.unit = "s";
    timeout.min = 0.1;
    timeout.max = 600;
    made.actions.push_back(action(
        host_action::http, "http", "HTTP request",
        "Makes an HTTP request in the background; its answer fires HTTP answered.",
        {required(make(host_argument::http_url, "url", "URL", type::text, "http:// or https:// and so on.")),
         std::move(method), std::move(headers),
         make(host_argument::http_body, "body", "Body", type::text, "What to send with it."),
         std::move(timeout),
         make(host_argument::http_name, "name", "Name", type::text,
              "A name of your choice, by which the rule for the answer knows it.")}));
    return made;
}

} // namespace

const manifest::module_manifest& host_manifest() {
    static const manifest::module_manifest made = make_manifest();
    return made;
}

} // namespace iom::host
