// What follows a failure, on real lines: which lane, how long a wait, which triggers in which order;
// redirects, Connect and Disconnect in every state. The whole table of verdicts is module_verdict_test's.

#include "support/programs.hpp"
#include "support/projects.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

namespace {

using iom::test::eventually;
using iom::test::host;
using iom::test::http;
using iom::test::peer;
using iom::test::process;
namespace xml = iom::test::xml;

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == at) {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

/// What a rule tells of one trigger of one instance.
struct told {
    std::string trigger;
    std::string layer;
    std::string code;
    std::string state;
    int next_retry = 0; ///< seconds, rounded up
    std::string sentence;
};

/// Rules that tell of every trigger of a failure, whatever the instance.
std::string tell_failures() {
    std::string rules;
    for (const std::string trigger : {"error", "credentials-rejected", "faulted", "disconnected"}) {
        rules +=
            xml::rule("*/" + trigger,
                      xml::log("TOLD|${instance}|" + trigger +
                               "|${layer}|${code}|${this/connection-status}|${this/next-retry}|${sentence}"));
    }
    return rules;
}

std::vector<told> told_of(const host& controller, std::string_view instance) {
    std::vector<told> found;
    for (const std::string& line : xml::logged(controller.program(), "TOLD|" + std::string(instance) + "|")) {
        const auto parts = split(line, '|');
        found.push_back({parts.at(0), parts.at(1), parts.at(2), parts.at(3),
                         static_cast<int>(std::strtod(parts.at(4).c_str(), nullptr)), parts.at(5)});
    }
    return found;
}

/// One way to fail: where, as what, in which lane, and what is told of it.
struct way {
    std::string path;
    std::string layer;
    std::string code;
    std::string state; ///< after it
    int least = 0;     ///< seconds of next-retry
    int most = 0;
    std::string triggers; ///< of the failure, in order
    std::string sentence; ///< a part of it
};

// Delays of the normal lane stay below 0.2 s here, which shows as 1 s.
const std::vector<way>& ways() {
    static const std::vector<way> all{
        {"/status/404", "http", "404", "faulted", 5, 6, "error faulted disconnected", "knows no such path"},
        {"/status/200", "http", "200", "faulted", 5, 6, "error faulted disconnected", "answered 200 instead"},
        {"/status/418", "http", "418", "faulted", 5, 6, "error faulted disconnected", "refused the request"},
        {"/status/500", "http", "500", "waiting", 0, 1, "error disconnected", "failed inside"},
        {"/status/500?retry-after=7", "http", "500", "waiting", 7, 8, "error disconnected", "failed inside"},
        {"/status/409", "http", "409", "waiting", 5, 6, "error disconnected", "conflict"},
        {"/status/429?retry-after=20", "http", "429", "waiting", 20, 22, "error disconnected", "slow down"},
        {"/status/503", "http", "503", "waiting", 5, 6, "error disconnected", "not available"},
        {"/status/503?retry-after=100000", "http", "503", "waiting", 3600, 3600, "error disconnected",
         "not available"},
        {"/bad-accept", "upgrade", "wrong-accept", "faulted", 5, 6, "error faulted disconnected",
         "wrong Sec-WebSocket-Accept"},
        {"/bad-subprotocol", "upgrade", "unknown-subprotocol", "faulted", 5, 6, "error faulted disconnected",
         "a subprotocol that was not offered"},
        {"/bad-extension", "upgrade", "unknown-extension", "faulted", 5, 6, "error faulted disconnected",
         "an extension that was not offered"},
        {"/drop?before=upgrade", "upgrade", "EOF", "waiting", 0, 1, "error disconnected",
         "before it answered the upgrade"},
        {"/rst?before=upgrade", "upgrade", "ECONNRESET", "waiting", 0, 1, "error disconnected",
         "reset the connection"},
        {"/drop", "close", "1006", "waiting", 0, 1, "error disconnected", "broke off"},
        {"/rst", "close", "1006", "waiting", 0, 1, "error disconnected", "it was reset"},
        {"/close?code=1000", "close", "1000", "waiting", 0, 1, "disconnected", "closed the session"},
        {"/close?code=1001", "close", "1001", "waiting", 0, 1, "disconnected", "going away"},
        {"/close", "close", "1005", "waiting", 0, 1, "error disconnected", "without a reason"},
        {"/close?code=1011&reason=oops", "close", "1011", "waiting", 0, 1, "error disconnected", "oops"},
        {"/close?code=1012", "close", "1012", "waiting", 5, 30, "error disconnected", "restarts"},
        {"/close?code=1013", "close", "1013", "waiting", 5, 6, "error disconnected", "try again later"},
        {"/close?code=3000", "close", "3000", "waiting", 0, 1, "error disconnected", "3000"},
        {"/close?code=3500", "close", "3500", "faulted", 5, 6, "error faulted disconnected", "for good"},
        {"/close?code=4401", "close", "4401", "waiting", 0, 1, "error credentials-rejected disconnected",
         "refused the log-in"},
        {"/close?code=4500", "close", "4500", "faulted", 5, 6, "error faulted disconnected", "for good"},
    };
    return all;
}

TEST(Retry, EveryFailureHasItsLaneItsWaitAndItsTriggersInOrder) {
    peer far_end;
    std::string content = tell_failures();
    for (std::size_t index = 0; index < ways().size(); ++index) {
        content += xml::instance("way-" + std::to_string(index), far_end.port(), ways()[index].path);
    }
    host controller(xml::project(content));
    for (std::size_t index = 0; index < ways().size(); ++index) {
        const way& expected = ways()[index];
        SCOPED_TRACE(expected.path);
        const std::string name = "way-" + std::to_string(index);
        // The first failure is told of up to its disconnected; the next ones may have followed.
        std::vector<told> first;
        ASSERT_TRUE(eventually([&] {
            first = told_of(controller, name);
            const auto end = std::find_if(first.begin(), first.end(),
                                          [](const told& one) { return one.trigger == "disconnected"; });
            const bool whole = end != first.end();
            first.erase(whole ? end + 1 : end, first.end());
            return whole;
        })) << controller.program().bytes(process::stream::err);
        std::string triggers;
        for (const told& one : first) {
            triggers += (triggers.empty() ? "" : " ") + one.trigger;
            EXPECT_EQ(one.layer, expected.layer);
            EXPECT_EQ(one.code, expected.code);
            EXPECT_EQ(one.state, expected.state);
            EXPECT_GE(one.next_retry, expected.least);
            EXPECT_LE(one.next_retry, expected.most);
            EXPECT_NE(one.sentence.find(expected.sentence), std::string::npos) << one.sentence;
        }
        EXPECT_EQ(triggers, expected.triggers);
    }
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Retry, WhatIsFatalTheSecondTimeGetsOneRetry) {
    peer far_end;
    const std::vector<std::string> paths{"/status/401",      "/status/403",      "/status/407",
                                         "/close?code=1008", "/close?code=1002", "/close?code=1003",
                                         "/close?code=1007", "/close?code=1009", "/close?code=1010",
                                         "/close?code=1016", "/close?code=2999", "/invalid/masked"};
    std::string content = tell_failures();
    for (std::size_t index = 0; index < paths.size(); ++index) {
        content += xml::instance("way-" + std::to_string(index), far_end.port(), paths[index]);
    }
    host controller(xml::project(content));
    for (std::size_t index = 0; index < paths.size(); ++index) {
        SCOPED_TRACE(paths[index]);
        const bool credentials = paths[index].find("/status/") == 0 || paths[index].ends_with("1008");
        const std::string once = credentials ? "error credentials-rejected " : "error ";
        std::vector<told> all;
        EXPECT_TRUE(eventually([&] {
            all = told_of(controller, "way-" + std::to_string(index));
            return std::count_if(all.begin(), all.end(),
                                 [](const told& one) { return one.trigger == "disconnected"; }) == 2;
        }));
        std::string triggers;
        for (const told& one : all) {
            triggers += one.trigger + " ";
        }
        EXPECT_EQ(triggers, once + "disconnected " + once + "faulted disconnected ");
        ASSERT_FALSE(all.empty());
        EXPECT_EQ(all.front().state, "waiting");
        EXPECT_LE(all.front().next_retry, 1);
        EXPECT_EQ(all.back().state, "faulted");
        EXPECT_GE(all.back().next_retry, 5);
        EXPECT_LE(all.back().next_retry, 6);
    }
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Retry, ASessionThatHeldStartsEverythingOver) {
    // Each session holds for stable-after, so that no 1008 is ever the second in a row.
    peer far_end;
    host controller(xml::project(
        xml::instance("line", far_end.port(), "/close?code=1008&after=60", xml::set("stable-after", "0.05")) +
        tell_failures()));
    ASSERT_TRUE(
        far_end.eventually("/sessions", [](const auto& counters) { return counters["sessions"] >= 4; }));
    EXPECT_EQ(controller.stop(), 0);
    for (const told& one : told_of(controller, "line")) {
        EXPECT_NE(one.trigger, "faulted");
        EXPECT_NE(one.state, "faulted");
    }
}

TEST(Retry, ARefusedAddressIsNamedAndNothingWasConnected) {
    const std::string place = "127.0.0.1:" + std::to_string(iom::test::free_port());
    host controller(
        xml::project(xml::instance("line", static_cast<std::uint16_t>(std::stoi(place.substr(10))), "/",
                                   xml::set("stable-after", "0")) +
                     tell_failures() + xml::rule("line/error", xml::log("ATTEMPT ${this/attempt}")) +
                     xml::rule("line/connected", xml::log("CONNECTED"))));
    controller.wait_log("ATTEMPT 3");
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_TRUE(xml::logged(controller.program(), "CONNECTED").empty());
    const auto all = told_of(controller, "line");
    ASSERT_GE(all.size(), 3U);
    for (const told& one : all) {
        EXPECT_EQ(one.trigger, "error");
        EXPECT_EQ(one.layer + " " + one.code, "tcp ECONNREFUSED");
        EXPECT_TRUE(one.sentence.starts_with(place + " refused the connection")) << one.sentence;
    }
}

/// A far end, an instance "line" there with those settings, and what the buttons do.
class Buttons : public testing::Test {
protected:
    void run(std::string_view path, std::string_view settings, std::string_view more = {}) {
        text_ = std::string(more) + xml::instance("button", far_end_.port(), "/button") + tell_failures() +
                xml::rule("line/ready", xml::log("UP ${this/reconnects}")) +
                xml::rule("line/disconnected", xml::log("DOWN ${code}")) +
                xml::rule("host/action-failed", xml::log("FAILED ${action}: ${sentence}")) +
                xml::rule("button/ready", xml::log("BUTTON")) +
                xml::button("connect", xml::act("line/connect")) +
                xml::button("disconnect", xml::act("line/disconnect")) +
                xml::button("show", xml::log("SHOWN ${line/connection-status} ${line/next-retry}"));
        host_ = std::make_unique<host>(
            xml::project(text_ + xml::instance("line", far_end_.port(), path, settings)));
        // "line" may be quicker than the buttons, and what it says is waited for later.
        ASSERT_TRUE(eventually([&] { return !xml::logged(host_->program(), "BUTTON").empty(); }))
            << host_->program().bytes(process::stream::err);
    }

    void press(std::string_view word) { http(far_end_.port(), "POST", "/send?path=/button", word); }

    /// Waits until the status is this one.
    void wait_shown(const std::string& shown) {
        EXPECT_TRUE(eventually([&] {
            press("show");
            const auto all = xml::logged(host_->program(), "SHOWN ");
            return !all.empty() && all.back() == shown;
        })) << host_->program().bytes(process::stream::err);
    }

    std::vector<std::string> failed_actions() { return xml::logged(host_->program(), "FAILED "); }

    int upgrades(std::string_view path) {
        int count = 0;
        for (const auto& request : far_end_.get("/requests")) {
            count += request["target"] == path ? 1 : 0;
        }
        return count;
    }

    peer far_end_;
    std::string text_;
    std::unique_ptr<host> host_;
};

TEST_F(Buttons, ConnectWhileWaitingTriesNow) {
    run("/status/503?retry-after=3600&times=1", {});
    host_->wait_log("DOWN 503");
    press("connect");
    host_->wait_log("UP");
    EXPECT_EQ(host_->stop(), 0);
    EXPECT_TRUE(failed_actions().empty());
}

TEST_F(Buttons, AFaultWithoutRetryRestsUntilConnect) {
    run("/status/404?times=2", xml::set("fault-retry", "0"));
    host_->wait_log("DOWN 404");
    wait_shown("faulted 0");
    press("connect"); // fails once more, and is told of again
    host_->wait_log("FAILED line/connect");
    wait_shown("faulted 0");
    press("connect");
    host_->wait_log("UP");
    EXPECT_EQ(host_->stop(), 0);
    const auto all = told_of(*host_, "line");
    EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const told& one) { return one.trigger == "faulted"; }),
              2);
}

