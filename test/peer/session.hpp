#pragma once

#include "http.hpp"
#include "journal.hpp"
#include "peer_state.hpp"
#include "wire.hpp"

#include <memory>
#include <optional>
#include <string>

namespace iom::peer {

/// What a well-behaved session does with messages. Presence messages are answered by every kind.
enum class session_kind {
    echo,      ///< each goes back with its own type
    broadcast, ///< each goes to all other sessions of the same path
    machine    ///< after a bind, alarms come; ACK messages acknowledge them, other text is a report
};

struct session_plan {
    std::string path;
    session_kind kind = session_kind::echo;
    std::optional<moment> ends; ///< then it is closed with 4401
};

/// Answers the upgrade and keeps the session until it has ended. `record` goes to the journal with the
/// answer.
task<> run_session(peer_state& state, std::shared_ptr<wire> below, http_request request,
                   upgrade_record record, session_plan plan);

} // namespace iom::peer
