#include "module/session.hpp"

#include "module/pacer.hpp"

#include "unit/counted_allocations.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace {

using namespace iom::ws;
using iom::test::grant_memory;
using iom::test::refuse_memory;
using namespace std::chrono_literals;

constexpr instant second = 1'000'000'000;
constexpr instant millisecond = 1'000'000;

std::string type_name(record_type type) {
    switch (type) {
    case record_type::state:
        return "state";
    case record_type::connected:
        return "connected";
    case record_type::established:
        return "established";
    case record_type::error:
        return "error";
    case record_type::faulted:
        return "faulted";
    case record_type::credentials_rejected:
        return "credentials-rejected";
    case record_type::disconnected:
        return "disconnected";
    case record_type::message:
        return "message";
    case record_type::sent:
        return "sent";
    case record_type::dropped:
        return "dropped";
    case record_type::call_ended:
        return "call-ended";
    case record_type::round_trip:
        return "round-trip";
    case record_type::identity_wanted:
        return "identity-wanted";
    case record_type::alarm:
        return "alarm";
    case record_type::closed:
        return "closed";
    default:
        return "?";
    }
}

struct wire final : transport {
    std::vector<std::string> did;
    std::vector<opening> openings;
    std::vector<std::optional<failure>> at_once; // answers of open, then nothing
    bool is_stuck = false;
    bool sticks = false; // once something is written
    bool broken = false;
    bool reading = true;
    bool up = false;
    std::uint64_t unacked = 0;
    bool in_line = false; // the name, for a look-up
    std::uint64_t acked = 0;
    double dice = 0.5;
    span_of_time pause{};
    pacer* queue = nullptr; // instead of the pause
    instant* clock = nullptr;
    std::string last_ping;
    std::vector<std::string> lines;
    int knocks = 0;

    void resolve(const std::string& name) override { did.push_back("resolve " + name); }
    void forget_resolution() override { did.emplace_back("forget"); }
    bool resolution_waits() override { return in_line; }
    std::optional<failure> open(const opening& what, const settings&, const identity& who) override {
        openings.push_back(what);
        did.push_back("open " + what.address + ":" + std::to_string(what.port) + what.to.path +
                      (what.authorized && !who.authorization.empty() ? " " + who.authorization : ""));
        if (!at_once.empty()) {
            auto answer = at_once.front();
            at_once.erase(at_once.begin());
            if (answer) {
                return answer;
            }
        }
        up = true;
        return std::nullopt;
    }
    void cut() override {
        if (up) {
            did.emplace_back("cut");
        }
        up = false;
    }
    bool write(frame kind, char* payload, std::size_t size) override {
        const std::string text(payload, size);
        std::memset(payload, '#', size); // as masking does
        switch (kind) {
        case frame::text:
            did.push_back("text " + text);
            break;
        case frame::binary:
            did.push_back("binary " + text);
            break;
        case frame::ping:
            did.emplace_back("ping");
            last_ping = text;
            break;
        case frame::close:
            did.push_back("close " +
                          std::to_string(static_cast<unsigned char>(text[0]) * 256 +
                                         static_cast<unsigned char>(text[1])) +
                          (text.size() > 2 ? " " + text.substr(2) : ""));
            break;
        }
        is_stuck = is_stuck || sticks;
        return !broken;
    }
    void gather() override {}
    bool flush() override { return !broken; }
    bool stuck() override { return is_stuck; }
    bool may_write() override { return up && !is_stuck; }
    void want_write() override { did.emplace_back("want"); }
    void read(bool on) override { reading = on; }
    void ignore_input() override { did.emplace_back("ignore"); }
    std::uint64_t unacknowledged() override { return unacked; }
    std::uint64_t acknowledged() override { return acked; }
    span_of_time pace(span_of_time first_max) override {
        return queue == nullptr ? pause
                                : queue->reserve({"server.example", 80}, span_of_time(*clock), first_max);
    }
    double random() override { return dice; }
    void knock() override { ++knocks; }
    void log(std::uint32_t, std::string_view text) override { lines.emplace_back(text); }
};

struct event {
    std::string name;
    record_head head;
    std::vector<std::string> parts;
};

class session_test : public testing::Test {
protected:
    settings what;
    mailbox box;
    wire link;
    std::unique_ptr<session> line;
    instant now = 1000 * second;
    std::uint64_t sequence = 0;

    session_test() { what.hostname = "server.example"; }

    session& made() {
        if (!line) {
            line = std::make_unique<session>(box, link, std::make_shared<settings>(what));
        }
        return *line;
    }

    void command(const record_head& head, std::initializer_list<std::string_view> parts = {}) {
        box.commands.push(head, parts);
        made().attend(now);
    }

    void connect(std::uint64_t call = 1) {
        command({.type = record_type::identity}, {"/path", "", "secret"});
        command({.type = record_type::connect, .number = call});
    }

    void resolve(std::vector<std::string> addresses = {"192.0.2.1"}) {
        resolution found;
        found.addresses = std::move(addresses);
        made().resolved(now, found);
    }

    void establish() {
        connect();
        resolve();
        made().tcp_up(now, "192.0.2.1:80");
        made().asking(now);
        made().upgraded(now, "");
        take();
        link.did.clear();
    }

    void send(const std::string& text, std::uint64_t of_session = 1) {
        box.sends.push({.type = record_type::send, .number = ++sequence, .value = of_session}, {text});
        made().attend(now);
    }

    // Goes to the time of the next deadline, or the one given, tick by tick.
    void pass(instant time) {
        const instant end = now + time;
        for (int ticks = 0; ticks < 10'000; ++ticks) {
            const instant due = made().next();
            if (due == 0 || due > end) {
                break;
            }
            now = std::max(now, due);
            made().tick(now);
        }
        now = end;
    }

    static failure lost(layer where, std::string code) {
        failure why;
        why.where = where;
        why.code = std::move(code);
        return why;
    }

    std::vector<event> take() {
        std::vector<event> all;
        while (const record* one = box.events.next()) {
            event made_of{type_name(one->type), *one, {}};
            for (const std::string_view part : one->parts) {
                made_of.parts.emplace_back(part);
            }
            all.push_back(std::move(made_of));
        }
        box.events.settle();
        return all;
    }

    // Names of the events, states by their own.
    static std::vector<std::string> names(const std::vector<event>& all) {
        std::vector<std::string> list;
        for (const event& one : all) {
            list.push_back(one.name == "state" ? std::string(name_of(static_cast<state>(one.head.detail)))
                                               : one.name);
        }
        return list;
    }

    static const event* find(const std::vector<event>& all, const std::string& name) {
        for (const event& one : all) {
            if (one.name == name) {
                return &one;
            }
        }
        return nullptr;
    }
};

using list = std::vector<std::string>;

