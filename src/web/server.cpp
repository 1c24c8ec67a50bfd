#include "web/server.hpp"

#include "web/access.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <netinet/in.h>
#include <pthread.h>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

#include <libwebsockets.h>
#include <linux/tcp.h>

namespace iom::host::web {
namespace {

constexpr std::size_t most_connections = 128;
constexpr std::size_t most_of_one = 96;                       ///< of them, from one address
constexpr std::size_t most_discarded = std::size_t{8} << 20U; ///< of a body that is not wanted
constexpr std::size_t longest_head = 16384;
constexpr std::size_t piece_size = 16384;
constexpr std::int64_t write_patience = 30'000'000; ///< microseconds that a reader may take nothing
constexpr std::int64_t head_patience = 15'000'000;  ///< microseconds from the connection to the first head
constexpr std::int64_t keep_alive = 60'000'000;     ///< microseconds to the next
constexpr std::int64_t body_patience = 20'000'000;  ///< microseconds for any body …
constexpr std::int64_t slowest_body = 100;          ///< … and for each byte of it: 10 kB/s
constexpr const char* channel_protocol = "iom.page.1";

std::int64_t steady_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

std::string header(lws* wsi, lws_token_indexes which) {
    const int length = lws_hdr_total_length(wsi, which);
    if (length <= 0) {
        return {};
    }
    std::string text(static_cast<std::size_t>(length) + 1, '\0');
    const int copied = lws_hdr_copy(wsi, text.data(), length + 1, which);
    text.resize(copied > 0 ? static_cast<std::size_t>(copied) : 0);
    return text;
}

std::string custom_header(lws* wsi, std::string_view name) {
    const int length = lws_hdr_custom_length(wsi, name.data(), static_cast<int>(name.size()));
    if (length <= 0) {
        return {};
    }
    std::string text(static_cast<std::size_t>(length) + 1, '\0');
    const int copied =
        lws_hdr_custom_copy(wsi, text.data(), length + 1, name.data(), static_cast<int>(name.size()));
    text.resize(copied > 0 ? static_cast<std::size_t>(copied) : 0);
    return text;
}

struct header_names {
    bool forwarded = false;
    bool strange = false; ///< one is no token: two who read it differently would read different requests
};

void look_at_name(const char* name, int length, void* found) {
    std::string lower(name, static_cast<std::size_t>(length));
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
    if (lower.ends_with(':')) {
        lower.pop_back();
    }
    auto& to = *static_cast<header_names*>(found);
    to.forwarded = to.forwarded || lower.starts_with("x-forwarded") || lower.starts_with("forwarded") ||
                   lower.starts_with("via");
    constexpr std::string_view token =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"; // RFC 9110 §5.6.2
    to.strange = to.strange || lower.empty() || lower.find_first_not_of(token) != std::string::npos;
}

/// Of every answer, also of those that the library gives by itself.
const lws_protocol_vhost_options shown_always[] = {
    {&shown_always[1], nullptr, "content-security-policy:",
     "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {&shown_always[2], nullptr, "x-content-type-options:", "nosniff"},
    {&shown_always[3], nullptr, "referrer-policy:", "no-referrer"},
    {&shown_always[4], nullptr, "cross-origin-opener-policy:", "same-origin"},
    {nullptr, nullptr, "cross-origin-resource-policy:", "same-origin"},
};

answer refusal(int status, std::string_view error, std::string_view sentence) {
    return {status,
            R"({"error":")" + std::string(error) + R"(","sentence":")" + std::string(sentence) + R"("})",
            "application/json",
            {{"cache-control", "no-store"}}};
}

/// What one connection is doing.
struct connection {
    connection() = default;
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection() {
        if (asked != nullptr) {
            asked->gone = true;
        }
    }

    lws* wsi = nullptr;
    std::uint64_t id = 0;
    std::string peer;

    // HTTP, one transaction at a time
    std::shared_ptr<request> asked;
    bool malformed = false;
    bool body_ended = false;
    std::int64_t head_due = 0; ///< when the head of the next request must be there; 0: it is
    std::int64_t body_due = 0; ///< when the whole of the body must be there; 0: it is
    std::size_t body_limit = 0;
    std::optional<answer> early; ///< is given when the body has been thrown away
    bool serving = false;
    std::optional<answer> out;
    bool head_only = false;
    bool head_sent = false;
    bool closes = false;
    std::size_t sent = 0;

    // a channel
    std::unique_ptr<talker> page;
    std::string heard;
    bool skipping = false;       ///< the rest of a message that is too long
    std::uint16_t ends_with = 0; ///< the code to close with after the message that is on its way
    std::uint16_t close_code = 0;
    std::string close_reason;
    std::string saying;              ///< the message that is on its way …
    std::size_t said = 0;            ///< … and how far it is
    std::int64_t asked_to_write = 0; ///< since when the socket takes nothing
    std::uint64_t taken = 0;         ///< bytes that the other end had acknowledged when it was looked at last
};

} // namespace

class server::body {
public:
    body(server_options options, front& who_answers) : options_(std::move(options)), front_(who_answers) {
        lws_set_log_level(0, nullptr);
        make_context();
    }
    ~body() {
        stop();
        destroy_context();
    }
    body(const body&) = delete;
    body& operator=(const body&) = delete;

