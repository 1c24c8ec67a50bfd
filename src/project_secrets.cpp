#include "project_secrets.hpp"

#include "checks.hpp"
#include "common/credentials.hpp"
#include "project_mentions.hpp"
#include "xml_text.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace iom::host {

using manifest::element;

namespace {

/// What people call a rule, as the beginning of a secret's name.
std::string name_of(std::string_view text) {
    static constexpr std::size_t longest = 48;
    std::string made;
    for (const char c : text) {
        const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (good && made.size() < longest)
            made += c;
        else if (!good && !made.empty() && made.back() != '-')
            made += '-';
    }
    while (!made.empty() && made.back() == '-')
        made.pop_back();
    return made.empty() ? "rule" : made;
}

/// A run of characters of a value that is no insertion.
struct literal {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string text; ///< with `$${` as the ${ that it means
};

/// By the same rules as text_template::parse.
std::vector<literal> literals_of(std::string_view value) {
    std::vector<literal> found;
    literal now;
    const auto close_at = [&](std::size_t end, std::size_t next) {
        now.end = end;
        if (!trimmed(now.text).empty())
            found.push_back(now);
        now = {next, next, {}};
    };
    for (std::size_t at = 0; at < value.size();) {
        const auto rest = value.substr(at);
        const auto close = rest.starts_with("${") ? value.find('}', at) : value.npos;
        if (rest.starts_with("$${")) {
            now.text += "${";
            at += 3;
        } else if (close != value.npos) {
            close_at(at, close + 1);
            at = close + 1;
        } else {
            now.text += value[at++];
        }
    }
    close_at(value.size(), value.size());
    return found;
}

/// Where a value that is no secret as a whole has a credential in it: the password of a proxy, or what a
/// header such as Authorization brings along, without its scheme; an empty one: nowhere.
struct span_of_text {
    std::size_t begin = 0;
    std::size_t end = 0;
};

span_of_text password_in(std::string_view proxy) {
    const auto at = proxy.rfind('@');
    if (at == proxy.npos)
        return {};
    const auto scheme = proxy.find("://");
    const auto begin = scheme == proxy.npos || scheme > at ? 0 : scheme + 3;
    // The colon between user and password is none of a reference's.
    auto colon = begin;
    for (; colon < at && proxy[colon] != ':'; ++colon)
        if (proxy.substr(colon).starts_with("${"))
            colon = std::min(proxy.find('}', colon), at - 1);
    return {colon < at ? colon + 1 : begin, at};
}

span_of_text credential_in(std::string_view header) {
    constexpr std::string_view blanks = " \t";
    const auto colon = std::min(header.find(':'), header.size());
    const auto name = header.substr(0, colon);
    if (!is_credential_header(name))
        return {};
    auto begin =
        std::min(header.find_first_not_of(blanks, std::min(colon + 1, header.size())), header.size());
    const auto end = header.find_last_not_of(blanks) + 1;
    const auto scheme_end = header.find_first_of(blanks, begin);
    const bool has_scheme = name.size() >= 13 && scheme_end < end &&
                            header.substr(begin, scheme_end - begin).find("${") == header.npos &&
                            std::equal(name.end() - 13, name.end(), std::string_view{"authorization"}.begin(),
                                       [](char a, char b) { return (a | 0x20) == b; });
    if (has_scheme)
        begin = header.find_first_not_of(blanks, scheme_end);
    return {begin, std::max(begin, end)};
}

class mover {
public:
    mover(std::string_view xml, const element& root, const manifest_lookup& modules,
          const stored_lookup& stored)
        : root_(root), modules_(modules), stored_(stored), to_(xml) {
        for (const auto& one : find_mentions(xml, root))
            if (one.what == named::secret)
                taken_.insert(one.name);
    }

    moved_secrets run() {
        for (const auto& child : root_.children) {
            const auto* module = child.attribute("module");
            const auto* name = child.attribute(child.name == "defaults" ? "module" : "name");
            if (name == nullptr)
                continue;
            if (child.name == "rule")
                in_rule(child, name_of(*name));
            else if (module != nullptr && (child.name == "instance" || child.name == "defaults"))
                in_settings(child, *name, modules_(*module));
        }
        return {to_.made(), std::move(values_)};
    }

private:
    void in_settings(const element& at, const std::string& name, const manifest::module_manifest* module) {
        for (const auto& child : at.children) {
            const auto* id = child.attribute("name");
            const auto* what = module == nullptr || id == nullptr ? nullptr : module->find_setting(*id);
            if (child.name != "set" || what == nullptr)
                continue;
            if (what->type == manifest::type::secret)
                move(child, name + "-" + *id);
            else if (*id == "proxy")
                move_part(child, name + "-" + *id, password_in);
            else if (*id == "headers")
                move_headers(child, name + "-" + *id);
        }
    }

