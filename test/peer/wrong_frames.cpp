#include "wrong_frames.hpp"

#include "frames.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace iom::peer {

namespace {

using maker = std::string (*)(const target&);

std::string masked(const target&) { // §5.1: a server must not mask
    const std::string_view key = "\x01\x02\x03\x04";
    std::string payload = "masked";
    for (std::size_t i = 0; i < payload.size(); ++i) {
        payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
    }
    return head_bytes({.masked = true, .length = payload.size()}).append(key).append(payload);
}

std::string rsv(const target& asked) { // §5.2: zero unless an extension was negotiated
    constexpr std::array<std::uint8_t, 4> bits{0, 4, 2, 1};
    const auto code = static_cast<std::uint8_t>(asked.number("opcode", 1, 0, 15));
    return (code == 0 ? frame(opcode::text, "", false) : "") +
           head_bytes({.rsv = bits.at(asked.number("bit", 1, 1, 3)), .code = code, .length = 3}) + "rsv";
}

std::string deflate(const target&) { // RFC 7692 §7.2.2: with compression=1, no DEFLATE block of any type
    return head_bytes({.rsv = 4, .length = 4}) + "\xFF\xFF\xFF\xFF";
}

std::string reserved_opcode(const target& asked) { // §5.2: 3–7 and 11–15 are reserved
    const auto code = static_cast<std::uint8_t>(asked.number("opcode", 3, 3, 15));
    if (code >= 8 && code <= 10) {
        throw bad_target("The opcode " + std::to_string(code) + " is a valid one; give 3 to 7 or 11 to 15.");
    }
    return head_bytes({.code = code, .length = 2}) + "op";
}

std::string utf8(const target& asked) { // §8.1; with fragments=1 the bad character is cut by a frame border
    if (asked.flag("fragments", false)) {
        return frame(opcode::text, "caf\xC3", false) + frame(opcode::continuation, "\x28 end");
    }
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kinds{{
        {"sequence", "caf\xC3\x28"},
        {"truncated", "caf\xC3"},       // the message ends within a character
        {"overlong", "\xC0\x80"},       // two bytes for what one can say
        {"surrogate", "\xED\xA0\x80"},  // U+D800
        {"beyond", "\xF4\x90\x80\x80"}, // U+110000
    }};
    const auto wanted = asked.text("kind").value_or("sequence");
    const auto found =
        std::ranges::find(kinds, wanted, &std::pair<std::string_view, std::string_view>::first);
    if (found == kinds.end()) {
        throw bad_target("There is no kind '" + wanted +
                         "' of bad UTF-8; give sequence, truncated, overlong, surrogate or beyond.");
    }
    return frame(opcode::text, found->second);
}

opcode control(const target& asked) {
    return static_cast<opcode>(asked.number("opcode", 9, 8, 10));
}

std::string long_control(const target& asked) { // §5.5: at most 125 bytes
    const std::string payload(126, 'p');
    return frame(control(asked), payload);
}

std::string fragmented_control(const target& asked) { // §5.5: never fragmented
    return frame(control(asked), "half", false);
}

std::string close_code(const target& asked) { // §7.4: reserved on the wire, or out of every range
    return frame(opcode::close,
                 close_payload(static_cast<std::uint16_t>(asked.number("code", 1005, 0, 65535)), ""));
}

std::string close_utf8(const target&) { // §5.5.1: the reason is UTF-8
    return frame(opcode::close, close_payload(1000, "bad \xC3\x28"));
}

std::string close_length(const target&) { // §5.5.1: the code takes two bytes
    return frame(opcode::close, "\x03");
}

std::string continuation(const target& asked) { // §5.4: nothing to continue, or nothing any more
    return (asked.flag("behind", false) ? frame(opcode::text, "whole") : "") +
           frame(opcode::continuation, "stray");
}

std::string interleaved(const target&) { // §5.4: a new message inside an unfinished one
    return frame(opcode::text, "first ", false) + frame(opcode::text, "second");
}

std::string length(const target&) { // §5.2: the top bit of a 64-bit length is 0
    return head_bytes({.code = 2, .length = std::uint64_t{1} << 63 | 5}) + "bytes";
}

std::string length_not_minimal(const target& asked) { // §5.2: the shortest form must be used
    if (asked.flag("long", false)) {
        return head_bytes({.length = 126}, length_form::sixty_four_bit) + std::string(126, 'b');
    }
    return head_bytes({.length = 5}, length_form::sixteen_bit) + "bytes";
}

std::string huge_length(const target& asked) { // valid, but claims more than anyone will buffer
    constexpr std::uint64_t one_tebibyte = std::uint64_t{1} << 40;
    return head_bytes({.code = 2, .length = asked.number("length", one_tebibyte, 65536, one_tebibyte << 22)},
                      length_form::sixty_four_bit) +
           "the beginning";
}

struct wrong {
    std::string_view name;
    maker make;
};

constexpr std::array wrongs{
    wrong{"masked", masked},
    wrong{"rsv", rsv},
    wrong{"deflate", deflate},
    wrong{"opcode", reserved_opcode},
    wrong{"utf8", utf8},
    wrong{"long-control", long_control},
    wrong{"fragmented-control", fragmented_control},
    wrong{"close-code", close_code},
    wrong{"close-utf8", close_utf8},
    wrong{"close-length", close_length},
    wrong{"continuation", continuation},
    wrong{"interleaved", interleaved},
    wrong{"length", length},
    wrong{"length-not-minimal", length_not_minimal},
    wrong{"huge-length", huge_length},
};

} // namespace

std::optional<std::string> wrong_bytes(std::string_view name, const target& asked) {
    const auto found = std::ranges::find(wrongs, name, &wrong::name);
    return found == wrongs.end() ? std::nullopt : std::optional(found->make(asked));
}

std::vector<std::string_view> wrong_names() {
    std::vector<std::string_view> names;
    for (const auto& each : wrongs) {
        names.push_back(each.name);
    }
    return names;
}

} // namespace iom::peer
