#include "manifest/manifest.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <map>
#include <system_error>

namespace iom::manifest {

namespace {

constexpr std::array<std::pair<std::string_view, type>, 10> type_words{{
    {"bool", type::boolean},
    {"int", type::integer},
    {"real", type::real},
    {"text", type::text},
    {"choice", type::choice},
    {"secret", type::secret},
    {"file", type::file},
    {"match", type::match},
    {"steps", type::steps},
    {"data", type::data},
}};

bool is_text(type what) {
    return what == type::text || what == type::secret || what == type::file;
}

bool is_number(type what) {
    return what == type::integer || what == type::real;
}

/// Whether an absent value needs one to stand for it; an absent text is empty, an absent match waits for
/// nothing.
bool needs_default(type what) {
    return is_number(what) || what == type::boolean || what == type::choice;
}

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Words of lower-case letters and digits, joined by single hyphens; the first begins with a letter.
bool is_kebab(std::string_view id) {
    if (id.empty() || id.size() > 64 || !is_lower(id.front()) || id.back() == '-') {
        return false;
    }
    for (std::size_t i = 0; i < id.size(); ++i) {
        if (!is_lower(id[i]) && !is_digit(id[i]) && !(id[i] == '-' && id[i - 1] != '-')) {
            return false;
        }
    }
    return true;
}

/// major.minor.patch
bool is_version(std::string_view version) {
    std::size_t parts = 1;
    bool digit_before = false;
    for (const char c : version) {
        if (c == '.' && digit_before) {
            ++parts;
            digit_before = false;
        } else if (is_digit(c)) {
            digit_before = true;
        } else {
            return false;
        }
    }
    return parts == 3 && digit_before && version.size() <= 32;
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// Runs of white space become one blank, those at the ends vanish: how the XML was wrapped does not matter.
std::string unwrapped(std::string_view text) {
    std::string made;
    for (const char c : text) {
        if (!is_blank({&c, 1})) {
            made += c;
        } else if (!made.empty() && made.back() != ' ') {
            made += ' ';
        }
    }
    if (!made.empty() && made.back() == ' ') {
        made.pop_back();
    }
    return made;
}

/// What was written, in quotes, for a sentence: cut where it is long, control characters made visible.
std::string in_quotes(std::string_view written) {
    constexpr std::size_t longest = 60;
    std::size_t end = std::min(longest, written.size());
    while (end > 0 && end < written.size() && (static_cast<unsigned char>(written[end]) & 0xC0U) == 0x80U) {
        --end;
    }
    std::string made = "\"";
    for (const char c : written.substr(0, end)) {
        switch (c) {
        case '\n':
            made += "\\n";
            break;
        case '\r':
            made += "\\r";
            break;
        case '\t':
            made += "\\t";
            break;
        default:
            made += c;
        }
    }
    return made + (end < written.size() ? "…\"" : "\"");
}

std::string written_number(double number) {
    std::array<char, 400> digits{};
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed);
    return {digits.data(), end.ptr};
}

std::string joined(const std::vector<choice>& choices) {
    std::string made;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        made += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i].value;
    }
    return made;
}

std::string joined(std::initializer_list<std::string_view> words) {
    std::string made;
    for (const std::string_view word : words) {
        made += made.empty() ? "" : ", ";
        made += word;
    }
    return made;
}

/// " from 0 to 60 s", " of at least 1" or nothing.
std::string written_range(const field& what) {
    const std::string unit = what.unit.empty() ? "" : " " + what.unit;
    if (what.min && what.max) {
        return " from " + written_number(*what.min) + " to " + written_number(*what.max) + unit;
    }
    if (what.min) {
        return " of at least " + written_number(*what.min) + unit;
    }
    return what.max ? " of at most " + written_number(*what.max) + unit : "";
}