    void start() {
        thread_ = std::thread([this] { work(); });
        pthread_setname_np(thread_.native_handle(), "web");
    }

    void stop() {
        if (!thread_.joinable()) {
            return;
        }
        ending_.store(true);
        wake();
        thread_.join();
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    void post(std::function<void()> what) {
        {
            const std::lock_guard lock(mutex_);
            posted_.push_back(std::move(what));
        }
        wake();
    }

    void after(std::int64_t microseconds, std::function<void()> what) {
        timers_.emplace(steady_us() + microseconds, std::move(what));
        set_alarm();
    }

    void use_certificate(const key_and_certificate& fresh) {
        next_tls_ = fresh;
        after(300'000, [this] { renew_ = true; }); // the answer to who asked for it goes out first
    }

    int called(lws* wsi, lws_callback_reasons why, void* in, std::size_t length);
    static body* of(lws* wsi) { return static_cast<body*>(lws_context_user(lws_get_context(wsi))); }

private:
    struct alarm {
        lws_sorted_usec_list_t list{};
        body* owner = nullptr;
    };

    [[noreturn]] void no_place(const std::string& why) const;
    void make_context();
    void destroy_context() {
        if (context_ != nullptr) {
            lws_context_destroy(std::exchange(context_, nullptr));
        }
    }
    void wake() {
        const std::lock_guard lock(context_mutex_);
        if (context_ != nullptr) {
            lws_cancel_service(context_);
        }
    }
    void renew();
    void work();
    void do_one(const std::function<void()>& what);
    void do_posted();
    void do_due();
    void set_alarm();
    static void rang(lws_sorted_usec_list_t* list) { lws_container_of(list, alarm, list)->owner->do_due(); }
    void look_after_writers();

    static connection* find(lws* wsi) { return static_cast<connection*>(lws_get_opaque_user_data(wsi)); }
    connection& made(lws* wsi);
    [[nodiscard]] int welcome(connection& who) const;
    connection* by_id(std::uint64_t id) {
        const auto found = connections_.find(id);
        return found == connections_.end() ? nullptr : found->second.get();
    }

    static std::shared_ptr<request> read_head(connection& who, std::string_view path);
    int begin(connection& who, std::string_view path);
    int body_part(connection& who, std::string_view bytes);
    int body_end(connection& who);
    void serve(connection& who);
    void answered(std::uint64_t id, answer what);
    int write(connection& who);
    bool write_head(connection& who);
    int confirm(connection& who, std::string_view path);
    int open_page(connection& who);
    int page_says(connection& who, std::string_view bytes);
    int write_page(connection& who);
    static int close_page(connection& who, std::uint16_t code, std::string_view why);
    void ask_to_write(connection& who);

    server_options options_;
    std::optional<key_and_certificate> next_tls_;
    front& front_;
    lws_context* context_ = nullptr;
    lws_vhost* vhost_ = nullptr;
    std::uint16_t port_ = 0;
    std::mutex context_mutex_; ///< against wake while the context is made anew
    std::thread thread_;
    std::atomic<bool> ending_{false};
    bool renew_ = false;

    std::mutex mutex_;
    std::vector<std::function<void()>> posted_;
    std::multimap<std::int64_t, std::function<void()>> timers_;
    alarm alarm_;

    std::unordered_map<std::uint64_t, std::unique_ptr<connection>> connections_;
    std::uint64_t last_id_ = 0;
};

namespace {

int callback(lws* wsi, lws_callback_reasons why, void* /*user*/, void* in, std::size_t length) {
    server::body* const owner = server::body::of(wsi);
    if (owner == nullptr) {
        return 0;
    }
    try {
        return owner->called(wsi, why, in, length);
    } catch (const std::exception&) {
        return -1; // nothing of ours may go through the library; the connection ends
    }
}

/// Of a place where nobody ever comes.
const lws_protocols unanswered[] = {{"http", lws_callback_http_dummy, 0, 0, 0, nullptr, 0},
                                    LWS_PROTOCOL_LIST_TERM};

const lws_protocols protocols[] = {
    {"http", callback, 0, 0, 0, nullptr, 0},
    {channel_protocol, callback, 0, piece_size, 0, nullptr, 0},
    LWS_PROTOCOL_LIST_TERM,
};

// The page's line: a ping every 20 s, given up after 10 s without its pong.
const lws_retry_bo_t liveness = {nullptr, 0, 0, 20, 30, 0};

} // namespace

// ---- the context and its thread

namespace {

/// A pair as the library takes it. What begins with `-----` it would decode itself, and only one block of it;
/// anything else it hands to mbedTLS as it is, which takes a whole chain and every form of a key.
struct handed_over {
    explicit handed_over(const key_and_certificate& both)
        : certificate('\n' + both.certificate), key('\n' + both.key) {}

    void give(lws_context_creation_info& vhost) const {
        vhost.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        vhost.server_ssl_cert_mem = certificate.c_str();
        vhost.server_ssl_cert_mem_len =
            static_cast<unsigned>(certificate.size()) + 1; // mbedTLS wants the NUL
        vhost.server_ssl_private_key_mem = key.c_str();
        vhost.server_ssl_private_key_mem_len = static_cast<unsigned>(key.size()) + 1;
    }

    std::string certificate;
    std::string key;
};

/// What the system says to listening there, as ` (…)`; empty if one can. The library does not say, and for an
/// address that this machine does not have it would wait for ever.
std::string why_not(const std::string& address, std::uint16_t port) {
    sockaddr_storage place{};
    socklen_t size = 0;
    if (address.find(':') == std::string::npos) {
        auto& four = reinterpret_cast<sockaddr_in&>(place);
        four.sin_family = AF_INET;
        four.sin_port = htons(port);
        inet_pton(AF_INET, address.c_str(), &four.sin_addr);
        size = sizeof four;
    } else {
        auto& six = reinterpret_cast<sockaddr_in6&>(place);
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(port);
        inet_pton(AF_INET6, address.c_str(), &six.sin6_addr);
        size = sizeof six;
    }
    const int line = socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (line >= 0) {
        setsockopt(line, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    const bool free =
        line >= 0 && bind(line, reinterpret_cast<const sockaddr*>(&place), size) == 0 && listen(line, 1) == 0;
    const int error = errno;
    if (line >= 0) {
        close(line);
    }
    if (free) {
        return {};
    }
    return std::string(" (") + std::strerror(error) +
           (error == EADDRINUSE ? "): another program is there" : ")");
}

} // namespace

bool server::can_serve(const key_and_certificate& both) {
    lws_set_log_level(0, nullptr);
    lws_context_creation_info info{};
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.fd_limit_per_thread = 8;
    lws_context* const context = lws_create_context(&info);
    if (context == nullptr) {
        return false;
    }
    lws_context_creation_info vhost{};
    vhost.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    vhost.protocols = unanswered;
    vhost.vhost_name = "trial";
    const handed_over pair(both);
    pair.give(vhost);
    const bool taken = lws_create_vhost(context, &vhost) != nullptr;
    lws_context_destroy(context);
    return taken;
}

void server::body::no_place(const std::string& why) const {
    throw std::runtime_error("the web page cannot be served at " + options_.address + ":" +
                             std::to_string(options_.port) + why +
                             ". Give another place with --web ADDR:PORT, or --no-web");
}

void server::body::make_context() {
    if (const std::string trouble = why_not(options_.address, port_ != 0 ? port_ : options_.port);
        !trouble.empty()) {
        no_place(trouble);
    }
    lws_context_creation_info info{};
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_VALIDATE_UTF8;
    if (options_.tls) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    }
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.user = this;
    info.fd_limit_per_thread = static_cast<unsigned>(most_connections) + 16;
    info.max_http_header_data = longest_head;
    info.max_http_header_pool = static_cast<unsigned short>(most_connections);
    info.timeout_secs = 10; // for a TLS handshake, and for a head
    info.pt_serv_buf_size = piece_size;
    lws_context* const context = lws_create_context(&info);
    if (context == nullptr) {
        throw std::runtime_error("the web server cannot be made: there is no memory for it");
    }

    lws_context_creation_info vhost{};
    vhost.port = port_ != 0 ? port_ : options_.port;
    vhost.iface = options_.address.c_str();
    vhost.protocols = protocols;
    vhost.vhost_name = "page";
    vhost.server_string = "iomhost";
    vhost.headers = shown_always;
    vhost.keepalive_timeout = 60;
    vhost.retry_and_idle_policy = &liveness;
    vhost.options = LWS_SERVER_OPTION_VALIDATE_UTF8 | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
    if (options_.address.find(':') == std::string::npos) {
        vhost.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    }
    std::optional<handed_over> pair;
    if (options_.tls) {
        pair.emplace(*options_.tls);
        pair->give(vhost);
    }
    vhost_ = lws_create_vhost(context, &vhost);
    if (vhost_ == nullptr) {
        lws_context_destroy(context);
        no_place({});
    }
    port_ = static_cast<std::uint16_t>(lws_get_vhost_listen_port(vhost_));
    const std::lock_guard lock(context_mutex_);
    context_ = context;
}

void server::body::work() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    alarm_.owner = this;
    after(1'000'000, [this] { look_after_writers(); });
    bool good = true;
    while (good && !ending_.load()) {
        good = lws_service(context_, 0) >= 0;
        do_posted();
        do_due();
        if (std::exchange(renew_, false)) {
            renew();
        }
    }
    if (context_ == nullptr) {
        return;
    }
    // What was said last (that this is the end) goes out if it can do so at once.
    do_posted();
    for (int round = 0; round < 20 && good; ++round) {
        lws_cancel_service(context_);
        good = lws_service(context_, 0) >= 0;
    }
    lws_sul_cancel(&alarm_.list);
    destroy_context();
    connections_.clear();
}

/// Listens anew with the next certificate, or with the one before if it cannot be served; again and again
/// until that succeeds, because rules go on whatever becomes of their page.
void server::body::renew() {
    if (!next_tls_) {
        return; // two followed each other, and both are done
    }
    lws_sul_cancel(&alarm_.list);
    {
        const std::lock_guard lock(context_mutex_);
        destroy_context();
    }
    const std::optional<key_and_certificate> before = options_.tls;
    options_.tls = std::exchange(next_tls_, std::nullopt);
    bool told = false;
    while (context_ == nullptr && !ending_.load()) {
        try {
            make_context();
        } catch (const std::exception& error) {
            if (!std::exchange(told, true)) {
                front_.failed(error.what());
            }
            if (!can_serve(*options_.tls)) {
                options_.tls = before;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            do_posted();
        }
    }
    set_alarm();
}

/// One thing that fails must not end the page for everybody.
void server::body::do_one(const std::function<void()>& what) {
    try {
        what();
    } catch (const std::exception& error) {
        front_.failed(error.what()); // who waited for it is answered by nobody, and gives up by itself
    }
}

void server::body::do_posted() {
    std::vector<std::function<void()>> taken;
    {
        const std::lock_guard lock(mutex_);
        taken.swap(posted_);
    }
    for (const auto& each : taken) {
        do_one(each);
    }
}

void server::body::do_due() {
    const std::int64_t now = steady_us();
    while (!timers_.empty() && timers_.begin()->first <= now) {
        const std::function<void()> what = std::move(timers_.begin()->second);
        timers_.erase(timers_.begin());
        do_one(what);
    }
    set_alarm();
}

void server::body::set_alarm() {
    if (context_ == nullptr || timers_.empty()) {
        return;
    }
    lws_sul_schedule(context_, 0, &alarm_.list, rang,
                     std::max<lws_usec_t>(timers_.begin()->first - steady_us(), 1));
}

namespace {

/// Bytes that the other end has acknowledged so far.
std::uint64_t acknowledged(lws* wsi) {
    tcp_info facts{};
    socklen_t size = sizeof facts;
    const bool told = getsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_INFO, &facts, &size) == 0;
    return told ? facts.tcpi_bytes_acked : 0;
}

} // namespace

/// Sends away who has taken nothing for too long: their sockets are full, so nothing can be said to them
/// either. And who brings a request too slowly; the library has bounds of its own, but not in every state.
void server::body::look_after_writers() {
    const std::int64_t now = steady_us();
    for (const auto& [id, each] : connections_) {
        // Some bytes are enough, however long the rest takes; and a pong would come behind all of it.
        if (each->asked_to_write != 0) {
            if (const std::uint64_t taken = acknowledged(each->wsi); taken != each->taken) {
                each->taken = taken;
                each->asked_to_write = now;
                if (each->page != nullptr) {
                    lws_validity_confirmed(each->wsi);
                }
            }
        }
        if ((each->asked_to_write != 0 && now - each->asked_to_write > write_patience) ||
            (each->body_due != 0 && now > each->body_due) || (each->head_due != 0 && now > each->head_due)) {
            lws_set_timeout(each->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
        }
    }
    after(1'000'000, [this] { look_after_writers(); });
}

// ---- what the library tells

int server::body::called(lws* wsi, lws_callback_reasons why, void* in, std::size_t length) {
    const std::string_view text(static_cast<const char*>(in), in != nullptr ? length : 0);
    connection* const who = find(wsi);
    switch (why) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        return connections_.size() >= most_connections ? 1 : 0;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        return welcome(made(wsi));
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: {
        char* path = nullptr;
        int size = 0;
        if (lws_http_get_uri_and_method(wsi, &path, &size) < 0) {
            return -1;
        }
        return confirm(made(wsi), {path, static_cast<std::size_t>(size)});
    }
    case LWS_CALLBACK_HTTP:
        return begin(made(wsi), text);
    case LWS_CALLBACK_HTTP_BODY:
        return who != nullptr ? body_part(*who, text) : -1;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return who != nullptr ? body_end(*who) : -1;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return who != nullptr ? write(*who) : 0;
    case LWS_CALLBACK_ESTABLISHED:
        return who != nullptr ? open_page(*who) : -1;
    case LWS_CALLBACK_RECEIVE:
        return who != nullptr && who->page != nullptr ? page_says(*who, text) : -1;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return who != nullptr && who->page != nullptr ? write_page(*who) : 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (who != nullptr) {
            lws_set_opaque_user_data(wsi, nullptr);
            connections_.erase(who->id);
        }
        return 0;
    default:
        return 0;
    }
}

connection& server::body::made(lws* wsi) {
    if (connection* const known = find(wsi)) {
        return *known;
    }
    auto fresh = std::make_unique<connection>();
    fresh->wsi = wsi;
    fresh->id = ++last_id_;
    connection& it = *fresh;
    lws_set_opaque_user_data(wsi, &it);
    connections_.emplace(it.id, std::move(fresh));
    return it;
}

/// One who takes everything leaves room for others.
int server::body::welcome(connection& who) const {
    std::array<char, 64> peer{};
    lws_get_peer_simple(who.wsi, peer.data(), peer.size());
    who.peer = peer.data();
    who.head_due = steady_us() + head_patience;
    const auto same = std::count_if(connections_.begin(), connections_.end(),
                                    [&](const auto& each) { return each.second->peer == who.peer; });
    return static_cast<std::size_t>(same) > most_of_one ? -1 : 0;
}

// ---- HTTP

std::shared_ptr<request> server::body::read_head(connection& who, std::string_view path) {
    lws* const wsi = who.wsi;
    auto made = std::make_shared<request>();
    made->path = path;
    static constexpr std::pair<lws_token_indexes, std::string_view> methods[] = {
        {WSI_TOKEN_GET_URI, "GET"},         {WSI_TOKEN_POST_URI, "POST"},   {WSI_TOKEN_PUT_URI, "PUT"},
        {WSI_TOKEN_DELETE_URI, "DELETE"},   {WSI_TOKEN_HEAD_URI, "HEAD"},   {WSI_TOKEN_PATCH_URI, "PATCH"},
        {WSI_TOKEN_OPTIONS_URI, "OPTIONS"}, {WSI_TOKEN_CONNECT, "CONNECT"},
    };
    for (const auto& [which, name] : methods) {
        if (lws_hdr_total_length(wsi, which) > 0) {
            made->method = name;
        }
    }
    // None of them can be longer than all, and an empty one is not the last.
    std::string argument(static_cast<std::size_t>(lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS)) + 1,
                         '\0');
    bool read_twice = false;
    for (int at = 0;; ++at) {
        const int length = lws_hdr_copy_fragment(wsi, argument.data(), static_cast<int>(argument.size()),
                                                 WSI_TOKEN_HTTP_URI_ARGS, at);
        if (length < 0) {
            break;
        }
        const std::string_view one(argument.data(), static_cast<std::size_t>(length));
        const std::size_t equals = one.find('=');
        if (!one.empty()) {
            const std::string_view value = equals == std::string_view::npos ? "" : one.substr(equals + 1);
            read_twice = !made->query.emplace(one.substr(0, equals), value).second || read_twice;
        }
    }
    made->address = who.peer;
    made->host = header(wsi, WSI_TOKEN_HOST);
    made->origin = header(wsi, WSI_TOKEN_ORIGIN);
    made->cookie = header(wsi, WSI_TOKEN_HTTP_COOKIE);
    made->authorization = header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
    made->content_type = header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
    made->if_match = header(wsi, WSI_TOKEN_HTTP_IF_MATCH);
    made->if_none_match = header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH);
    made->subprotocols = header(wsi, WSI_TOKEN_PROTOCOL);
    made->takes_gzip = header(wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING).find("gzip") != std::string::npos;
    made->by_itself = custom_header(wsi, "x-iom-idle:") == "1";
    made->forwarded = lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0 ||
                      lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_VIA) > 0;
    header_names names;
    lws_hdr_custom_name_foreach(wsi, look_at_name, &names);
    made->forwarded = made->forwarded || names.forwarded;
    who.malformed = names.strange || made->method.empty() || read_twice;
    const std::string length = header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0) {
        // Two of them arrive as one text that is no number.
        std::size_t number = 0;
        const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), number);
        if (error == std::errc() && end == length.data() + length.size()) {
            made->length = number;
        } else {
            who.malformed = true;
        }
    }
    who.malformed = who.malformed || lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    return made;
}

