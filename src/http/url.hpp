#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Addresses and headers of HTTP requests, judged before anything is sent. Pure.
namespace iom::host {

/// An http or https URL, taken apart (RFC 3986, RFC 9110 §4.2).
struct http_url {
    bool secure = false;
    std::string host; ///< a name in lower case, or an address without brackets
    std::uint16_t port = 0;
    std::string path; ///< and query, beginning with /

    /// `https://host:port`, without a port that is the scheme's own: all of a URL that holds no secret.
    [[nodiscard]] std::string origin() const;
    /// What the Host header says (RFC 9110 §7.2).
    [[nodiscard]] std::string authority() const;

    bool operator==(const http_url&) const = default;
};

/// Nothing, and one sentence that begins with "url", where it is none. A fragment is left out.
std::optional<http_url> parse_http_url(std::string_view written, std::string& why);

/// What is wrong with a URL of which only the beginning is known; empty if it can still become one.
std::string judge_http_url_beginning(std::string_view beginning);

/// Where a Location leads that came in the answer to `from` (RFC 9110 §10.2.2).
std::optional<http_url> http_url_from(const http_url& from, std::string_view location, std::string& why);

/// Scheme, host and port are the same: credentials for one are meant for the other too.
bool same_origin(const http_url& left, const http_url& right) noexcept;

/// Reaches no farther than this machine.
bool is_loopback_host(std::string_view host) noexcept;

/// What is wrong with "Name: value" as a header of a request, as a sentence that begins with "headers"; empty
/// if nothing. The value is not repeated: it may be a secret.
std::string judge_http_header(std::string_view line);

/// The value of that header among the lines, without white space around it; null if there is none.
std::optional<std::string_view> find_http_header(std::span<const std::string> lines, std::string_view name);

/// Equal but for the case of letters A to Z.
bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept;

} // namespace iom::host
