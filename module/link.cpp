#include "common/eager_wait.hpp"
#include "module/line.hpp"
#include "module/link_port.hpp"
#include "module/quiet_thread.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>

namespace iom::ws {

namespace {

// Above this the tables that libwebsockets keeps per possible descriptor cost more than a search does.
constexpr rlim_t most_descriptors = 65536;
constexpr unsigned fewer_descriptors = 16384;

constexpr std::chrono::microseconds eager_wait_for{50};

class network final : public line {
public:
    network();
    ~network() override;
    network(const network&) = delete;
    network& operator=(const network&) = delete;

    port* attach(mailbox& box, const iom_host& host, std::shared_ptr<const settings> what) override;
    void ring(port* at) noexcept override;
    void detach(port* at) noexcept override;
    [[nodiscard]] std::int64_t now() const noexcept override { return steady_now(); }

private:
    static int on_bell(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t size);
    static int callback(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t size);
    void serve();
    void doorbell();
    port* take_rung();
    void forget_ring(port* at);
    void wake() noexcept { lws_cancel_service(common_.context); }

    // In the order in which they must go: the thread last in, first out.
    link_common common_;
    std::vector<lws_protocols> protocols_;
    std::vector<lws_protocols> bell_;

    std::mutex mutex_; // guards what follows
    port* first_rung_ = nullptr;
    port* last_rung_ = nullptr;
    port* gone_ = nullptr;