TEST_F(session_test, reaches_established_step_by_step) {
    connect(7);
    EXPECT_EQ(names(take()), list{"resolving"});
    resolve();
    EXPECT_EQ(names(take()), list{"connecting"});
    made().tcp_up(now, "192.0.2.1:80");
    auto events = take();
    EXPECT_EQ(names(events), (list{"upgrading", "connected"}));
    EXPECT_EQ(events[1].parts[0], "192.0.2.1:80");
    made().asking(now);
    made().upgraded(now, "chat");
    events = take();
    EXPECT_EQ(names(events), (list{"established", "established", "call-ended"})); // the state, the event
    EXPECT_EQ(events[1].head.number, 1U);
    EXPECT_EQ(events[1].parts[0], "chat");
    EXPECT_EQ(events[2].head.number, 7U);
    EXPECT_EQ(events[2].head.detail, IOM_DONE);
    EXPECT_EQ(link.did, (list{"resolve server.example", "open 192.0.2.1:80/path secret"}));
}

TEST_F(session_test, tells_how_long_each_step_took) {
    what.secure = true;
    connect();
    now += 3 * millisecond;
    resolve();
    now += 20 * millisecond;
    made().tcp_up(now, "192.0.2.1:443");
    now += 5 * millisecond;
    made().asking(now);
    EXPECT_EQ(take().back().parts[0], "dns 3.00 ms, tcp 20.00 ms, tls 5.00 ms");
    now += millisecond / 4;
    made().upgraded(now, "");
    EXPECT_EQ(take().front().parts[0], "dns 3.00 ms, tcp 20.00 ms, tls 5.00 ms, upgrade 0.25 ms");
}

TEST_F(session_test, a_secure_one_is_securing_first) {
    what.secure = true;
    what.port = 443;
    connect();
    resolve();
    take();
    made().tcp_up(now, "192.0.2.1:443");
    EXPECT_EQ(names(take()), (list{"securing", "connected"}));
    made().secured(now, {.version = "TLSv1.3", .cipher = "CIPHER", .expiry = 99});
    made().asking(now);
    EXPECT_EQ(names(take()), list{"upgrading"});
    made().upgraded(now, "");
    const auto events = take();
    const event* up = find(events, "established");
    ASSERT_NE(up, nullptr);
    EXPECT_EQ(up->parts[1], "TLSv1.3 CIPHER");
    EXPECT_EQ(up->head.value, 99U);
}

TEST_F(session_test, a_failed_attempt_is_told_once_and_tried_again) {
    connect(3);
    resolve();
    take();
    made().failed(now, lost(layer::tcp, "ECONNREFUSED"));
    auto events = take();
    EXPECT_EQ(names(events), (list{"waiting", "error", "call-ended"}));
    EXPECT_EQ(events[0].head.real, 2.5); // half of reconnect-first-max
    EXPECT_EQ(events[1].parts[0], "ECONNREFUSED");
    EXPECT_NE(events[1].parts[1].find("192.0.2.1:80"), std::string::npos) << events[1].parts[1];
    EXPECT_EQ(events[2].head.detail, IOM_GIVEN_UP);
    link.did.clear();
    pass(2499 * millisecond);
    EXPECT_TRUE(link.did.empty());
    pass(2 * millisecond);
    EXPECT_EQ(link.did, list{"resolve server.example"});
}

TEST_F(session_test, says_whether_a_name_was_looked_up_at_all) {
    for (const bool waits : {false, true}) {
        link.in_line = waits;
        connect();
        pass(10 * second);
        const auto events = take();
        const event* const error = find(events, "error");
        ASSERT_NE(error, nullptr);
        EXPECT_EQ(error->parts[0], waits ? "EBUSY" : "ETIMEDOUT");
    }
}

TEST_F(session_test, without_auto_reconnect_a_loss_is_the_end) {
    what.auto_reconnect = false;
    establish();
    made().failed(now, lost(layer::close, "1006"));
    EXPECT_EQ(names(take()), (list{"stopped", "error", "disconnected"}));
    EXPECT_EQ(made().next(), 0);
}

TEST_F(session_test, tells_a_loss_in_order) {
    establish();
    now += 12 * second;
    made().failed(now, lost(layer::http, "404"));
    const auto events = take();
    EXPECT_EQ(names(events), (list{"faulted", "error", "faulted", "disconnected"}));
    EXPECT_EQ(events.back().head.real, 12.0);
    EXPECT_EQ(events.back().head.flags & flag_clean, 0);
}

TEST_F(session_test, faulted_fires_once_until_it_changes) {
    const auto fault = [&](const char* code) {
        pass(made().next() - now);
        take();
        resolve();
        made().failed(now, lost(layer::http, code));
        return names(take());
    };
    connect();
    take();
    resolve();
    made().failed(now, lost(layer::http, "404"));
    EXPECT_EQ(names(take()), (list{"connecting", "faulted", "error", "faulted", "call-ended"}));
    EXPECT_EQ(fault("404"), (list{"connecting", "faulted", "error"}));
    EXPECT_EQ(fault("410"), (list{"connecting", "faulted", "error", "faulted"}));
    EXPECT_EQ(fault("410"), (list{"connecting", "faulted", "error"}));
    now += second;
    command({.type = record_type::connect}); // arms it again
    resolve();
    made().failed(now, lost(layer::http, "410"));
    EXPECT_NE(find(take(), "faulted"), nullptr);
}

TEST_F(session_test, the_second_refused_log_in_in_a_row_is_a_fault) {
    connect();
    resolve();
    made().failed(now, lost(layer::http, "401"));
    auto events = take();
    EXPECT_EQ(find(events, "faulted"), nullptr);
    EXPECT_NE(find(events, "credentials-rejected"), nullptr);
    pass(5 * second);
    resolve();
    made().failed(now, lost(layer::http, "401"));
    events = take();
    EXPECT_NE(find(events, "faulted"), nullptr);
}

TEST_F(session_test, a_fault_without_retry_rests_until_connect) {
    what.fault_retry = 0s;
    connect();
    resolve();
    take();
    made().failed(now, lost(layer::tls, "wrong-name"));
    const auto events = take();
    EXPECT_EQ(events[0].head.detail, static_cast<int>(state::faulted));
    EXPECT_LT(events[0].head.real, 0);
    EXPECT_EQ(made().next(), 0);
    link.did.clear();
    now += second;
    connect();
    EXPECT_EQ(link.did, list{"resolve server.example"});
}

TEST_F(session_test, connect_while_waiting_tries_now_but_not_sooner_than_reconnect_min) {
    connect();
    resolve();
    made().failed(now, lost(layer::tcp, "ECONNREFUSED"));
    take();
    link.did.clear();
    connect(9);
    EXPECT_TRUE(link.did.empty());
    EXPECT_EQ(made().next(), now + 500 * millisecond);
    pass(500 * millisecond);
    EXPECT_EQ(link.did, list{"resolve server.example"});
}

