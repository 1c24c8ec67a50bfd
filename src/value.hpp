#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Values as they travel between modules, rules and variables, and how they compare.
namespace iom::host {

/// Microseconds of a clock that never steps; the pure rooms are given it and never ask for it.
using time_us = std::int64_t;

inline constexpr time_us one_second = 1'000'000;

enum class value_kind : std::uint8_t {
    none, ///< not there (a status that was never posted): shows as empty text
    boolean,
    integer,
    real,
    text,  ///< UTF-8
    bytes, ///< shows as lower-case hex
};

/// A borrowed value: who wants to keep it makes a `value` of it.
struct value_view {
    value_kind kind = value_kind::none;
    union {
        bool boolean;
        std::int64_t integer = 0;
        double real;
    };
    std::string_view text; ///< text and bytes

    static value_view of(bool that) noexcept;
    static value_view of(std::int64_t that) noexcept;
    static value_view of(double that) noexcept;
    static value_view of(std::string_view that) noexcept;
    static value_view of_bytes(std::string_view that) noexcept;
    static value_view of(const char* that) = delete; ///< would silently become a bool
};

/// An owned value; assigning a view to it again reuses its memory.
struct value {
    value_kind kind = value_kind::none;
    union {
        bool boolean;
        std::int64_t integer = 0;
        double real;
    };
    std::string text;

    value() = default;
    explicit value(value_view from) { assign(from); }

    void assign(value_view from);
    [[nodiscard]] value_view view() const noexcept;
};

/// Same kind and same content.
bool operator==(value_view left, value_view right) noexcept;
bool operator==(const value& left, const value& right) noexcept;

/// Appends the value as people read it: `true`, `42`, `0.5`, the text itself, bytes as lower-case hex.
void append_text(value_view what, std::string& out);

std::string to_text(value_view what);

/// A text in a sentence: in quotes, and cut where it is long.
std::string in_quotes(std::string_view text);

void append_hex(std::string_view bytes, std::string& out);

/// Length of the well-formed UTF-8 sequence at the start of `text`, 0 if there is none (RFC 3629 §4).
std::size_t utf8_length(std::string_view text) noexcept;

bool is_utf8(std::string_view text) noexcept;

/// A number if the value is one, or is a text that is nothing but one (decimal, as JSON writes it, a leading
/// + allowed). A boolean is none.
struct number {
    bool whole = true;
    std::int64_t integer = 0; ///< if whole
    double real = 0;          ///< always
};
std::optional<number> number_of(value_view what) noexcept;
std::optional<number> number_of(std::string_view written) noexcept;

/// Less than, equal to or greater than zero; whole numbers are compared exactly.
int compare_numbers(const number& left, const number& right) noexcept;

/// Conditions compare so: as numbers if both are numbers, otherwise as the texts that people read.
int compare(value_view left, value_view right);

/// A length of time as project files write it: a number with ms, s, min or h directly behind it ("2s",
/// "0.5s", "250ms"); nothing if it is none, is negative, or is beyond 366 days.
std::optional<time_us> duration_of(std::string_view written) noexcept;

} // namespace iom::host
