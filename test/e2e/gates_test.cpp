// on-change, debounce and at-most with messages that come over a live session.

#include "support/programs.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <memory>

namespace {

using iom::test::host;
using iom::test::peer;
using iom::test::process;

std::string rule(std::string_view name, std::string_view match, std::string_view text) {
    return "<rule name=\"" + std::string(name) + "\"><on trigger=\"line/message-received\">" +
           std::string(match) + "</on><do action=\"host/log\"><arg name=\"message\">" + std::string(text) +
           "</arg></do></rule>";
}

class Gates : public ::testing::Test {
protected:
    void run(const std::string& rules) {
        controller_ = std::make_unique<host>(
            "<project name=\"p\"><instance name=\"line\" module=\"websocket-client\"><set "
            "name=\"hostname\">127.0.0.1</set><set name=\"port\">" +
            std::to_string(far_end_.port()) + "</set><set name=\"path\">/broadcast/x</set></instance>" +
            rules + rule("all", "", "HEARD ${message}.") +
            "<rule name=\"up\"><on trigger=\"line/ready\"/><do action=\"host/log\"><arg "
            "name=\"message\">READY</arg></do></rule></project>");
        controller_->wait_log("READY");
    }

    /// The server sends them, one after the other.
    void receive(const std::vector<std::string>& messages) {
        for (const std::string& each : messages) {
            iom::test::http(far_end_.port(), "POST", "/send", each);
        }
        controller_->wait_log("HEARD " + messages.back());
    }

    std::vector<std::string> said(std::string_view word) {
        std::vector<std::string> found;
        for (const std::string& line : controller_->program().lines(process::stream::err)) {
            const auto read = nlohmann::json::parse(line, nullptr, false);
            const std::string message = read.value("message", "");
            if (message.starts_with(word)) {
                found.push_back(message.substr(word.size() + 1));
            }
        }
        return found;
    }

    peer far_end_;
    std::unique_ptr<host> controller_;
};

using lines = std::vector<std::string>;

TEST_F(Gates, OnChangeLetsEveryChangeThroughAndNothingElse) {
    run(rule("change", R"(<match kind="json" pointer="/level" as="level" on-change="level"/>)",
             "LEVEL ${level}"));
    receive({R"({"level":1})", R"({"level":1,"n":2})", R"({"level":2})", R"({"other":9})", R"({"level":2})",
             R"({"level":1})", "end"});
    EXPECT_EQ(controller_->stop(), 0);
    EXPECT_EQ(said("LEVEL"), (lines{"1", "2", "1"}));
}

TEST_F(Gates, DebounceTakesTheLastOfABurst) {
    run(rule("quiet", R"(<match kind="prefix" as="v" debounce="1s">v</match>)", "QUIET ${v}"));
    receive({"v1", "v2", "x", "v3"});
    controller_->wait_log("QUIET 3");
    receive({"v4"});
    controller_->wait_log("QUIET 4");
    EXPECT_EQ(controller_->stop(), 0);
    EXPECT_EQ(said("QUIET"), (lines{"3", "4"}));
}

TEST_F(Gates, AtMostHoldsARateAndSaysSo) {
    run(rule("rate", R"(<match kind="prefix" as="v" at-most="3">v</match>)", "RATE ${v}"));
    lines burst;
    for (int number = 1; number <= 40; ++number) {
        burst.push_back("v" + std::to_string(number));
    }
    receive(burst);
    controller_->program().signal(SIGUSR1);
    const std::string why = controller_->wait_log("rule \\\"rate\\\": fired");
    EXPECT_NE(why.find("at-most"), std::string::npos) << why;
    EXPECT_EQ(controller_->stop(), 0);
    const lines through = said("RATE");
    // The burst takes a small part of a second; on a busy machine it may reach into the next one or two.
    ASSERT_GE(through.size(), 3U);
    EXPECT_LT(through.size(), burst.size());
    EXPECT_EQ(lines(through.begin(), through.begin() + 3), (lines{"1", "2", "3"}));
}

} // namespace
