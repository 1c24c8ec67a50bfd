// A server that breaks the rules, lies or stalls, against the whole road: it is told with the right Close
// code, the user reads why, and it costs nothing but its own session. And what the log says of a line, and
// hides.

#include "support/programs.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <thread>

namespace {

using iom::test::eventually;
using iom::test::host;
using iom::test::peer;
using iom::test::process;
using nlohmann::json;

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '&' ? std::string("&amp;") : c == '<' ? std::string("&lt;") : std::string(1, c);
    }
    return out;
}

std::string set(std::string_view name, std::string_view value) {
    return "<set name=\"" + std::string(name) + "\">" + escaped(value) + "</set>";
}

std::string instance(const peer& far_end, std::string_view name, std::string_view path,
                     std::string_view settings = {}) {
    return "<instance name=\"" + std::string(name) + "\" module=\"websocket-client\">" +
           set("hostname", "127.0.0.1") + set("port", std::to_string(far_end.port())) + set("path", path) +
           set("reconnect-first-max", "0.05") + set("reconnect-min", "0.1") + set("reconnect-max", "0.2") +
           std::string(settings) + "</instance>";
}

std::string rule(std::string_view name, std::string_view trigger, std::string_view action,
                 std::string_view message) {
    return "<rule name=\"" + std::string(name) + "\"><on trigger=\"" + std::string(trigger) +
           "\"/><do action=\"" + std::string(action) + "\"><arg name=\"message\">" + escaped(message) +
           "</arg></do></rule>";
}

const std::string errors =
    rule("errors", "*/error", "host/log", "ERROR ${instance} ${layer} ${code} ${sentence}");
const std::string ends =
    rule("ends", "*/disconnected", "host/log", "END ${instance} ${layer} ${code} clean=${clean}");

std::string project(std::string_view content) {
    return "<project name=\"test\">" + std::string(content) + "</project>";
}

/// `iomhost run` that logs all that its instances have to say, frames too.
class talkative {
public:
    explicit talkative(std::string_view content, std::string_view secrets = {},
                       const std::filesystem::path& authority = {}) {
        const auto file = folder_.write("line.xml", content);
        if (!authority.empty()) {
            std::filesystem::create_directory(folder_.path() / "files");
            std::filesystem::copy(authority, folder_.path() / "files" / "ca.pem");
        }
        if (!secrets.empty()) {
            const auto beside = folder_.write("line.secrets", secrets);
            std::filesystem::permissions(beside, std::filesystem::perms::owner_read |
                                                     std::filesystem::perms::owner_write);
        }
        program_ = std::make_unique<process>(std::vector<std::string>{iom::test::iomhost(), "run",
                                                                      file.string(), "--no-web", "--modules",
                                                                      iom::test::module_folder().string()});
        program_->wait_line(process::stream::out, "ready");
    }

    [[nodiscard]] std::vector<std::string> lines() const { return program_->lines(process::stream::err); }

    /// SIGTERM; answers all of the log.
    std::string stop() {
        program_->signal(SIGTERM);
        EXPECT_EQ(program_->wait_exit(), 0);
        return program_->bytes(process::stream::err);
    }

private:
    iom::test::temporary_folder folder_;
    std::unique_ptr<process> program_;
};

std::vector<std::string> log_of(host& controller) {
    return controller.program().lines(process::stream::err);
}

bool holds(const std::vector<std::string>& lines, std::string_view part) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

// What a sanitizer adds to a process: its shadow, and freed memory that it keeps for a while.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t memory_factor = 8;
#else
constexpr std::size_t memory_factor = 1;
#endif

/// The largest memory the program ever had, in KiB.
std::size_t peak_kib(const process& program) {
    std::ifstream status("/proc/" + std::to_string(program.pid()) + "/status");
    std::string word;
    while (status >> word) {
        if (word == "VmHWM:") {
            std::size_t kib = 0;
            status >> kib;
            return kib;
        }
    }
    return 0;
}