int server::body::begin(connection& who, std::string_view path) {
    who.head_due = 0;
    who.asked = read_head(who, path);
    who.early.reset();
    who.out.reset();
    who.serving = false;
    who.body_ended = false;
    who.head_sent = false;
    who.sent = 0;
    who.closes = false;
    who.head_only = who.asked->method == "HEAD";
    if (who.head_only) {
        who.asked->method = "GET";
    }
    if (who.malformed) {
        // Where a body begins or ends is not sure, so nothing behind it may be read as a request.
        who.closes = true;
        answered(
            who.id,
            refusal(400, "bad-request",
                    "This request cannot be read. Send each parameter of the query once, each header's name "
                    "without blanks, and the body with one Content-Length and no Transfer-Encoding."));
        return 0;
    }
    const bool brings_body =
        who.asked->method == "POST" || who.asked->method == "PUT" || who.asked->method == "PATCH";
    who.body_limit = 0;
    std::optional<answer> refused = front_.admit(*who.asked, who.body_limit);
    if (!refused && brings_body && !who.asked->length && who.body_limit > 0) {
        refused = refusal(411, "bad-request", "The body's length is missing. Send Content-Length.");
    }
    const std::size_t length = who.asked->length.value_or(0);
    if (!refused && length > who.body_limit) {
        refused = refusal(413, "too-large",
                          "The body is too large: this takes " + std::to_string(who.body_limit) +
                              " bytes at most.");
    }
    if (length > 0 && (!refused || length <= most_discarded)) {
        // A body that is not wanted is thrown away first, so that the answer can be read; unless it never
        // ends.
        who.early = std::move(refused);
        who.body_due = steady_us() + body_patience + static_cast<std::int64_t>(length) * slowest_body;
        return 0;
    }
    who.closes =
        length > 0 || (brings_body && !who.asked->length); // the library waits for a body all the same
    if (refused) {
        answered(who.id, std::move(*refused));
    } else {
        serve(who);
    }
    return 0;
}

