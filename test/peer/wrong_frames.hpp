#pragma once

#include "target.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iom::peer {

/// The bytes that /invalid/NAME sends: each breaks one rule of RFC 6455 that a client has to notice.
/// Nothing for an unknown name; throws bad_target for a parameter out of range.
std::optional<std::string> wrong_bytes(std::string_view name, const target& asked);

std::vector<std::string_view> wrong_names();

} // namespace iom::peer
