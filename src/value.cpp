#include "value.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace iom::host {

value_view value_view::of(bool that) noexcept {
    value_view made;
    made.kind = value_kind::boolean;
    made.boolean = that;
    return made;
}

value_view value_view::of(std::int64_t that) noexcept {
    value_view made;
    made.kind = value_kind::integer;
    made.integer = that;
    return made;
}

value_view value_view::of(double that) noexcept {
    value_view made;
    made.kind = value_kind::real;
    made.real = that;
    return made;
}

value_view value_view::of(std::string_view that) noexcept {
    value_view made;
    made.kind = value_kind::text;
    made.text = that;
    return made;
}

value_view value_view::of_bytes(std::string_view that) noexcept {
    value_view made;
    made.kind = value_kind::bytes;
    made.text = that;
    return made;
}

void value::assign(value_view from) {
    kind = from.kind;
    integer = 0;
    text.clear();
    switch (from.kind) {
    case value_kind::none:
        break;
    case value_kind::boolean:
        boolean = from.boolean;
        break;
    case value_kind::integer:
        integer = from.integer;
        break;
    case value_kind::real:
        real = from.real;
        break;
    case value_kind::text:
    case value_kind::bytes:
        text.assign(from.text);
        break;
    }
}

value_view value::view() const noexcept {
    switch (kind) {
    case value_kind::boolean:
        return value_view::of(boolean);
    case value_kind::integer:
        return value_view::of(integer);
    case value_kind::real:
        return value_view::of(real);
    case value_kind::text:
        return value_view::of(std::string_view{text});
    case value_kind::bytes:
        return value_view::of_bytes(text);
    case value_kind::none:
        break;
    }
    return {};
}

bool operator==(value_view left, value_view right) noexcept {
    if (left.kind != right.kind)
        return false;
    switch (left.kind) {
    case value_kind::boolean:
        return left.boolean == right.boolean;
    case value_kind::integer:
        return left.integer == right.integer;
    case value_kind::real:
        return !(left.real < right.real) && !(right.real < left.real);
    case value_kind::text:
    case value_kind::bytes:
        return left.text == right.text;
    case value_kind::none:
        break;
    }
    return true;
}

bool operator==(const value& left, const value& right) noexcept {
    return left.view() == right.view();
}

void append_hex(std::string_view bytes, std::string& out) {
    static constexpr char digits[] = "0123456789abcdef";
    for (const char byte : bytes) {
        const auto code = static_cast<unsigned char>(byte);
        out += digits[code >> 4];
        out += digits[code & 15];
    }
}

void append_text(value_view what, std::string& out) {
    char digits[32];
    switch (what.kind) {
    case value_kind::none:
        return;
    case value_kind::boolean:
        out += what.boolean ? "true" : "false";
        return;
    case value_kind::integer: {
        const auto end = std::to_chars(digits, digits + sizeof digits, what.integer).ptr;
        out.append(digits, end);
        return;
    }
    case value_kind::real: {
        const auto end = std::to_chars(digits, digits + sizeof digits, what.real).ptr;
        out.append(digits, end);
        return;
    }
    case value_kind::text:
        out += what.text;
        return;
    case value_kind::bytes:
        append_hex(what.text, out);
        return;
    }
}

std::string in_quotes(std::string_view text) {
    static constexpr std::size_t longest = 80;
    if (text.size() <= longest)
        return "\"" + std::string{text} + "\"";
    auto end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80u)
        --end;
    return "\"" + std::string{text.substr(0, end)} + "…\"";
}

std::string to_text(value_view what) {
    std::string out;
    append_text(what, out);
    return out;
}

