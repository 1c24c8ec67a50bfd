#include "pages.hpp"

#include "digest.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace iom::peer {

namespace {

using json = nlohmann::ordered_json;

constexpr auto index_text = R"(iompeer: the reference far end

WebSocket paths
  /                            echoes each message with its own type (so does any path not listed here)
                               {"type":"bind","things":["press-1"]} is answered bound, unbind unbound
  /broadcast/NAME              what one session sends goes to all others there
  /press  /machine             after a bind alarms come; answer ACK NUMBER
  /auth                        needs Authorization: Bearer TOKEN from POST /token;
                               ?enforce=1 closes the session with 4401 when the token ends
  /basic                       needs basic authentication (--basic)

Faults by path; times=N plays it N times for this target, then echoes; on=message waits for the first message;
below /invalid/ also compression=1 (negotiates it) and stay=1 (leaves the end to the client)
  /close?code=&reason=&after=MS&on=message      /drop?after=MS&on=message&before=upgrade   /rst (as drop)
  /no-pong  /wrong-pong  /no-close-echo  /abort-on-ping?reset=1
  /ping-me?every=MS&burst=N&size=B&compression=1
  /half-open  /stop-reading?messages=N&every=MS
  /slow-upgrade?ms=  /slow-bytes?every=MS  /endless-headers?bytes=
  /status/NNN?retry-after=&www-authenticate=&location=&body=      /redirect?to=URL&status=302&loop=1 (to itself)
  /bad-accept  /bad-subprotocol  /bad-extension
  /flood?count=N&size=B&binary=0 (count 0: without end)  /bomb?size=B
  /big?size=B&fragments=N&binary=0&pings=1 (one before each further fragment)&piece=B&every=MS
  /invalid/masked rsv?bit=&opcode= deflate opcode?opcode= utf8?fragments=1&kind= long-control?opcode=
           fragmented-control?opcode= close-code?code= close-utf8 close-length continuation?behind=1
           interleaved length length-not-minimal?long=1 huge-length?length=

HTTP
  GET  /things     who is there          GET  /sessions   open sessions and counters
  GET  /requests   last 100 upgrades     GET  /closes     last 100 ends of sessions
  GET  /alarms     alarms and answers    GET  /reports    other texts sent to a machine
  POST /token      a token for /auth
  POST /send?path=/press               the body as a text message to every session on that path (binary=1)
  POST /shut?code=1012&reason=&path=   Close to every session (on that path)
  POST /reset                          counters and records back to nothing
)";

http_response text_page(const char* type, std::string body) {
    http_response response{http::status::ok, 11};
    response.set(http::field::content_type, type);
    response.set(http::field::cache_control, "no-store");
    response.body() = std::move(body);
    return response;
}

