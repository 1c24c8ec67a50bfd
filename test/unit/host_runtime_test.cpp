// The runtime with the sample module: rules at work, reload, quarantine, fairness, the end.

#include "runtime.hpp"

#include "host_support.hpp"

#include <atomic>
#include <cstdlib>
#include <functional>
#include <gmock/gmock.h>
#include <memory>
#include <sys/stat.h>
#include <thread>

namespace iom::host {
namespace {

using test::folder;
using test::readable_log;
using ::testing::HasSubstr;
using ::testing::Not;

std::string instance_xml(const std::string& name, const std::string& more = {},
                         const std::string& module = "good") {
    return "<instance name=\"" + name + "\" module=\"" + module + "\"><set name=\"title\">" + name +
           "</set>" + more + "</instance>\n";
}

std::string rule_xml(const std::string& name, const std::string& on, const std::string& content) {
    return "<rule name=\"" + name + "\">" + on + content + "</rule>\n";
}

std::string on_xml(const std::string& trigger, const std::string& content = {}) {
    return "<on trigger=\"" + trigger + "\">" + content + "</on>";
}

std::string say_xml(const std::string& instance, const std::string& message) {
    return "<do action=\"" + instance + "/say\"><arg name=\"message\">" + message + "</arg></do>";
}

std::string log_xml(const std::string& message) {
    return "<do action=\"host/log\"><arg name=\"message\">" + message + "</arg></do>";
}

class Runtime : public ::testing::Test {
protected:
    void write(const std::string& content) {
        place_.write("p.xml", "<project name=\"test\">\n" + content + "</project>\n");
    }

    bool load() {
        options_.project = place_.path() / "p.xml";
        options_.modules = IOM_TEST_MODULES_FOLDER;
        it_ = std::make_unique<runtime>(options_, journal_.lines, journal_.known);
        mistakes_.clear();
        return it_->load(mistakes_);
    }

    void run(const std::string& content) {
        write(content);
        ASSERT_TRUE(load()) << said();
        it_->start();
    }

    std::string said() const {
        std::string out;
        for (const manifest::mistake& each : mistakes_) {
            out += manifest::to_string(each) + '\n';
        }
        return out;
    }

