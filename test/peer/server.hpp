#pragma once

#include "net.hpp"
#include "peer_state.hpp"

#include <boost/asio/ssl/context.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace iom::peer {

/// Listens, accepts, reads requests and hands each to its room.
class server {
public:
    /// Throws std::runtime_error with a sentence where the address or the certificate cannot be used.
    server(net::io_context& io, peer_state& state);

    std::uint16_t port() const;

    void run();

    /// Close 1001 to every session; after a moment the io_context is stopped, answered or not.
    void stop();

private:
    using acceptor = net::basic_socket_acceptor<net::ip::tcp, executor>;

    task<> accept();
    task<> watch_idle();
    task<> await_the_end();

    net::io_context& io_;
    peer_state& state_;
    std::unique_ptr<net::ssl::context> tls_;
    acceptor acceptor_;
    timer idle_tick_;
    timer end_tick_;
    bool stopping_ = false;
};

} // namespace iom::peer
