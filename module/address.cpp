#include "module/address.hpp"

#include "module/codec.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <net/if.h>
#include <netinet/in.h>

namespace iom::ws {

namespace {

std::string quoted(std::string_view typed) {
    return '"' + std::string(cut_text(typed, 200)) + '"';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

bool is_token_char(char c) {
    return is_digit(c) || is_letter(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

std::string to_lower(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return to_lower(c); });
    return lower;
}

std::optional<std::uint16_t> read_port(std::string_view digits) {
    std::uint16_t port = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (problem != std::errc{} || end != digits.data() + digits.size() || digits.empty()) {
        return std::nullopt;
    }
    return port;
}

/// An address taken apart, however little or much of it was typed.
struct parts {
    std::string_view scheme; // without ://
    std::string_view user;   // with @
    std::string_view host;   // without brackets
    std::string_view port;   // without the colon; may hold anything
    std::string_view path;   // from / ? or # on
    bool has_port = false;
    bool brackets = false;
};

/// `password`: there may be user and password, and what looks like a path before an @ belongs to them.
parts take_apart(std::string_view typed, bool password = false) {
    parts found;
    if (const auto at = typed.find("://"); at != std::string_view::npos) {
        found.scheme = typed.substr(0, at);
        typed.remove_prefix(at + 3);
    }
    if (const auto at = typed.rfind('@'); password && at != std::string_view::npos) {
        found.user = typed.substr(0, at + 1);
        typed.remove_prefix(at + 1);
    }
    if (const auto at = typed.find_first_of("/?#"); at != std::string_view::npos) {
        found.path = typed.substr(at);
        typed = typed.substr(0, at);
    }
    if (const auto at = typed.rfind('@'); at != std::string_view::npos) {
        found.user = typed.substr(0, at + 1);
        typed.remove_prefix(at + 1);
    }
    if (!typed.empty() && typed.front() == '[') {
        const auto close = typed.find(']');
        found.brackets = true;
        found.host = typed.substr(1, close == std::string_view::npos ? close : close - 1);
        typed = close == std::string_view::npos ? std::string_view() : typed.substr(close + 1);
        if (!typed.empty() && typed.front() == ':') {
            found.has_port = true;
            found.port = typed.substr(1);
        }
        return found;
    }
    // More than one colon: an IPv6 address, no port.
    const auto colon = typed.find(':');
    if (colon != std::string_view::npos && typed.find(':', colon + 1) == std::string_view::npos) {
        found.has_port = true;
        found.port = typed.substr(colon + 1);
        typed = typed.substr(0, colon);
    }
    found.host = typed;
    return found;
}

// The first colon that is no part of a ${...}.
std::size_t colon_outside_braces(std::string_view text) {
    bool inside = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        inside = inside ? text[at] != '}' : text.substr(at).starts_with("${");
        if (!inside && text[at] == ':') {
            return at;
        }
    }
    return std::string_view::npos;
}

// A zone is an interface, by name or number; only what can stand in a Host header unescaped (RFC 6874 §2).
bool is_zone(std::string_view typed) {
    return !typed.empty() && typed.size() < IF_NAMESIZE &&
           std::all_of(typed.begin(), typed.end(), [](char c) {
               return is_digit(c) || is_letter(c) || c == '-' || c == '.' || c == '_' || c == '~';
           });
}

/// What is wrong with a bare name or address, without the setting's label; empty if nothing.
std::string judge_name(std::string_view name) {
    if (is_ip_address(name)) {
        return {};
    }
    if (name.find(':') != std::string_view::npos) {
        return quoted(name) + " is no IPv6 address. Write it as in fd00::17, without brackets.";
    }
    if (name.size() > 253) {
        return "a name has at most 253 characters, this one has " + std::to_string(name.size()) + ".";
    }
    if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
        return quoted(name) +
               " has letters beyond ASCII. Write the name in its ASCII form, which begins with xn--.";
    }
    const auto strange = std::find_if(name.begin(), name.end(), [](char c) {
        return !is_digit(c) && !is_letter(c) && c != '-' && c != '.' && c != '_';
    });
    if (strange != name.end()) {
        if (*strange == ' ' || is_control(*strange)) {
            return quoted(name) + " has a space or control character in it. Take it out.";
        }
        return quoted(name) + " has " + quoted({&*strange, 1}) +
               " in it, which no name or address has. Take it out.";
    }
    if (name.find_first_not_of("0123456789.") == std::string_view::npos) {
        return quoted(name) + " is no IPv4 address. Write four numbers from 0 to 255, as in 192.168.1.20.";
    }
    for (std::size_t begin = 0; begin < name.size();) {
        const std::size_t end = std::min(name.find('.', begin), name.size());
        const std::size_t size = end - begin;
        if (size == 0 || size > 63) {
            return quoted(name) + " is no host name: between dots stand 1 to 63 characters.";
        }
        begin = end + 1;
    }
    return {};
}

} // namespace

