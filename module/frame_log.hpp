#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// How frames and heads look in the log. Pure.
namespace iom::ws {

enum class direction : std::uint8_t { in, out };

/// Bytes of a payload that a line shows.
constexpr std::size_t shown_payload = 4096;

/// One line for a frame: direction, opcode, fin, length, payload as text or hex. `payload` may be only the
/// beginning of the `length` bytes; at most shown_payload of them are shown.
std::string frame_line(direction way, std::string_view opcode, bool fin, std::uint64_t length,
                       std::string_view payload, bool as_text);

/// One line for a control frame with its whole payload: as text if all of it is printable ASCII, else as hex;
/// of a Close, the code in decimal and the reason.
std::string control_line(direction way, std::string_view opcode, std::string_view payload);

/// A line per line of a request's or answer's head, with the values of those headers that hold secrets taken
/// out.
std::string head_lines(direction way, std::string_view head);

} // namespace iom::ws
