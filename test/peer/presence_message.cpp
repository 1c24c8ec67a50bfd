#include "presence_message.hpp"

#include <nlohmann/json.hpp>

#include <optional>

namespace iom::peer {

namespace {

using nlohmann::json;

/// Longer text cannot be a valid request; it is not worth parsing.
constexpr std::size_t longest_request = 1'000'000;

constexpr auto example = R"({"type":"bind","things":["press-1"]})";

std::string_view without_space(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}

bool skip(std::string_view& text, std::string_view token) {
    text = without_space(text);
    if (!text.starts_with(token)) {
        return false;
    }
    text.remove_prefix(token.size());
    return true;
}

bool begins_like_presence(std::string_view text) {
    return skip(text, "{") && skip(text, "\"type\"") && skip(text, ":") &&
           (skip(text, "\"bind\"") || skip(text, "\"unbind\""));
}

std::optional<std::string> things_mistake(const json& message, const std::string& type) {
    const auto things = message.find("things");
    if (things == message.end() || !things->is_array() || things->empty()) {
        return "The " + type + " message needs \"things\", a list of at least one name; send for example " +
               example + ".";
    }
    if (things->size() > most_things_per_message) {
        return "The " + type + " message names " + std::to_string(things->size()) + " things; send at most " +
               std::to_string(most_things_per_message) + " in one message.";
    }
    for (std::size_t i = 0; i < things->size(); ++i) {
        const auto& name = (*things)[i];
        if (!name.is_string() || name.get_ref<const std::string&>().empty() ||
            name.get_ref<const std::string&>().size() > longest_thing_name) {
            return "Entry " + std::to_string(i + 1) + " of \"things\" in the " + type +
                   " message is no name; give text of 1 to " + std::to_string(longest_thing_name) + " bytes.";
        }
    }
    return std::nullopt;
}

std::string things_answer(const char* type, std::span<const std::string> things) {
    return nlohmann::ordered_json{{"type", type}, {"things", things}}.dump(-1, ' ', false,
                                                                           json::error_handler_t::replace);
}

} // namespace

presence_message read_presence(std::string_view text) {
    if (text.size() > longest_request || !without_space(text).starts_with('{') ||
        text.find("\"type\"") == std::string_view::npos) {
        return not_presence{};
    }
    const auto message = json::parse(text, nullptr, false);
    if (message.is_discarded()) {
        return begins_like_presence(text)
                   ? presence_message{presence_mistake{
                         std::string(
                             "The message begins like bind or unbind but is no whole JSON object; send for "
                             "example ") +
                         example + "."}}
                   : not_presence{};
    }
    const auto type = message.find("type");
    if (type == message.end() || !(*type == "bind" || *type == "unbind")) {
        return not_presence{};
    }
    if (auto mistake = things_mistake(message, type->get<std::string>())) {
        return presence_mistake{std::move(*mistake)};
    }
    auto things = message.at("things").get<std::vector<std::string>>();
    return *type == "bind" ? presence_message{bind_request{std::move(things)}}
                           : presence_message{unbind_request{std::move(things)}};
}

std::string bound_answer(std::span<const std::string> things) {
    return things_answer("bound", things);
}

std::string unbound_answer(std::span<const std::string> things) {
    return things_answer("unbound", things);
}

std::string error_answer(std::string_view sentence) {
    return nlohmann::ordered_json{{"type", "error"}, {"message", sentence}}.dump(
        -1, ' ', false, json::error_handler_t::replace);
}

} // namespace iom::peer
