#include "module/flights.hpp"

#include <algorithm>
#include <utility>

namespace iom::ws {

flight& flights::launch() {
    if (size_ == ring_.size()) {
        std::vector<flight> larger(std::max<std::size_t>(8, ring_.size() * 2));
        for (std::size_t index = 0; index < size_; ++index) {
            const std::uint64_t sequence = first_ + index;
            larger[sequence & (larger.size() - 1)] = std::move(ring_[sequence & (ring_.size() - 1)]);
        }
        ring_ = std::move(larger);
    }
    flight& place = ring_[(first_ + size_) & (ring_.size() - 1)];
    ++size_;
    place.key.clear();
    place.call = 0;
    place.order = 0;
    place.since = 0;
    place.size = 0;
    place.binary = place.request = place.own = place.gone = false;
    return place;
}

flight* flights::find(std::uint64_t sequence) {
    return sequence >= first_ && sequence < first_ + size_ ? &ring_[sequence & (ring_.size() - 1)] : nullptr;
}

void flights::land() {
    ++first_;
    --size_;
}

void flights::reset() {
    first_ = 1;
    size_ = 0;
    ring_ = {};
}

} // namespace iom::ws
