#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace iom::host {

/// One connection to a web server, plain or over TLS; nothing in it ever blocks. The only user of sockets and
/// of mbedTLS among the rooms of HTTP. All lines belong to one thread: mbedTLS is built without locks, and
/// its randomness is shared by all of a program.
class http_line {
public:
    struct target {
        std::string address; ///< numeric
        std::uint16_t port = 0;
        bool secure = false;
        bool verify = true;
        std::string host;        ///< whose certificate it must be
        std::string authorities; ///< PEM file; empty: the system's store
    };

    enum class state : std::uint8_t {
        connecting,
        securing,
        open,
        ended,  ///< the server has closed it, in order
        failed, ///< `why` says how
    };

    explicit http_line(const target& to);
    ~http_line();
    http_line(const http_line&) = delete;
    http_line& operator=(const http_line&) = delete;

    [[nodiscard]] state now() const noexcept { return state_; }

    /// What to poll its descriptor for; `writing`: there is something to send once it is open.
    [[nodiscard]] int descriptor() const noexcept { return socket_; }
    [[nodiscard]] short events(bool writing) const noexcept;

    /// Goes on with connecting, after one of those events.
    void proceed();

    /// Sends a beginning of these bytes: how many. Only while open.
    std::size_t write(std::string_view bytes);

    /// What has come, up to `size` bytes; 0 if nothing, or if the state has changed. Only while open.
    std::size_t read(char* into, std::size_t size);

    /// How it failed, as a sentence's end: "nothing listens at 192.0.2.1:443".
    [[nodiscard]] const std::string& why() const noexcept { return why_; }

private:
    struct secure_part;

    void fail(std::string why);
    void fail_with(int error);
    void secure();
    void shake_hands();
    void certificate_failure(std::uint32_t flags);
    void tls_failure(int code);
    static int send_some(void* self, const unsigned char* data, std::size_t size);
    static int receive_some(void* self, unsigned char* data, std::size_t size);

    const target to_;
    state state_ = state::connecting;
    int socket_ = -1;
    bool wants_write_ = true; ///< of TLS, while securing
    std::string why_;
    std::unique_ptr<secure_part> tls_;
};

} // namespace iom::host
