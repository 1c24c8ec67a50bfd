#include "timeline.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace iom::peer {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

timeline::timeline()
    : steady_start_{std::chrono::steady_clock::now()}, wall_start_{std::chrono::system_clock::now()} {}

moment timeline::now() const {
    return duration_cast<milliseconds>(std::chrono::steady_clock::now() - steady_start_);
}

std::string timeline::text(moment when) const {
    return rfc3339(wall_start_ + when);
}

std::string rfc3339(std::chrono::system_clock::time_point when) {
    const auto since_epoch = std::chrono::floor<milliseconds>(when.time_since_epoch());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
    const std::time_t whole = seconds.count();
    std::tm parts{};
    gmtime_r(&whole, &parts);
    std::array<char, 32> date{};
    const auto date_length = std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::array<char, 8> fraction{};
    std::snprintf(fraction.data(), fraction.size(), ".%03dZ",
                  static_cast<int>((since_epoch - seconds).count()));
    return std::string(date.data(), date_length) + fraction.data();
}

} // namespace iom::peer
