// `iomhost run`: a message from a real server goes through a rule and back; every trigger and action of the
// compatibility surface; reload and end.

#include "support/programs.hpp"

#include <csignal>
#include <fstream>
#include <gtest/gtest.h>

namespace {

using iom::test::host;
using iom::test::peer;
using iom::test::process;

/// An instance "line" at the far end, with further settings as XML.
std::string instance(const peer& far_end, std::string_view path, std::string_view settings = {},
                     std::string_view name = "line") {
    std::string escaped;
    for (const char c : path) {
        escaped += c == '&' ? std::string("&amp;") : std::string(1, c);
    }
    return "<instance name=\"" + std::string(name) +
           "\" module=\"websocket-client\"><set name=\"hostname\">127.0.0.1</set><set name=\"port\">" +
           std::to_string(far_end.port()) + "</set><set name=\"path\">" + escaped +
           "</set><set name=\"reconnect-first-max\">0.05</set><set name=\"reconnect-min\">0.1</set>"
           "<set name=\"reconnect-max\">0.2</set>" +
           std::string(settings) + "</instance>";
}

std::string project(std::string_view content) {
    return "<project name=\"test\">" + std::string(content) + "</project>";
}

/// Rules need names of their own.
std::string next_name() {
    static int last = 0;
    return "rule " + std::to_string(++last);
}

/// A rule that writes `text` to the log when `trigger` fires.
std::string log_rule(std::string_view trigger, std::string_view text, std::string_view match = {}) {
    return "<rule name=\"" + next_name() + "\"><on trigger=\"" + std::string(trigger) + "\">" +
           std::string(match) + "</on><do action=\"host/log\"><arg name=\"message\">" + std::string(text) +
           "</arg></do></rule>";
}

/// A rule that does one thing with one message when `trigger` fires.
std::string send_rule(std::string_view trigger, std::string_view message, std::string_view match = {},
                      std::string_view action = "line/send-message") {
    return "<rule name=\"" + next_name() + "\"><on trigger=\"" + std::string(trigger) + "\">" +
           std::string(match) + "</on><do action=\"" + std::string(action) + "\"><arg name=\"message\">" +
           std::string(message) + "</arg></do></rule>";
}

std::size_t count(const std::vector<std::string>& lines, std::string_view part) {
    std::size_t found = 0;
    for (const std::string& line : lines) {
        found += line.find(part) != std::string::npos ? 1U : 0U;
    }
    return found;
}

TEST(Run, ARulesAnswerArrivesAtTheServer) {
    peer far_end({"--alarm-every", "0.1"});
    host controller(project(
        instance(far_end, "/machine") + send_rule("line/ready", R"({"type":"bind","things":["press-1"]})") +
        send_rule("line/message-received", "ACK ${3}", R"(<match kind="regex">^ALARM (\d+) </match>)")));
    EXPECT_TRUE(far_end.eventually("/alarms", iom::test::an_alarm_was_acknowledged));
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Run, FiresTheTriggersOfOneSessionOnceAndInOrder) {
    peer far_end;
    host controller(project(
        instance(far_end, "/close?code=4000&reason=enough&after=20",
                 "<set name=\"auto-reconnect\">false</set>") +
        log_rule("line/connected", "T1 ${remote-address}") +
        log_rule("line/websocket-established", "T2 established") + log_rule("line/ready", "T3 ready") +
        log_rule("line/error", "T4 ${layer} ${code} ${sentence}") +
        log_rule("line/disconnected", "T5 ${layer} ${code} clean=${clean} ready=${was-ready}")));
    controller.wait_log("T1 127.0.0.1");
    controller.wait_log("T2 established");
    controller.wait_log("T3 ready");
    EXPECT_NE(controller.wait_log("T4 close 4000").find("enough"), std::string::npos);
    EXPECT_NE(controller.wait_log("T5 close 4000 clean=true ready=true"), "");
    EXPECT_EQ(controller.stop(), 0);
    const auto lines = controller.program().lines(process::stream::err);
    for (const std::string_view trigger : {"T1 127", "T2 est", "T3 ready", "T4 close", "T5 close"}) {
        EXPECT_EQ(count(lines, trigger), 1U) << trigger;
    }
}

TEST(Run, MatchesPlainTextByContainsCaseSensitiveWithoutWildcards) {
    peer far_end;
    host controller(project(instance(far_end, "/") + send_rule("line/ready", "first ALARM* here") +
                            log_rule("line/message-received", "M1 every ${1}") +
                            log_rule("line/message-received", "M2 contains", "<match>ALARM*</match>") +
                            log_rule("line/message-received", "M3 wildcard", "<match>ALARM*here</match>") +
                            log_rule("line/message-received", "M4 case", "<match>alarm</match>") +
                            log_rule("line/message-received", "M5 empty", "<match></match>") +
                            log_rule("line/message-received", "M6 last")));
    controller.wait_log("M6 last");
    EXPECT_EQ(controller.stop(), 0);
    const auto lines = controller.program().lines(process::stream::err);
    EXPECT_EQ(count(lines, "M1 every first ALARM* here"), 1U);
    EXPECT_EQ(count(lines, "M2 contains"), 1U);
    EXPECT_EQ(count(lines, "M3 wildcard"), 0U);
    EXPECT_EQ(count(lines, "M4 case"), 0U);
    EXPECT_EQ(count(lines, "M5 empty"), 1U);
}

TEST(Run, KeepsTextAndBinaryApart) {
    peer far_end;
    host controller(project(instance(far_end, "/") +
                            R"(<rule name="go"><on trigger="line/ready"/>
             <do action="line/send-binary"><arg name="data">00ff10</arg><arg name="encoding">hex</arg></do>
             <do action="line/send-binary"><arg name="data">AP8R</arg><arg name="encoding">base64</arg></do>
             <do action="line/send-message"><arg name="message">text</arg></do></rule>)" +
                            log_rule("line/message-received", "GOT ${message} binary=${binary}")));
    controller.wait_log("GOT 00ff10 binary=true");
    controller.wait_log("GOT 00ff11 binary=true");
    controller.wait_log("GOT text binary=false");
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Run, SendsABinaryMessageBackAsItCame) {
    peer far_end;
    host controller(
        project(instance(far_end, "/flood?count=1&size=300&binary=1") +
                R"(<rule name="back"><on trigger="line/message-received"/><do action="line/send-binary">
             <arg name="data">${message}</arg><arg name="encoding">raw</arg></do></rule>)"));
    // The far end sends back what it gets, so the message goes round and round.
    EXPECT_TRUE(far_end.eventually("/sessions", [](const nlohmann::json& counters) {
        const int messages = counters["messagesReceived"];
        return messages > 1 && counters["bytesReceived"] == 300 * messages;
    })) << far_end.get("/sessions");
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Run, ConnectsAndDisconnectsByRule) {
    peer far_end;
    host controller(
        project(instance(far_end, "/", "<set name=\"connect-at-startup\">false</set>") +
                R"(<rule name="1"><on trigger="host/startup"/><do action="line/connect">
             <arg name="bearer-token">t0ken</arg></do></rule>
           <rule name="2"><on trigger="line/ready"/><do action="line/disconnect">
             <arg name="code">1000</arg><arg name="reason">done for today</arg></do></rule>)" +
                log_rule("line/disconnected", "DOWN ${code} clean=${clean} ${line/connection-status}")));
    controller.wait_log("DOWN disconnect clean=true stopped");
    EXPECT_EQ(far_end.get("/requests")[0]["headers"]["authorization"], "Bearer t0ken");
    EXPECT_EQ(far_end.get("/closes")[0]["reason"], "done for today");
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_EQ(count(controller.program().lines(process::stream::err), "DOWN"), 1U);
}

