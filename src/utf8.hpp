#pragma once

#include <cstdint>
#include <string>

namespace iom::host {

/// Appends a code point as UTF-8 (RFC 3629 §3); it must be one, and no surrogate.
void append_utf8(std::uint32_t code, std::string& out);

} // namespace iom::host