    std::atomic<bool> ending_{false};
    std::atomic<bool> rung_{false};   // some port was, since the doorbell was last answered
    std::atomic<bool> asleep_{false}; // or may soon be: who rings must wake
    eager_wait answer_{eager_wait_for};
    bool knocked_ = false; // [control] was told of something, and has not rung since
    std::thread thread_;
};

network::network() {
    lws_set_log_level(0, nullptr);
    protocols_ = {
        {"line", callback, 0, service_buffer, 0, nullptr, std::size_t{1} << 30},
        LWS_PROTOCOL_LIST_TERM,
    };
    bell_ = {{"bell", on_bell, 0, 0, 0, nullptr, 0}, LWS_PROTOCOL_LIST_TERM};
    lws_context_creation_info info{};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_VALIDATE_UTF8;
    info.user = this;
    info.pt_serv_buf_size = service_buffer;
    info.max_http_header_data2 = 16384;
    info.timeout_secs = 3600; // deadlines are the sessions'
    info.connect_timeout_secs = 3600;
    info.retry_and_idle_policy = nullptr;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > most_descriptors) {
        info.fd_limit_per_thread = fewer_descriptors;
    }
    common_.context = lws_create_context(&info);
    if (common_.context == nullptr) {
        throw std::runtime_error("libwebsockets could not start: memory or file descriptors are used up");
    }
    // A wake is told to every vhost; this one is there to hear it, once and from the start.
    info.vhost_name = "bell";
    info.protocols = bell_.data();
    info.options = 0;
    info.http_proxy_address = "";
    if (lws_create_vhost(common_.context, &info) == nullptr) {
        lws_context_destroy(common_.context);
        throw std::runtime_error("libwebsockets could not start: memory is used up");
    }
    common_.names = std::make_unique<resolver>([this] { wake(); });
    common_.vhosts.begin(common_.context, protocols_.data());
    try {
        thread_ = quiet_thread([this] {
            while (!ending_) {
                serve();
            }
        });
    } catch (...) {
        common_.names.reset();
        lws_context_destroy(common_.context);
        throw;
    }
}

network::~network() {
    ending_ = true;
    wake();
    thread_.join();
    doorbell();
    common_.names.reset(); // its threads ring no more
    lws_context_destroy(common_.context);
}

line::port* network::attach(mailbox& box, const iom_host& host, std::shared_ptr<const settings> what) {
    return std::make_unique<port>(common_, box, host, std::move(what)).release();
}

void network::ring(port* at) noexcept {
    {
        const std::lock_guard hold(mutex_);
        if (at->rung) {
            return;
        }
        at->rung = true;
        at->next_rung = nullptr;
        (last_rung_ == nullptr ? first_rung_ : last_rung_->next_rung) = at;
        last_rung_ = at;
    }
    // In turn with serve(): either this sees the sleeper, or the sleeper sees that there is something.
    rung_.store(true);
    if (asleep_.exchange(false)) {
        wake();
    }
}

void network::detach(port* at) noexcept {
    at->end();
    {
        const std::lock_guard hold(mutex_);
        at->next_gone = gone_;
        gone_ = at;
    }
    wake();
}

line::port* network::take_rung() {
    const std::lock_guard hold(mutex_);
    port* const one = first_rung_;
    if (one != nullptr) {
        first_rung_ = one->next_rung;
        if (first_rung_ == nullptr) {
            last_rung_ = nullptr;
        }
        one->rung = false;
    }
    return one;
}

// Takes a port out of those that were rung; the caller holds the mutex.
void network::forget_ring(port* at) {
    port* before = nullptr;
    for (port* one = first_rung_; one != at; one = one->next_rung) {
        before = one;
    }
    (before == nullptr ? first_rung_ : before->next_rung) = at->next_rung;
    if (last_rung_ == at) {
        last_rung_ = before;
    }
}

// One round: answers the doorbell, then waits for the sockets and serves them.
void network::serve() {
    if (std::exchange(common_.knocked, false)) {
        knocked_ = true;
        answer_.begin();
        answer_.comes([this] { return rung_.load(); });
    }
    // From here on who rings wakes, also while this answers the doorbell: what is rung then has its turn
    // after lws_service, which must not sleep meanwhile.
    asleep_.store(true);
    if (rung_.load()) {
        doorbell();
    }
    lws_service(common_.context, 0);
}

void network::doorbell() {
    // Those that are rung again meanwhile have another turn.
    if (rung_.exchange(false) && std::exchange(knocked_, false)) {
        answer_.end();
    }
    port* const last = [&] {
        const std::lock_guard hold(mutex_);
        return last_rung_;
    }();
    for (port* one = last == nullptr ? nullptr : take_rung(); one != nullptr; one = take_rung()) {
        one->doorbell();
        if (one == last) {
            break;
        }
    }
    for (const resolution& found : common_.names->answers()) {
        const auto asker = common_.asked.find(found.ticket);
        if (asker != common_.asked.end()) {
            port* const at = asker->second;
            common_.asked.erase(asker);
            at->answer(found);
        }
    }
    port* gone = nullptr;
    {
        const std::lock_guard hold(mutex_);
        std::swap(gone, gone_);
        for (port* one = gone; one != nullptr; one = one->next_gone) {
            if (one->rung) {
                forget_ring(one);
            }
        }
    }
    const bool left = gone != nullptr;
    while (gone != nullptr) {
        port* const one = gone;
        gone = one->next_gone;
        one->leave();
        delete one;
    }
    if (left) {
        common_.vhosts.sweep();
    } else {
        common_.vhosts.sweep_outdated(); // every attempt comes by here
    }
}

int network::on_bell(lws* wsi, lws_callback_reasons reason, void*, void*, std::size_t) {
    if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED) {
        static_cast<network*>(lws_context_user(lws_get_context(wsi)))->doorbell();
    }
    return 0;
}

int network::callback(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t size) {
    switch (reason) {
    case LWS_CALLBACK_WSI_CREATE:
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
#if defined(LWS_IOM_CONTROL_FRAMES)
    case LWS_CALLBACK_CLIENT_RECEIVE_PING:
    case LWS_CALLBACK_CLIENT_SENT_PONG:
    case LWS_CALLBACK_CLIENT_SENT_CLOSE:
#endif
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        break;
    default:
        return 0;
    }
    auto* const at = static_cast<port*>(lws_get_opaque_user_data(wsi));
    // A connection that its session has let go of has nothing more to say.
    return at == nullptr ? -1 : at->callback(wsi, reason, in, size);
}

} // namespace

std::shared_ptr<line> shared_link() {
    static std::mutex mutex;
    static std::weak_ptr<line> current;
    const std::lock_guard hold(mutex);
    std::shared_ptr<line> link = current.lock();
    if (!link) {
        link = std::make_shared<network>();
        current = link;
    }
    return link;
}

} // namespace iom::ws