/// What the server was told by the client that asked for `target`: the Close code; 0 as long as it is not
/// over.
int told(const json& requests, const json& closes, std::string_view target) {
    for (const json& request : requests) {
        if (request["target"] == target) {
            for (const json& close : closes) {
                if (close["session"] == request["session"]) {
                    return close["code"];
                }
            }
        }
    }
    return 0;
}

struct violation {
    const char* target;
    int code;
    const char* words;
};

constexpr violation violations[] = {
    {"/invalid/masked", 1002, "masked frame from a server"},
    {"/invalid/rsv", 1002, "reserved bits"},
    {"/invalid/rsv?bit=2", 1002, "reserved bits"},
    {"/invalid/rsv?bit=3", 1002, "reserved bits"},
    {"/invalid/rsv?opcode=9", 1002, "reserved bits"},
    {"/invalid/rsv?opcode=0", 1002, "reserved bits"},
    {"/invalid/rsv?bit=2&compression=1", 1002, "reserved bits"},
    {"/invalid/rsv?opcode=0&compression=1", 1002, "reserved bits"},
    {"/invalid/rsv?opcode=9&compression=1", 1002, "reserved bits"},
    {"/invalid/opcode", 1002, "reserved opcode"},
    {"/invalid/opcode?opcode=7", 1002, "reserved opcode"},
    {"/invalid/opcode?opcode=11", 1002, "reserved opcode"},
    {"/invalid/opcode?opcode=15", 1002, "reserved opcode"},
    {"/invalid/utf8", 1007, "invalid UTF-8 in a text message"},
    {"/invalid/utf8?fragments=1", 1007, "invalid UTF-8 in a text message"},
    {"/invalid/utf8?kind=truncated", 1007, "invalid UTF-8 in a text message"},
    {"/invalid/utf8?kind=truncated&compression=1", 1007, "invalid UTF-8 in a text message"},
    {"/invalid/utf8?kind=overlong", 1007, "invalid UTF-8 in a text message"},
    {"/invalid/utf8?kind=surrogate", 1007, "invalid UTF-8 in a text message"},
    {"/invalid/utf8?kind=beyond", 1007, "invalid UTF-8 in a text message"},
    {"/invalid/deflate?compression=1", 1007, "invalid compressed data"},
    {"/invalid/long-control", 1002, "control frame over 125 bytes"},
    {"/invalid/long-control?opcode=8", 1002, "control frame over 125 bytes"},
    {"/invalid/long-control?opcode=10", 1002, "control frame over 125 bytes"},
    {"/invalid/fragmented-control", 1002, "fragmented control frame"},
    {"/invalid/fragmented-control?opcode=8", 1002, "fragmented control frame"},
    {"/invalid/fragmented-control?opcode=10", 1002, "fragmented control frame"},
    {"/invalid/close-code?code=0", 1002, "reserved close code"},
    {"/invalid/close-code?code=999", 1002, "reserved close code"},
    {"/invalid/close-code?code=1004", 1002, "reserved close code"},
    {"/invalid/close-code?code=1005", 1002, "reserved close code"},
    {"/invalid/close-code?code=1006", 1002, "reserved close code"},
    {"/invalid/close-code?code=1015", 1002, "reserved close code"},
    {"/invalid/close-length", 1002, "half a close code"},
    {"/invalid/close-utf8", 1007, "invalid UTF-8 in a close reason"},
    {"/invalid/continuation", 1002, "continuation of no message"},
    {"/invalid/continuation?behind=1", 1002, "continuation of no message"},
    {"/invalid/interleaved", 1002, "new message inside another"},
    {"/invalid/length", 1002, "length beyond 63 bits"},
    {"/invalid/length-not-minimal", 1002, "length not in its shortest form"},
    {"/invalid/length-not-minimal?long=1", 1002, "length not in its shortest form"},
    {"/big?size=1048577", 1009, "1048577 or more bytes, and at most 1048576 are allowed"},
    {"/big?size=1048577&fragments=1000", 1009, "at most 1048576 are allowed"},
    {"/invalid/huge-length", 1009, "1099511627776 or more bytes"},
    {"/bomb?size=1073741824", 1009, "at most 1048576 are allowed"},
};

