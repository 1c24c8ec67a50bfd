#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Where an HTTP redirect leads, and whether we may follow it. Pure.
namespace iom::ws {

struct destination {
    bool secure = false;
    std::string host;
    std::uint16_t port = 80;
    std::string path = "/"; ///< with the query

    bool operator==(const destination&) const = default;
};

struct redirection {
    std::optional<destination> to; ///< nothing: it is not followed
    bool same_authority = false;   ///< credentials may go there too
    std::string refusal;           ///< why it is not followed, for the sentence
};

constexpr unsigned most_redirects = 5;

/// Judges the Location of an answer (RFC 9110 §10.2.2, RFC 3986 §5) that came from `from`, after `followed`
/// redirects of the same attempt. Followed are those to the same host, never from wss to ws. Credentials
/// may go to the same port, or from ws on 80 to wss on 443.
redirection follow(const destination& from, std::string_view location, unsigned followed);

/// Of header lines ("Name: value\r\n" each) those that may go where credentials may not: any header of the
/// user's own may be a key, only Origin and User-Agent say what we are and not who.
std::string without_credentials(std::string_view headers);

} // namespace iom::ws