bool is_ip_address(std::string_view typed) {
    std::string address(typed);
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    if (address.find('\0') != std::string::npos) {
        return false; // inet_pton would not look behind it
    }
    if (inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) {
        return true;
    }
    if (const auto zone = address.find('%'); zone != std::string::npos) {
        if (!is_zone(typed.substr(zone + 1))) {
            return false;
        }
        address.resize(zone);
    }
    return inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
}

std::string judge_hostname(std::string_view typed) {
    if (typed.empty()) {
        return "Hostname: it is empty. Set it to the server's name or address.";
    }
    const parts found = take_apart(typed);
    const bool whole = !found.scheme.empty() || !found.user.empty() || !found.path.empty() || found.has_port;
    if (!whole && found.brackets) {
        return "Hostname: an IPv6 address stands here without brackets. Write " + std::string(found.host) +
               ".";
    }
    if (!whole) {
        std::string wrong = judge_name(typed);
        return wrong.empty() ? wrong : "Hostname: " + wrong;
    }

    // Each piece that was typed gets the setting that it belongs in.
    std::string instead;
    const auto add = [&instead](const std::string& piece) {
        instead += (instead.empty() ? "" : ", ") + piece;
    };
    if (!found.host.empty()) {
        add("set Hostname to " + std::string(found.host));
    }
    if (!found.scheme.empty()) {
        const std::string scheme = to_lower(found.scheme);
        if (scheme == "ws" || scheme == "http") {
            add("Protocol to ws");
        } else if (scheme == "wss" || scheme == "https") {
            add("Protocol to wss");
        } else {
            add("Protocol to ws or wss");
        }
    }
    if (found.has_port) {
        add(read_port(found.port) ? "Port to " + std::string(found.port)
                                  : "Port to a number from 0 to 65535");
    }
    if (!found.path.empty() && found.path != "/") {
        add("Path to " + (found.path.front() == '/' ? "" : std::string("/")) +
            std::string(cut_text(found.path, 200)));
    }
    if (!found.user.empty()) {
        add("the user name and password in Basic authentication");
    }
    // A password that was typed here must not show up in a log.
    std::string shown(typed);
    if (const auto at = shown.find(found.user); !found.user.empty() && at != std::string::npos) {
        shown.replace(at, found.user.size(), "...@");
    }
    return "Hostname: " + quoted(shown) + " is more than a name or address. Instead " + instead + ".";
}

std::string judge_path(std::string_view typed) {
    if (typed.empty() || typed.front() != '/') {
        return "Path: it must begin with a slash. Write /" + std::string(cut_text(typed, 200)) + ".";
    }
    for (const char c : typed) {
        if (c == '#') {
            return "Path: \"#\" cannot be part of a WebSocket address (RFC 6455 section 3). Write %23 for "
                   "the character.";
        }
        if (c == ' ') {
            return "Path: a space cannot stand in it. Write %20.";
        }
        if (is_control(c)) {
            return "Path: a control character (byte " + std::to_string(static_cast<unsigned char>(c)) +
                   ") cannot stand in it. Take it out.";
        }
        if (static_cast<unsigned char>(c) >= 0x80) {
            return "Path: letters beyond ASCII cannot stand in it. Write their UTF-8 bytes as %XX.";
        }
    }
    return {};
}

