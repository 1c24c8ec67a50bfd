#include "module/cause.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

namespace iom::ws {

namespace {

struct meaning {
    std::string_view text;
    std::string_view code;
};

failure made(layer where, std::string_view code, std::string_view detail = {}) {
    failure found;
    found.where = where;
    found.code = code;
    found.detail = plain(detail);
    return found;
}

// The part of `text` behind `start`, if it begins with it.
bool cut(std::string_view& text, std::string_view start) {
    if (!text.starts_with(start)) {
        return false;
    }
    text.remove_prefix(start.size());
    return true;
}

// Splits "head; tail".
std::pair<std::string_view, std::string_view> at_semicolon(std::string_view text) {
    const std::size_t end = text.find(';');
    if (end == std::string_view::npos) {
        return {text, {}};
    }
    std::string_view tail = text.substr(end + 1);
    cut(tail, " ");
    return {text.substr(0, end), tail};
}

failure certificate_failure(std::string_view text) {
    static constexpr std::array<meaning, 10> meanings{{
        {"unknown ca", "unknown-ca"},
        {"self-signed", "self-signed"},
        {"wrong name", "wrong-name"},
        {"weak", "weak-algorithm"},
        {"weak key", "weak-key"},
        {"wrong usage", "wrong-use"},
        {"not yet valid", "not-yet-valid"},
        {"expired", "expired"},
        {"revoked", "revoked"},
        {"no certificate", "bad-certificate"},
    }};
    auto [token, particulars] = at_semicolon(text);
    if (token == "unknown ca" && particulars == "self-signed") {
        token = particulars; // the library counts it among the former
    }
    for (const meaning& one : meanings) {
        if (one.text == token) {
            return made(layer::tls, one.code, particulars);
        }
    }
    return made(layer::tls, "bad-certificate", particulars.empty() ? token : particulars);
}

// What the server told us in a TLS alert (RFC 8446 §6).
failure alert_failure(std::string_view text, const circumstances& when) {
    const auto [name, asked] = at_semicolon(text);
    static constexpr std::array<std::string_view, 8> about_our_certificate{
        "bad certificate",     "unsupported certificate", "certificate revoked",
        "certificate expired", "certificate unknown",     "unknown ca",
        "access denied",       "decrypt error",
    };
    if (name == "certificate required") {
        return made(layer::tls, "certificate-required");
    }
    if (name == "protocol version") {
        return made(layer::tls, "old-version");
    }
    if (name == "handshake failure" && !asked.empty() &&
        !when.certificate) { // TLS 1.2 has no alert of its own
        return made(layer::tls, "certificate-required");
    }
    if (name == "close notify" || name == "user canceled") {
        return made(layer::tls, "EOF");
    }
    if (name == "internal error") {
        return made(layer::tls, "internal-error", "the server had an error of its own");
    }
    for (const std::string_view one : about_our_certificate) {
        if (one == name) {
            return made(layer::tls, when.certificate ? "certificate-refused" : "refused", name);
        }
    }
    return made(layer::tls, "refused", name);
}

failure tls_failure(std::string_view text, const circumstances& when) {
    if (cut(text, "alert ")) {
        return alert_failure(text, when);
    }
    const auto [what, particulars] = at_semicolon(text);
    if (what == "version") {
        return made(layer::tls, "old-version");
    }
    if (what == "not tls") {
        return made(layer::tls, "no-tls");
    }
    if (what == "handshake failure") {
        return made(layer::tls, "refused", particulars);
    }
    const bool lost =
        what == "closed by the peer" || what == "reset by the peer" || what == "network failure";
    if (lost && !particulars.empty()) { // the server had asked for our certificate
        return made(layer::tls, when.certificate ? "certificate-refused" : "certificate-asked");
    }
    if (what == "closed by the peer") {
        return made(layer::tls, "EOF");
    }
    if (what == "reset by the peer") {
        return made(layer::tls, "ECONNRESET");
    }
    if (what == "network failure") {
        return made(layer::tls, "EOF");
    }
    if (what == "out of memory") {
        return made(layer::local, "ENOMEM");
    }
    return made(layer::tls, "handshake", text);
}

} // namespace

failure cause_of(std::string_view text, const circumstances& when) {
    const layer below = when.proxied ? layer::proxy : layer::tcp;
    if (cut(text, "tls-verify: ")) {
        return certificate_failure(text);
    }
    if (cut(text, "tls: ")) {
        return tls_failure(text, when);
    }
    if (cut(text, "http_proxy -> ")) {
        return made(layer::proxy, text.empty() ? "bad-answer" : text);
    }
    if (text == "http_proxy fail") {
        return made(layer::proxy, "bad-answer");
    }
    if (text == "proxy conn dead" || text == "proxy read err" || text == "proxy write failed") {
        return made(layer::proxy, "EOF");
    }
    if (text == "conn fail: socket bind") {
        return made(layer::tcp, "EADDRNOTAVAIL");
    }
    if (cut(text, "conn fail: ")) {
        cut(text, "skt creation: ");
        cut(text, "skt options: ");
        cut(text, "errno ");
        int number = 0;
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
        if (parsed.ec != std::errc()) {
            return made(below, "EIO", text);
        }
        const bool scarce = number == EMFILE || number == ENFILE || number == ENOMEM || number == ENOBUFS;
        return made(scarce ? layer::local : below, errno_name(number));
    }
    if (cut(text, "HS: ")) {
        static constexpr std::array<meaning, 6> meanings{{
            {"Accept hash wrong", "wrong-accept"},
            {"ACCEPT missing", "wrong-accept"},
            {"PROTOCOL malformed", "unknown-subprotocol"},
            {"Cannot match protocol", "unknown-subprotocol"},
            {"URI missing", "bad-answer"},
            {"OOM", "ENOMEM"},
        }};
        for (const meaning& one : meanings) {
            if (one.text == text) {
                return made(one.code == "ENOMEM" ? layer::local : layer::upgrade, one.code);
            }
        }
        return made(layer::upgrade, text.starts_with("EXT:") ? "unknown-extension" : "bad-upgrade");
    }
    if (text == "request head too large") {
        return made(
            layer::settings, "headers",
            "Path, HTTP headers and credentials are longer together than a request may be; shorten them");
    }
    if (text.starts_with("problems parsing header")) {
        return made(layer::upgrade, "bad-answer");
    }
    switch (when.stage) {
    case reached::nothing:
        return made(below, "EIO", text);
    case reached::proxy:
        return made(layer::proxy, "EOF");
    case reached::tcp:
        return made(layer::tls, "EOF");
    case reached::asking:
        break;
    }
    return made(layer::upgrade, "EOF");
}

std::string errno_name(int number) {
    switch (number) {
    case ECONNREFUSED:
        return "ECONNREFUSED";
    case ETIMEDOUT:
        return "ETIMEDOUT";
    case EHOSTUNREACH:
        return "EHOSTUNREACH";
    case ENETUNREACH:
        return "ENETUNREACH";
    case ECONNRESET:
        return "ECONNRESET";
    case EPIPE:
        return "EPIPE";
    case EACCES:
        return "EACCES";
    case EPERM:
        return "EPERM";
    case EADDRNOTAVAIL:
        return "EADDRNOTAVAIL";
    case EADDRINUSE:
        return "EADDRINUSE";
    case EAFNOSUPPORT:
        return "EAFNOSUPPORT";
    case EINVAL:
        return "EINVAL";
    case ENODEV:
        return "ENODEV";
    case EMFILE:
        return "EMFILE";
    case ENFILE:
        return "ENFILE";
    case ENOMEM:
        return "ENOMEM";
    case ENOBUFS:
        return "ENOBUFS";
    case ENETDOWN:
        return "ENETDOWN";
    case EHOSTDOWN:
        return "EHOSTDOWN";
    default:
        return "errno " + std::to_string(number);
    }
}

} // namespace iom::ws
