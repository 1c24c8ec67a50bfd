#include "module/retry.hpp"

#include <algorithm>
#include <charconv>

namespace iom::ws {

namespace {

constexpr span_of_time slow_least = std::chrono::seconds(5);
constexpr span_of_time retry_after_most = std::chrono::hours(1);
constexpr span_of_time restart_least = std::chrono::seconds(5);
constexpr span_of_time restart_most = std::chrono::seconds(30);
constexpr double spread = 0.1; // of a delay that many clients may have been given alike

span_of_time between(span_of_time least, span_of_time most, double random) {
    const double width = static_cast<double>(std::max(most - least, span_of_time(0)).count());
    return least + span_of_time(static_cast<span_of_time::rep>(width * random));
}

// base · 2^exponent, at most `most`.
span_of_time doubled(span_of_time base, unsigned exponent, span_of_time most) {
    while (exponent > 0 && base < most) {
        base *= 2;
        --exponent;
    }
    return std::min(base, most);
}

span_of_time backoff(unsigned failures, const retry_policy& policy, double random) {
    if (failures == 0) {
        return between(span_of_time(0), policy.first_max, random);
    }
    return between(policy.min, std::max(policy.min, doubled(policy.min, failures, policy.max)), random);
}

// More seconds than any Retry-After is honoured for.
constexpr std::uint32_t most_asked = 86'400;

template <class Number>
bool read_number(std::string_view text, Number& number) {
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    return parsed.ec == std::errc() && parsed.ptr == end;
}

// Seconds since 1970 of a date as in "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7; the two older forms
// have been obsolete since 1997).
std::optional<std::int64_t> read_date(std::string_view text) {
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (text.size() != 29 || text.substr(3, 2) != ", " || !text.ends_with(" GMT")) {
        return std::nullopt;
    }
    const std::size_t month = months.find(text.substr(8, 3));
    unsigned day = 0;
    unsigned year = 0;
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    if (month == std::string_view::npos || month % 3 != 0 || !read_number(text.substr(5, 2), day) ||
        !read_number(text.substr(12, 4), year) || !read_number(text.substr(17, 2), hour) ||
        !read_number(text.substr(20, 2), minute) || !read_number(text.substr(23, 2), second) || day < 1 ||
        day > 31 || year < 1970 || hour > 23 || minute > 59 || second > 60) {
        return std::nullopt;
    }
    const std::chrono::sys_days date =
        std::chrono::year(static_cast<int>(year)) / static_cast<int>(month / 3 + 1) / static_cast<int>(day);
    return std::int64_t{date.time_since_epoch().count()} * 86'400 + hour * 3'600 + minute * 60 + second;
}

} // namespace

std::optional<std::uint32_t> read_retry_after(std::string_view value, std::string_view date) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (!value.empty() && std::all_of(value.begin(), value.end(), digit)) {
        std::uint32_t seconds = 0;
        return read_number(value, seconds) ? std::min(seconds, most_asked) : most_asked;
    }
    const auto then = read_date(value);
    const auto now = read_date(date);
    if (!then || !now) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(*then - *now, 0, most_asked));
}

unsigned in_a_row(const retry_history& past, series kin) {
    return kin != series::none && past.series == kin ? past.in_a_row : 0;
}

std::optional<span_of_time> next_delay(retry_history& past, const verdict& given,
                                       std::optional<std::uint32_t> retry_after, const retry_policy& policy,
                                       double random) {
    past.in_a_row = in_a_row(past, given.series) + 1;
    past.series = given.series;

    if (given.lane == lane::fatal) {
        if (policy.fault_retry <= span_of_time(0)) {
            return std::nullopt;
        }
        const span_of_time least = doubled(slow_least, past.faults++, policy.fault_retry);
        const auto extra =
            static_cast<span_of_time::rep>(static_cast<double>(least.count()) * spread * random);
        return std::min(least + span_of_time(extra), policy.fault_retry);
    }

    const span_of_time normal = backoff(past.failures++, policy, random);
    switch (given.lane) {
    case lane::restart:
        return between(restart_least, restart_most, random);
    case lane::slow:
        if (retry_after) {
            const span_of_time asked =
                std::min(span_of_time(std::chrono::seconds(*retry_after)), retry_after_most);
            const auto extra =
                static_cast<span_of_time::rep>(static_cast<double>(asked.count()) * spread * random);
            return std::max(std::min(asked + span_of_time(extra), retry_after_most), normal);
        }
        return slow_least + normal;
    default:
        return normal;
    }
}

} // namespace iom::ws
