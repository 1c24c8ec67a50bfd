#include "rules.hpp"

#include "host_manifest.hpp"
#include "project.hpp"
#include "unit/host_surroundings.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iom::host {
namespace {

constexpr time_us ms = 1000;

/// A project's rules with a world around them that writes everything down.
class stage final : public effects, public trace_sink {
public:
    static constexpr std::string_view usual_instances =
        R"(<instance name="a" module="websocket-client"><set name="hostname">h</set>
             <set name="greeting"><await><match kind="json" pointer="/id" as="id"/></await></set></instance>
           <instance name="b" module="websocket-client"><set name="hostname">h</set></instance>)";

    explicit stage(std::string_view rules) { load(rules, usual_instances); }

    /// The project is loaded again with other rules; what could not be taken over.
    std::string load_again(std::string_view rules, std::string_view instances = usual_instances) {
        const auto before = std::move(engine_);
        const auto values_before = std::move(values_);
        const auto project_before = loaded_;
        load(rules, instances);
        std::string lost;
        for (const lost_deed& one : engine_->adopt(*before, succession_of(*project_before, *loaded_))) {
            lost += (lost.empty() ? "" : "; ") + project_before->rules.rules[one.rule].name + " " + one.what +
                    " in " + std::to_string((one.due - clock) / ms) + " ms";
        }
        engine_->start(clock, false);
        return lost;
    }

    rule_engine& engine() { return *engine_; }
    variables& values() { return *values_; }
    surroundings& around() { return around_; }

    void message(std::string_view instance, std::string_view text, bool binary = false) {
        const value_view given[] = {binary ? value_view::of_bytes(text) : value_view::of(text),
                                    value_view::of(binary)};
        fire(instance, "message-received", given);
    }

    void fire(std::string_view instance, std::string_view trigger, std::span<const value_view> given = {}) {
        const auto which = loaded_->find_instance(instance).value();
        const auto number = loaded_->modules[loaded_->instances[which].module]->find_trigger(trigger)->number;
        engine_->fire({which, number, given}, clock);
    }

    void advance(time_us by) {
        const auto until = clock + by;
        for (auto due = engine_->next_deadline(); due && *due <= until; due = engine_->next_deadline()) {
            clock = std::max(clock, *due);
            engine_->advance(clock);
        }
        clock = until;
    }

    /// What was done since the last call, one after the other.
    std::string done() { return std::exchange(done_, {}); }
    std::string traced() { return std::exchange(traced_, {}); }
    std::string complaints() { return std::exchange(complaints_, {}); }

    rule_report report(std::string_view rule) const { return engine_->report(find(rule)); }
    std::uint32_t find(std::string_view rule) const { return loaded_->find_rule(rule).value(); }
    verdict said(std::string_view rule) const { return report(rule).last_said; }

    time_us clock = 1'000'000;
    std::string refusal; ///< what instances answer to every action; empty: accepted
    std::map<std::string, value, std::less<>> statuses;
    std::map<std::uint32_t, session_values> sessions;
    bool secrets_gone = false;
    origin last_origin;

    bool invoke(const invocation& what, std::string& why) override {
        const auto& among =
            what.instance == host_instance ? host_manifest().actions : loaded_->modules[0]->actions;
        const auto action = std::find_if(among.begin(), among.end(),
                                         [&](const auto& one) { return one.number == what.action; });
        done_ += (done_.empty() ? "" : "; ");
        done_ += what.instance == host_instance ? "host" : loaded_->instances[what.instance].name;
        done_ += "/" + action->id;
        for (const auto& one : what.arguments) {
            done_ += " ";
            if (one.test != nullptr) {
                done_ += "match:" + (*one.test)->specs().front().text;
            } else {
                done_ += (one.what.kind == value_kind::bytes ? "bytes:" : "") + to_text(one.what);
            }
        }
        last_origin = what.from;
        why = what.instance == host_instance ? "" : refusal;
        return why.empty();
    }

    value_view status(std::uint32_t instance, std::uint32_t status) override {
        const auto& one = loaded_->instances[instance];
        const auto known = statuses.find(one.name + "/" + loaded_->modules[0]->statuses[status].id);
        return known == statuses.end() ? value_view{} : known->second.view();
    }
    std::string_view instance_name(std::uint32_t instance) override {
        return loaded_->instances[instance].name;
    }
    session_values& session(std::uint32_t instance) override { return sessions[instance]; }
    bool captured(std::uint32_t instance, std::uint32_t symbol, value_view& found,
                  std::string& why) override {
        const auto known = sessions[instance].find(symbol);
        if (!known) {
            why = not_captured(around_.symbols().name(symbol));
            return false;
        }
        found = *known;
        return true;
    }
    bool secret(std::uint32_t symbol, value_view& found, std::string& why) override {
        if (secrets_gone) {
            why = "the secret is gone.";
            return false;
        }
        found = value_view::of(std::string_view{*around_.secret(around_.symbols().name(symbol))});
        return true;
    }
    bool environment(std::uint32_t symbol, value_view& found, std::string& /*why*/) override {
        found = value_view::of(std::string_view{*around_.environment(around_.symbols().name(symbol))});
        return true;
    }
    std::string_view uuid() override { return "u-u-i-d"; }
    std::string_view now() override { return "2030-01-01T00:00:00.000Z"; }

