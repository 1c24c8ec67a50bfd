#include "module/link_port.hpp"

#include "module/socket_facts.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <exception>
#include <new>
#include <utility>

namespace iom::ws {

static_assert(LWS_PRE <= payload_room, "a frame's head is written before the payload");

namespace {

// Validity is proved by our own pings; zeros keep libwebsockets from sending any.
constexpr lws_retry_bo_t no_validity_checks{};

// The library's own type for a Close frame, which its public headers leave out.
constexpr auto write_close = static_cast<lws_write_protocol>(4);

std::string bracketed(const std::string& host) {
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

std::string host_header(const destination& to) {
    const bool usual = to.port == (to.secure ? 443 : 80);
    return usual ? bracketed(to.host) : bracketed(to.host) + ":" + std::to_string(to.port);
}

std::string header_of(lws* wsi, lws_token_indexes token) {
    const int length = lws_hdr_total_length(wsi, token);
    if (length <= 0) {
        return {};
    }
    std::string value(static_cast<std::size_t>(length) + 1, '\0');
    const int copied = lws_hdr_copy(wsi, value.data(), static_cast<int>(value.size()), token);
    value.resize(copied > 0 ? static_cast<std::size_t>(copied) : 0);
    return value;
}

#if defined(LWS_IOM_PATCHES)
std::string hex(const std::uint8_t* bytes, std::size_t size) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (std::size_t at = 0; at < size; ++at) {
        text += digits[bytes[at] >> 4U];
        text += digits[bytes[at] & 0xFU];
    }
    return text;
}
#endif

std::string joined(const std::vector<std::string>& tokens) {
    std::string list;
    for (const std::string& token : tokens) {
        list += list.empty() ? "" : ", ";
        list += token;
    }
    return list;
}

// The answer's head, put together again from what the library has kept of it.
std::string answer_head(lws* wsi) {
    std::string head = "HTTP/1.1 " + header_of(wsi, WSI_TOKEN_HTTP) + "\r\n";
    for (int token = 0; token < WSI_TOKEN_COUNT; ++token) {
        const auto index = static_cast<lws_token_indexes>(token);
        const unsigned char* const name = lws_token_to_string(index);
        if (index == WSI_TOKEN_HTTP || name == nullptr || name[0] == '\0' || name[0] == ':') {
            continue;
        }
        const std::string_view text(reinterpret_cast<const char*>(name));
        if (text.ends_with(':') && lws_hdr_total_length(wsi, index) > 0) {
            head += std::string(text) + " " + header_of(wsi, index) + "\r\n";
        }
    }
#if defined(LWS_WITH_CUSTOM_HEADERS)
    struct rest {
        lws* of;
        std::string& head;
    } those{wsi, head};
    lws_hdr_custom_name_foreach(
        wsi,
        [](const char* name, int size, void* opaque) {
            const rest& them = *static_cast<rest*>(opaque);
            const int length = lws_hdr_custom_length(them.of, name, size);
            if (length > 0) {
                std::string value(static_cast<std::size_t>(length) + 1, '\0');
                const int copied =
                    lws_hdr_custom_copy(them.of, value.data(), static_cast<int>(value.size()), name, size);
                value.resize(copied > 0 ? static_cast<std::size_t>(copied) : 0);
                them.head.append(name, static_cast<std::size_t>(size))
                    .append(" ")
                    .append(value)
                    .append("\r\n");
            }
        },
        &those);
#endif
    return head;
}

// What the far end did against RFC 6455, in the library's words.
failure violation_failure(std::string_view words) {
    const bool payload =
        words.find("UTF-8") != std::string_view::npos || words.find("compressed") != std::string_view::npos;
    const bool size = words.find("4 GiB") != std::string_view::npos;
    return {.where = layer::protocol,
            .code = payload ? "1007"
                    : size  ? "1009"
                            : "1002",
            .place = {},
            .detail = std::string(words),
            .retry_after = {}};
}

} // namespace

instant steady_now() noexcept {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<instant>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

line::port::port(link_common& common, mailbox& box, const iom_host& host,
                 std::shared_ptr<const settings> what)
    : common_(common), host_(host), pace_key_(what->hostname, what->port),
      session_(box, *this, std::move(what)) {
    timer_.owner = this;
}

line::port::~port() = default;

void line::port::leave() {
    forget_resolution();
    cut();
    lws_sul_cancel(&timer_.sul);
    if (paced_) {
        common_.attempts.leave(pace_key_);
    }
}

void line::port::end() noexcept {
    const std::lock_guard hold(lock_);
    ended_ = true;
}

// Runs `work` on the session unless the instance is gone. Memory that runs out costs this session, no other;
// so would a mistake of ours.
template <typename Work>
void line::port::guarded(Work&& work) {
    const std::lock_guard hold(lock_);
    if (ended_) {
        return;
    }
    try {
        try {
            work();
        } catch (const std::bad_alloc&) {
            give_up("ENOMEM", {});
        } catch (const std::exception& error) {
            give_up("internal", error.what());
        }
    } catch (const std::exception&) {
        // Not even the failure could be told; the session's deadline will.
    }
    if (!opening_now_) {
        arm();
    }
}

void line::port::give_up(std::string code, std::string detail) {
    cut();
    session_.failed(steady_now(), {.where = layer::local,
                                   .code = std::move(code),
                                   .place = {},
                                   .detail = std::move(detail),
                                   .retry_after = {}});
}

void line::port::doorbell() {
    guarded([&] { session_.attend(steady_now()); });
}

void line::port::answer(const resolution& found) {
    guarded([&] {
        ticket_ = 0;
        session_.resolved(steady_now(), found);
    });
}

void line::port::tick() {
    timer_due_ = 0;
    guarded([&] {
        if (lost_) {
            settle();
        }
        const instant now = steady_now();
        const instant due = session_.next();
        if (due != 0 && now >= due) {
            session_.tick(now);
        }
    });
}

// Sets the timer to the session's next deadline. One that has moved later is found out when it fires.
void line::port::arm() {
    const instant due = lost_ ? steady_now() : session_.next();
    if (due == 0 || (timer_due_ != 0 && timer_due_ <= due)) {
        return;
    }
    timer_due_ = due;
    const instant wait = std::max<instant>((due - steady_now()) / 1000 + 1, 1);
    lws_sul_schedule(
        common_.context, 0, &timer_.sul,
        [](lws_sorted_usec_list_t* sul) { lws_container_of(sul, timer, sul)->owner->tick(); }, wait);
}

// ---- transport --------------------------------------------------------------------------------------------

void line::port::resolve(const std::string& name) {
    ticket_ = common_.names->ask(name);
    common_.asked[ticket_] = this;
}

void line::port::forget_resolution() {
    if (ticket_ != 0) {
        common_.names->abandon(ticket_);
        common_.asked.erase(ticket_);
        ticket_ = 0;
    }
}

bool line::port::resolution_waits() {
    return ticket_ != 0 && common_.names->waits(ticket_);
}

std::optional<failure> line::port::open(const opening& what, const settings& how, const identity& who) {
    opening_ = what;
    refusal_.reset();
    redirect_status_.clear();
    subprotocol_.clear();
    frame_beginning_.clear();
    frame_length_ = 0;
    lost_.reset();
    compressed_ = false;
    stage_ = reached::nothing;
    request_headers_ = what.authorized ? who.headers : without_credentials(who.headers);
    if (what.authorized && !who.authorization.empty()) {
        request_headers_ += "Authorization: " + who.authorization + "\r\n";
    }

    auto found = common_.vhosts.for_settings(how, what.to.secure);
    if (auto* const problem = std::get_if<failure>(&found)) {
        return std::move(*problem);
    }
    vhost_ = std::move(std::get<link_vhosts::hold>(found));

    lws_client_connect_info info{};
    std::string address = what.address;
    if (how.proxy) {
        std::string proxy = bracketed(what.address) + ":" + std::to_string(what.port);
        if (!who.proxy_login.empty()) {
            proxy = who.proxy_login + "@" + proxy;
        }
        if (lws_set_proxy(vhost_.get(), proxy.c_str()) != 0) {
            // It has no room for them. Without this the way would lead past the proxy.
            return failure{.where = layer::settings,
                           .code = "proxy",
                           .place = {},
                           .detail = "HTTP proxy: its user name and password are longer together than this "
                                     "build takes. Have shorter ones made.",
                           .retry_after = {}};
        }
        address = bracketed(what.to.host); // what CONNECT asks for
    }
    const std::string host = host_header(what.to);
    sent_subprotocols_ = joined(how.subprotocols);

    info.context = common_.context;
    info.vhost = vhost_.get();
    info.address = address.c_str();
    info.port = how.proxy ? what.to.port : what.port;
    info.path = what.to.path.c_str();
    info.host = host.c_str();
    info.protocol = sent_subprotocols_.empty() ? nullptr : sent_subprotocols_.c_str();
    info.local_protocol_name = "line";
    info.ietf_version_or_minus_one = -1;
    info.iface = how.local_address.empty() ? nullptr : how.local_address.c_str();
    info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
    if (what.to.secure) {
        info.ssl_connection |= LCCSCF_USE_SSL;
        if (!how.tls.verify) {
            info.ssl_connection |= LCCSCF_ALLOW_SELFSIGNED | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK |
                                   LCCSCF_ALLOW_EXPIRED | LCCSCF_ALLOW_INSECURE;
        }
#if defined(LWS_IOM_PATCHES)
        info.tls_server_name =
            how.tls.server_name.empty() ? what.to.host.c_str() : how.tls.server_name.c_str();
#endif
    }
    info.retry_and_idle_policy = &no_validity_checks;
    info.opaque_user_data = this;
    info.pwsi = &wsi_;

    opening_now_ = true;
    errno = 0;
    lws* const made = lws_client_connect_via_info(&info);
    opening_now_ = false;
    if (made == nullptr) {
        // A failure at once comes without a text; what the system said last is all there is.
        const int usual = how.local_address.empty() ? EIO : ENODEV;
        const std::string text = "conn fail: " + std::to_string(errno != 0 ? errno : usual);
        wsi_ = nullptr;
        if (!refusal_) {
            refusal_ =
                cause_of(text, {.stage = stage_, .proxied = how.proxy.has_value(), .certificate = false});
        }
    }
    if (lost_) {
        refusal_ = std::move(lost_);
        lost_.reset();
    }
    return wsi_ == nullptr ? std::exchange(refusal_, std::nullopt) : std::nullopt;
}

void line::port::cut() {
    lost_.reset();
    lws* const gone = std::exchange(wsi_, nullptr);
    if (gone == nullptr) {
        return;
    }
    unacknowledged_ = 0;
    lws_set_opaque_user_data(gone, nullptr);
#if defined(LWS_IOM_PATCHES)
    // In the middle of a batch; whether its rest still goes out makes no difference any more.
    [[maybe_unused]] const int flushed = lws_ws_uncork(gone);
#endif
    if (lws_partial_buffered(gone)) {
        // Else the library would go on for seconds to flush what the far end does not take.
        ::shutdown(static_cast<int>(lws_get_socket_fd(gone)), SHUT_RDWR);
    }
    if (gone != inside_ && !opening_now_) {
        lws_set_timeout(gone, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_SYNC);
    }
}

bool line::port::write(frame kind, char* payload, std::size_t size) {
    if (wsi_ == nullptr) {
        return false;
    }
    lws_write_protocol type = LWS_WRITE_TEXT;
    std::string_view opcode = "text";
    switch (kind) {
    case frame::text:
        break;
    case frame::binary:
        type = LWS_WRITE_BINARY;
        opcode = "binary";
        break;
    case frame::ping:
        type = LWS_WRITE_PING;
        opcode = "ping";
        break;
    case frame::close:
        type = write_close;
        opcode = "close";
        break;
    }
    if (logs_frames()) { // before it is written: masking overwrites it
        const bool control = kind == frame::ping || kind == frame::close;
        log(IOM_LOG_FRAME,
            control ? control_line(direction::out, opcode, {payload, size})
                    : frame_line(direction::out, opcode, true, size, {payload, size}, kind == frame::text));
    }
    wrote_ = true;
    if (compressed_) {
        // What the compressor still holds goes out by and by; only the next callback says that all has.
        lws_callback_on_writable(wsi_);
    }
    return lws_write(wsi_, reinterpret_cast<unsigned char*>(payload), size, type) >= 0;
}

void line::port::gather() {
#if defined(LWS_IOM_PATCHES)
    if (wsi_ != nullptr && !compressed_) {
        // Without memory for it each frame goes out by itself.
        static_cast<void>(lws_ws_cork(wsi_));
    }
#endif
}

bool line::port::flush() {
#if defined(LWS_IOM_PATCHES)
    return wsi_ != nullptr && lws_ws_uncork(wsi_) == 0;
#else
    return wsi_ != nullptr;
#endif
}

bool line::port::stuck() {
    return wsi_ != nullptr && (lws_partial_buffered(wsi_) != 0 || (compressed_ && wrote_));
}

bool line::port::may_write() {
    return wsi_ != nullptr && !compressed_ && lws_partial_buffered(wsi_) == 0;
}

void line::port::want_write() {
    if (wsi_ != nullptr) {
        lws_callback_on_writable(wsi_);
    }
}

void line::port::read(bool on) {
    if (wsi_ != nullptr) {
        lws_rx_flow_control(wsi_, on ? 1 : 0);
    }
}

void line::port::ignore_input() {
#if defined(LWS_IOM_PATCHES)
    if (wsi_ != nullptr) {
        lws_ws_ignore_rx(wsi_);
    }
#endif
}

int line::port::socket() const {
    return static_cast<int>(lws_get_socket_fd(wsi_));
}

std::uint64_t line::port::unacknowledged() {
    return wsi_ == nullptr ? unacknowledged_ : unacknowledged_bytes(socket());
}

std::uint64_t line::port::acknowledged() {
    return wsi_ == nullptr ? 0 : acknowledged_bytes(socket());
}

span_of_time line::port::pace(span_of_time first_max) {
    if (!paced_) {
        paced_ = true;
        common_.attempts.enter(pace_key_);
    }
    return common_.attempts.reserve(pace_key_, span_of_time(steady_now()), first_max);
}

double line::port::random() {
    return std::uniform_real_distribution<double>(0, 1)(common_.dice);
}

void line::port::knock() {
    common_.knocked = true;
    host_.wake(&host_);
}

void line::port::log(std::uint32_t level, std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        host_.log(&host_, level, {text.data(), end});
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

// ---- callbacks of a connection ----------------------------------------------------------------------------

int line::port::callback(lws* wsi, lws_callback_reasons reason, void* in, std::size_t size) {
    int result = -1;
    lws* const outer = std::exchange(inside_, wsi);
    guarded([&] {
        if (wsi_ == wsi) {
            result = on_callback(wsi, reason, in, size);
        }
        // Cut within: the library closes a connection whose callback says so.
        if (wsi_ != wsi) {
            result = -1;
        }
    });
    inside_ = outer;
    if (reason == LWS_CALLBACK_WSI_DESTROY && wsi_ == wsi) {
        wsi_ = nullptr; // also when the instance has ended and nothing else is heard any more
    }
    return result;
}

int line::port::on_callback(lws* wsi, lws_callback_reasons reason, void* in, std::size_t size) {
    const instant now = steady_now();
    const std::string_view bytes(static_cast<const char*>(in), in == nullptr ? 0 : size);
    switch (reason) {
    case LWS_CALLBACK_WSI_CREATE:
        stage_ = session_.what().proxy ? reached::proxy : opening_.to.secure ? reached::tcp : reached::asking;
        if (!session_.what().keep_alive) {
            watch_by_tcp(static_cast<int>(lws_get_socket_fd(wsi)),
                         session_.what().ping_interval + session_.what().pong_timeout);
        }
        session_.tcp_up(now, remote_address(static_cast<int>(lws_get_socket_fd(wsi))));
        return 0;
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return on_request(wsi, static_cast<char**>(in), size);
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        return on_answer(wsi);
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
        subprotocol_ = header_of(wsi, WSI_TOKEN_PROTOCOL);
        compressed_ = !header_of(wsi, WSI_TOKEN_EXTENSIONS).empty();
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        session_.upgraded(now, subprotocol_);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return on_message(wsi, now, bytes);
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        log_control(direction::in, "pong", bytes);
        session_.ponged(now, bytes);
        return 0;
#if defined(LWS_IOM_CONTROL_FRAMES)
    case LWS_CALLBACK_CLIENT_RECEIVE_PING:
        log_control(direction::in, "ping", bytes);
        return 0;
    case LWS_CALLBACK_CLIENT_SENT_PONG:
        log_control(direction::out, "pong", bytes);
        return 0;
    case LWS_CALLBACK_CLIENT_SENT_CLOSE:
        log_control(direction::out, "close", bytes);
        if (const char* const words = lws_ws_violation(wsi)) {
            session_.violated(now, violation_failure(words));
        }
        return 0;
#endif
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return on_close(wsi, bytes);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        wrote_ = false;
        session_.writable(now);
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        on_error(words_for_error(wsi, bytes));
        // The library does not tell a reset from an orderly end.
        if (lost_ && lost_->code == "EOF" && static_cast<int>(lws_get_socket_fd(wsi)) >= 0 &&
            end_of(static_cast<int>(lws_get_socket_fd(wsi))) == line_end::reset) {
            lost_->code = "ECONNRESET";
        }
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        on_closed(wsi);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (!lost_) {
            on_error("closed");
        }
        return 0;
    default:
        return 0;
    }
}

// TLS is up, if there is any, and the request is about to be sent: the last moment to keep it back.
int line::port::on_request(lws* wsi, char** at, std::size_t room) {
    const settings& how = session_.what();
    if (opening_.to.secure) {
        tls_facts facts;
#if defined(LWS_IOM_PATCHES)
        const char* const version = lws_tls_version_name(wsi);
        const char* const cipher = lws_tls_cipher_name(wsi);
        facts.version = version == nullptr ? "" : version;
        facts.cipher = cipher == nullptr ? "" : cipher;
        if (!how.tls.pins.empty()) {
            std::array<std::uint8_t, 32> digest{};
            const bool known = lws_tls_peer_spki_sha256(wsi, digest.data()) == 0;
            const std::string_view mine(reinterpret_cast<const char*>(digest.data()), digest.size());
            if (!known || std::find(how.tls.pins.begin(), how.tls.pins.end(), mine) == how.tls.pins.end()) {
                refusal_ = {.where = layer::tls,
                            .code = "pin-mismatch",
                            .place = {},
                            .detail = known ? hex(digest.data(), digest.size()) : "",
                            .retry_after = {}};
                return -1;
            }
        }
#else
        if (!how.tls.pins.empty()) {
            refusal_ = {
                .where = layer::settings,
                .code = "tls-pins",
                .place = {},
                .detail =
                    "Pinned keys: this build's libwebsockets does not tell a server's key. Empty the list.",
                .retry_after = {}};
            return -1;
        }
#endif
        lws_tls_cert_info_results result{};
        if (lws_tls_peer_cert_info(wsi, LWS_TLS_CERT_INFO_VALIDITY_TO, &result, 0) == 0) {
            facts.expiry = static_cast<std::int64_t>(result.time);
        }
        session_.secured(steady_now(), std::move(facts));
    }
    stage_ = reached::asking;
    session_.asking(steady_now());
    if (request_headers_.size() + 4 > room) {
        refusal_ = cause_of("request head too large", {});
        return -1;
    }
    std::memcpy(*at, request_headers_.data(), request_headers_.size());
    *at += request_headers_.size();
    if (logs_heads()) {
        // The library counts the room from the end of its buffer, and keeps 12 bytes of it.
        const char* const begin = *at - request_headers_.size() + room + 12 - service_buffer;
        log(IOM_LOG_FRAME, head_lines(direction::out, {begin, static_cast<std::size_t>(*at - begin)}));
    }
    return 0;
}

// The head of the answer is here; the library has not looked at it yet.
int line::port::on_answer(lws* wsi) {
    if (logs_heads()) {
        log(IOM_LOG_FRAME, head_lines(direction::in, answer_head(wsi)));
    }
    const unsigned status = lws_http_client_http_response(wsi);
    if (status == 101) {
        return 0;
    }
    std::string location = header_of(wsi, WSI_TOKEN_HTTP_LOCATION);
    const bool redirects = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    refusal_ = {.where = layer::http,
                .code = std::to_string(status),
                .place = {},
                .detail = redirects && location.empty() ? "it names no place to go to" : "",
                .retry_after = read_retry_after(header_of(wsi, WSI_TOKEN_HTTP_RETRY_AFTER),
                                                header_of(wsi, WSI_TOKEN_HTTP_DATE))};
    if (redirects && !location.empty()) {
        redirect_status_ = std::to_string(status);
        redirect_location_ = std::move(location);
    }
    return -1;
}

int line::port::on_message(lws* wsi, instant now, std::string_view bytes) {
    const bool first = lws_is_first_fragment(wsi) != 0;
    const bool last = lws_is_final_fragment(wsi) != 0;
    const bool binary = lws_frame_is_binary(wsi) != 0;
    const std::uint64_t remaining = lws_remaining_packet_payload(wsi);
    if (logs_frames()) {
        log_in_frame(wsi, bytes, first, last, binary, remaining);
    }
    session_.received(now, bytes, first, last, binary, remaining);
    return 0;
}

// A frame may come in pieces; its line is written when the last is here.
void line::port::log_in_frame(lws* wsi, std::string_view bytes, bool first, bool last, bool binary,
                              std::uint64_t remaining) {
    if (frame_length_ == 0) {
        message_begun_ = first;
    }
    frame_beginning_ +=
        bytes.substr(0, shown_payload + 4 - std::min(frame_beginning_.size(), shown_payload + 4));
    frame_length_ += bytes.size();
#if defined(LWS_IOM_PATCHES)
    if (lws_ws_frame_complete(wsi) == 0) { // of a compressed frame there may be more where nothing remains
        return;
    }
#else
    static_cast<void>(wsi);
#endif
    if (remaining != 0) {
        return;
    }
    const std::string_view opcode = !message_begun_ ? "continuation" : binary ? "binary" : "text";
    log(IOM_LOG_FRAME, frame_line(direction::in, opcode, last, frame_length_, frame_beginning_, !binary));
    frame_beginning_.clear();
    frame_length_ = 0;
}

void line::port::log_control(direction way, std::string_view opcode, std::string_view payload) {
    if (logs_frames()) {
        log(IOM_LOG_FRAME, control_line(way, opcode, payload));
    }
}

int line::port::on_close(lws* wsi, std::string_view bytes) {
    static_cast<void>(wsi);
    log_control(direction::in, "close", bytes);
    unsigned code = 1005;
    if (bytes.size() >= 2) {
        code = static_cast<unsigned>(static_cast<unsigned char>(bytes[0])) << 8U |
               static_cast<unsigned char>(bytes[1]);
    }
    const bool answer =
        session_.close_received(steady_now(), code, bytes.substr(std::min<std::size_t>(2, bytes.size())));
#if !defined(LWS_IOM_CONTROL_FRAMES)
    if (!answer) { // the library's answer, which it does not tell of
        log_control(direction::out, "close", bytes);
    }
#endif
    return answer ? -1 : 0;
}

// What the library says of an attempt that failed, put right where the socket knows better.
std::string line::port::words_for_error(lws* wsi, std::string_view text) const {
    const int socket = static_cast<int>(lws_get_socket_fd(wsi));
    // A proxy that hung up is not one that talks nonsense.
    if (text == "http_proxy fail" && end_of(socket) != line_end::none) {
        return "proxy conn dead";
    }
    // "Unreachable" that comes by ICMP ends an attempt before the library asks why.
    if (stage_ == reached::nothing && !text.starts_with("conn fail: ")) {
        if (const int error = pending_error(socket); error != 0) {
            return "conn fail: " + std::to_string(error);
        }
    }
    return std::string(text);
}

// The connection came to nothing. The session hears of it from the timer, when the library is done with it.
void line::port::on_error(std::string_view text) {
    if (refusal_) {
        lose(std::move(*refusal_));
        refusal_.reset();
        return;
    }
    lose(cause_of(text, {.stage = stage_,
                         .proxied = session_.what().proxy.has_value(),
                         .certificate = !session_.what().tls.certificate.empty()}));
}

// An established connection is gone.
void line::port::on_closed(lws* wsi) {
    const int error = errno; // of the read or write that failed, if one did
    const int fd = static_cast<int>(lws_get_socket_fd(wsi));
    unacknowledged_ = unacknowledged_bytes(fd);
#if defined(LWS_IOM_PATCHES)
    if (const char* const words = lws_ws_violation(wsi)) {
        lose(violation_failure(words));
        return;
    }
#endif
    failure why{.where = layer::close, .code = "1006", .place = {}, .detail = {}, .retry_after = {}};
    switch (end_of(fd, error)) {
    case line_end::none: // it was the library that did not like what came
#if defined(LWS_IOM_PATCHES)
        if (opening_.to.secure) { // it would have had words for a violation, so it was TLS
            why.detail = "what came was no valid TLS, so something on the way spoils it";
            break;
        }
#endif
        why = violation_failure("");
        break;
    case line_end::finished:
        why.detail = "it ended without a Close";
        break;
    case line_end::reset:
        why.detail = "it was reset";
        break;
    case line_end::silent:
        why.where = layer::liveness;
        why.code = "ETIMEDOUT";
        break;
    }
    lose(std::move(why));
}

void line::port::lose(failure why) {
    if (wsi_ != nullptr && !opening_now_) {
        lws_set_opaque_user_data(wsi_, nullptr);
        wsi_ = nullptr;
    }
    if (!lost_) {
        lost_ = std::move(why);
    }
}

void line::port::settle() {
    failure why = std::move(*lost_);
    lost_.reset();
    if (!redirect_status_.empty()) {
        const std::string status = std::exchange(redirect_status_, {});
        session_.redirected(steady_now(), status, redirect_location_);
        return;
    }
    session_.failed(steady_now(), std::move(why));
}

} // namespace iom::ws