TEST_F(session_test, connect_joins_an_attempt_and_keeps_a_session) {
    connect(1);
    connect(2);
    resolve();
    made().tcp_up(now, "x");
    made().upgraded(now, "");
    connect(3);
    int ended = 0;
    for (const event& one : take()) {
        if (one.name == "call-ended") {
            ++ended;
            EXPECT_EQ(one.head.detail, IOM_DONE);
            EXPECT_EQ(one.head.number, static_cast<std::uint64_t>(ended));
        }
    }
    EXPECT_EQ(ended, 3);
    EXPECT_EQ(link.openings.size(), 1U);
}

TEST_F(session_test, connect_while_closing_runs_after) {
    establish();
    command({.type = record_type::disconnect, .number = 5});
    connect(6);
    EXPECT_EQ(link.did, list{"close 1000"});
    EXPECT_TRUE(made().close_received(now, 1000, ""));
    made().failed(now, lost(layer::close, "1006"));
    const auto events = take();
    EXPECT_EQ(names(events), (list{"closing", "stopped", "disconnected", "call-ended", "resolving"}));
    EXPECT_EQ(events[3].head.number, 5U);
}

TEST_F(session_test, all_addresses_are_tried_each_with_its_share_of_the_time) {
    connect();
    resolve({"2001:db8::1", "192.0.2.1", "192.0.2.2"});
    EXPECT_EQ(made().next(), now + what.connect_timeout.count() / 3);
    pass(what.connect_timeout.count() / 3 + 1);
    made().failed(now, lost(layer::tcp, "ECONNREFUSED"));
    EXPECT_EQ(link.did, (list{"resolve server.example", "open 2001:db8::1:80/path secret", "cut",
                              "open 192.0.2.1:80/path secret", "open 192.0.2.2:80/path secret"}));
    made().tcp_up(now, "192.0.2.2:80");
    made().upgraded(now, "");
    EXPECT_EQ(find(take(), "error"), nullptr);
}

TEST_F(session_test, connected_comes_once_for_all_addresses_of_an_attempt) {
    connect();
    resolve({"192.0.2.1", "192.0.2.2"});
    made().tcp_up(now, "192.0.2.1:80");
    made().failed(now, lost(layer::upgrade, "EOF"));
    made().tcp_up(now, "192.0.2.2:80");
    made().failed(now, lost(layer::upgrade, "EOF"));
    int connected = 0;
    int disconnected = 0;
    for (const event& one : take()) {
        connected += one.name == "connected" ? 1 : 0;
        disconnected += one.name == "disconnected" ? 1 : 0;
    }
    EXPECT_EQ(connected, 1);
    EXPECT_EQ(disconnected, 1);
}

TEST_F(session_test, the_most_telling_failure_of_all_addresses_is_told) {
    connect();
    resolve({"192.0.2.1", "2001:db8::1"});
    made().failed(now, lost(layer::tcp, "ECONNREFUSED"));
    made().failed(now, lost(layer::tcp, "ENETUNREACH"));
    const auto events = take();
    EXPECT_EQ(find(events, "error")->parts[0], "ECONNREFUSED");
}

TEST_F(session_test, a_definite_no_ends_the_attempt_whatever_addresses_are_left) {
    connect();
    resolve({"192.0.2.1", "192.0.2.2"});
    made().tcp_up(now, "192.0.2.1:80");
    made().failed(now, lost(layer::http, "404"));
    EXPECT_EQ(link.openings.size(), 1U);
    EXPECT_NE(find(take(), "error"), nullptr);
}

TEST_F(session_test, failures_at_once_go_through_all_addresses) {
    connect();
    link.at_once = {lost(layer::tcp, "ENETUNREACH"), lost(layer::tcp, "ENETUNREACH")};
    resolve({"192.0.2.1", "192.0.2.2"});
    EXPECT_EQ(link.openings.size(), 2U);
    EXPECT_EQ(find(take(), "error")->parts[0], "ENETUNREACH");
}

TEST_F(session_test, one_deadline_covers_everything_up_to_established) {
    struct stage {
        int steps;
        const char* layer_name;
    };
    for (const stage one : {stage{0, "dns"}, stage{1, "tcp"}, stage{2, "tls"}, stage{3, "upgrade"}}) {
        what.secure = true;
        line = std::make_unique<session>(box, link, std::make_shared<settings>(what));
        connect();
        if (one.steps > 0) {
            resolve();
        }
        if (one.steps > 1) {
            made().tcp_up(now, "x");
        }
        if (one.steps > 2) {
            made().asking(now);
        }
        take();
        pass(what.connect_timeout.count() - 1);
        EXPECT_TRUE(take().empty());
        pass(1);
        const auto events = take();
        const event* error = find(events, "error");
        ASSERT_NE(error, nullptr) << one.layer_name;
        EXPECT_EQ(name_of(static_cast<layer>(error->head.detail)), one.layer_name);
        EXPECT_EQ(error->parts[0], "ETIMEDOUT");
    }
}

TEST_F(session_test, an_identity_that_expands_is_asked_for_at_each_attempt) {
    what.identity_expands = true;
    connect();
    auto events = take();
    EXPECT_EQ(names(events), (list{"resolving", "identity-wanted"}));
    resolve();
    EXPECT_TRUE(link.openings.empty());
    command({.type = record_type::identity, .number = events[1].head.number}, {"/fresh", "", ""});
    EXPECT_EQ(link.did.back(), "open 192.0.2.1:80/fresh");
}

TEST_F(session_test, an_identity_that_cannot_be_had_fails_the_attempt) {
    what.identity_expands = true;
    connect();
    command({.type = record_type::fail, .detail = static_cast<std::uint8_t>(layer::settings)},
            {"bearer-token", "Bearer token: gone."});
    EXPECT_EQ(find(take(), "error")->parts[1], "Bearer token: gone.");
}

TEST_F(session_test, a_redirect_stays_within_the_attempt_and_keeps_credentials_at_home) {
    connect();
    resolve();
    made().tcp_up(now, "192.0.2.1:80");
    take();
    made().redirected(now, "302", "/there");
    made().tcp_up(now, "192.0.2.1:80");
    made().redirected(now, "302", "http://server.example:81/elsewhere");
    made().tcp_up(now, "192.0.2.1:81");
    EXPECT_EQ(link.did, (list{"resolve server.example", "open 192.0.2.1:80/path secret",
                              "open 192.0.2.1:80/there secret", "open 192.0.2.1:81/elsewhere"}));
    EXPECT_EQ(find(take(), "connected"), nullptr);
    made().redirected(now, "302", "http://evil.example/");
    const auto events = take();
    EXPECT_NE(find(events, "faulted"), nullptr);
    EXPECT_NE(find(events, "error")->parts[1].find("evil.example"), std::string::npos);
}

