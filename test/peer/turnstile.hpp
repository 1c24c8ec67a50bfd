#pragma once

#include "net.hpp"

namespace iom::peer {

/// Lets one coroutine at a time write to a session; the others wait in line. A waiter keeps the turnstile
/// alive.
class turnstile {
public:
    /// Whoever holds one is inside; destroying it lets the next one in.
    class turn {
    public:
        explicit turn(turnstile& owner) : owner_{&owner} {}
        turn(turn&& other) noexcept : owner_{std::exchange(other.owner_, nullptr)} {}
        turn(const turn&) = delete;
        turn& operator=(const turn&) = delete;
        turn& operator=(turn&&) = delete;
        ~turn();

    private:
        turnstile* owner_;
    };

    explicit turnstile(const executor& where);

    task<turn> enter();

    /// The turn at once, where nobody is inside: spares the busiest path a coroutine.
    bool is_free() const { return !busy_; }
    turn take();

private:
    bool busy_ = false;
    timer line_; ///< never expires; a cancelled wait is the call to go on
};

} // namespace iom::peer
