#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

/// What host and module both need and neither owns.
namespace iom {

/// Whether a header of that name brings along what nobody else is to read. RFC 9110 says so of some; others
/// say it by a part of their names, as X-Api-Key and X-AuthToken.
[[nodiscard]] inline bool is_credential_header(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 8> words{
        "authorization", "authentication", "cookie", "key", "token", "secret", "password", "credentials"};
    constexpr auto same = [](char written, char lower) {
        return (written >= 'A' && written <= 'Z' ? static_cast<char>(written - 'A' + 'a') : written) == lower;
    };
    constexpr auto ends_with = [same](std::string_view part, std::string_view word) {
        return part.size() >= word.size() && std::equal(part.end() - static_cast<std::ptrdiff_t>(word.size()),
                                                        part.end(), word.begin(), same);
    };
    // What the handshake itself says of keys is no secret.
    constexpr std::string_view handshake = "sec-websocket-";
    if (ends_with(name.substr(0, handshake.size()), handshake)) {
        return false;
    }
    while (!name.empty()) {
        const auto end = std::min(name.find_first_of("-_. "), name.size());
        const auto part = name.substr(0, end);
        if (std::any_of(words.begin(), words.end(),
                        [&](std::string_view word) { return ends_with(part, word); })) {
            return true;
        }
        name.remove_prefix(std::min(end + 1, name.size()));
    }
    return false;
}

} // namespace iom