    void begin(cause why, const event& /*what*/, std::uint32_t /*by*/, std::uint32_t depth,
               time_us) override {
        static constexpr std::string_view words[] = {"trigger", "rule", "hand", "debounce"};
        traced_ += "<" + std::string{words[static_cast<std::size_t>(why)]} +
                   (depth > 0 ? std::to_string(depth) : "");
    }
    void looked(std::uint32_t rule, verdict said, std::uint32_t detail) override {
        traced_ += " " + loaded_->rules.rules[rule].name + ":" + std::string{to_word(said)};
        if (said == verdict::condition) {
            traced_ += "#" + std::to_string(detail);
        }
    }
    void acted(std::uint32_t rule, std::uint32_t act, bool accepted, time_us delay,
               std::string_view why) override {
        traced_ += " " + loaded_->rules.rules[rule].acts[act].written + (delay > 0 ? ":later" : "") +
                   (accepted ? "" : ":refused(" + std::string{why} + ")");
    }
    void end(std::uint32_t listeners, std::uint32_t stopped_by) override {
        traced_ += " of " + std::to_string(listeners) +
                   (stopped_by == no_rule ? "" : " stopped by " + loaded_->rules.rules[stopped_by].name) +
                   ">";
    }
    void complain(std::uint32_t /*rule*/, std::string_view sentence) override { complaints_ += sentence; }

private:
    void load(std::string_view rules, std::string_view instances) {
        const auto xml = R"(<project name="T">
            <variable name="cue" type="int" value="0"/><variable name="last" type="text" value=""/>)" +
                         std::string{instances} + std::string{rules} + "</project>";
        std::vector<manifest::mistake> mistakes;
        loaded_ = parse_project(xml, "t.xml", around_, mistakes);
        for (const auto& one : mistakes) {
            EXPECT_TRUE(one.warning) << manifest::to_string(one);
        }
        values_ = std::make_unique<variables>(loaded_->variables);
        engine_ = std::make_unique<rule_engine>(loaded_->rules, *values_, *this, *this);
    }

    fake_surroundings around_;
    std::shared_ptr<const project> loaded_;
    std::unique_ptr<variables> values_;
    std::unique_ptr<rule_engine> engine_;
    std::string done_;
    std::string traced_;
    std::string complaints_;
};

TEST(host_rules, a_message_goes_through_a_rule_and_back) {
    stage on(R"(<rule name="r"><on trigger="a/message-received"><match>ALARM</match></on>
        <when status="a/connection-status" is="ready"/>
        <do action="a/send-message"><arg name="message">ACK ${1}</arg></do></rule>)");
    on.message("a", "ALARM 7");
    EXPECT_EQ(on.done(), "");
    EXPECT_EQ(on.said("r"), verdict::condition);
    on.statuses["a/connection-status"] = value{value_view::of(std::string_view{"ready"})};
    on.message("a", "ALARM 7");
    EXPECT_EQ(on.done(), "a/send-message ACK ALARM 7");
    EXPECT_EQ(on.said("r"), verdict::fired);
    on.message("a", "quiet");
    on.message("b", "ALARM 7");
    EXPECT_EQ(on.done(), "");
    EXPECT_EQ(on.report("r").fired, 1u);
}

TEST(host_rules, insertions_of_every_source) {
    stage on(
        R"(<rule name="r"><on trigger="*/message-received"><match kind="regex">^(\w+)=(?P&lt;v>.*)$</match></on>
        <do action="host/set"><arg name="variable">last</arg><arg name="value">${v}</arg></do>
        <do action="b/send-message"><arg name="message">${1}|${message}|${binary}|${3}|${4}|${v|hex}|${instance}|${this/attempt}|${b/is-ready}|${host/last}|${host/cue}|${secret:pin}|${env:IOM_SITE}|${seq}${seq}|${uuid}|${now}|$${x}</arg></do>
        </rule>)");
    on.statuses["a/attempt"] = value{value_view::of(std::int64_t{3})};
    on.statuses["b/is-ready"] = value{value_view::of(true)};
    on.message("a", "key=val");
    EXPECT_EQ(on.done(),
              "b/send-message key=val|key=val|false|key|val|76616c|a|3|true|val|0|1234|north|11|u-u-i-d|"
              "2030-01-01T00:00:00.000Z|${x}");
    on.message("a", "k=w");
    EXPECT_NE(on.done().find("|22|"), std::string::npos); // the next message has the next number
}

