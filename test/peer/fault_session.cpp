#include "fault_session.hpp"

#include "compress.hpp"
#include "digest.hpp"
#include "frames.hpp"
#include "handshake.hpp"
#include "turnstile.hpp"

#include <nlohmann/json.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace iom::peer {

namespace {

constexpr std::size_t chunk = std::size_t{64} << 10; // bytes per write of long streams
constexpr std::chrono::seconds close_time{5};        // for the client's Close after ours
constexpr std::chrono::milliseconds look_every{250}; // whether a client that nobody reads has gone

template <class... Cases>
struct cases : Cases... {
    using Cases::operator()...;
};

class fault_session final : public live_session, public std::enable_shared_from_this<fault_session> {
public:
    fault_session(peer_state& state, std::shared_ptr<wire> below, std::string path, fault_plan plan)
        : live_session{state.next_session(), std::move(path)}, state_{state}, wire_{std::move(below)},
          plan_{std::move(plan)}, frames_{state.settings.max_message}, writing_{wire_->get_executor()},
          pause_{wire_->get_executor()}, message_came_{wire_->get_executor()}, close_came_{
                                                                                   wire_->get_executor()} {
        message_came_.expires_at(timer::time_point::max());
    }

    task<> run(http_request request, std::string early, upgrade_record record);

    task<> send(bool binary, std::string_view message) override;
    void post(bool binary, std::string message) override;
    void shut(std::uint16_t code, std::string reason) override;

private:
    // The answer to the upgrade; true when frames may follow.
    task<bool> answer(const http_request& request, upgrade_record& record);
    task<bool> answer_with(const upgrade_answer& wanted, const http_request& request, upgrade_record& record);
    task<bool> answer_with(const refusal& wanted, upgrade_record& record);
    task<bool> answer_with(const endless_headers& wanted, upgrade_record& record);
    task<bool> answer_with(const cut_before_upgrade& wanted);

    // The acts, beside the reading loop.
    static task<> perform(std::shared_ptr<fault_session> self);
    task<> play(const echo_act& wanted);
    task<> play(const close_act& wanted);
    task<> play(const cut_act& wanted);
    task<> play(const hold_act& wanted);
    task<> play(const flood_act& wanted);
    task<> play(const big_act& wanted);
    task<> play(const bomb_act& wanted);
    task<> play(const ping_act& wanted);
    task<> play(const wrong_act& wanted);

    // The reading loop.
    task<> read_frames();
    task<> take(client_frame came);
    task<> take_data(client_frame came);
    task<> take_close(const client_frame& came);
    bool stops_reading() const;

    task<bool> strikes(cue when);
    task<> wait(moment time);
    task<> write(std::string_view bytes);
    task<> send_close(std::string payload);
    static task<> send_later(std::shared_ptr<fault_session> self, bool binary, std::string message);
    static task<> close(std::shared_ptr<fault_session> self, std::uint16_t code, std::string reason);
    void hang_up();
    void cut_after(std::chrono::seconds time);
    void note(upgrade_record& record, unsigned status);
    void end();

