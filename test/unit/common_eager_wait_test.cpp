#include "common/eager_wait.hpp"

#include <gtest/gtest.h>

namespace {

using iom::eager_wait;
using namespace std::chrono_literals;

constexpr std::chrono::microseconds whole_test = 1h; // whatever a test waits for is here before
constexpr std::chrono::microseconds nothing = 0us;   // no wait is as short as this

void wait_shortly(eager_wait& wait, int times) {
    for (int at = 0; at < times; ++at) {
        wait.begin();
        wait.end();
    }
}

int looks_in(eager_wait& wait) {
    int looks = 0;
    wait.begin();
    wait.comes([&] {
        ++looks;
        return true;
    });
    return looks;
}

TEST(EagerWait, BeginsOnlyWhereSeveralWaitsInARowWereShort) {
    eager_wait wait(whole_test, true);
    EXPECT_EQ(looks_in(wait), 0);
    wait_shortly(wait, 3);
    EXPECT_EQ(looks_in(wait), 0);
    wait_shortly(wait, 1);
    EXPECT_EQ(looks_in(wait), 1);
}

TEST(EagerWait, LooksUntilItComes) {
    eager_wait wait(whole_test, true);
    wait_shortly(wait, 4);
    int looks = 0;
    wait.begin();
    EXPECT_TRUE(wait.comes([&] { return ++looks == 1000; }));
    EXPECT_EQ(looks, 1000);
}

TEST(EagerWait, EndsByItselfAndIsNotBegunAgainWhereNothingCame) {
    eager_wait wait(20ms, true);
    // A machine may be too busy for four waits of less than 20 ms in a row; it is not for long.
    const auto patience = eager_wait::clock::now() + 30s;
    bool looked = false;
    while (!looked && eager_wait::clock::now() < patience) {
        wait_shortly(wait, 4);
        wait.begin();
        EXPECT_FALSE(wait.comes([&] {
            looked = true;
            return false;
        }));
    }
    ASSERT_TRUE(looked);
    EXPECT_EQ(looks_in(wait), 0);
}

TEST(EagerWait, NeverBeginsWhereEveryWaitIsLong) {
    eager_wait wait(nothing, true);
    wait_shortly(wait, 100);
    EXPECT_EQ(looks_in(wait), 0);
}

TEST(EagerWait, NeverBeginsOnASingleProcessor) {
    eager_wait wait(whole_test, false);
    wait_shortly(wait, 100);
    EXPECT_EQ(looks_in(wait), 0);
}

} // namespace
