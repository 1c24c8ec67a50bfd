// What `iomhost connect` makes of its options; sessions of it are tested with real processes elsewhere.

#include "commands/connect.hpp"

#include "host_support.hpp"
#include "manifest/manifest.hpp"

#include <gmock/gmock.h>

namespace iom::host::commands {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct good_url {
    const char* written;
    bool secure;
    const char* host;
    int port;
    const char* path;
};

class GoodUrl : public ::testing::TestWithParam<good_url> {};

TEST_P(GoodUrl, IsTakenApart) {
    std::string why;
    const auto url = parse_url(GetParam().written, why);
    ASSERT_TRUE(url.has_value()) << why;
    EXPECT_EQ(url->secure, GetParam().secure);
    EXPECT_EQ(url->host, GetParam().host);
    EXPECT_EQ(url->port, GetParam().port);
    EXPECT_EQ(url->path, GetParam().path);
}

INSTANTIATE_TEST_SUITE_P(Cases, GoodUrl,
                         ::testing::Values(good_url{"ws://host", false, "host", 0, "/"},
                                           good_url{"WSS://Host/", true, "Host", 0, "/"},
                                           good_url{"ws://10.0.0.1:9001/a/b?c=d&e=${f}", false, "10.0.0.1",
                                                    9001, "/a/b?c=d&e=${f}"},
                                           good_url{"ws://[::1]:9001/x", false, "::1", 9001, "/x"},
                                           good_url{"wss://[fe80::1%25eth0]", true, "fe80::1%25eth0", 0, "/"},
                                           good_url{"ws://host?x=1", false, "host", 0, "/?x=1"},
                                           good_url{"ws://host:65535", false, "host", 65535, "/"}));

struct bad_url {
    const char* written;
    const char* words;
};

class BadUrl : public ::testing::TestWithParam<bad_url> {};

TEST_P(BadUrl, IsRefusedInOneSentence) {
    std::string why;
    EXPECT_FALSE(parse_url(GetParam().written, why).has_value());
    EXPECT_THAT(why, HasSubstr(GetParam().words));
    EXPECT_EQ(why.back(), '.');
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadUrl,
    ::testing::Values(bad_url{"", "begins with ws:// or wss://"},
                      bad_url{"http://host/", "begins with ws://"}, bad_url{"host:9001", "begins with ws://"},
                      bad_url{"ws://", "names no host"}, bad_url{"ws://:9001/", "names no host"},
                      bad_url{"ws://host:/", "is no port"}, bad_url{"ws://host:0/", "is no port"},
                      bad_url{"ws://host:65536/", "is no port"},
                      bad_url{"ws://host:99999999999/", "is no port"}, bad_url{"ws://host:9x/", "is no port"},
                      bad_url{"ws://::1/", "stands in brackets"}, bad_url{"ws://[::1/", "no closing bracket"},
                      bad_url{"ws://[::1]x/", "what is no port"},
                      bad_url{"ws://me:pw@host/", "--set username"}, bad_url{"ws://host/a#b", "fragment"},
                      bad_url{"ws://host/a b", "blank or a control character"},
                      bad_url{"ws://host/\n", "blank or a control character"}));

class ConnectProject : public ::testing::Test {
protected:
    void SetUp() override {
        std::vector<manifest::mistake> mistakes;
        module_ = manifest::read_manifest(
            std::filesystem::path(IOM_SOURCE_FOLDER) / "manifest/websocket-client.xml", mistakes);
        ASSERT_TRUE(mistakes.empty());
    }

    std::string made(const connect_options& options) {
        std::string why;
        return project_of(options, *parse_url("wss://host:9/p?a=1&b=2", why), module_);
    }

    manifest::module_manifest module_;
};

TEST_F(ConnectProject, IsOneInstanceThatConnectsOnce) {
    const std::string xml = made({});
    for (const char* const part :
         {"<set name=\"hostname\">host</set>", "<set name=\"protocol\">wss</set>",
          "<set name=\"port\">9</set>", "<set name=\"path\">/p?a=1&amp;b=2</set>",
          "<set name=\"auto-reconnect\">false</set>", "<set name=\"connect-at-startup\">false</set>"}) {
        EXPECT_THAT(xml, HasSubstr(part));
    }
    EXPECT_THAT(xml, Not(HasSubstr("tls-verify")));
}

TEST_F(ConnectProject, TextsStandForThemselves) {
    connect_options options;
    options.bearer = "a${secret:x}<&>\"$1";
    options.headers = {"X-A: ${now}", "X-B: <b>"};
    const std::string xml = made(options);
    EXPECT_THAT(xml, HasSubstr("<set name=\"bearer-token\">a$${secret:x}&lt;&amp;&gt;&quot;$1</set>"));
    EXPECT_THAT(
        xml, HasSubstr("<set name=\"headers\"><item>X-A: $${now}</item><item>X-B: &lt;b&gt;</item></set>"));
}

TEST_F(ConnectProject, SettingsByNameAreWrittenAsTheirTypeWants) {
    connect_options options;
    options.insecure = true;
    options.ca = "ca.pem";
    options.settings = {
        {"subprotocols", "a"}, {"ready-match", "go"}, {"subprotocols", "b"}, {"path", "/${env:IOM_X}"}};
    const std::string xml = made(options);
    EXPECT_THAT(xml, HasSubstr("<set name=\"subprotocols\"><item>a</item><item>b</item></set>"));
    EXPECT_THAT(xml, HasSubstr("<set name=\"ready-match\"><match>go</match></set>"));
    EXPECT_THAT(xml, HasSubstr("<set name=\"tls-verify\">false</set>"));
    EXPECT_THAT(xml, HasSubstr("<set name=\"tls-ca\">/")); // made absolute
    EXPECT_THAT(xml, HasSubstr("/${env:IOM_X}"));
}

} // namespace
} // namespace iom::host::commands
