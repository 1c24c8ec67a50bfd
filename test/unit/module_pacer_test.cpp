#include "module/pacer.hpp"

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using iom::ws::pacer;

const pacer::key server{"server.example", 443};
const pacer::key other{"server.example", 80};

TEST(pacer, lets_a_lone_instance_through_at_once) {
    pacer pace;
    pace.enter(server);
    EXPECT_EQ(pace.reserve(server, 1s, 5s), 0s);
    EXPECT_EQ(pace.reserve(server, 2s, 5s), 0s);
}

TEST(pacer, spaces_ten_milliseconds_apart_at_most) {
    pacer pace;
    for (int count = 0; count < 3; ++count) {
        pace.enter(server);
    }
    EXPECT_EQ(pace.reserve(server, 1s, 5s), 0s);
    EXPECT_EQ(pace.reserve(server, 1s, 5s), 10ms);
    EXPECT_EQ(pace.reserve(server, 1s, 5s), 20ms);
}

TEST(pacer, a_thousand_instances_make_at_most_two_hundred_attempts_a_second) {
    pacer pace;
    for (int count = 0; count < 1000; ++count) {
        pace.enter(server);
    }
    iom::ws::span_of_time last{};
    for (int count = 0; count < 1000; ++count) {
        last = pace.reserve(server, 1s, 5s);
    }
    EXPECT_EQ(last, 999 * 5ms);
}

TEST(pacer, without_a_first_window_does_not_space) {
    pacer pace;
    pace.enter(server);
    pace.enter(server);
    EXPECT_EQ(pace.reserve(server, 1s, 0s), 0s);
    EXPECT_EQ(pace.reserve(server, 1s, 0s), 0s);
}

TEST(pacer, keeps_servers_apart_and_forgets_those_that_nobody_uses) {
    pacer pace;
    pace.enter(server);
    pace.enter(other);
    EXPECT_EQ(pace.reserve(server, 1s, 5s), 0s);
    EXPECT_EQ(pace.reserve(other, 1s, 5s), 0s);
    EXPECT_EQ(pace.reserve(server, 1s, 5s), 10ms);
    pace.leave(server);
    pace.enter(server);
    EXPECT_EQ(pace.reserve(server, 1s, 5s), 0s);
}

} // namespace
