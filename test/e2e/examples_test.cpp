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
    const std::string written = ">9001<";
    std::size_t at = 0;
    while ((at = text.find(written, at)) != std::string::npos) {
        text.replace(at, written.size(), ">" + std::to_string(port) + "<");
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

} // namespace
