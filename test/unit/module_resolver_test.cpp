#include "module/resolver.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace iom::ws;
using namespace std::chrono_literals;

// Look-ups that hang until they are let go.
struct gate {
    std::mutex mutex;
    std::condition_variable change;
    bool open = false;
    int begun = 0;
    int rings = 0;

    resolver::look_up look_up() {
        return [this](const std::string& name) {
            std::unique_lock lock(mutex);
            ++begun;
            change.notify_all();
            change.wait(lock, [this] { return open; });
            resolution found;
            found.addresses = {name + " found"};
            return found;
        };
    }

    std::function<void()> bell() {
        return [this] {
            const std::lock_guard lock(mutex);
            ++rings;
            change.notify_all();
        };
    }

    void let_go() {
        const std::lock_guard lock(mutex);
        open = true;
        change.notify_all();
    }

    void wait_begun(int count) {
        std::unique_lock lock(mutex);
        ASSERT_TRUE(change.wait_for(lock, 10s, [&] { return begun >= count; }));
    }
};

std::vector<resolution> wait_answers(resolver& names, gate& hold, std::size_t count) {
    std::vector<resolution> all;
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (all.size() < count && std::chrono::steady_clock::now() < end) {
        for (resolution& one : names.answers()) {
            all.push_back(std::move(one));
        }
        std::unique_lock lock(hold.mutex);
        hold.change.wait_for(lock, 1ms);
    }
    return all;
}

TEST(resolver, gives_an_address_back_at_once) {
    gate hold;
    resolver names(hold.bell(), hold.look_up());
    const auto v4 = names.ask("192.0.2.1");
    const auto v6 = names.ask("2001:db8::1");
    const auto answers = names.answers();
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].ticket, v4);
    EXPECT_EQ(answers[0].addresses, std::vector<std::string>{"192.0.2.1"});
    EXPECT_EQ(answers[1].ticket, v6);
    EXPECT_EQ(hold.rings, 2);
    EXPECT_EQ(hold.begun, 0);
}

TEST(resolver, a_hanging_name_holds_up_no_other) {
    gate hold;
    const auto look_up = hold.look_up();
    resolver names(hold.bell(), [&](const std::string& name) {
        if (name == "dead.example") {
            return look_up(name);
        }
        resolution found;
        found.addresses = {"192.0.2.7"};
        return found;
    });
    names.ask("dead.example");
    hold.wait_begun(1);
    const auto alive = names.ask("alive.example");
    const auto answers = wait_answers(names, hold, 1);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].ticket, alive);
    hold.let_go();
    EXPECT_EQ(wait_answers(names, hold, 1).size(), 1U);
}

TEST(resolver, an_abandoned_answer_does_not_come) {
    gate hold;
    resolver names(hold.bell(), hold.look_up());
    names.abandon(names.ask("one.example"));
    const auto other = names.ask("two.example");
    hold.let_go();
    const auto answers = wait_answers(names, hold, 1);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].ticket, other);
    EXPECT_TRUE(names.answers().empty());
}

TEST(resolver, asks_once_for_all_who_want_a_name_at_the_same_time) {
    gate hold;
    resolver names(hold.bell(), hold.look_up());
    const std::set<std::uint64_t> tickets{names.ask("same.example"), names.ask("same.example"),
                                          names.ask("same.example")};
    hold.wait_begun(1);
    hold.let_go();
    const auto answers = wait_answers(names, hold, 3);
    ASSERT_EQ(answers.size(), 3U);
    EXPECT_EQ(tickets.size(), 3U);
    EXPECT_EQ(hold.begun, 1);
}

