// SIGHUP with sessions under way: what did not change goes on as if nothing had happened.

#include "support/programs.hpp"

#include <csignal>
#include <fstream>
#include <gtest/gtest.h>

namespace {

using iom::test::host;
using iom::test::peer;
using iom::test::process;

const char* const quick = "<set name=\"reconnect-first-max\">0.05</set><set name=\"reconnect-min\">0.1</set>"
                          "<set name=\"reconnect-max\">0.2</set>";

std::string instance(const peer& far_end, std::string_view name, std::string_view path,
                     std::string_view settings = {}, std::string_view pace = quick) {
    return "<instance name=\"" + std::string(name) +
           "\" module=\"websocket-client\"><set name=\"hostname\">127.0.0.1</set><set name=\"port\">" +
           std::to_string(far_end.port()) + "</set><set name=\"path\">" + std::string(path) + "</set>" +
           std::string(pace) + std::string(settings) + "</instance>";
}

std::string project(std::string_view content) {
    return "<project name=\"test\">" + std::string(content) + "</project>";
}

std::string log_rule(std::string_view trigger, std::string_view text, std::string_view match = {}) {
    return "<rule name=\"" + std::string(text) + "\"><on trigger=\"" + std::string(trigger) + "\">" +
           std::string(match) + "</on><do action=\"host/log\"><arg name=\"message\">" + std::string(text) +
           "</arg></do></rule>";
}

void load_again(host& controller, std::string_view text) {
    std::ofstream(controller.project_file()) << text;
    controller.program().signal(SIGHUP);
}

std::size_t count(host& controller, std::string_view part) {
    std::size_t found = 0;
    for (const std::string& line : controller.program().lines(process::stream::err)) {
        found += line.find(part) != std::string::npos ? 1U : 0U;
    }
    return found;
}

TEST(Reload, ALiveSettingLeavesTheSessionAlone) {
    peer far_end;
    const auto text = [&](std::string_view settings) {
        return project(instance(far_end, "line", "/", settings) + instance(far_end, "other", "/"));
    };
    host controller(text(""));
    ASSERT_TRUE(far_end.eventually_open(2));
    load_again(controller, text("<set name=\"pong-timeout\">7</set><set name=\"log-comms\">true</set>"
                                "<set name=\"queue-messages\">5</set>"));
    controller.wait_log("1 instance untouched, 1 with new settings at once, 0 restarted, 0 added, 0 removed");
    EXPECT_EQ(far_end.get("/sessions")["upgrades"], 2);
    EXPECT_EQ(far_end.get("/sessions")["open"], 2);
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Reload, OnlyTheInstanceConcernedIsRestartedAddedOrRemoved) {
    peer far_end;
    const std::string kept = instance(far_end, "kept", "/") + log_rule("kept/disconnected", "KEPT down");
    host controller(project(kept + instance(far_end, "changed", "/a") + instance(far_end, "gone", "/gone")));
    ASSERT_TRUE(far_end.eventually_open(3));
    load_again(controller,
               project(instance(far_end, "fresh", "/fresh") + instance(far_end, "changed", "/b") + kept));
    controller.wait_log("1 instance untouched, 0 with new settings at once, 1 restarted, 1 added, 1 removed");
    ASSERT_TRUE(far_end.eventually("/sessions", [](const nlohmann::json& counters) {
        return counters["open"] == 3 && counters["upgrades"] == 5;
    })) << far_end.get("/sessions");
    EXPECT_EQ(count(controller, "KEPT down"), 0U);
    EXPECT_EQ(far_end.get("/closes").size(), 2U);
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Reload, ABrokenProjectLeavesEverythingRunningAndSaysWhere) {
    peer far_end;
    const std::string good =
        project("<variable name=\"n\" type=\"int\"/>" + instance(far_end, "line", "/") +
                log_rule("line/disconnected", "DOWN") + log_rule("line/message-received", "HEARD"));
    host controller(good);
    ASSERT_TRUE(far_end.eventually_open(1));
    for (const std::string& broken :
         {std::string("<project name=\"x\">\n<rule>"), project("\n<instance name=\"line\" module=\"none\"/>"),
          project("\n" + instance(far_end, "line", "no-slash\nhere")),
          project("\n" + instance(far_end, "line", "/", "<set name=\"hostname\">twice</set>"))}) {
        load_again(controller, broken);
        controller.wait_log("project.xml:2:");
        controller.wait_log("everything goes on as before");
    }
    EXPECT_EQ(far_end.get("/sessions")["upgrades"], 1);
    iom::test::http(far_end.port(), "POST", "/send", "hello");
    controller.wait_log("HEARD");
    EXPECT_EQ(count(controller, "DOWN"), 0U);
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Reload, KeepsTheWishAndTheToken) {
    peer far_end;
    const auto text = [&](std::string_view path, std::string_view settings) {
        return project(instance(far_end, "up", path, "<set name=\"connect-at-startup\">false</set>") +
                       instance(far_end, "down", "/down", settings) +
                       R"(<rule name="go"><on trigger="host/startup"/>
                           <do action="up/connect"><arg name="bearer-token">t0ken</arg></do>
                           <do action="down/disconnect"/></rule>)" +
                       log_rule("up/ready", "UP"));
    };
    const auto asked_for = [&](std::string_view path) {
        nlohmann::json found = nlohmann::json::array();
        for (const auto& request : far_end.get("/requests")) {
            if (request["target"] == path) {
                found.push_back(request);
            }
        }
        return found;
    };
    host controller(text("/first", ""));
    controller.wait_log("UP");
    const std::size_t downs = asked_for("/down").size(); // it may have begun before the rule spoke
    // Both need a restart; neither looks at connect-at-startup again.
    load_again(controller, text("/second", "<set name=\"headers\"><item>X-New: 1</item></set>"));
    controller.wait_log("2 restarted");
    controller.wait_log("UP");
    const nlohmann::json second = asked_for("/second");
    ASSERT_EQ(second.size(), 1U) << second;
    EXPECT_EQ(second[0]["headers"]["authorization"], "Bearer t0ken");
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_EQ(asked_for("/down").size(), downs);
}

