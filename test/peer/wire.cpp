#include "wire.hpp"

#include <boost/asio/write.hpp>

#include <array>

namespace iom::peer {

namespace {

constexpr std::chrono::seconds goodbye_time{2};
constexpr std::size_t most_drained = std::size_t{16} << 20; // bytes

} // namespace

wire::wire(tcp_socket socket, net::ssl::context* tls) : socket_{std::move(socket)} {
    error_code ignored;
    socket_.set_option(net::ip::tcp::no_delay(true), ignored);
    if (tls != nullptr) {
        tls_ = std::make_unique<net::ssl::stream<tcp_socket&>>(socket_, *tls);
    }
}

task<> wire::open(error_code& error) {
    error = {};
    if (tls_) {
        co_await tls_->async_handshake(net::ssl::stream_base::server, into(error));
    }
}

task<> wire::write(std::string_view bytes, error_code& error) {
    error = {};
    co_await net::async_write(*this, net::buffer(bytes), into(error));
}

void wire::close() {
    error_code ignored;
    socket_.close(ignored);
}

void wire::reset() {
    error_code ignored;
    socket_.set_option(net::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
}

deadline::deadline(std::shared_ptr<wire> guarded, std::chrono::milliseconds time)
    : timer_{guarded->get_executor(), time} {
    timer_.async_wait([guarded = std::move(guarded)](const error_code& cancelled) {
        if (!cancelled) {
            guarded->close();
        }
    });
}

task<> finish(std::shared_ptr<wire> ended) {
    const deadline cut{ended, goodbye_time};
    error_code error;
    if (ended->is_tls()) {
        co_await ended->async_shutdown_tls(into(error));
    }
    ended->socket().shutdown(tcp_socket::shutdown_send, error);
    std::array<char, 4096> rest{};
    for (std::size_t drained = 0; !error && drained < most_drained;) {
        drained += co_await ended->socket().async_read_some(net::buffer(rest), into(error));
    }
    ended->close();
}

void teardown(boost::beast::role_type, wire& below, error_code& error) {
    error = {};
    below.close();
}

void beast_close_socket(wire& below) {
    below.close();
}

} // namespace iom::peer
