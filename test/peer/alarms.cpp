#include "alarms.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace iom::peer {

const alarm& alarm_book::raise(moment now) {
    constexpr std::array<std::string_view, 5> round{
        "level 3 pump overheated", "level 1 hatch open",      "level 2 oil pressure low",
        "level 4 belt slipping",   "level 1 filter due soon",
    };
    const auto number = next_++;
    const auto what = round.at((number - 17) % round.size());
    if (alarms_.size() == most_alarms) {
        alarms_.pop_front();
    }
    return alarms_.emplace_back(
        alarm{number, "ALARM " + std::to_string(number) + " " + std::string(what), now, std::nullopt, ""});
}

const alarm* alarm_book::acknowledge(std::string_view message, moment now) {
    constexpr std::string_view digits = "0123456789";
    const auto first = message.find_first_of(digits);
    if (!message.starts_with("ACK") || first == std::string_view::npos) {
        return nullptr;
    }
    std::uint64_t number = 0;
    if (std::from_chars(message.data() + first, message.data() + message.size(), number).ec != std::errc{}) {
        return nullptr;
    }
    const auto found = std::ranges::find(alarms_, number, &alarm::number);
    if (found == alarms_.end()) {
        return nullptr;
    }
    if (!found->acknowledged) {
        found->acknowledged = now;
        found->answer = message.substr(0, 4096);
    }
    return &*found;
}

} // namespace iom::peer
