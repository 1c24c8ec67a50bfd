// Against the server of npm's `ws`: plain, TLS 1.2 and 1.3, client certificates, and what must be refused.

#include "support/programs.hpp"

#include <gtest/gtest.h>

namespace {

using iom::test::certificates;
using iom::test::process;
using iom::test::result;
using iom::test::run;
using iom::test::temporary_folder;

class ws_server {
public:
    explicit ws_server(std::vector<std::string> options = {}) : program_(command(std::move(options))) {
        const std::string line = program_.wait_line(process::stream::out, "ready ");
        port_ = line.substr(line.find(' ') + 1);
    }

    [[nodiscard]] std::string url(const std::string& scheme, const std::string& name = "127.0.0.1") const {
        return scheme + "://" + name + ":" + port_ + "/";
    }

private:
    static std::vector<std::string> command(std::vector<std::string> options) {
        std::vector<std::string> argv{"node",
                                      (iom::test::source_folder() / "test/interop/ws_server.mjs").string()};
        argv.insert(argv.end(), options.begin(), options.end());
        return argv;
    }

    process program_;
    std::string port_;
};

result connect(const std::string& url, std::vector<std::string> more = {}) {
    std::vector<std::string> argv{iom::test::iomhost(),
                                  "connect",
                                  url,
                                  "--linger",
                                  "0.2",
                                  "--modules",
                                  iom::test::module_folder().string()};
    argv.insert(argv.end(), more.begin(), more.end());
    return run(argv, "over and out\n");
}

/// A server with a certificate for `names`, and the folder that holds the keys.
class NpmWsTls : public ::testing::Test {
protected:
    [[nodiscard]] std::vector<std::string>
    server(const std::string& names, std::vector<std::string> more = {}, const std::string& key_type = "ec") {
        const certificates::pair own = keys.issue("server-" + std::to_string(++issued), names, key_type);
        std::vector<std::string> options{"--cert", own.certificate, "--key", own.key};
        options.insert(options.end(), more.begin(), more.end());
        return options;
    }

    temporary_folder folder;
    certificates keys{folder.path()};
    int issued = 0;
};

TEST(NpmWs, EchoesAndAgreesOnTheSubprotocol) {
    const ws_server server;
    const result ended =
        connect(server.url("ws"), {"--set", "subprotocols=chat.v1", "--set", "subprotocols=chat.v2"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_NE(ended.out.find("over and out\n"), std::string::npos) << ended.out;
    EXPECT_NE(ended.out.find("\"subprotocol\":\"chat.v2\""), std::string::npos) << ended.out;
}

TEST_F(NpmWsTls, SpeaksEachVersionThatTheServerWants) {
    for (const std::string version : {"TLSv1.2", "TLSv1.3"}) {
        for (const std::string key_type : {"ec", "rsa"}) {
            const ws_server far_end(
                server("DNS:localhost,IP:127.0.0.1", {"--min", version, "--max", version}, key_type));
            const result ended = connect(far_end.url("wss"), {"--ca", keys.authority()});
            EXPECT_EQ(ended.exit_code, 0) << version << " " << key_type << "\n" << ended.err;
            EXPECT_NE(ended.out.find("\"tls\":\"" + version + "\""), std::string::npos) << ended.out;
            EXPECT_NE(ended.out.find("over and out\n"), std::string::npos) << ended.out;
        }
    }
}

TEST_F(NpmWsTls, VerifiesByName) {
    const ws_server far_end(server("DNS:localhost"));
    EXPECT_EQ(connect(far_end.url("wss", "localhost"), {"--ca", keys.authority()}).exit_code, 0);
    const result wrong = connect(far_end.url("wss", "127.0.0.1"), {"--ca", keys.authority()});
    EXPECT_EQ(wrong.exit_code, 1);
    EXPECT_NE(wrong.err.find("name"), std::string::npos) << wrong.err;
    const result named = connect(far_end.url("wss", "127.0.0.1"),
                                 {"--ca", keys.authority(), "--set", "tls-server-name=localhost"});
    EXPECT_EQ(named.exit_code, 0) << named.err;
}

TEST_F(NpmWsTls, RefusesAnUnknownAuthorityUnlessToldOtherwise) {
    const ws_server far_end(server("IP:127.0.0.1"));
    const result unknown = connect(far_end.url("wss"));
    EXPECT_EQ(unknown.exit_code, 1);
    EXPECT_NE(unknown.err.find("certificate"), std::string::npos) << unknown.err;
    EXPECT_EQ(unknown.out, "");
    const result insecure = connect(far_end.url("wss"), {"--insecure"});
    EXPECT_EQ(insecure.exit_code, 0) << insecure.err;
    EXPECT_NE(insecure.err.find("not verified"), std::string::npos) << insecure.err;
}

TEST_F(NpmWsTls, RefusesAServerBelowTheOldestVersion) {
    const ws_server far_end(server("IP:127.0.0.1", {"--max", "TLSv1.2"}));
    EXPECT_EQ(connect(far_end.url("wss"), {"--ca", keys.authority()}).exit_code, 0);
    const result old = connect(far_end.url("wss"), {"--ca", keys.authority(), "--set", "tls-min=1.3"});
    EXPECT_EQ(old.exit_code, 1);
    EXPECT_NE(old.err.find("TLS"), std::string::npos) << old.err;
}

TEST_F(NpmWsTls, ShowsItsClientCertificate) {
    const certificates::pair own = keys.issue("press-1", "DNS:press-1");
    for (const std::string version : {"TLSv1.2", "TLSv1.3"}) {
        const ws_server far_end(
            server("IP:127.0.0.1", {"--client-ca", keys.authority(), "--min", version, "--max", version}));
        const result shown = connect(far_end.url("wss"),
                                     {"--ca", keys.authority(), "--set", "tls-certificate=" + own.certificate,
                                      "--set", "tls-key=" + own.key});
        EXPECT_EQ(shown.exit_code, 0) << version << "\n" << shown.err;
        EXPECT_NE(shown.out.find("\"client\":\"press-1\""), std::string::npos) << shown.out;
        const result none = connect(far_end.url("wss"), {"--ca", keys.authority()});
        EXPECT_EQ(none.exit_code, 1) << version << "\n" << none.err;
        // Which sentence it is depends on whether the server's alert or its reset comes first.
        EXPECT_EQ(none.out, "");
        EXPECT_NE(none.err.find("127.0.0.1"), std::string::npos) << none.err;
    }
}

} // namespace
