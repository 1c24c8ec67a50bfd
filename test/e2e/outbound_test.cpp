// Messages out, on real lines: what waits, what is dropped and told of, requests and their answers; and that
// over many losses every message was either delivered or reported.

#include "support/programs.hpp"
#include "support/projects.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <gtest/gtest.h>

namespace {

using iom::test::eventually;
using iom::test::host;
using iom::test::http;
using iom::test::peer;
using iom::test::process;
namespace xml = iom::test::xml;

using strings = std::vector<std::string>;

/// Texts that came to /press at the far end, from its log.
strings heard_by(peer& far_end) {
    strings heard;
    for (const std::string& line : far_end.program().lines(process::stream::err)) {
        const auto event = nlohmann::json::parse(line, nullptr, false);
        if (event.is_object() && event.value("event", "") == "report") {
            heard.push_back(event["text"]);
        }
    }
    return heard;
}

std::string tell_drops() {
    return xml::rule("line/message-dropped", xml::log("DROPPED ${reason} ${message}")) +
           xml::rule("host/action-failed", xml::log("FAILED ${action}: ${sentence}")) +
           xml::rule("line/ready", xml::log("UP")) +
           xml::rule("line/disconnected", xml::log("DOWN ${unconfirmed}"));
}

std::string send(std::string_view message, std::string_view key = {}) {
    return key.empty() ? xml::act("line/send-message", {{"message", message}})
                       : xml::act("line/send-message", {{"message", message}, {"key", key}});
}

const std::string offline = xml::set("connect-at-startup", "false");

/// A far end, and an instance "line" at its path /press that records what comes.
class Outbound : public testing::Test {
protected:
    void run(std::string_view settings, std::string_view rules, std::string_view path = "/press") {
        host_ = std::make_unique<host>(xml::project(
            xml::instance("line", far_end_.port(), path, settings) +
            xml::instance("button", far_end_.port(), "/button") + tell_drops() + std::string(rules) +
            xml::rule("button/ready", xml::log("BUTTON")) + xml::button("connect", xml::act("line/connect")) +
            xml::button("show", xml::log("SHOWN ${line/queue-depth} ${line/messages-dropped} "
                                         "${line/messages-sent} ${line/bytes-sent}"))));
        host_->wait_log("BUTTON");
    }

    void press(std::string_view word) { http(far_end_.port(), "POST", "/send?path=/button", word); }
    void say(std::string_view text) { http(far_end_.port(), "POST", "/send?path=/press", text); }

    void wait_shown(const std::string& shown) {
        EXPECT_TRUE(eventually([&] {
            press("show");
            const auto all = xml::logged(host_->program(), "SHOWN ");
            return !all.empty() && all.back() == shown;
        })) << host_->program().bytes(process::stream::err);
    }

    strings logged(std::string_view start) { return xml::logged(host_->program(), start); }