std::string judge_header(std::string_view typed, bool authorization) {
    if (std::any_of(typed.begin(), typed.end(), [](char c) { return is_control(c) && c != '\t'; })) {
        return "HTTP headers: a line break or control character cannot stand in a header. Write one header "
               "per item.";
    }
    const auto colon = typed.find(':');
    const std::string_view name = typed.substr(0, colon);
    if (colon == std::string_view::npos || name.empty() ||
        !std::all_of(name.begin(), name.end(), is_token_char)) {
        // What was typed may be a secret: only what cannot be one is shown.
        return "HTTP headers: an item is no header. Write it as Name: value, as in Origin: "
               "https://example.org.";
    }
    static constexpr std::array<std::string_view, 15> own{
        "host",
        "upgrade",
        "connection",
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-extensions",
        "sec-websocket-protocol",
        "sec-websocket-accept",
        "content-length",
        "transfer-encoding",
        "te",
        "trailer",
        "expect",
        "keep-alive",
        "proxy-connection",
    };
    const std::string lower = to_lower(name);
    if (lower == "sec-websocket-protocol") {
        return "HTTP headers: Sec-WebSocket-Protocol is made from the setting Subprotocols. Set that.";
    }
    if (lower == "proxy-authorization") {
        return "HTTP headers: Proxy-Authorization is made from the setting HTTP proxy. Write user and "
               "password there.";
    }
    if (std::find(own.begin(), own.end(), lower) != own.end()) {
        return "HTTP headers: " + std::string(name) +
               " belongs to the WebSocket handshake itself. Take it out.";
    }
    if (lower == "authorization" && !authorization) {
        return "HTTP headers: Authorization is made from Bearer token or Basic authentication. Take it out "
               "here, or "
               "there.";
    }
    return {};
}

std::string judge_token(std::string_view typed) {
    if (!typed.empty() && std::all_of(typed.begin(), typed.end(), is_token_char)) {
        return {};
    }
    return quoted(typed) +
           " is no name of a subprotocol: it has letters, digits and ! # $ % & ' * + - . ^ _ ` | ~ only. "
           "Write each in an item of its own.";
}

std::optional<proxy_settings> read_proxy(std::string_view typed, std::string& mistake) {
    static constexpr std::string_view form = " Write http://host:port or http://user:password@host:port.";
    const parts found = take_apart(typed, true);
    const std::string scheme = to_lower(found.scheme);
    if (scheme != "http") {
        mistake = scheme.empty()
                      ? "HTTP proxy: the scheme is missing."
                      : "HTTP proxy: the scheme " + quoted(scheme) + " is not known, only http is.";
        mistake += form;
        return std::nullopt;
    }
    const auto port = read_port(found.port);
    if (!found.has_port || !port || *port == 0) {
        mistake = "HTTP proxy: the port is missing or no number from 1 to 65535.";
        mistake += form;
        return std::nullopt;
    }
    if (!found.path.empty() && found.path != "/") {
        mistake = "HTTP proxy: nothing may follow the port.";
        mistake += form;
        return std::nullopt;
    }
    if (const std::string wrong = found.host.empty() ? "the host is missing." : judge_name(found.host);
        !wrong.empty()) {
        mistake = "HTTP proxy: " + wrong;
        mistake += form;
        return std::nullopt;
    }
    proxy_settings proxy;
    proxy.host = found.host;
    proxy.port = *port;
    if (!found.user.empty()) {
        const std::string_view user = found.user.substr(0, found.user.size() - 1);
        const auto colon = colon_outside_braces(user);
        const std::string_view name = user.substr(0, colon);
        const std::string_view password = colon == std::string_view::npos ? "" : user.substr(colon + 1);
        // What ${...} stands for is put in later, as it is; a plain % that is no %XX stands for itself.
        const auto plain_text = [](std::string_view written) {
            const bool expands = written.find("${") != std::string_view::npos;
            return (expands ? std::nullopt : from_percent(written)).value_or(std::string(written));
        };
        proxy.username = plain_text(name);
        proxy.password = plain_text(password);
        if (proxy.username.empty() || colon_outside_braces(proxy.username) != std::string::npos) {
            mistake = "HTTP proxy: the user name before @ is empty or has a colon in it.";
            mistake += form;
            return std::nullopt;
        }
    }
    return proxy;
}

std::optional<std::string> read_pin(std::string_view typed) {
    static constexpr std::size_t sha256_size = 32;
    for (const std::string_view prefix : {"sha256//", "sha256/"}) {
        if (typed.starts_with(prefix)) {
            typed.remove_prefix(prefix.size());
            break;
        }
    }
    for (const auto& bytes : {from_hex(typed), from_base64(typed)}) {
        if (bytes && bytes->size() == sha256_size) {
            return bytes;
        }
    }
    return std::nullopt;
}

} // namespace iom::ws
