#pragma once

#include "timeline.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace iom::peer {

struct alarm {
    std::uint64_t number = 0;
    std::string message; ///< as sent, for example "ALARM 17 level 3 pump overheated"
    moment raised{};
    std::optional<moment> acknowledged;
    std::string answer; ///< the ACK message, whole
};

/// The machine's alarm list. Pure; the alarms follow each other in a fixed round.
class alarm_book {
public:
    static constexpr std::size_t most_alarms = 100; ///< the oldest is forgotten first

    const alarm& raise(moment now);

    /// For a message that begins with ACK: its first number names the alarm. The alarm, or nothing where the
    /// message is no ACK or names none. A second ACK changes nothing.
    const alarm* acknowledge(std::string_view message, moment now);

    const std::deque<alarm>& list() const { return alarms_; }
    void clear() { alarms_.clear(); }

private:
    std::uint64_t next_ = 17;
    std::deque<alarm> alarms_;
};

} // namespace iom::peer
