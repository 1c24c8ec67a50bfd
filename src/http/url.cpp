#include "http/url.hpp"

#include "value.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace iom::host {

namespace {

constexpr std::size_t longest_url = 8192;
constexpr std::size_t longest_name = 253;
constexpr std::size_t longest_header = 8192;

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hex(char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

bool is_letter(char c) {
    return lower(c) >= 'a' && lower(c) <= 'z';
}

/// RFC 9110 §5.6.2.
bool is_token_character(char c) {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return is_letter(c) || is_digit(c) || others.find(c) != others.npos;
}

/// Four numbers up to 255 with points between: a name may begin like one.
bool is_ipv4(std::string_view host) {
    for (int left = 4; left > 0; --left) {
        const auto digits = host.substr(0, left > 1 ? host.find('.') : host.npos);
        unsigned value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (error != std::errc{} || end != digits.data() + digits.size() || digits.size() > 3 || value > 255)
            return false;
        host.remove_prefix(std::min(digits.size() + 1, host.size()));
    }
    return true;
}

std::string_view trimmed_blanks(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

/// Letters, digits and the few more that names have on networks, or an address in digits and colons.
bool is_host(std::string_view host, bool bracketed) {
    if (host.empty() || host.size() > longest_name)
        return false;
    return std::all_of(host.begin(), host.end(), [&](char c) {
        return bracketed ? is_hex(c) || c == ':' || c == '.'
                         : is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
    });
}

/// Fills host and port from `host:port`.
bool read_authority(std::string_view written, http_url& into, std::string& why) {
    if (written.find('@') != written.npos) {
        why = "url holds a user name before an @. Put credentials into headers, as Authorization.";
        return false;
    }
    std::string_view host = written;
    std::string_view port;
    const bool bracketed = written.starts_with('[');
    if (bracketed) {
        const auto end = written.find(']');
        host = written.substr(1, end == written.npos ? end : end - 1);
        port = end == written.npos ? std::string_view{} : written.substr(end + 1);
        if (end == written.npos || (!port.empty() && port.front() != ':')) {
            why = "url has an address in brackets that is not closed. Write it as in http://[::1]:8080/.";
            return false;
        }
        if (!port.empty())
            port.remove_prefix(1);
    } else if (const auto colon = written.find(':'); colon != written.npos) {
        host = written.substr(0, colon);
        port = written.substr(colon + 1);
    }
    if (!is_host(host, bracketed)) {
        why = host.empty() ? "url names no host. Write it as in https://server.example/path."
                           : "url has " + in_quotes(host) +
                                 " where the host belongs. Write a name, an IPv4 address, or an IPv6 address "
                                 "in brackets.";
        return false;
    }
    into.host.clear();
    for (const char c : host)
        into.host += lower(c);
    into.port = into.secure ? 443 : 80;
    if (port.empty())
        return true;
    const auto read = std::from_chars(port.data(), port.data() + port.size(), into.port);
    if (read.ec != std::errc{} || read.ptr != port.data() + port.size() || into.port == 0) {
        why = "url has " + in_quotes(port) + " as its port. Write a number from 1 to 65535.";
        return false;
    }
    return true;
}

/// Fills path from what stands behind the host.
bool read_path(std::string_view written, http_url& into, std::string& why) {
    written = written.substr(0, written.find('#'));
    const bool plain = std::all_of(written.begin(), written.end(), [](char c) {
        return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
    });
    if (!plain) {
        why = "url has a blank, a control character or a letter beyond ASCII in its path. Escape it, as with "
              "${name|url}.";
        return false;
    }
    into.path = written.starts_with('/') ? std::string{written} : "/" + std::string{written};
    return true;
}

} // namespace

std::string http_url::authority() const {
    const bool address = host.find(':') != std::string::npos;
    std::string made = address ? "[" + host + "]" : host;
    if (port != (secure ? 443 : 80))
        made += ":" + std::to_string(port);
    return made;
}

std::string http_url::origin() const {
    return (secure ? "https://" : "http://") + authority();
}

bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

std::optional<http_url> parse_http_url(std::string_view written, std::string& why) {
    http_url made;
    if (written.size() > longest_url) {
        why = "url is longer than " + std::to_string(longest_url) + " bytes. Send so much in the body.";
        return std::nullopt;
    }
    const auto scheme_end = written.find("://");
    const auto scheme = written.substr(0, scheme_end);
    made.secure = equal_ignoring_case(scheme, "https");
    if (scheme_end == written.npos || (!made.secure && !equal_ignoring_case(scheme, "http"))) {
        // Not repeated: from here on it may be anything, a secret too.
        why = "url begins with neither http:// nor https://. Write it as in https://server.example/path.";
        return std::nullopt;
    }
    auto rest = written.substr(scheme_end + 3);
    const auto path_at = std::min(rest.find_first_of("/?#"), rest.size());
    if (!read_authority(rest.substr(0, path_at), made, why) || !read_path(rest.substr(path_at), made, why))
        return std::nullopt;
    return made;
}

std::string judge_http_url_beginning(std::string_view beginning) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        const auto known = std::min(scheme.size(), beginning.size());
        if (equal_ignoring_case(beginning.substr(0, known), scheme.substr(0, known)))
            return {};
    }
    return "url begins with neither http:// nor https://. Write it as in https://server.example/path.";
}

