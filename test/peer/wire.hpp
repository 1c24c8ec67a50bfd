#pragma once

#include "net.hpp"
#include "tls.hpp"

#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include <memory>
#include <optional>
#include <string_view>

namespace iom::peer {

/// One accepted TCP connection, plain or TLS: the stream that Beast and the fault sessions read and write.
/// Whoever has an operation under way keeps it alive.
class wire {
public:
    using executor_type = executor;

    /// `tls` null: plain.
    wire(tcp_socket socket, net::ssl::context* tls);

    executor_type get_executor() noexcept { return socket_.get_executor(); }
    tcp_socket& socket() noexcept { return socket_; }
    bool is_tls() const noexcept { return tls_ != nullptr; }
    tls_facts facts() const { return facts_of(tls_ ? tls_->native_handle() : nullptr); }

    /// The TLS handshake; nothing to do for a plain one.
    task<> open(error_code& error);

    /// All bytes, or an error.
    task<> write(std::string_view bytes, error_code& error);

    void close(); ///< without any goodbye
    void reset(); ///< RST

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return net::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto&& handler, const Buffers& into_buffers) {
                if (tls_) {
                    tls_->async_read_some(into_buffers, std::forward<decltype(handler)>(handler));
                } else {
                    socket_.async_read_some(into_buffers, std::forward<decltype(handler)>(handler));
                }
            },
            token, buffers);
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return net::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto&& handler, const Buffers& from_buffers) {
                if (tls_) {
                    tls_->async_write_some(from_buffers, std::forward<decltype(handler)>(handler));
                } else {
                    socket_.async_write_some(from_buffers, std::forward<decltype(handler)>(handler));
                }
            },
            token, buffers);
    }

    template <class Token>
    auto async_shutdown_tls(Token&& token) {
        return tls_->async_shutdown(std::forward<Token>(token));
    }

private:
    tcp_socket socket_;
    std::unique_ptr<net::ssl::stream<tcp_socket&>> tls_;
};

/// Closes the wire unless it is destroyed before its time is up.
class deadline {
public:
    deadline(std::shared_ptr<wire> guarded, std::chrono::milliseconds time);
    ~deadline() { timer_.cancel(); }
    deadline(const deadline&) = delete;
    deadline& operator=(const deadline&) = delete;

private:
    timer timer_;
};

/// Says goodbye below WebSocket (close_notify, FIN) and waits a moment for the client's, so that no byte
/// under way is lost to a reset; then closes.
task<> finish(std::shared_ptr<wire> ended);

// Beast finds these by argument-dependent lookup.

template <class Handler>
void async_teardown(boost::beast::role_type role, wire& below, Handler&& handler) {
    if (below.is_tls()) {
        below.async_shutdown_tls(std::forward<Handler>(handler));
    } else {
        boost::beast::websocket::async_teardown(role, below.socket(), std::forward<Handler>(handler));
    }
}

void teardown(boost::beast::role_type role, wire& below, error_code& error);
void beast_close_socket(wire& below);

} // namespace iom::peer
