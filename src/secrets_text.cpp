#include "secrets_text.hpp"

#include "value.hpp"

#include <algorithm>

namespace iom::host {

namespace {

constexpr std::size_t largest_file = std::size_t{1} << 20;

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/// One line with its line feed, and what `secrets` reads in it.
struct line {
    std::string_view whole;
    std::string_view name; ///< empty: a comment, a blank line, or nothing that can be read
    std::string_view head; ///< up to where the value begins
    std::string_view tail; ///< behind the value
};

line read_line(std::string_view whole) {
    line found{whole, {}, {}, {}};
    auto end = whole.size();
    while (end > 0 && (is_blank(whole[end - 1]) || whole[end - 1] == '\n'))
        --end;
    std::size_t begin = 0;
    while (begin < end && is_blank(whole[begin]))
        ++begin;
    const auto equals = whole.find('=', begin);
    if (begin == end || whole[begin] == '#' || equals >= end)
        return found;
    auto name_end = equals;
    while (name_end > begin && is_blank(whole[name_end - 1]))
        --name_end;
    auto value = equals + 1;
    while (value < end && is_blank(whole[value]))
        ++value;
    found.name = whole.substr(begin, name_end - begin);
    found.head = whole.substr(0, value);
    found.tail = whole.substr(std::max(end, value));
    return found;
}

std::vector<line> lines_of(std::string_view text) {
    std::vector<line> all;
    while (!text.empty()) {
        const auto feed = text.find('\n');
        const auto size = feed == text.npos ? text.size() : feed + 1;
        all.push_back(read_line(text.substr(0, size)));
        text.remove_prefix(size);
    }
    return all;
}

std::string trouble(const named_secret& what) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    if (what.first.empty() || what.first.find_first_not_of(allowed) != std::string::npos)
        return in_quotes(what.first) + " cannot be the name of a secret. Use letters, digits, - and _.";
    if (what.second.find('\n') != std::string::npos)
        return "the value of the secret " + what.first +
               " has a line break, and the secrets file has one line for each. Leave it out.";
    if (what.second.find('\0') != std::string::npos)
        return "the value of the secret " + what.first + " holds a zero byte. Leave it out.";
    return {};
}

/// As the reader takes it: blanks around it, and quotes at both ends, need quotes around them.
std::string written(std::string_view value) {
    const bool quotes = !value.empty() && (is_blank(value.front()) || is_blank(value.back()) ||
                                           (value.size() > 1 && value.front() == '"' && value.back() == '"'));
    return quotes ? "\"" + std::string{value} + "\"" : std::string{value};
}

} // namespace

std::vector<std::string> secret_names(std::string_view text) {
    std::vector<std::string> names;
    for (const auto& one : lines_of(text))
        if (!one.name.empty())
            names.emplace_back(one.name);
    return names;
}

std::optional<std::string> with_secrets(std::string_view text, std::span<const named_secret> values,
                                        std::string& why) {
    std::string made;
    std::vector<bool> placed(values.size());
    for (const auto& secret : values)
        if (why = trouble(secret); !why.empty())
            return std::nullopt;
    for (const auto& one : lines_of(text)) {
        // The last of several values for one name counts.
        std::optional<std::size_t> wanted;
        for (std::size_t at = 0; at < values.size(); ++at) {
            if (one.name.empty() || values[at].first != one.name)
                continue;
            wanted = at;
            placed[at] = true;
        }
        if (!wanted)
            made += one.whole;
        else
            made.append(one.head).append(written(values[*wanted].second)).append(one.tail);
    }
    for (std::size_t at = 0; at < values.size(); ++at) {
        const bool again = std::any_of(values.begin() + static_cast<std::ptrdiff_t>(at) + 1, values.end(),
                                       [&](const auto& later) { return later.first == values[at].first; });
        if (placed[at] || again)
            continue;
        if (!made.empty() && made.back() != '\n')
            made += '\n';
        made += values[at].first + "=" + written(values[at].second) + "\n";
    }
    if (made.size() > largest_file) {
        why = "the secrets file would be larger than 1 MiB. Remove secrets that nothing uses.";
        return std::nullopt;
    }
    return made;
}

std::string without_secret(std::string_view text, std::string_view name) {
    std::string made;
    for (const auto& one : lines_of(text))
        if (one.name.empty() || one.name != name)
            made += one.whole;
    return made;
}

} // namespace iom::host
