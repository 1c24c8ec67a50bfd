#include "web/drafts.hpp"

#include "host_manifest.hpp"

#include <algorithm>
#include <stdexcept>

namespace iom::host::web {
namespace {

template <typename text>
void put(json& to, const char* name, const std::optional<text>& what) {
    if (what) {
        to[name] = *what;
    }
}

json match_json(const match_draft& of) {
    json made = {{"kind", of.kind}, {"text", of.text}};
    put(made, "pointer", of.pointer);
    put(made, "op", of.op);
    put(made, "as", of.as);
    put(made, "onChange", of.on_change);
    put(made, "debounce", of.debounce);
    put(made, "atMost", of.at_most);
    return made;
}

json matches_json(const std::vector<match_draft>& of) {
    json made = json::array();
    for (const match_draft& each : of) {
        made.push_back(match_json(each));
    }
    return made;
}

json value_json(const value_draft& of) {
    if (const auto* text = std::get_if<std::string>(&of)) {
        return *text;
    }
    if (std::holds_alternative<kept_value>(of)) {
        return {{"set", true}};
    }
    if (const auto* list = std::get_if<std::vector<std::string>>(&of)) {
        return *list;
    }
    if (const auto* matches = std::get_if<std::vector<match_draft>>(&of)) {
        return matches_json(*matches);
    }
    json made = json::array();
    for (const step_draft& each : std::get<std::vector<step_draft>>(of)) {
        if (each.waits) {
            made.push_back({{"await", matches_json(each.await)}});
        } else {
            made.push_back({{"send", each.send}});
            if (each.encoding != "text") {
                made.back()["encoding"] = each.encoding;
            }
        }
    }
    return made;
}

[[noreturn]] void wrong_form() {
    throw json::other_error::create(501, "another form", nullptr);
}

std::optional<std::string> text_in(const json& from, const char* name) {
    return from.contains(name) ? std::optional(from.at(name).get<std::string>()) : std::nullopt;
}

match_draft match_from(const json& from) {
    match_draft made;
    made.kind = from.at("kind").get<std::string>();
    made.text = from.at("text").get<std::string>();
    made.pointer = text_in(from, "pointer");
    made.op = text_in(from, "op");
    made.as = text_in(from, "as");
    made.on_change = text_in(from, "onChange");
    made.debounce = text_in(from, "debounce");
    if (from.contains("atMost")) {
        made.at_most = from.at("atMost").get<std::int64_t>();
    }
    return made;
}

std::vector<match_draft> matches_from(const json& from) {
    std::vector<match_draft> made;
    if (!from.is_array()) {
        wrong_form();
    }
    for (const json& each : from) {
        made.push_back(match_from(each));
    }
    return made;
}

value_draft value_from(const json& from) {
    if (from.is_string()) {
        return from.get<std::string>();
    }
    if (from.is_object() && from.size() == 1 && from.contains("set") && from.at("set") == true) {
        return kept_value{};
    }
    if (!from.is_array()) {
        wrong_form();
    }
    if (from.empty() || from.front().is_string()) {
        return from.get<std::vector<std::string>>();
    }
    if (from.front().contains("kind")) {
        return matches_from(from);
    }
    std::vector<step_draft> steps;
    for (const json& each : from) {
        step_draft step;
        step.waits = each.contains("await");
        if (step.waits) {
            step.await = matches_from(each.at("await"));
        } else {
            step.send = each.at("send").get<std::string>();
            step.encoding = each.value("encoding", std::string("text"));
        }
        steps.push_back(std::move(step));
    }
    return steps;
}

} // namespace

bool is_reference(std::string_view text) {
    const bool secret = text.starts_with("${secret:");
    if ((!secret && !text.starts_with("${env:IOM_")) || !text.ends_with('}')) {
        return false;
    }
    text.remove_prefix(secret ? 9 : 6);
    text.remove_suffix(1);
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char each) {
        return std::isalnum(each) != 0 || each == '-' || each == '_';
    });
}

std::vector<const manifest::field*> setting_fields(const manifest::module_manifest* of) {
    std::vector<const manifest::field*> made;
    if (of != nullptr) {
        for (const manifest::setting& each : of->settings) {
            made.push_back(&each);
        }
    }
    return made;
}

