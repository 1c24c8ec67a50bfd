#include "project_draft.hpp"

#include "checks.hpp"

#include <algorithm>
#include <set>

namespace iom::host {

using manifest::element;

namespace {

std::string attribute_or(const element& at, std::string_view name, std::string_view otherwise = {}) {
    const auto* found = at.attribute(name);
    return found == nullptr ? std::string{otherwise} : *found;
}

std::optional<std::string> optional_attribute(const element& at, std::string_view name) {
    const auto* found = at.attribute(name);
    return found == nullptr ? std::nullopt : std::optional{*found};
}

bool truth_of(const element& at, std::string_view name, bool otherwise) {
    const auto* found = at.attribute(name);
    return found == nullptr ? otherwise : manifest::read_boolean(*found).value_or(otherwise);
}

match_draft read_match(const element& at) {
    match_draft made;
    made.kind = attribute_or(at, "kind", "contains");
    made.text = at.text;
    made.pointer = optional_attribute(at, "pointer");
    made.op = optional_attribute(at, "op");
    made.as = optional_attribute(at, "as");
    made.on_change = optional_attribute(at, "on-change");
    made.debounce = optional_attribute(at, "debounce");
    if (const auto* written = at.attribute("at-most"))
        made.at_most = manifest::read_integer(*written);
    return made;
}

std::vector<match_draft> read_matches_of(const element& at) {
    std::vector<match_draft> made;
    for (const auto& child : at.children)
        if (child.name == "match")
            made.push_back(read_match(child));
    return made;
}

std::vector<step_draft> read_steps(const element& at) {
    std::vector<step_draft> made;
    for (const auto& child : at.children) {
        if (child.name != "send" && child.name != "await")
            continue;
        step_draft step;
        step.waits = child.name == "await";
        if (step.waits) {
            step.await = read_matches_of(child);
        } else {
            step.send = child.text;
            step.encoding = attribute_or(child, "encoding", "text");
        }
        made.push_back(std::move(step));
    }
    return made;
}

bool has_child(const element& at, std::string_view name) {
    return std::any_of(at.children.begin(), at.children.end(),
                       [&](const element& child) { return child.name == name; });
}

void add_attribute(element& to, std::string_view name, const std::optional<std::string>& value) {
    if (value)
        to.attributes.emplace_back(name, *value);
}

element make(std::string_view name) {
    element made;
    made.name = name;
    return made;
}

element to_element(const match_draft& what) {
    auto made = make("match");
    if (what.kind != "contains")
        made.attributes.emplace_back("kind", what.kind);
    add_attribute(made, "pointer", what.pointer);
    add_attribute(made, "op", what.op);
    add_attribute(made, "as", what.as);
    add_attribute(made, "on-change", what.on_change);
    add_attribute(made, "debounce", what.debounce);
    if (what.at_most)
        made.attributes.emplace_back("at-most", std::to_string(*what.at_most));
    made.text = what.text;
    return made;
}

void add_matches(element& to, const std::vector<match_draft>& all) {
    for (const auto& one : all)
        to.children.push_back(to_element(one));
}

element to_element(const step_draft& what) {
    auto made = make(what.waits ? "await" : "send");
    if (what.waits) {
        add_matches(made, what.await);
        return made;
    }
    if (what.encoding != "text")
        made.attributes.emplace_back("encoding", what.encoding);
    made.text = what.send;
    return made;
}

void add_values(element& to, std::string_view name, const values_draft& values) {
    for (const auto& [id, value] : values)
        if (!std::holds_alternative<kept_value>(value))
            to.children.push_back(to_element(name, id, value));
}

/// RFC 6901.
std::string pointer_token(std::string_view text) {
    std::string made = "/";
    for (const char c : text) {
        if (c == '~')
            made += "~0";
        else if (c == '/')
            made += "~1";
        else
            made += c;
    }
    return made;
}

/// Numbers children of one name; greeting steps count together.
std::string_view kind_of(const element& what) {
    return what.name == "await" ? "send" : std::string_view{what.name};
}

/// How a child is named in its parent's draft.
std::string step_to(const element& child, std::size_t number) {
    const auto count = "/" + std::to_string(number);
    if (child.name == "set")
        return "/settings" + pointer_token(attribute_or(child, "name"));
    if (child.name == "arg")
        return "/arguments" + pointer_token(attribute_or(child, "name"));
    if (child.name == "on" || child.name == "when" || child.name == "do")
        return "/" + child.name + count;
    return count;
}

/// Follows the children to the last element that begins not behind the place.
std::string pointer_to(const element& from, const manifest::location& where) {
    std::string pointer;
    const auto* at = &from;
    for (;;) {
        const element* next = nullptr;
        for (const auto& child : at->children)
            if (std::pair{child.where.line, child.where.column} <= std::pair{where.line, where.column})
                next = &child;
        if (next == nullptr)
            return pointer;
        const auto number =
            static_cast<std::size_t>(std::count_if(at->children.data(), next, [&](const element& before) {
                return kind_of(before) == kind_of(*next);
            }));
        if (next->name == "match" && (at->name == "on" || at->name == "await"))
            pointer += at->name == "on" ? "/match" : "/await";
        pointer += step_to(*next, number);
        at = next;
    }
}

bool trouble_in_text(std::string_view text, std::string& found) {
    found = manifest::xml_trouble(text);
    return !found.empty();
}

} // namespace

const value_draft* find_value(const values_draft& among, std::string_view id) {
    for (const auto& [known, value] : among)
        if (known == id)
            return &value;
    return nullptr;
}

const value_draft* effective_value(const values_draft& own, const values_draft& defaults,
                                   std::string_view id) {
    const auto* found = find_value(own, id);
    return found == nullptr ? find_value(defaults, id) : found;
}

value_draft read_value(const element& at, const manifest::field* what) {
    using manifest::type;
    if (what == nullptr) {
        if (has_child(at, "item")) {
            std::vector<std::string> items;
            for (const auto& child : at.children)
                if (child.name == "item")
                    items.push_back(child.text);
            return items;
        }
        if (has_child(at, "match"))
            return read_matches_of(at);
        if (has_child(at, "send") || has_child(at, "await"))
            return read_steps(at);
        return at.text;
    }
    if (what->type == type::match)
        return read_matches_of(at);
    if (what->type == type::steps)
        return read_steps(at);
    const bool exact = what->type == type::text || what->type == type::secret || what->type == type::data;
    const auto as_read = [&](const std::string& text) { return exact ? text : std::string{trimmed(text)}; };
    if (!what->list)
        return as_read(at.text);
    std::vector<std::string> items;
    if (!trimmed(at.text).empty() && at.children.empty())
        items.push_back(as_read(at.text));
    for (const auto& child : at.children)
        if (child.name == "item")
            items.push_back(as_read(child.text));
    return items;
}

values_draft read_settings(const element& at, const manifest::module_manifest* module) {
    values_draft made;
    for (const auto& child : at.children) {
        const auto* id = child.attribute("name");
        if (child.name != "set" || id == nullptr)
            continue;
        made.emplace_back(*id, read_value(child, module == nullptr ? nullptr : module->find_setting(*id)));
    }
    return made;
}

instance_draft read_instance(const element& at, const manifest_lookup& modules) {
    instance_draft made;
    made.name = attribute_or(at, "name");
    made.module = attribute_or(at, "module");
    made.settings = read_settings(at, modules ? modules(made.module) : nullptr);
    return made;
}

rule_draft read_rule(const element& at) {
    rule_draft made;
    made.name = attribute_or(at, "name");
    made.enabled = truth_of(at, "enabled", true);
    made.stop = truth_of(at, "stop", false);
    for (const auto& child : at.children) {
        if (child.name == "on") {
            made.on.push_back({attribute_or(child, "trigger"), optional_attribute(child, "interval"),
                               read_matches_of(child)});
        } else if (child.name == "when") {
            const auto read = [&](std::string_view name) { return optional_attribute(child, name); };
            made.when.push_back({read("status"), read("variable"), read("value"), read("is"), read("is-not"),
                                 read("less"), read("greater"), read("contains")});
        } else if (child.name == "do") {
            do_draft act{attribute_or(child, "action"), optional_attribute(child, "after"), {}};
            for (const auto& argument : child.children)
                if (argument.name == "arg")
                    act.arguments.emplace_back(attribute_or(argument, "name"), read_value(argument, nullptr));
            made.act.push_back(std::move(act));
        }
    }
    return made;
}

variable_draft read_variable(const element& at) {
    const auto type = attribute_or(at, "type");
    const std::string_view first = type == "bool" ? "false" : type == "int" || type == "real" ? "0" : "";
    return {attribute_or(at, "name"), type, attribute_or(at, "value", first)};
}

std::vector<instance_draft> read_instances(const element& root, const manifest_lookup& modules) {
    std::vector<instance_draft> made;
    for (const auto& child : root.children)
        if (child.name == "instance")
            made.push_back(read_instance(child, modules));
    return made;
}

std::vector<rule_draft> read_rule_drafts(const element& root) {
    std::vector<rule_draft> made;
    for (const auto& child : root.children)
        if (child.name == "rule")
            made.push_back(read_rule(child));
    return made;
}

std::vector<variable_draft> read_variables(const element& root) {
    std::vector<variable_draft> made;
    for (const auto& child : root.children)
        if (child.name == "variable")
            made.push_back(read_variable(child));
    return made;
}

element to_element(std::string_view name, std::string_view id, const value_draft& what) {
    auto made = make(name);
    made.attributes.emplace_back("name", id);
    if (const auto* text = std::get_if<std::string>(&what)) {
        made.text = *text;
    } else if (const auto* items = std::get_if<std::vector<std::string>>(&what)) {
        for (const auto& item : *items) {
            made.children.push_back(make("item"));
            made.children.back().text = item;
        }
    } else if (const auto* matches = std::get_if<std::vector<match_draft>>(&what)) {
        add_matches(made, *matches);
    } else if (const auto* steps = std::get_if<std::vector<step_draft>>(&what)) {
        for (const auto& step : *steps)
            made.children.push_back(to_element(step));
    }
    return made;
}

element to_element(const instance_draft& what) {
    auto made = make("instance");
    made.attributes = {{"name", what.name}, {"module", what.module}};
    add_values(made, "set", what.settings);
    return made;
}

element to_element(const rule_draft& what) {
    auto made = make("rule");
    made.attributes.emplace_back("name", what.name);
    if (!what.enabled)
        made.attributes.emplace_back("enabled", "false");
    if (what.stop)
        made.attributes.emplace_back("stop", "true");
    for (const auto& one : what.on) {
        auto on = make("on");
        on.attributes.emplace_back("trigger", one.trigger);
        add_attribute(on, "interval", one.interval);
        add_matches(on, one.match);
        made.children.push_back(std::move(on));
    }
    for (const auto& one : what.when) {
        auto when = make("when");
        add_attribute(when, "status", one.status);
        add_attribute(when, "variable", one.variable);
        add_attribute(when, "value", one.value);
        add_attribute(when, "is", one.is);
        add_attribute(when, "is-not", one.is_not);
        add_attribute(when, "less", one.less);
        add_attribute(when, "greater", one.greater);
        add_attribute(when, "contains", one.contains);
        made.children.push_back(std::move(when));
    }
    for (const auto& one : what.act) {
        auto act = make("do");
        act.attributes.emplace_back("action", one.action);
        add_attribute(act, "after", one.after);
        add_values(act, "arg", one.arguments);
        made.children.push_back(std::move(act));
    }
    return made;
}

element to_element(const variable_draft& what) {
    auto made = make("variable");
    made.attributes = {{"name", what.name}, {"type", what.type}, {"value", what.initial}};
    return made;
}

std::string draft_trouble(const element& what) {
    std::string found;
    for (const auto& [name, value] : what.attributes)
        if (trouble_in_text(value, found))
            return name + " " + in_quotes(value) + ": " + found;
    if (trouble_in_text(what.text, found))
        return in_quotes(what.text) + ": " + found;
    std::set<std::string_view> ids;
    for (const auto& child : what.children) {
        if (child.name == "set" || child.name == "arg")
            if (const auto* id = child.attribute("name"); id != nullptr && !ids.insert(*id).second)
                return in_quotes(*id) + " is given twice. Give it once.";
        if (auto inside = draft_trouble(child); !inside.empty())
            return inside;
    }
    return found;
}

spot find_spot(const element& root, const manifest::location& where) {
    spot found;
    const element* at = nullptr;
    for (const auto& child : root.children)
        if (std::pair{child.where.line, child.where.column} <= std::pair{where.line, where.column})
            at = &child;
    if (at == nullptr || where.line == 0)
        return found;
    static constexpr std::pair<std::string_view, spot::part> parts[] = {
        {"defaults", spot::part::defaults},
        {"variable", spot::part::variable},
        {"instance", spot::part::instance},
        {"rule", spot::part::rule},
    };
    for (const auto& [name, part] : parts)
        if (at->name == name)
            found.what = part;
    if (found.what == spot::part::file)
        return found;
    found.name = attribute_or(*at, found.what == spot::part::defaults ? "module" : "name");
    found.pointer = pointer_to(*at, where);
    return found;
}

spot find_spot(const element& root, const manifest::mistake& what) {
    spot found = find_spot(root, what.where);
    if (!what.missing.empty())
        found.pointer += (found.what == spot::part::rule ? "/arguments/" : "/settings/") + what.missing;
    return found;
}

} // namespace iom::host