TEST_F(Buttons, AFaultWithoutRetryRestsUntilASettingChanges) {
    run("/status/404?times=1", xml::set("fault-retry", "0"));
    host_->wait_log("DOWN 404");
    // A live setting, so that the instance is not restarted for it.
    std::ofstream(host_->project_file()) << xml::project(
        text_ + xml::instance("line", far_end_.port(), "/status/404?times=1",
                              xml::set("fault-retry", "0") + xml::set("connect-timeout", "9")));
    host_->program().signal(SIGHUP);
    host_->wait_log("UP");
    EXPECT_EQ(host_->stop(), 0);
}

TEST_F(Buttons, ConnectJoinsTheAttemptThatRuns) {
    run("/slow-upgrade?ms=400", {});
    wait_shown("upgrading 0");
    press("connect");
    host_->wait_log("UP");
    EXPECT_EQ(host_->stop(), 0);
    EXPECT_EQ(upgrades("/slow-upgrade?ms=400"), 1);
    EXPECT_TRUE(failed_actions().empty());
}

TEST_F(Buttons, ConnectWhileClosingRunsAfter) {
    run("/no-close-echo", xml::set("close-timeout", "0.5"));
    host_->wait_log("UP 0");
    press("disconnect");
    wait_shown("closing 0");
    press("connect");
    host_->wait_log("DOWN disconnect");
    host_->wait_log("UP 1");
    EXPECT_EQ(host_->stop(), 0);
    EXPECT_TRUE(failed_actions().empty());
}