TEST(Run, ComesBackByItselfAfterTheServerWasKilled) {
    auto far_end = std::make_unique<peer>();
    const std::uint16_t port = far_end->port();
    host controller(project(instance(*far_end, "/") + log_rule("line/ready", "UP again") +
                            log_rule("line/disconnected", "DOWN ${layer} ${code} clean=${clean}")));
    controller.wait_log("UP again");
    far_end->program().signal(SIGKILL);
    controller.wait_log("DOWN");
    far_end = std::make_unique<peer>(std::vector<std::string>{}, port);
    controller.wait_log("UP again");
    EXPECT_EQ(controller.stop(), 0);
    // One for the loss, one for our own end.
    EXPECT_EQ(count(controller.program().lines(process::stream::err), "DOWN"), 2U);
}

TEST(Run, StaysStoppedAfterALossWithoutAutoReconnect) {
    peer far_end;
    host controller(project(instance(far_end, "/drop", "<set name=\"auto-reconnect\">false</set>") +
                            log_rule("line/disconnected", "DOWN") +
                            R"(<rule name="state"><on trigger="host/every" interval="50ms"/>
             <when status="line/connection-status" is="stopped"/>
             <do action="host/log"><arg name="message">STATE ${line/connection-status}</arg></do></rule>)"));
    controller.wait_log("DOWN");
    controller.wait_log("STATE stopped");
    EXPECT_EQ(far_end.get("/sessions")["upgrades"], 1);
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Run, FindsADeadLineByThePongThatDoesNotCome) {
    peer far_end;
    host controller(project(instance(far_end, "/no-pong",
                                     "<set name=\"ping-interval\">1</set><set name=\"pong-timeout\">0.2</set>"
                                     "<set name=\"auto-reconnect\">false</set>") +
                            log_rule("line/error", "DEAD ${layer} ${sentence}")));
    EXPECT_NE(controller.wait_log("DEAD liveness").find("answered no ping"), std::string::npos);
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Run, RefusesToSendWhileOfflineAndSaysSo) {
    peer far_end;
    host controller(project(instance(far_end, "/", "<set name=\"connect-at-startup\">false</set>") +
                            R"(<rule name="too early"><on trigger="host/startup"/>
             <do action="line/send-message"><arg name="message">x</arg></do></rule>)" +
                            log_rule("host/action-failed", "FAILED ${rule}: ${action}: ${sentence}")));
    const std::string line = controller.wait_log("FAILED too early: line/send-message");
    EXPECT_NE(line.find("not"), std::string::npos) << line;
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Run, ReloadTouchesOnlyTheInstanceThatChanged) {
    peer far_end;
    const auto text = [&](std::string_view second_path) {
        return project(instance(far_end, "/", {}, "one") + instance(far_end, second_path, {}, "two") +
                       log_rule("one/ready", "ONE up") + log_rule("two/ready", "TWO up") +
                       log_rule("one/disconnected", "ONE down") + log_rule("two/disconnected", "TWO down"));
    };
    host controller(text("/a"));
    controller.wait_log("TWO up");
    ASSERT_TRUE(far_end.eventually_open(2));
    std::ofstream(controller.project_file()) << text("/b");
    controller.program().signal(SIGHUP);
    controller.wait_log("TWO up");
    EXPECT_EQ(far_end.get("/requests").size(), 3U);
    EXPECT_EQ(far_end.get("/requests")[2]["target"], "/b");
    std::ofstream(controller.project_file()) << "<project name=\"broken\"><rule></project>";
    controller.program().signal(SIGHUP);
    controller.wait_log("project.xml:1:");
    EXPECT_EQ(far_end.get("/sessions")["open"], 2);
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_EQ(count(controller.program().lines(process::stream::err), "ONE up"), 1U);
    EXPECT_EQ(count(controller.program().lines(process::stream::err), "ONE down"), 1U);
}