TEST(Reload, DelayedAndDebouncedActionsOfUnchangedRulesStillCome) {
    peer far_end;
    const std::string unchanged =
        "<variable name=\"n\" type=\"int\" value=\"0\"/>" + instance(far_end, "line", "/broadcast/x") +
        R"(<rule name="later"><on trigger="line/message-received"><match>go</match></on>
             <do action="host/add"><arg name="variable">n</arg></do>
             <do action="host/log" after="700ms"><arg name="message">LATER ${message} n=${host/n}</arg></do></rule>
           <rule name="quiet"><on trigger="line/message-received"><match kind="prefix" debounce="700ms">go</match></on>
             <do action="line/send-message"><arg name="message">QUIET ${message}</arg></do></rule>)";
    const std::string doomed = R"(<rule name="doomed"><on trigger="line/message-received"/>
             <do action="host/log" after="60s"><arg name="message">NEVER</arg></do></rule>)";
    host controller(project(unchanged + doomed + log_rule("line/ready", "READY") +
                            log_rule("line/message-received", "HEARD")));
    controller.wait_log("READY");
    iom::test::http(far_end.port(), "POST", "/send", "go 1");
    controller.wait_log("HEARD");
    // An instance and a rule stand before all others now, so that nothing is at its old place.
    load_again(controller, project(instance(far_end, "first", "/") + log_rule("first/ready", "FIRST") +
                                   unchanged + log_rule("line/disconnected", "DOWN")));
    const std::string lost = controller.wait_log("will not come");
    EXPECT_NE(lost.find("doomed"), std::string::npos) << lost;
    EXPECT_NE(lost.find("host/log, due in "), std::string::npos) << lost;
    controller.wait_log("1 instance untouched");
    ASSERT_TRUE(iom::test::eventually([&] { return count(controller, "LATER go 1 n=1") == 1; }));
    ASSERT_TRUE(far_end.eventually(
        "/sessions", [](const nlohmann::json& counters) { return counters["messagesReceived"] == 1; }));
    EXPECT_EQ(count(controller, "DOWN"), 0U);
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_EQ(count(controller, "LATER"), 1U);
}

