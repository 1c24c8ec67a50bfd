#include "module/identity.hpp"

#include "module/address.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <ostream>
#include <string>

namespace iom::ws {
namespace {

settings with(std::string token, std::string user, std::string password,
              std::vector<std::string> headers = {}, std::string path = "/") {
    settings made;
    made.bearer_token = std::move(token);
    made.username = std::move(user);
    made.password = std::move(password);
    made.headers = std::move(headers);
    made.path = std::move(path);
    return made;
}

/// ${a} is A, ${break} a line break; anything else cannot be supplied.
bool expand(std::string_view written, std::string_view& expanded) {
    static std::string text;
    text = written;
    static const std::map<std::string, std::string> known{{"a", "A"}, {"break", "x\r\nY: z"}, {"empty", ""}};
    for (std::size_t at = 0; (at = text.find("${")) != std::string::npos;) {
        const std::size_t end = text.find('}', at);
        const auto found = known.find(text.substr(at + 2, end - at - 2));
        if (found == known.end()) {
            expanded = "it cannot be supplied.";
            return false;
        }
        text.replace(at, end + 1 - at, found->second);
    }
    expanded = text;
    return true;
}

struct identity_case {
    const char* name;
    settings from;
    std::optional<std::string> token;
    const char* path;
    const char* headers;
    const char* authorization;
    const char* mistake;
};

std::ostream& operator<<(std::ostream& out, const identity_case& what) {
    return out << what.name;
}

class identities : public testing::TestWithParam<identity_case> {};

TEST_P(identities, are_made) {
    const identity_case& row = GetParam();
    std::string mistake;
    const auto made = make_identity(row.from, row.token, expand, mistake);
    EXPECT_EQ(mistake, row.mistake);
    ASSERT_EQ(made.has_value(), *row.mistake == '\0');
    if (made) {
        EXPECT_EQ(made->path, row.path);
        EXPECT_EQ(made->headers, row.headers);
        EXPECT_EQ(made->authorization, row.authorization);
    }
}

constexpr auto broken_token =
    "Bearer token: it is empty or has a line break in it. Check the secret or the answer it was taken from.";

INSTANTIATE_TEST_SUITE_P(
    all, identities,
    testing::Values(
        identity_case{"nobody", with("", "", ""), {}, "/", "", "", ""},
        identity_case{"a token", with("t${a}", "", ""), {}, "/", "", "Bearer tA", ""},
        identity_case{"name and password", with("", "me", "p:${a}"), {}, "/", "", "Basic bWU6cDpB", ""},
        identity_case{"a name without password", with("", "me", ""), {}, "/", "", "Basic bWU6", ""},
        identity_case{"a Connect's token goes before the settings'", with("t", "", ""), "c", "/", "",
                      "Bearer c", ""},
        identity_case{"and before name and password", with("", "me", "p"), "c", "/", "", "Bearer c", ""},
        identity_case{"and is not expanded", with("", "", ""), "${a}", "/", "", "Bearer ${a}", ""},
        identity_case{"headers in order",
                      with("", "", "", {"X-A: ${a}", "Origin: b"}, "/x?y=${a}"),
                      {},
                      "/x?y=A",
                      "X-A: A\r\nOrigin: b\r\n",
                      "",
                      ""},
        identity_case{"an Authorization of one's own",
                      with("", "", "", {"Authorization: Digest x"}),
                      {},
                      "/",
                      "Authorization: Digest x\r\n",
                      "",
                      ""},
        identity_case{"which a Connect's token replaces",
                      with("", "", "", {"Authorization: Digest x", "X: y"}), "c", "/", "X: y\r\n", "Bearer c",
                      ""},
        identity_case{"a secret that is gone",
                      with("${gone}", "", ""),
                      {},
                      "",
                      "",
                      "",
                      "Bearer token: it cannot be supplied."},
        identity_case{"a secret that is empty", with("${empty}", "", ""), {}, "", "", "", broken_token},
        identity_case{
            "a secret that would break the request", with("${break}", "", ""), {}, "", "", "", broken_token},
        identity_case{"a header that would break the request",
                      with("", "", "", {"X: ${break}"}),
                      {},
                      "",
                      "",
                      "",
                      "HTTP headers: a line break or control character cannot stand in a header. Write one "
                      "header per item."},
        identity_case{"a path that would break the request",
                      with("", "", "", {}, "/${break}"),
                      {},
                      "",
                      "",
                      "",
                      "Path: a control character (byte 13) cannot stand in it. Take it out."},
        identity_case{
            "a user name with a colon",
            with("", "a:b", ""),
            {},
            "",
            "",
            "",
            "Basic authentication: a user name takes no colon, and neither it nor the password a line break. "
            "Check both."}));

TEST(identity, holds_the_log_in_for_a_proxy_with_secrets_put_in) {
    const auto login = [](std::string user, std::string password) {
        settings from = with("", "", "");
        from.proxy = proxy_settings{"proxy.site", 3128, std::move(user), std::move(password)};
        std::string mistake;
        const auto made = make_identity(from, std::nullopt, expand, mistake);
        EXPECT_EQ(made.has_value(), mistake.empty());
        return made ? made->proxy_login : mistake;
    };
    EXPECT_EQ(login("", ""), "");
    EXPECT_EQ(login("me", "p@ss:w%"), "me:p@ss:w%");
    EXPECT_EQ(login("${a}", "b${a}"), "A:bA");
    EXPECT_EQ(login("${gone}", "x"), "HTTP proxy: it cannot be supplied.");
    for (const auto& wrong : {login("${break}", "x"), login("me", "${break}"), login("${empty}", "x")}) {
        EXPECT_TRUE(wrong.starts_with("HTTP proxy: a user name takes no colon")) << wrong;
    }
    const std::string longest(longest_proxy_login - 3, 'x');
    EXPECT_EQ(login("me", longest), "me:" + longest);
    EXPECT_TRUE(login("me", longest + "x").starts_with("HTTP proxy: user name and password are longer"));
}

} // namespace
} // namespace iom::ws
