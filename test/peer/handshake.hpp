#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace iom::peer {

/// The client's first offered subprotocol (Sec-WebSocket-Protocol) that is accepted here, or nothing.
std::optional<std::string> choose_subprotocol(std::string_view offered,
                                              std::span<const std::string> accepted);

/// Whether Sec-WebSocket-Extensions offers permessage-deflate (RFC 7692).
bool offers_deflate(std::string_view extensions);

/// What the 101 of RFC 6455 §4.2.2 says; empty texts are left out.
struct upgrade_words {
    std::string accept;
    std::string subprotocol;
    std::string extensions;
};

std::string upgrade_text(const upgrade_words& words);

} // namespace iom::peer
