#pragma once

#include "timeline.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace iom::peer {

/// Sessions are numbered in the order they were accepted; a number is never reused.
using session_id = std::uint64_t;

/// Why a thing went offline: it was unbound; its client sent Close; the connection was lost without a Close;
/// neither ping nor message came for the idle timeout.
enum class offline_reason { unbind, closed, killed, idle };

std::string_view word(offline_reason reason);

/// What GET /things tells about one thing.
struct thing_view {
    std::string name;
    bool connected = false;
    moment since{};                       ///< of the present state
    std::optional<moment> last_ping;      ///< of the session that holds, or last held, it
    std::optional<offline_reason> reason; ///< only while offline
    std::uint64_t generation = 0;         ///< number of the bind that made it so
};

/// Who is there. Pure: sessions are numbers and time is an argument that never runs backwards.
///
/// Every bind takes the next generation and the newest holds the thing: whatever an older session does
/// afterwards (unbind, close, time out) leaves it alone. Sessions that were never opened, or are gone, are
/// ignored.
class presence {
public:
    static constexpr std::size_t most_things = 10'000;

    /// idle_timeout zero: nobody is ever idle.
    explicit presence(moment idle_timeout, std::size_t thing_limit = most_things);

    void opened(session_id session, moment now);
    void heard(session_id session, moment now);  ///< a message came
    void pinged(session_id session, moment now); ///< a ping came

    /// False where the names would not fit; then nothing has changed. To make room, the things that have been
    /// offline longest are forgotten.
    [[nodiscard]] bool bind(session_id session, std::span<const std::string> names, moment now);
    void unbind(session_id session, std::span<const std::string> names, moment now);

    /// Releases everything the session still holds; the names that went offline by it.
    std::vector<std::string> closed(session_id session, offline_reason reason, moment now);

    /// Sessions from which neither ping nor message came for the idle timeout.
    std::vector<session_id> idle(moment now) const;

    bool holds_any(session_id session) const;

    /// By name.
    std::vector<thing_view> things() const;

private:
    struct session_record {
        moment last_heard{};
        std::optional<moment> last_ping;
        std::set<std::string> names; ///< what it holds: bound by it, and by nobody since
    };
    struct thing_record {
        session_id holder = 0;
        std::uint64_t generation = 0;
        bool connected = false;
        moment since{};
        std::optional<moment> last_ping;
        std::optional<offline_reason> reason;
    };

    bool release(session_id id, const session_record& holder, const std::string& name, offline_reason reason,
                 moment now);
    bool make_room(std::span<const std::string> names);

    moment idle_timeout_;
    std::size_t thing_limit_;
    std::uint64_t generation_ = 0;
    std::unordered_map<session_id, session_record> sessions_;
    std::map<std::string, thing_record> things_;
};

} // namespace iom::peer
