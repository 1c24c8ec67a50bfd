#include "handshake.hpp"

#include <algorithm>

namespace iom::peer {

namespace {

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The next element of a comma-separated list, cut off the front.
std::string_view next_element(std::string_view& list) {
    const auto comma = list.find(',');
    const auto element = trimmed(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    return element;
}

} // namespace

std::optional<std::string> choose_subprotocol(std::string_view offered,
                                              std::span<const std::string> accepted) {
    while (!offered.empty()) {
        const auto each = next_element(offered);
        if (const auto found = std::ranges::find(accepted, each); found != accepted.end()) {
            return *found;
        }
    }
    return std::nullopt;
}

bool offers_deflate(std::string_view extensions) {
    while (!extensions.empty()) {
        const auto each = next_element(extensions);
        if (trimmed(each.substr(0, each.find(';'))) == "permessage-deflate") {
            return true;
        }
    }
    return false;
}

std::string upgrade_text(const upgrade_words& words) {
    std::string text = "HTTP/1.1 101 Switching Protocols\r\n"
                       "Server: iompeer\r\n"
                       "Upgrade: websocket\r\n"
                       "Connection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: " +
                       words.accept + "\r\n";
    if (!words.subprotocol.empty()) {
        text += "Sec-WebSocket-Protocol: " + words.subprotocol + "\r\n";
    }
    if (!words.extensions.empty()) {
        text += "Sec-WebSocket-Extensions: " + words.extensions + "\r\n";
    }
    return text + "\r\n";
}

} // namespace iom::peer