int server::body::body_part(connection& who, std::string_view bytes) {
    if (who.early || who.serving || who.out || who.asked == nullptr) {
        return 0;
    }
    if (who.asked->body.size() + bytes.size() > who.body_limit) {
        return -1;
    }
    who.asked->body += bytes;
    return 0;
}

int server::body::body_end(connection& who) {
    if (std::exchange(who.body_ended, true)) {
        return -1; // it did not wait for the answer: the library has no place for a second request
    }
    who.body_due = 0;
    if (who.serving || who.out) {
        return 0; // an empty body ends as well
    }
    if (who.early) {
        answered(who.id, std::move(*std::exchange(who.early, std::nullopt)));
    } else {
        serve(who);
    }
    return 0;
}

void server::body::serve(connection& who) {
    who.serving = true;
    lws_set_timeout(who.wsi, NO_PENDING_TIMEOUT, 0); // whoever answers is bounded by itself
    const std::uint64_t id = who.id;
    const std::shared_ptr<request> what = who.asked;
    try {
        front_.serve(what, [this, id, what](answer made) {
            connection* const now = by_id(id);
            if (now != nullptr && now->asked == what) {
                answered(id, std::move(made));
            }
        });
    } catch (const std::exception& error) {
        answered(id, refusal(500, "failed", "The host failed at this."));
    }
}

