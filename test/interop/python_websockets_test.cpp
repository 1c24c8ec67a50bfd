// Against the server of Python's `websockets`, which pings every 0.2 s.

#include "support/programs.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace {

using iom::test::process;
using iom::test::result;

TEST(PythonWebsockets, EchoesTextOfEverySizeAndClosesCleanly) {
    process server(
        {"/usr/bin/python3", (iom::test::source_folder() / "test/interop/websockets_server.py").string()});
    const std::string line = server.wait_line(process::stream::out, "ready ");
    const std::string url = "ws://127.0.0.1:" + line.substr(line.find(' ') + 1) + "/";
    std::string input;
    for (const std::size_t size : {1U, 125U, 126U, 65535U, 65536U, 500000U}) {
        input += std::string(size, 'x') + "\n";
    }
    input += "žluťoučký kůň\n";
    const result ended = iom::test::run({iom::test::iomhost(), "connect", url, "--linger", "0.6", "--modules",
                                         iom::test::module_folder().string()},
                                        input);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_TRUE(ended.out == input) << ended.out.size() << " of " << input.size() << "\n" << ended.err;
}

TEST(PythonWebsockets, ACloseByTheServerEndsTheToolCleanly) {
    process server(
        {"/usr/bin/python3", (iom::test::source_folder() / "test/interop/websockets_server.py").string()});
    const std::string line = server.wait_line(process::stream::out, "ready ");
    process tool({iom::test::iomhost(), "connect", "ws://127.0.0.1:" + line.substr(line.find(' ') + 1) + "/",
                  "--modules", iom::test::module_folder().string()});
    tool.write("are you there?\n");
    tool.wait_line(process::stream::out, "are you there?");
    server.signal(SIGTERM);
    EXPECT_EQ(tool.wait_exit(), 0);
    EXPECT_EQ(server.wait_exit(), 0);
}

} // namespace