json to_json(const values_draft& from, const std::vector<const manifest::field*>& fields) {
    json made = json::object();
    for (const auto& [id, value] : from) {
        const bool secret = std::any_of(fields.begin(), fields.end(), [&](const manifest::field* each) {
            return each->id == id && each->type == manifest::type::secret;
        });
        made[id] = secret ? json{{"set", true}} : value_json(value);
    }
    return made;
}

json to_json(const rule_draft& from, const manifest_lookup& module_of_instance) {
    json made = {{"name", from.name},   {"enabled", from.enabled}, {"stop", from.stop},
                 {"on", json::array()}, {"when", json::array()},   {"do", json::array()}};
    for (const on_draft& each : from.on) {
        json on = {{"trigger", each.trigger}};
        put(on, "interval", each.interval);
        if (!each.match.empty()) {
            on["match"] = matches_json(each.match);
        }
        made["on"].push_back(std::move(on));
    }
    for (const when_draft& each : from.when) {
        json when = json::object();
        put(when, "status", each.status);
        put(when, "variable", each.variable);
        put(when, "value", each.value);
        put(when, "is", each.is);
        put(when, "is-not", each.is_not);
        put(when, "less", each.less);
        put(when, "greater", each.greater);
        put(when, "contains", each.contains);
        made["when"].push_back(std::move(when));
    }
    for (const do_draft& each : from.act) {
        json act = {{"action", each.action}};
        put(act, "after", each.after);
        if (!each.arguments.empty()) {
            const std::size_t slash = each.action.find('/');
            std::string owner = each.action.substr(0, slash);
            if (owner == "this" && !from.on.empty()) {
                owner = from.on.front().trigger.substr(0, from.on.front().trigger.find('/'));
            }
            const manifest::module_manifest* const module =
                owner == "host" ? &host_manifest() : module_of_instance(owner);
            const manifest::action* const action = module == nullptr || slash == std::string::npos
                                                       ? nullptr
                                                       : module->find_action(each.action.substr(slash + 1));
            std::vector<const manifest::field*> fields;
            if (action != nullptr) {
                for (const manifest::field& argument : action->arguments) {
                    fields.push_back(&argument);
                }
            }
            act["arguments"] = to_json(each.arguments, fields);
        }
        made["do"].push_back(std::move(act));
    }
    return made;
}

values_draft values_from(const json& from) {
    values_draft made;
    for (const auto& [id, value] : from.get_ref<const json::object_t&>()) {
        made.emplace_back(id, value_from(value));
    }
    return made;
}

instance_draft instance_from(const json& from) {
    instance_draft made;
    made.name = from.value("name", std::string());
    made.module = from.value("module", std::string());
    made.settings = values_from(from.at("settings"));
    return made;
}

rule_draft rule_from(const json& from) {
    rule_draft made;
    made.name = from.at("name").get<std::string>();
    made.enabled = from.value("enabled", true);
    made.stop = from.value("stop", false);
    for (const json& each : from.at("on")) {
        on_draft on;
        on.trigger = each.at("trigger").get<std::string>();
        on.interval = text_in(each, "interval");
        if (each.contains("match")) {
            on.match = matches_from(each.at("match"));
        }
        made.on.push_back(std::move(on));
    }
    for (const json& each : from.value("when", json::array())) {
        when_draft when;
        when.status = text_in(each, "status");
        when.variable = text_in(each, "variable");
        when.value = text_in(each, "value");
        when.is = text_in(each, "is");
        when.is_not = text_in(each, "is-not");
        when.less = text_in(each, "less");
        when.greater = text_in(each, "greater");
        when.contains = text_in(each, "contains");
        made.when.push_back(std::move(when));
    }
    for (const json& each : from.at("do")) {
        do_draft act;
        act.action = each.at("action").get<std::string>();
        act.after = text_in(each, "after");
        if (each.contains("arguments")) {
            act.arguments = values_from(each.at("arguments"));
        }
        made.act.push_back(std::move(act));
    }
    return made;
}

} // namespace iom::host::web
