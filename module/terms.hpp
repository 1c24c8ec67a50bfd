#pragma once

#include <cstdint>
#include <string_view>

/// The words that a session is spoken of in: its states, and the layer at which something failed.
namespace iom::ws {

enum class state : std::uint8_t {
    stopped,
    resolving,
    connecting,
    securing,
    upgrading,
    established, ///< upgraded; greeting and ready-match may be under way
    ready,       ///< decided on [control]; a session never reports it
    closing,
    waiting, ///< for the next attempt
    faulted, ///< likewise, in the slow lane, or for good
};

enum class layer : std::uint8_t {
    settings,
    dns,
    tcp,
    proxy,
    tls,
    http,
    upgrade,
    protocol,
    close,
    liveness,
    local,
};

/// The word as it stands in the manifest, in statuses and in trigger variables.
std::string_view name_of(state what);
std::string_view name_of(layer what);

} // namespace iom::ws
