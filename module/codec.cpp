#include "module/codec.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace iom::ws {

namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '+' || c == '-') {
        return 62;
    }
    if (c == '/' || c == '_') {
        return 63;
    }
    return -1;
}

} // namespace

std::optional<std::string> from_hex(std::string_view written) {
    std::string bytes;
    bytes.reserve(written.size() / 2);
    for (std::size_t at = 0; at < written.size();) {
        if (is_space(written[at])) {
            ++at;
            continue;
        }
        const int high = hex_digit(written[at]);
        const int low = at + 1 < written.size() ? hex_digit(written[at + 1]) : -1;
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        bytes.push_back(static_cast<char>(high * 16 + low));
        at += 2;
    }
    return bytes;
}

std::optional<std::string> from_base64(std::string_view written) {
    std::string bytes;
    bytes.reserve(written.size() / 4 * 3 + 3);
    std::uint32_t bits = 0;
    unsigned digits = 0;
    unsigned padding = 0;
    for (const char c : written) {
        if (is_space(c)) {
            continue;
        }
        if (c == '=') {
            ++padding;
            continue;
        }
        const int digit = base64_digit(c);
        if (digit < 0 || padding > 0) {
            return std::nullopt;
        }
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        if (++digits % 4 == 0) {
            bytes.push_back(static_cast<char>(bits >> 16));
            bytes.push_back(static_cast<char>(bits >> 8));
            bytes.push_back(static_cast<char>(bits));
            bits = 0;
        }
    }
    const unsigned rest = digits % 4;
    const bool padded_right = padding == 0 || (rest != 0 && rest + padding == 4);
    const std::uint32_t unused = rest == 2 ? bits & 0xFU : rest == 3 ? bits & 0x3U : 0;
    if (rest == 1 || !padded_right || unused != 0) {
        return std::nullopt;
    }
    if (rest == 2) {
        bytes.push_back(static_cast<char>(bits >> 4));
    } else if (rest == 3) {
        bytes.push_back(static_cast<char>(bits >> 10));
        bytes.push_back(static_cast<char>(bits >> 2));
    }
    return bytes;
}

std::string to_base64(std::string_view bytes) {
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string written;
    written.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t bits = 0;
        for (std::size_t index = at; index < at + 3; ++index) {
            bits = bits << 8 | (index < bytes.size() ? static_cast<unsigned char>(bytes[index]) : 0U);
        }
        const std::size_t given = bytes.size() - at;
        written.push_back(digits[bits >> 18 & 63U]);
        written.push_back(digits[bits >> 12 & 63U]);
        written.push_back(given > 1 ? digits[bits >> 6 & 63U] : '=');
        written.push_back(given > 2 ? digits[bits & 63U] : '=');
    }
    return written;
}

std::optional<std::string> from_percent(std::string_view written) {
    std::string bytes;
    bytes.reserve(written.size());
    for (std::size_t at = 0; at < written.size(); ++at) {
        if (written[at] != '%') {
            bytes.push_back(written[at]);
            continue;
        }
        const int high = at + 1 < written.size() ? hex_digit(written[at + 1]) : -1;
        const int low = at + 2 < written.size() ? hex_digit(written[at + 2]) : -1;
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        bytes.push_back(static_cast<char>(high * 16 + low));
        at += 2;
    }
    return bytes;
}

std::string_view cut_text(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) {
        return text;
    }
    // The first byte left out must begin a character, else that character's head goes too.
    std::size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
        --end;
    }
    return text.substr(0, end);
}

std::string to_rfc3339(std::int64_t seconds) {
    const std::chrono::sys_seconds moment{std::chrono::seconds(seconds)};
    const auto day = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(moment - day);
    std::array<char, 40> text{};
    const int size =
        std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                      static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                      static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
    return {text.data(), static_cast<std::size_t>(size)};
}

} // namespace iom::ws