TEST(host_rules, session_values_are_those_of_the_addressed_instance) {
    stage on(R"(<rule name="r"><on trigger="host/every" interval="1s"/>
        <do action="a/send-message"><arg name="message">${session/id} ${seq}</arg></do></rule>)");
    on.sessions[0].set(on.around().symbols().intern("id"), value_view::of(std::string_view{"s-17"}));
    on.engine().start(on.clock);
    on.advance(1000 * ms);
    EXPECT_EQ(on.done(), "a/send-message s-17 1");
}

TEST(host_rules, what_the_session_has_not_captured_fails_the_action) {
    stage on(R"(<rule name="r"><on trigger="a/message-received"/>
        <do action="a/send-message"><arg name="message">[${session/id}]</arg></do></rule>)");
    on.message("a", "x");
    EXPECT_EQ(on.done(), "");
    EXPECT_NE(on.traced().find("a/send-message:refused(session/id has no value: nothing in this session has "
                               "captured it yet. Use it once the match that names it has held.)"),
              std::string::npos);
    on.sessions[0].set(on.around().symbols().intern("id"), value_view::of(std::string_view{}));
    on.message("a", "x");
    EXPECT_EQ(on.done(), "a/send-message []") << "captured, and empty";
}

TEST(host_rules, binary_messages) {
    stage on(R"(<rule name="r"><on trigger="a/message-received"/>
        <do action="b/send-message"><arg name="message">${message}</arg></do>
        <do action="b/send-binary"><arg name="data">${message}</arg><arg name="encoding">raw</arg></do>
        <do action="b/send-binary"><arg name="data">${message}00</arg></do></rule>)");
    on.message("a", std::string_view{"\x00\xff", 2}, true);
    EXPECT_EQ(on.done(), "b/send-message 00ff; b/send-binary bytes:00ff raw; b/send-binary 00ff00");
    on.message("a", "text");
    EXPECT_EQ(on.done(), "b/send-message text; b/send-binary text raw; b/send-binary text00");
}

TEST(host_rules, walked_in_file_order_until_one_stops) {
    stage on(R"(
        <rule name="1"><on trigger="a/message-received"><match>x</match></on><do action="a/ping"/></rule>
        <rule name="2" stop="true"><on trigger="*/message-received"><match>xx</match></on>
            <when variable="cue" less="5"/><do action="a/connect"/></rule>
        <rule name="3"><on trigger="a/message-received"/><do action="a/clear-queue"/></rule>)");
    on.message("a", "x");
    EXPECT_EQ(on.done(), "a/ping; a/clear-queue");
    on.message("a", "xx");
    EXPECT_EQ(on.done(), "a/ping; a/connect");
    EXPECT_EQ(on.said("3"), verdict::stopped);
    EXPECT_EQ(on.report("3").detail, on.find("2"));
    std::string why;
    ASSERT_TRUE(on.values().set(0, value_view::of(std::int64_t{5}), why));
    on.message("a", "xx"); // a condition that does not hold stops nothing
    EXPECT_EQ(on.done(), "a/ping; a/clear-queue");
}

TEST(host_rules, several_on_fire_once) {
    stage on(R"(<rule name="r"><on trigger="a/message-received"><match>x</match></on>
        <on trigger="a/message-received"><match>y</match></on><on trigger="b/message-received"/>
        <do action="this/ping"/></rule>)");
    on.message("a", "x y");
    EXPECT_EQ(on.done(), "a/ping");
    on.message("a", "y");
    EXPECT_EQ(on.done(), "a/ping");
    on.message("b", "z");
    EXPECT_EQ(on.done(), "b/ping");
    on.message("a", "z");
    EXPECT_EQ(on.done(), "");
}

TEST(host_rules, conditions) {
    const struct {
        std::string_view when;
        bool holds;
    } cases[] = {
        {R"(value="message" is="10")", true},
        {R"(value="1" is="10.0")", true},
        {R"(value="message" is-not="10")", false},
        {R"(value="message" greater="9")", true},
        {R"(value="message" less="9")", false},
        {R"(value="message" contains="0")", true},
        {R"(value="message" greater="5" less="20")", true},
        {R"(value="message" greater="5" less="7")", false},
        {R"(value="binary" is="false")", true},
        {R"(value="x${message}" is="x10")", true},
        {R"(variable="cue" is="0")", true},
        {R"(variable="host/cue" greater="-1")", true},
        {R"(variable="last" is="")", true},
        {R"(value="message" greater="${host/cue}")", true},
        {R"(value="message" is="${message}")", true},
        {R"(status="a/connection-status" is="ready")", false},
        {R"(status="this/connection-status" is-not="ready")", true},
        {R"(status="a/is-ready" is="false")", false}, // never posted: neither true nor false
    };
    for (const auto& [when, holds] : cases) {
        SCOPED_TRACE(when);
        stage on(R"(<rule name="r"><on trigger="a/message-received"/><when )" + std::string{when} +
                 R"(/><do action="a/ping"/></rule>)");
        on.message("a", "10");
        EXPECT_EQ(on.done(), holds ? "a/ping" : "");
    }
}

