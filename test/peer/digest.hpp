#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace iom::peer {

std::string base64(std::string_view bytes);

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key, RFC 6455 §4.2.2.
std::string accept_for(std::string_view key);

/// So many random bytes as lower-case hex. Throws std::runtime_error where the system has none.
std::string random_hex(std::size_t bytes);

} // namespace iom::peer
