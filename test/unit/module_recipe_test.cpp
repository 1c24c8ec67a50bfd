#include "module/flights.hpp"
#include "module/recipe.hpp"
#include "module/requests.hpp"
#include "module/values.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace iom::ws {
namespace {

constexpr std::int64_t second = 1'000'000'000;

/// Says into a list; a match is the length of the message that it holds for.
class fake_means final : public recipe::means {
public:
    std::uint64_t say(std::string_view written, bool binary, std::string& mistake) override {
        if (written == "cannot") {
            mistake = "it cannot be said.";
            return 0;
        }
        said += (binary ? "<" : "") + std::string(written) + (binary ? ">" : "") + " ";
        return ++sequence;
    }
    bool test(std::uint32_t match, const iom_value& message) override {
        return bytes_of(message).size() == match;
    }
    bool capture(std::uint32_t match, const iom_value& message) override {
        captured += bytes_of(message).size() == match ? 1 : 0;
        return bytes_of(message).size() == match;
    }

    std::string said;
    int captured = 0;
    std::uint64_t sequence = 0;
};

class recipes : public testing::Test {
protected:
    using outcome = recipe::outcome;

    outcome hear(std::size_t size, std::int64_t now = 0) {
        const std::string message(size, 'x');
        return it.hear(with, text_value(1, message), now);
    }

    greeting_step send(std::string payload) {
        return {greeting_step::kind::send_text, std::move(payload), 0};
    }
    greeting_step await(std::uint32_t match) { return {greeting_step::kind::await, {}, match}; }

