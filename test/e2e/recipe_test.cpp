// The session recipe against real servers: greeting, ready, refusal, heartbeat, delimiter and farewell.

#include "support/programs.hpp"
#include "support/projects.hpp"

#include <csignal>
#include <ctime>
#include <gtest/gtest.h>

namespace {

using iom::test::eventually;
using iom::test::host;
using iom::test::http;
using iom::test::peer;
using iom::test::process;
namespace xml = iom::test::xml;

std::string match(std::string_view text, std::string_view kind = "equals") {
    return "<match kind=\"" + std::string(kind) + "\">" + xml::escaped(text) + "</match>";
}

std::string tell_messages() {
    return xml::rule("line/message-received", xml::log("GOT ${message}"));
}

std::string tell_states() {
    return xml::rule("line/websocket-established", xml::log("ESTABLISHED")) +
           xml::rule("line/ready", xml::log("READY")) +
           xml::rule("line/error",
                     xml::log("ERROR ${layer} ${code} ${this/connection-status}: ${sentence}")) +
           xml::rule("line/credentials-rejected", xml::log("REJECTED ${layer} ${code}: ${sentence}")) +
           xml::rule("line/faulted", xml::log("FAULTED ${layer} ${code}")) +
           xml::rule("line/disconnected",
                     xml::log("DOWN ${layer} ${code} clean=${clean} ready=${was-ready}"));
}

/// What came to the far end as a message, in order, from its log.
std::vector<std::string> heard_by(peer& far_end, std::string_view path = {}) {
    std::vector<std::string> heard;
    for (const std::string& line : far_end.program().lines(process::stream::err)) {
        const auto event = nlohmann::json::parse(line, nullptr, false);
        if (event.is_object() && event.value("event", "") == "report" &&
            (path.empty() || event.value("path", "") == path)) {
            heard.push_back(event["text"]);
        }
    }
    return heard;
}

TEST(Greeting, SendsAndAwaitsInOrderAndItsCapturesLastAsLongAsTheSession) {
    peer far_end; // echoes: what is said comes back
    host controller(xml::project(
        xml::instance("line", far_end.port(), "/",
                      xml::set_raw("greeting",
                                   "<send>login press token-17</send>"
                                   "<await><match kind=\"regex\">"
                                   "^login (?P&lt;who&gt;\\S+) (?P&lt;token&gt;\\S+)$</match></await>"
                                   "<send>bind ${session/who} with ${session/token}</send>"
                                   "<send encoding=\"hex\">0aff</send>"
                                   "<send encoding=\"base64\">AAEC</send>"
                                   "<await><match>bind press</match></await>"
                                   "<send>last</send>") +
                          xml::set_raw("ready-match", match("last"))) +
        tell_messages() + tell_states() +
        xml::rule("line/ready",
                  xml::act("line/send-message", {{"message", "I am ${session/who}, ${seq}"}}))));
    controller.wait_log("GOT I am press");
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_EQ(xml::logged(controller.program(), "GOT "),
              (std::vector<std::string>{"login press token-17", "bind press with token-17", "0aff", "000102",
                                        "last", "I am press, 1"}));
    EXPECT_EQ(xml::logged(controller.program(), "ESTABLISHED").size(), 1U);
    EXPECT_EQ(xml::logged(controller.program(), "READY").size(), 1U);
}

TEST(Greeting, ACaptureEndsWithItsSession) {
    // The second session's greeting is answered with nothing that captures.
    peer far_end;
    host controller(xml::project(
        xml::instance("line", far_end.port(), "/press",
                      xml::set_raw("greeting", "<send>{\"type\":\"bind\",\"things\":[\"a\"]}</send><await>"
                                               "<match kind=\"json\" pointer=\"/type\" as=\"word\"/></await>"
                                               "<send>got ${session/word}</send>")) +
        tell_states() + xml::rule("line/disconnected", xml::log("LEFT ${session/word}")) +
        xml::rule("line/connected", xml::log("NEXT ${session/word}")) +
        xml::rule("host/action-failed", xml::log("FAILED ${sentence}"))));
    controller.wait_log("READY");
    ASSERT_TRUE(eventually([&] { return !heard_by(far_end).empty(); }));
    http(far_end.port(), "POST", "/shut?path=/press&code=1001");
    controller.wait_log("READY");
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_TRUE(eventually([&] { return heard_by(far_end).size() >= 2; }));
    for (const std::string& text : heard_by(far_end)) {
        EXPECT_EQ(text, "got bound");
    }
    EXPECT_EQ(xml::logged(controller.program(), "LEFT bound").size(), 2U);
    EXPECT_TRUE(xml::logged(controller.program(), "NEXT").empty());
    const auto failed = xml::logged(controller.program(), "FAILED ");
    ASSERT_EQ(failed.size(), 2U);
    EXPECT_NE(failed[0].find("session/word has no value"), std::string::npos) << failed[0];
}

TEST(Greeting, ReadyThatDoesNotComeClosesCleanlyAndTriesAgain) {
    peer far_end;
    host controller(xml::project(xml::instance("line", far_end.port(), "/",
                                               xml::set_raw("greeting", "<send>hello</send>") +
                                                   xml::set_raw("ready-match", match("never")) +
                                                   xml::set("ready-timeout", "1") +
                                                   xml::set_raw("farewell", "<item>bye</item>")) +
                                 tell_messages() + tell_states()));
    EXPECT_NE(controller.wait_log("ERROR upgrade ready-timeout waiting").find("Ready timeout"),
              std::string::npos);
    controller.wait_log("DOWN upgrade ready-timeout clean=true ready=false");
    controller.wait_log("ESTABLISHED"); // once more
    EXPECT_EQ(controller.stop(), 0);
    ASSERT_TRUE(far_end.eventually("/closes", [](const auto& closes) { return !closes.empty(); }));
    EXPECT_EQ(far_end.get("/closes")[0]["code"], 1000);
    EXPECT_EQ(far_end.get("/closes")[0]["clean"], true);
    EXPECT_TRUE(xml::logged(controller.program(), "READY").empty());
    EXPECT_TRUE(xml::logged(controller.program(), "FAULTED").empty());
}

TEST(Greeting, ARefusalIsLikeA401) {
    peer far_end;
    host controller(
        xml::project(xml::instance("line", far_end.port(), "/",
                                   xml::set_raw("greeting", "<send>DENIED: no such press</send>") +
                                       xml::set_raw("ready-match", match("never")) +
                                       xml::set_raw("refuse-match", match("DENIED", "prefix"))) +
                     tell_states()));
    controller.wait_log("FAULTED upgrade refused");
    controller.wait_log("DOWN upgrade refused clean=true ready=false");
    EXPECT_EQ(controller.stop(), 0);
    const auto rejected = xml::logged(controller.program(), "REJECTED ");
    ASSERT_EQ(rejected.size(), 2U);
    EXPECT_NE(rejected[0].find("DENIED: no such press"), std::string::npos) << rejected[0];
    EXPECT_EQ(xml::logged(controller.program(), "ERROR ").size(), 2U);
    EXPECT_EQ(xml::logged(controller.program(), "FAULTED").size(), 1U);
    EXPECT_EQ(far_end.get("/sessions")["sessions"], 2);
}

TEST(Heartbeat, WorksWithoutPingsAndItsSilenceIsADeadLine) {
    peer far_end; // /press takes reports, and answers nothing
    const std::string beats = xml::set("send-keep-alive", "false") +
                              xml::set("heartbeat-message", "beat ${seq}") +
                              xml::set("heartbeat-interval", "0.2") + xml::set("heartbeat-timeout", "0.3") +
                              xml::set_raw("heartbeat-match", match("beat", "prefix"));
    host controller(xml::project(xml::instance("alive", far_end.port(), "/", beats) +
                                 xml::rule("alive/disconnected", xml::log("ALIVE DOWN")) +
                                 xml::rule("alive/message-received", xml::log("BEAT")) +
                                 xml::instance("line", far_end.port(), "/press", beats) + tell_states()));
    EXPECT_NE(
        controller.wait_log("ERROR liveness heartbeat-timeout waiting").find("did not answer the heartbeat"),
        std::string::npos);
    controller.wait_log("DOWN liveness heartbeat-timeout clean=false ready=true");
    controller.wait_log("READY"); // and back
    ASSERT_TRUE(eventually([&] { return xml::logged(controller.program(), "BEAT").size() >= 5; }));
    EXPECT_TRUE(xml::logged(controller.program(), "ALIVE DOWN").empty());
    EXPECT_EQ(far_end.get("/sessions")["pingsReceived"], 0);
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Delimiter, EndsWhatIsSentAndSplitsWhatComes) {
    peer far_end;
    host controller(xml::project(
        xml::instance("button", far_end.port(), "/button") +
        xml::instance("line", far_end.port(), "/", xml::set("message-delimiter", "${char:1e}")) +
        tell_messages() + tell_states() +
        xml::rule("line/ready", xml::act("line/send-message", {{"message", "one"}}) +
                                    xml::act("line/send-message", {{"message", "two${char:1e}three"}}) +
                                    xml::act("line/send-binary", {{"data", "611e62"}}))));
    controller.wait_log("GOT 611e62");
    // A frame that the server fills with two messages and a beginning; and one without a delimiter.
    http(far_end.port(), "POST", "/send?path=/", "{}\x1e{\"type\":6}\x1e{\"half");
    http(far_end.port(), "POST", "/send?path=/", "whole");
    controller.wait_log("GOT whole");
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_EQ(xml::logged(controller.program(), "GOT "),
              (std::vector<std::string>{"one", "two", "three", "611e62", "{}", "{\"type\":6}", "{\"half",
                                        "whole"}));
    // "one" and what is behind it, "two" to "three" and the last, and the binary one as it is.
    EXPECT_EQ(far_end.get("/sessions")["bytesReceived"], 4 + 10 + 3);
}

std::string presence(std::uint16_t port, std::string_view more = {}) {
    return xml::instance(
        "line", port, "/press",
        xml::set_raw("greeting", "<send>{\"type\":\"bind\",\"things\":[\"press-1\"]}</send>") +
            xml::set_raw("ready-match", "<match kind=\"json\" pointer=\"/type\" op=\"=\">bound</match>") +
            xml::set_raw("farewell", "<item>{\"type\":\"unbind\",\"things\":[\"press-1\"]}</item>") +
            xml::set_raw("farewell-match",
                         "<match kind=\"json\" pointer=\"/type\" op=\"=\">unbound</match>") +
            std::string(more));
}

bool is(const nlohmann::json& things, bool connected, std::string_view reason = {}) {
    return things.size() == 1 && things[0]["isConnected"] == connected &&
           (reason.empty() || things[0]["reason"] == reason);
}

/// Seconds since 1970 of the far end's own stamps, "2026-11-22T11:07:49.123Z".
double seconds_of(const std::string& stamp) {
    std::tm parts{};
    const char* const rest = strptime(stamp.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    return static_cast<double>(timegm(&parts)) + (rest != nullptr && *rest == '.' ? std::stod(rest) : 0);
}

double wall_clock() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

TEST(Presence, ACleanStopUnbindsWithinASecond) {
    peer far_end;
    host controller(xml::project(presence(far_end.port()) + tell_states()));
    ASSERT_TRUE(far_end.eventually("/things", [](const auto& things) { return is(things, true); }));
    const double asked = wall_clock();
    EXPECT_EQ(controller.stop(), 0);
    ASSERT_TRUE(far_end.eventually("/things", [](const auto& things) { return is(things, false); }));
    const auto thing = far_end.get("/things")[0];
    EXPECT_EQ(thing["reason"], "unbind");
    EXPECT_LT(seconds_of(thing["since"]) - asked, 1);
    EXPECT_EQ(far_end.get("/closes")[0]["code"], 1000);
}

TEST(Presence, AKilledClientIsOfflineWithinASecond) {
    peer far_end;
    host controller(xml::project(presence(far_end.port()) + tell_states()));
    ASSERT_TRUE(far_end.eventually("/things", [](const auto& things) { return is(things, true); }));
    const double killed = wall_clock();
    controller.program().signal(SIGKILL);
    ASSERT_TRUE(far_end.eventually("/things", [](const auto& things) { return is(things, false); }));
    EXPECT_LT(seconds_of(far_end.get("/things")[0]["since"]) - killed, 1);
    EXPECT_NE(far_end.get("/things")[0]["reason"], "unbind");
}

TEST(Farewell, IsNotSaidBeforeTheGreetingWasCompleted) {
    peer far_end;
    host controller(xml::project(
        xml::instance("line", far_end.port(), "/press",
                      xml::set_raw("greeting", "<send>hello</send><await><match>never</match></await>") +
                          xml::set_raw("farewell", "<item>bye</item>")) +
        tell_states()));
    controller.wait_log("ESTABLISHED");
    ASSERT_TRUE(eventually([&] { return !heard_by(far_end).empty(); }));
    EXPECT_EQ(controller.stop(), 0);
    ASSERT_TRUE(far_end.eventually("/closes", [](const auto& closes) { return !closes.empty(); }));
    EXPECT_EQ(heard_by(far_end), std::vector<std::string>{"hello"});
}

TEST(Farewell, WithoutItsAnswerTheCloseGoesOutAllTheSame) {
    peer far_end;
    host controller(
        xml::project(xml::instance("line", far_end.port(), "/press",
                                   xml::set_raw("farewell", "<item>going</item><item>gone at ${now}</item>") +
                                       xml::set_raw("farewell-match", match("never")) +
                                       xml::set("farewell-timeout", "0.2")) +
                     tell_states()));
    controller.wait_log("READY");
    EXPECT_EQ(controller.stop(), 0);
    ASSERT_TRUE(far_end.eventually("/closes", [](const auto& closes) { return !closes.empty(); }));
    EXPECT_EQ(far_end.get("/closes")[0]["code"], 1000);
    ASSERT_EQ(heard_by(far_end).size(), 2U);
    EXPECT_EQ(heard_by(far_end)[0], "going");
    EXPECT_TRUE(heard_by(far_end)[1].starts_with("gone at 20")) << heard_by(far_end)[1];
}

} // namespace