TEST(resolver, a_fresh_look_up_answers_while_an_old_one_of_the_same_name_hangs) {
    gate hold;
    const auto hanging = hold.look_up();
    resolver names(
        hold.bell(),
        [&](const std::string& name) {
            if (std::unique_lock lock(hold.mutex); hold.begun == 0) {
                lock.unlock();
                return hanging(name);
            }
            resolution found;
            found.addresses = {"192.0.2.7"};
            return found;
        },
        0s);
    const auto old = names.ask("press.example");
    hold.wait_begun(1);
    const auto fresh = names.ask("press.example");
    auto answers = wait_answers(names, hold, 1);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].ticket, fresh);
    EXPECT_EQ(answers[0].addresses, std::vector<std::string>{"192.0.2.7"});
    hold.let_go();
    answers = wait_answers(names, hold, 1);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].ticket, old);
    EXPECT_EQ(answers[0].addresses, std::vector<std::string>{"press.example found"});
}

std::string numbered(int number) {
    return "name-" + std::to_string(number) + ".example";
}

TEST(resolver, has_sixteen_threads_at_most_and_the_rest_wait) {
    gate hold;
    hold.open = true;
    resolver names(hold.bell(), hold.look_up());
    for (int count = 0; count < 40; ++count) { // so that each was answered once
        names.ask(numbered(count));
    }
    EXPECT_EQ(wait_answers(names, hold, 40).size(), 40U);
    {
        const std::lock_guard lock(hold.mutex);
        hold.open = false;
        hold.begun = 0;
    }
    std::uint64_t last = 0;
    for (int count = 0; count < 40; ++count) {
        last = names.ask(numbered(count));
    }
    hold.wait_begun(static_cast<int>(resolver::most_threads));
    {
        const std::lock_guard lock(hold.mutex);
        EXPECT_EQ(hold.begun, static_cast<int>(resolver::most_threads));
    }
    EXPECT_TRUE(names.waits(last));
    hold.let_go();
    EXPECT_EQ(wait_answers(names, hold, 40).size(), 40U);
    EXPECT_FALSE(names.waits(last));
}

TEST(resolver, names_that_hang_leave_threads_to_those_that_never_did) {
    gate hold;
    const auto hanging = hold.look_up();
    resolver names(hold.bell(), [&](const std::string& name) {
        if (name != "good.example") {
            return hanging(name);
        }
        resolution found;
        found.addresses = {"192.0.2.7"};
        return found;
    });
    names.ask("good.example");
    EXPECT_EQ(wait_answers(names, hold, 1).size(), 1U);
    std::vector<std::uint64_t> tickets;
    for (int count = 0; count < 20; ++count) {
        tickets.push_back(names.ask(numbered(count)));
    }
    hold.wait_begun(static_cast<int>(resolver::most_doubtful));
    for (const std::uint64_t ticket : tickets) {
        names.abandon(ticket);
    }
    for (int count = 0; count < 20; ++count) {
        tickets.push_back(names.ask(numbered(count) + "."));
    }
    const auto good = names.ask("good.example");
    auto answers = wait_answers(names, hold, 1);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].ticket, good);
    hold.let_go();
    EXPECT_EQ(wait_answers(names, hold, 20).size(), 20U);
}

TEST(resolver, may_end_while_look_ups_hang) {
    // Shared with the thread, which outlives the resolver.
    static gate hold;
    {
        resolver names(hold.bell(), hold.look_up());
        names.ask("hanging.example");
        hold.wait_begun(1);
    }
    EXPECT_EQ(hold.rings, 0);
    hold.let_go();
}

TEST(resolver, reads_the_hosts_file) {
    const resolution found = resolver::system_look_up("localhost");
    EXPECT_TRUE(found.error.empty()) << found.error;
    ASSERT_FALSE(found.addresses.empty());
    EXPECT_TRUE(found.addresses[0] == "127.0.0.1" || found.addresses[0] == "::1") << found.addresses[0];
}

TEST(resolver, lets_the_two_kinds_of_address_take_turns) {
    const std::vector<std::string> all{"2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"};
    const std::vector<std::string> turns{"2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2",
                                         "2001:db8::3"};
    EXPECT_EQ(take_turns(all), turns);
    EXPECT_EQ(take_turns({"192.0.2.1", "192.0.2.2"}), (std::vector<std::string>{"192.0.2.1", "192.0.2.2"}));
    EXPECT_TRUE(take_turns({}).empty());
}

} // namespace
