#pragma once

#include <chrono>
#include <string>

namespace iom::peer {

/// Steady time since the process started. The pure rooms take it as an argument.
using moment = std::chrono::milliseconds;

/// The one clock of the process: steady for every decision, wall time only for what people read.
class timeline {
public:
    timeline();

    moment now() const;

    /// RFC 3339 in UTC with milliseconds, for example 2026-11-22T07:46:00.250Z.
    std::string text(moment when) const;

private:
    std::chrono::steady_clock::time_point steady_start_;
    std::chrono::system_clock::time_point wall_start_;
};

/// RFC 3339 text of a wall time, UTC with milliseconds.
std::string rfc3339(std::chrono::system_clock::time_point when);

} // namespace iom::peer