TEST(Protocol, EachViolationIsToldToTheServerAndToTheUser) {
    const peer far_end({"--deflate"});
    std::string content = errors + ends;
    int number = 0;
    for (const violation& one : violations) {
        const bool compressed = std::string_view(one.target).find("compression") != std::string_view::npos ||
                                std::string_view(one.target).starts_with("/bomb");
        content +=
            instance(far_end, "v" + std::to_string(++number), one.target,
                     set("auto-reconnect", "false") + set("compression", compressed ? "true" : "false"));
    }
    host controller(project(content));
    ASSERT_TRUE(eventually([&] {
        const auto lines = log_of(controller);
        return std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
                   return line.find("END v") != std::string::npos;
               }) == number;
    }));
    ASSERT_TRUE(far_end.eventually_open(0));
    const auto lines = log_of(controller);
    const json requests = far_end.get("/requests");
    const json closes = far_end.get("/closes");
    number = 0;
    for (const violation& one : violations) {
        const std::string name = "v" + std::to_string(++number) + " ";
        const std::string code = std::to_string(one.code);
        const auto line = std::find_if(lines.begin(), lines.end(), [&](const std::string& each) {
            return each.find("ERROR " + name) != std::string::npos;
        });
        ASSERT_NE(line, lines.end()) << one.target;
        EXPECT_NE(line->find("ERROR " + name + "protocol " + code), std::string::npos)
            << one.target << ": " << *line;
        EXPECT_NE(line->find(one.words), std::string::npos) << one.target << ": " << *line;
        EXPECT_TRUE(holds(lines, "END " + name + "protocol " + code + " clean=false")) << one.target;
        EXPECT_EQ(told(requests, closes, one.target), one.code) << one.target;
    }
    // A gibibyte of zeros, a tebibyte announced: not in our memory.
    EXPECT_LT(peak_kib(controller.program()), (100U << 10U) * memory_factor);
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Protocol, AServerThatStaysAfterItsViolationIsCut) {
    const peer far_end;
    host controller(project(errors + instance(far_end, "line", "/invalid/opcode?stay=1",
                                              set("auto-reconnect", "false") + set("close-timeout", "0.2"))));
    controller.wait_log("ERROR line protocol 1002");
    EXPECT_TRUE(far_end.eventually_open(0));
}

TEST(Protocol, EveryPingIsAnsweredAlsoWithinAMessage) {
    const peer far_end({"--deflate"});
    talkative controller(project(
        instance(far_end, "within", "/big?size=50000&fragments=11&pings=1", set("log-comms", "true")) +
        instance(far_end, "batch", "/ping-me?every=20&burst=5") +
        instance(far_end, "pieces", "/big?size=50000&fragments=4&pings=1&every=5", set("log-comms", "true")) +
        rule("pieces", "pieces/message-received", "host/log", "PIECES") +
        instance(far_end, "deflated", "/ping-me?every=20&compression=1", set("compression", "true")) +
        rule("message", "within/message-received", "host/log", "WHOLE")));
    for (const std::string_view part : {"WHOLE", "within: out pong fin 6 bytes: within", "PIECES",
                                        "pieces: out pong fin 6 bytes: within"}) {
        EXPECT_TRUE(eventually([&] { return holds(controller.lines(), part); })) << part;
    }
    EXPECT_TRUE(
        far_end.eventually("/sessions", [](const json& page) { return page["pongsReceived"] >= 10; }));
}

