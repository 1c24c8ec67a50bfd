#pragma once

#include "module/terms.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What a failure means: one table from (layer, code) to a lane and one plain sentence. Pure.
namespace iom::ws {

/// One failure as the line found it. `code` is an errno's name, an HTTP status, a Close code, or a token
/// such as "wrong-name"; the table of verdict.cpp lists them.
struct failure {
    layer where = layer::local;
    std::string code;
    std::string place;  ///< host and port, or address and port, that it was about
    std::string detail; ///< what is known beyond the code: a reason given by the peer, a size, a target
    std::optional<std::uint32_t> retry_after; ///< seconds, as the server asked for
};

/// How the next attempt is timed.
enum class lane : std::uint8_t {
    transient, ///< normal backoff
    restart,   ///< the peer said it restarts (Close 1012): a random 5 to 30 s
    slow,      ///< Retry-After, else at least 5 s
    fatal,     ///< trigger `faulted`; delays grow from 5 s to fault-retry
};

/// Failures that count as the same one when they come in a row.
enum class series : std::uint8_t {
    none,
    credentials,
    policy,
    protocol,
    unassigned,
    liveness,
};

struct verdict {
    ws::lane lane = lane::transient;
    ws::series series = series::none;
    bool error = true;        ///< false: an orderly end, no trigger `error`
    bool credentials = false; ///< trigger `credentials-rejected`
    std::string sentence;     ///< what, where, what next
};

/// The series that a failure belongs to; who counts them passes the count to judge.
series series_of(const failure& found);

/// The verdict on `found`, which was preceded by `in_a_row` failures of the same series without a stable
/// session between them.
verdict judge(const failure& found, unsigned in_a_row);

/// Whether a peer may send this Close code (RFC 6455 §7.4.1): one that is reserved for local use, or below
/// 1000, breaks the protocol.
bool close_code_allowed(unsigned code);

/// A text from the far end made fit for a sentence: control characters become spaces, at most `limit` bytes
/// and whole UTF-8 characters.
std::string plain(std::string_view text, std::size_t limit = 200);

} // namespace iom::ws