TEST(Reload, GatesRememberWhatTheyHaveSeen) {
    peer far_end;
    const std::string rules = instance(far_end, "line", "/broadcast/x") +
                              R"(<rule name="change"><on trigger="line/message-received">
             <match kind="json" pointer="/v" as="v" on-change="v"/></on>
             <do action="host/log"><arg name="message">CHANGED ${v}.</arg></do></rule>
           <rule name="all"><on trigger="line/message-received"/>
             <do action="host/log"><arg name="message">ALL ${message}.</arg></do></rule>)";
    host controller(project(rules + log_rule("line/ready", "READY")));
    controller.wait_log("READY");
    const auto send = [&](const std::string& text) {
        iom::test::http(far_end.port(), "POST", "/send", text);
        controller.wait_log("ALL");
    };
    send(R"({"v":1})");
    send(R"({"v":1})");
    load_again(controller, project(rules));
    controller.wait_log("1 instance untouched");
    send(R"({"v":1})");
    send(R"({"v":2})");
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_EQ(count(controller, "CHANGED 1."), 1U);
    EXPECT_EQ(count(controller, "CHANGED 2."), 1U);
}

TEST(Reload, ChangedSecretsAreUsedFromThenOn) {
    peer far_end;
    const iom::test::temporary_folder folder;
    const auto secrets = [&](std::string_view pin) {
        const auto file = folder.write("p.secrets", "pin=" + std::string(pin) + "\n");
        std::filesystem::permissions(file, std::filesystem::perms::owner_read |
                                               std::filesystem::perms::owner_write);
    };
    secrets("first-pin");
    const auto file = folder.write(
        "p.xml",
        project(instance(far_end, "line", "/",
                         "<set name=\"username\">u</set><set name=\"password\">${secret:pin}</set>") +
                R"(<rule name="say"><on trigger="line/message-received"/><do action="line/send-message">
                     <arg name="message">pin ${secret:pin}</arg></do></rule>)" +
                log_rule("line/ready", "READY")));
    process program({iom::test::iomhost(), "run", file.string(), "--no-web", "--modules",
                     iom::test::module_folder().string()});
    program.wait_line(process::stream::err, "READY");
    secrets("second-pin");
    program.signal(SIGHUP);
    program.wait_line(process::stream::err, "the project was loaded again");
    iom::test::http(far_end.port(), "POST", "/shut?code=1011");
    program.wait_line(process::stream::err, "READY");
    const nlohmann::json requests = far_end.get("/requests");
    EXPECT_EQ(requests.front()["headers"]["authorization"], "Basic dTpmaXJzdC1waW4=");
    EXPECT_EQ(requests.back()["headers"]["authorization"], "Basic dTpzZWNvbmQtcGlu");
    program.signal(SIGTERM);
    EXPECT_EQ(program.wait_exit(), 0);
    for (const std::string_view hidden : {"first-pin", "second-pin"}) {
        EXPECT_EQ(program.bytes(process::stream::err).find(hidden), std::string::npos) << hidden;
    }
}

TEST(Reload, ASecretMendedBetweenTwoRefusalsIsUsedAtOnce) {
    peer far_end;
    const iom::test::temporary_folder folder;
    const auto secrets = [&](std::string_view token) {
        // Beside, then renamed, as an editor does: never half a file.
        const auto file = folder.write("fresh", "token=" + std::string(token) + "\n");
        std::filesystem::permissions(file, std::filesystem::perms::owner_read |
                                               std::filesystem::perms::owner_write);
        std::filesystem::rename(file, folder.path() / "p.secrets");
    };
    secrets("no-such-token");
    // So slow that the secret is mended before the second attempt.
    const char* const slow = R"(<set name="reconnect-first-max">0.5</set><set name="reconnect-min">0.5</set>
      <set name="reconnect-max">0.5</set>)";
    const auto file = folder.write(
        "p.xml",
        project(instance(far_end, "line", "/auth", "<set name=\"bearer-token\">${secret:token}</set>", slow) +
                log_rule("line/credentials-rejected", "REJECTED") + log_rule("line/ready", "READY")));
    process program({iom::test::iomhost(), "run", file.string(), "--no-web", "--modules",
                     iom::test::module_folder().string()});
    program.wait_line(process::stream::err, "REJECTED");
    const std::string answer = iom::test::http(far_end.port(), "POST", "/token");
    const auto fresh = nlohmann::json::parse(answer.substr(answer.find("\r\n\r\n") + 4))["token"];
    secrets(std::string(fresh));
    program.wait_line(process::stream::err, "READY");
    EXPECT_EQ(far_end.get("/requests").back()["headers"]["authorization"], "Bearer " + std::string(fresh));
    program.signal(SIGTERM);
    EXPECT_EQ(program.wait_exit(), 0);
    EXPECT_EQ(program.bytes(process::stream::err).find(std::string(fresh)), std::string::npos);
}

} // namespace
