#include "module/socket_facts.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace iom::ws {

namespace {

// The states of a TCP socket are in no header that agrees with linux/tcp.h.
constexpr std::uint8_t state_established = 1;
constexpr std::uint8_t state_close_wait = 8;

// When TCP probes an idle line, see watch_by_tcp.
constexpr std::chrono::seconds idle{30};
constexpr std::chrono::seconds between{10};
constexpr int probes = 3;

bool facts_of(int socket, tcp_info& facts) {
    socklen_t size = sizeof facts;
    return getsockopt(socket, IPPROTO_TCP, TCP_INFO, &facts, &size) == 0;
}

void set(int socket, int level, int option, int value) {
    // Where the kernel has no such option the line is watched less closely, no more.
    static_cast<void>(setsockopt(socket, level, option, &value, sizeof value));
}

} // namespace

std::uint64_t unacknowledged_bytes(int socket) {
    int bytes = 0;
    return ioctl(socket, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::uint64_t>(bytes) : 0;
}

std::uint64_t acknowledged_bytes(int socket) {
    tcp_info facts{};
    return facts_of(socket, facts) ? facts.tcpi_bytes_acked : 0;
}

line_end end_of(int socket, int error) {
    tcp_info facts{};
    if (!facts_of(socket, facts)) {
        return line_end::reset;
    }
    if (facts.tcpi_state == state_established) {
        return line_end::none;
    }
    if (facts.tcpi_state == state_close_wait) {
        return line_end::finished;
    }
    return error == ETIMEDOUT ? line_end::silent : line_end::reset;
}

int pending_error(int socket) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : 0;
}

void watch_by_tcp(int socket, std::chrono::nanoseconds patience) {
    // With TCP_USER_TIMEOUT the kernel gives an idle line up by that time, too, and no more by the count of
    // probes: a longer one would put off what they find.
    patience = std::min<std::chrono::nanoseconds>(patience, idle + probes * between);
    set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(socket, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(idle.count()));
    set(socket, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(between.count()));
    set(socket, IPPROTO_TCP, TCP_KEEPCNT, probes);
    set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT,
        static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(patience).count()));
}

std::string remote_address(int socket) {
    sockaddr_storage far{};
    socklen_t size = sizeof far;
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    auto* const address = reinterpret_cast<sockaddr*>(&far);
    if (getpeername(socket, address, &size) != 0 ||
        getnameinfo(address, size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return {};
    }
    const std::string name(host.data());
    const bool v6 = far.ss_family == AF_INET6;
    return (v6 ? "[" + name + "]" : name) + ":" + port.data();
}

} // namespace iom::ws
