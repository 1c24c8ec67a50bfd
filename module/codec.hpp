#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Bytes as text and back. Pure.
namespace iom::ws {

/// Pairs of hexadecimal digits of either case; white space between pairs is skipped. Nothing if it is none.
std::optional<std::string> from_hex(std::string_view written);

/// Base64 of RFC 4648 §4 or, with - and _, of §5; padding may be absent, white space is skipped. Nothing if
/// it is none.
std::optional<std::string> from_base64(std::string_view written);

/// RFC 4648 §4, padded.
std::string to_base64(std::string_view bytes);

/// Bytes behind %XX; nothing if a % is followed by anything else (RFC 3986 §2.1).
std::optional<std::string> from_percent(std::string_view written);

/// The longest prefix of at most `limit` bytes that cuts no UTF-8 character in two.
std::string_view cut_text(std::string_view text, std::size_t limit);

/// Date and time in UTC, as in 2025-11-22T08:00:00Z (RFC 3339); `seconds` since 1970.
std::string to_rfc3339(std::int64_t seconds);

} // namespace iom::ws