TEST_F(Buttons, ConnectWhileConnectedKeepsTheSessionAndItsTokenIsForTheNext) {
    run("/line", {}, xml::button("token", xml::act("line/connect", {{"bearer-token", "next-one"}})));
    host_->wait_log("UP 0");
    press("token");
    press("show");
    host_->wait_log("SHOWN ready");
    ASSERT_EQ(upgrades("/line"), 1);
    http(far_end_.port(), "POST", "/shut?path=/line&code=1001");
    host_->wait_log("UP 1");
    press("disconnect");
    host_->wait_log("DOWN disconnect");
    press("connect"); // without one, and Disconnect has forgotten the other
    host_->wait_log("UP 2");
    EXPECT_EQ(host_->stop(), 0);
    std::vector<std::string> tokens;
    for (const auto& request : far_end_.get("/requests")) {
        if (request["target"] == "/line") {
            tokens.push_back(request["headers"].value("authorization", "none"));
        }
    }
    EXPECT_EQ(tokens, (std::vector<std::string>{"none", "Bearer next-one", "none"}));
}

TEST_F(Buttons, DisconnectEndsTheRetries) {
    run("/status/503?retry-after=3600", {});
    host_->wait_log("DOWN 503");
    press("disconnect");
    wait_shown("stopped 0");
    EXPECT_EQ(host_->stop(), 0);
    EXPECT_EQ(upgrades("/status/503?retry-after=3600"), 1);
    EXPECT_TRUE(failed_actions().empty());
}

