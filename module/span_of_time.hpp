#pragma once

#include <chrono>

namespace iom::ws {

/// A length of time, as settings and rooms without a clock know it.
using span_of_time = std::chrono::nanoseconds;

} // namespace iom::ws