    peer_state& state_;
    std::shared_ptr<wire> wire_;
    fault_plan plan_;
    echo_act manners_;
    frame_reader frames_;
    turnstile writing_;
    timer pause_;
    timer message_came_; ///< cancelled by the first message
    timer close_came_;   ///< runs once our side has said its last
    std::uint64_t messages_ = 0;
    bool last_said_ = false; ///< our Close or FIN is out: nothing more is sent
    bool over_ = false;
    close_record close_;
};

task<> fault_session::run(http_request request, std::string early, upgrade_record record) {
    const bool upgraded = co_await answer(request, record);
    if (!upgraded) {
        co_return;
    }
    state_.entered(shared_from_this(), !stops_reading());
    state_.log.write("session-opened",
                     {{"session", id()},
                      {"path", path()},
                      {"remote", record.remote_address + ":" + std::to_string(record.remote_port)},
                      {"tls", record.tls_version},
                      {"fault", true}});
    if (const auto* const wanted = std::get_if<echo_act>(&plan_.then)) {
        manners_ = *wanted;
    } else if (const auto* const wrong = std::get_if<wrong_act>(&plan_.then)) {
        manners_.close_echo = !wrong->stay;
    }
    frames_.feed(early);
    start(wire_->get_executor(), perform(shared_from_this()));
    co_await read_frames();
    if (stops_reading()) {
        co_await play(std::get<hold_act>(plan_.then));
    }
    end();
    state_.left(*this, close_);
    if (wire_->socket().is_open()) {
        co_await finish(wire_);
    }
}

task<bool> fault_session::answer(const http_request& request, upgrade_record& record) {
    if (const auto* const wanted = std::get_if<upgrade_answer>(&plan_.reply)) {
        co_return co_await answer_with(*wanted, request, record);
    }
    if (const auto* const wanted = std::get_if<refusal>(&plan_.reply)) {
        co_return co_await answer_with(*wanted, record);
    }
    if (const auto* const wanted = std::get_if<endless_headers>(&plan_.reply)) {
        co_return co_await answer_with(*wanted, record);
    }
    note(record, 0);
    co_return co_await answer_with(std::get<cut_before_upgrade>(plan_.reply));
}

task<bool> fault_session::answer_with(const upgrade_answer& wanted, const http_request& request,
                                      upgrade_record& record) {
    if (wanted.compression && !offers_deflate(view(request[http::field::sec_websocket_extensions]))) {
        const refusal missing{.status = 400,
                              .headers = {},
                              .body = path() + " needs a client that offers permessage-deflate.\n"};
        co_return co_await answer_with(missing, record);
    }
    upgrade_words words;
    words.accept = accept_for(view(request[http::field::sec_websocket_key]));
    if (wanted.wrong_accept) {
        words.accept = accept_for("another key");
    }
    words.subprotocol = wanted.wrong_subprotocol
                            ? "never-offered"
                            : choose_subprotocol(view(request[http::field::sec_websocket_protocol]),
                                                 state_.settings.subprotocols)
                                  .value_or("");
    if (wanted.wrong_extension) {
        words.extensions = "x-never-offered";
    } else if (wanted.compression) {
        words.extensions = "permessage-deflate; server_no_context_takeover";
    }
    if (wanted.delay > moment::zero()) {
        co_await wait(wanted.delay);
    }
    note(record, 101);
    const auto text = upgrade_text(words);
    error_code error;
    if (wanted.drip == moment::zero()) {
        co_await wire_->write(text, error);
    }
    for (std::size_t at = 0; wanted.drip > moment::zero() && at < text.size() && !error; ++at) {
        co_await wire_->write(std::string_view(text).substr(at, 1), error);
        co_await wait(wanted.drip);
    }
    co_return !error;
}

task<bool> fault_session::answer_with(const refusal& wanted, upgrade_record& record) {
    note(record, wanted.status);
    http_response response;
    response.result(wanted.status);
    response.set(http::field::server, "iompeer");
    for (const auto& [name, value] : wanted.headers) {
        response.insert(name, value);
    }
    response.body() = wanted.body;
    response.keep_alive(false);
    response.prepare_payload();
    error_code error;
    const auto text = to_text(response);
    co_await wire_->write(text, error);
    co_await finish(wire_);
    co_return false;
}

task<bool> fault_session::answer_with(const endless_headers& wanted, upgrade_record& record) {
    note(record, 101);
    error_code error;
    co_await wire_->write("HTTP/1.1 101 Switching Protocols\r\n", error);
    std::string lines;
    std::uint64_t number = 0;
    for (std::uint64_t written = 0; !error && written < wanted.bytes; written += lines.size()) {
        lines.clear();
        while (lines.size() < chunk / 16) {
            lines += "X-Endless-" + std::to_string(++number) + ": and so on\r\n";
        }
        co_await wire_->write(lines, error);
    }
    co_await finish(wire_);
    co_return false;
}

task<bool> fault_session::answer_with(const cut_before_upgrade& wanted) {
    co_await wait(wanted.after);
    if (wanted.reset) {
        wire_->reset();
    } else {
        co_await finish(wire_);
    }
    co_return false;
}

task<> fault_session::perform(std::shared_ptr<fault_session> self) {
    if (!std::holds_alternative<hold_act>(self->plan_.then)) { // that one follows the reading loop
        co_await std::visit([&](const auto& wanted) { return self->play(wanted); }, self->plan_.then);
    }
}

task<> fault_session::play(const echo_act&) {
    co_return;
}

task<> fault_session::play(const close_act& wanted) {
    std::string payload;
    if (wanted.code) {
        payload = close_payload(*wanted.code, wanted.reason);
    }
    const bool wanted_still = co_await strikes(wanted.when);
    if (wanted_still) {
        co_await send_close(std::move(payload));
    }
}

task<> fault_session::play(const cut_act& wanted) {
    const bool wanted_still = co_await strikes(wanted.when);
    if (wanted_still && wanted.reset) {
        wire_->reset();
    } else if (wanted_still) {
        hang_up();
    }
}

task<> fault_session::play(const hold_act& wanted) {
    const auto gone = [this] {
        tcp_info info{};
        socklen_t length = sizeof info;
        return !wire_->socket().is_open() ||
               getsockopt(wire_->socket().native_handle(), IPPROTO_TCP, TCP_INFO, &info, &length) != 0 ||
               info.tcpi_state != TCP_ESTABLISHED;
    };
    auto next_write = state_.clock.now() + wanted.every;
    for (std::uint64_t number = 1; !over_ && !gone();) {
        co_await wait(look_every);
        if (wanted.every > moment::zero() && state_.clock.now() >= next_write) {
            next_write += wanted.every;
            co_await write(frame(opcode::text, "still here " + std::to_string(number++)));
            state_.sent_message(0);
        }
    }
    wire_->close();
}

task<> fault_session::play(const flood_act& wanted) {
    const auto code = wanted.binary ? opcode::binary : opcode::text;
    std::string frames;
    std::string message;
    for (std::uint64_t number = 0; !over_ && (wanted.count == 0 || number < wanted.count);) {
        frames.clear();
        while (frames.size() < chunk && (wanted.count == 0 || number < wanted.count)) {
            message = std::to_string(number++);
            message.resize(wanted.size, '.');
            frames += frame(code, message);
            state_.sent_message(message.size());
        }
        co_await write(frames);
    }
}

task<> fault_session::play(const big_act& wanted) {
    constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz";
    std::string letters;
    while (letters.size() < chunk + alphabet.size()) {
        letters += alphabet;
    }
    const auto turn =
        co_await writing_.enter(); // control frames could come between fragments, not inside one
    error_code error;
    std::uint64_t sent = 0;
    for (std::uint64_t fragment = 1; fragment <= wanted.fragments && !over_ && !error; ++fragment) {
        const auto end = wanted.size * fragment / wanted.fragments;
        const auto code = fragment > 1 ? opcode::continuation : wanted.binary ? opcode::binary : opcode::text;
        if (wanted.pings && fragment > 1) {
            const std::string ping = frame(opcode::ping, "within");
            const std::size_t cut = wanted.every > moment::zero() ? 5 : ping.size();
            co_await wire_->write(std::string_view(ping).substr(0, cut), error);
            if (cut < ping.size()) { // slow as all the rest
                co_await wait(wanted.every);
                co_await wire_->write(std::string_view(ping).substr(cut), error);
            }
            ++state_.diary.count.pings_sent;
        }
        co_await wire_->write(head_bytes({.fin = fragment == wanted.fragments,
                                          .code = static_cast<std::uint8_t>(code),
                                          .length = end - sent}),
                              error);
        while (sent < end && !over_ && !error) {
            const auto bytes = std::min<std::uint64_t>(wanted.piece, end - sent);
            co_await wire_->write(std::string_view(letters).substr(sent % alphabet.size(), bytes), error);
            sent += bytes;
            if (wanted.every > moment::zero()) {
                co_await wait(wanted.every);
            }
        }
    }
    state_.sent_message(wanted.size);
}

task<> fault_session::play(const bomb_act& wanted) {
    constexpr std::uint64_t block = std::uint64_t{1} << 20;
    const auto whole = deflated_zeros(block);
    const auto rest = deflated_zeros(wanted.size % block);
    constexpr std::uint8_t compressed = 4; // RSV1
    const auto turn = co_await writing_.enter();
    error_code error;
    const auto blocks = wanted.size / block;
    co_await wire_->write(head_bytes({.fin = false, .rsv = compressed, .code = 2, .length = 0}), error);
    for (std::uint64_t sent = 0; sent < blocks && !over_ && !error; ++sent) {
        co_await wire_->write(frame(opcode::continuation, whole, false), error);
    }
    if (!error && !over_) {
        // RFC 7692 §7.2.1: the last four bytes, 00 00 ff ff, are left out.
        co_await wire_->write(frame(opcode::continuation, rest.substr(0, rest.size() - 4)), error);
    }
    state_.sent_message(wanted.size);
}

task<> fault_session::play(const ping_act& wanted) {
    for (std::uint64_t number = 1; !over_;) {
        std::string pings;
        for (std::uint64_t i = 0; i < wanted.burst; ++i) {
            pings += frame(opcode::ping, std::to_string(number++) + std::string(wanted.size, '.'));
            ++state_.diary.count.pings_sent;
        }
        co_await write(pings);
        co_await wait(wanted.every);
    }
}

task<> fault_session::play(const wrong_act& wanted) {
    const bool wanted_still = co_await strikes(wanted.when);
    if (wanted_still) {
        co_await write(wanted.bytes);
    }
}

task<> fault_session::read_frames() {
    std::array<char, 16384> bytes{};
    error_code error;
    while (!error && !over_ && !stops_reading()) {
        while (auto came = frames_.next()) {
            co_await take(std::move(*came));
            if (over_ || stops_reading()) {
                co_return;
            }
        }
        if (!frames_.mistake().empty()) {
            close_.reason = frames_.mistake();
            co_await send_close(close_payload(1002, frames_.mistake()));
            co_return;
        }
        const auto count = co_await wire_->async_read_some(net::buffer(bytes), into(error));
        frames_.feed({bytes.data(), count});
    }
    if (error && close_.reason.empty()) {
        close_.reason = error.message();
    }
}

bool fault_session::stops_reading() const {
    const auto* const wanted = std::get_if<hold_act>(&plan_.then);
    return wanted != nullptr && messages_ >= wanted->messages;
}

task<> fault_session::take(client_frame came) {
    switch (came.code) {
    case opcode::ping:
        state_.heard_ping(*this);
        if (manners_.abort_on_ping) {
            if (manners_.reset) {
                wire_->reset();
            } else {
                hang_up();
            }
        } else if (manners_.pong && !last_said_) {
            if (manners_.wrong_pong) {
                came.payload = "of another ping";
            }
            co_await write(frame(opcode::pong, came.payload));
        }
        break;
    case opcode::pong:
        ++state_.diary.count.pongs_received;
        break;
    case opcode::close:
        co_await take_close(came);
        break;
    default:
        co_await take_data(std::move(came));
        break;
    }
}

task<> fault_session::take_data(client_frame came) {
    const bool whole = came.fin && came.code != opcode::continuation;
    if (came.fin) {
        ++messages_;
        state_.heard_message(*this, came.code != opcode::text, came.payload);
        message_came_.expires_at(timer::time_point::min());
    }
    if (last_said_) {
        co_return;
    }
    if (whole && came.code == opcode::text) {
        if (const auto answer = state_.presence_answer(*this, came.payload)) {
            co_await write(frame(opcode::text, *answer));
            co_return;
        }
    }
    if (came.fin) {
        state_.sent_message(came.payload.size());
    }
    co_await write(frame(came.code, came.payload, came.fin));
}

task<> fault_session::take_close(const client_frame& came) {
    close_.clean = true;
    close_.code = 1005;
    close_.reason.clear();
    if (came.payload.size() >= 2) {
        close_.code = static_cast<std::uint16_t>(static_cast<std::uint8_t>(came.payload[0]) << 8 |
                                                 static_cast<std::uint8_t>(came.payload[1]));
        close_.reason = came.payload.substr(2);
    }
    if (!manners_.close_echo) {
        co_return; // and the loop goes on reading until the client cuts the line
    }
    if (!last_said_) {
        co_await write(frame(opcode::close, came.payload.substr(0, 2)));
    }
    end();
}

task<bool> fault_session::strikes(cue when) {
    if (when.on_message && messages_ == 0) {
        error_code called;
        co_await message_came_.async_wait(into(called));
    }
    if (when.after > moment::zero() && !over_) {
        co_await wait(when.after);
    }
    co_return !over_;
}

task<> fault_session::wait(moment time) {
    if (!over_) {
        error_code cancelled;
        pause_.expires_after(time);
        co_await pause_.async_wait(into(cancelled));
    }
}

task<> fault_session::write(std::string_view bytes) {
    const auto turn = co_await writing_.enter();
    if (!over_) {
        error_code error;
        co_await wire_->write(bytes, error);
        if (error) {
            end();
        }
    }
}

task<> fault_session::send(bool binary, std::string_view message) {
    if (!last_said_) {
        const auto bytes = frame(binary ? opcode::binary : opcode::text, message);
        state_.sent_message(message.size());
        co_await write(bytes);
    }
}

task<> fault_session::send_close(std::string payload) {
    if (last_said_) {
        co_return;
    }
    last_said_ = true;
    const auto bytes = frame(opcode::close, payload);
    cut_after(close_time);
    co_await write(bytes);
}

void fault_session::post(bool binary, std::string message) {
    start(wire_->get_executor(), send_later(shared_from_this(), binary, std::move(message)));
}

task<> fault_session::send_later(std::shared_ptr<fault_session> self, bool binary, std::string message) {
    co_await self->send(binary, message);
}

void fault_session::shut(std::uint16_t code, std::string reason) {
    start(wire_->get_executor(), close(shared_from_this(), code, std::move(reason)));
}

task<> fault_session::close(std::shared_ptr<fault_session> self, std::uint16_t code, std::string reason) {
    if (self->stops_reading()) {
        self->end();
        self->wire_->close();
    } else {
        co_await self->send_close(close_payload(code, reason.substr(0, 123)));
    }
}

void fault_session::hang_up() {
    last_said_ = true;
    error_code ignored;
    wire_->socket().shutdown(tcp_socket::shutdown_send, ignored);
    cut_after(
        close_time); // until then the loop reads on, so that unread bytes do not turn the FIN into an RST
}

void fault_session::cut_after(std::chrono::seconds time) {
    close_came_.expires_after(time);
    close_came_.async_wait([below = wire_](const error_code& cancelled) {
        if (!cancelled) {
            below->close();
        }
    });
}

void fault_session::note(upgrade_record& record, unsigned status) {
    record.status = status;
    record.session = status == 101 ? id() : 0;
    state_.diary.add(record);
}

void fault_session::end() {
    over_ = true;
    pause_.cancel();
    message_came_.cancel();
    close_came_.cancel();
}

} // namespace

task<> run_fault(peer_state& state, std::shared_ptr<wire> below, http_request request, std::string early,
                 upgrade_record record, std::string path, fault_plan plan) {
    const auto running =
        std::make_shared<fault_session>(state, std::move(below), std::move(path), std::move(plan));
    co_await running->run(std::move(request), std::move(early), std::move(record));
}

} // namespace iom::peer
