#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace iom::ws {

/// A request that waits for its answer, or still to be sent.
struct pending_request {
    std::uint64_t call = 0;
    std::optional<std::uint32_t> match; ///< none: any message answers
    std::int64_t timeout = 0;           ///< nanoseconds, from the moment at which it was sent
    std::int64_t sent = 0;              ///< line::now(); 0: not yet
    std::string message;
};

/// Requests and what answers them, the oldest first. Pure: time is an argument.
class requests {
public:
    /// So many may wait: each message is held against the match of each.
    static constexpr std::size_t most = 1000;

    [[nodiscard]] bool full() const { return pending_.size() >= most; }
    void add(pending_request&& request);

    [[nodiscard]] bool empty() const { return pending_.empty(); }

    /// The kernel has its last byte: from now on it can be answered, and is late in time.
    void sent(std::uint64_t call, std::int64_t now);

    /// Takes out the oldest sent request whose match `test` answers with true; nothing if there is none.
    template <class Test>
    std::optional<pending_request> answered(Test&& test) {
        for (auto one = pending_.begin(); one != pending_.end(); ++one) {
            if (one->sent != 0 && (!one->match || test(*one->match))) {
                return take(one);
            }
        }
        return std::nullopt;
    }

    /// Takes out one whose time is over; time begins again at `stirred` (product: while bytes of an
    /// unfinished message keep coming). Nothing if there is none.
    std::optional<pending_request> late(std::int64_t now, std::int64_t stirred);

    /// When late() will find one; nothing if never.
    [[nodiscard]] std::optional<std::int64_t> deadline(std::int64_t stirred) const;

    /// Takes out one that was sent (all of them, one by one: their session is over); or, with `all`, any.
    std::optional<pending_request> lost(bool all);

    /// Takes out the one of that call; nothing if there is none.
    std::optional<pending_request> remove(std::uint64_t call);

private:
    using place = std::list<pending_request>::iterator;

    pending_request take(place at);

    std::list<pending_request> pending_;              // the oldest first
    std::unordered_map<std::uint64_t, place> places_; // by call
};

} // namespace iom::ws
