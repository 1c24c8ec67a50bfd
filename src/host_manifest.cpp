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

field in_range(field what, double least, double most, const char* unit = "") {
    what.min = least;
    what.max = most;
    what.unit = unit;
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

manifest::action make_http() {
    auto method = with_default(
        make(host_argument::http_method, "method", "Method", type::choice, "What is asked for."), "GET");
    for (const auto* word : {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"})
        method.choices.push_back({word, word, ""});
    auto headers = make(host_argument::http_headers, "headers", "HTTP headers", type::text,
                        "Headers of the request, each as Name: value.");
    headers.list = true;
    return action(
        host_action::http, "http", "HTTP request",
        "Asks a web server, beside everything else that runs. Its answer fires host/http-answered; if none "
        "comes, "
        "host/action-failed says why. At most 16 requests run at once and 64 more wait. A redirect is "
        "followed "
        "only to the same scheme, host and port, five times at most; proxies and cookies are not used.",
        {std::move(method),
         required(
             make(host_argument::http_url, "url", "URL", type::text, "http:// or https://, host and path.")),
         std::move(headers),
         make(host_argument::http_body, "body", "Body", type::data,
              "What is sent along. Its Content-Type is application/json, unless a header says otherwise."),
         with_default(
             in_range(make(host_argument::http_timeout, "timeout", "Timeout", type::real,
                           "Over the whole request, from the look-up of the name to the answer's end."),
                      0.1, 300, "s"),
             "10"),
         make(host_argument::http_request, "request", "Request", type::text,
              "A name for http-answered to tell answers by. Without one it is that of the rule."),
         with_default(make(host_argument::http_tls_verify, "tls-verify", "Verify certificate", type::boolean,
                           "Off: any certificate is taken, so that anyone on the way can read and change "
                           "everything."),
                      "true"),
         make(host_argument::http_tls_ca, "tls-ca", "CA certificates", type::file,
              "PEM file with the authorities to trust. Empty: the system's store.")});
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
        "A request of host/http was answered, with whatever status. One without an answer fires "
        "action-failed.",
        {make(1, "request", "Request", type::text, "What the action calls it, or the rule that asked."),
         make(2, "status", "Status", type::integer, "The answer's code, as 200."),
         make(3, "body", "Body", type::data, "The answer's body. Bytes that are no UTF-8 come as binary."),
         make(4, "milliseconds", "Milliseconds", type::real, "From the action to the whole answer.")});
    answered.match_variable = "body";
    answered.match_label = "Match body";
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
    made.actions.push_back(make_http());
    return made;
}

} // namespace

const manifest::module_manifest& host_manifest() {
    static const manifest::module_manifest made = make_manifest();
    return made;
}

} // namespace iom::host
