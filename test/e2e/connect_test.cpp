// `iomhost connect`, the field tool, against a real far end.

#include "support/programs.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace {

using iom::test::http;
using iom::test::iomhost;
using iom::test::peer;
using iom::test::process;
using iom::test::result;
using iom::test::run;
using iom::test::temporary_folder;

/// iomhost connect to `url` with the modules of this build and a short stay after the input's end.
std::vector<std::string> connect(const std::string& url, std::vector<std::string> more = {}) {
    std::vector<std::string> argv{
        iomhost(), "connect", url, "--modules", iom::test::module_folder().string(), "--linger", "0.2"};
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
}

TEST(Connect, SendsALineAndPrintsTheEcho) {
    peer far_end;
    const result ended = run(connect(far_end.url("/")), "hi\n");
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.out, "hi\n") << ended.err;
    EXPECT_EQ(ended.err.find("warning"), std::string::npos) << ended.err;
    EXPECT_EQ(ended.err.find("nothing connects"), std::string::npos) << ended.err;
}

TEST(Connect, SendsEveryLineInOrderAndTheLastWithoutNewline) {
    peer far_end;
    std::string input;
    for (int i = 0; i < 2000; ++i) {
        input += "line " + std::to_string(i) + "\n";
    }
    const result ended = run(connect(far_end.url("/")), input + "last");
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.out, input + "last\n");
}

TEST(Connect, SendsTheTextsOfTheCommandLine) {
    peer far_end;
    const result ended = run(connect(far_end.url("/"), {"--send", "one", "--send", "två"}));
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.out, "one\ntvå\n");
}

TEST(Connect, PrintsBinaryAsHexOrRaw) {
    peer far_end;
    const std::string url = far_end.url("/flood?count=1&size=4&binary=1");
    const result hex = run(connect(url));
    EXPECT_EQ(hex.exit_code, 0) << hex.err;
    EXPECT_EQ(hex.out.size(), 9U) << hex.out;
    EXPECT_EQ(hex.out.find_first_not_of("0123456789abcdef\n"), std::string::npos) << hex.out;
    const result raw = run(connect(url, {"--raw"}));
    EXPECT_EQ(raw.exit_code, 0) << raw.err;
    EXPECT_GE(raw.out.size(), 4U);
    EXPECT_LE(raw.out.size(), 5U);
}

TEST(Connect, EchoesUntilTheServerCloses) {
    peer far_end;
    process tool(connect(far_end.url("/broadcast/room"), {"--echo"}));
    ASSERT_TRUE(far_end.eventually_open(1));
    const result other = run(connect(far_end.url("/broadcast/room"), {"--send", "who is there?"}));
    EXPECT_EQ(other.exit_code, 0) << other.err;
    EXPECT_EQ(other.out, "who is there?\n") << other.err;
    far_end.program().signal(SIGTERM);
    EXPECT_EQ(far_end.program().wait_exit(), 0);
    EXPECT_EQ(tool.wait_exit(), 0);
}

TEST(Connect, SaysInOneSentenceWhyThereIsNoSession) {
    const std::string port = std::to_string(iom::test::free_port());
    const result refused = run(connect("ws://127.0.0.1:" + port + "/"));
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_NE(refused.err.find("127.0.0.1"), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("refused"), std::string::npos) << refused.err;
    EXPECT_EQ(refused.out, "");
}

TEST(Connect, FailsWhenTheServerRefusesTheUpgradeOrDropsTheLine) {
    peer far_end;
    const result forbidden = run(connect(far_end.url("/status/404")));
    EXPECT_EQ(forbidden.exit_code, 1);
    EXPECT_NE(forbidden.err.find("404"), std::string::npos) << forbidden.err;
    const result dropped = run(connect(far_end.url("/drop")));
    EXPECT_EQ(dropped.exit_code, 1) << dropped.err;
}

TEST(Connect, RefusesBadUsage) {
    const std::vector<std::vector<std::string>> wrong{
        {iomhost(), "connect"},
        {iomhost(), "connect", "http://127.0.0.1/"},
        {iomhost(), "connect", "127.0.0.1"},
        {iomhost(), "connect", "ws://127.0.0.1:99999/"},
        {iomhost(), "connect", "ws://127.0.0.1:9/", "--unknown"},
        {iomhost(), "connect", "ws://127.0.0.1:9/", "--set", "no-such-setting=1"},
        {iomhost(), "connect", "ws://127.0.0.1:9/", "--set", "ping-interval=0"},
        {iomhost(), "connect", "ws://127.0.0.1:9/", "--header", "no colon"},
        {iomhost(), "frobnicate"},
        {iomhost()},
    };
    for (const auto& argv : wrong) {
        const result ended = run(argv);
        EXPECT_EQ(ended.exit_code, 2) << ::testing::PrintToString(argv) << "\n" << ended.err;
        EXPECT_FALSE(ended.err.empty()) << ::testing::PrintToString(argv);
        EXPECT_EQ(ended.out, "") << ::testing::PrintToString(argv);
    }
}

