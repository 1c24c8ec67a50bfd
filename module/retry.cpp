#include "module/retry.hpp"

#include <algorithm>

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

} // namespace

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
            return std::max(asked + span_of_time(extra), normal);
        }
        return slow_least + normal;
    default:
        return normal;
    }
}

} // namespace iom::ws
