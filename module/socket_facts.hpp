#pragma once

#include <chrono>
#include <cstdint>
#include <string>

/// What the kernel knows of a TCP socket.
namespace iom::ws {

/// Bytes written that the far end's TCP has not acknowledged; readable also just after a loss.
std::uint64_t unacknowledged_bytes(int socket);

/// Bytes that it has acknowledged, ever.
std::uint64_t acknowledged_bytes(int socket);

enum class line_end : std::uint8_t {
    none,     ///< the connection stands
    finished, ///< the far end said that it is done
    reset,    ///< broken off
    silent,   ///< given up by TCP, which got no acknowledgement any more
};

/// Whether and how the connection ended; `error` is the errno of what failed on it last, or 0.
line_end end_of(int socket, int error = 0);

/// Why it failed, as an errno that nobody was told yet; 0 if there is none.
int pending_error(int socket);

/// Makes TCP itself watch the line: an idle one after 30 s by three probes 10 s apart, sent bytes by
/// `patience`; at most those 60 s.
void watch_by_tcp(int socket, std::chrono::nanoseconds patience);

/// "192.0.2.1:80" or "[2001:db8::1]:80" of the far end; empty if there is none.
std::string remote_address(int socket);

} // namespace iom::ws
