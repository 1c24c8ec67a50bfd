#pragma once

#include "module/span_of_time.hpp"
#include "module/verdict.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

/// When to try again: (history, verdict, policy, random) to a delay or a stop. Pure.
namespace iom::ws {

/// The settings of product behaviour that shape the delays.
struct retry_policy {
    span_of_time first_max = std::chrono::seconds(5);     ///< reconnect-first-max
    span_of_time min = std::chrono::milliseconds(500);    ///< reconnect-min
    span_of_time max = std::chrono::seconds(30);          ///< reconnect-max
    span_of_time fault_retry = std::chrono::seconds(300); ///< fault-retry; 0 = a fatal failure stops
};

/// Seconds of a Retry-After header (RFC 9110 §10.2.3): a number, or a date, which counts from the answer's
/// own `date`, for our clock may be unset. Nothing if it is neither.
std::optional<std::uint32_t> read_retry_after(std::string_view value, std::string_view date);

/// What went before. A session that held for stable-after starts it over.
struct retry_history {
    unsigned failures = 0; ///< in the normal lanes
    unsigned faults = 0;   ///< in the fatal lane
    ws::series series = series::none;
    unsigned in_a_row = 0; ///< failures of that series
};

/// How many failures of this one's series came right before it.
unsigned in_a_row(const retry_history& past, series kin);

/// Notes the failure, and answers after what delay to try again: nothing means stop. `random` is uniform in
/// [0, 1). Normal lane: first uniform in 0…first_max (RFC 6455 §7.2.3), after k further failures uniform in
/// min…min(max, min·2^k). Slow lane: at least Retry-After (at most an hour of it), or 5 s above the normal
/// delay. Close 1012: 5 to 30 s. Fatal lane: 5 s, 10 s, 20 s … fault_retry.
std::optional<span_of_time> next_delay(retry_history& past, const verdict& given,
                                       std::optional<std::uint32_t> retry_after, const retry_policy& policy,
                                       double random);

} // namespace iom::ws
