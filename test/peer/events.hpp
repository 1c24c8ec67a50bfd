#pragma once

#include "timeline.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>

namespace iom::peer {

/// What happens, as JSON lines on stderr. A reader that does not keep up loses lines, never holds up the
/// server; the next line that gets through says how many in "lost".
class events {
public:
    explicit events(const timeline& clock) : clock_{clock} {}

    /// `what` is an object; "time" and "event" are put in front of its members.
    void write(const char* event, const nlohmann::ordered_json& what);

private:
    const timeline& clock_;
    std::uint64_t lost_ = 0;
};

} // namespace iom::peer
