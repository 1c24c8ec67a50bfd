#include "support/projects.hpp"

#include <nlohmann/json.hpp>

namespace iom::test::xml {

namespace {

/// Rules need names of their own.
std::string next_name() {
    static int last = 0;
    return "rule " + std::to_string(++last);
}

bool gives(std::string_view settings, std::string_view name) {
    return settings.find("\"" + std::string(name) + "\"") != std::string_view::npos;
}

} // namespace

std::string escaped(std::string_view text) {
    std::string made;
    for (const char c : text) {
        switch (c) {
        case '&':
            made += "&amp;";
            break;
        case '<':
            made += "&lt;";
            break;
        case '>':
            made += "&gt;";
            break;
        case '"':
            made += "&quot;";
            break;
        default:
            made += c;
        }
    }
    return made;
}

std::string set(std::string_view name, std::string_view value) {
    return set_raw(name, escaped(value));
}

std::string set_raw(std::string_view name, std::string_view content) {
    return "<set name=\"" + std::string(name) + "\">" + std::string(content) + "</set>";
}

std::string instance(std::string_view name, std::uint16_t port, std::string_view path,
                     std::string_view settings) {
    std::string made = "<instance name=\"" + std::string(name) + "\" module=\"websocket-client\">" +
                       set("port", std::to_string(port)) + set("path", path);
    for (const auto& [id, value] :
         {std::pair("hostname", "127.0.0.1"), std::pair("reconnect-first-max", "0.05"),
          std::pair("reconnect-min", "0.1"), std::pair("reconnect-max", "0.2")}) {
        if (!gives(settings, id)) {
            made += set(id, value);
        }
    }
    return made + std::string(settings) + "</instance>\n";
}

std::string act(std::string_view action,
                std::initializer_list<std::pair<std::string_view, std::string_view>> arguments) {
    std::string made = "<do action=\"" + std::string(action) + "\">";
    for (const auto& [name, value] : arguments) {
        made += "<arg name=\"" + std::string(name) + "\">" + escaped(value) + "</arg>";
    }
    return made + "</do>";
}

std::string log(std::string_view message) {
    return act("host/log", {{"message", message}});
}

std::string rule(std::string_view trigger, std::string_view actions, std::string_view match,
                 std::string_view when) {
    return "<rule name=\"" + next_name() + "\"><on trigger=\"" + std::string(trigger) + "\">" +
           std::string(match) + "</on>" + std::string(when) + std::string(actions) + "</rule>\n";
}

std::string button(std::string_view word, std::string_view actions) {
    return rule("button/message-received", actions, "<match kind=\"equals\">" + escaped(word) + "</match>");
}

std::string project(std::string_view content) {
    return "<project name=\"test\">" + std::string(content) + "</project>";
}

std::vector<std::string> logged(const process& host, std::string_view start) {
    std::vector<std::string> found;
    for (const std::string& line : host.lines(process::stream::err)) {
        const nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
        if (!entry.is_object() || !entry.contains("message")) {
            continue;
        }
        const std::string message = entry["message"];
        if (message.starts_with(start)) {
            found.push_back(message.substr(start.size()));
        }
    }
    return found;
}

} // namespace iom::test::xml
