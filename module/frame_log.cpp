#include "module/frame_log.hpp"

#include "common/credentials.hpp"

#include <algorithm>

namespace iom::ws {

namespace {

constexpr std::string_view digits = "0123456789abcdef";

std::string_view arrow(direction way) {
    return way == direction::in ? "in " : "out";
}

void append_hex(std::string& line, char byte) {
    const auto value = static_cast<unsigned char>(byte);
    line += digits[value >> 4U];
    line += digits[value & 0xFU];
}

void append_text(std::string& line, std::string_view text) {
    for (const char letter : text) {
        const auto value = static_cast<unsigned char>(letter);
        if (value < 0x20 || value == 0x7F) {
            line += "\\x";
            append_hex(line, letter);
        } else if (letter == '\\') {
            line += "\\\\";
        } else {
            line += letter;
        }
    }
}

// At most `limit` bytes of a text, and no half of a character.
std::string_view beginning(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) {
        return text;
    }
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) {
        --limit;
    }
    return text.substr(0, limit);
}

std::string head_of(direction way, std::string_view opcode, bool fin, std::uint64_t length) {
    std::string line(arrow(way));
    line += ' ';
    line += opcode;
    line += fin ? " fin " : " more ";
    line += std::to_string(length);
    line += length == 1 ? " byte" : " bytes";
    return line;
}

} // namespace

std::string frame_line(direction way, std::string_view opcode, bool fin, std::uint64_t length,
                       std::string_view payload, bool as_text) {
    std::string line = head_of(way, opcode, fin, length);
    if (length == 0) {
        return line;
    }
    line += ": ";
    if (as_text) {
        payload = beginning(payload, shown_payload);
        append_text(line, payload);
    } else {
        payload = payload.substr(0, shown_payload);
        for (const char byte : payload) {
            append_hex(line, byte);
        }
    }
    if (payload.size() < length) {
        line += " ...";
    }
    return line;
}

std::string control_line(direction way, std::string_view opcode, std::string_view payload) {
    if (opcode == "close" && payload.size() >= 2) {
        const unsigned code = static_cast<unsigned>(static_cast<unsigned char>(payload[0])) << 8U |
                              static_cast<unsigned char>(payload[1]);
        std::string line = head_of(way, opcode, true, payload.size()) + ": " + std::to_string(code);
        if (payload.size() > 2) {
            line += ' ';
            append_text(line, payload.substr(2));
        }
        return line;
    }
    const bool readable =
        std::all_of(payload.begin(), payload.end(), [](char one) { return one >= 0x20 && one < 0x7F; });
    return frame_line(way, opcode, true, payload.size(), payload, readable);
}

std::string head_lines(direction way, std::string_view head) {
    std::string lines;
    while (!head.empty()) {
        const std::size_t end = std::min(head.find("\r\n"), head.size());
        const std::string_view one = head.substr(0, end);
        head.remove_prefix(std::min(end + 2, head.size()));
        if (one.empty()) {
            continue;
        }
        if (!lines.empty()) {
            lines += '\n';
        }
        lines += arrow(way);
        lines += ' ';
        const std::size_t colon = one.find(':');
        if (colon != std::string_view::npos && is_credential_header(one.substr(0, colon))) {
            append_text(lines, one.substr(0, colon));
            lines += ": (not shown)";
        } else {
            append_text(lines, one);
        }
    }
    return lines;
}

} // namespace iom::ws
