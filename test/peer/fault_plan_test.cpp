#include "fault_plan.hpp"
#include "frames.hpp"
#include "target.hpp"
#include "wrong_frames.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace iom::peer {
namespace {

fault_plan planned(std::string_view text) {
    return plan_fault(parse_target(text)).value();
}

/// The sentence of the bad_target that the target earns, or how it was taken.
std::string mistake(std::string_view text) {
    try {
        return plan_fault(parse_target(text)) ? "taken as a fault" : "taken as no fault";
    } catch (const bad_target& error) {
        return error.what();
    }
}

TEST(target, is_taken_apart) {
    const auto asked = parse_target("/close%2Fa?code=4401&reason=go%20away+now&on&=x&&empty=");
    EXPECT_EQ(asked.path, "/close/a");
    EXPECT_EQ(asked.text("reason"), "go away+now");
    EXPECT_EQ(asked.text("on"), "");
    EXPECT_EQ(asked.text("empty"), "");
    EXPECT_EQ(asked.text("absent"), std::nullopt);
    EXPECT_EQ(asked.number("code", 0, 0, 65535), 4401U);
    EXPECT_EQ(asked.number("absent", 7, 0, 10), 7U);
    EXPECT_TRUE(asked.flag("on", false));
    EXPECT_TRUE(asked.flag("absent", true));
}

TEST(target, mistakes_earn_a_sentence) {
    struct row {
        const char* target;
        const char* sentence;
    };
    const row rows[] = {
        {"", "The request target does not begin with '/'"},
        {"http://x/", "The request target does not begin with '/'"},
        {"/a%2", "The request target holds a broken percent escape"},
        {"/a%zz", "The request target holds a broken percent escape"},
        {"/close?code=x", "The parameter code of /close is 'x'; give a whole number from 0 to 65535."},
        {"/close?code=65536", "The parameter code of /close is '65536'; give"},
        {"/close?code=-1", "The parameter code of /close is '-1'; give"},
        {"/close?code=", "The parameter code of /close is ''; give"},
        {"/close?code=1 ", "The parameter code of /close is '1 '; give"},
        {"/close?reason=a", "A Close cannot carry a reason without a code"},
        {"/close?on=ping", "The parameter on of /close is 'ping'; give upgrade or message."},
        {"/drop?before=tls", "The parameter before of /drop is 'tls'"},
        {"/flood?binary=maybe", "The parameter binary of /flood is 'maybe'; give 0 or 1."},
        {"/status/99", "The status '99' is none to refuse with"},
        {"/status/abc", "The status 'abc' is none to refuse with"},
        {"/status/204?body=x", "A 204 answer has no body"},
        {"/invalid/nothing", "There is no /invalid/nothing; choose one of masked, rsv"},
        {"/invalid/opcode?opcode=9", "The opcode 9 is a valid one"},
        {"/invalid/utf8?kind=odd", "There is no kind 'odd' of bad UTF-8"},
        {"/ping-me?every=0", "The parameter every of /ping-me is '0'"},
        {"/redirect?status=200", "The parameter status of /redirect is '200'"},
    };
    for (const auto& [target, sentence] : rows) {
        EXPECT_TRUE(mistake(target).starts_with(sentence)) << target << "\n  earned: " << mistake(target);
    }
}

TEST(fault_plan, other_paths_are_no_faults) {
    for (const auto* const path :
         {"/", "/echo", "/press", "/close/", "/closed", "/invalid", "/status", "/Close"}) {
        EXPECT_EQ(mistake(path), "taken as no fault") << path;
    }
}

TEST(fault_plan, close) {
    const auto plan = planned("/close?code=4401&reason=bye&after=250&on=message&times=2");
    const auto then = std::get<close_act>(plan.then);
    EXPECT_EQ(then.code, 4401);
    EXPECT_EQ(then.reason, "bye");
    EXPECT_EQ(then.when.after, moment{250});
    EXPECT_TRUE(then.when.on_message);
    EXPECT_EQ(plan.times, 2U);
    EXPECT_EQ(std::get<close_act>(planned("/close").then).code, std::nullopt);
}

TEST(fault_plan, manners) {
    EXPECT_FALSE(std::get<echo_act>(planned("/no-pong").then).pong);
    EXPECT_FALSE(std::get<echo_act>(planned("/no-close-echo").then).close_echo);
    EXPECT_TRUE(std::get<echo_act>(planned("/abort-on-ping").then).abort_on_ping);
    EXPECT_TRUE(std::get<echo_act>(planned("/abort-on-ping?reset=1").then).reset);
}

TEST(fault_plan, cuts) {
    EXPECT_TRUE(std::get<cut_act>(planned("/rst?after=5").then).reset);
    EXPECT_EQ(std::get<cut_act>(planned("/rst?after=5").then).when.after, moment{5});
    EXPECT_FALSE(std::get<cut_act>(planned("/drop").then).reset);
    EXPECT_TRUE(std::get<cut_before_upgrade>(planned("/rst?before=upgrade").reply).reset);
    EXPECT_EQ(std::get<cut_before_upgrade>(planned("/drop?before=upgrade&after=9").reply).after, moment{9});
    EXPECT_EQ(std::get<hold_act>(planned("/half-open").then).messages, 0U);
    EXPECT_EQ(std::get<hold_act>(planned("/stop-reading?messages=3&every=100").then).messages, 3U);
}

TEST(fault_plan, answers) {
    EXPECT_EQ(std::get<upgrade_answer>(planned("/slow-upgrade?ms=300").reply).delay, moment{300});
    EXPECT_EQ(std::get<upgrade_answer>(planned("/slow-bytes?every=7").reply).drip, moment{7});
    EXPECT_TRUE(std::get<upgrade_answer>(planned("/bad-accept").reply).wrong_accept);
    EXPECT_TRUE(std::get<upgrade_answer>(planned("/bad-subprotocol").reply).wrong_subprotocol);
    EXPECT_TRUE(std::get<upgrade_answer>(planned("/bad-extension").reply).wrong_extension);
    EXPECT_EQ(std::get<endless_headers>(planned("/endless-headers?bytes=5000").reply).bytes, 5000U);

    const auto busy = std::get<refusal>(planned("/status/503?retry-after=3").reply);
    EXPECT_EQ(busy.status, 503U);
    ASSERT_EQ(busy.headers.size(), 1U);
    EXPECT_EQ(busy.headers[0], std::pair(std::string("Retry-After"), std::string("3")));
    const auto denied = std::get<refusal>(planned("/status/401?www-authenticate=Basic").reply);
    EXPECT_EQ(denied.headers.at(0).first, "WWW-Authenticate");
    const auto moved = std::get<refusal>(planned("/redirect?to=ws://b/x%3Fy&status=307").reply);
    EXPECT_EQ(moved.status, 307U);
    EXPECT_EQ(moved.headers.at(0), std::pair(std::string("Location"), std::string("ws://b/x?y")));
}

TEST(fault_plan, streams) {
    const auto flood = std::get<flood_act>(planned("/flood?count=9&size=5&binary=1").then);
    EXPECT_EQ(flood.count, 9U);
    EXPECT_EQ(flood.size, 5U);
    EXPECT_TRUE(flood.binary);
    EXPECT_EQ(std::get<big_act>(planned("/big?size=10&fragments=3").then).fragments, 3U);
    EXPECT_TRUE(std::get<upgrade_answer>(planned("/bomb").reply).compression);
    EXPECT_EQ(std::get<ping_act>(planned("/ping-me?every=5&burst=4").then).burst, 4U);
    EXPECT_EQ(std::get<refusal>(planned("/redirect?loop=1").reply).headers[0].second, "/redirect?loop=1");
}

TEST(wrong_frames, every_name_has_bytes_of_its_own) {
    std::set<std::string> all;
    for (const auto name : wrong_names()) {
        const auto plan = planned("/invalid/" + std::string(name) + "?after=5");
        const auto& then = std::get<wrong_act>(plan.then);
        EXPECT_EQ(then.when.after, moment{5}) << name;
        EXPECT_TRUE(all.insert(then.bytes).second) << name;
    }
    EXPECT_EQ(all.size(), 15U);
}

TEST(wrong_frames, are_wrong_in_the_way_they_say) {
    using namespace std::string_literals;
    const auto bytes = [](const char* target) { return std::get<wrong_act>(planned(target).then).bytes; };
    EXPECT_EQ(bytes("/invalid/masked").substr(0, 6), "\x81\x86\x01\x02\x03\x04"s);
    EXPECT_EQ(bytes("/invalid/rsv"), "\xC1\x03rsv");
    EXPECT_EQ(bytes("/invalid/rsv?bit=3"), "\x91\x03rsv");
    EXPECT_EQ(bytes("/invalid/opcode?opcode=11"), "\x8B\x02op");
    EXPECT_EQ(bytes("/invalid/utf8"), "\x81\x05"
                                      "caf\xC3\x28");
    EXPECT_EQ(bytes("/invalid/long-control").substr(0, 4), "\x89\x7E\x00\x7E"s);
    EXPECT_EQ(bytes("/invalid/fragmented-control"), "\x09\x04half");
    EXPECT_EQ(bytes("/invalid/fragmented-control?opcode=8"), "\x08\x04half");
    EXPECT_EQ(bytes("/invalid/rsv?opcode=9"), "\xC9\x03rsv");
    EXPECT_EQ(bytes("/invalid/rsv?opcode=0"), "\x01\x00\xC0\x03rsv"s);
    EXPECT_EQ(bytes("/invalid/utf8?kind=surrogate"), "\x81\x03\xED\xA0\x80");
    EXPECT_EQ(bytes("/invalid/continuation?behind=1"), "\x81\x05whole\x80\x05stray");
    EXPECT_EQ(bytes("/invalid/length-not-minimal?long=1").substr(0, 10), "\x81\x7F\0\0\0\0\0\0\0\x7E"s);
    EXPECT_EQ(bytes("/invalid/close-code"), "\x88\x02\x03\xED");
    EXPECT_EQ(bytes("/invalid/close-code?code=999"), "\x88\x02\x03\xE7");
    EXPECT_EQ(bytes("/invalid/close-length"), "\x88\x01\x03");
    EXPECT_EQ(bytes("/invalid/continuation"), "\x80\x05stray");
    EXPECT_EQ(bytes("/invalid/length").substr(0, 10), "\x82\x7F\x80\0\0\0\0\0\0\x05"s);
    EXPECT_EQ(bytes("/invalid/length-not-minimal"), "\x81\x7E\x00\x05"
                                                    "bytes"s);
    EXPECT_EQ(bytes("/invalid/huge-length").substr(0, 10), "\x82\x7F\0\0\x01\0\0\0\0\0"s);
}

} // namespace
} // namespace iom::peer
