#include "frames.hpp"

#include <array>

namespace iom::peer {

namespace {

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t mask_bit = 0x80;

char byte(std::uint64_t value) {
    return static_cast<char>(static_cast<std::uint8_t>(value));
}

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        out += byte(value >> shift);
    }
}

std::uint64_t big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes) {
        value = value << 8 | static_cast<std::uint8_t>(c);
    }
    return value;
}

bool known(std::uint8_t code) {
    return code <= 2 || (code >= 8 && code <= 10);
}

} // namespace

std::string head_bytes(const frame_head& head, length_form form) {
    const std::uint8_t mask = head.masked ? mask_bit : 0;
    std::string out;
    out += byte((head.fin ? fin_bit : 0U) | static_cast<unsigned>(head.rsv << 4) | head.code);
    if (form == length_form::sixty_four_bit || head.length > 0xFFFF) {
        out += byte(mask | 127U);
        append_big_endian(out, head.length, 8);
    } else if (form == length_form::sixteen_bit || head.length > 125) {
        out += byte(mask | 126U);
        append_big_endian(out, head.length, 2);
    } else {
        out += byte(mask | head.length);
    }
    return out;
}

std::string frame(opcode code, std::string_view payload, bool fin) {
    auto out = head_bytes({.fin = fin, .code = static_cast<std::uint8_t>(code), .length = payload.size()});
    out += payload;
    return out;
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
    std::string out;
    append_big_endian(out, code, 2);
    out += reason;
    return out;
}

void frame_reader::feed(std::string_view bytes) {
    if (used_ == bytes_.size()) {
        bytes_.clear();
        used_ = 0;
    } else if (used_ > 0) {
        bytes_.erase(0, used_);
        used_ = 0;
    }
    bytes_ += bytes;
}

std::optional<client_frame> frame_reader::next() {
    const std::string_view rest = std::string_view(bytes_).substr(used_);
    if (!mistake_.empty() || rest.size() < 2) {
        return std::nullopt;
    }
    const auto first = static_cast<std::uint8_t>(rest[0]);
    const auto second = static_cast<std::uint8_t>(rest[1]);
    const auto code = static_cast<std::uint8_t>(first & 0x0F);
    if (!known(code)) {
        mistake_ = "The client sent a frame with the reserved opcode " + std::to_string(code) + ".";
        return std::nullopt;
    }
    if ((second & mask_bit) == 0) {
        mistake_ = "The client sent a frame that is not masked (RFC 6455 section 5.1).";
        return std::nullopt;
    }
    std::uint64_t length = second & 0x7F;
    std::size_t head = 2;
    if (length >= 126) {
        const std::size_t extra = length == 126 ? 2 : 8;
        if (rest.size() < head + extra) {
            return std::nullopt;
        }
        length = big_endian(rest.substr(head, extra));
        head += extra;
    }
    if (length > largest_payload_) {
        mistake_ = "The client sent a frame of " + std::to_string(length) + " bytes; this server takes " +
                   std::to_string(largest_payload_) + ".";
        return std::nullopt;
    }
    if (rest.size() < head + 4 || rest.size() - head - 4 < length) {
        return std::nullopt;
    }
    client_frame whole{.fin = (first & fin_bit) != 0,
                       .rsv = static_cast<std::uint8_t>(first >> 4 & 7),
                       .code = static_cast<opcode>(code),
                       .payload = std::string(rest.substr(head + 4, length))};
    const auto key = rest.substr(head, 4);
    for (std::size_t i = 0; i < whole.payload.size(); ++i) {
        whole.payload[i] = static_cast<char>(whole.payload[i] ^ key[i % 4]);
    }
    used_ += head + 4 + length;
    return whole;
}

} // namespace iom::peer