namespace {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The size of the decimal number that `text` begins with, 0 if none; no sign but a minus.
std::size_t number_size(std::string_view text) {
    std::size_t at = text.starts_with('-') ? 1 : 0;
    const auto digits = [&] {
        const auto from = at;
        while (at < text.size() && is_digit(text[at]))
            ++at;
        return at > from;
    };
    if (!digits())
        return 0;
    if (at < text.size() && text[at] == '.') {
        ++at;
        if (!digits())
            return 0;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '+' || text[at] == '-'))
            ++at;
        if (!digits())
            return 0;
    }
    return at;
}

} // namespace

std::optional<number> number_of(std::string_view written) noexcept {
    if (written.starts_with('+') && !written.starts_with("+-"))
        written.remove_prefix(1);
    if (written.empty() || number_size(written) != written.size())
        return std::nullopt;

    const auto* begin = written.data();
    const auto* end = begin + written.size();
    number found;
    if (const auto [rest, failed] = std::from_chars(begin, end, found.integer);
        failed == std::errc{} && rest == end) {
        found.real = static_cast<double>(found.integer);
        return found;
    }
    found.whole = false;
    found.integer = 0;
    if (std::from_chars(begin, end, found.real).ec == std::errc::result_out_of_range) {
        // Too large or too small for a double. The exponent's sign tells which; without one it is large.
        const auto small = written.find("e-") != written.npos || written.find("E-") != written.npos;
        found.real = small ? 0 : std::numeric_limits<double>::infinity();
        if (written.front() == '-')
            found.real = -found.real;
    }
    return found;
}

std::optional<number> number_of(value_view what) noexcept {
    number found;
    switch (what.kind) {
    case value_kind::integer:
        found.integer = what.integer;
        found.real = static_cast<double>(what.integer);
        return found;
    case value_kind::real:
        found.whole = false;
        found.real = what.real;
        return found;
    case value_kind::text:
        return number_of(what.text);
    case value_kind::none:
    case value_kind::boolean:
    case value_kind::bytes:
        break;
    }
    return std::nullopt;
}

int compare_numbers(const number& left, const number& right) noexcept {
    if (left.whole && right.whole)
        return left.integer < right.integer ? -1 : left.integer > right.integer ? 1 : 0;
    return left.real < right.real ? -1 : left.real > right.real ? 1 : 0;
}

int compare(value_view left, value_view right) {
    const auto left_number = number_of(left);
    const auto right_number = left_number ? number_of(right) : std::nullopt;
    if (left_number && right_number)
        return compare_numbers(*left_number, *right_number);
    if (left.kind == value_kind::text && right.kind == value_kind::text)
        return left.text.compare(right.text);
    return to_text(left).compare(to_text(right));
}

std::optional<time_us> duration_of(std::string_view written) noexcept {
    struct unit {
        std::string_view name;
        double size;
    };
    static constexpr unit units[] = {{"ms", 1e3}, {"s", 1e6}, {"min", 60e6}, {"h", 3600e6}};
    static constexpr double longest = 366.0 * 24 * 3600e6;

    const auto size = number_size(written);
    const auto amount = number_of(written.substr(0, size));
    if (!amount)
        return std::nullopt;
    for (const auto& [name, scale] : units) {
        if (written.substr(size) != name)
            continue;
        const auto length = amount->real * scale;
        if (!(length >= 0 && length <= longest))
            return std::nullopt;
        return static_cast<time_us>(std::llround(length));
    }
    return std::nullopt;
}

std::size_t utf8_length(std::string_view text) noexcept {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const auto follows = [&](std::size_t at, unsigned low = 0x80, unsigned high = 0xBF) {
        return at < text.size() && byte(at) >= low && byte(at) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return follows(1) ? 2 : 0;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        const unsigned low = first == 0xE0 ? 0xA0U : 0x80U;
        const unsigned high = first == 0xED ? 0x9FU : 0xBFU;
        return follows(1, low, high) && follows(2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const unsigned low = first == 0xF0 ? 0x90U : 0x80U;
        const unsigned high = first == 0xF4 ? 0x8FU : 0xBFU;
        return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
    }
    return 0;
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

} // namespace iom::host