TEST(host_rules, at_most_in_any_one_second) {
    stage on(R"(<rule name="r"><on trigger="a/message-received"><match at-most="2">x</match></on>
        <do action="a/ping"/></rule>)");
    const std::pair<time_us, bool> at[] = {
        {0, true},    {100, true},   {200, false}, {999, false}, {1000, true}, {1001, false}, {1099, false},
        {1100, true}, {1999, false}, {2000, true}, {9000, true}, {9000, true}, {9000, false}};
    const auto start = on.clock;
    for (const auto& [when, fires] : at) {
        SCOPED_TRACE(when);
        on.clock = start + when * ms;
        on.message("a", "x");
        EXPECT_EQ(on.done(), fires ? "a/ping" : "");
        EXPECT_EQ(on.said("r"), fires ? verdict::fired : verdict::too_often);
    }
}

TEST(host_rules, on_change_of_a_capture_by_instance) {
    stage on(
        R"(<rule name="r"><on trigger="*/message-received"><match kind="json" pointer="/v" as="v" on-change="v"/></on>
        <do action="host/log"><arg name="message">${instance}=${v}</arg></do></rule>)");
    const struct {
        std::string_view instance;
        std::string_view value;
        std::string_view done;
    } steps[] = {
        {"a", "1", "host/log a=1"}, {"a", "1", ""}, {"b", "1", "host/log b=1"},
        {"a", "2", "host/log a=2"}, {"b", "1", ""}, {"a", "1", "host/log a=1"},
    };
    for (const auto& [instance, value, done] : steps) {
        on.message(instance, R"({"v":)" + std::string{value} + "}");
        EXPECT_EQ(on.done(), done);
    }
    EXPECT_EQ(on.said("r"), verdict::fired);
}

TEST(host_rules, debounce_takes_the_last_one) {
    stage on(
        R"(<rule name="r"><on trigger="a/message-received"><match kind="prefix" as="v" debounce="100ms">v</match></on>
        <do action="host/log"><arg name="message">${v}</arg></do></rule>)");
    on.message("a", "v1");
    on.advance(50 * ms);
    on.message("a", "v2");
    EXPECT_EQ(on.said("r"), verdict::waiting);
    on.advance(99 * ms);
    EXPECT_EQ(on.done(), "");
    on.advance(1 * ms);
    EXPECT_EQ(on.done(), "host/log 2");
    on.advance(1000 * ms);
    EXPECT_EQ(on.done(), "");
    EXPECT_FALSE(on.engine().next_deadline());
    on.message("a", "v3");
    on.engine().enable(0, false);
    on.advance(100 * ms);
    EXPECT_EQ(on.done(), "");
    EXPECT_EQ(on.said("r"), verdict::disabled);
}

TEST(host_rules, on_change_with_debounce_and_at_most_loses_no_change) {
    stage on(R"(<rule name="r"><on trigger="a/message-received">
        <match kind="prefix" as="v" on-change="v" debounce="100ms">v</match></on>
        <do action="host/log"><arg name="message">${v}</arg></do></rule>
        <rule name="s"><on trigger="b/message-received"><match kind="prefix" as="v" on-change="v" at-most="1">v</match></on>
        <do action="host/log"><arg name="message">${v}</arg></do></rule>)");
    on.message("a", "v1");
    on.advance(100 * ms);
    EXPECT_EQ(on.done(), "host/log 1");
    on.message("a", "v2");
    on.message("a", "v1"); // back where it was: nothing has changed
    on.advance(200 * ms);
    EXPECT_EQ(on.done(), "");
    on.message("a", "v2");
    on.advance(100 * ms);
    EXPECT_EQ(on.done(), "host/log 2");

    on.message("b", "v1");
    on.message("b", "v2"); // too soon, and so not forgotten
    on.advance(1000 * ms);
    on.message("b", "v2");
    EXPECT_EQ(on.done(), "host/log 1; host/log 2");
}

TEST(host_rules, delayed_actions_keep_what_they_were_given) {
    stage on(R"(<rule name="r"><on trigger="a/message-received"/>
        <do action="a/send-message" after="2s"><arg name="message">${message} ${host/cue}</arg></do>
        <do action="host/add" after="1s"><arg name="variable">cue</arg></do></rule>)");
    on.message("a", "first");
    on.message("a", "second");
    EXPECT_EQ(on.engine().delayed_actions(), 4u);
    on.advance(1999 * ms);
    EXPECT_EQ(on.done(), "");
    EXPECT_EQ(on.values().get(0).integer, 2);
    on.advance(1 * ms);
    EXPECT_EQ(on.done(), "a/send-message first 0; a/send-message second 0");
    EXPECT_EQ(on.engine().delayed_actions(), 0u);
}

