#include "session.hpp"

#include "handshake.hpp"
#include "turnstile.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <nlohmann/json.hpp>

namespace iom::peer {

namespace {

namespace websocket = boost::beast::websocket;

constexpr std::chrono::seconds close_time{2};
constexpr std::chrono::seconds slow_client_time{60};
constexpr std::size_t kept_buffer = std::size_t{64} << 10; // bytes; what is larger is given back after use

close_record ended(std::uint16_t code, std::string reason, bool clean) {
    close_record record;
    record.code = code;
    record.reason = std::move(reason);
    record.clean = clean;
    return record;
}

class session final : public live_session, public std::enable_shared_from_this<session> {
public:
    session(peer_state& state, std::shared_ptr<wire> below, session_plan plan)
        : live_session{state.next_session(), plan.path}, state_{state}, wire_{std::move(below)},
          stream_{*wire_}, writing_{wire_->get_executor()}, next_alarm_{wire_->get_executor()},
          end_{wire_->get_executor()}, close_ended_{wire_->get_executor()}, plan_{std::move(plan)} {
        close_ended_.expires_at(timer::time_point::max());
    }

    task<> run(http_request request, upgrade_record record);

    task<> send(bool binary, std::string_view message) override;
    void post(bool binary, std::string message) override;
    void shut(std::uint16_t code, std::string reason) override;

private:
    void set_up(const http_request& request, upgrade_record& record);
    task<> converse(error_code& error);
    task<> take(bool binary, std::string_view message);
    task<> pass_on(bool binary, std::string_view message);
    void take_from_machine_client(std::string_view message);
    void after_bind();
    close_record record_of(const error_code& error) const;

    static task<> send_later(std::shared_ptr<session> self, bool binary, std::string message);
    static task<> close(std::shared_ptr<session> self, std::uint16_t code, std::string reason);
    static task<> sound_alarms(std::shared_ptr<session> self);
    static task<> end_in_time(std::shared_ptr<session> self);

