#pragma once

#include "fault_plan.hpp"
#include "http.hpp"
#include "journal.hpp"
#include "peer_state.hpp"
#include "wire.hpp"

#include <memory>
#include <string>

namespace iom::peer {

/// Plays a fault: answers the upgrade with bytes of its own and speaks raw frames below any WebSocket
/// library. `early` is what the client sent behind its request. `record` goes to the journal with the answer.
task<> run_fault(peer_state& state, std::shared_ptr<wire> below, http_request request, std::string early,
                 upgrade_record record, std::string path, fault_plan plan);

} // namespace iom::peer