TEST(host_rules, too_many_delayed_actions_are_refused_aloud) {
    stage on(R"(<rule name="r"><on trigger="a/message-received"/><do action="a/ping" after="1h"/></rule>)");
    for (std::size_t at = 0; at < rule_engine::max_delayed; ++at) {
        on.message("a", "");
    }
    EXPECT_EQ(on.complaints(), "");
    on.message("a", "");
    EXPECT_NE(on.complaints().find("10000 delayed actions"), std::string::npos);
    on.advance(3600 * one_second);
    EXPECT_EQ(on.engine().delayed_actions(), 0u);
    on.message("a", "");
    EXPECT_EQ(on.complaints(), "");
}

TEST(host_rules, every_keeps_its_beat_and_makes_no_storm) {
    stage on(R"(<rule name="r"><on trigger="host/every" interval="1s"/><do action="a/ping"/></rule>
        <rule name="s"><on trigger="host/startup"/><do action="a/connect"/></rule>)");
    on.engine().start(on.clock);
    EXPECT_EQ(on.done(), "a/connect");
    on.advance(3500 * ms);
    EXPECT_EQ(on.done(), "a/ping; a/ping; a/ping");
    on.clock += 3600 * one_second; // frozen for an hour
    on.engine().advance(on.clock);
    EXPECT_EQ(on.done(), "a/ping");
    on.advance(500 * ms);
    EXPECT_EQ(on.done(), "a/ping"); // on the old beat again
}

TEST(host_rules, a_reload_does_not_start_up_again) {
    stage on(R"(<rule name="s"><on trigger="host/startup"/><do action="a/connect"/></rule>)");
    on.engine().start(on.clock, false);
    EXPECT_EQ(on.done(), "");
}

TEST(host_rules, variables_and_rules_that_fire_rules) {
    stage on(R"(<rule name="r"><on trigger="a/message-received"/>
        <do action="host/set"><arg name="variable">cue</arg><arg name="value">${message}</arg></do>
        <do action="host/fire"><arg name="rule">go</arg></do>
        <do action="host/log"><arg name="message">after</arg></do></rule>
        <rule name="go"><when variable="cue" greater="5"/><do action="host/log"><arg name="message">cue ${host/cue}</arg>
        <arg name="level">warning</arg></do></rule>)");
    on.message("a", "7");
    EXPECT_EQ(on.done(), "host/log cue 7 warning; host/log after");
    EXPECT_EQ(on.traced(),
              "<trigger r:fired host/set<rule1 go:fired host/log of 1> host/fire host/log of 1>");
    on.message("a", "5");
    EXPECT_EQ(on.done(), "host/log after");
    on.message("a", "many");
    EXPECT_EQ(on.values().get(0).integer, 5);
}

TEST(host_rules, nesting_stops_at_depth_16) {
    std::string rules = R"(<rule name="0"><on trigger="a/message-received"/><do action="host/fire">
        <arg name="rule">1</arg></do></rule>)";
    for (int depth = 1; depth < 20; ++depth) {
        rules += "<rule name=\"" + std::to_string(depth) +
                 "\"><do action=\"host/add\"><arg name=\"variable\">cue</arg></do>" +
                 "<do action=\"host/fire\"><arg name=\"rule\">" + std::to_string(depth + 1) +
                 "</arg></do></rule>";
    }
    stage on(rules + R"(<rule name="20"/><rule name="f"><on trigger="host/action-failed"/>
        <do action="host/log"><arg name="message">${rule}: ${action}</arg></do></rule>)");
    on.message("a", "");
    EXPECT_EQ(on.values().get(0).integer, 16);
    EXPECT_EQ(on.said("17"), verdict::too_deep);
    EXPECT_NE(on.complaints().find("16 deep"), std::string::npos);
    on.message("a", "");
    EXPECT_EQ(on.values().get(0).integer, 32);
}

TEST(host_rules, runs_of_one_event_are_bounded) {
    std::string rules = R"(<rule name="0"><on trigger="a/message-received"/><do action="host/fire">
        <arg name="rule">1</arg></do></rule>)";
    for (int depth = 1; depth < 15; ++depth) {
        const auto fire =
            "<do action=\"host/fire\"><arg name=\"rule\">" + std::to_string(depth + 1) + "</arg></do>";
        rules += "<rule name=\"" + std::to_string(depth) + "\">" + fire + fire + fire + "</rule>";
    }
    stage on(rules + R"(<rule name="15"><do action="host/add"><arg name="variable">cue</arg></do></rule>)");
    on.message("a", "");
    EXPECT_LE(on.values().get(0).integer, std::int64_t{rule_engine::max_runs});
    EXPECT_NE(on.complaints().find("4096 runs"), std::string::npos);
}