    peer far_end_;
    std::unique_ptr<host> host_;
};

TEST_F(Outbound, AQueueKeepsItsOrderAndGivesUpTheOldest) {
    run(offline + xml::set("offline-policy", "queue") + xml::set("queue-messages", "3"),
        xml::rule("host/startup", send("a") + send("b") + send("c") + send("d")) +
            xml::rule("line/ready", send("after")));
    wait_shown("3 1 0 0");
    press("connect");
    ASSERT_TRUE(eventually([&] { return heard_by(far_end_).size() == 4; }));
    wait_shown("0 1 4 8");
    EXPECT_EQ(heard_by(far_end_), (strings{"b", "c", "d", "after"}));
    EXPECT_EQ(logged("DROPPED "), strings{"queue-full a"});
    EXPECT_EQ(logged("FAILED line/send-message").size(), 1U);
    EXPECT_EQ(host_->stop(), 0);
}

TEST_F(Outbound, AQueueIsBoundedInBytesToo) {
    const std::string large(600, 'x');
    run(offline + xml::set("offline-policy", "queue") + xml::set("queue-bytes", "1024"),
        xml::rule("host/startup", send("1" + large) + send("2" + large)));
    wait_shown("1 1 0 0");
    ASSERT_EQ(logged("DROPPED ").size(), 1U);
    EXPECT_EQ(logged("DROPPED ")[0], "queue-full 1" + large);
    EXPECT_EQ(host_->stop(), 0);
}

TEST_F(Outbound, AStaleMessageIsNotSentLate) {
    run(offline + xml::set("offline-policy", "queue") + xml::set("queue-ttl", "0.2"),
        xml::rule("host/startup", send("old news")));
    // It may have gone before the host was asked for anything.
    EXPECT_TRUE(eventually([&] { return logged("DROPPED ") == strings{"stale old news"}; }));
    EXPECT_TRUE(eventually([&] { return logged("FAILED line/send-message").size() == 1; }));
    press("connect");
    host_->wait_log("UP");
    wait_shown("0 1 0 0");
    EXPECT_EQ(host_->stop(), 0);
    EXPECT_TRUE(heard_by(far_end_).empty());
}

TEST_F(Outbound, LatestKeepsTheNewestOfEachKey) {
    run(offline + xml::set("offline-policy", "latest"),
        xml::rule("host/startup", send("speed 1", "speed") + send("heat 1", "heat") +
                                      send("speed 2", "speed") + send("x") + send("y")));
    wait_shown("3 2 0 0");
    press("connect");
    ASSERT_TRUE(eventually([&] { return heard_by(far_end_).size() == 3; }));
    EXPECT_EQ(heard_by(far_end_), (strings{"heat 1", "speed 2", "y"}));
    EXPECT_EQ(logged("DROPPED "), (strings{"replaced speed 1", "replaced x"}));
    EXPECT_EQ(host_->stop(), 0);
}

TEST_F(Outbound, ClearQueueGivesUpWhatWaits) {
    run(offline + xml::set("offline-policy", "queue"),
        xml::rule("host/startup", send("a") + send("b")) +
            xml::button("clear", xml::act("line/clear-queue")));
    wait_shown("2 0 0 0");
    press("clear");
    wait_shown("0 2 0 0");
    EXPECT_EQ(logged("DROPPED "), (strings{"cleared a", "cleared b"}));
    EXPECT_EQ(logged("FAILED line/send-message").size(), 2U);
    EXPECT_TRUE(logged("FAILED line/clear-queue").empty());
    EXPECT_EQ(host_->stop(), 0);
}

std::string ask(std::string_view message, std::string_view match, std::string_view timeout = "20") {
    return "<do action=\"line/request\"><arg name=\"message\">" + xml::escaped(message) +
           "</arg><arg name=\"match\"><match>" + xml::escaped(match) +
           "</match></arg><arg name=\"timeout\">" + std::string(timeout) + "</arg></do>";
}

std::string tell_requests() {
    return xml::rule("line/message-received", xml::log("HEARD ${message}")) +
           xml::rule("line/reply-received", xml::log("REPLY ${request}: ${message}")) +
           xml::rule("line/request-timeout", xml::log("TIMEOUT ${request}"));
}

TEST_F(Outbound, ARequestEndsWithItsAnswerTheOldestFirstOrInTime) {
    run({},
        tell_requests() + xml::rule("line/ready", ask("first", "answer") + ask("other", "else") +
                                                      ask("second", "answer") + ask("late", "never", "0.3")));
    ASSERT_TRUE(eventually([&] { return heard_by(far_end_).size() == 4; }));
    host_->wait_log("TIMEOUT late");
    for (const char* text : {"no match", "answer one", "something else", "answer two", "answer three"}) {
        say(text);
    }
    host_->wait_log("HEARD answer three");
    EXPECT_EQ(host_->stop(), 0);
    EXPECT_EQ(logged("REPLY "),
              (strings{"first: answer one", "other: something else", "second: answer two"}));
    EXPECT_EQ(logged("TIMEOUT "), strings{"late"});
    EXPECT_EQ(logged("HEARD ").size(), 5U); // an answer is a message received, too
    EXPECT_EQ(logged("FAILED line/request").size(), 1U);
}

TEST(Compressed, ARequestHasItsAnswer) {
    peer far_end({"--deflate"});
    host controller(xml::project(xml::instance("line", far_end.port(), "/", xml::set("compression", "true")) +
                                 tell_requests() + tell_drops() +
                                 xml::rule("line/ready", ask("who is there?", "there", "5"))));
    controller.wait_log("REPLY who is there?: who is there?");
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_TRUE(xml::logged(controller.program(), "FAILED").empty());
}

TEST_F(Outbound, ARequestWhoseSessionIsLostFailsOnce) {
    run({}, tell_requests() + xml::rule("line/ready", ask("anybody?", "never")));
    ASSERT_TRUE(eventually([&] { return !heard_by(far_end_).empty(); }));
    http(far_end_.port(), "POST", "/shut?path=/press&code=1001");
    host_->wait_log("FAILED line/request");
    host_->wait_log("UP");
    EXPECT_EQ(host_->stop(), 0);
    EXPECT_EQ(logged("FAILED line/request").size(), 2U); // the second by the stop
    EXPECT_TRUE(logged("TIMEOUT").empty());
}

TEST_F(Outbound, EverythingThatWaitsAtTheStopIsGivenUpOnceAndTold) {
    run(offline + xml::set("offline-policy", "queue"),
        xml::rule("host/startup", send("a") + send("b") + xml::act("line/send-binary", {{"data", "00"}}) +
                                      ask("c", "never")));
    wait_shown("4 0 0 0");
    EXPECT_EQ(host_->stop(), 0);
    EXPECT_EQ(logged("DROPPED stopped").size(), 4U);
    EXPECT_EQ(logged("FAILED line/").size(), 4U);
}

TEST_F(Outbound, ARestartByAChangedSettingGivesUpWhatWaitsAndKeepsTheRest) {
    run(offline + xml::set("offline-policy", "queue"), xml::rule("host/startup", send("a") + send("b")));
    wait_shown("2 0 0 0");
    std::ifstream file(host_->project_file());
    std::string text(std::istreambuf_iterator<char>(file), {});
    text.replace(text.find("/press"), 6, "/machine");
    std::ofstream(host_->project_file()) << text;
    host_->program().signal(SIGHUP);
    host_->wait_log("DROPPED stopped b");
    wait_shown("0 2 0 0");
    EXPECT_EQ(logged("FAILED line/send-message").size(), 2U);
    EXPECT_EQ(host_->stop(), 0);
}

constexpr std::string_view first_session = R"(<when status="line/reconnects" is="0"/>)";

// More is sent than the line carries: what comes in is heard all the same.
class Overload : public testing::TestWithParam<std::string_view> {};

TEST_P(Overload, LeavesNoRuleDeaf) {
    peer far_end;
    host controller(
        xml::project(xml::instance("line", far_end.port(), "/stop-reading",
                                   xml::set("send-keep-alive", "false") + xml::set("write-deadline", "0") +
                                       xml::set("offline-policy", GetParam())) +
                     R"(<rule name="flood"><on trigger="host/every" interval="20ms"/>)" +
                     send(std::string(200'000, 'x')) + "</rule>" +
                     // What waits in the module's own buffers once the kernel takes no more.
                     xml::rule("line/message-dropped", xml::log("TOO MUCH")) +
                     xml::rule("host/action-failed", xml::log("TOO MUCH")) +
                     xml::rule("line/message-received", xml::log("GOT ${message}"))));
    // The queue may be full before there is a session that could be told anything.
    ASSERT_TRUE(eventually([&] { return far_end.get("/sessions")["open"] == 1; }));
    controller.wait_log("TOO MUCH");
    for (const std::string_view word : {"SLOWER", "STOP"}) {
        http(far_end.port(), "POST", "/send?path=/stop-reading", word);
        controller.wait_log("GOT " + std::string(word));
    }
    EXPECT_EQ(controller.stop(), 0);
}

INSTANTIATE_TEST_SUITE_P(Policies, Overload, testing::Values("error", "queue"),
                         [](const auto& one) { return std::string(one.param); });

TEST(WriteDeadline, AMessageThatALineNeverTookWaitsForTheNext) {
    // 32 MiB are more than the two kernels hold between us and a peer that does not read.
    constexpr std::size_t size = std::size_t{32} << 20;
    peer far_end({"--max-message", std::to_string(size)});
    const std::string room = xml::set("max-message-size", "67108864");
    host controller(xml::project(
        xml::instance("line", far_end.port(), "/stop-reading?times=1",
                      room + xml::set("offline-policy", "queue") + xml::set("queue-bytes", "67108864") +
                          xml::set("write-deadline", "0.5") + xml::set("send-keep-alive", "false")) +
        xml::instance("source", far_end.port(), "/big?size=" + std::to_string(size), room + offline) +
        xml::rule("line/ready", xml::act("source/connect"), {}, first_session) +
        xml::rule("source/message-received", send("${message}") + xml::act("source/disconnect")) +
        xml::rule("line/error", xml::log("ERROR ${layer} ${code}")) + tell_drops() +
        xml::rule("line/message-received", xml::log("BACK"))));
    controller.wait_log("ERROR liveness write-deadline");
    controller.wait_log("BACK");
    EXPECT_EQ(far_end.get("/sessions")["bytesReceived"], size);
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_TRUE(xml::logged(controller.program(), "FAILED").empty());
    EXPECT_TRUE(xml::logged(controller.program(), "DROPPED").empty());
}

TEST(WriteDeadline, WithoutAQueueSuchAMessageFails) {
    constexpr std::size_t size = std::size_t{32} << 20;
    peer far_end;
    host controller(xml::project(
        xml::instance("line", far_end.port(), "/stop-reading?times=1", xml::set("write-deadline", "0.5")) +
        xml::instance("source", far_end.port(), "/big?size=" + std::to_string(size),
                      xml::set("max-message-size", "67108864") + offline) +
        xml::rule("line/ready", xml::act("source/connect"), {}, first_session) +
        xml::rule("source/message-received", send("${message}") + xml::act("source/disconnect")) +
        xml::rule("line/message-dropped", xml::log("DROPPED ${reason}")) +
        xml::rule("host/action-failed", xml::log("FAILED ${action}: ${sentence}")) +
        xml::rule("line/ready", xml::log("UP"))));
    controller.wait_log("DROPPED lost");
    controller.wait_log("FAILED line/send-message");
    controller.wait_log("UP");
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_EQ(xml::logged(controller.program(), "FAILED").size(), 1U);
    EXPECT_EQ(xml::logged(controller.program(), "DROPPED").size(), 1U);
}

// What TCP had not acknowledged is reported message by message, however many small ones the kernel held.
TEST(Unconfirmed, EachOfManySmallMessagesIsReported) {
    auto far_end = std::make_unique<peer>();
    const std::string total = "150000";
    host controller(xml::project(
        xml::instance("line", far_end->port(), "/half-open",
                      xml::set("send-keep-alive", "false") + xml::set("auto-reconnect", "false") +
                          xml::set("write-deadline", "0")) +
        xml::instance("source", far_end->port(), "/flood?count=" + total + "&size=8", offline) +
        R"(<variable name="unconfirmed" type="int" value="0"/><variable name="other" type="int" value="0"/>)" +
        xml::rule("line/ready", xml::act("source/connect")) +
        xml::rule("source/message-received", send("${message}")) +
        xml::rule("line/message-dropped", xml::act("host/add", {{"variable", "unconfirmed"}}), {},
                  R"(<when value="${reason}" is="unconfirmed"/>)") +
        xml::rule("host/action-failed", xml::act("host/add", {{"variable", "other"}})) +
        R"(<rule name="all"><on trigger="host/every" interval="50ms"/><when status="line/messages-sent" is=")" +
        total + R"("/><do action="host/log"><arg name="message">ALL SENT</arg></do></rule>)" +
        xml::rule(
            "line/disconnected",
            xml::log("DOWN unconfirmed ${host/unconfirmed} other ${host/other} pings ${unconfirmed}"))));
    controller.wait_log("ALL SENT");
    far_end->program().signal(SIGKILL);
    controller.wait_log("DOWN unconfirmed");
    EXPECT_EQ(controller.stop(), 0);
    const auto down = xml::logged(controller.program(), "DOWN unconfirmed ");
    ASSERT_EQ(down.size(), 1U);
    // All but those that fit into what a server that never reads takes, some 130 KiB of 14 bytes each.
    EXPECT_GT(std::stoi(down[0]), 120000) << down[0];
}

// Numbers go out all the time while the server goes away in several ways and comes back.
class ManyLosses : public testing::TestWithParam<std::string_view> {};

TEST_P(ManyLosses, WhatWasSentIsDeliveredOrReported) {
    constexpr int losses = 5;
    const std::string one = xml::act("host/add", {{"variable", "n"}}) + send("${host/n}");
    std::vector<std::unique_ptr<peer>> peers;
    peers.push_back(std::make_unique<peer>());
    const std::uint16_t port = peers.back()->port();
    host controller(xml::project(
        xml::instance("line", port, "/press",
                      xml::set("offline-policy", GetParam()) + xml::set("queue-messages", "100000") +
                          xml::set("reconnect-min", "0.1") + xml::set("reconnect-max", "0.1")) +
        R"(<variable name="n" type="int" value="0"/><rule name="send">
           <on trigger="host/every" interval="10ms"/><when status="line/reconnects" less=")" +
        std::to_string(losses) + R"("/>)" + one + one + one + "</rule>" +
        xml::rule("line/ready", xml::log("LAST ${host/n}") + send("end"), {},
                  "<when status=\"line/reconnects\" is=\"" + std::to_string(losses) + "\"/>") +
        tell_drops()));
    std::size_t sessions = 0;
    const auto up = [&](std::size_t least) {
        ++sessions;
        return eventually([&] {
            return xml::logged(controller.program(), "UP").size() >= sessions &&
                   heard_by(*peers.back()).size() >= least;
        });
    };
    ASSERT_TRUE(up(30));
    for (int loss = 1; loss <= losses; ++loss) {
        if (loss % 2 == 1) {
            peers.back()->program().signal(SIGKILL);
            peers.back()->program().wait_exit();
            peers.push_back(std::make_unique<peer>(strings{}, port));
        } else {
            http(port, "POST", "/shut?path=/press&code=1001");
        }
        ASSERT_TRUE(up(loss < losses ? 30 : 1));
    }
    // In the last session no more numbers come, and what went before is through.
    ASSERT_TRUE(eventually([&] {
        const auto all = heard_by(*peers.back());
        return !all.empty() && all.back() == "end";
    }));
    EXPECT_EQ(controller.stop(), 0);

