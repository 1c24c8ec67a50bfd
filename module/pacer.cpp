#include "module/pacer.hpp"

#include <algorithm>

namespace iom::ws {

namespace {

constexpr span_of_time widest = std::chrono::milliseconds(10);

} // namespace

void pacer::enter(const key& target) {
    ++queues_[target].instances;
}

void pacer::leave(const key& target) {
    const auto found = queues_.find(target);
    if (found != queues_.end() && --found->second.instances == 0) {
        queues_.erase(found);
    }
}

span_of_time pacer::reserve(const key& target, span_of_time now, span_of_time first_max) {
    queue& line = queues_[target];
    const auto instances = static_cast<span_of_time::rep>(std::max<std::size_t>(line.instances, 1));
    const span_of_time spacing = std::min(widest, first_max / instances);
    const span_of_time start = std::max(now, line.free);
    line.free = start + spacing;
    return start - now;
}

} // namespace iom::ws
