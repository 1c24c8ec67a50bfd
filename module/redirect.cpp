#include "module/redirect.hpp"

#include "module/verdict.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>
#include <vector>

namespace iom::ws {

namespace {

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool same_text(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

redirection refused(std::string why) {
    redirection made;
    made.refusal = std::move(why);
    return made;
}

// Cuts `text` at the first of `marks`; the rest keeps the mark.
std::pair<std::string_view, std::string_view> split(std::string_view text, std::string_view marks) {
    const std::size_t at = std::min(text.find_first_of(marks), text.size());
    return {text.substr(0, at), text.substr(at)};
}

// An absolute path, query and all, without "." and ".." (RFC 3986 §5.2.4).
std::string without_dots(std::string_view path) {
    const auto [way, query] = split(path, "?");
    std::vector<std::string_view> segments;
    bool folder = false; // it ends in a slash
    for (std::size_t at = 1; at <= way.size();) {
        const std::size_t end = std::min(way.find('/', at), way.size());
        const std::string_view segment = way.substr(at, end - at);
        const bool dots = segment == "." || segment == "..";
        if (segment == ".." && !segments.empty()) {
            segments.pop_back();
        } else if (!dots) {
            segments.push_back(segment);
        }
        folder = dots && end == way.size();
        at = end + 1;
    }
    std::string made;
    for (const std::string_view segment : segments) {
        made += '/';
        made += segment;
    }
    if (folder || made.empty()) {
        made += '/';
    }
    return made + std::string(query);
}

std::string path_of(const std::string& base, std::string_view reference) {
    if (reference.empty()) {
        return base.empty() ? "/" : base;
    }
    if (reference.front() == '/') {
        return without_dots(reference);
    }
    const std::string_view plain_base = split(base, "?").first;
    if (reference.front() == '?') {
        return std::string(plain_base) + std::string(reference);
    }
    const std::size_t folder = std::min(plain_base.rfind('/'), plain_base.size() - 1);
    return without_dots(std::string(plain_base.substr(0, folder + 1)) + std::string(reference));
}

} // namespace

redirection follow(const destination& from, std::string_view location, unsigned followed) {
    const std::string shown = plain(location, 120);
    if (location.empty()) {
        return refused("it names no place to go to");
    }
    if (followed >= most_redirects) {
        return refused("it redirects again and again, now to " + shown);
    }
    if (std::any_of(location.begin(), location.end(), [](char c) {
            const auto byte = static_cast<unsigned char>(c); // char is unsigned on ARM
            return byte <= ' ' || byte >= 0x7f;
        })) {
        return refused("it names a place that is no address: " + shown);
    }
    location = split(location, "#").first;

    destination to = from;
    std::string_view rest = location;
    const auto [scheme, after_scheme] = split(location, ":/?");
    if (after_scheme.starts_with("://")) {
        if (same_text(scheme, "wss") || same_text(scheme, "https")) {
            to.secure = true;
        } else if (same_text(scheme, "ws") || same_text(scheme, "http")) {
            to.secure = false;
        } else {
            return refused("it sends us to " + shown + ", which is no WebSocket");
        }
        rest = after_scheme.substr(1);
    }
    if (rest.starts_with("//")) {
        auto [authority, path] = split(rest.substr(2), "/?");
        if (const std::size_t user = authority.rfind('@'); user != std::string_view::npos) {
            authority.remove_prefix(user + 1);
        }
        std::string_view host = authority;
        std::string_view port;
        if (authority.starts_with('[')) {
            const std::size_t end = std::min(authority.find(']'), authority.size());
            host = authority.substr(1, end - 1);
            port = authority.substr(std::min(end + 1, authority.size()));
        } else {
            std::tie(host, port) = split(authority, ":");
        }
        to.host = std::string(host);
        to.port = to.secure ? 443 : 80;
        if (port.size() > 1) {
            const char* const end = port.data() + port.size();
            const auto parsed = std::from_chars(port.data() + 1, end, to.port);
            if (parsed.ec != std::errc() || parsed.ptr != end || to.port == 0) {
                return refused("it names a place that is no address: " + shown);
            }
        }
        to.path = path_of("/", path.starts_with('?') ? "/" + std::string(path) : std::string(path));
        if (!same_text(to.host, from.host)) {
            return refused("it sends us to " + shown +
                           ", another host; if that is right, set Hostname to it");
        }
        to.host = from.host;
    } else {
        to.path = path_of(from.path, rest);
    }
    if (from.secure && !to.secure) {
        return refused("it sends us to " + shown + ", out of TLS");
    }
    redirection made;
    made.same_authority = to.secure == from.secure ? to.port == from.port : from.port == 80 && to.port == 443;
    made.to = std::move(to);
    return made;
}

std::string without_credentials(std::string_view headers) {
    std::string kept;
    while (!headers.empty()) {
        const std::size_t end = std::min(headers.find('\n'), headers.size() - 1) + 1;
        const std::string_view line = headers.substr(0, end);
        const std::string_view name = split(line, ":").first;
        if (same_text(name, "Origin") || same_text(name, "User-Agent")) {
            kept += line;
        }
        headers.remove_prefix(end);
    }
    return kept;
}

} // namespace iom::ws