    ASSERT_EQ(xml::logged(controller.program(), "LAST ").size(), 1U);
    const std::size_t numbers = std::stoul(xml::logged(controller.program(), "LAST ").front());
    std::vector<int> delivered(numbers + 1);
    for (const auto& each : peers) {
        for (const std::string& text : heard_by(*each)) {
            if (text != "end") {
                ++delivered.at(std::stoul(text));
            }
        }
    }
    std::vector<int> reported(numbers + 1);
    for (const std::string& line : xml::logged(controller.program(), "DROPPED ")) {
        ++reported.at(std::stoul(line.substr(line.find(' ') + 1)));
    }
    // Where there is no queue, a send without a session is refused: that is told of the action.
    std::size_t refused = 0;
    for (const std::string& line : xml::logged(controller.program(), "FAILED line/send-message: ")) {
        refused += line.find("there is no session") != std::string::npos ? 1U : 0U;
    }
    // A server that is killed may have had messages in its kernel that it never read. TCP has acknowledged
    // them; that they may be lost is what Disconnected counts as unconfirmed.
    std::size_t doubtful = 0;
    for (const std::string& text : xml::logged(controller.program(), "DOWN ")) {
        doubtful += std::stoul(text);
    }
    std::size_t neither = 0;
    for (std::size_t number = 1; number <= numbers; ++number) {
        EXPECT_LE(delivered[number], 1) << number;
        EXPECT_LE(reported[number], 1) << number;
        neither += delivered[number] + reported[number] == 0 ? 1U : 0U;
    }
    EXPECT_GE(neither, refused);
    EXPECT_LE(neither, refused + doubtful);
    EXPECT_EQ(refused > 0, GetParam() == "error");
    std::cout << numbers << " given over " << sessions << " sessions, "
              << std::count(delivered.begin(), delivered.end(), 1) << " delivered, "
              << std::count(reported.begin(), reported.end(), 1) << " reported, " << refused << " refused, "
              << neither - refused << " neither; unconfirmed at the losses " << doubtful << '\n';
}

INSTANTIATE_TEST_SUITE_P(Policies, ManyLosses, testing::Values("queue", "error"),
                         [](const auto& row) { return std::string(row.param); });

} // namespace