std::string judge_number(const field& what, std::string_view written, std::optional<double> number) {
    if (number && number >= what.min.value_or(-std::numeric_limits<double>::infinity()) &&
        number <= what.max.value_or(std::numeric_limits<double>::infinity())) {
        return {};
    }
    return what.id + (what.type == type::integer ? " takes a whole number" : " takes a number") +
           written_range(what) + ", not " + in_quotes(written) + ".";
}

std::string judge_length(const field& what, std::string_view written) {
    const auto size = static_cast<double>(written.size());
    if (what.min && size < *what.min) {
        return what.id + (written.empty()
                              ? " must not be empty."
                              : " must be at least " + written_number(*what.min) + " bytes long.");
    }
    if (what.max && size > *what.max) {
        return what.id + " must be at most " + written_number(*what.max) + " bytes long, not " +
               std::to_string(written.size()) + ".";
    }
    return {};
}

/// FNV-1a, 64 bits: no defence, but any change of the text shows.
std::uint64_t hash(std::string_view text) {
    std::uint64_t made = 0xcbf29ce484222325U;
    for (const char c : text) {
        made = (made ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    }
    return made;
}

/// What module and host must agree on, as one unambiguous text.
class canon {
public:
    explicit canon(const module_manifest& of) {
        put("module", of.id);
        for (const setting& each : of.settings) {
            put("setting", each);
            put("live", each.live ? "yes" : "no");
            put("expand", each.expand == expansion::use ? "use" : "set");
        }
        for (const status& each : of.statuses) {
            put("status", each);
        }
        for (const trigger& each : of.triggers) {
            put("trigger", each.id);
            put("number", std::to_string(each.number));
            put("match", each.match_variable);
            for (const field& variable : each.variables) {
                put("variable", variable);
            }
        }
        for (const action& each : of.actions) {
            put("action", each.id);
            put("number", std::to_string(each.number));
            for (const field& argument : each.arguments) {
                put("argument", argument);
            }
        }
    }

    [[nodiscard]] const std::string& text() const { return text_; }

private:
    /// The size makes it impossible that two different rows look the same.
    void put(std::string_view key, std::string_view value) {
        text_.append(key)
            .append(1, ' ')
            .append(std::to_string(value.size()))
            .append(1, ' ')
            .append(value)
            .append(1, '\n');
    }

    void put(std::string_view key, const field& each) {
        put(key, each.id);
        put("number", std::to_string(each.number));
        put("type", to_string(each.type));
        put("list", each.list ? "yes" : "no");
        // An absent value means the default, so both sides must have the same.
        put("default", each.default_value.value_or(""));
        for (const choice& one : each.choices) {
            put("choice", one.value);
        }
    }

    std::string text_;
};

using names = std::initializer_list<std::string_view>;

/// Ids and numbers of one space, each of which may stand there once.
class taken {
public:
    /// The line in which it was taken before, if it was.
    std::optional<int> id(const std::string& what, int line) { return take(ids_, what, line); }
    std::optional<int> number(std::uint32_t what, int line) { return take(numbers_, what, line); }

private:
    template <typename key>
    static std::optional<int> take(std::map<key, int>& lines, const key& what, int line) {
        const auto [found, is_new] = lines.emplace(what, line);
        return is_new ? std::nullopt : std::optional<int>(found->second);
    }

    std::map<std::string, int> ids_;
    std::map<std::uint32_t, int> numbers_;
};

/// What a kind of field may have in the XML, and what it must not be.
struct field_kind {
    std::string_view word;
    names attributes;
    bool comes_from_module; ///< a status or variable: a plain value that the module gives
};

const field_kind setting_kind{"setting",
                              {"number", "id", "label", "type", "unit", "min", "max", "default", "required",
                               "list", "live", "advanced", "original", "expand"},
                              false};
const field_kind status_kind{
    "status", {"number", "id", "label", "type", "unit", "default", "original"}, true};
const field_kind variable_kind{"variable", {"number", "id", "label", "type", "unit", "original"}, true};
const field_kind argument_kind{
    "argument",
    {"number", "id", "label", "type", "unit", "min", "max", "default", "required", "list", "original"},
    false};

/// From elements to the plain values; goes on after a mistake, so that one reading finds them all.
class reader {
public:
    explicit reader(std::vector<mistake>& mistakes) : mistakes_(mistakes) {}

    module_manifest read(const element& root) {
        module_manifest made;
        if (root.name != "module") {
            wrong(root, "<" + root.name + "> is no manifest. A manifest's root element is <module>.");
            return made;
        }
        attributes(root, {"id", "label", "version"});
        children(root, {"help", "settings", "statuses", "triggers", "actions"});
        made.id = need_id(root);
        made.label = need(root, "label");
        made.version = need(root, "version");
        if (!made.version.empty() && !is_version(made.version)) {
            wrong(root, "version is " + in_quotes(made.version) + ", not three numbers as in 2.3.0.");
        }
        made.help = help(root, true);
        if (const element* found = only(root, "settings")) {
            settings(*found, made.settings);
        }
        if (const element* found = only(root, "statuses")) {
            statuses(*found, made.statuses);
        }
        if (const element* found = only(root, "triggers")) {
            triggers(*found, made.triggers);
        }
        if (const element* found = only(root, "actions")) {
            actions(*found, made.actions);
        }
        made.token = hash(canon(made).text());
        return made;
    }

    /// How many mistakes were one too many to be told.
    [[nodiscard]] std::size_t untold() const { return count_ - std::min(count_, most_mistakes); }

private:
    void wrong(const element& at, std::string sentence) {
        if (++count_ <= most_mistakes) {
            mistakes_.push_back({at.where, std::move(sentence), false});
        }
    }

    // What elements are made of.

    void attributes(const element& at, names allowed) {
        for (const auto& [name, value] : at.attributes) {
            if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
                wrong(at, "<" + at.name + "> has no attribute " + in_quotes(name) + ". " +
                              (allowed.size() == 0 ? "It takes none." : "It takes " + joined(allowed) + "."));
            }
        }
    }

    /// Elements that may stand in `at`; an element that may have any has no text of its own.
    void children(const element& at, names allowed) {
        for (const element& child : at.children) {
            if (std::find(allowed.begin(), allowed.end(), child.name) == allowed.end()) {
                wrong(child,
                      "<" + child.name + "> does not belong into <" + at.name + ">. " +
                          (allowed.size() == 0 ? "Nothing does." : "There may be " + joined(allowed) + "."));
            }
        }
        if (!is_blank(at.text)) {
            wrong(at,
                  "<" + at.name + "> holds the text " + in_quotes(unwrapped(at.text)) + ", but takes none.");
        }
    }

    std::string need(const element& at, std::string_view name) {
        const std::string* value = at.attribute(name);
        if (value == nullptr) {
            wrong(at, "<" + at.name + "> lacks the attribute " + std::string(name) + ".");
            return {};
        }
        if (is_blank(*value)) {
            wrong(at, "the attribute " + std::string(name) + " of <" + at.name + "> is empty.");
            return {};
        }
        return *value;
    }

    std::string need_id(const element& at) {
        std::string id = need(at, "id");
        // A status may be a detail of another: last-error.code.
        std::string_view rest = id;
        const std::size_t dot = at.name == "status" ? rest.find('.') : std::string_view::npos;
        const bool good = dot == std::string_view::npos
                              ? is_kebab(rest)
                              : is_kebab(rest.substr(0, dot)) && is_kebab(rest.substr(dot + 1));
        if (!id.empty() && !good) {
            wrong(at, "the id " + in_quotes(id) +
                          " is not kebab-case. Write it in small letters, digits and single "
                          "hyphens, as in ping-interval.");
        }
        return id;
    }

    /// The number of `at`, and a look whether id and number are free.
    std::uint32_t number(const element& at, const std::string& id, taken& space) {
        if (const auto line = id.empty() ? std::nullopt : space.id(id, at.where.line)) {
            wrong(at, "the id " + id + " is taken already, in line " + std::to_string(*line) + ".");
        }
        const std::string written = need(at, "number");
        if (written.empty()) {
            return 0;
        }
        const std::optional<std::int64_t> read = read_integer(written);
        if (!read || *read < 1 || *read > std::numeric_limits<std::int32_t>::max()) {
            wrong(at, "number is " + in_quotes(written) + ", not a whole number from 1 to 2147483647.");
            return 0;
        }
        const auto made = static_cast<std::uint32_t>(*read);
        if (const auto line = space.number(made, at.where.line)) {
            wrong(at, "the number " + written + " is taken already, in line " + std::to_string(*line) +
                          ". Each needs one of its own, never used before.");
        }
        return made;
    }

    bool flag(const element& at, std::string_view name) {
        const std::string* value = at.attribute(name);
        if (value != nullptr && *value != "true" && *value != "false") {
            wrong(at,
                  "the attribute " + std::string(name) + " is " + in_quotes(*value) + ", not true or false.");
        }
        return value != nullptr && *value == "true";
    }

    std::string given(const element& at, std::string_view name) {
        const std::string* value = at.attribute(name);
        return value == nullptr ? std::string() : *value;
    }

    std::optional<double> bound(const element& at, std::string_view name) {
        const std::string* value = at.attribute(name);
        if (value == nullptr) {
            return std::nullopt;
        }
        const std::optional<double> made = read_real(*value);
        if (!made) {
            wrong(at, "the attribute " + std::string(name) + " is " + in_quotes(*value) + ", not a number.");
        }
        return made;
    }

    /// The one child of that name, or null.
    const element* only(const element& at, std::string_view name) {
        const element* found = nullptr;
        for (const element& child : at.children) {
            if (child.name != name) {
                continue;
            }
            if (found != nullptr) {
                wrong(child, "<" + child.name + "> stands twice in <" + at.name + ">, before in line " +
                                 std::to_string(found->where.line) + ". Make one of them.");
            } else {
                found = &child;
            }
        }
        return found;
    }

    std::string help(const element& at, bool needed) {
        const element* found = only(at, "help");
        if (found == nullptr) {
            if (needed) {
                wrong(at, "<" + at.name + "> lacks <help>. Say in one sentence what it is for.");
            }
            return {};
        }
        attributes(*found, {});
        for (const element& child : found->children) {
            wrong(child, "<" + child.name + "> does not belong into <help>. It takes plain text.");
        }
        std::string made = unwrapped(found->text);
        if (made.empty()) {
            wrong(*found, "<help> is empty. Say in one sentence what it is for.");
        }
        return made;
    }

    // The parts of a manifest.

    void settings(const element& at, std::vector<setting>& into) {
        attributes(at, {});
        children(at, {"group"});
        taken space;
        for (const element& group : at.children) {
            if (group.name != "group") {
                continue;
            }
            attributes(group, {"label"});
            children(group, {"setting"});
            const std::string label = need(group, "label");
            for (const element& child : group.children) {
                if (child.name == "setting") {
                    setting& made = into.emplace_back();
                    made.group = label;
                    read_field(child, setting_kind, space, made);
                    made.live = flag(child, "live");
                    made.advanced = flag(child, "advanced");
                    made.expand = expand(child, made);
                }
            }
        }
    }

    expansion expand(const element& at, const field& of) {
        const std::string* written = at.attribute("expand");
        if (written == nullptr || *written == "set") {
            return expansion::set;
        }
        if (*written != "use") {
            wrong(at, "the attribute expand is " + in_quotes(*written) + ", not set or use.");
        } else if (of.type != type::text && of.type != type::secret && of.type != type::steps) {
            wrong(at, "only a text, a secret or steps can have expand=\"use\"; the type of " + of.id +
                          " is " + std::string(to_string(of.type)) + ".");
        }
        return expansion::use;
    }

    void statuses(const element& at, std::vector<status>& into) {
        attributes(at, {});
        children(at, {"status"});
        taken space;
        for (const element& child : at.children) {
            if (child.name != "status") {
                continue;
            }
            status made;
            read_field(child, status_kind, space, made);
            const std::string base = made.id.substr(0, made.id.find('.'));
            if (base != made.id &&
                std::none_of(into.begin(), into.end(), [&](const status& each) { return each.id == base; })) {
                wrong(child, "the status " + made.id + " is a detail of " + base +
                                 ", which is not there before it.");
            }
            into.push_back(std::move(made));
        }
    }

    void triggers(const element& at, std::vector<trigger>& into) {
        attributes(at, {});
        children(at, {"trigger"});
        taken space;
        for (const element& child : at.children) {
            if (child.name != "trigger") {
                continue;
            }
            attributes(child, {"number", "id", "label", "match", "match-label", "original"});
            children(child, {"help", "variable"});
            trigger& made = into.emplace_back();
            made.where = child.where;
            made.id = need_id(child);
            made.number = number(child, made.id, space);
            made.label = need(child, "label");
            made.help = help(child, true);
            made.original = flag(child, "original");
            read_variables(child, made.variables);
            read_match(child, made);
        }
    }

    void read_variables(const element& at, std::vector<field>& into) {
        taken space;
        for (const element& child : at.children) {
            if (child.name != "variable") {
                continue;
            }
            field& made = into.emplace_back();
            read_field(child, variable_kind, space, made);
            if (made.number != 0 && made.number != into.size()) {
                wrong(child, "the variable " + made.id + " stands at place " + std::to_string(into.size()) +
                                 ", so its number is that, not " + std::to_string(made.number) +
                                 ". Rules write it as ${" + std::to_string(into.size()) + "}.");
            }
        }
    }

    void read_match(const element& at, trigger& into) {
        into.match_variable = given(at, "match");
        into.match_label = given(at, "match-label");
        if (into.match_variable.empty() != into.match_label.empty()) {
            wrong(at,
                  "match and match-label belong together: the variable to test, and the label of the field.");
        }
        if (into.match_variable.empty()) {
            return;
        }
        const field* tested = into.find_variable(into.match_variable);
        if (tested == nullptr) {
            wrong(at, "match names the variable " + in_quotes(into.match_variable) +
                          ", which this trigger lacks.");
        } else if (tested->type != type::text && tested->type != type::data) {
            wrong(at,
                  "match tests the variable " + into.match_variable + ", which is neither text nor data.");
        }
    }

    void actions(const element& at, std::vector<action>& into) {
        attributes(at, {});
        children(at, {"action"});
        taken space;
        for (const element& child : at.children) {
            if (child.name != "action") {
                continue;
            }
            attributes(child, {"number", "id", "label", "original"});
            children(child, {"help", "argument"});
            action& made = into.emplace_back();
            made.where = child.where;
            made.id = need_id(child);
            made.number = number(child, made.id, space);
            made.label = need(child, "label");
            made.help = help(child, true);
            made.original = flag(child, "original");
            taken arguments;
            for (const element& argument : child.children) {
                if (argument.name == "argument") {
                    read_field(argument, argument_kind, arguments, made.arguments.emplace_back());
                }
            }
        }
    }

    // Fields.

    void read_field(const element& at, const field_kind& kind, taken& space, field& into) {
        attributes(at, kind.attributes);
        children(at, {"help", "choice"});
        into.where = at.where;
        into.id = need_id(at);
        into.number = number(at, into.id, space);
        into.label = need(at, "label");
        into.help = help(at, true);
        into.unit = given(at, "unit");
        into.min = bound(at, "min");
        into.max = bound(at, "max");
        into.required = flag(at, "required");
        into.list = flag(at, "list");
        into.original = flag(at, "original");
        if (const std::string* written = at.attribute("default")) {
            into.default_value = *written;
        }
        if (!read_type(at, kind, into)) {
            return; // What follows is about a type that nobody knows.
        }
        read_choices(at, into);
        check_range(at, into);
        check_default(at, kind, into);
    }

    bool read_type(const element& at, const field_kind& kind, field& into) {
        const std::string word = need(at, "type");
        if (word.empty()) {
            return false;
        }
        const auto* const found = std::find_if(type_words.begin(), type_words.end(),
                                               [&](const auto& each) { return each.first == word; });
        if (found == type_words.end()) {
            std::string known;
            for (const auto& each : type_words) {
                known += known.empty() ? "" : ", ";
                known += each.first;
            }
            wrong(at, "there is no type " + in_quotes(word) + ". There are " + known + ".");
            return false;
        }
        into.type = found->second;
        const bool goes_in_only = into.type == type::secret || into.type == type::file ||
                                  into.type == type::match || into.type == type::steps;
        if (kind.comes_from_module && goes_in_only) {
            wrong(at, "a " + std::string(kind.word) + " cannot be of type " + word +
                          ". It is bool, int, real, text, choice or data.");
            return false;
        }
        return true;
    }

    void read_choices(const element& at, field& into) {
        for (const element& child : at.children) {
            if (child.name != "choice") {
                continue;
            }
            attributes(child, {"value", "label"});
            children(child, {"help"});
            choice made{need(child, "value"), need(child, "label"), help(child, false)};
            const bool known = std::any_of(into.choices.begin(), into.choices.end(),
                                           [&](const choice& each) { return each.value == made.value; });
            if (known && !made.value.empty()) {
                wrong(child, "the choice " + in_quotes(made.value) + " stands twice. Remove one.");
            }
            into.choices.push_back(std::move(made));
        }
        if (into.type == type::choice && into.choices.empty()) {
            wrong(at,
                  "a choice lacks what to choose from. Add <choice value=\"...\" label=\"...\"/> elements.");
        }
        if (into.type != type::choice && !into.choices.empty()) {
            wrong(at, into.id + " has <choice> elements, but its type is " +
                          std::string(to_string(into.type)) + ", not choice.");
        }
    }

    void check_range(const element& at, const field& of) {
        if (!of.min && !of.max) {
            return;
        }
        if (!is_number(of.type) && !is_text(of.type)) {
            wrong(at, "a " + std::string(to_string(of.type)) + " has neither min nor max.");
            return;
        }
        for (const std::optional<double>& each : {of.min, of.max}) {
            if (of.type != type::real && each && *each != std::floor(*each)) {
                wrong(at,
                      "min and max of " + of.id + " are whole numbers, not " + written_number(*each) + ".");
            }
        }
        if (of.min && of.max && *of.min > *of.max) {
            wrong(at, "min is " + written_number(*of.min) + ", above max, which is " +
                          written_number(*of.max) + ".");
        }
    }

    void check_default(const element& at, const field_kind& kind, const field& of) {
        if (!of.default_value) {
            if (!kind.comes_from_module && !of.required && !of.list && needs_default(of.type)) {
                wrong(at, of.id + " is neither required nor has it a default. Add one of the two.");
            }
            return;
        }
        if (of.required) {
            wrong(at, of.id + " is required, so its default would never be used. Remove one of the two.");
        }
        if (of.list || of.type == type::secret || of.type == type::match || of.type == type::steps) {
            wrong(at, "a " + (of.list ? std::string("list") : std::string(to_string(of.type))) +
                          " cannot have a default. Remove it.");
            return;
        }
        if (of.min && of.max && *of.min > *of.max) {
            return; // No value would be right.
        }
        if (const std::string sentence = judge(of, *of.default_value); !sentence.empty()) {
            wrong(at, "the default is wrong: " + sentence);
        }
    }

    static constexpr std::size_t most_mistakes = 99; // and a hundredth that says how many more

    std::vector<mistake>& mistakes_;
    std::size_t count_ = 0;
};