    void in_rule(const element& at, const std::string& name) {
        std::size_t number = 0;
        for (const auto& act : at.children) {
            const auto* action = act.attribute("action");
            if (act.name != "do" || action == nullptr)
                continue;
            ++number;
            for (const auto& child : act.children) {
                const auto* id = child.attribute("name");
                if (child.name != "arg" || id == nullptr)
                    continue;
                if (is_secret_argument(*action, *id))
                    move(child, name + "-" + std::to_string(number) + "-" + *id);
                else if (*action == "host/http" && *id == "headers")
                    move_headers(child, name + "-" + std::to_string(number) + "-" + *id);
            }
        }
    }

    [[nodiscard]] bool is_secret_argument(std::string_view written, std::string_view argument) const {
        std::string_view owner;
        std::string_view id;
        if (!split_reference(written, owner, id))
            return false;
        return std::any_of(root_.children.begin(), root_.children.end(), [&](const element& child) {
            const auto* name = child.attribute("name");
            const auto* module = child.attribute("module");
            if (child.name != "instance" || name == nullptr || module == nullptr ||
                (owner != "this" && owner != *name))
                return false;
            const auto* known = modules_(*module);
            const auto* action = known == nullptr ? nullptr : known->find_action(id);
            const auto* field = action == nullptr ? nullptr : action->find_argument(argument);
            return field != nullptr && field->type == manifest::type::secret;
        });
    }

    /// Lists have their values in items.
    void move(const element& at, const std::string& base) {
        move_text(at, base);
        for (const auto& child : at.children)
            if (child.name == "item")
                move_text(child, base);
    }

    void move_headers(const element& at, const std::string& base) {
        const auto move_header = [&](const element& line) {
            const auto text = own_text(to_.text(), line).text;
            move_part(line, base + "-" + name_of(text.substr(0, text.find(':'))), credential_in);
        };
        move_header(at);
        for (const auto& child : at.children)
            if (child.name == "item")
                move_header(child);
    }

    void move_part(const element& at, const std::string& base, span_of_text (*part)(std::string_view)) {
        const auto value = own_text(to_.text(), at);
        const auto within = part(value.text);
        move_literals(value, base, within.begin, within.end);
    }

    void move_text(const element& at, const std::string& base) {
        const auto value = own_text(to_.text(), at);
        move_literals(value, base, 0, value.text.size());
    }

    /// Those that lie from `begin` to `end` of the value.
    void move_literals(const written_text& value, const std::string& base, std::size_t begin,
                       std::size_t end) {
        for (auto one : literals_of(std::string_view{value.text}.substr(begin, end - begin))) {
            one.begin += begin;
            one.end += begin;
            auto name = base;
            for (int number = 2; (stored_ && stored_(name)) || !taken_.insert(name).second; ++number)
                name = base + "-" + std::to_string(number);
            values_.emplace_back(name, one.text);
            const auto written = extents_of(value, one.begin, one.end);
            for (std::size_t piece = 0; piece < written.size(); ++piece)
                to_.replace(written[piece], piece == 0 ? "${secret:" + name + "}" : std::string{});
        }
    }

    const element& root_;
    const manifest_lookup& modules_;
    const stored_lookup& stored_;
    changes to_;
    std::set<std::string> taken_;
    std::vector<named_secret> values_;
};

/// Whether a value is there that could be sent somewhere.
bool is_set(const value_draft* value) {
    const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
    return value != nullptr && (text == nullptr || !text->empty());
}

/// Whether a text inserts something stored that is not among those which were given anew.
bool inserts_stored(std::string_view text, const std::set<std::string, std::less<>>& anew) {
    constexpr std::string_view secret = "${secret:";
    for (std::size_t at = text.find(secret); at != text.npos; at = text.find(secret, at + 1)) {
        const std::string_view rest = text.substr(at + secret.size());
        const std::string_view name = rest.substr(0, rest.find_first_of("|}"));
        if (!anew.contains(name))
            return true;
    }
    return text.find("${env:") != text.npos;
}

bool inserts_stored(const value_draft& value, const std::set<std::string, std::less<>>& anew) {
    const auto has = [&](std::string_view text) { return inserts_stored(text, anew); };
    const auto matches = [&](const match_draft& each) { return has(each.text); };
    if (const auto* text = std::get_if<std::string>(&value))
        return has(*text);
    if (const auto* list = std::get_if<std::vector<std::string>>(&value))
        return std::any_of(list->begin(), list->end(), has);
    if (const auto* all = std::get_if<std::vector<match_draft>>(&value))
        return std::any_of(all->begin(), all->end(), matches);
    if (const auto* steps = std::get_if<std::vector<step_draft>>(&value))
        return std::any_of(steps->begin(), steps->end(), [&](const step_draft& each) {
            return has(each.send) || std::any_of(each.await.begin(), each.await.end(), matches);
        });
    return false;
}

} // namespace

