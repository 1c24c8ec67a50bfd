#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace iom::host::web {

/// How many arrays and objects may stand in each other in what others send. The contract needs six; more than
/// this would cost stack, for JSON is copied recursively.
inline constexpr int deepest_json = 64;

/// RFC 8259; discarded where it is no JSON, or deeper than that.
[[nodiscard]] nlohmann::json parse_json(std::string_view text);

} // namespace iom::host::web
