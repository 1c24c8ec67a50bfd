#include "module/mailbox.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace iom::ws {

namespace {

/// How a record lies in a buffer: this, payload_room, the parts one behind another, then up to the next
/// multiple.
struct stored {
    std::uint32_t total = 0;
    std::array<std::uint32_t, max_parts> sizes{};
    record_head head;
};

constexpr std::size_t alignment = 16;
constexpr std::size_t parts_at = sizeof(stored) + payload_room;
constexpr std::size_t smallest_buffer = 512;

static_assert(sizeof(stored) % alignment == 0);
static_assert(payload_room % alignment == 0);

} // namespace

record_queue::~record_queue() = default;

char* record_queue::room_for(std::size_t size) {
    const std::size_t needed = back_.used + size;
    if (needed > back_.capacity) {
        const std::size_t capacity = std::max({needed, back_.capacity * 2, smallest_buffer});
        auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
        if (back_.used > 0) {
            std::memcpy(bytes.get(), back_.bytes.get(), back_.used);
        }
        back_.bytes = std::move(bytes);
        back_.capacity = capacity;
    }
    return back_.bytes.get() + back_.used;
}

bool record_queue::push(const record_head& head, std::initializer_list<std::string_view> parts) {
    stored fixed;
    fixed.head = head;
    std::size_t total = parts_at;
    std::size_t index = 0;
    for (const std::string_view part : parts) {
        fixed.sizes.at(index++) = static_cast<std::uint32_t>(part.size());
        total += part.size();
    }
    total = (total + alignment - 1) / alignment * alignment;
    fixed.total = static_cast<std::uint32_t>(total);

    const std::lock_guard lock(mutex_);
    char* at = room_for(total);
    std::memcpy(at, &fixed, sizeof fixed);
    at += parts_at;
    for (const std::string_view part : parts) {
        if (!part.empty()) {
            std::memcpy(at, part.data(), part.size());
            at += part.size();
        }
    }
    const bool first = back_.used == 0;
    back_.used += total;
    back_used_.store(back_.used);
    return first;
}

bool record_queue::wait_for_room() noexcept {
    // Either this sees what the consumer has published, or settle() sees the wish: both are sequentially
    // consistent.
    producer_waits_.store(true);
    if (waiting() <= low_) {
        producer_waits_.store(false);
        return false;
    }
    return true;
}

bool record_queue::turn() noexcept {
    const std::lock_guard lock(mutex_);
    if (back_.used == 0) {
        return false;
    }
    front_.used = 0;
    std::swap(front_, back_);
    front_left_.store(front_.used);
    back_used_.store(0);
    read_ = 0;
    peak_ = std::max(peak_, front_.used);
    return true;
}

record* record_queue::next() noexcept {
    if (read_ == front_.used && (back_used_.load(std::memory_order_relaxed) == 0 || !turn())) {
        return nullptr;
    }
    char* at = front_.bytes.get() + read_;
    stored fixed;
    std::memcpy(&fixed, at, sizeof fixed);
    read_ += fixed.total;

    static_cast<record_head&>(current_) = fixed.head;
    at += parts_at;
    current_.payload = at;
    for (std::size_t index = 0; index < max_parts; ++index) {
        current_.parts[index] = {at, fixed.sizes[index]};
        at += fixed.sizes[index];
    }
    return &current_;
}

bool record_queue::more() const noexcept {
    return read_ < front_.used || back_used_.load() > 0;
}

bool record_queue::settle() noexcept {
    front_left_.store(front_.used - read_);
    return producer_waits_.load() && waiting() <= low_ && producer_waits_.exchange(false);
}

void record_queue::trim() noexcept {
    const std::size_t enough = std::max(smallest_buffer, peak_ * 4);
    peak_ = 0;
    if (read_ == front_.used && front_.capacity > enough) {
        front_ = {};
        read_ = 0;
    }
    const std::lock_guard lock(mutex_);
    if (back_.used == 0 && back_.capacity > enough) {
        back_ = {};
    }
}

std::size_t record_queue::waiting() const noexcept {
    return back_used_.load() + front_left_.load();
}

void mailbox::offer(std::shared_ptr<const settings> fresh) noexcept {
    const std::lock_guard lock(mutex_);
    fresh_ = std::move(fresh);
    offered_.store(true);
}

std::shared_ptr<const settings> mailbox::take() noexcept {
    if (!offered_.load(std::memory_order_relaxed)) {
        return nullptr;
    }
    const std::lock_guard lock(mutex_);
    offered_.store(false);
    return std::exchange(fresh_, nullptr);
}

} // namespace iom::ws
