#include "web/desk.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <string_view>
#include <vector>

namespace {

using namespace iom::host;
using namespace iom::host::web;
using namespace std::chrono_literals;

using moment = std::chrono::system_clock::time_point;

/// The statuses of an instance that came to its state at 10 s, made its last attempt at 40 s and failed at 41
/// s.
moment entered_when(std::string_view state) {
    known_statuses at;
    at.state = 0;
    at.attempt = 1;
    at.error = 2;
    const std::vector<status_entry> statuses{
        {value(value_view::of(state)), moment(10s)},
        {value(value_view::of(std::int64_t{7})), moment(40s)},
        {value(value_view::of(std::string_view("127.0.0.1 refused the connection."))), moment(41s)}};
    return entered(statuses, at);
}

TEST(Entered, IsTheEndOfTheLastAttemptWhileItKeepsRetrying) {
    EXPECT_EQ(entered_when("waiting"), moment(41s));
    EXPECT_EQ(entered_when("faulted"), moment(41s));
}

TEST(Entered, IsTheChangeOfAnyOtherState) {
    EXPECT_EQ(entered_when("ready"), moment(10s));
    EXPECT_EQ(entered_when("stopped"), moment(10s));
}

TEST(Entered, NeedsNothingButAState) {
    known_statuses at;
    at.state = 0;
    const std::vector<status_entry> statuses{
        {value(value_view::of(std::string_view("waiting"))), moment(10s)}};
    EXPECT_EQ(entered(statuses, at), moment(10s));
}

} // namespace