TEST_F(Buttons, DisconnectWhileUpgradingEndsTheAttempt) {
    run("/slow-upgrade?ms=60000", {});
    wait_shown("upgrading 0");
    press("disconnect");
    host_->wait_log("DOWN disconnect");
    wait_shown("stopped 0");
    EXPECT_EQ(host_->stop(), 0);
}

TEST_F(Buttons, ALossWithoutAutoReconnectStopsUntilConnect) {
    run("/drop?times=1", xml::set("auto-reconnect", "false"));
    host_->wait_log("DOWN 1006");
    wait_shown("stopped 0");
    EXPECT_EQ(upgrades("/drop?times=1"), 1);
    press("connect");
    host_->wait_log("UP");
    EXPECT_EQ(host_->stop(), 0);
}

/// Percent-encoded, as a query's value.
std::string in_query(std::string_view text) {
    std::string made;
    for (const char c : text) {
        const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '-';
        constexpr std::string_view digits = "0123456789ABCDEF";
        made += plain ? std::string(1, c)
                      : std::string{'%', digits[static_cast<unsigned char>(c) >> 4U],
                                    digits[static_cast<unsigned char>(c) & 0xFU]};
    }
    return made;
}

TEST(Redirect, IsFollowedFiveTimesOnTheSameHost) {
    peer far_end;
    std::string path = "/there";
    std::string five;
    for (int step = 0; step < 6; ++step) {
        five = step == 5 ? path : five;
        path = "/redirect?to=" + in_query(path);
    }
    host controller(xml::project(
        tell_failures() + xml::rule("*/connected", xml::log("CONNECTED ${instance}")) +
        xml::rule("*/ready", xml::log("UP ${instance}")) + xml::instance("five", far_end.port(), five) +
        xml::instance("six", far_end.port(), path, xml::set("auto-reconnect", "false"))));
    controller.wait_log("UP five");
    ASSERT_TRUE(eventually([&] { return told_of(controller, "six").size() == 3; }));
    EXPECT_EQ(controller.stop(), 0);
    const auto six = told_of(controller, "six");
    EXPECT_EQ(six[1].trigger, "faulted");
    EXPECT_NE(six[0].sentence.find("again and again"), std::string::npos) << six[0].sentence;
    EXPECT_EQ(xml::logged(controller.program(), "CONNECTED five").size(), 1U);
    EXPECT_EQ(xml::logged(controller.program(), "CONNECTED six").size(), 1U);
    EXPECT_EQ(far_end.get("/sessions")["upgrades"], 6 + 6);
}

