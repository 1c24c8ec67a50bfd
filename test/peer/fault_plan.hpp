#pragma once

#include "target.hpp"
#include "timeline.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace iom::peer {

// What a path asks for, as plain values. First the answer to the upgrade request, then the act that follows a
// successful one.

/// An HTTP answer instead of the upgrade.
struct refusal {
    unsigned status = 503;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

/// A 101 whose header lines never end (until so many bytes).
struct endless_headers {
    std::uint64_t bytes = 0;
};

/// The connection is cut where the answer should come.
struct cut_before_upgrade {
    moment after{};
    bool reset = false;
};

/// A 101, right or wrong.
struct upgrade_answer {
    moment delay{}; ///< before the first byte
    moment drip{};  ///< between two bytes; zero: all at once
    bool wrong_accept = false;
    bool wrong_subprotocol = false;
    bool wrong_extension = false;
    bool compression = false; ///< needs a client that offers permessage-deflate
};

using answer = std::variant<upgrade_answer, refusal, endless_headers, cut_before_upgrade>;

/// When an act strikes: so long after the upgrade, or after the first message with on=message.
struct cue {
    moment after{};
    bool on_message = false;
};

/// Echoes; the flags take away what a good server does.
struct echo_act {
    bool pong = true;
    bool wrong_pong = false; ///< the pong answers some other ping
    bool close_echo = true;
    bool abort_on_ping = false;
    bool reset = false; ///< the abort is an RST
};
struct close_act {
    cue when;
    std::optional<std::uint16_t> code; ///< nothing: a Close without a body
    std::string reason;
};
struct cut_act {
    cue when;
    bool reset = false;
};
/// Stops reading, after so many echoed messages; writes a text now and then, or nothing.
struct hold_act {
    std::uint64_t messages = 0;
    moment every{}; ///< zero: never writes
};
struct flood_act {
    std::uint64_t count = 0; ///< 0: until the client goes
    std::uint64_t size = 0;  ///< bytes each
    bool binary = false;
};
struct big_act {
    std::uint64_t size = 0;
    std::uint64_t fragments = 1;
    bool binary = false;
    bool pings = false;      ///< one before each further fragment
    std::uint64_t piece = 0; ///< bytes in one write
    moment every{};          ///< between two writes
};
/// One compressed message that inflates to so many zero bytes.
struct bomb_act {
    std::uint64_t size = 0;
};
struct ping_act {
    moment every{};
    std::uint64_t burst = 1; ///< pings in one write
    std::uint64_t size = 0;  ///< payload bytes after the number
};
struct wrong_act {
    cue when;
    std::string bytes;
    bool stay = false; ///< takes the client's Close, and does nothing
};

using act =
    std::variant<echo_act, close_act, cut_act, hold_act, flood_act, big_act, bomb_act, ping_act, wrong_act>;

struct fault_plan {
    std::uint64_t times = 0; ///< plays so often, afterwards the path echoes; 0: always
    answer reply;
    act then;
};

/// The plan of a fault path, or nothing where the path is none. Throws bad_target with a sentence for a
/// parameter out of range or an unknown name below /invalid/ or /status/.
std::optional<fault_plan> plan_fault(const target& asked);

} // namespace iom::peer
