#pragma once

#include "module/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iom::ws {

/// A message of a send action that waits for a session.
struct waiting_message {
    std::uint64_t order =
        0; ///< in which it was given; what comes back from a lost session goes to its old place
    std::uint64_t call = 0;
    std::int64_t since = 0; ///< nanoseconds
    bool binary = false;
    bool request = false;
    std::string payload;
    std::string key;
};

/// Why a message was given up, as in the trigger message-dropped.
enum class drop_reason : std::uint8_t {
    full,      ///< a queue limit; the oldest goes
    too_large, ///< larger than the whole queue may be; told as full
    stale,     ///< older than queue-ttl
    replaced,  ///< policy latest: a newer one with its key came
    cleared,   ///< the action clear-queue
    stopped,   ///< the instance ends
};

std::string_view name_of(drop_reason what);

/// One sentence for the call that is given up with the message.
std::string_view sentence_of(drop_reason what);

struct dropped_message {
    waiting_message message;
    drop_reason reason = drop_reason::full;
};

/// The messages that wait for a session, within the limits of the settings. Pure: time is an argument.
class outbound {
public:
    struct limits {
        offline_policy policy = offline_policy::error;
        std::size_t messages = 500;
        std::size_t bytes = std::size_t{1} << 20; ///< of payload and keys
        std::int64_t ttl = 0;                     ///< nanoseconds; 0: never stale

        static limits of(const settings& from);
    };

    /// New limits; what no longer fits is dropped.
    void limit(const limits& fresh, std::vector<dropped_message>& dropped);

    /// Puts a message into its place. What has to go for it (it may be itself) is appended to `dropped`.
    void add(waiting_message&& message, std::vector<dropped_message>& dropped);

    /// The oldest, or null.
    [[nodiscard]] const waiting_message* front() const;
    waiting_message take();

    /// Gives up what is stale at `now`.
    void expire(std::int64_t now, std::vector<dropped_message>& dropped);

    /// When the next message becomes stale; nothing if none will.
    [[nodiscard]] std::optional<std::int64_t> next_expiry() const;

    void clear(drop_reason reason, std::vector<dropped_message>& dropped);

    [[nodiscard]] bool empty() const { return messages_.empty(); }
    [[nodiscard]] std::size_t depth() const { return messages_.size(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

private:
    void drop(std::size_t index, drop_reason reason, std::vector<dropped_message>& dropped);
    void keep_limits(std::vector<dropped_message>& dropped);

    limits limits_;
    std::deque<waiting_message> messages_; // by order
    std::size_t bytes_ = 0;
};

} // namespace iom::ws
