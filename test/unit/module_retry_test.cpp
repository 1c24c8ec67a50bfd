#include "module/retry.hpp"

#include <gtest/gtest.h>

#include <array>

namespace {

using namespace iom::ws;
using namespace std::chrono_literals;

constexpr retry_policy usual{};

verdict in_lane(lane which, series kin = series::none) {
    verdict given;
    given.lane = which;
    given.series = kin;
    return given;
}

// Each row: after so many failures, the bounds of the delay that follows.
struct bounds {
    span_of_time least;
    span_of_time most;
};

TEST(retry, grows_with_full_jitter_to_the_maximum) {
    constexpr std::array<bounds, 9> table{{
        {0ms, 5s},
        {500ms, 1s},
        {500ms, 2s},
        {500ms, 4s},
        {500ms, 8s},
        {500ms, 16s},
        {500ms, 30s},
        {500ms, 30s},
        {500ms, 30s},
    }};
    retry_history lowest;
    retry_history highest;
    for (const bounds& row : table) {
        EXPECT_EQ(next_delay(lowest, in_lane(lane::transient), {}, usual, 0.0), row.least);
        const auto most = next_delay(highest, in_lane(lane::transient), {}, usual, 0.999999);
        ASSERT_TRUE(most);
        EXPECT_LE(*most, row.most);
        EXPECT_GT(*most, row.most - 50us);
    }
}

TEST(retry, never_overflows) {
    retry_history past;
    past.failures = 4'000'000'000U;
    past.faults = 4'000'000'000U;
    EXPECT_LE(next_delay(past, in_lane(lane::transient), {}, usual, 0.5), 30s);
    EXPECT_LE(next_delay(past, in_lane(lane::fatal), {}, usual, 0.5), 300s);
}

TEST(retry, a_minimum_over_the_maximum_holds) {
    const retry_policy odd{.first_max = 0s, .min = 10s, .max = 1s, .fault_retry = 0s};
    retry_history past;
    EXPECT_EQ(next_delay(past, in_lane(lane::transient), {}, odd, 0.9), 0s);
    EXPECT_EQ(next_delay(past, in_lane(lane::transient), {}, odd, 0.9), 10s);
}

TEST(retry, reads_seconds_and_dates_of_retry_after) {
    constexpr const char* date = "Sat, 31 Dec 1994 23:59:30 GMT";
    EXPECT_EQ(read_retry_after("120", ""), 120U);
    EXPECT_EQ(read_retry_after("0", date), 0U);
    EXPECT_EQ(read_retry_after("Sun, 01 Jan 1995 00:01:00 GMT", date), 90U);
    EXPECT_EQ(read_retry_after("Sat, 31 Dec 1994 00:00:00 GMT", date), 0U); // gone by
    EXPECT_EQ(read_retry_after("Sun, 31 Dec 2090 00:00:00 GMT", date), 86'400U);
    EXPECT_EQ(read_retry_after("Sun, 01 Jan 1995 00:01:00 GMT", ""), std::nullopt);
    EXPECT_EQ(read_retry_after("5000000000", ""), 86'400U); // beyond 32 bits
    for (const char* wrong : {"", "soon", "-1", "1.5", "12 ", "Sun, 41 Jan 1995 00:01:00 GMT",
                              "Sun, 01 Jnu 1995 00:01:00 GMT", "Sun, 01 Jan 1995 00:01:00 CET"}) {
        EXPECT_EQ(read_retry_after(wrong, date), std::nullopt) << wrong;
    }
}

TEST(retry, slow_waits_five_seconds_more_or_what_was_asked_for) {
    retry_history past;
    EXPECT_EQ(next_delay(past, in_lane(lane::slow), {}, usual, 0.0), 5s);
    EXPECT_EQ(next_delay(past, in_lane(lane::slow), 120, usual, 0.0), 120s);
    EXPECT_LE(next_delay(past, in_lane(lane::slow), 120, usual, 0.999), 132s);
    EXPECT_EQ(next_delay(past, in_lane(lane::slow), 999'999, usual, 0.0), 3600s);
    EXPECT_EQ(next_delay(past, in_lane(lane::slow), 999'999, usual, 0.999), 3600s);
    EXPECT_EQ(next_delay(past, in_lane(lane::slow), 0, usual, 0.0), 500ms) << "never a hot loop";
}

TEST(retry, a_restarting_server_is_left_alone_for_five_to_thirty_seconds) {
    retry_history past;
    EXPECT_EQ(next_delay(past, in_lane(lane::restart), {}, usual, 0.0), 5s);
    const auto most = next_delay(past, in_lane(lane::restart), {}, usual, 0.999999);
    EXPECT_GT(most, 29s);
    EXPECT_LE(most, 30s);
}

TEST(retry, faults_double_from_five_seconds) {
    constexpr std::array<std::chrono::seconds, 8> table{5s, 10s, 20s, 40s, 80s, 160s, 300s, 300s};
    retry_history past;
    for (const auto least : table) {
        EXPECT_EQ(next_delay(past, in_lane(lane::fatal), {}, usual, 0.0), least);
    }
    retry_history jittered;
    EXPECT_LE(next_delay(jittered, in_lane(lane::fatal), {}, usual, 0.999), 5500ms);
}

TEST(retry, a_fault_stops_where_fault_retry_is_zero) {
    retry_policy policy = usual;
    policy.fault_retry = 0s;
    retry_history past;
    EXPECT_FALSE(next_delay(past, in_lane(lane::fatal), {}, policy, 0.5));
}

TEST(retry, a_short_fault_retry_holds_from_the_first) {
    retry_policy policy = usual;
    policy.fault_retry = 2s;
    retry_history past;
    EXPECT_EQ(next_delay(past, in_lane(lane::fatal), {}, policy, 0.9), 2s);
}

TEST(retry, counts_failures_of_one_series_in_a_row) {
    retry_history past;
    EXPECT_EQ(in_a_row(past, series::credentials), 0U);
    next_delay(past, in_lane(lane::transient, series::credentials), {}, usual, 0);
    EXPECT_EQ(in_a_row(past, series::credentials), 1U);
    next_delay(past, in_lane(lane::transient, series::credentials), {}, usual, 0);
    EXPECT_EQ(in_a_row(past, series::credentials), 2U);
    EXPECT_EQ(in_a_row(past, series::policy), 0U);
    next_delay(past, in_lane(lane::transient), {}, usual, 0);
    EXPECT_EQ(in_a_row(past, series::credentials), 0U);
    EXPECT_EQ(in_a_row(past, series::none), 0U);
}

} // namespace