http_response json_page(const json& value) {
    return text_page("application/json", value.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

json time_or_null(const peer_state& state, const std::optional<moment>& when) {
    return when ? json(state.clock.text(*when)) : json(nullptr);
}

http_response index(peer_state&, const http_request&, const target&) {
    return text_page("text/plain; charset=utf-8", index_text);
}

http_response things(peer_state& state, const http_request&, const target&) {
    json list = json::array();
    for (const auto& thing : state.people.things()) {
        list.push_back({{"name", thing.name},
                        {"isConnected", thing.connected},
                        {"since", state.clock.text(thing.since)},
                        {"lastPing", time_or_null(state, thing.last_ping)},
                        {"reason", thing.reason ? json(word(*thing.reason)) : json(nullptr)},
                        {"generation", thing.generation}});
    }
    return json_page(list);
}

http_response sessions(peer_state& state, const http_request&, const target&) {
    json open = json::array();
    for (const auto& session : state.sessions()) {
        open.push_back({{"session", session->id()}, {"path", session->path()}});
    }
    const auto& count = state.diary.count;
    return json_page({{"open", state.open_sessions()},
                      {"connections", count.connections},
                      {"tlsFailures", count.tls_failures},
                      {"upgrades", count.upgrades},
                      {"sessions", count.sessions},
                      {"pingsReceived", count.pings_received},
                      {"pingsSent", count.pings_sent},
                      {"pongsReceived", count.pongs_received},
                      {"messagesReceived", count.messages_received},
                      {"messagesSent", count.messages_sent},
                      {"bytesReceived", count.bytes_received},
                      {"bytesSent", count.bytes_sent},
                      {"mostArrivalsPerSecond", count.most_arrivals_per_second},
                      {"list", std::move(open)}});
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    return text;
}

http_response requests(peer_state& state, const http_request&, const target&) {
    json list = json::array();
    for (const auto& upgrade : state.diary.upgrades()) {
        json headers = json::object();
        json lines = json::array();
        for (const auto& [name, value] : upgrade.headers) {
            auto& joined = headers[lower(name)];
            joined = joined.is_null() ? value : joined.get<std::string>() + ", " + value;
            lines.push_back(name + ": " + value);
        }
        list.push_back({{"time", state.clock.text(upgrade.when)},
                        {"target", upgrade.target},
                        {"status", upgrade.status},
                        {"session", upgrade.session},
                        {"headers", std::move(headers)},
                        {"headerLines", std::move(lines)},
                        {"remoteAddress", upgrade.remote_address},
                        {"remotePort", upgrade.remote_port},
                        {"tlsVersion", upgrade.tls_version},
                        {"cipher", upgrade.cipher},
                        {"clientCertificate", upgrade.client_certificate}});
    }
    return json_page(list);
}

http_response closes(peer_state& state, const http_request&, const target&) {
    json list = json::array();
    for (const auto& close : state.diary.closes()) {
        list.push_back({{"time", state.clock.text(close.when)},
                        {"session", close.session},
                        {"path", close.path},
                        {"code", close.code},
                        {"reason", close.reason},
                        {"clean", close.clean}});
    }
    return json_page(list);
}

http_response alarms(peer_state& state, const http_request&, const target&) {
    json list = json::array();
    for (const auto& alarm : state.alarms.list()) {
        list.push_back({{"alarm", alarm.number},
                        {"message", alarm.message},
                        {"time", state.clock.text(alarm.raised)},
                        {"acknowledged", alarm.acknowledged.has_value()},
                        {"acknowledgedAt", time_or_null(state, alarm.acknowledged)},
                        {"answer", alarm.answer}});
    }
    return json_page(list);
}

http_response reports(peer_state& state, const http_request&, const target&) {
    json list = json::array();
    for (const auto& report : state.diary.reports()) {
        list.push_back({{"time", state.clock.text(report.when)},
                        {"session", report.session},
                        {"path", report.path},
                        {"text", report.text}});
    }
    return json_page(list);
}

http_response token(peer_state& state, const http_request&, const target&) {
    const auto now = state.clock.now();
    auto fresh = random_hex(16);
    state.tokens.issue(fresh, now);
    const auto lifetime = state.tokens.lifetime();
    const json seconds = lifetime.count() % 1000 == 0 ? json(lifetime.count() / 1000)
                                                      : json(static_cast<double>(lifetime.count()) / 1000);
    return json_page(
        {{"token", fresh}, {"expires", seconds}, {"expiresAt", state.clock.text(now + lifetime)}});
}

/// The sessions that a POST is about: those on path=…, or all.
std::vector<std::shared_ptr<live_session>> meant(const peer_state& state, const target& asked) {
    const auto path = asked.text("path");
    return path ? state.sessions_on(*path) : state.sessions();
}

http_response send(peer_state& state, const http_request& request, const target& asked) {
    const auto sessions = meant(state, asked);
    const bool binary = asked.flag("binary", false);
    for (const auto& session : sessions) {
        session->post(binary, request.body());
    }
    return json_page({{"sessions", sessions.size()}});
}

http_response shut(peer_state& state, const http_request&, const target& asked) {
    const auto code = static_cast<std::uint16_t>(asked.number("code", 1000, 0, 65535));
    const auto sessions = meant(state, asked);
    for (const auto& session : sessions) {
        session->shut(code, asked.text("reason").value_or(""));
    }
    return json_page({{"sessions", sessions.size()}});
}

http_response reset(peer_state& state, const http_request&, const target&) {
    state.diary.clear();
    state.alarms.clear();
    return json_page({{"reset", true}});
}

struct page {
    http::verb method;
    std::string_view path;
    http_response (*answer)(peer_state&, const http_request&, const target&);
};

constexpr std::array pages{
    page{http::verb::get, "/", index},
    page{http::verb::get, "/things", things},
    page{http::verb::get, "/sessions", sessions},
    page{http::verb::get, "/requests", requests},
    page{http::verb::get, "/closes", closes},
    page{http::verb::get, "/alarms", alarms},
    page{http::verb::get, "/reports", reports},
    page{http::verb::post, "/token", token},
    page{http::verb::post, "/send", send},
    page{http::verb::post, "/shut", shut},
    page{http::verb::post, "/reset", reset},
};

} // namespace

http_response error_page(http::status status, const std::string& sentence) {
    auto response = json_page({{"error", sentence}});
    response.result(status);
    return response;
}

http_response answer_page(peer_state& state, const http_request& request, const target& asked) {
    const auto found = std::ranges::find(pages, asked.path, &page::path);
    if (found == pages.end()) {
        return error_page(http::status::not_found,
                          "There is no page " + asked.path +
                              "; GET / lists them. WebSocket paths need an upgrade request.");
    }
    if (found->method != request.method()) {
        const std::string method(view(http::to_string(found->method)));
        auto response =
            error_page(http::status::method_not_allowed, asked.path + " takes " + method + " only.");
        response.set(http::field::allow, method);
        return response;
    }
    return found->answer(state, request, asked);
}

} // namespace iom::peer