TEST(Protocol, LiarsCostTheirOwnSessionOnly) {
    const peer far_end;
    host controller(
        project(errors + instance(far_end, "headers", "/endless-headers") +
                instance(far_end, "slow", "/slow-bytes?every=50", set("connect-timeout", "1")) +
                instance(far_end, "mute", "/slow-upgrade?ms=60000", set("connect-timeout", "1")) +
                instance(far_end, "circle", "/redirect?loop=1") + instance(far_end, "good", "/") +
                "<rule name=\"start\"><on trigger=\"good/ready\"/><do action=\"good/send-message\">"
                "<arg name=\"message\">round and round</arg></do></rule>" +
                rule("back", "good/message-received", "good/send-message", "${message}")));
    controller.wait_log("ERROR headers upgrade");
    const auto seen = [&](std::string_view part) {
        return eventually([&] { return holds(log_of(controller), part); });
    };
    EXPECT_TRUE(seen("ERROR slow upgrade ETIMEDOUT"));
    EXPECT_TRUE(seen("ERROR mute upgrade ETIMEDOUT"));
    EXPECT_TRUE(seen("ERROR circle http 302"));
    const int before = far_end.get("/sessions")["messagesReceived"];
    EXPECT_TRUE(far_end.eventually(
        "/sessions", [&](const json& page) { return page["messagesReceived"] > before + 1000; }));
    EXPECT_LT(peak_kib(controller.program()), (60U << 10U) * memory_factor);
    EXPECT_EQ(controller.stop(), 0);
}

// ---- life
// ---------------------------------------------------------------------------------------------------

const std::string quick = set("ping-interval", "1") + set("pong-timeout", "0.3");

TEST(Protocol, OnlyTheRightPongProvesLife) {
    const peer far_end;
    host controller(project(errors + instance(far_end, "none", "/no-pong", quick) +
                            instance(far_end, "wrong", "/wrong-pong", quick) +
                            instance(far_end, "talks", "/stop-reading?every=250", quick) +
                            instance(far_end, "good", "/", quick) +
                            rule("trips", "good/ready", "host/log", "GOOD")));
    const auto seen = [&](std::string_view part) {
        return eventually([&] { return holds(log_of(controller), part); });
    };
    EXPECT_TRUE(seen("ERROR none liveness pong-timeout"));
    EXPECT_TRUE(seen("ERROR wrong liveness pong-timeout"));
    EXPECT_TRUE(seen("ERROR talks liveness no-pong"));
    EXPECT_FALSE(holds(log_of(controller), "ERROR good"));
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Protocol, AMessageOnASlowLineKeepsTheLineAlive) {
    const peer far_end;
    // 3 s for the message, and no pong before its end: far more than ping-interval and pong-timeout.
    host controller(project(errors + instance(far_end, "line", "/big?size=60&piece=1&every=50", quick) +
                            rule("message", "line/message-received", "host/log", "WHOLE ${message}")));
    controller.wait_log("WHOLE abcdefghijklmnopqrstuvwxyz");
    EXPECT_FALSE(holds(log_of(controller), "ERROR"));
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Protocol, AFrozenControllerGivesNoFalseVerdict) {
    const peer far_end;
    host controller(
        project(errors +
                instance(far_end, "line", "/",
                         quick + set("heartbeat-message", "beat") + set("heartbeat-interval", "0.2") +
                             "<set name=\"heartbeat-match\"><match>beat</match></set>" +
                             set("heartbeat-timeout", "0.3")) +
                rule("ready", "line/ready", "host/log", "READY")));
    controller.wait_log("READY");
    const auto pings = [&] { return far_end.get("/sessions")["pingsReceived"].get<int>(); };
    for (int round = 0; round < 3; ++round) {
        const int before = pings();
        ASSERT_TRUE(eventually([&] { return pings() > before; }));
        // The freeze is the fault itself, longer than ping-interval and pong-timeout together.
        controller.program().signal(SIGSTOP);
        std::this_thread::sleep_for(std::chrono::milliseconds(1700));
        const int frozen = pings();
        controller.program().signal(SIGCONT);
        ASSERT_TRUE(eventually([&] { return pings() > frozen; }));
        EXPECT_LE(pings(), frozen + 3); // late timers do not storm
    }
    EXPECT_FALSE(holds(log_of(controller), "ERROR"));
    EXPECT_EQ(far_end.get("/sessions")["sessions"], 1);
    EXPECT_EQ(controller.stop(), 0);
}

