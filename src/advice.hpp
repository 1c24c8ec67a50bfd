#pragma once

#include "checks.hpp"
#include "project.hpp"

namespace iom::host {

/// What is allowed and yet works badly with the module websocket-client, as warnings; and a Hostname that
/// holds more than a host's name, as the most frequent of all mistakes.
void advise(const project& whole, connector who, complaints& say);

} // namespace iom::host