TEST(host_rules, failed_actions_fire_a_trigger) {
    stage on(
        R"(<rule name="r"><on trigger="a/message-received"/><do action="a/send-message"><arg name="message">x</arg></do>
        <do action="host/set"><arg name="variable">cue</arg><arg name="value">${message}</arg></do></rule>
        <rule name="f"><on trigger="host/action-failed"/>
        <do action="host/log"><arg name="message">${1}, ${action}: ${sentence}</arg></do></rule>)");
    on.refusal = "there is no session.";
    on.message("a", "1");
    EXPECT_EQ(on.done(), "a/send-message x; host/log r, a/send-message: there is no session.");
    on.refusal.clear();
    on.message("a", "many");
    EXPECT_NE(on.done().find("host/log r, host/set: \"many\" is no whole number"), std::string::npos);
    on.message("a", "1");
    on.done();
    on.engine().action_failed(on.last_origin, "given up.", on.clock);
    EXPECT_EQ(on.done(), "host/log r, a/send-message: given up.");
}

TEST(host_rules, a_failure_that_fails_ends_at_depth_16) {
    stage on(
        R"(<rule name="f"><on trigger="host/action-failed"/><on trigger="host/startup"/><do action="a/ping"/></rule>)");
    on.refusal = "no.";
    on.engine().start(on.clock);
    const auto done = on.done();
    EXPECT_EQ(std::count(done.begin(), done.end(), '/'), 17); // at depth 0 and 1 … 16
    EXPECT_NE(on.complaints().find("host/action-failed"), std::string::npos);
    // The depth also survives a way through the module.
    on.refusal.clear();
    on.engine().action_failed({0, 0, 16}, "late.", on.clock);
    EXPECT_EQ(on.done(), "");
}

TEST(host_rules, by_hand) {
    stage on(
        R"(<rule name="m"><on trigger="host/manual"/><when variable="cue" is="0"/><do action="a/ping"/></rule>
        <rule name="t"><on trigger="a/message-received"/><do action="a/send-message"><arg name="message">${1}</arg></do></rule>
        <rule name="off" enabled="false"><do action="a/ping"/></rule>)");
    std::string why;
    EXPECT_TRUE(on.engine().fire_by_hand(on.find("m"), on.clock, why));
    EXPECT_EQ(on.done(), "a/ping");
    EXPECT_FALSE(on.engine().fire_by_hand(on.find("t"), on.clock, why));
    EXPECT_NE(why.find("values of its trigger"), why.npos);
    EXPECT_FALSE(on.engine().fire_by_hand(on.find("off"), on.clock, why));
    EXPECT_NE(why.find("is disabled"), why.npos);
    ASSERT_TRUE(on.values().set(0, value_view::of(std::int64_t{1}), why));
    EXPECT_FALSE(on.engine().fire_by_hand(on.find("m"), on.clock, why));
    EXPECT_NE(why.find("variable cue is 0"), why.npos);
}

TEST(host_rules, disabled_rules_keep_quiet) {
    stage on(
        R"(<rule name="r" enabled="false"><on trigger="a/message-received"><match>x</match></on><do action="a/ping"/></rule>)");
    on.message("a", "x");
    EXPECT_EQ(on.done(), "");
    EXPECT_EQ(on.said("r"), verdict::disabled);
    on.engine().enable(0, true);
    on.message("a", "x");
    EXPECT_EQ(on.done(), "a/ping");
}

TEST(host_rules, report_answers_why_it_did_not_fire) {
    stage on(
        R"(<rule name="r"><on trigger="a/message-received"><match>x</match></on><when value="binary" is="false"/>
        <do action="a/ping"/></rule>)");
    EXPECT_EQ(on.said("r"), verdict::never);
    on.message("a", "x");
    const auto fired_at = on.clock;
    on.clock += 5;
    on.message("a", "x", true);
    on.clock += 5;
    auto known = on.report("r");
    EXPECT_EQ(known.last_said, verdict::condition);
    EXPECT_EQ(known.last_fired, fired_at);
    EXPECT_EQ(known.last_no, fired_at + 5);
    on.message("a", "y");
    known = on.report("r");
    EXPECT_EQ(known.last_said, verdict::no_match);
    EXPECT_EQ(known.last_looked, fired_at + 10);
    on.message("a", "x");
    known = on.report("r");
    EXPECT_EQ(known.last_said, verdict::fired);
    EXPECT_EQ(known.fired, 2u);
    EXPECT_EQ(known.last_no, fired_at + 10);
    EXPECT_EQ(known.last_no_said, verdict::no_match);
    on.fire("a", "ready"); // another trigger is no reason to look
    EXPECT_EQ(on.said("r"), verdict::fired);
}