TEST(Protocol, SilenceIsToldOnceAndAgainAfterAMessage) {
    const peer far_end;
    const std::string silence = quick + set("silence-timeout", "0.2");
    host controller(project(
        instance(far_end, "broken", "/", silence) + instance(far_end, "quiet", "/", silence) +
        rule("quiet", "quiet/silence", "host/log", "QUIET ${seconds}") +
        rule("told", "broken/silence", "host/log", "BROKEN ${seconds}") +
        rule("break", "broken/silence", "broken/send-message", "not a word") +
        "<rule name=\"trips\"><on trigger=\"host/every\" interval=\"100ms\"/>"
        "<when status=\"quiet/round-trip.max\" greater=\"0\"/><do action=\"host/log\"><arg name=\"message\">"
        "TRIP ${quiet/round-trip} ${quiet/round-trip.min} ${quiet/round-trip.mean} ${quiet/round-trip.max}"
        "</arg></do></rule>"));
    for (int count = 0; count < 5; ++count) {
        controller.wait_log("BROKEN 0.2");
    }
    controller.wait_log("TRIP "); // so there were pongs, which break no silence
    const auto lines = log_of(controller);
    EXPECT_EQ(
        std::count_if(lines.begin(), lines.end(),
                      [](const std::string& line) { return line.find("QUIET 0.2") != std::string::npos; }),
        1);
    EXPECT_EQ(controller.stop(), 0);
}

// ---- the log
// ------------------------------------------------------------------------------------------------