TEST(Connect, ShowsItsTokenAndHeadersToTheServerOnly) {
    peer far_end({"--subprotocol", "chat.v2"});
    temporary_folder folder;
    const auto file = folder.write("token", "s3cr3t-token\n");
    const result ended = run(connect(far_end.url("/"), {"--bearer-file", file.string(), "--header",
                                                        "X-Site: 7", "--set", "subprotocols=chat.v2", "--set",
                                                        "extended-logging=true", "--set", "log-comms=true"}),
                             "hi\n");
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    const nlohmann::json headers = far_end.get("/requests")[0]["headers"];
    EXPECT_EQ(headers["authorization"], "Bearer s3cr3t-token");
    EXPECT_EQ(headers["x-site"], "7");
    EXPECT_EQ(headers["sec-websocket-protocol"], "chat.v2");
    EXPECT_EQ(ended.err.find("s3cr3t-token"), std::string::npos) << ended.err;
}

TEST(Connect, AcceptsEveryFormOfAddress) {
    peer far_end;
    for (const std::string name : {"localhost", "127.0.0.1"}) {
        const result ended = run(connect("ws://" + name + ":" + std::to_string(far_end.port())), "hi\n");
        EXPECT_EQ(ended.exit_code, 0) << name << ": " << ended.err;
        EXPECT_EQ(ended.out, "hi\n") << name;
    }
    peer far_end6({"--address", "::1"});
    const result ended = run(connect("ws://[::1]:" + std::to_string(far_end6.port()) + "/"), "hi\n");
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.out, "hi\n");
}

TEST(Connect, EchoesAnySizeUpToTheLimit) {
    peer far_end;
    // The far end begins with one message, and sends back what it gets: it goes round and round.
    for (const int size : {1, 125, 126, 65535, 65536, 1048576}) {
        process tool(
            connect(far_end.url("/flood?count=1&binary=1&size=" + std::to_string(size)), {"--echo"}));
        const nlohmann::json before = far_end.get("/sessions");
        ASSERT_TRUE(far_end.eventually("/sessions",
                                       [&](const nlohmann::json& now) {
                                           const int messages = now["messagesReceived"].get<int>() -
                                                                before["messagesReceived"].get<int>();
                                           return messages > 1 &&
                                                  now["bytesReceived"].get<std::int64_t>() -
                                                          before["bytesReceived"].get<std::int64_t>() ==
                                                      std::int64_t{messages} * size;
                                       }))
            << size << far_end.get("/sessions");
        tool.signal(SIGTERM);
        EXPECT_EQ(tool.wait_exit(), 0) << size;
    }
}

TEST(Connect, RefusesAMessageOverTheLimitWithClose1009) {
    peer far_end;
    const result ended =
        run(connect(far_end.url("/big?size=2000&fragments=3"), {"--set", "max-message-size=1000"}));
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_NE(ended.err.find("1000"), std::string::npos) << ended.err;
    EXPECT_EQ(ended.out, "");
    EXPECT_TRUE(far_end.eventually("/closes", [](const nlohmann::json& closes) {
        return !closes.empty() && closes[0]["code"] == 1009;
    })) << far_end.get("/closes");
}

/// The tool with a stdout that somebody holds open and nobody reads, and the far end sending all the time.
class BlockedOutput : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(run({"mkfifo", fifo_}).exit_code, 0);
        holder_ =
            std::make_unique<process>(std::vector<std::string>{"sh", "-c", "exec sleep 600 <\"$0\"", fifo_});
        std::vector<std::string> argv{"sh", "-c", "exec \"$@\" >\"$0\"", fifo_};
        const auto tool = connect(far_end_.url("/flood?count=1000000&size=1000"));
        argv.insert(argv.end(), tool.begin(), tool.end());
        tool_ = std::make_unique<process>(argv);
        // Far more than a pipe holds.
        ASSERT_TRUE(far_end_.eventually(
            "/sessions", [](const nlohmann::json& counters) { return counters["bytesSent"] > 1'000'000; }));
    }

    peer far_end_;
    iom::test::temporary_folder folder_;
    std::string fifo_ = (folder_.path() / "fifo").string();
    std::unique_ptr<process> holder_;
    std::unique_ptr<process> tool_;
};

TEST_F(BlockedOutput, ASignalEndsItAllTheSameAndSaysWhatIsMissing) {
    tool_->signal(SIGTERM);
    EXPECT_EQ(tool_->wait_exit(), 1);
    EXPECT_NE(tool_->bytes(process::stream::err).find("Nobody reads stdout: "), std::string::npos)
        << tool_->bytes(process::stream::err);
    EXPECT_TRUE(far_end_.eventually_open(0));
}

TEST_F(BlockedOutput, ASecondSignalCuts) {
    tool_->signal(SIGTERM);
    ASSERT_TRUE(far_end_.eventually_open(0));
    tool_->signal(SIGTERM);
    tool_->wait_exit();
    EXPECT_TRUE(far_end_.eventually_open(0));
}

} // namespace