    /// Turns until it holds; false if it does not within half a minute.
    bool until(const std::function<bool()>& holds) {
        const time_us bound = control_loop::now() + 30 * one_second;
        while (!holds()) {
            if (control_loop::now() > bound) {
                return false;
            }
            it_->turn(control_loop::now() + 5'000);
        }
        return true;
    }

    bool until_logged(const std::string& part) {
        return until([&] { return journal_.text().find(part) != std::string::npos; });
    }

    value_view status(const std::string& name, std::size_t at) {
        instance* const found = it_->find(name);
        return found != nullptr ? found->statuses()[at].what.view() : value_view{};
    }

    std::int64_t starts(const std::string& name) { return status(name, 3).integer; }

    void stop() {
        it_->ask_to_stop();
        EXPECT_TRUE(until([&] { return it_->has_stopped(); }));
    }

    folder place_;
    readable_log journal_;
    runtime_options options_;
    std::vector<manifest::mistake> mistakes_;
    std::unique_ptr<runtime> it_;
};

TEST_F(Runtime, CarriesATriggerThroughARuleToAnAction) {
    write(instance_xml("a") + instance_xml("b") + "<variable name=\"heard\" type=\"text\" value=\"\"/>\n" +
          rule_xml("over", on_xml("a/started"), say_xml("b", "from ${1}")) +
          rule_xml("hear", on_xml("b/said", "<match kind=\"prefix\" as=\"rest\">from </match>"),
                   "<do action=\"host/set\"><arg name=\"variable\">heard</arg><arg "
                   "name=\"value\">${rest}</arg></do>"));
    ASSERT_TRUE(load()) << said();
    EXPECT_EQ(to_text(status("a", 0)), "idle"); // as the manifest says, before the first post
    EXPECT_EQ(status("a", 1).integer, 0);
    EXPECT_EQ(it_->find("a")->now(), guarded::state::created);
    it_->start();
    EXPECT_TRUE(until([&] { return to_text(it_->values().get(0)) == "a"; }));
    EXPECT_EQ(to_text(status("b", 0)), "running");
    EXPECT_EQ(status("b", 1).integer, 1);
    EXPECT_GT(it_->find("b")->statuses()[0].changed.time_since_epoch().count(), 0);
    stop();
    EXPECT_EQ(to_text(status("b", 0)), "idle");
    EXPECT_THAT(journal_.text(), Not(HasSubstr("error")));
}

TEST_F(Runtime, StartsNothingWhereThereIsAMistake) {
    write(instance_xml("a") +
          "<instance name=\"b\" module=\"good\">\n  <set name=\"title\">bad</set>\n</instance>\n");
    EXPECT_FALSE(load());
    EXPECT_THAT(said(), HasSubstr("p.xml:4:")); // the place of the setting that the module's sentence names
    EXPECT_THAT(said(), HasSubstr("Title must be there and must not be \"bad\"."));
    EXPECT_EQ(it_->find("a"), nullptr);

    write(instance_xml("a", {}, "wrong-abi"));
    EXPECT_FALSE(load());
    EXPECT_THAT(said(), HasSubstr("contract number 42"));

    write(instance_xml("a", {}, "no-such-module"));
    EXPECT_FALSE(load());
    EXPECT_THAT(said(), HasSubstr("p.xml:2:"));
    EXPECT_THAT(said(), HasSubstr("no-such-module"));

    write("<instance");
    EXPECT_FALSE(load());
    EXPECT_THAT(said(), HasSubstr("p.xml:"));
}

TEST_F(Runtime, TellsRulesOfActionsThatFail) {
    run(instance_xml("a") +
        rule_xml("try", on_xml("a/started"), "<do action=\"a/fail\"/><do action=\"a/refuse\"/>") +
        rule_xml("note", on_xml("host/action-failed"), log_xml("NOTE ${rule}|${action}|${sentence}")));
    EXPECT_TRUE(until_logged("NOTE try|a/refuse|It always refuses."));
    EXPECT_TRUE(until_logged("NOTE try|a/fail|It always fails."));
    EXPECT_THAT(journal_.text(), HasSubstr("a/refuse was refused: It always refuses."));
    EXPECT_THAT(journal_.text(), HasSubstr("failed: It always fails."));
    stop();
}

TEST_F(Runtime, EndsCallsAtTheLatestWhenItStops) {
    run(instance_xml("a") + rule_xml("hold", on_xml("a/started"), "<do action=\"a/keep\"/>") +
        rule_xml("note", on_xml("host/action-failed"), log_xml("NOTE ${action}: ${sentence}")));
    EXPECT_TRUE(until([&] { return it_->find("a")->open_calls() == 1; }));
    stop();
    EXPECT_EQ(it_->find("a")->open_calls(), 0U);
    EXPECT_THAT(journal_.text(), HasSubstr("NOTE a/keep: The instance stops."));
}

TEST_F(Runtime, PutsSecretsAndNamesIntoSettings) {
    ASSERT_EQ(setenv("IOM_TEST_PLACE", "hall", 1), 0);
    const auto file = place_.write("p.secrets", "pin=hunter2hunter2\n");
    ASSERT_EQ(chmod(file.c_str(), 0600), 0);
    run(instance_xml("a", "<set name=\"greeting\">${instance} at ${env:IOM_TEST_PLACE}: ${seq}</set>"
                          "<set name=\"key\">${secret:pin}</set>"));
    EXPECT_TRUE(until([&] { return to_text(status("a", 2)) == "a at hall: 1"; })) << to_text(status("a", 2));
    EXPECT_THAT(journal_.text(), HasSubstr("a: the key is ***"));
    EXPECT_THAT(journal_.text(), Not(HasSubstr("hunter2")));
    stop();
}

TEST_F(Runtime, HidesASecretThatIsWrittenInTheProject) {
    run(instance_xml("a", "<set name=\"key\">plainly-written</set>"));
    EXPECT_TRUE(until_logged("the key is ***"));
    EXPECT_THAT(journal_.text(), Not(HasSubstr("plainly-written")));
    stop();
}

TEST_F(Runtime, RefusesSecretsThatOthersMayRead) {
    write(instance_xml("a"));
    const auto file = place_.write("p.secrets", "pin=1\n");
    ASSERT_EQ(chmod(file.c_str(), 0644), 0);
    EXPECT_FALSE(load());
    EXPECT_THAT(said(), HasSubstr("p.secrets"));
    EXPECT_THAT(said(), HasSubstr("chmod 600"));
}

TEST_F(Runtime, LendsItsMatchesToModules) {
    run(instance_xml(
            "a", "<set name=\"ready-match\"><match kind=\"regex\">id=(?P&lt;number&gt;\\d+)</match></set>") +
        rule_xml("ask", on_xml("a/started"), say_xml("a", "nothing") + say_xml("a", "id=42")) +
        rule_xml("note", on_xml("a/said"),
                 log_xml("NOTE ${message} ready=${ready}") + log_xml("NOTE number=${session/number}")));
    EXPECT_TRUE(until_logged("NOTE nothing ready=false"));
    EXPECT_TRUE(until_logged("session/number has no value"));
    EXPECT_TRUE(until_logged("NOTE id=42 ready=true"));
    EXPECT_TRUE(until_logged("NOTE number=42"));
    stop();
}

TEST_F(Runtime, DelaysActionsAndRepeats) {
    run(instance_xml("a") +
        rule_xml("later", on_xml("a/started"),
                 "<do action=\"host/log\" after=\"30ms\"><arg name=\"message\">NOTE late</arg></do>") +
        rule_xml("again", "<on trigger=\"host/every\" interval=\"20ms\"/>",
                 "<do action=\"a/say\"><arg name=\"message\">tick</arg></do>"));
    EXPECT_TRUE(until_logged("NOTE late"));
    EXPECT_TRUE(until([&] { return status("a", 1).integer >= 3; }));
    stop();
}

TEST_F(Runtime, SharesTheLoopFairly) {
    // One instance answers itself for ever; the other is heard all the same.
    run(instance_xml("loud") + instance_xml("quiet") +
        rule_xml("go", on_xml("loud/started"), say_xml("loud", "on and on")) +
        rule_xml("round", on_xml("loud/said"), say_xml("loud", "${message}")) +
        rule_xml("ask", "<on trigger=\"host/every\" interval=\"10ms\"/>", say_xml("quiet", "still here")));
    EXPECT_TRUE(until([&] { return status("quiet", 1).integer >= 5 && status("loud", 1).integer >= 1000; }));
    EXPECT_EQ(it_->find("loud")->counts().breaches, 0U) << it_->find("loud")->counts().last_breach;
    stop();
}

// ---- reload

TEST_F(Runtime, ReloadTouchesOnlyWhatHasChanged) {
    const auto text = [&](const std::string& b_more, const std::string& c_title, const std::string& rule) {
        return instance_xml("a") + instance_xml("b", b_more) +
               "<instance name=\"c\" module=\"good\"><set name=\"title\">" + c_title + "</set></instance>\n" +
               rule;
    };
    run(text("<set name=\"pace\">1</set>", "first", ""));
    EXPECT_TRUE(until([&] { return starts("a") == 1 && starts("b") == 1 && starts("c") == 1; }));
    instance* const a = it_->find("a");
    instance* const c = it_->find("c");

    write(text("<set name=\"pace\">2</set>", "second",
               rule_xml("note", on_xml("c/started"), log_xml("NOTE ${1}"))));
    it_->reload();
    EXPECT_TRUE(until_logged("NOTE second"));
    EXPECT_EQ(starts("a"), 1);
    EXPECT_EQ(starts("b"), 1);
    EXPECT_EQ(starts("c"), 2);
    EXPECT_EQ(it_->find("a"), a);
    EXPECT_EQ(it_->find("c"), c);
    EXPECT_THAT(
        journal_.text(),
        HasSubstr("1 instance untouched, 1 with new settings at once, 1 restarted, 0 added, 0 removed"));
    stop();
}

TEST_F(Runtime, ReadsTheNextProjectWhileRulesGoOn) {
    run(instance_xml("a") +
        rule_xml("ask", "<on trigger=\"host/every\" interval=\"10ms\"/>", say_xml("a", "still here")));
    EXPECT_TRUE(until([&] { return status("a", 1).integer >= 1; }));
    write(instance_xml("a") + instance_xml("b") + rule_xml("note", on_xml("b/started"), log_xml("NOTE b")));
    runtime::candidate next = it_->begin_reload();
    std::atomic<bool> prepared{false};
    std::thread beside([&] {
        it_->prepare(next);
        prepared = true;
    });
    EXPECT_TRUE(until([&] { return prepared.load(); }));
    beside.join();
    EXPECT_EQ(it_->find("b"), nullptr);
    while (it_->judge_some(next)) {}
    EXPECT_EQ(it_->finish_reload(next), runtime::reloaded::done);
    EXPECT_TRUE(until_logged("NOTE b"));
    EXPECT_EQ(starts("a"), 1);
    stop();
}

TEST_F(Runtime, AReloadThatAnotherOvertookIsNotUsed) {
    run(instance_xml("a"));
    runtime::candidate late = it_->begin_reload();
    it_->prepare(late);
    write(instance_xml("a") + instance_xml("b"));
    it_->reload();
    EXPECT_FALSE(it_->judge_some(late));
    EXPECT_EQ(it_->finish_reload(late), runtime::reloaded::outdated);
    EXPECT_NE(it_->find("b"), nullptr);
    stop();
}

TEST_F(Runtime, ReloadAddsAndRemoves) {
    run(instance_xml("a") + instance_xml("b"));
    EXPECT_TRUE(until([&] { return starts("a") == 1 && starts("b") == 1; }));
    write(instance_xml("c") + instance_xml("b") +
          rule_xml("note", on_xml("*/started"), log_xml("NOTE ${instance}")) +
          rule_xml("say", on_xml("c/started"), say_xml("b", "to the right one")));
    it_->reload();
    EXPECT_TRUE(until([&] { return status("b", 1).integer == 1; }));
    EXPECT_EQ(it_->find("a"), nullptr);
    EXPECT_EQ(starts("b"), 1);
    EXPECT_EQ(starts("c"), 1);
    EXPECT_THAT(journal_.text(), HasSubstr("NOTE c"));
    EXPECT_THAT(journal_.text(), HasSubstr("1 added, 1 removed"));
    stop();
}

TEST_F(Runtime, ReloadKeepsVariables) {
    const std::string variable = "<variable name=\"n\" type=\"int\" value=\"0\"/>\n";
    run(instance_xml("a") + variable);
    std::string why;
    ASSERT_TRUE(it_->values().set(0, value_view::of(std::int64_t{7}), why)) << why;
    write(instance_xml("a") + "<variable name=\"first\" type=\"text\" value=\"x\"/>\n" + variable);
    it_->reload();
    EXPECT_EQ(it_->values().get(1).integer, 7);
    stop();
}

TEST_F(Runtime, AReloadWithMistakesChangesNothing) {
    run(instance_xml("a") +
        rule_xml("note", "<on trigger=\"host/every\" interval=\"20ms\"/>", say_xml("a", "x")));
    EXPECT_TRUE(until([&] { return status("a", 1).integer >= 1; }));
    for (const std::string& broken :
         {std::string("<instance"), instance_xml("a") + instance_xml("b", {}, "wrong-token"),
          std::string("<instance name=\"a\" module=\"good\"><set name=\"title\">bad</set></instance>"),
          instance_xml("a") + rule_xml("r", on_xml("nobody/started"), log_xml("x"))}) {
        write(broken);
        it_->reload();
        const std::int64_t before = status("a", 1).integer;
        EXPECT_TRUE(until([&] { return status("a", 1).integer > before; })) << broken;
        EXPECT_EQ(it_->current().rules.rules.size(), 1U);
    }
    EXPECT_EQ(starts("a"), 1);
    EXPECT_THAT(journal_.text(), HasSubstr("everything goes on as before"));
    EXPECT_THAT(journal_.text(), HasSubstr("p.xml:2:"));
    stop();
}

TEST_F(Runtime, ReloadTellsAnUnchangedRuleOfTheActionsItHadBegun) {
    const std::string rules =
        rule_xml("hold", on_xml("a/started"), "<do action=\"a/keep\"/>") +
        rule_xml("note", on_xml("host/action-failed"), log_xml("NOTE ${rule}: ${sentence}"));
    run(instance_xml("a") + rules);
    EXPECT_TRUE(until([&] { return it_->find("a")->open_calls() == 1; }));
    write(instance_xml("b") + instance_xml("a") + rule_xml("new", on_xml("b/started"), log_xml("NEW")) +
          rules);
    it_->reload();
    it_->reload();
    EXPECT_TRUE(until_logged("NEW"));
    stop();
    EXPECT_THAT(journal_.text(), HasSubstr("NOTE hold: The instance stops."));
}

TEST_F(Runtime, ReloadGoesOnWithoutTheCallsOfOldRules) {
    run(instance_xml("a") + rule_xml("hold", on_xml("a/started"), "<do action=\"a/keep\"/>"));
    EXPECT_TRUE(until([&] { return it_->find("a")->open_calls() == 1; }));
    write(instance_xml("a"));
    it_->reload();
    stop();
    EXPECT_THAT(journal_.text(), HasSubstr("an action of the rules before they were loaded again failed"));
}

TEST_F(Runtime, EventsKeepTheirNamesHoweverOftenTheProjectChanges) {
    const auto text = [](int pace) {
        return instance_xml("a") +
               rule_xml("first", on_xml("a/started"), log_xml("NOTE " + std::to_string(pace)));
    };
    run(text(0));
    EXPECT_TRUE(until_logged("NOTE 0"));
    std::uint64_t number = 1;
    while (it_->events().tell(number) && it_->events().tell(number)->looks.empty()) {
        ++number;
    }
    const auto told = it_->events().tell(number);
    ASSERT_TRUE(told);
    for (int pace = 1; pace <= 20; ++pace) {
        write(text(pace));
        it_->reload();
    }
    const auto later = it_->events().tell(number);
    ASSERT_TRUE(later);
    EXPECT_EQ(later->trigger, told->trigger);
    EXPECT_EQ(later->trigger, "a/started");
    ASSERT_EQ(later->looks.size(), 1U);
    EXPECT_EQ(later->looks[0].rule, "first");
    stop();
}

TEST_F(Runtime, SaysWhichPartOfTheMatchDidNotHold) {
    run(instance_xml("a") + rule_xml("first", on_xml("a/said", "<match>ALARM</match>"), log_xml("NOTE one")) +
        rule_xml("go", on_xml("a/started"), say_xml("a", "all is well")));
    EXPECT_TRUE(until([&] { return it_->engine().report(0).last_no.has_value(); }));
    EXPECT_THAT(it_->events().in_words(0, it_->engine().report(0), control_loop::now()),
                HasSubstr("its match did not hold: the message does not contain \"ALARM\""));
    stop();
}

// ---- modules that are wrong

TEST_F(Runtime, QuarantinesAModuleThatBreaksTheContractAndStartsItAgain) {
    options_.restart_first = 10'000;
    options_.restart_most = 40'000;
    run(instance_xml("a", {}, "wrong-done-unknown") + instance_xml("b") +
        rule_xml("note", "<on trigger=\"host/every\" interval=\"20ms\"/>", say_xml("b", "x")));
    EXPECT_TRUE(until([&] {
        const std::string text = journal_.text();
        std::size_t found = 0;
        for (std::size_t at = text.find("will be started again"); at != std::string::npos;
             at = text.find("will be started again", at + 1)) {
            ++found;
        }
        return found >= 3;
    }));
    EXPECT_THAT(journal_.text(), HasSubstr("the module broke the contract (done)"));
    EXPECT_EQ(to_text(status("a", 0)), "idle"); // what nobody keeps true is not shown
    EXPECT_TRUE(until([&] { return status("b", 1).integer >= 2; }));
    stop();
}

TEST_F(Runtime, WhatAnInstanceKeepsOutlivesItsModulesFailure) {
    options_.restart_first = 10'000;
    run(instance_xml("a", {}, "wrong-keep") +
        rule_xml("once", on_xml("host/startup"), say_xml("a", "first") + say_xml("a", "the wish")) +
        rule_xml("break", on_xml("a/said", "<match>the wish</match>"), "<do action=\"a/fail\"/>"));
    EXPECT_TRUE(until_logged("will be started again"));
    EXPECT_TRUE(until([&] { return to_text(status("a", 2)) == "kept:the wish"; })) << to_text(status("a", 2));
    stop();
}

TEST_F(Runtime, SaysThatSomethingIsTooLongToBeKeptAndKeepsNothingThen) {
    options_.restart_first = 10'000;
    run(instance_xml("a", {}, "wrong-keep") +
        rule_xml("once", on_xml("host/startup"),
                 say_xml("a", std::string(65536, 'm')) + say_xml("a", std::string(65537, 'm')) +
                     "<do action=\"a/fail\"/>"));
    EXPECT_TRUE(until_logged("It was not kept."));
    EXPECT_TRUE(until_logged("will be started again"));
    EXPECT_TRUE(until([&] { return to_text(status("a", 2)) == "kept:"; })) << to_text(status("a", 2)).size();
    EXPECT_EQ(journal_.text().find("It was not kept."), journal_.text().rfind("It was not kept."))
        << "the shorter one was";
    stop();
}

TEST_F(Runtime, RefusesActionsOfAnInstanceInQuarantine) {
    options_.restart_first = 60 * one_second;
    run(instance_xml("a", {}, "wrong-exception") +
        rule_xml("try", "<on trigger=\"host/every\" interval=\"20ms\"/>", say_xml("a", "x")));
    EXPECT_TRUE(until_logged("a/say was refused: The instance is not running: its module is in quarantine"));
    stop();
}

TEST_F(Runtime, StartsAgainWhatDidNotStart) {
    options_.restart_first = 10'000;
    run(instance_xml("a", {}, "wrong-outside"));
    EXPECT_TRUE(until_logged("will be started again"));
    EXPECT_TRUE(until_logged("called status outside its service"));
    stop();
}

TEST_F(Runtime, EndsAModuleThatDoesNotStopInTime) {
    options_.stop_bound = 50'000;
    run(instance_xml("a", {}, "wrong-deaf"));
    EXPECT_TRUE(until([&] { return starts("a") == 1; }));
    stop();
    EXPECT_THAT(journal_.text(), HasSubstr("the module has not stopped within its time"));
}

TEST_F(Runtime, ASecondRequestToStopCuts) {
    run(instance_xml("a", {}, "wrong-deaf"));
    EXPECT_TRUE(until([&] { return starts("a") == 1; }));
    it_->ask_to_stop();
    it_->turn(control_loop::now() + 10'000);
    EXPECT_FALSE(it_->has_stopped());
    it_->ask_to_stop();
    EXPECT_TRUE(until([&] { return it_->has_stopped(); }));
    EXPECT_THAT(journal_.text(), HasSubstr("the instance is ended at once, as asked"));
}

// ---- trace

TEST_F(Runtime, TracesWhatRulesDidWithAnEvent) {
    run(instance_xml("a") +
        rule_xml("first", on_xml("a/said", "<match>ALARM</match>"),
                 log_xml("NOTE one") + "<do action=\"a/fail\"/>") +
        rule_xml("second", on_xml("a/said"),
                 "<when status=\"a/count\" greater=\"100\"/>" + log_xml("NOTE two")) +
        rule_xml("go", on_xml("a/started"), say_xml("a", "ALARM 3")));
    EXPECT_TRUE(until_logged("It always fails."));
    const auto lines = it_->events().in_words(10, control_loop::now());
    const auto line = std::find_if(lines.begin(), lines.end(), [](const std::string& each) {
        return each.find("a/said") != std::string::npos;
    });
    ASSERT_NE(line, lines.end());
    EXPECT_THAT(*line, HasSubstr("a/said \"ALARM 3\": 2 rules listen"));
    EXPECT_THAT(*line, HasSubstr("rule \"first\": fired"));
    EXPECT_THAT(*line, HasSubstr("a/fail given up"));
    EXPECT_THAT(*line, HasSubstr("rule \"second\": its condition did not hold: status a/count greater 100"));
    EXPECT_THAT(*line, HasSubstr("It always fails."));
    const rule_report report = it_->engine().report(1);
    EXPECT_THAT(it_->events().in_words(1, report, control_loop::now()),
                HasSubstr("rule \"second\": fired 0 times; last looked at"));
    EXPECT_THAT(it_->events().in_words(1, report, control_loop::now()), HasSubstr("last said no"));
    it_->explain();
    EXPECT_THAT(journal_.text(), HasSubstr("rule \"first\": fired 1 time"));
    EXPECT_THAT(journal_.text(), HasSubstr("guard: 0 breaches of the contract"));
    stop();
}

TEST_F(Runtime, TracesHowARequestOverHttpEnded) {
    run(instance_xml("a") +
        rule_xml("ask", on_xml("a/started"),
                 "<do action=\"host/http\"><arg name=\"url\">http://127.0.0.1:1/</arg></do>") +
        rule_xml("note", on_xml("host/action-failed"), log_xml("NOTE ${action}: ${sentence}")));
    EXPECT_TRUE(until_logged("NOTE host/http: GET http://127.0.0.1:1: nothing listens at 127.0.0.1:1."));
    EXPECT_THAT(journal_.text(), HasSubstr("rule \"ask\": host/http failed: GET http://127.0.0.1:1"));
    bool told = false;
    for (const std::string& each : it_->events().in_words(10, control_loop::now())) {
        told = told || each.find("host/http given up") != std::string::npos;
    }
    EXPECT_TRUE(told);
    stop();
}

TEST_F(Runtime, TracesAloudWhenAsked) {
    options_.trace_aloud = true;
    run(instance_xml("a") + rule_xml("go", on_xml("a/started"), say_xml("a", "hello")));
    EXPECT_TRUE(until_logged("trace: event "));
    EXPECT_TRUE(until_logged("a/say is done"));
    stop();
}

TEST_F(Runtime, TraceKeepsTheLastThousandEvents) {
    run(instance_xml("a") + rule_xml("go", on_xml("a/started"), say_xml("a", "x")) +
        rule_xml("round", on_xml("a/said"), say_xml("a", "x")));
    EXPECT_TRUE(until([&] { return it_->events().events() > 2 * trace::capacity; }));
    EXPECT_EQ(it_->events().in_words(100'000, control_loop::now()).size(), trace::capacity);
    EXPECT_EQ(it_->events().in_words(3, control_loop::now()).size(), 3U);
    stop();
}

} // namespace
} // namespace iom::host