TEST(Protocol, LogCommsShowsEachFrameOfASession) {
    const peer far_end;
    talkative controller(
        project(instance(far_end, "line", "/",
                         set("log-comms", "true") + quick +
                             "<set name=\"greeting\"><send>hello</send></set>"
                             "<set name=\"farewell\"><item>goodbye</item></set>" +
                             set("heartbeat-message", "beat") + set("heartbeat-interval", "0.2")) +
                R"(<rule name="go"><on trigger="line/ready"/>
             <do action="line/send-binary"><arg name="data">00ff10</arg><arg name="encoding">hex</arg></do>
             <do action="line/send-message"><arg name="message">text &#228;</arg></do></rule>)"));
    for (const std::string_view part :
         {"out GET / HTTP/1.1", "out Upgrade: websocket", "in  HTTP/1.1 101",
          "in  sec-websocket-accept:", "out text fin 5 bytes: hello", "in  text fin 5 bytes: hello",
          "out binary fin 3 bytes: 00ff10", "in  binary fin 3 bytes: 00ff10", "out text fin 7 bytes: text",
          "out text fin 4 bytes: beat", "out ping fin 8 bytes: ", "in  pong fin 8 bytes: "}) {
        EXPECT_TRUE(eventually([&] { return holds(controller.lines(), part); })) << part;
    }
    const std::string log = controller.stop();
    for (const std::string_view part :
         {"out text fin 7 bytes: goodbye", "out close fin 2 bytes: 1000", "in  close fin 2 bytes: 1000"}) {
        EXPECT_NE(log.find(part), std::string::npos) << part;
    }
}

TEST(Protocol, ExtendedLoggingTellsStatesTimersTlsAndHeads) {
    const iom::test::temporary_folder folder;
    iom::test::certificates authority(folder.path());
    const auto pair = authority.issue("server", "IP:127.0.0.1");
    const peer far_end;
    const peer safe({"--tls-cert", pair.certificate, "--tls-key", pair.key});
    const std::string extended = set("extended-logging", "true");
    talkative controller(
        project(
            instance(far_end, "line", "/close?code=1011&reason=oops", extended) +
            instance(safe, "safe", "/", extended + quick + set("protocol", "wss") + set("tls-ca", "ca.pem"))),
        {}, authority.authority());
    for (const std::string_view part :
         {"line: state: resolving", "line: 127.0.0.1 is 127.0.0.1", "line: state: connecting",
          "line: connecting to 127.0.0.1:", "line: TCP connection established", "line: state: upgrading",
          "line: out GET /close?code=1011", "line: out Host: 127.0.0.1:", "line: in  HTTP/1.1 101",
          "line: state: established", "line: state: ready", "line: state: closing", "line: state: waiting",
          "line: next attempt in ", "safe: state: securing", "safe: TLS established: TLSv1.3 ",
          ", server name 127.0.0.1, certificate verified, valid until 20",
          "safe: ping 1 sent, its pong is due within 0.3 s", "safe: ping 1 answered after "}) {
        EXPECT_TRUE(eventually([&] { return holds(controller.lines(), part); })) << part;
    }
    EXPECT_FALSE(holds(controller.lines(), "out close")); // frames are for Log Comms
}

TEST(Protocol, NoSecretIsEverInTheLog) {
    const peer far_end({"--basic", "operator:correct-horse"});
    const std::string loud = set("log-comms", "true") + set("extended-logging", "true");
    // A message shows 4 KiB: a secret lies across the cut, as text and as hex. What is shown of it ends
    // before a secret could begin, whether there is one or not.
    const std::string filler(4089, '.');
    const auto say = [](std::string_view action, std::string_view name, std::string_view text,
                        std::string_view more = {}) {
        return "<do action=\"token/" + std::string(action) + "\"><arg name=\"" + std::string(name) + "\">" +
               std::string(text) + "</arg>" + std::string(more) + "</do>";
    };
    const std::string raw = "<arg name=\"encoding\">raw</arg>";
    talkative controller(
        project(instance(far_end, "token", "/x?key=${secret:key}",
                         loud + set("connect-at-startup", "false") +
                             "<set name=\"headers\"><item>X-Site: ${secret:key}</item></set>") +
                instance(far_end, "basic", "/basic",
                         loud + set("username", "operator") + set("password", "${secret:password}")) +
                instance(far_end, "literal", "/", loud + set("bearer-token", "literal-bearer-value")) +
                instance(far_end, "proxied", "/",
                         loud + set("proxy", "http://someone:${secret:proxy}@127.0.0.1:" +
                                                 std::to_string(far_end.port()))) +
                "<rule name=\"go\"><on trigger=\"host/startup\"/><do action=\"token/connect\">"
                "<arg name=\"bearer-token\">argument-bearer-value</arg></do></rule>"
                "<rule name=\"say\"><on trigger=\"token/ready\"/>" +
                say("send-message", "message", "it is ${secret:key}, truly") +
                say("send-message", "message", filler + "${secret:key} end") +
                say("send-binary", "data", "${secret:key}", raw) +
                say("send-binary", "data", filler + "${secret:key}", raw) + "</rule>" +
                rule("back", "token/message-received", "host/log", "GOT ${message}") +
                rule("basic", "basic/ready", "host/log", "BASIC READY") +
                rule("literal", "literal/ready", "host/log", "LITERAL READY") +
                rule("failed", "proxied/error", "host/log", "PROXIED ${sentence}")),
        "key=tr0ub4dor-and-3\npassword=correct-horse\nproxy=battery-staple\n");
    for (const std::string_view part :
         {"BASIC READY", "LITERAL READY", "PROXIED", "in  binary fin 4104 bytes"}) {
        EXPECT_TRUE(eventually([&] { return holds(controller.lines(), part); })) << part;
    }
    const std::string log = controller.stop();
    for (const std::string_view part :
         {"out GET *** HTTP/1.1", "out ***", "out Authorization: (not shown)",
          "out text fin 28 bytes: it is ***, truly", "in  text fin 28 bytes: it is ***, truly",
          "out binary fin 15 bytes: ***", "in  binary fin 15 bytes: ***", "..... ..."}) {
        EXPECT_NE(log.find(part), std::string::npos) << part;
    }
    for (const std::string_view secret :
         {"tr0ub", "74723075", "correct-horse", "literal-bearer", "argument-bearer", "battery-staple",
          "b3BlcmF0b3I6", "c29tZW9uZTp"}) { // the last two: operator: and someone: in Base64
        EXPECT_EQ(log.find(secret), std::string::npos) << secret;
    }
}

} // namespace
