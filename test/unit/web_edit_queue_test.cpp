#include "web/edit_queue.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace iom::host::web;

/// A queue on a thread that does one thing after the other, when it is told to.
struct Edits : testing::Test {
    std::deque<std::function<void()>> posted;
    std::vector<std::string> heard;
    std::vector<std::function<void()>> ends; ///< of the edits that have begun
    edit_queue queue{[this](std::function<void()> what) { posted.push_back(std::move(what)); },
                     [this](const reply& to, const std::exception_ptr& why) {
                         to(answer{why ? 400 : 500, {}, {}, {}});
                     }};

    reply told(const std::string& name) {
        return
            [this, name](const answer& made) { heard.push_back(name + ' ' + std::to_string(made.status)); };
    }

    bool add(const std::string& name) {
        return queue.add(told(name), [this, name](std::function<void()> done) {
            heard.push_back(name + " begins");
            ends.push_back(std::move(done));
        });
    }

    void end(std::size_t which) {
        const std::function<void()> done = std::move(ends.at(which));
        ends.at(which) = {};
        done();
    }

    void run_posted() {
        for (int some = 0; some < 100 && !posted.empty(); ++some) {
            const auto next = std::move(posted.front());
            posted.pop_front();
            next();
        }
        ASSERT_TRUE(posted.empty());
    }
};

TEST_F(Edits, GoOneAfterTheOther) {
    ASSERT_TRUE(add("a"));
    ASSERT_TRUE(add("b"));
    ASSERT_TRUE(add("c"));
    EXPECT_EQ(heard, (std::vector<std::string>{"a begins"}));
    end(0);
    run_posted();
    EXPECT_EQ(heard, (std::vector<std::string>{"a begins", "b begins"}));
    end(1);
    run_posted();
    end(2);
    run_posted();
    EXPECT_EQ(heard, (std::vector<std::string>{"a begins", "b begins", "c begins"}));
}

TEST_F(Edits, OneThatComesBetweenTheEndOfTheLastAndTheStartOfTheNextBeginsOnce) {
    ASSERT_TRUE(add("a"));
    end(0); // what is to begin next is only posted
    ASSERT_TRUE(add("b"));
    run_posted();
    EXPECT_EQ(heard, (std::vector<std::string>{"a begins", "b begins"}));
    ASSERT_TRUE(add("c"));
    end(1);
    ASSERT_TRUE(add("d"));
    run_posted();
    EXPECT_EQ(heard, (std::vector<std::string>{"a begins", "b begins", "c begins"}));
    end(2);
    run_posted();
    EXPECT_EQ(heard.back(), "d begins");
    end(3);
    run_posted();
    EXPECT_EQ(heard.size(), 4U);
}

TEST_F(Edits, OneThatEndsTwiceTakesNobodysTurn) {
    std::function<void()> kept;
    ASSERT_TRUE(queue.add(told("a"), [&](const std::function<void()>& done) { kept = done; }));
    kept();
    ASSERT_TRUE(add("b"));
    kept();
    ASSERT_TRUE(add("c"));
    run_posted();
    EXPECT_EQ(heard, (std::vector<std::string>{"b begins"}));
}

TEST_F(Edits, OneThatThrowsOrForgetsToEndIsApologisedFor) {
    ASSERT_TRUE(queue.add(told("a"), [](const std::function<void()>&) { throw std::runtime_error("no"); }));
    EXPECT_EQ(heard, (std::vector<std::string>{"a 400"}));
    run_posted();
    heard.clear();
    ASSERT_TRUE(add("b"));
    ASSERT_TRUE(add("c"));
    ends.at(0) = {}; // the last who held it has let go
    run_posted();
    EXPECT_EQ(heard, (std::vector<std::string>{"b begins", "b 500", "c begins"}));
    end(1);
    run_posted();
}

TEST_F(Edits, AreRefusedWhereTooManyWait) {
    for (std::size_t i = 0; i < edit_queue::most; ++i) {
        ASSERT_TRUE(add("one")) << i;
    }
    EXPECT_FALSE(add("too many"));
    end(0);
    run_posted();
    EXPECT_TRUE(add("one more"));
    for (std::size_t i = 1; i <= edit_queue::most; ++i) {
        end(i);
        run_posted();
    }
}

} // namespace