    settings with;
    fake_means means;
    recipe it{means};
};

TEST_F(recipes, nothing_to_say_is_ready_at_once) {
    EXPECT_FALSE(it.ready());
    EXPECT_EQ(it.begin(with, 0), outcome::ready);
    EXPECT_TRUE(it.ready());
    EXPECT_EQ(it.deadline(with, 0), std::nullopt);
    it.end();
    EXPECT_FALSE(it.ready());
}

TEST_F(recipes, a_message_ends_one_await_only) {
    with.greeting = {await(2), send("a"), await(2), send("b")};
    EXPECT_EQ(it.begin(with, 0), outcome::nothing);
    EXPECT_EQ(hear(1), outcome::nothing);
    EXPECT_EQ(hear(2), outcome::nothing);
    EXPECT_EQ(means.said, "a ");
    EXPECT_EQ(hear(2), outcome::ready);
    EXPECT_EQ(means.said, "a b ");
    EXPECT_EQ(means.captured, 2);
}

TEST_F(recipes, the_message_that_ends_the_greeting_may_say_ready) {
    with.greeting = {send("a"), await(2)};
    with.ready_match = 2;
    EXPECT_EQ(it.begin(with, 0), outcome::nothing);
    EXPECT_EQ(hear(2), outcome::ready);
}

TEST_F(recipes, one_deadline_lies_over_greeting_and_ready) {
    with.greeting = {await(1)};
    with.ready_match = 2;
    with.ready_timeout = std::chrono::seconds(10);
    it.begin(with, 5 * second);
    EXPECT_EQ(it.deadline(with, 0), 15 * second);
    EXPECT_EQ(it.elapse(with, 14 * second, 0), outcome::nothing);
    EXPECT_EQ(hear(1, 14 * second), outcome::nothing);
    EXPECT_EQ(it.elapse(with, 15 * second, 0), outcome::ready_timeout);
}

TEST_F(recipes, a_refusal_holds_through_the_whole_session) {
    with.refuse_match = 3;
    with.greeting = {await(1)};
    EXPECT_EQ(hear(3), outcome::nothing) << "there is no session";
    it.begin(with, 0);
    EXPECT_EQ(hear(3), outcome::refused);
    EXPECT_EQ(hear(1), outcome::ready);
    EXPECT_EQ(hear(3), outcome::refused);
}

TEST_F(recipes, what_cannot_be_said_breaks_the_session) {
    with.greeting = {send("cannot")};
    EXPECT_EQ(it.begin(with, 0), outcome::broken);
    EXPECT_EQ(it.sentence(), "Greeting: it cannot be said.");
    with.greeting.clear();
    with.heartbeat_message = "cannot";
    with.heartbeat_interval = std::chrono::seconds(1);
    EXPECT_EQ(it.begin(with, 0), outcome::ready);
    EXPECT_EQ(it.elapse(with, second, 0), outcome::broken);
    EXPECT_EQ(it.sentence(), "Heartbeat message: it cannot be said.");
}

TEST_F(recipes, heartbeats_come_at_their_interval_and_their_deadline_counts_from_the_kernel) {
    with.heartbeat_message = "beat";
    with.heartbeat_interval = std::chrono::seconds(5);
    with.heartbeat_match = 2;
    with.heartbeat_timeout = std::chrono::seconds(8);
    it.begin(with, 0);
    EXPECT_EQ(it.deadline(with, 0), 5 * second);
    EXPECT_EQ(it.elapse(with, 5 * second, 0), outcome::nothing);
    EXPECT_EQ(means.said, "beat ");
    EXPECT_EQ(it.elapse(with, 9 * second, 0), outcome::nothing) << "not in the kernel yet";
    it.sent(with, 1, 9 * second);
    EXPECT_EQ(it.elapse(with, 10 * second, 0), outcome::nothing);
    EXPECT_EQ(means.said, "beat beat ");
    it.sent(with, 2, 10 * second);
    EXPECT_EQ(it.deadline(with, 0), 15 * second) << "the next beat";
    it.elapse(with, 15 * second, 0);
    EXPECT_EQ(it.deadline(with, 0), 17 * second) << "the first beat is unanswered since 9 s";
    EXPECT_EQ(it.deadline(with, 14 * second), 20 * second) << "bytes came until 14 s";
    EXPECT_EQ(it.elapse(with, 17 * second, 14 * second), outcome::nothing);
    EXPECT_EQ(it.elapse(with, 17 * second, 0, true), outcome::nothing) << "the answer may be unread";
    EXPECT_EQ(it.deadline(with, 0, true), 20 * second) << "the next beat";
    EXPECT_EQ(it.elapse(with, 17 * second, 0), outcome::dead);
    hear(2);
    EXPECT_EQ(it.elapse(with, 17 * second, 0), outcome::nothing) << "any answer proves life";
}

TEST_F(recipes, without_a_match_heartbeats_need_no_answer) {
    with.heartbeat_message = "beat";
    with.heartbeat_interval = std::chrono::seconds(5);
    it.begin(with, 0);
    for (std::int64_t now = 5; now <= 100; now += 5) {
        EXPECT_EQ(it.elapse(with, now * second, 0), outcome::nothing);
        it.sent(with, means.sequence, now * second);
    }
    EXPECT_EQ(means.sequence, 20U);
}

TEST_F(recipes, a_farewell_without_match_needs_no_wait) {
    with.farewell = {"bye", "cannot", "bye bye"};
    it.begin(with, 0);
    EXPECT_FALSE(it.say_farewell(with, 0));
    EXPECT_EQ(means.said, "bye bye bye ");
}

TEST_F(recipes, no_farewell_before_the_greeting_is_through_or_twice) {
    with.farewell = {"bye"};
    with.farewell_match = 2;
    with.greeting = {await(1)};
    it.begin(with, 0);
    EXPECT_FALSE(it.say_farewell(with, 0));
    hear(1);
    EXPECT_TRUE(it.say_farewell(with, 0));
    EXPECT_FALSE(it.say_farewell(with, 0));
    EXPECT_EQ(means.said, "bye ");
    EXPECT_FALSE(it.farewell_over());
    hear(2);
    EXPECT_TRUE(it.farewell_over());
}

// ---- flights ----------------------------------------------------------------------------------------

TEST(flights, numbers_go_on_while_the_ring_grows_and_turns) {
    flights ring;
    std::uint64_t landed = 0;
    for (std::uint64_t round = 0; round < 50; ++round) {
        for (std::uint64_t index = 0; index < round % 20; ++index) {
            flight& place = ring.launch();
            EXPECT_EQ(place.key, "");
            EXPECT_FALSE(place.gone);
            place.call = ring.newest() * 10;
            place.key = "key";
            place.gone = true;
        }
        while (!ring.empty() && ring.newest() - ring.oldest() >= round % 5) {
            ASSERT_EQ(ring.find(ring.oldest())->call, ring.oldest() * 10);
            EXPECT_EQ(ring.oldest(), ++landed);
            ring.land();
        }
    }
    EXPECT_EQ(ring.find(landed), nullptr);
    EXPECT_EQ(ring.find(ring.newest() + 1), nullptr);
    ring.reset();
    ring.launch();
    EXPECT_EQ(ring.newest(), 1U);
    ring.cancel();
    EXPECT_TRUE(ring.empty());
    ring.launch();
    EXPECT_EQ(ring.newest(), 1U);
}

// ---- requests ---------------------------------------------------------------------------------------

pending_request request(std::uint64_t call, std::optional<std::uint32_t> match, std::int64_t timeout = 10) {
    pending_request made;
    made.call = call;
    made.match = match;
    made.timeout = timeout;
    return made;
}

TEST(requests, only_sent_ones_are_answered_and_the_oldest_first) {
    requests all;
    const auto yes = [](std::uint32_t) { return true; };
    const auto only_seven = [](std::uint32_t match) { return match == 7; };
    all.add(request(1, 5));
    all.add(request(2, 7));
    all.add(request(3, std::nullopt));
    EXPECT_FALSE(all.answered(yes));
    all.sent(2, 100);
    all.sent(3, 100);
    EXPECT_EQ(all.answered(only_seven)->call, 2U);
    EXPECT_EQ(all.answered(only_seven)->call, 3U) << "without a match any message answers";
    EXPECT_FALSE(all.answered(yes));
    all.sent(1, 110);
    EXPECT_EQ(all.answered(yes)->call, 1U);
    EXPECT_TRUE(all.empty());
}

TEST(requests, are_late_in_time_and_time_begins_again_while_bytes_come) {
    requests all;
    all.add(request(1, 5, 10));
    all.add(request(2, 5, 4));
    EXPECT_EQ(all.deadline(0), std::nullopt);
    all.sent(1, 100);
    all.sent(2, 103);
    EXPECT_EQ(all.deadline(0), 107);
    EXPECT_EQ(all.deadline(105), 109);
    EXPECT_FALSE(all.late(108, 105));
    EXPECT_EQ(all.late(109, 105)->call, 2U);
    EXPECT_EQ(all.late(110, 0)->call, 1U);
    EXPECT_FALSE(all.late(1000, 0));
}

TEST(requests, are_bounded_and_found_by_their_calls) {
    requests all;
    for (std::uint64_t call = 1; call <= requests::most; ++call) {
        EXPECT_FALSE(all.full());
        all.add(request(call, 5));
    }
    EXPECT_TRUE(all.full());
    EXPECT_EQ(all.remove(500)->call, 500U);
    EXPECT_FALSE(all.remove(500));
    EXPECT_FALSE(all.full());
    all.sent(500, 100); // nobody's any more
    all.sent(501, 100);
    EXPECT_EQ(all.lost(false)->call, 501U);
    EXPECT_FALSE(all.lost(false));
}

TEST(requests, those_that_were_sent_are_lost_with_their_session) {
    requests all;
    all.add(request(1, 5));
    all.add(request(2, 5));
    all.sent(2, 100);
    EXPECT_EQ(all.lost(false)->call, 2U);
    EXPECT_FALSE(all.lost(false));
    EXPECT_EQ(all.lost(true)->call, 1U);
    EXPECT_FALSE(all.remove(1));
}

} // namespace
} // namespace iom::ws
