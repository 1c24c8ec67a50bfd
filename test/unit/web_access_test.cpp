#include "web/access.hpp"

#include <gtest/gtest.h>
#include <string>

namespace {

using namespace iom::host::web;

constexpr std::int64_t minute = 60'000;

TEST(Attempts, OfOneAddressAreFiveInAMinute) {
    attempts counted;
    for (std::size_t i = 0; i < attempts::most_of_one; ++i) {
        ASSERT_EQ(counted.wait("a", 1000), 0U) << i;
        counted.begin("a", 1000);
    }
    EXPECT_EQ(counted.wait("a", 1000), 60U);
    EXPECT_EQ(counted.wait("b", 1000), 0U);
    EXPECT_EQ(counted.wait("a", 1000 + minute / 2), 30U);
    EXPECT_EQ(counted.wait("a", 1000 + minute), 0U);
}

TEST(Attempts, OfAllTogetherAreBounded) {
    attempts counted;
    for (std::size_t i = 0; i < attempts::most; ++i) {
        counted.begin("address " + std::to_string(i), 0);
    }
    EXPECT_GT(counted.wait("one more", 0), 0U);
    EXPECT_EQ(counted.wait("one more", minute), 0U);
}

TEST(Attempts, ThatWereRightAreTakenBack) {
    attempts counted;
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(counted.wait("a", i), 0U) << i;
        counted.begin("a", i);
        counted.was_right("a");
    }
}

TEST(Sessions, EndWhenNobodyUsesThem) {
    sessions open;
    const std::string hash = sessions::hash_of(open.open(0));
    EXPECT_TRUE(open.holds(hash, sessions::idle - 1, false));
    EXPECT_TRUE(open.holds(hash, sessions::idle - 1, true));
    EXPECT_TRUE(open.holds(hash, 2 * sessions::idle - 2, false));
    EXPECT_FALSE(open.holds(hash, 2 * sessions::idle, false));
    EXPECT_FALSE(open.holds(hash, 0, false)); // gone is gone
}

TEST(Sessions, EndForAllThatTheyAreUsed) {
    sessions open;
    const std::string hash = sessions::hash_of(open.open(0));
    std::int64_t now = 0;
    for (; now < sessions::longest; now += sessions::idle / 2) {
        ASSERT_TRUE(open.holds(hash, now, true)) << now;
        ASSERT_LE(open.left(hash, now), sessions::longest - now);
    }
    EXPECT_FALSE(open.holds(hash, sessions::longest, true));
}

TEST(Sessions, AreNoMoreThanTheyMayBe) {
    sessions open;
    const std::string first = sessions::hash_of(open.open(0));
    for (std::size_t i = 0; i < sessions::most; ++i) {
        (void)open.open(static_cast<std::int64_t>(i) + 1);
    }
    EXPECT_FALSE(open.holds(first, 100, false));
}

TEST(Sessions, AreClosedButForOne) {
    sessions open;
    const std::string mine = sessions::hash_of(open.open(0));
    const std::string other = sessions::hash_of(open.open(0));
    open.close_all_but(mine);
    EXPECT_TRUE(open.holds(mine, 1, false));
    EXPECT_FALSE(open.holds(other, 1, false));
    open.close_all_but({});
    EXPECT_FALSE(open.holds(mine, 1, false));
}

TEST(FrontDoor, AnswersToAddressesAndItsOwnNames) {
    front_door door;
    door.names = {"plant.example"};
    for (const char* const host :
         {"127.0.0.1", "127.0.0.1:8080", "192.168.1.5:443", "[::1]", "[::1]:8080", "[2001:db8::1]",
          "localhost", "LOCALHOST:80", "plant.example", "Plant.Example:8080"}) {
        EXPECT_TRUE(door.is_ours(host)) << host;
    }
    for (const char* const host :
         {"", "evil.example", "plant.example.evil.example", "xplant.example", "127.0.0.1.evil.example",
          "localhost.evil.example", "::1", "0x7f000001", "2130706433", "127.1", "[::1",
          "plant.example,evil.example", "plant.example evil", "127.0.0.1@evil.example"}) {
        EXPECT_FALSE(door.is_ours(host)) << host;
    }
    door.loopback = false;
    EXPECT_FALSE(door.is_ours("localhost"));
}

TEST(SameOrigin, ComparesSchemeNameAndPort) {
    EXPECT_TRUE(same_origin("http://127.0.0.1:8080", "127.0.0.1:8080", false));
    EXPECT_TRUE(same_origin("https://Plant.example", "plant.example:443", true));
    EXPECT_TRUE(same_origin("http://plant.example:80", "plant.example", false));
    EXPECT_FALSE(same_origin("https://127.0.0.1:8080", "127.0.0.1:8080", false));
    EXPECT_FALSE(same_origin("http://127.0.0.1:8080", "127.0.0.1:8080", true));
    EXPECT_FALSE(same_origin("http://127.0.0.1:8081", "127.0.0.1:8080", false));
    EXPECT_FALSE(same_origin("http://127.0.0.1:443", "127.0.0.1", true));
    EXPECT_FALSE(same_origin("http://evil.example", "127.0.0.1", false));
    EXPECT_FALSE(same_origin("null", "127.0.0.1", false));
    EXPECT_FALSE(same_origin("", "", false));
    EXPECT_FALSE(same_origin("http://127.0.0.1:8080/", "127.0.0.1:8080", false));
}

TEST(IsLoopback, MeansThisMachineAlone) {
    for (const char* const address : {"127.0.0.1", "127.1.2.3", "::1"}) {
        EXPECT_TRUE(is_loopback(address)) << address;
    }
    for (const char* const address :
         {"0.0.0.0", "::", "192.168.1.1", "128.0.0.1", "::ffff:192.168.1.1", "", "localhost"}) {
        EXPECT_FALSE(is_loopback(address)) << address;
    }
}

} // namespace
