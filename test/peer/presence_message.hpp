#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace iom::peer {

struct bind_request {
    std::vector<std::string> things;
};
struct unbind_request {
    std::vector<std::string> things;
};
/// Meant as bind or unbind, but not one that can be carried out; the sentence says why.
struct presence_mistake {
    std::string sentence;
};
struct not_presence {};

using presence_message = std::variant<not_presence, bind_request, unbind_request, presence_mistake>;

inline constexpr std::size_t most_things_per_message = 1'000;
inline constexpr std::size_t longest_thing_name = 256; ///< bytes

/// What a text message says about presence. Text that is no JSON object with "type" "bind" or "unbind" is
/// not_presence; text that begins like one and then breaks off is a mistake.
presence_message read_presence(std::string_view text);

std::string bound_answer(std::span<const std::string> things);
std::string unbound_answer(std::span<const std::string> things);
std::string error_answer(std::string_view sentence);

} // namespace iom::peer
