#pragma once

#include "web/crypto.hpp"
#include "web/exchange.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace iom::host::web {

/// Longest message that a page may send on its channel, in bytes.
inline constexpr std::size_t longest_heard = std::size_t{64} << 10U;

struct server_options {
    std::string address = "127.0.0.1"; ///< an IP address to listen at
    std::uint16_t port = 8080;         ///< 0: any free one
    std::optional<key_and_certificate> tls;
};

/// HTTP and WebSocket over libwebsockets, in a thread of its own; the only user of the library in the host.
class server {
public:
    /// Listens; throws std::runtime_error with a sentence if it cannot. Nothing is answered before `start`.
    server(server_options options, front& who_answers);
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    void start();
    /// Ends the thread, after what waits to be written to channels has had a moment.
    void stop();

    [[nodiscard]] std::uint16_t port() const noexcept;

    /// Has it done on the web thread soon. [any thread]
    void post(std::function<void()> what);
    /// The same, after a time. [web thread]
    void after(std::int64_t microseconds, std::function<void()> what);

    /// From the next connection on. One that cannot be served is reported to the front as having failed, and
    /// the one before goes on. [web thread]
    void use_certificate(const key_and_certificate& fresh);

    /// Whether the library can serve TLS with it. [any thread]
    static bool can_serve(const key_and_certificate& both);

    class body; ///< server.cpp

private:
    std::unique_ptr<body> body_;
};

} // namespace iom::host::web
