#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

/// What each bare echo client is started with.
namespace bench {

/// URL [--ca F] [--deflate]; the URL is ws://127.0.0.1:PORT/ or wss://127.0.0.1:PORT/.
struct arguments {
    bool secure = false;
    bool deflate = false;
    std::string url;
    std::string port;
    std::string ca;

    arguments(int argc, char** argv) {
        for (int i = 1; i < argc; ++i) {
            const std::string_view given = argv[i];
            if (given == "--deflate") {
                deflate = true;
            } else if (given == "--ca" && i + 1 < argc) {
                ca = argv[++i];
            } else {
                url = given;
            }
        }
        secure = url.compare(0, 6, "wss://") == 0;
        const std::size_t colon = url.rfind(':');
        if (url.compare(0, 2, "ws") != 0 || colon == std::string::npos || colon < 5) {
            throw std::invalid_argument("give ws://127.0.0.1:PORT/ or wss://127.0.0.1:PORT/");
        }
        port = url.substr(colon + 1, url.find('/', colon) - colon - 1);
    }

    [[nodiscard]] std::uint16_t port_number() const { return static_cast<std::uint16_t>(std::stoi(port)); }
};

} // namespace bench