TEST_F(session_test, established_names_the_far_end_that_it_is_with) {
    connect();
    resolve({"192.0.2.1", "192.0.2.2"});
    made().tcp_up(now, "192.0.2.1:80");
    EXPECT_EQ(find(take(), "connected")->parts[0], "192.0.2.1:80");
    made().failed(now, lost(layer::upgrade, "EOF"));
    made().tcp_up(now, "192.0.2.2:80");
    made().redirected(now, "302", "http://server.example:81/elsewhere");
    made().tcp_up(now, "192.0.2.2:81");
    made().upgraded(now, "");
    const auto events = take();
    const event* up = find(events, "established");
    ASSERT_NE(up, nullptr);
    EXPECT_EQ(up->parts[1], "");
    EXPECT_EQ(up->parts[2], "192.0.2.2:81");
}

TEST_F(session_test, an_endless_redirect_ends) {
    connect();
    resolve();
    made().tcp_up(now, "x");
    for (int count = 0; count < 6; ++count) {
        made().redirected(now, "302", "/again");
    }
    EXPECT_EQ(link.openings.size(), 6U);
    EXPECT_NE(find(take(), "faulted"), nullptr);
}

TEST_F(session_test, the_pacer_holds_an_attempt_back) {
    link.pause = 20ms;
    connect();
    EXPECT_EQ(names(take()), list{"waiting"});
    EXPECT_TRUE(link.did.empty());
    pass(20 * millisecond);
    EXPECT_EQ(names(take()), list{"resolving"});
}

TEST_F(session_test, one_that_connects_and_disconnects_all_the_time_keeps_its_one_place) {
    pacer all;
    all.enter({"server.example", 80});
    all.enter({"server.example", 80});
    link.queue = &all;
    link.clock = &now;
    for (int times = 0; times < 1000; ++times) {
        connect();
        command({.type = record_type::disconnect});
        now += millisecond;
    }
    EXPECT_LE(all.reserve({"server.example", 80}, span_of_time(now), 5s), 20ms);
}

TEST_F(session_test, messages_come_whole) {
    establish();
    made().received(now, "one", true, true, false, 0);
    made().received(now, "tw", true, false, true, 1);
    made().received(now, "o", false, true, true, 0);
    made().received(now, "", true, true, false, 0);
    const auto events = take();
    ASSERT_EQ(names(events), (list{"message", "message", "message"}));
    EXPECT_EQ(events[0].parts[0], "one");
    EXPECT_EQ(events[0].head.flags & flag_binary, 0);
    EXPECT_EQ(events[1].parts[0], "two");
    EXPECT_EQ(events[1].head.flags & flag_binary, flag_binary);
    EXPECT_EQ(events[2].parts[0], "");
}

TEST_F(session_test, a_message_too_large_is_refused_before_it_is_there) {
    what.max_message_size = 1000;
    establish();
    made().received(now, "abc", true, false, false, 998);
    EXPECT_EQ(link.did, (list{"close 1009 message too large", "ignore"}));
    made().received(now, "more", false, false, false, 900);
    EXPECT_TRUE(made().close_received(now, 1009, ""));
    made().failed(now, lost(layer::close, "1006"));
    const auto events = take();
    EXPECT_EQ(names(events), (list{"closing", "waiting", "error", "disconnected"}));
    EXPECT_NE(events[2].parts[1].find("1001 or more bytes"), std::string::npos) << events[2].parts[1];
    EXPECT_NE(events[2].parts[1].find("1000"), std::string::npos);
}

TEST_F(session_test, a_message_without_a_first_fragment_has_its_own_type) {
    establish();
    made().received(now, "text", true, true, false, 0);
    made().received(now, "bytes", false, true, true, 0); // behind an empty fragment that was not told
    const auto events = take();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].head.flags, 0);
    EXPECT_EQ(events[1].head.flags, flag_binary);
}

TEST_F(session_test, many_fragments_are_counted_together) {
    what.max_message_size = 10;
    establish();
    made().received(now, "12345", true, false, false, 0);
    made().received(now, "12345", false, false, false, 0);
    EXPECT_TRUE(link.did.empty());
    made().received(now, "1", false, true, false, 0);
    EXPECT_EQ(link.did, (list{"close 1009 message too large", "ignore"}));
}