    peer_state& state_;
    std::shared_ptr<wire> wire_;
    websocket::stream<wire&> stream_;
    boost::beast::flat_buffer buffer_;
    turnstile writing_;
    timer next_alarm_;
    timer end_;
    timer close_ended_; ///< expires when our own closing handshake has ended, one way or the other
    session_plan plan_;
    bool sounding_ = false;
    bool shutting_ = false;
    bool shut_cleanly_ = false; ///< the client answered our Close
    bool over_ = false;
};

task<> session::run(http_request request, upgrade_record record) {
    set_up(request, record);
    error_code error;
    co_await stream_.async_accept(request, into(error));
    if (error) {
        state_.log.write("upgrade-failed", {{"path", path()}, {"reason", error.message()}});
        wire_->close();
        co_return;
    }
    state_.entered(shared_from_this());
    state_.log.write("session-opened",
                     {{"session", id()},
                      {"path", path()},
                      {"remote", record.remote_address + ":" + std::to_string(record.remote_port)},
                      {"tls", record.tls_version}});
    if (plan_.ends) {
        start(wire_->get_executor(), end_in_time(shared_from_this()));
    }
    co_await converse(error);
    if (shutting_) {
        error_code expired;
        co_await close_ended_.async_wait(into(expired));
    }
    over_ = true;
    next_alarm_.cancel();
    end_.cancel();
    state_.left(*this, record_of(error));
    wire_->close();
}

void session::set_up(const http_request& request, upgrade_record& record) {
    websocket::stream_base::timeout times{};
    times.handshake_timeout = close_time; // Beast bounds the closing handshake by it, too
    times.idle_timeout = websocket::stream_base::none();
    times.keep_alive_pings = false;
    stream_.set_option(times);

    websocket::permessage_deflate compression;
    compression.server_enable = state_.settings.deflate;
    compression.server_no_context_takeover = state_.settings.deflate_forget;
    compression.client_no_context_takeover = state_.settings.deflate_forget;
    compression.server_max_window_bits = state_.settings.deflate_window;
    compression.client_max_window_bits = state_.settings.deflate_window;
    stream_.set_option(compression);
    stream_.read_message_max(state_.settings.max_message);
    stream_.auto_fragment(false);

    const auto subprotocol =
        choose_subprotocol(view(request[http::field::sec_websocket_protocol]), state_.settings.subprotocols);
    stream_.set_option(
        websocket::stream_base::decorator([&, subprotocol](websocket::response_type& response) {
            response.set(http::field::server, "iompeer");
            if (subprotocol && response.result() == http::status::switching_protocols) {
                response.set(http::field::sec_websocket_protocol, *subprotocol);
            }
            record.status = response.result_int();
            record.session = id();
            state_.diary.add(record);
        }));
    stream_.control_callback([this](websocket::frame_type kind, boost::beast::string_view) {
        if (kind == websocket::frame_type::ping) {
            state_.heard_ping(*this);
        } else if (kind == websocket::frame_type::pong) {
            ++state_.diary.count.pongs_received;
        } else {
            // The client has gone; its TCP connection may linger, what it held must not.
            state_.left(*this, record_of(websocket::error::closed));
        }
    });
}

task<> session::converse(error_code& error) {
    for (;;) {
        co_await stream_.async_read(buffer_, into(error));
        if (error) {
            co_return;
        }
        const bool binary = stream_.got_binary();
        const auto bytes = buffer_.cdata();
        const std::string_view message{static_cast<const char*>(bytes.data()), bytes.size()};
        state_.heard_message(*this, binary, message);

        const bool plain_echo = plan_.kind == session_kind::echo && (binary || !message.starts_with('{'));
        if (plain_echo && writing_.is_free()) {
            const auto turn = writing_.take();
            stream_.binary(binary);
            state_.sent_message(message.size());
            co_await stream_.async_write(bytes, into(error));
        } else {
            co_await take(binary, message);
        }
        buffer_.consume(buffer_.size());
        if (buffer_.capacity() > kept_buffer) {
            buffer_.shrink_to_fit();
        }
    }
}

task<> session::take(bool binary, std::string_view message) {
    if (!binary) {
        if (const auto answer = state_.presence_answer(*this, message)) {
            co_await send(false, *answer);
            after_bind();
            co_return;
        }
    }
    switch (plan_.kind) {
    case session_kind::echo:
        co_await send(binary, message);
        break;
    case session_kind::broadcast:
        co_await pass_on(binary, message);
        break;
    case session_kind::machine:
        take_from_machine_client(message);
        break;
    }
}

task<> session::pass_on(bool binary, std::string_view message) {
    for (const auto& other : state_.sessions_on(path())) {
        if (other->id() != id()) {
            co_await other->send(binary, message);
        }
    }
}

void session::take_from_machine_client(std::string_view message) {
    if (const auto* const answered = state_.alarms.acknowledge(message, state_.clock.now())) {
        state_.log.write("acknowledged",
                         {{"session", id()}, {"alarm", answered->number}, {"text", std::string(message)}});
        return;
    }
    report_record report{state_.clock.now(), id(), path(), std::string(message.substr(0, kept_buffer))};
    state_.log.write("report", {{"session", id()}, {"path", path()}, {"text", report.text}});
    state_.diary.add(std::move(report));
}

void session::after_bind() {
    if (plan_.kind == session_kind::machine && !sounding_ && state_.people.holds_any(id())) {
        sounding_ = true;
        start(wire_->get_executor(), sound_alarms(shared_from_this()));
    }
}

task<> session::send(bool binary, std::string_view message) {
    const auto turn = co_await writing_.enter();
    if (over_ || shutting_) {
        co_return;
    }
    const deadline cut{wire_, slow_client_time};
    stream_.binary(binary);
    state_.sent_message(message.size());
    error_code error;
    co_await stream_.async_write(net::buffer(message), into(error));
}

void session::post(bool binary, std::string message) {
    start(wire_->get_executor(), send_later(shared_from_this(), binary, std::move(message)));
}

task<> session::send_later(std::shared_ptr<session> self, bool binary, std::string message) {
    co_await self->send(binary, message);
}

void session::shut(std::uint16_t code, std::string reason) {
    if (!over_ && !shutting_) {
        shutting_ = true;
        start(wire_->get_executor(), close(shared_from_this(), code, std::move(reason)));
    }
}

close_record session::record_of(const error_code& error) const {
    const auto& reason = stream_.reason();
    if (error != websocket::error::closed && !shut_cleanly_ && reason.code == websocket::close_code::none) {
        return ended(1006, shutting_ ? "no answer to the server's Close" : error.message(), false);
    }
    return ended(reason.code == websocket::close_code::none ? std::uint16_t{1005} : reason.code,
                 {reason.reason.data(), reason.reason.size()}, true);
}

task<> session::close(std::shared_ptr<session> self, std::uint16_t code, std::string reason) {
    websocket::close_reason words;
    words.code = code;
    words.reason.assign(reason.substr(0, words.reason.max_size()));
    error_code error;
    co_await self->stream_.async_close(words, into(error));
    self->shut_cleanly_ = !error;
    self->wire_->close();
    self->close_ended_.expires_at(timer::time_point::min());
}

task<> session::sound_alarms(std::shared_ptr<session> self) {
    auto& state = self->state_;
    while (!self->over_ && state.people.holds_any(self->id())) {
        const auto message = state.alarms.raise(state.clock.now()).message;
        state.log.write("alarm", {{"session", self->id()}, {"text", message}});
        co_await self->send(false, message);
        error_code cancelled;
        self->next_alarm_.expires_after(state.settings.alarm_every);
        co_await self->next_alarm_.async_wait(into(cancelled));
    }
    self->sounding_ = false;
}

task<> session::end_in_time(std::shared_ptr<session> self) {
    error_code cancelled;
    self->end_.expires_after(*self->plan_.ends - self->state_.clock.now());
    co_await self->end_.async_wait(into(cancelled));
    if (!cancelled) {
        self->shut(4401, "the token has expired; fetch a new one and connect again");
    }
}

} // namespace

task<> run_session(peer_state& state, std::shared_ptr<wire> below, http_request request,
                   upgrade_record record, session_plan plan) {
    const auto running = std::make_shared<session>(state, std::move(below), std::move(plan));
    co_await running->run(std::move(request), std::move(record));
}

} // namespace iom::peer
