#pragma once

#include "net.hpp"
#include "peer_state.hpp"

#include <boost/asio/ssl/context.hpp>

namespace iom::peer {

/// One accepted connection from TLS to its end: pages are answered, an upgrade goes to its session.
task<> serve(peer_state& state, tcp_socket socket, net::ssl::context* tls);

} // namespace iom::peer
