#include "net.hpp"

#include "options.hpp"
#include "peer_state.hpp"
#include "server.hpp"

#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <iostream>

namespace {

int run(iom::peer::options settings) {
    iom::peer::peer_state state{
        std::move(settings)}; // outlives the coroutines that io still holds at the end
    boost::asio::io_context io{1};
    iom::peer::server server{io, state};

    boost::asio::signal_set signals{io, SIGINT, SIGTERM};
    signals.async_wait([&](const boost::system::error_code& error, int) {
        if (!error) {
            server.stop();
        }
    });
    server.run();
    std::cout << "ready " << server.port() << std::endl;
    io.run();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    try {
        auto read = iom::peer::read_options(argc, argv);
        if (const auto* const end = std::get_if<iom::peer::leave>(&read)) {
            (end->exit_code == 0 ? std::cout : std::cerr) << end->text << std::endl;
            return end->exit_code;
        }
        return run(std::get<iom::peer::options>(std::move(read)));
    } catch (const std::exception& failure) {
        std::cerr << "iompeer: " << failure.what() << std::endl;
        return 1;
    }
}
