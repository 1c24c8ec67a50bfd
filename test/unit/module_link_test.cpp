#include "module/line.hpp"
#include "support/programs.hpp"
#include "unit/live_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <vector>

// The link against a real server: what only sockets, TLS and threads can show.

namespace {

using namespace iom::ws;
using namespace std::chrono_literals;
using iom::test::patience;

// A host that keeps what it is told.
class bell {
public:
    bell() {
        host_.data = this;
        host_.log = [](const iom_host* self, std::uint32_t level, iom_text line) {
            auto* const me = static_cast<bell*>(self->data);
            const std::lock_guard hold(me->mutex_);
            me->lines_.emplace_back(std::to_string(level) + " " + std::string(line.data, line.size));
        };
        host_.wake = [](const iom_host* self) {
            auto* const me = static_cast<bell*>(self->data);
            const std::lock_guard hold(me->mutex_);
            me->rung_ = true;
            me->change_.notify_one();
        };
    }

    [[nodiscard]] const iom_host& host() const { return host_; }

    void wait() {
        std::unique_lock hold(mutex_);
        change_.wait_for(hold, 50ms, [this] { return rung_; });
        rung_ = false;
    }

    std::vector<std::string> lines() {
        const std::lock_guard hold(mutex_);
        return lines_;
    }

private:
    iom_host host_{};
    std::mutex mutex_;
    std::condition_variable change_;
    bool rung_ = false;
    std::vector<std::string> lines_;
};

struct message {
    std::string bytes;
    bool binary;
};

// One instance as [control] sees it.
class user {
public:
    user(std::shared_ptr<line> link, settings what) : link_(std::move(link)) {
        port_ = link_->attach(box_, bell_.host(), std::make_shared<settings>(std::move(what)));
    }
    ~user() { detach(); }
    user(const user&) = delete;
    user& operator=(const user&) = delete;

    void detach() {
        if (port_ != nullptr) {
            link_->detach(port_);
            port_ = nullptr;
        }
    }

    void connect(const std::string& path, const std::string& headers = {}) {
        box_.commands.push({.type = record_type::identity}, {path, headers, ""});
        command(record_type::connect);
    }

    void command(record_type type) {
        box_.commands.push({.type = type});
        link_->ring(port_);
    }

    void send(std::string_view bytes, bool binary = false) {
        box_.sends.push({.type = record_type::send,
                         .flags = binary ? flag_binary : std::uint16_t{0},
                         .number = ++sequence_,
                         .value = session_},
                        {bytes});
        link_->ring(port_);
    }

    // Takes in what has come.
    void take() {
        while (const record* one = box_.events.next()) {
            switch (one->type) {
            case record_type::established:
                session_ = one->number;
                ++established;
                tls = one->parts[1].substr(0, one->parts[1].find(' '));
                cipher = one->parts[1].substr(std::min(one->parts[1].size(), tls.size() + 1));
                remote = one->parts[2];
                subprotocol = std::string(one->parts[0]);
                break;
            case record_type::message:
                messages.push_back({std::string(one->parts[0]), (one->flags & flag_binary) != 0});
                break;
            case record_type::error:
                errors.push_back(std::string(name_of(static_cast<layer>(one->detail))) + " " +
                                 std::string(one->parts[0]));
                break;
            case record_type::connected:
                ++connected;
                break;
            case record_type::disconnected:
                ++disconnected;
                clean = (one->flags & flag_clean) != 0;
                code = std::string(one->parts[0]);
                break;
            case record_type::dropped:
                ++dropped;
                break;
            case record_type::sent:
                sent = one->number;
                break;
            case record_type::closed:
                closed = true;
                break;
            default:
                break;
            }
        }
        if (box_.events.settle()) {
            link_->ring(port_);
        }
    }

    // Takes in events until it holds; false after `patience`.
    bool until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + patience;
        for (;;) {
            take();
            if (holds()) {
                return true;
            }
            if (std::chrono::steady_clock::now() > end) {
                return false;
            }
            bell_.wait();
        }
    }

    bool until_established() {
        return until([this] { return established > 0; });
    }

    bool stop() {
        command(record_type::stop);
        return until([this] { return closed; });
    }

    mailbox& box() { return box_; }
    std::vector<std::string> lines() { return bell_.lines(); }

