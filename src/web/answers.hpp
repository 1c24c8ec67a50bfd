#pragma once

#include "web/exchange.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

/// Answers of the contract's shapes.
namespace iom::host::web {

using nlohmann::json;

[[nodiscard]] answer json_answer(int status, const json& body);
/// A Problem: `error` is its kind, `sentence` is for people; `more` holds what else that kind tells. With
/// "retryAfter" (s) in it, the header says so, too.
[[nodiscard]] answer problem(int status, std::string_view error, std::string_view sentence,
                             json more = json::object());
/// 422, about one place in the request's body (a JSON pointer, RFC 6901).
[[nodiscard]] answer mistake_at(std::string_view place, std::string_view sentence);
[[nodiscard]] answer no_such(std::string_view what);
[[nodiscard]] answer nothing_to_say();
[[nodiscard]] answer others_are_saving();
[[nodiscard]] answer controller_is_busy();

} // namespace iom::host::web