template <typename items>
auto find_by_id(const items& among, std::string_view id) -> const typename items::value_type* {
    const auto found =
        std::find_if(among.begin(), among.end(), [&](const auto& each) { return each.id == id; });
    return found == among.end() ? nullptr : &*found;
}

module_manifest read_root(const element& root, std::vector<mistake>& mistakes) {
    if (root.name.empty()) {
        return {}; // It could not be read; what is wrong with it has been said.
    }
    const auto before = static_cast<std::ptrdiff_t>(mistakes.size());
    reader reading(mistakes);
    module_manifest made = reading.read(root);
    std::stable_sort(mistakes.begin() + before, mistakes.end(),
                     [](const mistake& left, const mistake& right) {
                         return std::pair(left.where.line, left.where.column) <
                                std::pair(right.where.line, right.where.column);
                     });
    if (reading.untold() > 0) {
        mistakes.push_back(
            {{root.where.file, 0, 0},
             "there are " + std::to_string(reading.untold()) + " more mistakes. Mend these first.",
             false});
    }
    return made;
}

} // namespace

const field* trigger::find_variable(std::string_view wanted) const {
    return find_by_id(variables, wanted);
}

const field* action::find_argument(std::string_view wanted) const {
    return find_by_id(arguments, wanted);
}

const setting* module_manifest::find_setting(std::string_view wanted) const {
    return find_by_id(settings, wanted);
}