TEST_F(session_test, reading_pauses_while_control_is_behind) {
    establish();
    const std::string large(100'000, 'x');
    for (int count = 0; count < 20 && link.reading; ++count) {
        made().received(now, large, true, true, false, 0);
    }
    EXPECT_FALSE(link.reading);
    made().attend(now);
    EXPECT_FALSE(link.reading);
    now += second;
    take();
    made().attend(now);
    EXPECT_TRUE(link.reading);
    EXPECT_EQ(box.stirred.load(), now);
}

TEST_F(session_test, sends_go_out_in_order_and_are_told_when_the_kernel_has_them) {
    establish();
    send("one");
    send("two");
    EXPECT_EQ(link.did, (list{"text one", "text two"}));
    const auto events = take();
    ASSERT_EQ(names(events), (list{"sent", "sent"}));
    EXPECT_EQ(events[1].head.number, 2U);
}

TEST_F(session_test, a_send_that_is_done_wakes_control_a_little_later_or_with_what_comes_next) {
    establish();
    const int before = link.knocks;
    send("one");
    EXPECT_EQ(link.knocks, before);
    pass(millisecond);
    EXPECT_EQ(link.knocks, before + 1);
    take();
    send("two");
    made().received(now, "answer", true, true, false, 0);
    EXPECT_EQ(link.knocks, before + 2);
    pass(millisecond);
    EXPECT_EQ(link.knocks, before + 2);
    EXPECT_EQ(names(take()), (list{"sent", "message"}));
}

TEST_F(session_test, a_stuck_line_keeps_the_rest_back) {
    establish();
    send("one");
    take();
    link.is_stuck = true;
    send("two");
    send("three");
    EXPECT_EQ(link.did, (list{"text one", "want", "want"}));
    link.is_stuck = false;
    made().writable(now);
    EXPECT_EQ(take().back().head.number, 3U);
}

TEST_F(session_test, sends_for_a_session_that_is_over_come_back) {
    establish();
    send("late", 7);
    const auto events = take();
    ASSERT_EQ(names(events), list{"dropped"});
    EXPECT_EQ(events[0].parts[1], "late");
    made().failed(now, lost(layer::close, "1006"));
    take();
    send("later");
    EXPECT_EQ(names(take()), list{"dropped"});
}

TEST_F(session_test, what_tcp_had_not_acknowledged_is_unconfirmed) {
    establish();
    send(std::string(100, 'a'));
    send(std::string(100, 'b'));
    send(std::string(100, 'c'));
    take();
    link.unacked = 150; // the last, and half of the one before
    made().failed(now, lost(layer::close, "1006"));
    std::vector<std::uint64_t> dropped;
    for (const event& one : take()) {
        if (one.name == "dropped") {
            EXPECT_NE(one.head.flags & flag_unconfirmed, 0);
            EXPECT_EQ(one.parts[0], "unconfirmed");
            EXPECT_EQ(one.parts[1], std::string(100, one.head.number == 2 ? 'b' : 'c'));
            dropped.push_back(one.head.number);
        }
    }
    EXPECT_EQ(dropped, (std::vector<std::uint64_t>{2, 3}));
}

TEST_F(session_test, what_the_kernel_never_had_is_dropped) {
    establish();
    link.is_stuck = false;
    send("one");
    take();
    box.sends.push({.type = record_type::send, .number = ++sequence, .value = 1}, {"two"});
    link.is_stuck = true;
    made().attend(now);
    made().failed(now, lost(layer::close, "1006"));
    const auto events = take();
    const event* gone = find(events, "dropped");
    ASSERT_NE(gone, nullptr);
    EXPECT_EQ(gone->head.number, 2U);
    EXPECT_EQ(gone->head.flags & flag_unconfirmed, 0);
    EXPECT_EQ(gone->parts[1], "two");
}

TEST_F(session_test, each_of_very_many_unconfirmed_sends_is_told) {
    establish();
    constexpr std::uint64_t many = 200'000;
    link.unacked = many * 100; // TCP has acknowledged nothing
    for (std::uint64_t count = 0; count < many; ++count) {
        send("x");
        if (count % 10'000 == 0) {
            take();
        }
    }
    take();
    made().failed(now, lost(layer::close, "1006"));
    std::uint64_t expected = 0;
    for (const event& one : take()) {
        if (one.name == "dropped") {
            ASSERT_EQ(one.head.number, ++expected);
            ASSERT_NE(one.head.flags & flag_unconfirmed, 0);
            ASSERT_EQ(one.parts[1], (one.head.flags & flag_wordless) != 0 ? "" : "x");
        }
    }
    EXPECT_EQ(expected, many);
}

TEST_F(session_test, a_large_message_that_the_kernel_never_took_comes_back_to_its_queue) {
    what.offline_policy = offline_policy::queue;
    establish();
    link.sticks = true;
    const std::string large(1'000'000, 'l');
    send(large);
    made().failed(now, lost(layer::close, "1006"));
    const auto events = take();
    const event* gone = find(events, "dropped");
    ASSERT_NE(gone, nullptr);
    EXPECT_EQ(gone->head.flags, 0);
    EXPECT_EQ(gone->parts[1], large);
}

TEST_F(session_test, without_a_queue_a_large_message_is_dropped_without_its_words) {
    establish();
    link.sticks = true;
    send(std::string(1'000'000, 'l'));
    made().failed(now, lost(layer::close, "1006"));
    const auto events = take();
    const event* gone = find(events, "dropped");
    ASSERT_NE(gone, nullptr);
    EXPECT_EQ(gone->head.flags, flag_wordless);
    EXPECT_EQ(gone->parts[1], "");
}

TEST_F(session_test, of_what_the_kernel_has_only_little_is_kept) {
    what.offline_policy = offline_policy::queue;
    establish();
    link.unacked = 10'000'000;
    for (const char letter : {'a', 'b', 'c', 'd'}) {
        send(std::string(50'000, letter));
    }
    take();
    made().failed(now, lost(layer::close, "1006"));
    list words;
    for (const event& one : take()) {
        if (one.name == "dropped") {
            EXPECT_EQ(one.parts[1].empty(), (one.head.flags & flag_wordless) != 0);
            words.push_back(one.parts[1].substr(0, 1));
        }
    }
    EXPECT_EQ(words, (list{"", "", "c", "d"}));
}

TEST_F(session_test, the_newest_words_are_right_however_many_were_sent_unconfirmed) {
    what.offline_policy = offline_policy::queue;
    establish();
    link.unacked = 10'000'000;
    constexpr int many = 200;
    for (int count = 0; count < many; ++count) {
        send(std::to_string(count) + std::string(5'000, '.'));
        take();
    }
    made().failed(now, lost(layer::close, "1006"));
    int told = 0;
    int worded = 0;
    for (const event& one : take()) {
        if (one.name == "dropped") {
            if ((one.head.flags & flag_wordless) == 0) {
                EXPECT_TRUE(one.parts[1].starts_with(std::to_string(told) + "."));
                ++worded;
            }
            ++told;
        }
    }
    EXPECT_EQ(told, many);
    EXPECT_GT(worded, 0);
}

TEST_F(session_test, a_line_that_breaks_while_writing_is_lost) {
    establish();
    link.broken = true;
    send("one");
    const auto events = take();
    EXPECT_NE(find(events, "error"), nullptr);
    EXPECT_NE(find(events, "disconnected"), nullptr);
}

TEST_F(session_test, pings_go_out_every_interval_whatever_the_traffic) {
    establish();
    for (int count = 0; count < 60; ++count) {
        pass(second);
        made().received(now, "x", true, true, false, 0);
        if (!link.last_ping.empty()) {
            made().ponged(now, link.last_ping);
            link.last_ping.clear();
        }
    }
    EXPECT_EQ(link.did, (list{"ping", "ping", "ping"}));
}

TEST_F(session_test, only_the_pong_with_our_payload_counts) {
    establish();
    pass(20 * second);
    now += 3 * second;
    made().ponged(now, "");
    made().ponged(now, "whatever");
    EXPECT_EQ(find(take(), "round-trip"), nullptr);
    made().ponged(now, link.last_ping);
    const auto events = take();
    ASSERT_NE(find(events, "round-trip"), nullptr);
    EXPECT_EQ(find(events, "round-trip")->head.real, 3000.0);
}

TEST_F(session_test, without_a_pong_the_line_is_dead) {
    establish();
    pass(29'999 * millisecond);
    EXPECT_EQ(find(take(), "error"), nullptr);
    pass(2 * millisecond);
    const auto events = take();
    ASSERT_NE(find(events, "error"), nullptr);
    EXPECT_EQ(find(events, "error")->parts[0], "pong-timeout");
    EXPECT_EQ(link.did, (list{"ping", "close 1001 no pong", "cut"}));
}

TEST_F(session_test, data_is_no_proof_of_life_but_named) {
    establish();
    pass(25 * second);
    made().received(now, "x", true, true, false, 0);
    pass(6 * second);
    EXPECT_EQ(find(take(), "error")->parts[0], "no-pong");
}

TEST_F(session_test, the_deadline_waits_while_bytes_of_an_unfinished_message_arrive) {
    establish();
    pass(20 * second);
    for (int count = 0; count < 100; ++count) {
        pass(second);
        made().received(now, "x", count == 0, false, true, 100);
    }
    EXPECT_EQ(find(take(), "error"), nullptr);
    pass(10 * second);
    EXPECT_NE(find(take(), "error"), nullptr);
}

TEST_F(session_test, frames_that_a_read_has_cut_are_no_proof_of_life) {
    establish();
    pass(20 * second);
    for (int count = 0; count < 3000 && link.up; ++count) {
        pass(10 * millisecond);
        made().received(now, "the end of one", false, true, false, 0);
        made().received(now, "the beginning of ", true, false, false, 7);
    }
    EXPECT_FALSE(link.up);
    EXPECT_EQ(find(take(), "error")->parts[0], "no-pong");
}

TEST_F(session_test, the_deadline_runs_from_the_last_byte_of_the_ping) {
    establish();
    link.is_stuck = true;
    pass(20 * second);
    link.is_stuck = false;
    link.sticks = true;
    made().writable(now); // the kernel takes the ping, but not wholly
    pass(5 * second);
    EXPECT_EQ(find(take(), "error"), nullptr);
    link.sticks = false;
    link.is_stuck = false;
    made().writable(now);
    pass(9 * second);
    EXPECT_EQ(find(take(), "error"), nullptr);
    pass(2 * second);
    EXPECT_NE(find(take(), "error"), nullptr);
}

TEST_F(session_test, after_a_freeze_a_fresh_ping_decides) {
    establish();
    pass(20 * second);
    now += 90 * second;
    made().tick(now);
    EXPECT_EQ(find(take(), "error"), nullptr);
    EXPECT_EQ(link.did.back(), "want");
    made().writable(now);
    EXPECT_EQ(link.did.back(), "ping");
    pass(9 * second);
    EXPECT_EQ(find(take(), "error"), nullptr);
    pass(2 * second);
    EXPECT_NE(find(take(), "error"), nullptr);
}

TEST_F(session_test, a_pong_that_waits_to_be_read_at_the_deadline_counts) {
    establish();
    pass(20 * second);
    now = made().next();
    made().tick(now); // the link reads before the next one
    made().ponged(now, link.last_ping);
    made().tick(now);
    pass(second);
    EXPECT_EQ(find(take(), "error"), nullptr);
}

TEST_F(session_test, an_answer_that_waits_to_be_read_at_the_alarm_comes_before_it) {
    establish();
    command({.type = record_type::alarm_at, .number = static_cast<std::uint64_t>(now + second)});
    now += second;
    made().tick(now);
    made().received(now, "answer", true, true, false, 0);
    made().tick(now);
    EXPECT_EQ(names(take()), (list{"message", "alarm"}));
}

TEST_F(session_test, after_a_freeze_deadlines_for_answers_begin_anew) {
    establish();
    command({.type = record_type::alarm_at, .number = static_cast<std::uint64_t>(now + second)});
    now += 5 * second;
    made().tick(now);
    EXPECT_EQ(box.stirred.load(), now);
}

TEST_F(session_test, a_short_freeze_is_no_verdict_either) {
    establish();
    pass(20 * second);
    now = made().next() + 300 * millisecond;
    made().tick(now);
    made().tick(now);
    EXPECT_EQ(find(take(), "error"), nullptr);
    pass(11 * second);
    EXPECT_NE(find(take(), "error"), nullptr);
}

TEST_F(session_test, a_process_that_is_always_late_finds_a_dead_line_all_the_same) {
    establish();
    for (int count = 0; count < 20 && link.up; ++count) {
        now = made().next() + 400 * millisecond;
        made().tick(now);
        made().tick(now);
        if (!link.did.empty() && link.did.back() == "want") {
            made().writable(now);
        }
    }
    EXPECT_FALSE(link.up);
}

TEST_F(session_test, a_server_that_breaks_the_protocol_is_reported_when_it_is_gone) {
    establish();
    made().violated(now, lost(layer::protocol, "1002"));
    EXPECT_EQ(names(take()), list{"closing"});
    made().failed(now, lost(layer::protocol, "1002"));
    const auto events = take();
    EXPECT_EQ(names(events), (list{"waiting", "error", "disconnected"}));
    EXPECT_EQ(events[2].parts[0], "1002");
    EXPECT_EQ(events[2].head.flags, 0);
}

TEST_F(session_test, a_server_that_breaks_the_protocol_and_stays_is_cut) {
    what.close_timeout = 2s;
    establish();
    made().violated(now, lost(layer::protocol, "1007"));
    pass(1999 * millisecond);
    EXPECT_TRUE(link.up);
    pass(2 * millisecond);
    EXPECT_FALSE(link.up);
    EXPECT_EQ(find(take(), "error")->parts[0], "1007");
}

TEST_F(session_test, without_keep_alive_no_ping_is_ever_sent) {
    what.keep_alive = false;
    establish();
    pass(10'000 * second);
    EXPECT_TRUE(link.did.empty());
    command({.type = record_type::ping, .number = 4});
    EXPECT_EQ(find(take(), "call-ended")->head.detail, IOM_GIVEN_UP);
    EXPECT_TRUE(link.did.empty());
}

TEST_F(session_test, a_ping_that_is_asked_for_ends_with_its_pong) {
    establish();
    command({.type = record_type::ping, .number = 4});
    EXPECT_EQ(link.did, list{"ping"});
    EXPECT_EQ(find(take(), "call-ended"), nullptr);
    made().ponged(now, link.last_ping);
    const auto events = take();
    ASSERT_NE(find(events, "call-ended"), nullptr);
    EXPECT_EQ(find(events, "call-ended")->head.number, 4U);
    EXPECT_EQ(find(events, "call-ended")->head.detail, IOM_DONE);
}

TEST_F(session_test, a_ping_that_is_asked_for_ends_with_the_line) {
    establish();
    command({.type = record_type::ping, .number = 4});
    made().failed(now, lost(layer::close, "1006"));
    const auto events = take();
    ASSERT_NE(find(events, "call-ended"), nullptr);
    EXPECT_EQ(find(events, "call-ended")->head.detail, IOM_GIVEN_UP);
}

TEST_F(session_test, a_server_that_breaks_off_on_a_ping_is_named) {
    establish();
    pass(20 * second);
    made().failed(now, lost(layer::close, "1006"));
    EXPECT_EQ(find(take(), "error")->parts[0], "ping-refused");
}

TEST_F(session_test, bytes_that_make_no_progress_are_a_dead_line) {
    what.keep_alive = false;
    establish();
    send("one");
    link.unacked = 9;
    link.acked = 100;
    pass(8 * second);
    link.acked = 101; // slow, but alive
    pass(9 * second);
    EXPECT_EQ(find(take(), "error"), nullptr);
    pass(3 * second);
    EXPECT_EQ(find(take(), "error")->parts[0], "write-deadline");
}

TEST_F(session_test, a_ping_behind_bytes_that_leave_slowly_is_waited_for) {
    what.write_deadline = span_of_time(0);
    establish();
    send("much");
    link.unacked = 1000;
    link.acked = 100;
    pass(20 * second); // and a ping behind it
    for (int part = 0; part < 9; ++part) {
        link.acked += 100;
        link.unacked -= 100;
        pass(5 * second);
    }
    EXPECT_EQ(find(take(), "error"), nullptr)
        << "it waited for 45 s, but behind bytes that were on their way";
    pass(20 * second);
    EXPECT_EQ(find(take(), "error")->parts[0], "pong-timeout") << "nothing moves any more";
}

TEST_F(session_test, an_answer_is_not_late_while_what_asks_is_on_its_way) {
    establish();
    link.unacked = 1000;
    link.acked = 100;
    box.sends.push(
        {.type = record_type::send, .flags = flag_own | flag_asks, .number = ++sequence, .value = 1},
        {"beat"});
    made().attend(now);
    for (int part = 0; part < 10; ++part) {
        link.acked += 100;
        link.unacked -= 100;
        pass(second);
        EXPECT_GE(box.stirred.load(), now - second) << part;
    }
    const instant arrived = box.stirred.load();
    send("other");
    link.unacked = 1000;
    for (int part = 0; part < 5; ++part) {
        link.acked += 100;
        link.unacked -= 100;
        pass(second);
    }
    EXPECT_EQ(box.stirred.load(), arrived) << "what was sent after it holds up no answer";
}

TEST_F(session_test, an_acknowledged_line_is_watched_no_more) {
    what.keep_alive = false;
    establish();
    send("one");
    pass(millisecond);
    EXPECT_NE(made().next(), 0);
    pass(100 * second);
    EXPECT_EQ(made().next(), 0);
}

TEST_F(session_test, a_disconnect_is_clean) {
    establish();
    command({.type = record_type::disconnect, .number = 8, .value = 4000}, {"done"});
    EXPECT_EQ(link.did, list{"close 4000 done"});
    EXPECT_EQ(names(take()), list{"closing"});
    EXPECT_TRUE(made().close_received(now, 4000, ""));
    made().failed(now, lost(layer::close, "1006"));
    const auto events = take();
    EXPECT_EQ(names(events), (list{"stopped", "disconnected", "call-ended"}));
    EXPECT_NE(events[1].head.flags & flag_clean, 0);
    pass(1000 * second);
    EXPECT_TRUE(take().empty()) << "quiet until Connect";
}

TEST_F(session_test, a_disconnect_flushes_for_a_second_at_most) {
    establish();
    link.is_stuck = true;
    send("one");
    command({.type = record_type::disconnect, .number = 8});
    pass(second - 1);
    EXPECT_EQ(link.did.back(), "want");
    pass(1);
    EXPECT_EQ(link.did.back(), "close 1000");
    pass(2 * second);
    const auto events = take();
    EXPECT_EQ(names(events), (list{"closing", "dropped", "stopped", "disconnected", "call-ended"}));
    EXPECT_EQ(events[3].head.flags & flag_clean, 0);
}

TEST_F(session_test, a_peer_that_never_answers_close_is_cut) {
    establish();
    command({.type = record_type::disconnect});
    pass(1999 * millisecond);
    EXPECT_EQ(names(take()), list{"closing"});
    pass(millisecond);
    EXPECT_EQ(names(take()), (list{"stopped", "disconnected"}));
    EXPECT_EQ(link.did.back(), "cut");
}

TEST_F(session_test, a_disconnect_ends_any_attempt) {
    for (int steps = 0; steps < 4; ++steps) {
        line = std::make_unique<session>(box, link, std::make_shared<settings>(what));
        connect(1);
        if (steps > 0) {
            resolve();
        }
        if (steps > 1) {
            made().tcp_up(now, "x");
        }
        if (steps > 2) {
            made().failed(now, lost(layer::http, "500"));
        }
        command({.type = record_type::disconnect, .number = 2});
        const auto events = take();
        EXPECT_EQ(events.back().name, "call-ended");
        const event* disconnected = find(events, "disconnected");
        EXPECT_EQ(disconnected != nullptr, steps > 1);
        EXPECT_EQ(made().next(), 0) << steps;
    }
}

TEST_F(session_test, stop_is_answered_in_every_state) {
    for (int steps = 0; steps < 5; ++steps) {
        line = std::make_unique<session>(box, link, std::make_shared<settings>(what));
        if (steps > 0) {
            connect(1);
        }
        if (steps > 1) {
            resolve();
            made().tcp_up(now, "x");
        }
        if (steps > 2) {
            made().upgraded(now, "");
        }
        if (steps > 3) {
            made().close_received(now, 1001, "");
        }
        command({.type = record_type::stop});
        pass(4 * second);
        const auto events = take();
        EXPECT_EQ(events.back().name, "closed") << steps;
    }
}

TEST_F(session_test, the_close_of_the_server_is_told_with_its_reason) {
    establish();
    EXPECT_FALSE(made().close_received(now, 1001, "maintenance"));
    EXPECT_EQ(names(take()), list{"closing"});
    made().failed(now, lost(layer::close, "1006"));
    const auto events = take();
    EXPECT_EQ(names(events), (list{"waiting", "disconnected"})) << "1001 is no error";
    EXPECT_EQ(events[1].parts[0], "1001");
    EXPECT_NE(events[1].parts[1].find("maintenance"), std::string::npos);
    EXPECT_NE(events[1].head.flags & flag_clean, 0);
}

TEST_F(session_test, a_reserved_close_code_breaks_the_protocol) {
    establish();
    made().close_received(now, 1006, "");
    made().failed(now, lost(layer::close, "1006"));
    const auto events = take();
    const event* error = find(events, "error");
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(name_of(static_cast<layer>(error->head.detail)), "protocol");
}

TEST_F(session_test, control_may_fail_a_session) {
    establish();
    command({.type = record_type::fail, .detail = static_cast<std::uint8_t>(layer::upgrade), .number = 1},
            {"ready-timeout", ""});
    EXPECT_EQ(link.did, list{"close 1000"});
    made().close_received(now, 1000, "");
    made().failed(now, lost(layer::close, "1006"));
    const auto events = take();
    EXPECT_EQ(names(events), (list{"closing", "waiting", "error", "disconnected"}));
    EXPECT_EQ(events[2].parts[0], "ready-timeout");
}

TEST_F(session_test, a_dead_heartbeat_cuts_at_once) {
    establish();
    command({.type = record_type::fail, .detail = static_cast<std::uint8_t>(layer::liveness), .number = 1},
            {"heartbeat-timeout", ""});
    EXPECT_EQ(link.did, (list{"close 1001", "cut"}));
    EXPECT_EQ(find(take(), "error")->parts[0], "heartbeat-timeout");
}

TEST_F(session_test, a_failure_of_an_older_session_is_not_heard) {
    establish();
    command({.type = record_type::fail, .detail = static_cast<std::uint8_t>(layer::liveness), .number = 0},
            {"x", ""});
    command({.type = record_type::fail, .detail = static_cast<std::uint8_t>(layer::liveness), .number = 9},
            {"x", ""});
    EXPECT_TRUE(take().empty());
}

TEST_F(session_test, backoff_grows_until_a_session_was_stable) {
    const auto delay_after = [&](instant held) {
        resolve();
        made().tcp_up(now, "x");
        made().upgraded(now, "");
        take();
        // Pings are answered while it holds.
        for (instant left = held; left > 0; left -= std::min(left, second)) {
            pass(std::min(left, second));
            if (!link.last_ping.empty()) {
                made().ponged(now, link.last_ping);
                link.last_ping.clear();
            }
        }
        take();
        made().failed(now, lost(layer::close, "1006"));
        const double delay = take()[0].head.real;
        pass(made().next() - now); // to the next attempt
        return delay;
    };
    link.dice = 0.999999;
    connect();
    EXPECT_NEAR(delay_after(second), 5, 0.001);
    EXPECT_NEAR(delay_after(second), 1, 0.001);
    EXPECT_NEAR(delay_after(second), 2, 0.001);
    EXPECT_NEAR(delay_after(29 * second), 4, 0.001);
    EXPECT_NEAR(delay_after(31 * second), 5, 0.001);
    EXPECT_NEAR(delay_after(second), 1, 0.001);
}

TEST_F(session_test, the_alarm_wakes_control_although_it_leaves_events_unread) {
    establish();
    made().received(now, "unread", true, true, false, 0);
    command({.type = record_type::alarm_at, .number = static_cast<std::uint64_t>(now + second)});
    const int before = link.knocks;
    pass(second + millisecond);
    EXPECT_GT(link.knocks, before);
    EXPECT_EQ(names(take()), (list{"message", "alarm"}));
}

TEST_F(session_test, the_alarm_rings_once) {
    command({.type = record_type::alarm_at, .number = static_cast<std::uint64_t>(now + second)});
    EXPECT_EQ(made().next(), now + second);
    pass(2 * second);
    EXPECT_EQ(names(take()), list{"alarm"});
    EXPECT_EQ(made().next(), 0);
}

TEST_F(session_test, live_settings_apply_at_once) {
    establish();
    auto fresh = std::make_shared<settings>(what);
    fresh->ping_interval = 5s;
    box.offer(fresh);
    made().attend(now);
    pass(5 * second);
    EXPECT_EQ(link.did, list{"ping"});
}

TEST_F(session_test, a_change_of_settings_gives_a_fault_another_chance) {
    what.fault_retry = 0s;
    connect();
    resolve();
    made().failed(now, lost(layer::http, "404"));
    take();
    now += second;
    box.offer(std::make_shared<settings>(what));
    made().attend(now);
    EXPECT_EQ(names(take()), list{"resolving"});
}

TEST_F(session_test, auto_reconnect_switched_off_while_waiting_stops) {
    connect();
    resolve();
    made().failed(now, lost(layer::tcp, "ECONNREFUSED"));
    take();
    auto fresh = std::make_shared<settings>(what);
    fresh->auto_reconnect = false;
    box.offer(fresh);
    made().attend(now);
    EXPECT_EQ(names(take()), list{"stopped"});
    EXPECT_EQ(made().next(), 0);
}

TEST_F(session_test, credentials_over_plain_ws_are_a_warning_but_not_to_ourselves) {
    connect();
    resolve({"192.0.2.1"});
    ASSERT_EQ(link.lines.size(), 1U);
    EXPECT_NE(link.lines[0].find("unencrypted"), std::string::npos);
    line.reset();
    link.lines.clear();
    connect();
    resolve({"127.0.0.1"});
    EXPECT_TRUE(link.lines.empty());
}

TEST_F(session_test, an_unverified_certificate_is_a_warning_on_every_connect) {
    what.secure = true;
    what.tls.verify = false;
    connect();
    resolve();
    made().tcp_up(now, "x");
    ASSERT_EQ(link.lines.size(), 1U);
    EXPECT_NE(link.lines[0].find("not verified"), std::string::npos);
}

// Wherever memory runs out while a loss is told, all of it is told in the end, once and in order, and the
// line comes back.
TEST_F(session_test, a_loss_is_told_whole_though_memory_runs_out) {
    what.keep_alive = false;
    what.hostname = "a-name-too-long-to-be-kept-in-place.example";
    for (std::size_t failures = 1; failures <= 3; ++failures) {
        bool through = false;
        for (std::size_t at = 0; !through; ++at) {
            ASSERT_LT(at, 200U);
            SCOPED_TRACE(std::to_string(failures) + " from " + std::to_string(at));
            mailbox fresh;
            wire other;
            session one(fresh, other, std::make_shared<settings>(what));
            fresh.commands.push({.type = record_type::identity}, {"/", "", ""});
            fresh.commands.push({.type = record_type::connect});
            one.attend(now);
            resolution found;
            found.addresses = {"192.0.2.1"};
            one.resolved(now, found);
            one.tcp_up(now, "192.0.2.1:80");
            one.asking(now);
            one.upgraded(now, "");
            other.sticks = true; // neither of the two comes through
            fresh.sends.push({.type = record_type::send, .number = 1, .value = 1}, {"first"});
            fresh.sends.push({.type = record_type::send, .number = 2, .value = 1}, {"second"});
            one.attend(now);
            while (fresh.events.next() != nullptr) {}
            fresh.events.settle();
            fresh.events.trim();
            other.lines.clear();
            other.did.reserve(100);
            failure why = lost(layer::close, "4500");
            why.detail = "words from the far end that are too long to be kept in place";

            refuse_memory(at, failures);
            try {
                one.failed(now, std::move(why));
            } catch (const std::bad_alloc&) { // as the link does
                try {
                    one.failed(now, lost(layer::local, "ENOMEM"));
                } catch (const std::bad_alloc&) {}
            }
            const std::size_t left = grant_memory();
            through = left == failures;

            list told;
            for (int ticks = 0; ticks < 10; ++ticks) {
                while (const record* event = fresh.events.next()) {
                    told.push_back(event->type == record_type::state
                                       ? std::string(name_of(static_cast<state>(event->detail)))
                                       : type_name(event->type));
                    if (event->type == record_type::dropped) {
                        told.back() += " " + std::to_string(event->number);
                    }
                }
                fresh.events.settle();
                ASSERT_NE(one.next(), 0);
                if (!told.empty() && told.back() == "resolving") {
                    break;
                }
                now = std::max(now, one.next());
                one.tick(now);
            }
            EXPECT_EQ(told, (list{"dropped 1", "faulted", "error", "faulted", "dropped 2", "disconnected",
                                  "resolving"}));
            EXPECT_EQ(other.lines.size(), 1U); // the sentence
        }
    }
}

// A Disconnect that comes while a loss could not be told yet holds.
TEST_F(session_test, a_disconnect_while_a_loss_waits_for_memory_is_the_end) {
    what.keep_alive = false;
    establish();
    box.events.trim();
    refuse_memory(0, 1000);
    made().failed(now, lost(layer::close, "1006"));
    EXPECT_GT(grant_memory(), 0U);
    EXPECT_TRUE(take().empty());
    box.commands.push({.type = record_type::disconnect, .number = 5});
    refuse_memory(0, 1); // once more, before the command is seen
    made().attend(now);
    EXPECT_EQ(grant_memory(), 0U);
    EXPECT_EQ(names(take()), (list{"stopped", "error", "disconnected", "call-ended"}));
    pass(60 * second);
    EXPECT_TRUE(take().empty());
    EXPECT_EQ(made().next(), 0);
}

} // namespace
