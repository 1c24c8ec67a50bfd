#include "project_settings.hpp"

#include "project_names.hpp"

#include <algorithm>
#include <array>

namespace iom::host {

namespace {

constexpr bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_capture_name(std::string_view name) {
    return is_name(name) && !(name.front() >= '0' && name.front() <= '9');
}

void check_capture_name(std::string_view name, const manifest::location& where, complaints& say) {
    if (!is_capture_name(name))
        say.wrong(where, in_quotes(name) +
                             " cannot be the name of a capture. Use letters, digits, - and _, beginning "
                             "with a letter.");
    else if (is_reserved_name(name))
        say.wrong(where, "a capture cannot be called " + in_quotes(name) +
                             ", which means something else in ${…}. "
                             "Choose another name.");
}

/// One <match>; false with mistakes if it is wrong.
bool read_match(const manifest::element& at, match_spec& spec, match_extras* extras, complaints& say) {
    const auto before = say.mistakes();
    expect_attributes(at, {"kind", "pointer", "op", "as", "on-change", "debounce", "at-most"}, say);
    expect_children(at, {}, say);
    spec.text = at.text;

    if (const auto* kind = at.attribute("kind")) {
        if (const auto known = match_kind_of(*kind)) {
            spec.kind = *known;
        } else {
            static const std::array<std::string, 5> kinds{"contains", "equals", "prefix", "regex", "json"};
            say.wrong(at.where,
                      "there is no kind of match " + in_quotes(*kind) + "." + suggestion(*kind, kinds));
            return false;
        }
    }
    const auto* pointer = at.attribute("pointer");
    const auto* op = at.attribute("op");
    if (spec.kind == match_kind::json) {
        if (pointer == nullptr)
            say.wrong(
                at.where,
                "a json match lacks its pointer, which says where to look. Write one, such as /alarm/level.");
        else
            spec.pointer = *pointer;
        if (op == nullptr && !trimmed(spec.text).empty()) {
            say.wrong(at.where,
                      "this json match has a text but no op, so nothing is compared. Add op=\"=\", or take "
                      "the text " +
                          in_quotes(trimmed(spec.text)) + " out.");
        } else if (op != nullptr) {
            const auto known = json_comparison_of(*op);
            if (!known || op->empty())
                say.wrong(at.where, "there is no comparison " + in_quotes(*op) +
                                        ". There are = != < <= > and >= (in "
                                        "XML, write &lt; for <).");
            else
                spec.compare = *known;
        }
    } else {
        for (const auto& [name, given] : {std::pair{"pointer", pointer}, std::pair{"op", op}})
            if (given != nullptr)
                say.wrong(at.where, std::string{name} + " belongs to kind=\"json\", and this match is " +
                                        std::string{to_word(spec.kind)} + ". Remove it, or change the kind.");
        if (spec.kind != match_kind::regex && has_insertion(spec.text))
            say.warn(at.where, "matches are taken literally: ${…} is not inserted here.");
    }
    if (const auto* as = at.attribute("as")) {
        check_capture_name(*as, at.where, say);
        spec.as = *as;
    }

    for (const auto* name : {"on-change", "debounce", "at-most"})
        if (extras == nullptr && at.attribute(name) != nullptr)
            say.wrong(at.where, std::string{name} + " belongs into the <on> of a rule, not here. Remove it.");
    if (extras == nullptr)
        return say.mistakes() == before;

    const auto once = [&](bool taken, std::string_view name) {
        if (taken)
            say.wrong(at.where, std::string{name} + " stands in two matches of this <on>. Keep one.");
    };
    if (const auto* name = at.attribute("on-change")) {
        once(!extras->on_change.empty(), "on-change");
        if (name->empty())
            say.wrong(at.where, "on-change is empty. Write the name of a capture into it.");
        extras->on_change = *name;
        extras->on_change_where = at.where;
    }
    if (at.attribute("debounce") != nullptr) {
        once(extras->gate.debounce != 0, "debounce");
        const auto length = duration_attribute(at, "debounce", say);
        if (length && *length == 0)
            say.wrong(at.where, "debounce is 0, which holds nothing back. Give it a length, or remove it.");
        extras->gate.debounce = length.value_or(0);
    }
    if (const auto* written = at.attribute("at-most")) {
        static constexpr std::int64_t most = 100'000;
        once(extras->gate.at_most != 0, "at-most");
        const auto count = manifest::read_integer(*written);
        if (!count || *count < 1 || *count > most)
            say.wrong(at.where, "at-most takes a whole number from 1 to " + std::to_string(most) +
                                    ", how often in one second, not " + in_quotes(*written) + ".");
        else
            extras->gate.at_most = static_cast<std::uint32_t>(*count);
    }
    return say.mistakes() == before;
}

int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/// One <send> or <await> of a greeting.
std::optional<setting_plan> read_step(const manifest::element& at, const manifest::setting& what,
                                      complaints& say) {
    setting_plan made;
    made.what = &what;
    made.where = at.where;
    if (at.name == "await") {
        expect_attributes(at, {}, say);
        expect_children(at, {"match"}, say);
        expect_no_text(at, say);
        made.test = read_matches(at, nullptr, say);
        if (!made.test && at.children.empty()) {
            std::string why;
            std::size_t which = 0;
            made.test = match::compile({}, why, which); // whatever comes
        }
        return made.test ? std::optional{made} : std::nullopt;
    }
    expect_attributes(at, {"encoding"}, say);
    expect_children(at, {}, say);
    const auto* encoding = at.attribute("encoding");
    if (encoding == nullptr || *encoding == "text") {
        made.written = at.text;
        return made;
    }
    if ((*encoding == "hex" || *encoding == "base64") && at.text.find("${") != std::string::npos) {
        say.wrong(at.where,
                  "${...} is not taken in a step with encoding " + in_quotes(*encoding) +
                      ": its bytes are fixed when the project is read. Write them out, or send text.");
        return std::nullopt;
    }
    std::optional<std::string> bytes;
    if (*encoding == "hex") {
        bytes = bytes_of_hex(at.text);
    } else if (*encoding == "base64") {
        bytes = bytes_of_base64(at.text);
    } else {
        static const std::array<std::string, 3> encodings{"text", "hex", "base64"};
        say.wrong(at.where,
                  "there is no encoding " + in_quotes(*encoding) + "." + suggestion(*encoding, encodings));
        return std::nullopt;
    }
    if (!bytes) {
        say.wrong(at.where, in_quotes(trimmed(at.text)) + " is no " + *encoding +
                                (*encoding == "hex" ? ". Write two of 0-9 and a-f for each byte."
                                                    : ". Write letters, digits, + and /, filled up with =."));
        return std::nullopt;
    }
    made.written = std::move(*bytes);
    made.bytes = true;
    return made;
}

} // namespace

std::optional<std::string> bytes_of_hex(std::string_view written) {
    std::string bytes;
    int high = -1;
    for (const char c : written) {
        if (is_space(c))
            continue;
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return std::nullopt;
        if (high < 0) {
            high = digit;
        } else {
            bytes += static_cast<char>(high * 16 + digit);
            high = -1;
        }
    }
    if (high >= 0)
        return std::nullopt;
    return bytes;
}

std::optional<std::string> bytes_of_base64(std::string_view written) {
    std::string bytes;
    std::uint32_t bits = 0;
    std::size_t digits = 0;
    std::size_t filled = 0;
    for (const char c : written) {
        if (is_space(c))
            continue;
        const int digit = base64_digit(c);
        if (c == '=')
            ++filled;
        else if (digit < 0 || filled > 0)
            return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(std::max(digit, 0));
        if (++digits % 4 != 0)
            continue;
        if (filled > 2)
            return std::nullopt;
        for (std::size_t at = 0; at < 3 - filled; ++at)
            bytes += static_cast<char>(bits >> (16 - 8 * at) & 0xff);
        bits = 0;
    }
    if (digits % 4 != 0)
        return std::nullopt;
    return bytes;
}

std::shared_ptr<const match> read_matches(const manifest::element& parent, match_extras* extras,
                                          complaints& say) {
    std::vector<match_spec> specs;
    std::vector<const manifest::element*> places;
    bool good = true;
    for (const auto& child : parent.children) {
        if (child.name != "match")
            continue;
        specs.emplace_back();
        places.push_back(&child);
        good = read_match(child, specs.back(), extras, say) && good;
    }
    if (!good || specs.empty())
        return nullptr;
    std::string why;
    std::size_t which = 0;
    auto made = match::compile(specs, why, which);
    if (!made) {
        say.wrong(places[which]->where, why);
        return nullptr;
    }
    for (const auto& name : made->capture_names())
        if (!name.empty())
            check_capture_name(name, places.front()->where, say);
    return made;
}

std::vector<setting_plan> read_set(const manifest::element& at, const manifest::setting& what,
                                   complaints& say) {
    using manifest::type;
    std::vector<setting_plan> made;
    const auto plan = [&](std::string_view written, const manifest::location& where) {
        setting_plan one;
        one.what = &what;
        one.where = where;
        const bool exact = what.type == type::text || what.type == type::secret || what.type == type::data;
        one.written = exact ? written : trimmed(written);
        made.push_back(std::move(one));
    };

    expect_attributes(at, {"name"}, say);
    if (what.type == type::match) {
        expect_children(at, {"match"}, say);
        if (const auto text = trimmed(at.text); !text.empty()) {
            say.wrong(at.where, what.id + " takes <match> elements, not a text. Write <match>" +
                                    std::string{text} + "</match>.");
            return made;
        }
        if (auto test = read_matches(at, nullptr, say)) {
            plan("", at.where);
            made.back().test = std::move(test);
        }
    } else if (what.type == type::steps) {
        expect_children(at, {"send", "await"}, say);
        if (const auto text = trimmed(at.text); !text.empty())
            say.wrong(at.where, what.id + " takes <send> and <await> elements, not a text. Write <send>" +
                                    std::string{text} + "</send>.");
        for (const auto& child : at.children)
            if (child.name == "send" || child.name == "await")
                if (auto step = read_step(child, what, say))
                    made.push_back(std::move(*step));
    } else if (what.list) {
        expect_children(at, {"item"}, say);
        const bool text = !trimmed(at.text).empty();
        if (text && !at.children.empty())
            say.wrong(at.where, "beside its items, " + what.id + " takes no text. Put " +
                                    in_quotes(trimmed(at.text)) + " into an <item> too.");
        else if (text)
            plan(at.text, at.where);
        for (const auto& child : at.children) {
            if (child.name != "item")
                continue;
            expect_attributes(child, {}, say);
            expect_children(child, {}, say);
            plan(child.text, child.where);
        }
    } else {
        for (const auto& child : at.children)
            say.wrong(child.where,
                      what.id + " takes a text, not <" + child.name + ">. Write the value itself.");
        plan(at.text, at.where);
    }
    return made;
}

std::vector<setting_plan> read_sets(const manifest::element& parent, const manifest::module_manifest& module,
                                    complaints& say) {
    std::vector<setting_plan> made;
    std::vector<std::string_view> taken;
    for (const auto& child : parent.children) {
        if (child.name != "set")
            continue;
        const auto* id = need_attribute(child, "name", say);
        if (id == nullptr)
            continue;
        const auto* what = module.find_setting(*id);
        if (what == nullptr) {
            say.wrong(child.where, "the module " + module.id + " has no setting " + in_quotes(*id) + "." +
                                       suggestion(*id, ids_of(module.settings)));
            continue;
        }
        if (std::find(taken.begin(), taken.end(), *id) != taken.end()) {
            say.wrong(child.where, "the setting " + *id + " stands twice here. Remove one" +
                                       (what->list ? "; a list has its values in <item> elements." : "."));
            continue;
        }
        taken.push_back(*id);
        auto values = read_set(child, *what, say);
        std::move(values.begin(), values.end(), std::back_inserter(made));
        // An empty list is a value too: it stands before the defaults.
        if (values.empty() &&
            (what->list || what->type == manifest::type::steps || what->type == manifest::type::match)) {
            setting_plan none;
            none.what = what;
            none.where = child.where;
            none.absent = true;
            made.push_back(std::move(none));
        }
    }
    return made;
}

} // namespace iom::host
