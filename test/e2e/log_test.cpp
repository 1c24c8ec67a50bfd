// What a running host writes down: files and their rotation, JSON, a disk that is full.

#include "support/programs.hpp"

#include <csignal>
#include <fstream>
#include <gtest/gtest.h>

namespace {

using iom::test::host;
using iom::test::peer;
using iom::test::process;
using iom::test::temporary_folder;

std::string content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string project(const peer& far_end, std::string_view more) {
    return "<project name=\"p\"><instance name=\"line\" module=\"websocket-client\"><set "
           "name=\"hostname\">127.0.0.1</set><set name=\"port\">" +
           std::to_string(far_end.port()) + "</set><set name=\"path\">/broadcast/x</set></instance>" +
           std::string(more) + "</project>";
}

const char* const chatter = R"(<rule name="chatter"><on trigger="host/every" interval="10ms"/>
  <do action="host/log"><arg name="message">CHATTER ${now}</arg></do></rule>)";

TEST(Log, GoesToFilesThatRotateAtTenMegabytes) {
    peer far_end;
    const temporary_folder folder;
    const auto logs = folder.path() / "logs";
    // One message of 64 KiB on each line: a few hundred of them are more than ten megabytes.
    const std::string text = project(far_end, R"(<rule name="all"><on trigger="line/message-received"/>
                      <do action="host/log"><arg name="message">BIG ${message}</arg></do></rule>
                    <rule name="up"><on trigger="line/ready"/>
                      <do action="host/log"><arg name="message">READY</arg></do></rule>)");
    host controller(text, {"--log-dir", logs.string()});
    controller.wait_log("READY");
    const std::string large(65536, 'x');
    for (int sent = 0; sent < 200 && !std::filesystem::exists(logs / "iomhost.log.1"); ++sent) {
        iom::test::http(far_end.port(), "POST", "/send", large);
        controller.wait_log("BIG");
    }
    ASSERT_TRUE(std::filesystem::exists(logs / "iomhost.log.1"));
    EXPECT_EQ(controller.stop(), 0);
    const auto first = std::filesystem::file_size(logs / "iomhost.log.1");
    EXPECT_LE(first, std::size_t{10} << 20U);
    EXPECT_GT(first, std::size_t{9} << 20U);
    // Together they are what stderr was told, line for line.
    EXPECT_EQ(content_of(logs / "iomhost.log.1") + content_of(logs / "iomhost.log"),
              controller.program().bytes(process::stream::err));
}

TEST(Log, EachLineIsOneJsonObjectWhateverIsInIt) {
    peer far_end;
    host controller(
        project(far_end, R"(<rule name="odd &quot;name&quot;"><on trigger="line/message-received"/>
                      <do action="host/log"><arg name="level">warning</arg><arg name="message">GOT ${message}</arg></do></rule>
                    <rule name="up"><on trigger="line/ready"/>
                      <do action="host/log"><arg name="message">READY</arg></do></rule>)"));
    controller.wait_log("READY");
    iom::test::http(far_end.port(), "POST", "/send", "a\"b\\c\n\x01 \xc3\xa4");
    controller.wait_log("GOT");
    EXPECT_EQ(controller.stop(), 0);
    bool found = false;
    for (const std::string& line : controller.program().lines(process::stream::err)) {
        const auto read = nlohmann::json::parse(line, nullptr, false);
        ASSERT_TRUE(read.is_object()) << line;
        EXPECT_TRUE(read.contains("time") && read.contains("level") && read.contains("message")) << line;
        if (read["message"] == "GOT a\"b\\c\n\x01 \xc3\xa4") {
            found = true;
            EXPECT_EQ(read["rule"], "odd \"name\"");
            EXPECT_EQ(read["level"], "warning");
        }
    }
    EXPECT_TRUE(found);
}

/// Commands with a file system of 1 MiB of their own at $1.
std::vector<std::string> with_small_disk(const std::filesystem::path& at, const std::string& script) {
    return iom::test::with_own_mounts("mount -t tmpfs -o size=1m none \"$1\" && shift && " + script,
                                      {"sh", at.string()});
}

TEST(Log, AFullDiskIsASentenceAndTheHostGoesOn) {
    peer far_end;
    const temporary_folder folder;
    const auto disk = folder.path() / "disk";
    std::filesystem::create_directories(disk);
    const auto file = folder.write("p.xml", project(far_end, chatter));
    auto command = with_small_disk(disk, "head -c 1040384 /dev/zero >\"$1/filler\" && shift && exec \"$@\"");
    for (const std::string& each :
         {disk.string(), iom::test::iomhost(), std::string("run"), file.string(), std::string("--no-web"),
          std::string("--modules"), iom::test::module_folder().string(), std::string("--log-dir"),
          disk.string()}) {
        command.push_back(each);
    }
    process program(command);
    program.wait_line(process::stream::out, "ready");
    const std::string said = program.wait_line(process::stream::err, "No space left on device");
    EXPECT_NE(said.find("lines go to stderr alone until it can"), std::string::npos) << said;
    // Said once, not with every line that follows.
    for (int more = 0; more < 20; ++more) {
        program.wait_line(process::stream::err, "CHATTER");
    }
    ASSERT_TRUE(far_end.eventually_open(1));
    program.signal(SIGTERM);
    EXPECT_EQ(program.wait_exit(), 0);
    const std::string all = program.bytes(process::stream::err);
    EXPECT_EQ(all.find("No space left", all.find("No space left") + 1), std::string::npos) << all;
}

TEST(Log, AReaderThatStallsHoldsUpNothing) {
    peer far_end;
    const temporary_folder folder;
    const auto file = folder.write("p.xml", project(far_end, chatter));
    const std::string fifo = (folder.path() / "fifo").string();
    ASSERT_EQ(iom::test::run({"mkfifo", fifo}).exit_code, 0);
    // stderr is a pipe that somebody holds open and nobody reads; stdout is read.
    process holder({"sh", "-c", "exec sleep 600 <\"$0\"", fifo});
    process program({"sh", "-c", "exec \"$0\" \"$@\" 2>\"$FIFO\"", iom::test::iomhost(), "run", file.string(),
                     "--no-web", "--log-level", "debug", "--trace", "--modules",
                     iom::test::module_folder().string()},
                    {"FIFO=" + fifo});
    program.wait_line(process::stream::out, "ready");
    ASSERT_TRUE(far_end.eventually_open(1));
    program.signal(SIGTERM);
    EXPECT_EQ(program.wait_exit(), 0);
    EXPECT_TRUE(far_end.eventually_open(0));
}

} // namespace
