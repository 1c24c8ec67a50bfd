#include "text.hpp"

#include "json.hpp"
#include "utf8.hpp"

#include <algorithm>

namespace iom::host {

namespace {

/// Appends the character of that code; false if there is none.
bool append_character(std::string_view hex, std::string& out) {
    if (hex.empty() || hex.size() > 6)
        return false;
    std::uint32_t code = 0;
    for (const char c : hex) {
        const auto digit = c >= '0' && c <= '9'   ? c - '0'
                           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                  : -1;
        if (digit < 0)
            return false;
        code = code * 16 + static_cast<std::uint32_t>(digit);
    }
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return false;
    append_utf8(code, out);
    return true;
}

} // namespace

bool has_insertion(std::string_view written) noexcept {
    return written.find("${") != written.npos;
}

void append_url_escaped(std::string_view text, std::string& out) {
    static constexpr char digits[] = "0123456789ABCDEF";
    for (const char c : text) {
        const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                c == '-' || c == '.' || c == '_' || c == '~';
        if (unreserved) {
            out += c;
        } else {
            out += '%';
            out += digits[static_cast<unsigned char>(c) >> 4];
            out += digits[static_cast<unsigned char>(c) & 15];
        }
    }
}

void append_base64(std::string_view bytes, std::string& out) {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto byte = [&](std::size_t at) -> std::uint32_t {
        return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0u;
    };
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const auto three = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
        out += digits[three >> 18];
        out += digits[three >> 12 & 63];
        out += at + 1 < bytes.size() ? digits[three >> 6 & 63] : '=';
        out += at + 2 < bytes.size() ? digits[three & 63] : '=';
    }
}

bool text_template::filter_of(std::string_view word, filter& found) {
    static constexpr std::pair<std::string_view, filter> words[] = {
        {"json", filter::json}, {"url", filter::url}, {"hex", filter::hex}, {"base64", filter::base64}};
    for (const auto& [known, which] : words) {
        if (known == word) {
            found = which;
            return true;
        }
    }
    return false;
}

void text_template::apply(filter how, std::string_view raw, std::string& out) {
    switch (how) {
    case filter::json:
        return append_json_escaped(raw, out);
    case filter::url:
        return append_url_escaped(raw, out);
    case filter::hex:
        return append_hex(raw, out);
    case filter::base64:
        return append_base64(raw, out);
    }
}

text_template text_template::literally(std::string_view text) {
    text_template made;
    made.literals_ = text;
    return made;
}

text_template text_template::parse(std::string_view written, const naming& names,
                                   std::vector<std::string>& mistakes, std::vector<std::string>& warnings) {
    text_template made;
    std::size_t pending = 0; // size of the literal since the last insertion
    const auto literal = [&](std::string_view text) {
        made.literals_ += text;
        pending += text.size();
    };

    std::vector<std::string> unescaped;
    while (!written.empty()) {
        const auto dollar = written.find('$');
        literal(written.substr(0, dollar));
        if (dollar == written.npos)
            break;
        written.remove_prefix(dollar);
        if (written.starts_with("$${")) {
            literal("${");
            written.remove_prefix(3);
            continue;
        }
        if (!written.starts_with("${")) {
            literal("$");
            written.remove_prefix(1);
            continue;
        }
        const auto close = written.find('}');
        if (close == written.npos) {
            mistakes.push_back(in_quotes(written.substr(0, 40)) +
                               " has no closing brace. Add }, or write $${ for a literal ${.");
            return made;
        }
        const auto inside = written.substr(2, close - 2);
        written.remove_prefix(close + 1);

        part one;
        const auto bar = inside.find('|');
        const auto name = inside.substr(0, bar);
        for (auto rest = bar == inside.npos ? std::string_view{} : inside.substr(bar); !rest.empty();) {
            rest.remove_prefix(1);
            const auto next = rest.find('|');
            const auto word = rest.substr(0, next);
            filter found{};
            if (filter_of(word, found))
                one.filters.push_back(found);
            else
                mistakes.push_back(in_quotes(word) + " in ${" + std::string{inside} +
                                   "} is no filter. There are json, url, hex and base64.");
            rest = next == rest.npos ? std::string_view{} : rest.substr(next);
        }

        if (name.starts_with("char:")) {
            std::string character;
            if (!append_character(name.substr(5), character)) {
                mistakes.push_back(
                    in_quotes(name.substr(5)) + " in ${" + std::string{inside} +
                    "} is no character. Give its Unicode number in hexadecimal, as in ${char:1e}.");
                continue;
            }
            for (const auto how : one.filters) {
                std::string filtered;
                apply(how, character, filtered);
                character = filtered;
            }
            literal(character);
            continue;
        }

        std::string why;
        if (!names.find(name, one.what, why)) {
            mistakes.push_back("${" + std::string{inside} + "}: " + why);
            continue;
        }
        if (one.filters.empty() && !one.what.harmless)
            unescaped.push_back("${" + std::string{name} + "}");
        one.literal_size = static_cast<std::uint32_t>(pending);
        pending = 0;
        made.parts_.push_back(std::move(one));
    }

    if (!unescaped.empty() && made.is_json()) {
        std::string list;
        for (const auto& name : unescaped)
            list += (list.empty() ? "" : ", ") + name;
        const auto& first = unescaped.front();
        warnings.push_back(
            "this text is JSON, and " + list + (unescaped.size() == 1 ? " stands" : " stand") +
            " in it without a filter: a quote or line break in the value breaks the message. Write " +
            first.substr(0, first.size() - 1) + "|json}.");
    }
    return made;
}

