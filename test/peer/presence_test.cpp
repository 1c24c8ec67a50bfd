#include "presence.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace iom::peer {
namespace {

constexpr moment at(int seconds) {
    return moment{seconds * 1000};
}

/// "name state reason since lastPing" of each thing, one line each.
std::string told(const presence& people) {
    std::string lines;
    for (const auto& thing : people.things()) {
        lines += thing.name;
        lines += thing.connected ? " online " : " offline ";
        lines += thing.reason ? word(*thing.reason) : "-";
        lines += ' ';
        lines += std::to_string(thing.since.count() / 1000);
        lines += ' ';
        lines += thing.last_ping ? std::to_string(thing.last_ping->count() / 1000) : "-";
        lines += '\n';
    }
    return lines;
}

struct step {
    enum kind { open, bind, unbind, ping, message, close, kill, idle } what;
    session_id session;
    int second;
    std::vector<std::string> names = {};
};

struct row {
    const char* name;
    std::vector<step> steps;
    const char* told;
};

std::ostream& operator<<(std::ostream& out, const row& each) {
    return out << each.name;
}

void carry_out(presence& people, const step& each) {
    switch (each.what) {
    case step::open:
        people.opened(each.session, at(each.second));
        break;
    case step::bind:
        ASSERT_TRUE(people.bind(each.session, each.names, at(each.second)));
        break;
    case step::unbind:
        people.unbind(each.session, each.names, at(each.second));
        break;
    case step::ping:
        people.pinged(each.session, at(each.second));
        break;
    case step::message:
        people.heard(each.session, at(each.second));
        break;
    case step::close:
        people.closed(each.session, offline_reason::closed, at(each.second));
        break;
    case step::kill:
        people.closed(each.session, offline_reason::killed, at(each.second));
        break;
    case step::idle:
        for (const auto id : people.idle(at(each.second))) {
            people.closed(id, offline_reason::idle, at(each.second));
        }
        break;
    }
}

class presence_story : public testing::TestWithParam<row> {};

TEST_P(presence_story, ends_as_told) {
    presence people{at(60)};
    for (const auto& each : GetParam().steps) {
        carry_out(people, each);
    }
    EXPECT_EQ(told(people), GetParam().told);
}

const row rows[] = {
    {"nobody", {{step::open, 1, 0}}, ""},
    {"bound", {{step::open, 1, 0}, {step::bind, 1, 2, {"press"}}}, "press online - 2 -\n"},
    {"bound_again_keeps_since",
     {{step::open, 1, 0}, {step::bind, 1, 2, {"press"}}, {step::bind, 1, 5, {"press"}}},
     "press online - 2 -\n"},
    {"ping_before_bind_counts",
     {{step::open, 1, 0}, {step::ping, 1, 1}, {step::bind, 1, 2, {"press"}}},
     "press online - 2 1\n"},
    {"unbind",
     {{step::open, 1, 0}, {step::bind, 1, 1, {"a", "b"}}, {step::unbind, 1, 3, {"a"}}},
     "a offline unbind 3 -\nb online - 1 -\n"},
    {"unbind_before_close_stays_unbind",
     {{step::open, 1, 0}, {step::bind, 1, 1, {"a"}}, {step::unbind, 1, 3, {"a"}}, {step::close, 1, 4}},
     "a offline unbind 3 -\n"},
    {"close_releases_all",
     {{step::open, 1, 0}, {step::bind, 1, 1, {"a", "b"}}, {step::close, 1, 4}},
     "a offline closed 4 -\nb offline closed 4 -\n"},
    {"killed_keeps_last_ping",
     {{step::open, 1, 0}, {step::bind, 1, 1, {"a"}}, {step::ping, 1, 20}, {step::kill, 1, 25}},
     "a offline killed 25 20\n"},
    {"newest_bind_wins",
     {{step::open, 1, 0}, {step::bind, 1, 1, {"a"}}, {step::open, 2, 5}, {step::bind, 2, 6, {"a"}}},
     "a online - 6 -\n"},
    {"old_close_leaves_new_bound",
     {{step::open, 1, 0},
      {step::bind, 1, 1, {"a", "b"}},
      {step::open, 2, 5},
      {step::bind, 2, 6, {"a"}},
      {step::kill, 1, 7}},
     "a online - 6 -\nb offline killed 7 -\n"},
    {"old_unbind_leaves_new_bound",
     {{step::open, 1, 0},
      {step::bind, 1, 1, {"a"}},
      {step::open, 2, 5},
      {step::bind, 2, 6, {"a"}},
      {step::unbind, 1, 7, {"a"}}},
     "a online - 6 -\n"},
    {"old_idle_leaves_new_bound",
     {{step::open, 1, 0},
      {step::bind, 1, 1, {"a"}},
      {step::open, 2, 50},
      {step::bind, 2, 51, {"a"}},
      {step::idle, 0, 61}},
     "a online - 51 -\n"},
    {"older_session_may_bind_anew",
     {{step::open, 1, 0},
      {step::open, 2, 0},
      {step::bind, 2, 1, {"a"}},
      {step::bind, 1, 2, {"a"}},
      {step::close, 2, 3}},
     "a online - 2 -\n"},
    {"bound_after_offline_clears_reason",
     {{step::open, 1, 0},
      {step::bind, 1, 1, {"a"}},
      {step::kill, 1, 2},
      {step::open, 2, 3},
      {step::bind, 2, 4, {"a"}}},
     "a online - 4 -\n"},
    {"silent_is_idle_at_sixty",
     {{step::open, 1, 0}, {step::bind, 1, 0, {"a"}}, {step::idle, 0, 59}, {step::idle, 0, 60}},
     "a offline idle 60 -\n"},
    {"ping_keeps_alive",
     {{step::open, 1, 0}, {step::bind, 1, 0, {"a"}}, {step::ping, 1, 50}, {step::idle, 0, 109}},
     "a online - 0 50\n"},
    {"message_keeps_alive",
     {{step::open, 1, 0}, {step::bind, 1, 0, {"a"}}, {step::message, 1, 50}, {step::idle, 0, 109}},
     "a online - 0 -\n"},
    {"gone_session_binds_nothing",
     {{step::open, 1, 0},
      {step::bind, 1, 1, {"a"}},
      {step::close, 1, 2},
      {step::unbind, 1, 3, {"a"}},
      {step::ping, 1, 4}},
     "a offline closed 2 -\n"},
};

INSTANTIATE_TEST_SUITE_P(presence, presence_story, testing::ValuesIn(rows),
                         [](const auto& story) { return std::string(story.param.name); });

TEST(presence, gives_every_bind_a_newer_generation) {
    presence people{at(60)};
    people.opened(1, at(0));
    people.opened(2, at(0));
    const std::vector<std::string> names{"a"};
    ASSERT_TRUE(people.bind(1, names, at(1)));
    const auto first = people.things().front().generation;
    ASSERT_TRUE(people.bind(2, names, at(2)));
    EXPECT_GT(people.things().front().generation, first);
}

TEST(presence, names_what_a_closed_session_took_offline) {
    presence people{at(60)};
    people.opened(1, at(0));
    people.opened(2, at(0));
    ASSERT_TRUE(people.bind(1, std::vector<std::string>{"a", "b", "c"}, at(1)));
    ASSERT_TRUE(people.bind(2, std::vector<std::string>{"b"}, at(2)));
    EXPECT_EQ(people.closed(1, offline_reason::killed, at(3)), (std::vector<std::string>{"a", "c"}));
    EXPECT_TRUE(people.closed(1, offline_reason::killed, at(4)).empty());
}

TEST(presence, a_session_that_was_never_opened_binds_nothing) {
    presence people{at(60)};
    EXPECT_FALSE(people.bind(7, std::vector<std::string>{"a"}, at(1)));
    EXPECT_TRUE(people.things().empty());
}

TEST(presence, without_idle_timeout_nobody_is_idle) {
    presence people{moment::zero()};
    people.opened(1, at(0));
    EXPECT_TRUE(people.idle(at(1'000'000)).empty());
}

TEST(presence, holds_any_follows_the_newest_bind) {
    presence people{at(60)};
    people.opened(1, at(0));
    people.opened(2, at(0));
    const std::vector<std::string> names{"a"};
    ASSERT_TRUE(people.bind(1, names, at(1)));
    EXPECT_TRUE(people.holds_any(1));
    ASSERT_TRUE(people.bind(2, names, at(2)));
    EXPECT_FALSE(people.holds_any(1));
    EXPECT_TRUE(people.holds_any(2));
}

TEST(presence, forgets_the_longest_offline_to_make_room) {
    presence people{at(60), 3};
    people.opened(1, at(0));
    ASSERT_TRUE(people.bind(1, std::vector<std::string>{"a", "b", "c"}, at(1)));
    people.unbind(1, std::vector<std::string>{"b"}, at(2));
    people.unbind(1, std::vector<std::string>{"a"}, at(3));
    ASSERT_TRUE(people.bind(1, std::vector<std::string>{"d"}, at(4)));
    EXPECT_EQ(told(people), "a offline unbind 3 -\nc online - 1 -\nd online - 4 -\n");
}

TEST(presence, refuses_more_things_than_there_is_room_and_changes_nothing) {
    presence people{at(60), 2};
    people.opened(1, at(0));
    ASSERT_TRUE(people.bind(1, std::vector<std::string>{"a", "b"}, at(1)));
    EXPECT_FALSE(people.bind(1, std::vector<std::string>{"c"}, at(2)));
    EXPECT_EQ(told(people), "a online - 1 -\nb online - 1 -\n");
    EXPECT_TRUE(people.bind(1, std::vector<std::string>{"a"}, at(3)));
}

} // namespace
} // namespace iom::peer
