// Boost.Beast as a bare echo client, synchronous:  beast_echo URL [--ca F] [--deflate]

#include <utility> // Boost 1.74 under C++20 wants it first

#include "arguments.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <cstdio>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

template <class Stream>
void echo(websocket::stream<Stream>& session, const bench::arguments& how) {
    if (how.deflate) {
        websocket::permessage_deflate deflate;
        deflate.client_enable = true;
        // As libwebsockets has them.
        deflate.compLevel = 1;
        deflate.memLevel = 8;
        session.set_option(deflate);
    }
    session.read_message_max(std::size_t{64} << 20U);
    session.write_buffer_bytes(65536);
    session.auto_fragment(false);
    session.handshake("127.0.0.1:" + how.port, "/");
    beast::flat_buffer buffer;
    for (beast::error_code error;;) {
        session.read(buffer, error);
        if (error) {
            return;
        }
        session.text(session.got_text());
        session.write(buffer.data(), error);
        buffer.clear();
    }
}

} // namespace

int main(int argc, char** argv) {
    try {
        const bench::arguments how(argc, argv);
        asio::io_context context;
        const asio::ip::tcp::endpoint there(asio::ip::make_address("127.0.0.1"), how.port_number());
        if (how.secure) {
            asio::ssl::context tls(asio::ssl::context::tls_client);
            tls.load_verify_file(how.ca);
            tls.set_verify_mode(asio::ssl::verify_peer);
            websocket::stream<beast::ssl_stream<asio::ip::tcp::socket>> session(context, tls);
            auto& line = session.next_layer().next_layer();
            line.connect(there);
            line.set_option(asio::ip::tcp::no_delay(true));
            session.next_layer().handshake(asio::ssl::stream_base::client);
            echo(session, how);
        } else {
            websocket::stream<asio::ip::tcp::socket> session(context);
            session.next_layer().connect(there);
            session.next_layer().set_option(asio::ip::tcp::no_delay(true));
            echo(session, how);
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "beast_echo: %s\n", error.what());
        return 1;
    }
}