bool text_template::is_json() const {
    // With a digit in the place of each insertion a JSON text stays one, inside of strings and outside.
    std::string skeleton;
    std::size_t at = 0;
    for (const auto& one : parts_) {
        skeleton.append(literals_, at, one.literal_size);
        skeleton += '0';
        at += one.literal_size;
    }
    skeleton.append(literals_, at);
    json_document parsed;
    return parsed.parse(skeleton) &&
           (parsed.root().kind == json_kind::object || parsed.root().kind == json_kind::array);
}

void text_template::insert(const part& what, value_view found, std::string& out) {
    if (what.filters.empty())
        return append_text(found, out);

    // hex and base64 take bytes as they are; every other filter takes the text that people read.
    const bool raw = found.kind == value_kind::text ||
                     (found.kind == value_kind::bytes &&
                      (what.filters.front() == filter::hex || what.filters.front() == filter::base64));
    std::string shown;
    if (!raw)
        append_text(found, shown);
    std::string_view current = raw ? found.text : std::string_view{shown};
    std::string before;
    for (std::size_t at = 0; at + 1 < what.filters.size(); ++at) {
        std::string filtered;
        apply(what.filters[at], current, filtered);
        before = std::move(filtered);
        current = before;
    }
    apply(what.filters.back(), current, out);
}

bool text_template::expand(scope& values, std::string& out, std::string& why) const {
    out.clear();
    std::size_t at = 0;
    for (const auto& one : parts_) {
        out.append(literals_, at, one.literal_size);
        at += one.literal_size;
        value_view found;
        if (!values.supply(one.what, found, why))
            return false;
        insert(one, found, out);
    }
    out.append(literals_, at);
    return true;
}

bool text_template::evaluate(scope& values, std::string& scratch, value_view& found, std::string& why) const {
    if (const auto* only = sole())
        return values.supply(*only, found, why);
    if (is_literal()) {
        found = value_view::of(std::string_view{literals_});
        return true;
    }
    if (!expand(values, scratch, why))
        return false;
    found = value_view::of(std::string_view{scratch});
    return true;
}

bool text_template::is_literal() const noexcept {
    return parts_.empty();
}

const reference* text_template::sole() const noexcept {
    return parts_.size() == 1 && literals_.empty() && parts_.front().filters.empty() ? &parts_.front().what
                                                                                     : nullptr;
}

bool text_template::uses(source from) const noexcept {
    return std::any_of(parts_.begin(), parts_.end(), [&](const part& one) { return one.what.from == from; });
}

std::vector<reference> text_template::references() const {
    std::vector<reference> all;
    all.reserve(parts_.size());
    for (const auto& one : parts_)
        all.push_back(one.what);
    return all;
}

} // namespace iom::host