void server::body::answered(std::uint64_t id, answer what) {
    connection* const who = by_id(id);
    if (who == nullptr || who->out) {
        return;
    }
    who->out = std::move(what);
    ask_to_write(*who);
}

void server::body::ask_to_write(connection& who) {
    if (who.asked_to_write == 0) {
        who.asked_to_write = steady_us();
    }
    lws_callback_on_writable(who.wsi);
}

bool server::body::write_head(connection& who) {
    const answer& out = *who.out;
    std::vector<unsigned char> room(LWS_PRE + 8192);
    unsigned char* at = room.data() + LWS_PRE;
    unsigned char* const start = at;
    unsigned char* const end = room.data() + room.size();
    const auto add = [&](const std::string& name, std::string_view value) {
        const std::string named = name + ':';
        return lws_add_http_header_by_name(who.wsi, reinterpret_cast<const unsigned char*>(named.c_str()),
                                           reinterpret_cast<const unsigned char*>(value.data()),
                                           static_cast<int>(value.size()), &at, end) == 0;
    };
    bool good = lws_add_http_header_status(who.wsi, static_cast<unsigned>(out.status), &at, end) == 0;
    const bool no_body = out.status == 204 || out.status == 304;
    if (!out.type.empty() && !no_body) {
        good = good && add("content-type", out.type);
    }
    for (const auto& [name, value] : out.headers) {
        good = good && add(name, value);
    }
    if (who.closes) {
        good = good && add("connection", "close");
    }
    if (out.status != 204) {
        good = good && lws_add_http_header_content_length(who.wsi, out.status == 304 ? 0 : out.body.size(),
                                                          &at, end) == 0;
    }
    good = good && lws_finalize_http_header(who.wsi, &at, end) == 0;
    const auto size = static_cast<std::size_t>(at - start);
    return good && lws_write(who.wsi, start, size, LWS_WRITE_HTTP_HEADERS) >= 0;
}