TEST(Run, StopsRulesThatFireRulesAtDepth16) {
    peer far_end;
    std::string rules;
    // A chain of rules, each fired by the one before: longer than the host allows.
    for (int i = 0; i < 20; ++i) {
        rules +=
            "<rule name=\"r" + std::to_string(i) + "\"><on trigger=\"host/manual\"/>" +
            "<do action=\"host/log\"><arg name=\"message\">LEVEL-" + std::to_string(i) + ".</arg></do>" +
            (i < 19 ? "<do action=\"host/fire\"><arg name=\"rule\">r" + std::to_string(i + 1) + "</arg></do>"
                    : std::string()) +
            "</rule>";
    }
    host controller(project(instance(far_end, "/") + rules +
                            R"(<rule name="go"><on trigger="host/startup"/><do action="host/fire">
                                 <arg name="rule">r0</arg></do></rule>)"));
    controller.wait_log("nested 16 deep");
    EXPECT_EQ(controller.stop(), 0);
    const auto lines = controller.program().lines(process::stream::err);
    EXPECT_EQ(count(lines, "LEVEL-15."), 1U);
    EXPECT_EQ(count(lines, "LEVEL-16."), 0U);
}

TEST(Run, ALoopThroughTheServerRunsOnAndTheHostStaysResponsive) {
    peer far_end;
    host controller(project(instance(far_end, "/") + instance(far_end, "/", {}, "other") +
                            send_rule("line/ready", "round") +
                            R"(<variable name="rounds" type="int" value="0"/>
           <rule name="again"><on trigger="line/message-received"/>
             <do action="host/add"><arg name="variable">rounds</arg><arg name="value">1</arg></do>
             <do action="line/send-message"><arg name="message">${message}</arg></do></rule>
           <rule name="watch"><on trigger="host/every" interval="100ms"/>
             <when variable="rounds" greater="1000"/>
             <do action="other/send-message"><arg name="message">ROUNDS</arg></do></rule>)" +
                            log_rule("other/message-received", "STILL HERE", "<match>ROUNDS</match>")));
    controller.wait_log("STILL HERE");
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Run, ShowsASecretToTheServerOnly) {
    peer far_end;
    iom::test::temporary_folder folder;
    const std::string text = project(instance(far_end, "/",
                                              "<set name=\"bearer-token\">${secret:line-token}</set>"
                                              "<set name=\"extended-logging\">true</set>"
                                              "<set name=\"log-comms\">true</set>") +
                                     send_rule("line/ready", "my token is ${secret:line-token}") +
                                     log_rule("line/message-received", "ECHO ${message}"));
    const auto file = folder.write("with-secret.xml", text);
    const auto secrets = folder.write("with-secret.secrets", "line-token=h1dden-value\n");
    std::filesystem::permissions(secrets,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    process program({iom::test::iomhost(), "run", file.string(), "--no-web", "--log-format", "json",
                     "--log-level", "debug", "--modules", iom::test::module_folder().string()});
    program.wait_line(process::stream::err, "ECHO my token is");
    EXPECT_EQ(far_end.get("/requests")[0]["headers"]["authorization"], "Bearer h1dden-value");
    program.signal(SIGTERM);
    EXPECT_EQ(program.wait_exit(), 0);
    EXPECT_EQ(program.bytes(process::stream::err).find("h1dden-value"), std::string::npos)
        << program.bytes(process::stream::err);
}

TEST(Run, DelaysActionsAndCountsInVariables) {
    peer far_end;
    host controller(project(instance(far_end, "/") +
                            R"(<variable name="n" type="int" value="40"/>
           <rule name="go"><on trigger="host/startup"/>
             <do action="host/log" after="50ms"><arg name="message">SECOND ${host/n}</arg></do>
             <do action="host/add"><arg name="variable">n</arg><arg name="value">2</arg></do>
             <do action="host/log"><arg name="message">FIRST ${host/n}</arg></do></rule>)"));
    controller.wait_log("FIRST 42");
    controller.wait_log("SECOND");
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Run, EndsOnSigintWithACleanClose) {
    peer far_end;
    host controller(project(instance(far_end, "/") + log_rule("line/ready", "UP")));
    controller.wait_log("UP");
    controller.program().signal(SIGINT);
    EXPECT_EQ(controller.program().wait_exit(), 0);
    EXPECT_TRUE(far_end.eventually("/closes", [](const nlohmann::json& closes) {
        return !closes.empty() && closes[0]["code"] == 1000;
    })) << far_end.get("/closes");
}

} // namespace