TEST(host_rules, report_also_of_rules_that_the_index_left_out) {
    std::string rules =
        R"(<rule name="s" stop="true"><on trigger="a/message-received"><match>stop</match></on></rule>)";
    for (const auto* name : {"0", "1", "2", "3", "4", "5"}) {
        rules += "<rule name=\"" + std::string{name} + "\"><on trigger=\"a/message-received\"><match>n" +
                 name + "</match></on></rule>";
    }
    stage on(rules);
    on.message("a", "n4");
    EXPECT_EQ(on.said("3"), verdict::no_match);
    EXPECT_EQ(on.said("4"), verdict::fired);
    on.clock += 5;
    on.message("a", "stop");
    EXPECT_EQ(on.said("4"), verdict::stopped);
    EXPECT_EQ(on.report("4").detail, on.find("s"));
    on.clock += 5;
    on.message("a", "n4");
    EXPECT_EQ(on.said("4"), verdict::fired);
    EXPECT_EQ(on.report("4").last_no, on.clock - 5); // not forgotten though it was never told singly
    EXPECT_EQ(on.report("4").last_no_said, verdict::stopped);
    on.engine().enable(on.find("3"), false);
    EXPECT_EQ(on.said("3"), verdict::disabled);
}

TEST(host_rules, a_value_that_cannot_be_supplied_fails_the_action) {
    stage on(
        R"(<rule name="r"><on trigger="a/message-received"/><do action="a/connect"><arg name="bearer-token">${secret:pin}</arg></do></rule>
        <rule name="c"><on trigger="a/message-received"/><when value="${secret:pin}" is="1234"/><do action="a/ping"/></rule>)");
    on.message("a", "");
    EXPECT_EQ(on.done(), "a/connect 1234; a/ping");
    on.traced();
    on.secrets_gone = true;
    on.message("a", "");
    EXPECT_EQ(on.done(), "");
    EXPECT_EQ(on.traced(),
              "<trigger r:fired a/connect:refused(the secret is gone.) c:value not available of 2>");
}

TEST(host_rules, typed_arguments_are_judged_when_they_are_known) {
    stage on(R"(<rule name="r"><on trigger="a/message-received"/>
        <do action="a/disconnect"><arg name="code">${message}</arg><arg name="reason">bye</arg></do></rule>)");
    on.message("a", "3001");
    EXPECT_EQ(on.done(), "a/disconnect 3001 bye");
    on.traced();
    for (const auto* wrong : {"x", "5000", ""}) {
        on.message("a", wrong);
        EXPECT_EQ(on.done(), "");
        EXPECT_NE(on.traced().find("a/disconnect:refused(code"), std::string::npos);
    }
}

TEST(host_rules, matches_travel_as_arguments) {
    stage on(R"(<rule name="r"><on trigger="host/manual"/><do action="a/request"><arg name="message">?</arg>
        <arg name="match"><match kind="prefix">=</match></arg><arg name="timeout">2.5</arg></do></rule>)");
    std::string why;
    ASSERT_TRUE(on.engine().fire_by_hand(0, on.clock, why));
    EXPECT_EQ(on.done(), "a/request ? match:= 2.5");
}

TEST(host_rules, a_thousand_rules_on_one_trigger) {
    std::string rules;
    for (int which = 0; which < 1000; ++which) {
        rules += "<rule name=\"" + std::to_string(which) +
                 "\"><on trigger=\"a/message-received\"><match>text " + std::to_string(which) +
                 ";</match></on><do action=\"a/send-message\"><arg name=\"message\">" +
                 std::to_string(which) + "</arg></do></rule>";
    }
    stage on(rules);
    on.message("a", "here is text 999; and text 17;");
    EXPECT_EQ(on.done(), "a/send-message 17; a/send-message 999");
    EXPECT_EQ(on.said("500"), verdict::no_match);
    EXPECT_EQ(on.traced().find("500"), std::string::npos);
}

// ---- loading again -----------------------------------------------------------------------------------

