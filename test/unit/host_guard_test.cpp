// The guard: for each rule of the contract the module in test/modules that breaks it, and what becomes of it.

#include "guard.hpp"

#include "host_support.hpp"

#include <atomic>
#include <gmock/gmock.h>
#include <memory>
#include <vector>

namespace iom::host {
namespace {

using test::folder;
using test::readable_log;
using ::testing::HasSubstr;
using ::testing::Not;

// The numbers of test/modules/sample.xml.in.
constexpr std::uint32_t title_setting = 1;
constexpr std::uint32_t match_setting = 3;
constexpr std::size_t say_action = 0; // places
constexpr std::size_t fail_action = 1;
constexpr std::size_t keep_action = 2;
constexpr std::size_t refuse_action = 3;
constexpr std::uint32_t count_status = 2;

iom_value text_value(std::uint32_t id, std::string_view text) {
    iom_value made{};
    made.id = id;
    made.kind = IOM_TEXT;
    made.as.text = {text.data(), text.size()};
    return made;
}

/// Records everything, and does what a test asks for when a trigger comes.
class recorder final : public module_listener {
public:
    std::atomic<int> wakes{0};
    std::vector<std::string> triggers;
    std::vector<std::int64_t> counts;
    std::vector<std::string> ended;
    std::vector<std::string> condemned;
    std::function<void()> on_trigger;

    void module_wakes() noexcept override { ++wakes; }
    void module_status(std::span<const iom_value> values) override {
        for (const iom_value& each : values) {
            if (each.id == count_status) {
                counts.push_back(each.as.integer);
            }
        }
    }
    void module_triggers(std::size_t trigger, std::span<const iom_value> variables) override {
        triggers.push_back(std::to_string(trigger) + ":" +
                           std::string(variables[0].as.text.data, variables[0].as.text.size));
        if (on_trigger) {
            on_trigger();
        }
    }
    void module_done(const call_origin& origin, iom_outcome outcome, std::string_view sentence) override {
        ended.push_back(std::to_string(origin.rule) + ":" + std::to_string(outcome) + ":" +
                        std::string(sentence));
    }
    bool module_tests(std::uint32_t match, const iom_value& /*message*/, bool /*capture*/,
                      bool& holds) override {
        holds = match == 5;
        return match == 5;
    }
    bool module_expands(std::string_view written, std::string_view& expanded) override {
        expanded = written;
        return true;
    }
    void module_begins_session() override {}
    bool module_keeps(std::string_view what) override {
        kept = what;
        return true;
    }
    std::string_view module_kept() override { return kept; }
    std::string kept;
    void module_condemned(std::string_view sentence) override { condemned.emplace_back(sentence); }
};

class bench {
public:
    explicit bench(const std::string& module, guard_limits limits = {},
                   std::chrono::milliseconds patience = std::chrono::seconds(1))
        : watch(journal.lines, patience) {
        std::vector<manifest::mistake> mistakes;
        loaded =
            loader::load_file(std::filesystem::path(IOM_TEST_MODULES_FOLDER) / (module + ".so"), mistakes);
        EXPECT_TRUE(mistakes.empty()) << (mistakes.empty() ? "" : manifest::to_string(mistakes.front()));
        it = std::make_unique<guarded>(*loaded, "probe", static_cast<module_listener&>(heard), journal.lines,
                                       watch, limits);
    }

    /// Gives its settings and starts it.
    void run(std::string_view title = "a title") {
        EXPECT_TRUE(it->create().ok());
        const iom_value settings[] = {text_value(title_setting, title)};
        EXPECT_TRUE(it->set(settings).ok());
        EXPECT_TRUE(it->start().ok());
    }

    module_answer invoke(std::size_t action, std::uint32_t rule = 1) {
        call_origin origin;
        origin.rule = rule;
        const iom_value message[] = {text_value(1, "hello")};
        return it->invoke(action, std::span<const iom_value>(message, action == say_action ? 1 : 0), origin);
    }