moved_secrets move_secrets(std::string_view xml, const manifest_lookup& modules,
                           const stored_lookup& stored) {
    std::vector<manifest::mistake> mistakes;
    const auto root = manifest::parse_xml(xml, "", mistakes);
    if (!mistakes.empty())
        return {std::string{xml}, {}};
    return mover{xml, root, modules, stored}.run();
}

std::string with_comments(std::string_view xml, const std::function<std::string(std::string_view)>& clean) {
    std::string made;
    while (!xml.empty()) {
        std::string_view ends;
        for (const auto& [begins, closes] : {std::pair<std::string_view, std::string_view>{"<!--", "-->"},
                                             {"<![CDATA[", "]]>"},
                                             {"<?", "?>"}})
            if (ends.empty() && xml.starts_with(begins))
                ends = closes;
        std::size_t size = 1;
        if (!ends.empty()) {
            size = xml.find(ends, 1);
            size = size == xml.npos ? xml.size() : size + ends.size();
        } else if (xml.front() == '<') {
            char quote = 0; // of an attribute's value
            for (; size < xml.size() && (quote != 0 || xml[size - 1] != '>'); ++size)
                if (quote != 0 ? xml[size] == quote : xml[size] == '"' || xml[size] == '\'')
                    quote = quote != 0 ? char{0} : xml[size];
        } else {
            size = std::min(xml.find('<'), xml.size());
        }
        const auto piece = xml.substr(0, size);
        made += ends == "-->" ? clean(piece) : std::string{piece};
        xml.remove_prefix(size);
    }
    return made;
}

std::set<std::string, std::less<>> unmentioned(std::string_view xml, std::vector<std::string> names) {
    std::set<std::string, std::less<>> left(std::make_move_iterator(names.begin()),
                                            std::make_move_iterator(names.end()));
    std::vector<manifest::mistake> mistakes;
    const auto root = manifest::parse_xml(xml, "", mistakes);
    for (const auto& one : find_mentions(xml, root))
        if (one.what == named::secret)
            left.erase(one.name);
    return left;
}

moved_secrets accept_upload(std::string_view uploaded, std::string_view current,
                            const manifest_lookup& modules, const std::set<std::string, std::less<>>& known) {
    const auto others = unmentioned(current, {known.begin(), known.end()});
    const stored_lookup stored = [&](std::string_view name) { return others.contains(name); };
    auto made = move_secrets(uploaded, modules, stored);
    std::vector<manifest::mistake> mistakes;
    const auto root = manifest::parse_xml(uploaded, "", mistakes);
    if (!mistakes.empty())
        return made;
    const auto present = move_secrets(current, modules, stored).values;
    std::set<std::string> seen;
    for (const auto& one : find_mentions(uploaded, root)) {
        if (one.what != named::secret || known.contains(one.name) || !seen.insert(one.name).second)
            continue;
        for (const auto& [name, value] : present)
            if (name == one.name)
                made.values.emplace_back(name, value);
    }
    return made;
}

bool asks_for_secrets(std::string_view setting) noexcept {
    static constexpr std::array<std::string_view, 8> leading{"hostname",   "port", "protocol", "proxy",
                                                             "tls-verify", "host", "url",      "address"};
    return std::find(leading.begin(), leading.end(), setting) != leading.end();
}

std::vector<std::string> secrets_to_ask(const values_draft& present, const values_draft& wanted,
                                        const values_draft& defaults, const manifest::module_manifest& module,
                                        const std::set<std::string, std::less<>>& anew) {
    const auto differs = [&](const manifest::setting& one) {
        const auto* after = effective_value(wanted, defaults, one.id);
        if (after != nullptr && std::holds_alternative<kept_value>(*after))
            return false;
        const auto* before = effective_value(present, defaults, one.id);
        const auto read = [&](const value_draft* value) {
            return value == nullptr ? value_draft{one.default_value.value_or("")} : *value;
        };
        return read(before) != read(after);
    };
    const bool leads_elsewhere =
        std::any_of(module.settings.begin(), module.settings.end(),
                    [&](const auto& one) { return asks_for_secrets(one.id) && differs(one); });
    std::vector<std::string> asked;
    if (!leads_elsewhere)
        return asked;
    for (const auto& one : module.settings) {
        const auto* after = effective_value(wanted, defaults, one.id);
        if (!is_set(after))
            continue;
        const bool kept = std::holds_alternative<kept_value>(*after);
        if (one.type == manifest::type::secret) {
            // One that comes from the defaults was not given for this place either.
            const bool given = !kept && find_value(wanted, one.id) == after && !inserts_stored(*after, anew);
            if (!given &&
                (inserts_stored(*after, anew) || is_set(effective_value(present, defaults, one.id))))
                asked.push_back(one.id);
            continue;
        }
        const auto* value = kept ? effective_value(present, defaults, one.id) : after;
        if (value != nullptr && inserts_stored(*value, anew))
            asked.push_back(one.id);
    }
    return asked;
}

} // namespace iom::host