int server::body::write(connection& who) {
    who.asked_to_write = 0;
    if (!who.out) {
        return 0;
    }
    if (!who.head_sent) {
        who.head_sent = true;
        if (!write_head(who)) {
            return -1;
        }
        if (who.head_only || who.out->status == 204 || who.out->status == 304) {
            who.out->body.clear();
        }
        if (who.sent < who.out->body.size()) {
            ask_to_write(who);
            return 0;
        }
    } else {
        const std::size_t size = std::min(piece_size, who.out->body.size() - who.sent);
        std::vector<unsigned char> room(LWS_PRE + size);
        std::memcpy(room.data() + LWS_PRE, who.out->body.data() + who.sent, size);
        who.sent += size;
        const bool last = who.sent == who.out->body.size();
        if (lws_write(who.wsi, room.data() + LWS_PRE, size, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) <
            0) {
            return -1;
        }
        if (!last) {
            ask_to_write(who);
            return 0;
        }
    }
    who.out.reset();
    who.asked.reset();
    who.serving = false;
    if (who.closes) {
        return -1;
    }
    who.head_due = steady_us() + keep_alive;
    return lws_http_transaction_completed(who.wsi) != 0 ? -1 : 0;
}

// ---- channels

int server::body::confirm(connection& who, std::string_view path) {
    who.head_due = 0;
    who.asked = read_head(who, path);
    std::optional<answer> refused =
        who.malformed || who.asked->length.value_or(0) > 0
            ? refusal(400, "bad-request", "This request for a WebSocket cannot be read.")
        : who.asked->method != "GET" ? refusal(405, "method", "A WebSocket is asked for with GET.")
                                     : front_.admit_channel(*who.asked);
    if (!refused) {
        return 0;
    }
    // Written here and now: what follows would be the upgrade.
    who.out = std::move(refused);
    who.closes = true;
    who.head_only = false;
    if (!write_head(who)) {
        return -1;
    }
    std::vector<unsigned char> room(LWS_PRE + who.out->body.size());
    std::memcpy(room.data() + LWS_PRE, who.out->body.data(), who.out->body.size());
    lws_write(who.wsi, room.data() + LWS_PRE, who.out->body.size(), LWS_WRITE_HTTP_FINAL);
    who.out.reset();
    return -1;
}

