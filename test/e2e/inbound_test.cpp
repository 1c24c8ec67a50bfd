// Messages in, faster than rules take them: reading pauses, nothing is lost, memory stays bounded, and other
// instances go on.

#include "support/programs.hpp"
#include "support/projects.hpp"

#include <fstream>
#include <gtest/gtest.h>

namespace {

using iom::test::eventually;
using iom::test::host;
using iom::test::peer;
using iom::test::process;
namespace xml = iom::test::xml;

/// The most memory that a process has ever had, in KiB.
long peak_memory(const process& program) {
    std::ifstream status("/proc/" + std::to_string(program.pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) {
            return std::stol(line.substr(6));
        }
    }
    return -1;
}

/// Rules that look through every message of "line" from end to end and find nothing.
std::string slow_rules(int count) {
    std::string rules;
    for (int number = 0; number < count; ++number) {
        rules += xml::rule("line/message-received", xml::log("NEVER"),
                           "<match kind=\"regex\">[0-9]+ .*never " + std::to_string(number) + "$</match>");
    }
    return rules;
}

TEST(Flood, WaitsInTheSocketWhileRulesAreSlower) {
    constexpr int messages = 600;
    constexpr int size = 128 << 10; // 75 MiB in all
    peer far_end;
    host controller(xml::project(
        xml::instance("line", far_end.port(),
                      "/flood?count=" + std::to_string(messages) + "&size=" + std::to_string(size),
                      xml::set("extended-logging", "true") + xml::set("connect-at-startup", "false")) +
        xml::instance("other", far_end.port(), "/other") +
        R"(<variable name="rounds" type="int" value="0"/>)" +
        // The other instance plays ball with the far end all the time.
        xml::rule("other/ready", xml::act("other/send-message", {{"message", "ball"}})) +
        xml::rule("other/message-received",
                  xml::act("host/add", {{"variable", "rounds"}}) +
                      xml::act("other/send-message", {{"message", "ball"}}),
                  {}, R"(<when variable="rounds" less="1000000"/>)") +
        R"(<rule name="begin"><on trigger="host/every" interval="50ms"/><when variable="rounds" greater="100"/>
           <when status="line/connection-status" is="stopped"/>
           <do action="line/connect"/></rule>)" +
        slow_rules(40) +
        xml::rule("line/message-received", xml::log("NUMBER ${3} rounds ${host/rounds}"),
                  "<match kind=\"regex\">^([0-9]+)\\.*$</match>")));
    controller.wait_log("NUMBER 0 ");
    const long before = peak_memory(controller.program());
    controller.wait_log("NUMBER " + std::to_string(messages - 1) + " ");
    const long after = peak_memory(controller.program());
    EXPECT_EQ(controller.stop(), 0);

    const auto numbers = xml::logged(controller.program(), "NUMBER ");
    ASSERT_EQ(numbers.size(), static_cast<std::size_t>(messages));
    for (int number = 0; number < messages; ++number) {
        EXPECT_TRUE(numbers[static_cast<std::size_t>(number)].starts_with(std::to_string(number) + " "))
            << numbers[static_cast<std::size_t>(number)];
    }
    const auto& err = controller.program().bytes(process::stream::err);
    EXPECT_NE(err.find("reading pauses"), std::string::npos);
    EXPECT_NE(err.find("reading goes on"), std::string::npos);
    // A fraction of what came: queue, buffers, log.
    EXPECT_LT(after - before, 16 << 10) << before << " KiB before, " << after << " after";
    const auto rounds = [](const std::string& line) { return std::stol(line.substr(line.rfind(' ') + 1)); };
    EXPECT_GT(rounds(numbers.back()) - rounds(numbers.front()), 10);
    std::cout << messages << " messages of " << size << " bytes, memory +" << after - before
              << " KiB, rounds of the other " << rounds(numbers.back()) - rounds(numbers.front()) << '\n';
}

TEST(Flood, OfSmallMessagesIsWholeAndInOrder) {
    constexpr int messages = 5000;
    peer far_end;
    host controller(xml::project(
        xml::instance("line", far_end.port(), "/flood?count=" + std::to_string(messages) + "&size=16",
                      xml::set("connect-at-startup", "false")) +
        // Each number goes to the far end and back once more: both directions at once.
        xml::instance("back", far_end.port(), "/") + xml::rule("back/ready", xml::act("line/connect")) +
        slow_rules(100) +
        xml::rule("line/message-received", xml::act("back/send-message", {{"message", "${3}"}}),
                  "<match kind=\"regex\">^([0-9]+)\\.*$</match>") +
        xml::rule("back/message-received", xml::log("BACK ${message}"))));
    controller.wait_log("BACK " + std::to_string(messages - 1));
    EXPECT_EQ(controller.stop(), 0);
    const auto back = xml::logged(controller.program(), "BACK ");
    ASSERT_EQ(back.size(), static_cast<std::size_t>(messages));
    for (int number = 0; number < messages; ++number) {
        ASSERT_EQ(back[static_cast<std::size_t>(number)], std::to_string(number));
    }
}

// TLS keeps records in store that the socket does not show, and the library keeps what it has opened while
// reading pauses: where both had something, it once took that for a fault and closed the connection.
TEST(Flood, OverTlsIsWholeInOneSession) {
    constexpr int messages = 200'000;
    const iom::test::temporary_folder folder;
    iom::test::certificates authority(folder.path());
    const auto pair = authority.issue("server", "IP:127.0.0.1");
    const peer far_end({"--tls-cert", pair.certificate, "--tls-key", pair.key});
    host controller(xml::project(
        xml::instance("line", far_end.port(), "/flood?count=" + std::to_string(messages) + "&size=16",
                      xml::set("protocol", "wss") + xml::set("tls-verify", "false") +
                          xml::set("extended-logging", "true")) +
        R"(<variable name="next" type="int" value="0"/>)" + slow_rules(20) +
        xml::rule("line/websocket-established", xml::log("UP")) +
        xml::rule("line/message-received", xml::act("host/add", {{"variable", "next"}}),
                  "<match kind=\"regex\">^([0-9]+)\\.*$</match>",
                  R"(<when value="${3}" is="${host/next}"/>)") +
        xml::rule("line/message-received", xml::log("COUNT ${host/next}"),
                  "<match kind=\"regex\">^" + std::to_string(messages - 1) + "\\.*$</match>")));
    controller.wait_log("COUNT ");
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_EQ(xml::logged(controller.program(), "COUNT "),
              std::vector<std::string>{std::to_string(messages)});
    EXPECT_EQ(xml::logged(controller.program(), "UP").size(), 1U);
    EXPECT_NE(controller.program().bytes(process::stream::err).find("reading pauses"), std::string::npos);
}

} // namespace
