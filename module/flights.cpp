#include "module/flights.hpp"

#include <algorithm>
#include <utility>

namespace iom::ws {

namespace {

/// Where the flight of that number lies in a ring whose size is a power of two.
std::size_t place_in(const std::vector<flight>& ring, std::uint64_t sequence) {
    return static_cast<std::size_t>(sequence) & (ring.size() - 1);
}

} // namespace

flight& flights::launch() {
    if (size_ == ring_.size()) {
        std::vector<flight> larger(std::max<std::size_t>(8, ring_.size() * 2));
        for (std::size_t index = 0; index < size_; ++index) {
            const std::uint64_t sequence = first_ + index;
            larger[place_in(larger, sequence)] = std::move(ring_[place_in(ring_, sequence)]);
        }
        ring_ = std::move(larger);
    }
    flight& place = ring_[place_in(ring_, first_ + size_)];
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
    return sequence >= first_ && sequence < first_ + size_ ? &ring_[place_in(ring_, sequence)] : nullptr;
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
