#include "module/verdict.hpp"

#include <array>
#include <charconv>
#include <span>

namespace iom::ws {

namespace {

// `from` and `to` bound a numeric code; a row with a token has both 0. An empty token with no range is the
// layer's last resort, and stands last. In sentences {p} is the place, {c} the code, {d} the detail, and
// {r} the detail as a reason: nothing where there is none.
struct row {
    std::string_view token;
    unsigned from;
    unsigned to;
    ws::lane lane;
    ws::series series = series::none;
    bool fatal_again = false; // the second in a row is fatal
    bool credentials = false;
    bool error = true;
    std::string_view sentence;
    std::string_view again = {}; // from the second in a row on, where that sentence differs
};

constexpr auto transient = lane::transient;
constexpr auto slow = lane::slow;
constexpr auto fatal = lane::fatal;

constexpr row token(std::string_view name, ws::lane where, std::string_view sentence) {
    return {.token = name, .from = 0, .to = 0, .lane = where, .sentence = sentence};
}

constexpr row number(unsigned from, unsigned to, ws::lane where, std::string_view sentence) {
    return {.token = {}, .from = from, .to = to, .lane = where, .sentence = sentence};
}

constexpr row rest(ws::lane where, std::string_view sentence) {
    return token({}, where, sentence);
}

// One retry, then fatal.
constexpr row once(row base, ws::series kin) {
    base.series = kin;
    base.fatal_again = true;
    return base;
}

constexpr row rejected(row base) {
    base.credentials = true;
    return base;
}

constexpr row orderly(row base) {
    base.error = false;
    return base;
}

constexpr std::array settings_rows{
    rest(fatal, "{d}"),
};

constexpr std::array dns_rows{
    token("EAI_NONAME", transient,
          "The name {p} is unknown. Check Hostname, and the name server that this controller uses."),
    token("EAI_NODATA", transient, "The name {p} has no address. Check Hostname."),
    token("EAI_ADDRFAMILY", transient,
          "The name {p} has no address of a kind this controller has. Check Hostname."),
    token("EAI_AGAIN", transient,
          "The name server gave no answer for {p}. Check this controller's network and name server."),
    token("EAI_FAIL", transient, "The name server failed on {p}. Check this controller's name server."),
    token("ETIMEDOUT", transient,
          "The name {p} could not be resolved within Connect timeout. Check this controller's name server."),
    token("EBUSY", transient,
          "The name {p} was not looked up: too many look-ups still wait for the name server. Check it."),
    rest(transient, "The name {p} could not be resolved ({c}). Check Hostname and the name server."),
};

constexpr std::array tcp_rows{
    token("ECONNREFUSED", transient,
          "{p} refused the connection: nothing listens there. Check Port, and that the server runs."),
    token("ETIMEDOUT", transient,
          "{p} did not answer within Connect timeout. Check the address, cable and firewalls."),
    token("EHOSTUNREACH", transient,
          "{p} cannot be reached: no such host on the network. Check cable and address."),
    token("ENETUNREACH", transient,
          "{p} cannot be reached: there is no route to it. Check this controller's network."),
    token("EACCES", transient, "The connection to {p} was forbidden on this controller. Check its firewall."),
    token("EPERM", transient, "The connection to {p} was forbidden on this controller. Check its firewall."),
    token("ECONNRESET", transient,
          "{p} reset the connection. Check that Port belongs to a WebSocket server."),
    token(
        "EADDRNOTAVAIL", transient,
        "There is no local address to reach {p} from. Check Local interface and this controller's network."),
    token("ENODEV", transient, "Local interface does not exist, {p} was not tried. Check Local interface."),
    rest(transient, "The connection to {p} failed ({c}). Check the network between here and there."),
};

constexpr std::array proxy_rows{
    token("ECONNREFUSED", transient,
          "The proxy {p} refused the connection. Check HTTP proxy, and that it runs."),
    token("ETIMEDOUT", transient, "The proxy {p} did not answer within Connect timeout. Check HTTP proxy."),
    token("EOF", transient, "The proxy {p} closed the connection without an answer. Check HTTP proxy."),
    token("bad-answer", fatal, "{p} does not answer like an HTTP proxy. Check HTTP proxy."),
    rejected(once(
        number(407, 407, transient, "The proxy {p} asks for a user and password (407). Check HTTP proxy."),
        series::credentials)),
    rejected(once(number(401, 401, transient, "The proxy {p} refused the log-in (401). Check HTTP proxy."),
                  series::credentials)),
    rejected(
        once(number(403, 403, transient, "The proxy {p} forbids this connection (403). Ask who runs it."),
             series::credentials)),
    number(429, 429, slow, "The proxy {p} asks to slow down (429)."),
    number(502, 502, transient, "The proxy {p} could not reach the server (502). Check Hostname and Port."),
    number(503, 503, slow, "The proxy {p} is not available now (503)."),
    number(504, 504, transient,
           "The proxy {p} got no answer from the server (504). Check Hostname and Port."),
    number(408, 408, transient, "The proxy {p} gave up waiting (408)."),
    number(500, 599, transient, "The proxy {p} failed ({c}). Ask who runs it."),
    number(100, 499, fatal, "The proxy {p} refused to connect ({c}). Check HTTP proxy, Hostname and Port."),
    rest(transient, "The connection to the proxy {p} failed ({c}). Check HTTP proxy."),
};

constexpr std::array tls_rows{
    token("wrong-name", fatal,
          "The certificate of {p} is for another name{r}. Check Hostname, or set Server name."),
    token("unknown-ca", fatal,
          "The certificate of {p} is signed by an authority that is not known here{r}. Set CA certificates "
          "to its file."),
    token("self-signed", fatal,
          "The certificate of {p} is self-signed. Set CA certificates to that certificate's file."),
    token("expired", slow,
          "The certificate of {p} has expired. Renew it at the server, or check this controller's clock."),
    token("not-yet-valid", slow, "The certificate of {p} is not valid yet. Check this controller's clock."),
    token("revoked", fatal, "The certificate of {p} was revoked. Ask who runs the server."),
    token("weak-algorithm", fatal,
          "The certificate of {p} uses an algorithm that is no longer safe. Renew it at the server."),
    token("weak-key", fatal,
          "The certificate of {p} has a key that is no longer safe. Renew it at the server."),
    token("wrong-use", fatal, "The certificate of {p} is not made for a server. Renew it at the server."),
    token("bad-certificate", fatal, "The certificate of {p} is not acceptable{r}. Ask who runs the server."),
    token("pin-mismatch", fatal,
          "The key of {p} is none of Pinned keys. Is this the right server? Then add its key {d}."),
    token("old-version", fatal,
          "{p} offers no TLS version that is allowed here. Renew the server, or check Oldest TLS."),
    token("no-common-cipher", fatal, "{p} and this controller share no TLS cipher. Renew the server."),
    token("no-tls", fatal, "{p} does not speak TLS. Check Port, or set Protocol to ws."),
    token("certificate-required", fatal,
          "{p} asks for a client certificate. Set Client certificate and its key."),
    token("certificate-asked", transient,
          "{p} ended the connection after it had asked for a client certificate, and none is set. Set Client "
          "certificate and its key if it wants one."),
    token("certificate-refused", fatal,
          "{p} refused the client certificate{r}. Check Client certificate and its key."),
    token("refused", fatal, "{p} refused the TLS handshake{r}. Check Server name and the server's settings."),
    token("ECONNRESET", transient,
          "{p} reset the connection during the TLS handshake. Check Protocol and Port."),
    token("EOF", transient, "{p} closed the connection during the TLS handshake. Check Protocol and Port."),
    token("ETIMEDOUT", transient, "{p} did not finish the TLS handshake within Connect timeout."),
    rest(transient, "The TLS handshake with {p} failed ({c}){r}."),
};

constexpr std::array http_rows{
    number(400, 400, fatal,
           "{p} does not understand the request (400). Check Path, HTTP headers and Subprotocols."),
    rejected(once(number(401, 401, transient,
                         "{p} refused the log-in (401). Check the bearer token or user name and password."),
                  series::credentials)),
    rejected(once(number(403, 403, transient,
                         "{p} forbids access (403). Check the credentials, Path and the Origin header."),
                  series::credentials)),
    number(404, 404, fatal, "{p} knows no such path (404). Check Path."),
    number(405, 405, fatal, "{p} takes no WebSocket at this path (405). Check Path."),
    rejected(once(number(407, 407, transient,
                         "A proxy before {p} asks for a user and password (407). Check HTTP proxy."),
                  series::credentials)),
    number(408, 408, transient, "{p} gave up waiting for the request (408)."),
    number(409, 409, slow, "{p} reports a conflict (409). Check whether an older session is still open."),
    number(410, 410, fatal, "{p} says this path is gone for good (410). Check Path."),
    number(423, 423, slow, "{p} says this path is locked (423)."),
    number(425, 425, slow, "{p} says this came too early (425)."),
    number(426, 426, fatal,
           "{p} asks for another protocol version (426). Check Path, and what the server is."),
    number(429, 429, slow, "{p} asks to slow down (429)."),
    number(500, 500, transient, "{p} failed inside (500). Look into the server's log."),
    number(502, 502, transient, "{p} is a gateway that could not reach its server (502)."),
    number(503, 503, slow, "{p} is not available now (503)."),
    number(504, 504, transient, "{p} is a gateway that got no answer from its server (504)."),
    number(100, 299, fatal,
           "{p} answered {c} instead of opening a WebSocket. Check Path, and what the server is."),
    number(300, 399, fatal,
           "{p} answered {c} instead of opening a WebSocket{r}. Check Hostname, Protocol and Path."),
    number(400, 499, fatal, "{p} refused the request ({c}). Check Path, HTTP headers and credentials."),
    number(500, 599, transient, "{p} failed ({c}). Look into the server's log."),
    rest(fatal, "{p} answered with a status that does not exist ({c}). Check Port, and what the server is."),
};

constexpr std::array upgrade_rows{
    token("wrong-accept", fatal,
          "{p} answered with a wrong Sec-WebSocket-Accept: it is no WebSocket server, or a cache answered."),
    token("unknown-subprotocol", fatal,
          "{p} chose a subprotocol that was not offered{r}. Check Subprotocols."),
    token("unknown-extension", fatal,
          "{p} chose an extension that was not offered{r}. Ask who runs the server."),
    token("bad-upgrade", fatal,
          "{p} answered 101 without the headers of a WebSocket{r}. Check Path, and what the server is."),
    token("bad-answer", fatal, "{p} does not answer like an HTTP server{r}. Check Port, and Protocol."),
    token("too-long", fatal, "{p} answered with longer headers than we take. Ask who runs the server."),
    token("ETIMEDOUT", transient,
          "{p} took the connection but did not answer the upgrade within Connect timeout."),
    token("ECONNRESET", transient,
          "{p} reset the connection before it answered the upgrade. Check Protocol and Port."),
    token("EOF", transient,
          "{p} closed the connection before it answered the upgrade. Check Protocol and Port."),
    token("ready-timeout", transient,
          "{p} did not send what makes the session ready within Ready timeout. Check Greeting and Ready when "
          "received."),
    rejected(
        once(token("refused", transient, "{p} refused the log-in{r}. Check the credentials in Greeting."),
             series::credentials)),
    rest(transient, "The upgrade at {p} failed ({c}){r}."),
};

constexpr std::array protocol_rows{
    once(number(1002, 1002, transient, "{p} broke the WebSocket protocol{r}. Ask who runs the server."),
         series::protocol),
    once(number(1007, 1007, transient, "{p} sent a message that cannot be read{r}. Ask who runs the server."),
         series::protocol),
    once(number(1009, 1009, transient,
                "{p} sent a message over Largest message{r}. Raise Largest message if that size is right."),
         series::protocol),
    once(rest(transient, "{p} broke the WebSocket protocol ({c}){r}. Ask who runs the server."),
         series::protocol),
};

constexpr row restarting{
    .token = {}, .from = 1012, .to = 1012, .lane = lane::restart, .sentence = "{p} restarts (1012){r}."};

constexpr std::array close_rows{
    orderly(number(1000, 1000, transient, "{p} closed the session (1000){r}.")),
    orderly(number(1001, 1001, transient, "{p} is going away (1001){r}.")),
    once(number(1002, 1002, transient,
                "{p} says we broke the WebSocket protocol (1002){r}. Ask who runs the server."),
         series::protocol),
    once(number(1003, 1003, transient,
                "{p} does not take this kind of message (1003){r}. Check what is sent: text or binary."),
         series::protocol),
    number(1005, 1005, transient, "{p} closed the session without a reason (1005)."),
    number(1006, 1006, transient, "The connection to {p} broke off (1006){r}."),
    once(number(1007, 1007, transient, "{p} could not read a message (1007){r}. Check what is sent."),
         series::protocol),
    rejected(once(
        number(1008, 1008, transient,
               "{p} closed the session because of its policy (1008){r}. Check credentials and what is sent."),
        series::policy)),
    once(number(1009, 1009, transient, "{p} found a message too large (1009){r}. Send smaller ones."),
         series::protocol),
    once(number(1010, 1010, transient, "{p} misses an extension (1010){r}. Check permessage-deflate."),
         series::protocol),
    number(1011, 1011, transient, "{p} failed inside (1011){r}. Look into the server's log."),
    restarting,
    number(1013, 1013, slow, "{p} asks to try again later (1013){r}."),
    number(1014, 1014, transient, "{p} is a gateway that got a bad answer from its server (1014){r}."),
    once(number(1016, 2999, transient,
                "{p} closed the session with a code that is not assigned ({c}){r}. Ask who runs the server."),
         series::unassigned),
    number(3000, 3499, transient, "{p} closed the session ({c}){r}."),
    number(3500, 3999, fatal, "{p} closed the session for good ({c}){r}. Ask who runs the server."),
    rejected(number(4401, 4401, transient, "{p} refused the log-in (4401){r}. Check the credentials.")),
    number(4000, 4499, transient, "{p} closed the session ({c}){r}."),
    number(4500, 4999, fatal, "{p} closed the session for good ({c}){r}. Ask who runs the server."),
    rest(transient, "{p} closed the session ({c}){r}."),
};

constexpr row lifeless(std::string_view name, std::string_view sentence, std::string_view again) {
    row made = token(name, transient, sentence);
    made.series = series::liveness;
    made.again = again;
    return made;
}

constexpr std::array liveness_rows{
    lifeless("pong-timeout", "{p} answered no ping within Pong timeout: the line is dead.",
             "{p} again answered no ping within Pong timeout. If that server never does, turn Send keep "
             "alive? off, or use a heartbeat message."),
    lifeless("no-pong", "{p} answered no ping within Pong timeout, though messages still came.",
             "{p} again answered no ping though messages came. Turn Send keep alive? off, or use a heartbeat "
             "message."),
    lifeless("ping-refused", "{p} broke off the connection when it was sent a ping.",
             "{p} again broke off the connection on a ping. Turn Send keep alive? off, or use a heartbeat "
             "message."),
    token("heartbeat-timeout", transient,
          "{p} did not answer the heartbeat message in time: the line is dead."),
    token("write-deadline", transient,
          "{p} took none of what was sent within Write deadline: the line is dead."),
    token("ETIMEDOUT", transient, "{p} no longer acknowledges anything (TCP): the line is dead."),
    rest(transient, "{p} shows no sign of life ({c})."),
};

constexpr std::array local_rows{
    token("EMFILE", transient,
          "This controller has no file descriptor left for {p}. Close connections or raise the limit."),
    token("ENFILE", transient,
          "This controller has no file descriptor left for {p}. Close connections or raise the limit."),
    token("ENOMEM", transient, "This controller has no memory left for {p}. End what is not needed."),
    token("ENOBUFS", transient, "This controller has no memory left for {p}. End what is not needed."),
    token("EAGAIN", transient, "This controller could start no thread for {p}. End what is not needed."),
    token("internal", transient, "A mistake in this module ended the session with {p}{r}. Please report it."),
    orderly(token("disconnect", transient, "Disconnected from {p} as asked.")),
    orderly(token("stop", transient, "Disconnected from {p}: the instance was stopped.")),
    rest(transient, "This controller could not go on with {p} ({c}){r}."),
};

std::span<const row> rows_of(layer where) {
    switch (where) {
    case layer::settings:
        return settings_rows;
    case layer::dns:
        return dns_rows;
    case layer::tcp:
        return tcp_rows;
    case layer::proxy:
        return proxy_rows;
    case layer::tls:
        return tls_rows;
    case layer::http:
        return http_rows;
    case layer::upgrade:
        return upgrade_rows;
    case layer::protocol:
        return protocol_rows;
    case layer::close:
        return close_rows;
    case layer::liveness:
        return liveness_rows;
    case layer::local:
        break;
    }
    return local_rows;
}

const row& row_of(const failure& found) {
    const auto rows = rows_of(found.where);
    unsigned code = 0;
    const char* const end = found.code.data() + found.code.size();
    const auto parsed = std::from_chars(found.code.data(), end, code);
    const bool numeric = parsed.ec == std::errc() && parsed.ptr == end;
    for (const row& candidate : rows) {
        const bool hit = candidate.to != 0 ? numeric && code >= candidate.from && code <= candidate.to
                                           : !candidate.token.empty() && candidate.token == found.code;
        if (hit) {
            return candidate;
        }
    }
    return rows.back();
}

std::string fill(std::string_view sentence, const failure& found) {
    std::string filled;
    filled.reserve(sentence.size() + found.place.size() + found.detail.size() + 8);
    for (std::size_t at = 0; at < sentence.size(); ++at) {
        if (sentence[at] != '{') {
            filled += sentence[at];
            continue;
        }
        switch (sentence[at + 1]) {
        case 'p':
            filled += found.place;
            break;
        case 'c':
            filled += found.code;
            break;
        case 'd':
            filled += found.detail;
            break;
        default:
            if (!found.detail.empty()) {
                filled += ": ";
                filled += found.detail;
            }
        }
        at += 2;
    }
    return filled;
}

} // namespace

std::string_view name_of(layer where) {
    static constexpr std::array<std::string_view, 11> names{"settings", "dns",      "tcp",     "proxy",
                                                            "tls",      "http",     "upgrade", "protocol",
                                                            "close",    "liveness", "local"};
    return names.at(static_cast<std::size_t>(where));
}

series series_of(const failure& found) {
    return row_of(found).series;
}

verdict judge(const failure& found, unsigned in_a_row) {
    const row& law = row_of(found);
    verdict given;
    given.lane = law.fatal_again && in_a_row > 0 ? lane::fatal : law.lane;
    if (given.lane == lane::transient && found.retry_after && found.where == layer::http) {
        given.lane = lane::slow;
    }
    given.series = law.series;
    given.error = law.error;
    given.credentials = law.credentials;
    given.sentence = fill(in_a_row > 0 && !law.again.empty() ? law.again : law.sentence, found);
    return given;
}

bool close_code_allowed(unsigned code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || code >= 1016;
}

std::string plain(std::string_view text, std::size_t limit) {
    if (text.size() > limit) {
        std::size_t end = limit;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
            --end;
        }
        text = text.substr(0, end);
    }
    std::string made(text);
    for (char& letter : made) {
        const auto byte = static_cast<unsigned char>(letter);
        if (byte < 0x20 || byte == 0x7F) {
            letter = ' ';
        }
    }
    return made;
}

} // namespace iom::ws
