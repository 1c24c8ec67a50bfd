#pragma once

#include "module/span_of_time.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

/// Spaces the attempts of all instances at one host and port, so that a server that comes back is not met by
/// all of them at once. Pure: time is an argument.
namespace iom::ws {

class pacer {
public:
    using key = std::pair<std::string, std::uint16_t>;

    /// An instance uses this host and port from now on, or no longer.
    void enter(const key& target);
    void leave(const key& target);

    /// How long an attempt that would start now has to wait; its place is taken with the answer. Attempts are
    /// spaced by min(10 ms, first_max ÷ instances). `now` never goes back.
    span_of_time reserve(const key& target, span_of_time now, span_of_time first_max);

private:
    struct queue {
        std::size_t instances = 0;
        span_of_time free{0}; ///< when the next attempt may start
    };

    std::map<key, queue> queues_;
};

} // namespace iom::ws
