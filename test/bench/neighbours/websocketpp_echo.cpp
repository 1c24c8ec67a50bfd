// websocketpp as a bare echo client:  websocketpp_echo URL [--ca F]; it is never asked for compression here.

#include <utility> // Boost 1.74 under C++20 wants it first

#include "arguments.hpp"

#include <cstdio>
#include <websocketpp/client.hpp>
#include <websocketpp/config/asio_client.hpp>
#include <websocketpp/config/asio_no_tls_client.hpp>

namespace {

template <class Client>
void echo(Client& client, const bench::arguments& how) {
    client.clear_access_channels(websocketpp::log::alevel::all);
    client.clear_error_channels(websocketpp::log::elevel::all);
    client.set_max_message_size(std::size_t{64} << 20U);
    client.set_tcp_post_init_handler([&client](websocketpp::connection_hdl session) {
        client.get_con_from_hdl(session)->get_raw_socket().set_option(boost::asio::ip::tcp::no_delay(true));
    });
    client.set_message_handler(
        [&client](websocketpp::connection_hdl session, typename Client::message_ptr message) {
            websocketpp::lib::error_code ignored;
            client.send(session, message->get_payload(), message->get_opcode(), ignored);
        });
    websocketpp::lib::error_code error;
    const auto connection = client.get_connection(how.url, error);
    if (error) {
        throw std::runtime_error(error.message());
    }
    client.connect(connection);
    client.run();
}

} // namespace

int main(int argc, char** argv) {
    try {
        const bench::arguments how(argc, argv);
        if (how.secure) {
            websocketpp::client<websocketpp::config::asio_tls_client> client;
            client.init_asio();
            client.set_tls_init_handler([&how](websocketpp::connection_hdl) {
                auto context = websocketpp::lib::make_shared<boost::asio::ssl::context>(
                    boost::asio::ssl::context::tls_client);
                context->load_verify_file(how.ca);
                context->set_verify_mode(boost::asio::ssl::verify_peer);
                return context;
            });
            echo(client, how);
        } else {
            websocketpp::client<websocketpp::config::asio_client> client;
            client.init_asio();
            echo(client, how);
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "websocketpp_echo: %s\n", error.what());
        return 1;
    }
}