const status* module_manifest::find_status(std::string_view wanted) const {
    return find_by_id(statuses, wanted);
}

const trigger* module_manifest::find_trigger(std::string_view wanted) const {
    return find_by_id(triggers, wanted);
}

const action* module_manifest::find_action(std::string_view wanted) const {
    return find_by_id(actions, wanted);
}

module_manifest read_manifest(const std::filesystem::path& file, std::vector<mistake>& mistakes) {
    return read_root(read_xml(file, mistakes), mistakes);
}

module_manifest parse_manifest(std::string_view xml, const std::string& name,
                               std::vector<mistake>& mistakes) {
    return read_root(parse_xml(xml, name, mistakes), mistakes);
}

std::string judge(const field& what, std::string_view written) {
    if (written.find("${") != std::string_view::npos) {
        return {};
    }
    switch (what.type) {
    case type::boolean:
        return read_boolean(written) ? "" : what.id + " takes true or false, not " + in_quotes(written) + ".";
    case type::integer: {
        const std::optional<std::int64_t> number = read_integer(written);
        return judge_number(what, written,
                            number ? std::optional<double>(static_cast<double>(*number)) : std::nullopt);
    }
    case type::real:
        return judge_number(what, written, read_real(written));
    case type::choice:
        return std::any_of(what.choices.begin(), what.choices.end(),
                           [&](const choice& each) { return each.value == written; })
                   ? ""
                   : what.id + " takes " + joined(what.choices) + ", not " + in_quotes(written) + ".";
    case type::text:
    case type::secret:
    case type::file:
        return judge_length(what, written);
    case type::match:
    case type::steps:
    case type::data:
        break;
    }
    return {};
}

std::optional<bool> read_boolean(std::string_view written) {
    if (written == "true" || written == "on" || written == "1") {
        return true;
    }
    if (written == "false" || written == "off" || written == "0") {
        return false;
    }
    return std::nullopt;
}

std::optional<std::int64_t> read_integer(std::string_view written) {
    std::int64_t made = 0;
    const auto end = std::from_chars(written.data(), written.data() + written.size(), made);
    if (end.ec != std::errc() || end.ptr != written.data() + written.size()) {
        return std::nullopt;
    }
    return made;
}

std::optional<double> read_real(std::string_view written) {
    double made = 0;
    const auto end = std::from_chars(written.data(), written.data() + written.size(), made);
    if (end.ec != std::errc() || end.ptr != written.data() + written.size() || !std::isfinite(made)) {
        return std::nullopt;
    }
    return made;
}

std::string_view to_string(type what) {
    const auto* const found = std::find_if(type_words.begin(), type_words.end(),
                                           [&](const auto& each) { return each.second == what; });
    return found->first;
}

} // namespace iom::manifest