std::optional<http_url> http_url_from(const http_url& from, std::string_view location, std::string& why) {
    location = trimmed_blanks(location);
    const auto colon = location.find("://");
    if (colon != location.npos && location.find_first_of("/?#") > colon)
        return parse_http_url(location, why);
    if (location.starts_with("//"))
        return parse_http_url((from.secure ? "https:" : "http:") + std::string{location}, why);
    http_url made = from;
    if (location.starts_with('/'))
        return read_path(location, made, why) ? std::optional{made} : std::nullopt;
    const std::string_view whole = from.path;
    const auto path = whole.substr(0, whole.find('?'));
    const std::string base{location.starts_with('?') ? path : path.substr(0, path.rfind('/') + 1)};
    return read_path(base + std::string{location}, made, why) ? std::optional{made} : std::nullopt;
}

bool same_origin(const http_url& left, const http_url& right) noexcept {
    return left.secure == right.secure && left.host == right.host && left.port == right.port;
}

bool is_loopback_host(std::string_view host) noexcept {
    return host == "localhost" || host.ends_with(".localhost") || host == "::1" || host == "[::1]" ||
           (host.starts_with("127.") && is_ipv4(host));
}

std::string judge_http_header(std::string_view line) {
    static constexpr std::array<std::string_view, 12> own{"host",
                                                          "content-length",
                                                          "transfer-encoding",
                                                          "connection",
                                                          "expect",
                                                          "te",
                                                          "trailer",
                                                          "upgrade",
                                                          "keep-alive",
                                                          "accept-encoding",
                                                          "proxy-connection",
                                                          "proxy-authorization"};
    if (line.size() > longest_header)
        return "headers: one is longer than " + std::to_string(longest_header) +
               " bytes. Send so much in the body.";
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    if (colon == line.npos || name.empty() || !std::all_of(name.begin(), name.end(), is_token_character))
        return "headers: one is not of the form Name: value. Write it as in X-Site: 7.";
    const bool clean = std::all_of(line.begin(), line.end(), [](char c) {
        return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    });
    if (!clean)
        return "headers: the value of " + std::string{name} +
               " has a line break or a control character in it. Check where it comes from.";
    if (std::any_of(own.begin(), own.end(),
                    [&](std::string_view one) { return equal_ignoring_case(one, name); }))
        return "headers: " + std::string{name} + " is written by the host itself. Remove it.";
    return {};
}

std::optional<std::string_view> find_http_header(std::span<const std::string> lines, std::string_view name) {
    for (const std::string_view line : lines) {
        const auto colon = line.find(':');
        if (colon != line.npos && equal_ignoring_case(line.substr(0, colon), name))
            return trimmed_blanks(line.substr(colon + 1));
    }
    return std::nullopt;
}

} // namespace iom::host
