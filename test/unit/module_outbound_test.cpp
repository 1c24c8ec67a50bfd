#include "module/outbound.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace iom::ws {
namespace {

waiting_message message(std::uint64_t order, std::string payload, std::int64_t since = 0,
                        std::string key = {}) {
    waiting_message made;
    made.order = order;
    made.call = order;
    made.since = since;
    made.payload = std::move(payload);
    made.key = std::move(key);
    return made;
}

std::string to_string(const std::vector<dropped_message>& dropped) {
    std::string text;
    for (const dropped_message& drop : dropped) {
        text += drop.message.payload + ":" + std::string(name_of(drop.reason)) + " ";
    }
    return text;
}

std::string drain(outbound& queue) {
    std::string text;
    while (!queue.empty()) {
        text += queue.take().payload + " ";
    }
    return text;
}

struct outbound_case {
    const char* name;
    outbound::limits limits;
    std::vector<waiting_message> added;
    const char* dropped;
    const char* left;
};

std::ostream& operator<<(std::ostream& out, const outbound_case& what) {
    return out << what.name;
}

class outbound_table : public testing::TestWithParam<outbound_case> {};

TEST_P(outbound_table, keeps_and_drops) {
    outbound queue;
    std::vector<dropped_message> dropped;
    queue.limit(GetParam().limits, dropped);
    for (waiting_message added : GetParam().added) {
        queue.add(std::move(added), dropped);
    }
    EXPECT_EQ(to_string(dropped), GetParam().dropped);
    EXPECT_EQ(drain(queue), GetParam().left);
    EXPECT_EQ(queue.bytes(), 0U);
}

constexpr auto fifo = offline_policy::queue;
constexpr auto latest = offline_policy::latest;

INSTANTIATE_TEST_SUITE_P(
    all, outbound_table,
    testing::Values(
        outbound_case{"in order", {fifo, 10, 100, 0}, {message(1, "a"), message(2, "b")}, "", "a b "},
        outbound_case{"too many: the oldest goes",
                      {fifo, 2, 100, 0},
                      {message(1, "a"), message(2, "b"), message(3, "c")},
                      "a:queue-full ",
                      "b c "},
        outbound_case{"too many bytes: the oldest goes",
                      {fifo, 10, 5, 0},
                      {message(1, "aaa"), message(2, "bb"), message(3, "c")},
                      "aaa:queue-full ",
                      "bb c "},
        outbound_case{"one larger than all leaves the others alone",
                      {fifo, 10, 5, 0},
                      {message(1, "a"), message(2, "bbbbbb"), message(3, "c")},
                      "bbbbbb:queue-full ",
                      "a c "},
        outbound_case{"one as large as all",
                      {fifo, 10, 5, 0},
                      {message(1, "a"), message(2, "bbbbb")},
                      "a:queue-full ",
                      "bbbbb "},
        outbound_case{"keys count as bytes",
                      {fifo, 10, 5, 0},
                      {message(1, "a", 0, "key"), message(2, "b", 0, "k")},
                      "a:queue-full ",
                      "b "},
        outbound_case{"what comes back goes to its old place",
                      {fifo, 10, 100, 0},
                      {message(3, "c"), message(1, "a"), message(2, "b")},
                      "",
                      "a b c "},
        outbound_case{"a queue knows no keys",
                      {fifo, 10, 100, 0},
                      {message(1, "a", 0, "k"), message(2, "b", 0, "k")},
                      "",
                      "a b "},
        outbound_case{"latest of all",
                      {latest, 10, 100, 0},
                      {message(1, "a"), message(2, "b"), message(3, "c")},
                      "a:replaced b:replaced ",
                      "c "},
        outbound_case{"latest of each key",
                      {latest, 10, 100, 0},
                      {message(1, "a", 0, "x"), message(2, "b", 0, "y"), message(3, "c", 0, "x")},
                      "a:replaced ",
                      "b c "},
        outbound_case{"latest: an older one comes back late",
                      {latest, 10, 100, 0},
                      {message(2, "b", 0, "x"), message(1, "a", 0, "x")},
                      "a:replaced ",
                      "b "},
        outbound_case{"latest: an older one of another key comes back",
                      {latest, 10, 100, 0},
                      {message(2, "b", 0, "x"), message(1, "a", 0, "y")},
                      "",
                      "a b "},
        outbound_case{"latest keeps limits too",
                      {latest, 1, 100, 0},
                      {message(1, "a", 0, "x"), message(2, "b", 0, "y")},
                      "a:queue-full ",
                      "b "}));

TEST(outbound, drops_what_is_stale_and_says_when_the_next_will_be) {
    outbound queue;
    std::vector<dropped_message> dropped;
    queue.limit({fifo, 10, 100, 50}, dropped);
    EXPECT_EQ(queue.next_expiry(), std::nullopt);
    queue.add(message(1, "a", 100), dropped);
    queue.add(message(2, "b", 120), dropped);
    EXPECT_EQ(queue.next_expiry(), 150);
    queue.expire(149, dropped);
    EXPECT_EQ(to_string(dropped), "");
    queue.expire(150, dropped);
    EXPECT_EQ(to_string(dropped), "a:stale ");
    EXPECT_EQ(queue.next_expiry(), 170);
}

TEST(outbound, never_stale_with_a_ttl_of_zero) {
    outbound queue;
    std::vector<dropped_message> dropped;
    queue.limit({fifo, 10, 100, 0}, dropped);
    queue.add(message(1, "a", 1), dropped);
    queue.expire(1'000'000'000'000, dropped);
    EXPECT_TRUE(dropped.empty());
    EXPECT_EQ(queue.next_expiry(), std::nullopt);
}

TEST(outbound, narrower_limits_drop_at_once) {
    outbound queue;
    std::vector<dropped_message> dropped;
    queue.limit({fifo, 10, 100, 0}, dropped);
    for (std::uint64_t order = 1; order <= 4; ++order) {
        queue.add(message(order, std::to_string(order)), dropped);
    }
    queue.limit({fifo, 2, 100, 0}, dropped);
    EXPECT_EQ(to_string(dropped), "1:queue-full 2:queue-full ");
    dropped.clear();
    queue.clear(drop_reason::cleared, dropped);
    EXPECT_EQ(to_string(dropped), "3:cleared 4:cleared ");
    EXPECT_TRUE(queue.empty());
}

TEST(outbound, narrower_limits_drop_what_alone_is_too_large_and_no_more) {
    outbound queue;
    std::vector<dropped_message> dropped;
    queue.limit({fifo, 10, 100, 0}, dropped);
    queue.add(message(1, "a"), dropped);
    queue.add(message(2, "bbbbbb"), dropped);
    queue.add(message(3, "c"), dropped);
    queue.limit({fifo, 10, 5, 0}, dropped);
    EXPECT_EQ(to_string(dropped), "bbbbbb:queue-full ");
    EXPECT_EQ(drain(queue), "a c ");
}

TEST(outbound, every_reason_has_a_word_and_a_sentence) {
    for (const auto reason : {drop_reason::full, drop_reason::too_large, drop_reason::stale,
                              drop_reason::replaced, drop_reason::cleared, drop_reason::stopped}) {
        EXPECT_FALSE(name_of(reason).empty());
        EXPECT_GT(sentence_of(reason).size(), 20U);
    }
}

} // namespace
} // namespace iom::ws