    readable_log journal;
    call_watch watch;
    recorder heard;
    std::unique_ptr<loaded_module> loaded;
    std::unique_ptr<guarded> it;
};

TEST(Guard, LetsAGoodModuleWork) {
    bench on("good");
    on.run();
    on.it->service();
    EXPECT_TRUE(on.invoke(say_action, 7).ok());
    EXPECT_TRUE(on.invoke(fail_action, 8).ok());
    EXPECT_TRUE(on.invoke(keep_action, 9).ok());
    const module_answer refused = on.invoke(refuse_action);
    EXPECT_EQ(refused.result, IOM_OFFLINE);
    EXPECT_EQ(refused.sentence, "It always refuses.");
    on.it->service();
    EXPECT_EQ(on.heard.triggers, (std::vector<std::string>{"0:a title", "1:hello"}));
    EXPECT_EQ(on.heard.ended, (std::vector<std::string>{"7:0:", "8:1:It always fails."}));
    EXPECT_EQ(on.it->open_calls(), 1U);
    on.it->stop();
    EXPECT_TRUE(on.it->service().stopped);
    EXPECT_EQ(on.heard.ended.back(), "9:1:The instance stops.");
    EXPECT_EQ(on.it->open_calls(), 0U);
    EXPECT_TRUE(on.it->start().ok());
    on.it->destroy("the test ends");
    EXPECT_EQ(on.it->counts().breaches, 0U) << on.it->counts().last_breach;
    EXPECT_GT(on.heard.wakes, 0);
}

TEST(Guard, EndsOpenCallsWhenAnInstanceIsDestroyed) {
    bench on("good");
    on.run();
    on.it->service();
    EXPECT_TRUE(on.invoke(keep_action, 3).ok());
    EXPECT_TRUE(on.invoke(say_action, 4).ok());
    on.it->destroy("the test wants it");
    ASSERT_EQ(on.heard.ended.size(), 2U);
    EXPECT_THAT(on.heard.ended[0],
                HasSubstr("3:1:The instance was ended before this was done (the test wants it)."));
    EXPECT_EQ(on.it->counts().breaches, 0U);
}

TEST(Guard, KeepsTheHostToTheContractToo) {
    bench on("good");
    EXPECT_EQ(on.it->start().result, IOM_STATE);
    EXPECT_EQ(on.it->set({}).result, IOM_STATE);
    EXPECT_TRUE(on.it->create().ok());
    EXPECT_EQ(on.it->create().result, IOM_STATE);
    EXPECT_EQ(on.it->start().result, IOM_STATE);
    EXPECT_EQ(on.invoke(say_action).result, IOM_STATE);
    EXPECT_FALSE(on.it->service().more);
    on.it->destroy("end");
    on.it->destroy("end");
    EXPECT_EQ(on.invoke(say_action).result, IOM_STATE);
    EXPECT_EQ(on.it->counts().breaches, 0U);
}

TEST(Guard, LetsRulesInvokeFromWithinATrigger) {
    bench on("good");
    on.run();
    int rounds = 0;
    on.heard.on_trigger = [&] {
        EXPECT_TRUE(on.it->on_stack());
        if (++rounds < 100) {
            EXPECT_TRUE(on.invoke(say_action).ok());
        }
    };
    while (rounds < 100) {
        on.it->service();
    }
    EXPECT_EQ(on.it->counts().breaches, 0U) << on.it->counts().last_breach;
}

struct fault {
    const char* module;
    const char* word;     ///< of the rule that it breaks
    const char* sentence; ///< part of what is said of it
    bool condemned;       ///< at once
};

class GuardCatches : public ::testing::TestWithParam<fault> {};

TEST_P(GuardCatches, WhatItsModuleDoesWrong) {
    bench on(GetParam().module);
    on.run();
    on.it->service();
    on.invoke(say_action);
    on.invoke(keep_action);
    on.it->service();
    if (!on.it->condemned()) {
        on.it->stop();
        on.it->service();
    }
    EXPECT_GE(on.it->counts().breaches, 1U);
    const std::string lines = on.journal.text();
    EXPECT_THAT(lines,
                HasSubstr("probe: the module broke the contract (" + std::string(GetParam().word) + ")"));
    EXPECT_THAT(lines, HasSubstr(GetParam().sentence));
    EXPECT_EQ(on.it->condemned(), GetParam().condemned);
    EXPECT_EQ(on.heard.condemned.size(), GetParam().condemned ? 1U : 0U);
    on.it->destroy("it broke the contract");
    EXPECT_EQ(on.it->open_calls(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, GuardCatches,
    ::testing::Values(
        fault{"wrong-thread", "thread", "called trigger from a thread that is not [control]", true},
        fault{"wrong-stopped", "state", "reported that it has stopped, but nobody asked it to", true},
        fault{"wrong-reentry", "re-entry", "called trigger outside its service", true},
        fault{"wrong-outside", "re-entry", "called status outside its service", true},
        fault{"wrong-status-id", "id", "gave status 999, which its manifest does not have", false},
        fault{"wrong-trigger-id", "id", "fired trigger 999, which its manifest does not have", false},
        fault{"wrong-match", "id", "asked for match 12345, which it was never given", false},
        fault{"wrong-type", "type", "\"count\" a value of kind text, which the manifest does not say", false},
        fault{"wrong-type", "type", "\"state\" the value \"flying\", which is none of its choices", false},
        fault{"wrong-variables", "type", "fired \"said\" with 1 variables instead of 2", false},
        fault{"wrong-variables", "id", "fired \"said\" with variable 77 where the manifest has \"ready\"",
              false},
        fault{"wrong-pointer", "pointer", "\"greeting\" a size without a place", false},
        fault{"wrong-done-twice", "done", "ended a call a second time", true},
        fault{"wrong-done-unknown", "done", "ended a call that was never made", true},
        fault{"wrong-undone", "undone", "has stopped, but left 1 calls open", false},
        fault{"wrong-answer", "answer", "answered invoke with 99, which is no answer to it", false},
        fault{"wrong-silent", "answer", "refused invoke without a sentence", false},
        fault{"wrong-exception", "exception", "let an exception out of service: nobody caught me", true}),
    [](const auto& each) {
        std::string name = each.param.module;
        std::replace(name.begin(), name.end(), '-', '_');
        return name + "_" + std::to_string(each.index);
    });

TEST(GuardCatches, StatusesThatAreRightPassBesideThoseThatAreNot) {
    bench on("wrong-status-id");
    on.run();
    on.it->service();
    EXPECT_THAT(on.heard.counts, ::testing::IsSupersetOf({41, 42}));
}

TEST(GuardCatches, TriggersThatAreWrongNeverReachTheRules) {
    for (const char* const module : {"wrong-variables", "wrong-trigger-id"}) {
        bench on(module);
        on.run();
        on.it->service();
        EXPECT_EQ(on.heard.triggers, std::vector<std::string>{"0:a title"}) << module;
    }
}

TEST(GuardCatches, NothingOfACondemnedModuleCountsAnyMore) {
    bench on("wrong-done-unknown");
    on.run();
    on.it->service();
    EXPECT_TRUE(on.it->condemned());
    EXPECT_TRUE(on.heard.triggers.empty());
    EXPECT_EQ(on.invoke(say_action).result, IOM_STATE);
    EXPECT_FALSE(on.it->service().more);
}

TEST(GuardCatches, OneHarmlessBreachTooMany) {
    guard_limits limits;
    limits.tolerated = 3;
    bench on("wrong-trigger-id", limits);
    on.run();
    for (int round = 0; round < 3; ++round) {
        on.it->service();
        EXPECT_FALSE(on.it->condemned()) << round;
    }
    on.it->service();
    EXPECT_TRUE(on.it->condemned());
    EXPECT_EQ(on.it->counts().breaches, 4U);
}

TEST(GuardCatches, AModuleThatCreatesNothing) {
    bench on("wrong-create");
    const module_answer said = on.it->create();
    EXPECT_FALSE(said.ok());
    EXPECT_FALSE(said.sentence.empty());
    EXPECT_EQ(on.it->counts().breaches, 1U);
}

TEST(GuardCatches, CallsAfterDestroy) {
    bench on("wrong-late");
    on.run();
    on.it->destroy("end");
    const int wakes = on.heard.wakes;
    // The dead one is still there; the next one calls its functions.
    recorder other;
    guarded next(*on.loaded, "next", other, on.journal.lines, on.watch);
    EXPECT_TRUE(next.create().ok());
    const std::string lines = on.journal.text();
    EXPECT_THAT(
        lines,
        HasSubstr(
            "probe: the module broke the contract (state): it called wake after its destroy had returned"));
    EXPECT_THAT(lines, HasSubstr("it called log after its destroy had returned"));
    EXPECT_THAT(lines, Not(HasSubstr("a ghost speaks")));
    EXPECT_EQ(on.heard.wakes, wakes);
}

TEST(GuardCatches, CallsThatTakeTooLongAreCountedAndNeverCondemned) {
    bench on("wrong-slow");
    on.run();
    for (int round = 0; round < 3; ++round) {
        on.it->service();
    }
    const guard_counts& counts = on.it->counts();
    EXPECT_EQ(counts.slow_calls, 3U);
    EXPECT_EQ(counts.very_slow_calls, 3U);
    EXPECT_GE(counts.longest.count(), 20'000);
    EXPECT_EQ(counts.breaches, 0U);
    EXPECT_FALSE(on.it->condemned());
    const std::string lines = on.journal.text();
    EXPECT_THAT(lines, HasSubstr("the module's service took "));
    EXPECT_THAT(lines, Not(HasSubstr("; 3 such calls so far"))); // it is not said each time
}

TEST(Guard, TimeThatTheHostTakesIsNotTheModules) {
    bench on("good");
    on.run();
    on.heard.on_trigger = [] {
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(40);
        while (std::chrono::steady_clock::now() < end) {}
    };
    on.it->service();
    ASSERT_EQ(on.heard.triggers.size(), 1U);
    EXPECT_EQ(on.it->counts().very_slow_calls, 0U);
}

TEST(Guard, AWatchdogNamesACallThatDoesNotReturn) {
    const folder place;
    const std::string gate = (place.path() / "gate").string();
    bench on("wrong-hang", {}, std::chrono::milliseconds(100));
    on.run(gate);
    std::thread opener([&] {
        EXPECT_TRUE(test::eventually(
            [&] { return on.journal.text().find("has not returned for") != std::string::npos; }));
        std::ofstream(gate) << "open";
    });
    on.it->service();
    opener.join();
    EXPECT_TRUE(
        test::eventually([&] { return on.journal.text().find("has returned, after") != std::string::npos; }));
    EXPECT_THAT(on.journal.text(),
                HasSubstr("the module's service for instance \"probe\" has not returned for"));
    EXPECT_FALSE(on.it->condemned());
}

TEST(Guard, GivesMatchesToModules) {
    bench on("good");
    EXPECT_TRUE(on.it->create().ok());
    iom_value match{};
    match.id = match_setting;
    match.kind = IOM_MATCH;
    match.as.match = 5;
    const iom_value settings[] = {text_value(title_setting, "t"), match};
    EXPECT_TRUE(on.it->set(settings).ok());
    EXPECT_TRUE(on.it->start().ok());
    EXPECT_TRUE(on.invoke(say_action).ok());
    on.it->service();
    EXPECT_EQ(on.it->counts().breaches, 0U) << on.it->counts().last_breach;
}

} // namespace
} // namespace iom::host