int server::body::open_page(connection& who) {
    const std::uint64_t id = who.id;
    who.page = front_.open_channel(*who.asked, [this, id] {
        if (connection* const now = by_id(id)) {
            ask_to_write(*now);
        }
    });
    who.asked.reset();
    return who.page != nullptr ? 0 : -1;
}

int server::body::close_page(connection& who, std::uint16_t code, std::string_view why) {
    std::string reason(why);
    lws_close_reason(who.wsi, static_cast<lws_close_status>(code),
                     reinterpret_cast<unsigned char*>(reason.data()), reason.size());
    return -1;
}

int server::body::page_says(connection& who, std::string_view bytes) {
    if (lws_frame_is_binary(who.wsi) != 0) {
        return close_page(who, 1003, "text only");
    }
    if (who.heard.size() + bytes.size() > longest_heard) {
        return close_page(who, 1009, "too long");
    }
    who.heard += bytes;
    if (lws_remaining_packet_payload(who.wsi) > 0 || lws_is_final_fragment(who.wsi) == 0) {
        return 0;
    }
    const std::string whole = std::exchange(who.heard, {});
    return who.page->heard(whole) ? 0 : close_page(who, 1008, "not understood");
}

int server::body::write_page(connection& who) {
    who.asked_to_write = 0;
    if (who.close_code != 0) {
        return close_page(who, who.close_code, who.close_reason);
    }
    if (who.said == who.saying.size()) {
        std::optional<std::string> text = who.page->next(who.ends_with);
        if (!text) {
            who.close_code = who.ends_with;
            if (who.close_code != 0) {
                ask_to_write(who);
            }
            return 0;
        }
        who.saying = std::move(*text);
        who.said = 0;
    }
    const std::size_t size = std::min(piece_size, who.saying.size() - who.said);
    std::vector<unsigned char> room(LWS_PRE + size);
    std::memcpy(room.data() + LWS_PRE, who.saying.data() + who.said, size);
    unsigned kind = who.said == 0 ? LWS_WRITE_TEXT : LWS_WRITE_CONTINUATION;
    who.said += size;
    const bool last = who.said == who.saying.size();
    kind |= last ? 0U : static_cast<unsigned>(LWS_WRITE_NO_FIN);
    if (lws_write(who.wsi, room.data() + LWS_PRE, size, static_cast<lws_write_protocol>(kind)) < 0) {
        return -1;
    }
    if (last) {
        who.saying = {};
        who.said = 0;
        who.close_code = who.ends_with;
    }
    ask_to_write(who); // there may be more to say, or the end
    return 0;
}

// ---- the server's face

server::server(server_options options, front& who_answers)
    : body_(std::make_unique<body>(std::move(options), who_answers)) {}
server::~server() = default;

void server::start() {
    body_->start();
}
void server::stop() {
    body_->stop();
}
std::uint16_t server::port() const noexcept {
    return body_->port();
}
void server::post(std::function<void()> what) {
    body_->post(std::move(what));
}
void server::after(std::int64_t microseconds, std::function<void()> what) {
    body_->after(microseconds, std::move(what));
}
void server::use_certificate(const key_and_certificate& fresh) {
    body_->use_certificate(fresh);
}

} // namespace iom::host::web
