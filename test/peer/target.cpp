#include "target.hpp"

#include <charconv>

namespace iom::peer {

namespace {

std::string percent_decoded(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            decoded += text[at];
            continue;
        }
        unsigned value = 0;
        const auto digits = text.substr(at + 1, 2);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2) {
            throw bad_target("The request target holds a broken percent escape; write % as %25.");
        }
        decoded += static_cast<char>(value);
        at += 2;
    }
    return decoded;
}

} // namespace

std::optional<std::string> target::text(std::string_view name) const {
    const auto found = query.find(name);
    return found == query.end() ? std::nullopt : std::optional(found->second);
}

std::uint64_t target::number(std::string_view name, std::uint64_t otherwise, std::uint64_t least,
                             std::uint64_t most) const {
    const auto given = text(name);
    if (!given) {
        return otherwise;
    }
    std::uint64_t value = 0;
    const char* const end = given->data() + given->size();
    const auto [stop, error] = std::from_chars(given->data(), end, value);
    if (error != std::errc{} || stop != end || value < least || value > most) {
        throw bad_target("The parameter " + std::string(name) + " of " + path + " is '" + *given +
                         "'; give a whole number from " + std::to_string(least) + " to " +
                         std::to_string(most) + ".");
    }
    return value;
}

bool target::flag(std::string_view name, bool otherwise) const {
    const auto given = text(name);
    if (!given) {
        return otherwise;
    }
    if (given->empty() || *given == "1" || *given == "true" || *given == "yes" || *given == "on") {
        return true;
    }
    if (*given == "0" || *given == "false" || *given == "no" || *given == "off") {
        return false;
    }
    throw bad_target("The parameter " + std::string(name) + " of " + path + " is '" + *given +
                     "'; give 0 or 1.");
}

target parse_target(std::string_view text) {
    if (text.empty() || text.front() != '/') {
        throw bad_target("The request target does not begin with '/'; ask for a path, for example /things.");
    }
    target parsed;
    const auto question = text.find('?');
    parsed.path = percent_decoded(text.substr(0, question));
    if (question == std::string_view::npos) {
        return parsed;
    }
    auto rest = text.substr(question + 1);
    while (!rest.empty()) {
        const auto ampersand = rest.find('&');
        const auto pair = rest.substr(0, ampersand);
        const auto equals = pair.find('=');
        if (!pair.empty()) {
            parsed.query[percent_decoded(pair.substr(0, equals))] =
                equals == std::string_view::npos ? std::string{} : percent_decoded(pair.substr(equals + 1));
        }
        rest = ampersand == std::string_view::npos ? std::string_view{} : rest.substr(ampersand + 1);
    }
    return parsed;
}

} // namespace iom::peer
