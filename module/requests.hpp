#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
    void add(pending_request&& request) { pending_.push_back(std::move(request)); }

    [[nodiscard]] bool empty() const { return pending_.empty(); }

    /// The kernel has its last byte: from now on it can be answered, and is late in time.
    void sent(std::uint64_t call, std::int64_t now);

    /// Takes out the oldest sent request whose match `test` answers with true; nothing if there is none.
    template <class Test>
    std::optional<pending_request> answered(Test&& test) {
        for (std::size_t index = 0; index < pending_.size(); ++index) {
            const pending_request& request = pending_[index];
            if (request.sent != 0 && (!request.match || test(*request.match))) {
                return take(index);
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
    pending_request take(std::size_t index);

    std::vector<pending_request> pending_;
};

} // namespace iom::ws
