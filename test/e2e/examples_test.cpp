// The examples as they stand, but for the port.

#include "support/programs.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

namespace {

using iom::test::host;
using iom::test::peer;
using iom::test::process;
using iom::test::run;

std::string example(const std::string& name, std::uint16_t port) {
    std::ifstream file(iom::test::source_folder() / "examples" / name);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    for (const auto& [before, behind] : {std::pair{">", "<"}, std::pair{":", "/"}}) {
        const std::string written = std::string(before) + "9001" + behind;
        std::size_t at = 0;
        while ((at = text.find(written, at)) != std::string::npos) {
            text.replace(at, written.size(), before + std::to_string(port) + behind);
        }
    }
    return text;
}

std::vector<std::string> connect(const peer& far_end, std::string_view path,
                                 std::vector<std::string> more = {}) {
    std::vector<std::string> argv{iom::test::iomhost(), "connect", far_end.url(path), "--modules",
                                  iom::test::module_folder().string()};
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
}

TEST(Examples, HelloGreetsByName) {
    peer far_end;
    host controller(example("hello.xml", far_end.port()));
    ASSERT_TRUE(far_end.eventually_open(1));
    process visitor(connect(far_end, "/broadcast/lobby"));
    visitor.write("hello from Ada\n");
    visitor.wait_line(process::stream::out, "hello, Ada");
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Examples, MachineBindsAcknowledgesAndSaysGoodbye) {
    peer far_end({"--alarm-every", "0.1"});
    host controller(example("machine.xml", far_end.port()));
    EXPECT_TRUE(far_end.eventually("/alarms", iom::test::an_alarm_was_acknowledged));
    EXPECT_EQ(far_end.get("/things")[0]["isConnected"], true);
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_TRUE(far_end.eventually("/things", [](const nlohmann::json& things) {
        return things[0]["reason"] == "unbind";
    })) << far_end.get("/things");
}

TEST(Examples, BridgeCarriesEachHallToTheOther) {
    peer far_end;
    host controller(example("bridge.xml", far_end.port()));
    ASSERT_TRUE(far_end.eventually_open(2));
    process a(connect(far_end, "/broadcast/hall-a"));
    process b(connect(far_end, "/broadcast/hall-b"));
    ASSERT_TRUE(far_end.eventually_open(4));
    a.write("from a\n");
    EXPECT_EQ(b.wait_line(process::stream::out, "from a"), "[bridged] from a");
    b.write("from b\n");
    EXPECT_EQ(a.wait_line(process::stream::out, "from b"), "[bridged] from b");
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Examples, TokenOutlivesEachTokenAndShowsNoneInTheLog) {
    peer far_end({"--token-lifetime", "1.5"});
    std::string text = example("token.xml", far_end.port());
    for (const auto& [written, quicker] :
         {std::pair{R"(<set name="stable-after">10</set>)", R"(<set name="stable-after">0.5</set>)"},
          std::pair{R"(interval="1s")", R"(interval="100ms")"}}) {
        const std::size_t at = text.find(written);
        ASSERT_NE(at, std::string::npos) << written;
        text.replace(at, std::string_view(written).size(), quicker);
    }
    host controller(text, {"--trace"});
    ASSERT_TRUE(
        far_end.eventually("/closes", [](const nlohmann::json& closes) { return closes.size() >= 3; }));
    ASSERT_TRUE(far_end.eventually_open(1));
    EXPECT_NE(controller.wait_log("last answer: it is ").find("20"), std::string::npos);
    EXPECT_EQ(controller.stop(), 0);

    const nlohmann::json requests = far_end.get("/requests");
    ASSERT_GE(requests.size(), 5U);
    const std::string said = controller.program().bytes(process::stream::err);
    EXPECT_EQ(requests[0]["status"], 401); // it starts without a token
    for (std::size_t at = 1; at < requests.size(); ++at) {
        // No attempt is made with the old token: the new one is tried at once.
        EXPECT_EQ(requests[at]["status"], 101) << requests[at];
        const std::string bearer = requests[at]["headers"]["authorization"];
        EXPECT_EQ(said.find(bearer.substr(bearer.find(' ') + 1)), std::string::npos) << bearer;
    }
    const nlohmann::json closes = far_end.get("/closes");
    for (std::size_t at = 0; at + 1 < closes.size(); ++at) {
        EXPECT_EQ(closes[at]["code"], 4401) << closes[at];
    }
    // Whatever was sent came back, but for what the end of a session may have cut off; that is reported.
    const auto count = [&](std::string_view part) {
        std::size_t found = 0;
        for (std::size_t at = said.find(part); at != std::string::npos; at = said.find(part, at + 1)) {
            ++found;
        }
        return found;
    };
    EXPECT_EQ(count("press/send-message failed"), count("unconfirmed")) << said;
}

} // namespace
