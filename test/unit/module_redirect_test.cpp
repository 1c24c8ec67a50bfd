#include "module/redirect.hpp"

#include <gtest/gtest.h>

#include <ostream>

namespace iom::ws {
void PrintTo(const destination& to, std::ostream* out) {
    *out << (to.secure ? "wss://" : "ws://") << to.host << ':' << to.port << to.path;
}
} // namespace iom::ws

namespace {

using namespace iom::ws;

const destination from{.secure = false, .host = "a.example", .port = 8080, .path = "/one/two?x=1"};

struct followed {
    const char* location;
    destination to;
    bool same_authority;
};

class redirect_followed : public testing::TestWithParam<followed> {};

TEST_P(redirect_followed, leads_there) {
    const redirection where = follow(from, GetParam().location, 0);
    ASSERT_TRUE(where.to) << where.refusal;
    EXPECT_EQ(*where.to, GetParam().to);
    EXPECT_EQ(where.same_authority, GetParam().same_authority);
}

INSTANTIATE_TEST_SUITE_P(
    locations, redirect_followed,
    testing::Values(followed{"/new", {false, "a.example", 8080, "/new"}, true},
                    followed{"/new?y=2#part", {false, "a.example", 8080, "/new?y=2"}, true},
                    followed{"three", {false, "a.example", 8080, "/one/three"}, true},
                    followed{"../c/./d?e=../f", {false, "a.example", 8080, "/c/d?e=../f"}, true},
                    followed{"../../up/..", {false, "a.example", 8080, "/"}, true},
                    followed{"/a/./b/../", {false, "a.example", 8080, "/a/"}, true},
                    followed{"?z=3", {false, "a.example", 8080, "/one/two?z=3"}, true},
                    followed{"//A.EXAMPLE:8080/new", {false, "a.example", 8080, "/new"}, true},
                    followed{"ws://a.example:8080", {false, "a.example", 8080, "/"}, true},
                    followed{"http://a.example:8080?q", {false, "a.example", 8080, "/?q"}, true},
                    followed{"http://user:pass@a.example:8080/", {false, "a.example", 8080, "/"}, true},
                    followed{"http://a.example/", {false, "a.example", 80, "/"}, false},
                    followed{"wss://a.example/", {true, "a.example", 443, "/"}, false}));

TEST(redirect, into_tls_on_the_usual_ports_keeps_the_credentials) {
    const redirection where =
        follow({.secure = false, .host = "a.example", .port = 80, .path = "/"}, "https://a.example/", 0);
    ASSERT_TRUE(where.to);
    EXPECT_TRUE(where.same_authority);
}

TEST(redirect, knows_ipv6_literals) {
    const redirection where =
        follow({.secure = false, .host = "::1", .port = 80, .path = "/"}, "ws://[::1]:81/x", 0);
    ASSERT_TRUE(where.to) << where.refusal;
    EXPECT_EQ(where.to->port, 81);
    EXPECT_EQ(where.to->host, "::1");
}

TEST(redirect, leaves_every_header_that_may_be_a_key_at_home) {
    EXPECT_EQ(without_credentials("Cookie: a=b\r\nORIGIN: http://a.example\r\nX-Api-Key: k\r\n"
                                  "Authorization: Token t\r\nUser-Agent: panel\r\nOriginal: no\r\n"),
              "ORIGIN: http://a.example\r\nUser-Agent: panel\r\n");
    EXPECT_EQ(without_credentials(""), "");
}

TEST(redirect, is_refused_with_the_reason) {
    const auto refusal = [](const destination& begin, std::string_view location, unsigned followed = 0) {
        const redirection where = follow(begin, location, followed);
        EXPECT_FALSE(where.to) << location;
        return where.refusal;
    };
    const destination secure{.secure = true, .host = "a.example", .port = 443, .path = "/"};
    EXPECT_NE(refusal(from, "http://b.example/").find("b.example"), std::string::npos);
    EXPECT_NE(refusal(from, "http://a.example.evil/").find("another host"), std::string::npos);
    EXPECT_NE(refusal(secure, "ws://a.example/").find("out of TLS"), std::string::npos);
    EXPECT_NE(refusal(secure, "http://a.example:443/").find("out of TLS"), std::string::npos);
    EXPECT_FALSE(refusal(from, "").empty());
    EXPECT_FALSE(refusal(from, "ftp://a.example/").empty());
    EXPECT_FALSE(refusal(from, "/a\r\nX-Evil: 1").empty());
    EXPECT_FALSE(refusal(from, "http://a.example:99999/").empty());
    EXPECT_FALSE(refusal(from, "http://a.example:0/").empty());
    EXPECT_FALSE(refusal(from, "/again", most_redirects).empty());
}

} // namespace
