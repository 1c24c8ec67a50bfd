#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace iom::ws {

/// A message that was handed to the session and has not come back as sent or dropped.
struct flight {
    std::uint64_t call = 0;  ///< 0: none, a message of the recipe
    std::uint64_t order = 0; ///< see waiting_message
    std::int64_t since = 0;
    std::size_t size = 0; ///< of the payload, without the delimiter
    bool binary = false;
    bool request = false;
    bool own = false;  ///< of the recipe
    bool gone = false; ///< dropped, while an older one still flies
    std::string key;
};

/// Flights by sequence number: a ring that is used again and again, so that a message costs no allocation.
class flights {
public:
    /// A place for the next message. The reference holds until the next launch.
    flight& launch();

    /// The sequence number that the last launch got: 1, 2, ...
    [[nodiscard]] std::uint64_t newest() const { return first_ + size_ - 1; }

    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::uint64_t oldest() const { return first_; }

    /// The flight of that number, or null.
    [[nodiscard]] flight* find(std::uint64_t sequence);

    /// Takes the oldest away.
    void land();

    /// Takes the newest away, which was never handed over; its number is given again.
    void cancel() { --size_; }

    /// Nothing flies, and numbers begin at 1 again.
    void reset();

private:
    std::vector<flight> ring_; // its size is a power of two, or none
    std::uint64_t first_ = 1;
    std::size_t size_ = 0;
};

} // namespace iom::ws