TEST(Redirect, ToAnotherHostIsFatalAndNamesIt) {
    peer elsewhere;
    peer far_end;
    const std::string there = "http://localhost:" + std::to_string(elsewhere.port()) + "/";
    host controller(xml::project(tell_failures() + xml::instance("line", far_end.port(),
                                                                 "/redirect?to=" + in_query(there),
                                                                 xml::set("bearer-token", "mine-alone"))));
    ASSERT_TRUE(eventually([&] { return told_of(controller, "line").size() == 3; }));
    EXPECT_EQ(controller.stop(), 0);
    const auto all = told_of(controller, "line");
    EXPECT_EQ(all[1].trigger + " " + all[1].layer + " " + all[1].code, "faulted http 302");
    EXPECT_NE(all[1].sentence.find(there), std::string::npos) << all[1].sentence;
    EXPECT_NE(all[1].sentence.find("another host"), std::string::npos) << all[1].sentence;
    EXPECT_EQ(elsewhere.get("/sessions")["upgrades"], 0);
}

TEST(Redirect, ToAnotherPortTakesNoCredentialsThere) {
    peer elsewhere;
    peer far_end;
    const std::string path =
        "/redirect?to=" + in_query("ws://127.0.0.1:" + std::to_string(elsewhere.port()) + "/there");
    const std::string headers = xml::set_raw(
        "headers", "<item>Authorization: Token mine-alone</item><item>Cookie: key=mine-alone</item>"
                   "<item>X-Api-Key: mine-alone</item><item>Origin: http://panel.example</item>"
                   "<item>User-Agent: panel</item>");
    host controller(
        xml::project(xml::rule("*/ready", xml::log("UP ${instance}")) +
                     xml::instance("listed", far_end.port(), path, headers) +
                     xml::instance("token", far_end.port(), path, xml::set("bearer-token", "mine-alone")) +
                     xml::instance("basic", far_end.port(), path,
                                   xml::set("username", "me") + xml::set("password", "mine-alone"))));
    ASSERT_TRUE(elsewhere.eventually_open(3));
    EXPECT_EQ(controller.stop(), 0);
    const auto at_home = far_end.get("/requests");
    ASSERT_EQ(at_home.size(), 3U);
    for (const auto& request : at_home) {
        EXPECT_TRUE(request["headers"].contains("authorization")) << request;
    }
    int with_origin = 0;
    for (const auto& request : elsewhere.get("/requests")) {
        EXPECT_EQ(request["target"], "/there");
        EXPECT_FALSE(request["headers"].contains("authorization")) << request;
        EXPECT_EQ(request.dump().find("mine-alone"), std::string::npos) << request;
        with_origin += request["headers"].value("origin", "") == "http://panel.example" &&
                               request["headers"].value("user-agent", "") == "panel"
                           ? 1
                           : 0;
    }
    EXPECT_EQ(with_origin, 1);
}

