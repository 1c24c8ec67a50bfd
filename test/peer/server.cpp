#include "server.hpp"

#include "connection.hpp"
#include "tls.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <nlohmann/json.hpp>

#include <stdexcept>

namespace iom::peer {

namespace {

constexpr std::chrono::milliseconds idle_look{50};
constexpr std::chrono::milliseconds accept_pause{100}; // after a failure such as too many open files
constexpr std::chrono::milliseconds end_look{10};
constexpr std::chrono::milliseconds longest_end{1500};

} // namespace

server::server(net::io_context& io, peer_state& state)
    : io_{io}, state_{state}, tls_{make_tls_context(state.settings.tls)}, acceptor_{io.get_executor()},
      idle_tick_{io.get_executor()}, end_tick_{io.get_executor()} {
    const auto& settings = state.settings;
    error_code error;
    const auto address = net::ip::make_address(settings.address, error);
    if (error) {
        throw std::runtime_error("--address " + settings.address +
                                 " is no IP address; give for example 127.0.0.1.");
    }
    const net::ip::tcp::endpoint here{address, settings.port};
    acceptor_.open(here.protocol(), error);
    if (!error) {
        acceptor_.set_option(acceptor::reuse_address(true), error);
    }
    if (!error) {
        acceptor_.bind(here, error);
    }
    if (!error) {
        acceptor_.listen(net::socket_base::max_listen_connections, error);
    }
    if (error) {
        throw std::runtime_error("Cannot listen on " + settings.address + " port " +
                                 std::to_string(settings.port) + ": " + error.message() +
                                 ". Choose another --port or --address.");
    }
}

std::uint16_t server::port() const {
    return acceptor_.local_endpoint().port();
}

void server::run() {
    start(io_.get_executor(), accept());
    start(io_.get_executor(), watch_idle());
}

void server::stop() {
    if (!stopping_) {
        stopping_ = true;
        error_code ignored;
        acceptor_.close(ignored);
        state_.shut_all(1001, "the server is stopping");
        start(io_.get_executor(), await_the_end());
    }
}

task<> server::accept() {
    while (!stopping_) {
        tcp_socket socket{io_.get_executor()};
        error_code error;
        co_await acceptor_.async_accept(socket, into(error));
        if (error && !stopping_) {
            state_.log.write("accept-failed", {{"reason", error.message()}});
            timer pause{io_.get_executor(), accept_pause};
            co_await pause.async_wait(into(error));
            continue;
        }
        if (!error) {
            state_.diary.arrived(state_.clock.now());
            start(io_.get_executor(), serve(state_, std::move(socket), tls_.get()));
        }
    }
}

task<> server::watch_idle() {
    while (!stopping_) {
        error_code cancelled;
        idle_tick_.expires_after(idle_look);
        co_await idle_tick_.async_wait(into(cancelled));
        state_.shut_idle();
    }
}

task<> server::await_the_end() {
    const auto latest = state_.clock.now() + longest_end;
    do {
        error_code cancelled;
        end_tick_.expires_after(end_look);
        co_await end_tick_.async_wait(into(cancelled));
    } while (state_.open_sessions() > 0 && state_.clock.now() < latest);
    io_.stop();
}

} // namespace iom::peer