    int established = 0;
    int connected = 0;
    int disconnected = 0;
    int dropped = 0;
    bool closed = false;
    bool clean = false;
    std::uint64_t sent = 0;
    std::string code;
    std::string tls;
    std::string cipher;
    std::string subprotocol;
    std::string remote;
    std::vector<std::string> errors;
    std::vector<message> messages;

private:
    std::shared_ptr<line> link_;
    bell bell_;
    mailbox box_;
    line::port* port_ = nullptr;
    std::uint64_t session_ = 0;
    std::uint64_t sequence_ = 0;
};

std::size_t entries(const char* folder) {
    const std::filesystem::directory_iterator all(folder);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::size_t descriptors() {
    return entries("/proc/self/fd");
}

std::size_t threads() {
    return entries("/proc/self/task");
}

// What a program must have as much of after its work as before.
struct holdings {
    std::size_t files = 0;
    std::size_t tasks = 0;
    std::size_t bytes = 0;

    bool operator==(const holdings&) const = default;
};

holdings held() {
    // Looking costs memory itself, but gives it back.
    return {.files = descriptors(), .tasks = threads(), .bytes = iom::test::live_bytes()};
}

// An iompeer whose events nobody keeps: a test that counts memory would count them.
class quiet_peer {
public:
    explicit quiet_peer(std::vector<std::string> options = {})
        : program_([&] {
              std::vector<std::string> words{"sh", "-c", "exec \"$0\" --port 0 \"$@\" 2>/dev/null",
                                             iom::test::iompeer()};
              words.insert(words.end(), options.begin(), options.end());
              return words;
          }()) {}

    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    iom::test::process program_;
    std::uint16_t port_ = static_cast<std::uint16_t>(
        std::stoi(program_.wait_line(iom::test::process::stream::out, "ready ").substr(6)));
};

std::ostream& operator<<(std::ostream& out, const holdings& all) {
    return out << all.files << " descriptors, " << all.tasks << " threads, " << all.bytes << " bytes";
}

// The same once nothing changes any more: a look-up of an earlier test may still be at its end.
holdings settled() {
    holdings last;
    int same = 0;
    EXPECT_TRUE(iom::test::eventually([&] {
        const holdings now = held();
        same = now == last ? same + 1 : 0;
        last = now;
        return same == 5;
    }));
    return last;
}

// Whether all is as it was, in the end.
testing::AssertionResult again(const holdings& before) {
    holdings now;
    if (iom::test::eventually([&] { return (now = held()) == before; })) {
        return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << "now " << now << "; before " << before;
}

class link_test : public testing::Test {
protected:
    iom::test::peer server{{"--subprotocol", "chat", "--deflate"}};
    settings what;

    link_test() {
        what.hostname = "127.0.0.1";
        what.port = server.port();
        what.tls.server_name = what.hostname;
        what.reconnect_first_max = 0s;
        what.reconnect_min = 0s;
        what.stable_after = 0s;
    }
};

TEST_F(link_test, echoes_messages_of_all_sizes) {
    what.max_message_size = std::size_t{8} << 20;
    user me(shared_link(), what);
    me.connect("/");
    ASSERT_TRUE(me.until_established());
    const std::vector<std::size_t> sizes{0,     1,     125,   126,       127,      4096,
                                         65535, 65536, 65537, 1'000'000, 4'000'000};
    std::vector<std::string> payloads;
    for (const std::size_t size : sizes) {
        std::string payload(size, ' ');
        for (std::size_t at = 0; at < size; ++at) {
            payload[at] = static_cast<char>('a' + (at * 7 + size) % 26);
        }
        me.send(payload, false);
        me.send(payload, true);
        payloads.push_back(std::move(payload));
    }
    ASSERT_TRUE(me.until([&] { return me.messages.size() == 2 * sizes.size(); })) << me.messages.size();
    for (std::size_t at = 0; at < sizes.size(); ++at) {
        EXPECT_TRUE(me.messages[2 * at].bytes == payloads[at]) << sizes[at];
        EXPECT_FALSE(me.messages[2 * at].binary);
        EXPECT_TRUE(me.messages[2 * at + 1].bytes == payloads[at]) << sizes[at];
        EXPECT_TRUE(me.messages[2 * at + 1].binary);
    }
    EXPECT_EQ(me.sent, 2 * sizes.size());
    ASSERT_TRUE(me.stop());
    EXPECT_TRUE(me.clean);
}

TEST_F(link_test, echoes_compressed_messages) {
    what.compression = true;
    user me(shared_link(), what);
    me.connect("/");
    ASSERT_TRUE(me.until_established());
    const std::string even(300'000, 'x');
    std::string odd(100'000, ' ');
    unsigned noise = 1;
    for (char& byte : odd) {
        noise = noise * 1103515245U + 12345U;
        byte = static_cast<char>('!' + (noise >> 16U) % 90);
    }
    for (int count = 0; count < 10; ++count) {
        me.send("short " + std::to_string(count));
        me.send(even);
        me.send(odd);
    }
    ASSERT_TRUE(me.until([&] { return me.messages.size() == 30; })) << me.messages.size();
    for (std::size_t at = 0; at < 30; at += 3) {
        EXPECT_EQ(me.messages[at].bytes, "short " + std::to_string(at / 3));
        EXPECT_TRUE(me.messages[at + 1].bytes == even);
        EXPECT_TRUE(me.messages[at + 2].bytes == odd);
    }
    ASSERT_TRUE(me.stop());
}

TEST_F(link_test, a_burst_of_small_messages_comes_back_whole_and_in_order) {
    user me(shared_link(), what);
    me.connect("/");
    ASSERT_TRUE(me.until_established());
    constexpr std::size_t count = 20'000;
    for (std::size_t number = 0; number < count; ++number) {
        me.send(std::to_string(number));
    }
    ASSERT_TRUE(me.until([&] { return me.messages.size() == count; })) << me.messages.size();
    for (std::size_t number = 0; number < count; ++number) {
        ASSERT_EQ(me.messages[number].bytes, std::to_string(number));
    }
}

TEST_F(link_test, a_flood_waits_in_the_socket_and_nothing_is_lost) {
    user me(shared_link(), what);
    me.connect("/flood?count=3000&size=10000");
    ASSERT_TRUE(iom::test::eventually([&] { return me.box().events.full(); }));
    // Reading has paused: no more than what was already read comes on top.
    EXPECT_LT(me.box().events.waiting(), mailbox::mark_high + (std::size_t{1} << 20));
    ASSERT_TRUE(me.until([&] { return me.messages.size() == 3000; })) << me.messages.size();
}

TEST_F(link_test, a_thousand_reconnects_leave_nothing_behind) {
    const quiet_peer far_end;
    what.port = far_end.port();
    const std::shared_ptr<line> link = shared_link();
    const auto reconnect = [&](int times) {
        user me(link, what);
        me.connect("/close?code=1000");
        EXPECT_TRUE(me.until([&] { return me.established >= times; })) << me.established;
        EXPECT_TRUE(me.stop());
        EXPECT_EQ(me.connected, me.disconnected);
        EXPECT_TRUE(me.errors.empty()) << me.errors.front();
    };
    // Some things are made at their first use, and stay: the buffer that gathers frames at the first send.
    {
        user me(link, what);
        me.connect("/");
        EXPECT_TRUE(me.until_established());
        me.send("one");
        EXPECT_TRUE(me.until([&] { return me.messages.size() == 1; }));
        EXPECT_TRUE(me.stop());
    }
    reconnect(10);
    const holdings before = settled();
    reconnect(1000);
    EXPECT_TRUE(again(before));
}

TEST_F(link_test, a_link_that_starts_and_stops_leaves_nothing_behind) {
    const quiet_peer far_end;
    what.port = far_end.port();
    const auto session = [&] {
        user me(shared_link(), what);
        me.connect("/");
        EXPECT_TRUE(me.until_established());
        EXPECT_TRUE(me.stop());
    };
    session();
    const holdings before = settled();
    for (int round = 0; round < 50; ++round) {
        session();
    }
    EXPECT_TRUE(again(before));
}

TEST_F(link_test, the_last_holder_ends_thread_and_context) {
    const holdings before = settled();
    {
        user me(shared_link(), what);
        me.connect("/");
        ASSERT_TRUE(me.until_established());
        EXPECT_TRUE(iom::test::eventually([&] { return threads() == before.tasks + 1; }));
    }
    EXPECT_TRUE(
        iom::test::eventually([&] { return threads() == before.tasks && descriptors() == before.files; }));
}

TEST_F(link_test, may_be_detached_at_any_moment) {
    const std::shared_ptr<line> link = shared_link();
    const std::size_t files = descriptors();
    for (int round = 0; round < 200; ++round) {
        user me(link, what);
        me.connect(round % 3 == 0 ? "/flood?count=0&size=1000" : "/");
        // From before the first step to well into the session.
        for (int events = 0; events < round % 12; ++events) {
            me.take();
            std::this_thread::yield();
        }
        if (round % 2 == 0) {
            me.send("for nobody");
        }
        if (round % 10 == 9) {
            ASSERT_TRUE(me.until_established());
        }
    }
    EXPECT_TRUE(iom::test::eventually([&] { return descriptors() <= files; }));
    EXPECT_TRUE(server.eventually_open(0));
}

TEST_F(link_test, a_hundred_instances_share_the_thread) {
    const std::shared_ptr<line> link = shared_link();
    const std::size_t tasks = settled().tasks;
    std::vector<std::unique_ptr<user>> all;
    for (int count = 0; count < 100; ++count) {
        all.push_back(std::make_unique<user>(link, what));
        all.back()->connect("/");
    }
    for (const auto& one : all) {
        ASSERT_TRUE(one->until_established());
        one->send("hello");
    }
    for (const auto& one : all) {
        ASSERT_TRUE(one->until([&] { return !one->messages.empty(); }));
    }
    EXPECT_TRUE(iom::test::eventually([&] { return threads() == tasks; }));
    for (const auto& one : all) {
        ASSERT_TRUE(one->stop());
        EXPECT_TRUE(one->clean);
    }
}

TEST_F(link_test, one_that_hangs_holds_up_no_other) {
    const std::shared_ptr<line> link = shared_link();
    settings slow = what;
    slow.connect_timeout = 120s;
    user hung(link, slow);
    hung.connect("/slow-upgrade?ms=60000");
    ASSERT_TRUE(hung.until([&] { return hung.connected == 1; }));
    user me(link, what);
    me.connect("/");
    ASSERT_TRUE(me.until_established());
    me.send("x");
    ASSERT_TRUE(me.until([&] { return me.messages.size() == 1; }));
    EXPECT_EQ(hung.established, 0);
}

struct fault {
    const char* path;
    const char* error; // layer and code of the first error; empty: none, only a disconnect
    const char* code;  // of disconnected
};

class link_fault : public link_test, public testing::WithParamInterface<fault> {};

TEST_P(link_fault, is_told_in_our_words) {
    what.auto_reconnect = false;
    what.connect_timeout = 20s;
    user me(shared_link(), what);
    me.connect(GetParam().path);
    ASSERT_TRUE(me.until([&] { return me.disconnected == 1; }));
    EXPECT_EQ(me.errors.empty() ? "" : me.errors.front(), GetParam().error);
    EXPECT_EQ(me.code, GetParam().code);
    EXPECT_EQ(me.connected, 1);
}

INSTANTIATE_TEST_SUITE_P(
    before_established, link_fault,
    testing::Values(fault{"/status/401", "http 401", "401"}, fault{"/status/404", "http 404", "404"},
                    fault{"/status/503?retry-after=9", "http 503", "503"},
                    fault{"/status/200", "http 200", "200"},
                    fault{"/redirect?to=http://other.example/", "http 302", "302"},
                    fault{"/bad-accept", "upgrade wrong-accept", "wrong-accept"},
                    fault{"/bad-subprotocol", "upgrade unknown-subprotocol", "unknown-subprotocol"},
                    fault{"/bad-extension", "upgrade unknown-extension", "unknown-extension"},
                    fault{"/drop?before=upgrade", "upgrade EOF", "EOF"}));

INSTANTIATE_TEST_SUITE_P(
    closes, link_fault,
    testing::Values(fault{"/close?code=1000", "", "1000"}, fault{"/close?code=1001", "", "1001"},
                    fault{"/close?code=1008", "close 1008", "1008"}, fault{"/close", "close 1005", "1005"},
                    fault{"/close?code=4999", "close 4999", "4999"}, fault{"/drop", "close 1006", "1006"},
                    fault{"/rst", "close 1006", "1006"}));

INSTANTIATE_TEST_SUITE_P(violations, link_fault,
                         testing::Values(fault{"/invalid/masked", "protocol 1002", "1002"},
                                         fault{"/invalid/rsv", "protocol 1002", "1002"},
                                         fault{"/invalid/opcode", "protocol 1002", "1002"},
                                         fault{"/invalid/utf8", "protocol 1007", "1007"},
                                         fault{"/invalid/utf8?fragments=1", "protocol 1007", "1007"},
                                         fault{"/invalid/long-control", "protocol 1002", "1002"},
                                         fault{"/invalid/fragmented-control", "protocol 1002", "1002"},
                                         fault{"/invalid/close-code?code=1005", "protocol 1002", "1002"},
                                         fault{"/invalid/close-length", "protocol 1002", "1002"},
                                         fault{"/invalid/continuation", "protocol 1002", "1002"},
                                         fault{"/invalid/interleaved", "protocol 1002", "1002"},
                                         fault{"/invalid/length-not-minimal", "protocol 1002", "1002"},
                                         fault{"/big?size=2000000", "protocol 1009", "1009"},
                                         fault{"/big?size=2000000&fragments=7", "protocol 1009", "1009"}));

TEST_F(link_test, negotiates_a_subprotocol_and_shows_the_heads_without_secrets) {
    what.log_comms = true;
    what.subprotocols = {"other", "chat"};
    user me(shared_link(), what);
    me.connect("/", "X-Site: 7\r\nCookie: secret-cookie\r\n");
    ASSERT_TRUE(me.until_established());
    EXPECT_EQ(me.subprotocol, "chat");
    me.send("hello");
    ASSERT_TRUE(me.until([&] { return !me.messages.empty(); }));
    const auto lines = me.lines();
    const auto logged = [&](std::string_view part) {
        return std::any_of(lines.begin(), lines.end(),
                           [&](const std::string& one) { return one.find(part) != std::string::npos; });
    };
    EXPECT_TRUE(logged("out GET / HTTP/1.1"));
    EXPECT_TRUE(logged("out X-Site: 7"));
    EXPECT_TRUE(logged("out Cookie: (not shown)"));
    EXPECT_FALSE(logged("secret-cookie"));
    EXPECT_TRUE(logged("in  HTTP/1.1 101"));
    EXPECT_TRUE(logged("out text fin 5 bytes: hello"));
    EXPECT_TRUE(logged("in  text fin 5 bytes: hello"));
}

TEST_F(link_test, logs_each_ping_and_the_pong_that_answers_the_newest) {
    what.log_comms = true;
    user me(shared_link(), what);
    me.connect("/ping-me?every=60000&burst=5");
    ASSERT_TRUE(me.until_established());
    const auto logged = [&](std::string_view part) {
        const auto lines = me.lines();
        return std::any_of(lines.begin(), lines.end(),
                           [&](const std::string& one) { return one.find(part) != std::string::npos; });
    };
    ASSERT_TRUE(me.until([&] { return logged("out pong fin 1 byte: 5"); }));
    for (const char* const number : {"1", "2", "3", "4", "5"}) {
        EXPECT_TRUE(logged(std::string("in  ping fin 1 byte: ") + number)) << number;
    }
    EXPECT_FALSE(logged("out pong fin 1 byte: 4"));
    EXPECT_TRUE(server.eventually("/sessions", [](const auto& page) { return page["pongsReceived"] == 1; }));
    ASSERT_TRUE(me.stop());
    EXPECT_TRUE(logged("out close fin 2 bytes: 1000"));
    EXPECT_TRUE(logged("in  close fin 2 bytes: 1000"));
}

TEST_F(link_test, logs_the_close_that_answers_a_violation) {
    what.log_comms = true;
    what.auto_reconnect = false;
    user me(shared_link(), what);
    me.connect("/invalid/masked");
    ASSERT_TRUE(me.until([&] { return me.disconnected == 1; }));
    const auto lines = me.lines();
    EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [](const std::string& one) {
        return one.find("out close fin 28 bytes: 1002 masked frame from a server") != std::string::npos;
    }));
}

TEST_F(link_test, pongs_go_out_between_the_parts_of_a_compressed_message) {
    what.compression = true;
    what.log_comms = true;
    what.max_message_size = std::size_t{16} << 20;
    user me(shared_link(), what);
    me.connect("/ping-me?every=1&compression=1");
    ASSERT_TRUE(me.until_established());
    std::string noise(std::size_t{4} << 20, ' ');
    unsigned seed = 1;
    for (char& byte : noise) {
        seed = seed * 1103515245U + 12345U;
        byte = static_cast<char>(seed >> 16U);
    }
    me.send(noise, true);
    ASSERT_TRUE(me.until([&] { return !me.messages.empty(); }));
    ASSERT_TRUE(me.stop());
    const auto lines = me.lines();
    const auto said = std::count_if(lines.begin(), lines.end(), [](const std::string& one) {
        return one.find("out pong") != std::string::npos;
    });
    EXPECT_GT(said, 0);
    // Each is one that the server has got.
    EXPECT_EQ(server.get("/sessions")["pongsReceived"], said);
}

TEST_F(link_test, logs_a_compressed_frame_once_with_all_that_is_in_it) {
    what.compression = true;
    what.log_comms = true;
    what.max_message_size = std::size_t{4} << 20;
    user me(shared_link(), what);
    me.connect("/bomb?size=2100000");
    ASSERT_TRUE(me.until([&] { return !me.messages.empty(); }));
    EXPECT_EQ(me.messages[0].bytes.size(), 2'100'000U);
    std::vector<std::string> frames;
    for (const std::string& line : me.lines()) {
        if (line.starts_with("5 in  binary") || line.starts_with("5 in  continuation")) {
            frames.push_back(line.substr(2, line.find(" byte") - 2));
        }
    }
    // The library does not tell of the first frame, which is empty.
    EXPECT_EQ(frames,
              (std::vector<std::string>{"in  continuation more 1048576", "in  continuation more 1048576",
                                        "in  continuation fin 2848"}));
    EXPECT_TRUE(me.messages[0].binary);
}

TEST_F(link_test, a_violation_is_answered_behind_what_is_still_to_be_sent) {
    what.auto_reconnect = false;
    user me(shared_link(), what);
    me.connect("/invalid/masked?on=message");
    ASSERT_TRUE(me.until_established());
    me.send("go");
    me.send(std::string(std::size_t{8} << 20, 'x'), true);
    ASSERT_TRUE(me.until([&] { return me.disconnected == 1; }));
    EXPECT_EQ(me.code, "1002");
    EXPECT_TRUE(server.eventually("/closes", [](const auto& page) { return !page.empty(); }));
    EXPECT_EQ(server.get("/closes")[0]["code"], 1002);
}

// An option of the socket that is connected to this port of ours.
int option_of_line_to(std::uint16_t port, int level, int name) {
    int value = -1;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        const int fd = std::stoi(entry.path().filename());
        sockaddr_in far{};
        socklen_t size = sizeof far;
        if (getpeername(fd, reinterpret_cast<sockaddr*>(&far), &size) == 0 && far.sin_family == AF_INET &&
            ntohs(far.sin_port) == port) {
            size = sizeof value;
            getsockopt(fd, level, name, &value, &size);
        }
    }
    return value;
}

TEST_F(link_test, without_pings_tcp_watches_the_line) {
    what.keep_alive = false;
    what.ping_interval = 20s;
    what.pong_timeout = 10s;
    user me(shared_link(), what);
    me.connect("/");
    ASSERT_TRUE(me.until_established());
    EXPECT_EQ(option_of_line_to(server.port(), SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option_of_line_to(server.port(), IPPROTO_TCP, TCP_KEEPIDLE), 30);
    EXPECT_EQ(option_of_line_to(server.port(), IPPROTO_TCP, TCP_KEEPINTVL), 10);
    EXPECT_EQ(option_of_line_to(server.port(), IPPROTO_TCP, TCP_KEEPCNT), 3);
    EXPECT_EQ(option_of_line_to(server.port(), IPPROTO_TCP, TCP_USER_TIMEOUT), 30'000);
}

TEST_F(link_test, without_pings_an_idle_line_is_given_up_in_a_minute_whatever_the_ping_interval) {
    what.keep_alive = false;
    what.ping_interval = 100s;
    what.pong_timeout = 10s;
    user me(shared_link(), what);
    me.connect("/");
    ASSERT_TRUE(me.until_established());
    EXPECT_EQ(option_of_line_to(server.port(), IPPROTO_TCP, TCP_USER_TIMEOUT), 60'000);
}

TEST_F(link_test, a_redirect_is_followed_within_one_attempt) {
    user me(shared_link(), what);
    const iom::test::peer other;
    const std::string there = "127.0.0.1:" + std::to_string(other.port());
    me.connect("/redirect?to=ws://" + there + "/elsewhere");
    ASSERT_TRUE(me.until_established());
    EXPECT_EQ(me.connected, 1);
    EXPECT_EQ(me.remote, there);
    EXPECT_TRUE(me.errors.empty());
}

/// To a server on loopback whose certificate `authority` has signed.
settings over_tls(std::uint16_t port, const iom::test::certificates& authority) {
    settings what;
    what.hostname = "127.0.0.1";
    what.port = port;
    what.secure = true;
    what.tls.server_name = what.hostname;
    what.tls.ca = authority.authority();
    return what;
}

TEST(link_tls, speaks_1_3_and_1_2_and_trusts_only_what_it_should) {
    const iom::test::temporary_folder folder;
    iom::test::certificates authority(folder.path());
    const auto pair = authority.issue("server", "DNS:localhost,IP:127.0.0.1");
    const std::vector<std::string> options{"--tls-cert", pair.certificate, "--tls-key", pair.key};
    const iom::test::peer modern(options);
    std::vector<std::string> older = options;
    older.insert(older.end(), {"--tls-max", "1.2"});
    const iom::test::peer old(older);

    const std::shared_ptr<line> link = shared_link();
    settings what = over_tls(modern.port(), authority);
    what.auto_reconnect = false;

    const auto session = [&](const settings& how, std::uint16_t port) {
        settings here = how;
        here.port = port;
        user me(link, here);
        me.connect("/");
        EXPECT_TRUE(me.until(
            [&] { return me.established + me.disconnected + static_cast<int>(me.errors.size()) > 0; }));
        me.until([&] { return me.established > 0 || me.disconnected > 0; });
        return me.established > 0 ? me.tls : me.errors.empty() ? "" : me.errors.front();
    };
    EXPECT_EQ(session(what, modern.port()), "TLSv1.3");
    EXPECT_EQ(session(what, old.port()), "TLSv1.2");

    settings strict = what;
    strict.tls.oldest = tls_version::tls_1_3;
    EXPECT_EQ(session(strict, old.port()), "tls old-version");

    settings stranger = what;
    stranger.tls.ca.clear();
    EXPECT_EQ(session(stranger, modern.port()), "tls unknown-ca");

    settings other_name = what;
    other_name.tls.server_name = "other.example";
    EXPECT_EQ(session(other_name, modern.port()), "tls wrong-name");

    settings trusting = other_name;
    trusting.tls.verify = false;
    EXPECT_EQ(session(trusting, modern.port()), "TLSv1.3");

    std::vector<std::string> demanding = options;
    demanding.insert(demanding.end(), {"--tls-client-ca", authority.authority()});
    const iom::test::peer strict_modern(demanding);
    // Its alert says "certificate required", unless the reset behind it overtakes it.
    EXPECT_TRUE(session(what, strict_modern.port()).starts_with("tls certificate-"));
    demanding.insert(demanding.end(), {"--tls-max", "1.2"});
    const iom::test::peer strict_old(demanding);
    EXPECT_TRUE(session(what, strict_old.port()).starts_with("tls certificate-"));

    // AES first where the processor knows it.
    std::ifstream processor("/proc/cpuinfo");
    const std::string features{std::istreambuf_iterator<char>(processor), {}};
    const bool knows_aes = features.find(" aes") != std::string::npos;
    settings any = what;
    any.port = modern.port();
    user me(link, any);
    me.connect("/");
    ASSERT_TRUE(me.until_established());
    EXPECT_EQ(me.cipher.find("AES") != std::string::npos, knows_aes) << me.cipher;

    settings pinned = what;
    pinned.tls.pins = {std::string(32, '\0')};
    EXPECT_EQ(session(pinned, modern.port()), "tls pin-mismatch");
}

TEST(link_tls, certificates_that_are_renewed_all_the_time_take_no_more_memory) {
    const iom::test::temporary_folder folder;
    iom::test::certificates authority(folder.path());
    const auto pair = authority.issue("server", "IP:127.0.0.1");
    const quiet_peer far_end({"--tls-cert", pair.certificate, "--tls-key", pair.key});
    settings what = over_tls(far_end.port(), authority);
    what.reconnect_first_max = 0s;
    what.reconnect_min = 0s;
    what.stable_after = 0s;

    user me(shared_link(), what);
    me.connect("/close?code=1000");
    auto time = std::filesystem::last_write_time(what.tls.ca);
    int renewed = 0;
    const auto renew = [&](int times) { // and connect anew with each
        const int enough = renewed + times;
        return me.until([&] {
            if (me.established > renewed) {
                renewed = me.established;
                std::filesystem::last_write_time(what.tls.ca, time += 1s);
            }
            return renewed >= enough;
        });
    };
    ASSERT_TRUE(renew(10));
    const std::size_t before = iom::test::live_bytes();
    ASSERT_TRUE(renew(100));
    EXPECT_LT(iom::test::live_bytes(), before + 100'000); // each set of certificates takes some 4,000
    EXPECT_TRUE(me.stop());
}

TEST(link_tls, an_idle_session_is_small_and_takes_large_messages_nevertheless) {
    constexpr std::size_t many = 20; // more than poll is asked for
    const iom::test::temporary_folder folder;
    iom::test::certificates authority(folder.path());
    const auto pair = authority.issue("server", "IP:127.0.0.1");
    for (const char* version : {"1.2", "1.3"}) {
        SCOPED_TRACE(version);
        const quiet_peer far_end(
            {"--tls-cert", pair.certificate, "--tls-key", pair.key, "--tls-max", version});
        settings what = over_tls(far_end.port(), authority);
        what.reconnect_first_max = 0s;
        what.stable_after = 0s;
        what.max_message_size = std::size_t{1} << 20;
        const auto link = shared_link();
        user first(link, what); // reads the certificates
        first.connect("/");
        ASSERT_TRUE(first.until_established());
        EXPECT_EQ(first.tls, std::string("TLSv") + version);

        std::vector<std::unique_ptr<user>> all;
        const std::size_t before = iom::test::live_bytes();
        for (std::size_t at = 0; at < many; ++at) {
            all.push_back(std::make_unique<user>(link, what));
            all.back()->connect("/");
            ASSERT_TRUE(all.back()->until_established());
        }
        EXPECT_LT((iom::test::live_bytes() - before) / many, 30'000u);

        const std::string large(100'000, 'x');
        for (int turn = 1; turn <= 2; ++turn) { // from small buffers, and from large ones
            for (const auto& each : all) {
                each->send(large);
                each->send("small");
            }
            for (const auto& each : all) {
                const std::size_t wanted = 2 * static_cast<std::size_t>(turn);
                ASSERT_TRUE(each->until([&] { return each->messages.size() == wanted; }));
                EXPECT_TRUE(each->messages[wanted - 2].bytes == large);
                EXPECT_EQ(each->messages[wanted - 1].bytes, "small");
            }
        }
        for (const auto& each : all) {
            EXPECT_TRUE(each->stop());
        }
        EXPECT_TRUE(first.stop());
    }
}

TEST(link_tls, a_reset_for_want_of_a_client_certificate_is_told_as_such) {
    const iom::test::temporary_folder folder;
    iom::test::certificates authority(folder.path());
    const auto pair = authority.issue("server", "IP:127.0.0.1");
    // Asks for a certificate, takes the handshake without one, and then breaks off.
    const auto script = folder.write("server.py", R"(
import socket, ssl, struct, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.load_verify_locations(sys.argv[3])
context.verify_mode = ssl.CERT_OPTIONAL
listener = socket.create_server(("127.0.0.1", 0))
print("ready", listener.getsockname()[1], flush=True)
while True:
    line, _ = listener.accept()
    line = context.wrap_socket(line, server_side=True)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()
)");
    iom::test::process server(
        {"/usr/bin/python3", script, pair.certificate, pair.key, authority.authority()});
    const int port = std::stoi(server.wait_line(iom::test::process::stream::out, "ready ").substr(6));
    settings what = over_tls(static_cast<std::uint16_t>(port), authority);
    what.auto_reconnect = false;
    user me(shared_link(), what);
    me.connect("/");
    ASSERT_TRUE(me.until([&] { return me.disconnected == 1; }));
    EXPECT_EQ(me.errors, std::vector<std::string>{"tls certificate-asked"});
}

} // namespace