TEST(Redirect, OutOfTlsIsFatal) {
    const iom::test::temporary_folder folder;
    iom::test::certificates authority(folder.path());
    const auto pair = authority.issue("server", "IP:127.0.0.1");
    peer plain;
    peer far_end({"--tls-cert", pair.certificate, "--tls-key", pair.key});
    const std::string path =
        "/redirect?to=" + in_query("ws://127.0.0.1:" + std::to_string(plain.port()) + "/there");
    host controller(
        xml::project(tell_failures() +
                     xml::instance("line", far_end.port(), path,
                                   xml::set("protocol", "wss") + xml::set("tls-ca", authority.authority()))),
        {"--files", folder.path().string()});
    ASSERT_TRUE(eventually([&] { return told_of(controller, "line").size() == 3; }));
    EXPECT_EQ(controller.stop(), 0);
    const auto all = told_of(controller, "line");
    EXPECT_EQ(all[1].trigger + " " + all[1].code, "faulted 302");
    EXPECT_NE(all[1].sentence.find("out of TLS"), std::string::npos) << all[1].sentence;
    EXPECT_EQ(plain.get("/sessions")["upgrades"], 0);
}

TEST(Secrets, AreReadAnewForEveryAttempt) {
    peer far_end({"--basic", "press:right"});
    const iom::test::temporary_folder folder;
    const auto secrets = [&](std::string_view password) {
        const auto file = folder.write("line.secrets", "password=" + std::string(password) + "\n");
        std::filesystem::permissions(file, std::filesystem::perms::owner_read |
                                               std::filesystem::perms::owner_write);
    };
    secrets("wrong");
    // No retry sooner than a second after the first attempt; one that comes before the file is changed, on a
    // busy machine, is followed by others.
    const auto file = folder.write(
        "line.xml",
        xml::project(xml::instance("line", far_end.port(), "/basic",
                                   xml::set("username", "press") +
                                       xml::set("password", "${secret:password}") +
                                       xml::set("reconnect-min", "1") + xml::set("reconnect-max", "1")) +
                     xml::rule("line/credentials-rejected", xml::log("REJECTED ${code}")) +
                     xml::rule("line/ready", xml::log("UP"))));
    process program({iom::test::iomhost(), "run", file.string(), "--no-web", "--log-format", "json",
                     "--modules", iom::test::module_folder().string()});
    program.wait_line(process::stream::err, "REJECTED 401");
    secrets("right");
    program.wait_line(process::stream::err, "UP");
    program.signal(SIGTERM);
    EXPECT_EQ(program.wait_exit(), 0);
}

TEST(Many, AHundredInstancesAllComeBackWhenTheirServerDoes) {
    constexpr int count = 100;
    auto far_end = std::make_unique<peer>();
    const std::uint16_t port = far_end->port();
    std::string content = xml::rule("*/error", xml::log("LOST ${instance} ${this/next-retry}"));
    for (int number = 0; number < count; ++number) {
        content +=
            xml::instance("i" + std::to_string(number), port, "/", xml::set("reconnect-first-max", "2"));
    }
    host controller(xml::project(content));
    ASSERT_TRUE(far_end->eventually_open(count));
    far_end->program().signal(SIGKILL);
    far_end->program().wait_exit();
    // All hear of it at once; each comes back at its own moment of the first two seconds.
    ASSERT_TRUE(eventually([&] { return xml::logged(controller.program(), "LOST ").size() >= count; }));
    far_end = std::make_unique<peer>(std::vector<std::string>{}, port);
    ASSERT_TRUE(far_end->eventually_open(count));
    EXPECT_LE(far_end->get("/sessions")["mostArrivalsPerSecond"], 400);
    EXPECT_EQ(controller.stop(), 0);
    const auto lost = xml::logged(controller.program(), "LOST ");
    EXPECT_TRUE(std::all_of(lost.begin(), lost.end(), [](const std::string& line) {
        return line.ends_with(" 0") || line.ends_with(" 1") || line.ends_with(" 2");
    }));
}

} // namespace
