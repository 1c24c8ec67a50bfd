#include "project_mentions.hpp"

#include "checks.hpp"
#include "text.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace iom::host {

using manifest::element;

namespace {

class finder {
public:
    finder(std::string_view xml, std::vector<mention>& into) : xml_(xml), into_(into) {}

    void in_settings(const element& at) {
        user_ = &at;
        for (const auto& child : at.children)
            if (child.name == "set")
                in_value(child);
    }

    void in_rule(const element& at) {
        user_ = &at;
        for (const auto& child : at.children) {
            if (child.name == "on")
                in_owner(attribute_text(xml_, child, "trigger"));
            else if (child.name == "when")
                in_condition(child);
            else if (child.name == "do")
                in_action(child);
        }
    }

private:
    void add(named what, const written_text& value, std::size_t begin, std::size_t end,
             bool compared = false) {
        if (begin >= end)
            return;
        mention made;
        made.what = what;
        made.name = value.text.substr(begin, end - begin);
        made.written = extents_of(value, begin, end);
        const auto first = made.written.front().begin;
        made.in_cdata = std::any_of(value.pieces.begin(), value.pieces.end(), [&](const auto& piece) {
            return piece.begin <= first && first < piece.end && piece.of(xml_).starts_with("<![CDATA[");
        });
        made.user = user_;
        made.compared = compared;
        into_.push_back(std::move(made));
    }

    /// `owner/…`, as triggers and actions are named.
    void in_owner(const written_text& value) {
        const auto slash = value.text.find('/');
        const auto owner = std::string_view{value.text}.substr(0, slash);
        if (slash != value.text.npos && owner != "host" && owner != "this" && owner != "*" &&
            owner != "session")
            add(named::instance, value, 0, slash);
    }

    /// What stands between the braces, without filters.
    void in_name(const written_text& value, std::size_t begin, std::size_t end) {
        const auto name = std::string_view{value.text}.substr(begin, end - begin);
        if (name.starts_with("secret:"))
            return add(named::secret, value, begin + 7, end);
        const auto slash = name.find('/');
        if (slash == name.npos || name.starts_with("env:"))
            return;
        const auto owner = name.substr(0, slash);
        if (owner == "host")
            add(named::variable, value, begin + slash + 1, end);
        else if (owner != "this" && owner != "session")
            add(named::instance, value, begin, begin + slash);
    }

    /// Insertions, by the same rules as text_template::parse.
    void in_text(const written_text& value) {
        const std::string_view text{value.text};
        for (std::size_t at = 0; (at = text.find('$', at)) != text.npos;) {
            const auto rest = text.substr(at);
            if (rest.starts_with("$${")) {
                at += 3;
                continue;
            }
            const auto close = rest.starts_with("${") ? text.find('}', at) : text.npos;
            if (close == text.npos) {
                ++at;
                continue;
            }
            in_name(value, at + 2, at + std::min(rest.find('|'), close - at));
            at = close + 1;
        }
    }

    /// A <set> or <arg>: its text, its items and what its steps send. Matches are taken literally.
    void in_value(const element& at) {
        in_text(own_text(xml_, at));
        for (const auto& child : at.children) {
            const auto* encoding = child.attribute("encoding");
            if (child.name == "item" ||
                (child.name == "send" && (encoding == nullptr || *encoding == "text")))
                in_text(own_text(xml_, child));
        }
    }

    void in_condition(const element& at) {
        std::optional<named> compared;
        if (const auto* status = at.attribute("status"); status != nullptr)
            in_owner(attribute_text(xml_, at, "status"));
        if (at.attribute("variable") != nullptr) {
            const auto value = attribute_text(xml_, at, "variable");
            add(named::variable, value, value.text.starts_with("host/") ? 5 : 0, value.text.size());
        }
        if (at.attribute("value") != nullptr) {
            const auto value = attribute_text(xml_, at, "value");
            if (has_insertion(value.text))
                in_text(value);
            else
                in_name(value, 0, std::min(value.text.find('|'), value.text.size()));
            if (value.text == "instance" || value.text == "${instance}")
                compared = named::instance;
            else if ((value.text == "rule" || value.text == "${rule}") && fired_by_failures())
                compared = named::rule;
        }
        for (const auto* word : {"is", "is-not", "less", "greater", "contains"}) {
            if (at.attribute(word) == nullptr)
                continue;
            const auto value = attribute_text(xml_, at, word);
            in_text(value);
            const bool whole = std::string_view{word}.starts_with("is");
            if (compared && whole && !has_insertion(value.text))
                add(*compared, value, 0, value.text.size(), true);
        }
    }

    /// Then ${rule} is the rule whose action failed.
    [[nodiscard]] bool fired_by_failures() const {
        return std::any_of(user_->children.begin(), user_->children.end(), [](const element& child) {
            const auto* trigger = child.attribute("trigger");
            return child.name == "on" && trigger != nullptr && *trigger == "host/action-failed";
        });
    }

    void in_action(const element& at) {
        const auto* action = at.attribute("action");
        if (action == nullptr)
            return;
        in_owner(attribute_text(xml_, at, "action"));
        for (const auto& child : at.children) {
            const auto* name = child.attribute("name");
            if (child.name != "arg" || name == nullptr)
                continue;
            const bool variable = (*action == "host/set" || *action == "host/add") && *name == "variable";
            if (!variable && !(*action == "host/fire" && *name == "rule")) {
                in_value(child);
                continue;
            }
            const auto value = own_text(xml_, child);
            const auto wanted = trimmed(value.text);
            const auto begin = static_cast<std::size_t>(wanted.data() - value.text.data());
            add(variable ? named::variable : named::rule, value, begin, begin + wanted.size());
        }
    }

    std::string_view xml_;
    std::vector<mention>& into_;
    const element* user_ = nullptr;
};

std::vector<std::string> users(const std::vector<mention>& all, named what, std::string_view name,
                               bool of_rules) {
    std::vector<std::string> found;
    const element* last = nullptr;
    for (const auto& one : all) {
        const bool meant = one.what == what && one.name == name && !one.compared;
        if (!meant || one.user == last || (one.user->name == "rule") != of_rules)
            continue;
        last = one.user;
        const auto* user = one.user->attribute("name");
        found.push_back(user == nullptr ? "<" + one.user->name + ">" : *user);
    }
    return found;
}

} // namespace

std::vector<mention> find_mentions(std::string_view xml, const element& root) {
    std::vector<mention> found;
    finder look{xml, found};
    for (const auto& child : root.children) {
        if (child.name == "instance" || child.name == "defaults")
            look.in_settings(child);
        else if (child.name == "rule")
            look.in_rule(child);
    }
    return found;
}

void replace_name(changes& to, const mention& where, std::string_view name) {
    for (std::size_t piece = 0; piece < where.written.size(); ++piece)
        to.replace(where.written[piece], piece == 0 ? spelled(name, where.in_cdata) : std::string{});
}

std::vector<std::string> rules_with(const std::vector<mention>& all, named what, std::string_view name) {
    return users(all, what, name, true);
}

std::vector<std::string> instances_with(const std::vector<mention>& all, named what, std::string_view name) {
    return users(all, what, name, false);
}

} // namespace iom::host