TEST(host_rules, delayed_actions_of_unchanged_rules_outlive_a_reload) {
    const std::string kept = R"(<rule name="r"><on trigger="a/message-received"/>
        <do action="a/request" after="2s"><arg name="message">${message}</arg><arg name="match"><match>OK</match></arg></do>
        <do action="this/send-message" after="2s"><arg name="message">this ${message}</arg></do>
        <do action="host/add" after="2s"><arg name="variable">cue</arg></do></rule>)";
    const std::string other = R"(<rule name="s"><on trigger="a/message-received"/>
        <do action="b/ping" after="3s"/></rule>)";
    stage on(kept + other);
    on.message("a", "one");
    on.advance(1500 * ms);
    // Another order of rules and instances, and another rule of the same name.
    const std::string swapped =
        R"(<instance name="b" module="websocket-client"><set name="hostname">h</set></instance>
           <instance name="a" module="websocket-client"><set name="hostname">h2</set></instance>)";
    EXPECT_EQ(
        on.load_again(
            R"(<rule name="s"><on trigger="a/message-received"/><do action="a/ping" after="3s"/></rule>)" +
                kept,
            swapped),
        "s b/ping in 1500 ms");
    EXPECT_EQ(on.done(), "");
    on.advance(499 * ms);
    EXPECT_EQ(on.done(), "");
    on.advance(1 * ms);
    EXPECT_EQ(on.done(), "a/request one match:OK; a/send-message this one");
    EXPECT_EQ(to_text(on.values().get(0)), "1");
    on.advance(10 * one_second);
    EXPECT_EQ(on.done(), "");
    EXPECT_EQ(on.engine().delayed_actions(), 0U);
}

TEST(host_rules, delayed_actions_of_rules_that_are_gone_are_told) {
    stage on(R"(<rule name="r"><on trigger="a/message-received"/><do action="a/ping" after="2s"/></rule>)");
    on.message("a", "one");
    on.message("a", "two");
    EXPECT_EQ(on.load_again(""), "r a/ping in 2000 ms; r a/ping in 2000 ms");
    on.advance(10 * one_second);
    EXPECT_EQ(on.done(), "");
}

TEST(host_rules, gates_and_beats_outlive_a_reload) {
    const std::string kept = R"(
        <rule name="d"><on trigger="*/message-received"><match kind="prefix" as="v" debounce="100ms">v</match></on>
          <do action="this/send-message"><arg name="message">quiet ${v}</arg></do></rule>
        <rule name="c"><on trigger="a/message-received"><match kind="prefix" as="w" on-change="w">w</match></on>
          <do action="a/send-message"><arg name="message">changed ${w}</arg></do></rule>
        <rule name="m"><on trigger="a/message-received"><match kind="prefix" at-most="1">x</match></on>
          <do action="a/send-message"><arg name="message">at most</arg></do></rule>
        <rule name="e"><on trigger="host/every" interval="1s"/><do action="b/ping"/></rule>)";
    stage on(kept + R"(<rule name="g"><on trigger="a/message-received"><match debounce="50ms">v</match></on>
                        <do action="a/ping"/></rule>)");
    on.engine().start(on.clock);
    on.message("b", "v1");
    on.message("a", "v2");
    on.message("a", "w1");
    on.message("a", "x");
    on.advance(40 * ms);
    EXPECT_EQ(on.done(), "a/send-message changed 1; a/send-message at most");
    EXPECT_EQ(on.load_again(R"(<rule name="new"><on trigger="a/ready"/><do action="a/ping"/></rule>)" + kept),
              "g the event that it was holding back (debounce) in 10 ms");
    on.message("a", "w1");
    EXPECT_EQ(on.said("c"), verdict::unchanged);
    on.message("a", "x");
    EXPECT_EQ(on.said("m"), verdict::too_often);
    EXPECT_EQ(on.done(), "");
    on.advance(60 * ms);
    EXPECT_EQ(on.done(), "b/send-message quiet 1; a/send-message quiet 2");
    on.message("a", "w2");
    EXPECT_EQ(on.done(), "a/send-message changed 2");
    on.advance(899 * ms); // the beat counts from the first start
    EXPECT_EQ(on.done(), "");
    on.advance(1 * ms);
    EXPECT_EQ(on.done(), "b/ping");
}

TEST(host_rules, what_is_known_of_a_rule_outlives_a_reload) {
    const std::string kept = R"(<rule name="r"><on trigger="a/message-received"><match>x</match></on>
        <do action="a/ping"/></rule>)";
    stage on(
        R"(<rule name="s" stop="true"><on trigger="a/message-received"><match>stop</match></on></rule>)" +
        kept);
    on.message("a", "x");
    on.message("a", "stop x");
    EXPECT_EQ(on.said("r"), verdict::stopped);
    on.load_again(kept);
    EXPECT_EQ(on.report("r").fired, 1U);
    EXPECT_EQ(on.said("r"), verdict::never) << "the rule that stopped it is gone";
    on.message("a", "y");
    EXPECT_EQ(on.said("r"), verdict::no_match);
    on.engine().enable(on.find("r"), false);
    on.load_again(kept);
    EXPECT_FALSE(on.report("r").enabled);
    // A rule that was changed has fired as often as before, and said nothing yet.
    on.load_again(
        R"(<rule name="r"><on trigger="a/message-received"><match>z</match></on><do action="a/ping"/></rule>)");
    EXPECT_TRUE(on.report("r").enabled);
    EXPECT_EQ(on.report("r").fired, 1U);
    EXPECT_EQ(on.said("r"), verdict::never);
}

} // namespace
} // namespace iom::host
