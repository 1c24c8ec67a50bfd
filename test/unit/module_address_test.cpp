#include "module/address.hpp"
#include "module/codec.hpp"

#include <gtest/gtest.h>

#include <string>

namespace iom::ws {
namespace {

struct hostname_case {
    const char* typed;
    const char* sentence; ///< what the answer holds; empty: it is right
};

class hostnames : public testing::TestWithParam<hostname_case> {};

TEST_P(hostnames, are_judged) {
    const std::string sentence = judge_hostname(GetParam().typed);
    if (*GetParam().sentence == '\0') {
        EXPECT_EQ(sentence, "");
    } else {
        EXPECT_TRUE(sentence.starts_with("Hostname: ")) << sentence;
        EXPECT_NE(sentence.find(GetParam().sentence), std::string::npos) << sentence;
        EXPECT_TRUE(sentence.ends_with('.')) << sentence;
    }
}

INSTANTIATE_TEST_SUITE_P(
    all, hostnames,
    testing::Values(
        hostname_case{"localhost", ""}, hostname_case{"server.example", ""},
        hostname_case{"server.example.", ""}, hostname_case{"press_1-a.site", ""},
        hostname_case{"192.168.1.20", ""}, hostname_case{"::1", ""}, hostname_case{"fe80::1%eth0", ""},
        hostname_case{"fd00:1:2:3:4:5:6:7", ""}, hostname_case{"7.example", ""},
        hostname_case{"", "it is empty"},
        hostname_case{"ws://host", "Instead set Hostname to host, Protocol to ws."},
        hostname_case{"wss://host/", "Instead set Hostname to host, Protocol to wss."},
        hostname_case{"https://host:8443/a?b=c",
                      "Hostname to host, Protocol to wss, Port to 8443, Path to /a?b=c."},
        hostname_case{"ftp://host", "Protocol to ws or wss."},
        hostname_case{"host:9001/x", "Instead set Hostname to host, Port to 9001, Path to /x."},
        hostname_case{"host:9001", "Instead set Hostname to host, Port to 9001."},
        hostname_case{"host:", "Port to a number from 0 to 65535."},
        hostname_case{"host:99999", "Port to a number from 0 to 65535."},
        hostname_case{"host/path", "Instead set Hostname to host, Path to /path."},
        hostname_case{"host?x=1", "Path to /?x=1."}, hostname_case{"[::1]", "without brackets. Write ::1."},
        hostname_case{"[::1]:9001", "Instead set Hostname to ::1, Port to 9001."},
        hostname_case{"ws://[fd00::17]:80/p",
                      "Hostname to fd00::17, Protocol to ws, Port to 80, Path to /p."},
        hostname_case{"me:secret@host", "\"...@host\" is more than a name"},
        hostname_case{"wss://me:secret@host/x",
                      "Hostname to host, Protocol to wss, Path to /x, the user name and password in Basic "
                      "authentication."},
        hostname_case{"my host", "space"}, hostname_case{" host", "space"},
        hostname_case{"host\n", "control character"}, hostname_case{"h\xc3\xb6st", "xn--"},
        hostname_case{"192.168.1", "no IPv4 address"}, hostname_case{"192.168.1.256", "no IPv4 address"},
        hostname_case{"a..b", "1 to 63"}, hostname_case{".a", "1 to 63"},
        hostname_case{"fe80::1%", "no IPv6 address"}, hostname_case{"fe80::1%et h0", "no IPv6 address"},
        hostname_case{"fe80::1%\r\nX-Site: 7", "no IPv6 address"}, hostname_case{"1:2:3", "no IPv6 address"},
        hostname_case{"ho*st", "\"*\""}));

TEST(address, a_password_typed_into_the_hostname_is_not_repeated) {
    EXPECT_EQ(judge_hostname("wss://me:secret@host/x").find("secret"), std::string::npos);
}

TEST(address, long_names_are_refused) {
    EXPECT_NE(judge_hostname(std::string(64, 'a')), "");
    EXPECT_NE(judge_hostname(std::string(254, 'a')), "");
    EXPECT_EQ(judge_hostname(std::string(63, 'a')), "");
}

TEST(address, paths_are_judged) {
    for (const char* right : {"/", "/a/b?c=d&e=%20", "/~x;y=1"}) {
        EXPECT_EQ(judge_path(right), "") << right;
    }
    for (const char* wrong : {"", "a", "/a b", "/a#b", "/a\r\nX: y", "/\xc3\xb6"}) {
        EXPECT_TRUE(judge_path(wrong).starts_with("Path: ")) << wrong;
    }
}

TEST(address, headers_are_judged) {
    for (const char* right :
         {"X-Site: 7", "Origin: https://a.example", "User-Agent: press/1", "Cookie: a=b\tc", "Empty:"}) {
        EXPECT_EQ(judge_header(right, false), "") << right;
    }
    for (const char* wrong :
         {"", "no colon", ": x", "a b: c", "Host: x", "sec-websocket-key: x", "Sec-WebSocket-Protocol: a",
          "Content-Length: 1", "Proxy-Authorization: x", "X: a\nY: b", "X: \x01"}) {
        EXPECT_TRUE(judge_header(wrong, true).starts_with("HTTP headers: ")) << wrong;
    }
    EXPECT_EQ(judge_header("Authorization: x", true), "");
    EXPECT_NE(judge_header("Authorization: x", false), "");
}

TEST(address, proxies_are_read) {
    std::string mistake;
    const auto plain = read_proxy("http://proxy.site:3128", mistake);
    ASSERT_TRUE(plain) << mistake;
    EXPECT_EQ(plain->host, "proxy.site");
    EXPECT_EQ(plain->port, 3128);
    EXPECT_EQ(plain->username, "");
    const auto named = read_proxy("HTTP://me:a/b@c%25@10.0.0.1:80/", mistake);
    ASSERT_TRUE(named) << mistake;
    EXPECT_EQ(named->host, "10.0.0.1");
    EXPECT_EQ(named->username, "me");
    EXPECT_EQ(named->password, "a/b@c%");
    const auto later = read_proxy("http://${secret:user}:a%41${env:IOM_P@ss}@proxy.site:3128", mistake);
    ASSERT_TRUE(later) << mistake;
    EXPECT_EQ(later->username, "${secret:user}");
    EXPECT_EQ(later->password, "a%41${env:IOM_P@ss}");
    EXPECT_EQ(later->host, "proxy.site");
    for (const char* wrong : {"", "proxy:3128", "https://p:1", "http://p", "http://p:0", "http://:1",
                              "http://p:1/x", "http://@p:1", "http://a b:1"}) {
        mistake.clear();
        EXPECT_FALSE(read_proxy(wrong, mistake)) << wrong;
        EXPECT_TRUE(mistake.starts_with("HTTP proxy: ")) << mistake;
    }
}

TEST(codec, reads_hex) {
    EXPECT_EQ(from_hex(""), "");
    EXPECT_EQ(from_hex("00fF 7a\n"), std::string("\x00\xff\x7a", 3));
    for (const char* wrong : {"0", "0 1", "0g", "abc", "0x01"}) {
        EXPECT_EQ(from_hex(wrong), std::nullopt) << wrong;
    }
}

TEST(codec, reads_and_writes_base64) {
    // RFC 4648 section 10.
    const std::pair<const char*, const char*> table[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, written] : table) {
        EXPECT_EQ(to_base64(bytes), written);
        EXPECT_EQ(from_base64(written), bytes);
    }
    EXPECT_EQ(from_base64("-_8"), from_base64("+/8="));
    EXPECT_EQ(from_base64("Zm9v\nYg =="), "foob");
    for (const char* wrong : {"Z", "Zg=", "Zg=a", "Zh==", "Z*==", "====", "Zm9v="}) {
        EXPECT_EQ(from_base64(wrong), std::nullopt) << wrong;
    }
}

TEST(codec, cuts_text_between_characters) {
    EXPECT_EQ(cut_text("abc", 3), "abc");
    EXPECT_EQ(cut_text("abcd", 3), "abc");
    EXPECT_EQ(cut_text("a\xc3\xb6", 2), "a");
    EXPECT_EQ(cut_text("\xf0\x9f\x98\x80", 3), "");
}

TEST(codec, writes_dates) {
    EXPECT_EQ(to_rfc3339(0), "1970-01-01T00:00:00Z");
    EXPECT_EQ(to_rfc3339(1763798400), "2025-11-22T08:00:00Z");
    EXPECT_EQ(to_rfc3339(4102444799), "2099-12-31T23:59:59Z");
}

} // namespace
} // namespace iom::ws
