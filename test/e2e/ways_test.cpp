// Ways to a server: through an HTTP proxy, from a given interface, compressed, to an IPv6 literal, and with
// every kind of certificate.

#include "support/programs.hpp"
#include "support/projects.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace {

using iom::test::certificates;
using iom::test::eventually;
using iom::test::host;
using iom::test::peer;
using iom::test::process;
using iom::test::temporary_folder;
namespace xml = iom::test::xml;

std::string tell(std::string_view instance = "*") {
    const std::string of(instance);
    return xml::rule(of + "/ready",
                     xml::log("UP ${instance} ${this/tls-session} ${this/certificate-expiry}")) +
           xml::rule(of + "/error",
                     xml::log("ERROR ${instance} ${layer} ${code} ${this/connection-status}: ${sentence}")) +
           xml::rule(of + "/credentials-rejected", xml::log("REJECTED ${instance} ${layer} ${code}")) +
           xml::rule(of + "/faulted", xml::log("FAULTED ${instance} ${layer} ${code}"));
}

// ---- through a proxy -------------------------------------------------------------------------------------

/// The stub proxy of proxy.py.
class proxy {
public:
    explicit proxy(std::vector<std::string> options = {}) : program_(command(std::move(options))) {
        const std::string line = program_.wait_line(process::stream::out, "ready ");
        port_ = line.substr(line.find(' ') + 1);
    }

    [[nodiscard]] std::string url(const std::string& login = {}) const {
        return "http://" + (login.empty() ? "" : login + "@") + "127.0.0.1:" + port_;
    }

    /// What clients asked for, in order.
    [[nodiscard]] std::vector<nlohmann::json> requests() const {
        std::vector<nlohmann::json> all;
        for (const std::string& line : program_.lines(process::stream::out)) {
            if (line.starts_with("{")) {
                all.push_back(nlohmann::json::parse(line));
            }
        }
        return all;
    }

private:
    static std::vector<std::string> command(std::vector<std::string> options) {
        options.insert(options.begin(),
                       {"/usr/bin/python3", (iom::test::source_folder() / "test/e2e/proxy.py").string()});
        return options;
    }

    process program_;
    std::string port_;
};

class Ways : public testing::Test {
protected:
    Ways()
        : authority_(folder_.path()), pair_(authority_.issue("server", "DNS:localhost,IP:127.0.0.1,IP:::1")) {
    }

    [[nodiscard]] std::vector<std::string> tls(std::vector<std::string> more = {}) const {
        more.insert(more.begin(), {"--tls-cert", pair_.certificate, "--tls-key", pair_.key});
        return more;
    }

    /// Settings of a wss instance that trusts our authority.
    [[nodiscard]] std::string secure(std::string_view more = {}) const {
        return xml::set("protocol", "wss") + xml::set("tls-ca", authority_.authority()) + std::string(more);
    }

    host& run(std::string_view content, std::vector<std::string> environment = {}) {
        host_ = std::make_unique<host>(xml::project(content),
                                       std::vector<std::string>{"--files", folder_.path().string()},
                                       std::move(environment));
        return *host_;
    }

    temporary_folder folder_;
    certificates authority_;
    certificates::pair pair_;
    std::unique_ptr<host> host_;
};

using Proxy = Ways;

TEST_F(Proxy, CarriesWsAndWssWithAndWithoutAuthentication) {
    peer plain;
    peer secret(tls());
    const proxy open;
    const proxy guarded({"--login", "press:p@ss:w%rd"});
    const std::string login = "press:p%40ss%3Aw%25rd";
    host& controller =
        run(tell() + xml::rule("*/connected", xml::log("CONNECTED ${instance} ${remote-address}")) +
            xml::instance("ws", plain.port(), "/", xml::set("proxy", open.url())) +
            xml::instance("wss", secret.port(), "/", secure(xml::set("proxy", open.url()))) +
            xml::instance("ws-login", plain.port(), "/", xml::set("proxy", guarded.url(login))) +
            xml::instance("wss-login", secret.port(), "/", secure(xml::set("proxy", guarded.url(login)))));
    ASSERT_TRUE(eventually([&] { return xml::logged(controller.program(), "UP ").size() == 4; }))
        << controller.program().bytes(process::stream::err);
    EXPECT_EQ(controller.stop(), 0);
    for (const proxy* each : {&open, &guarded}) {
        const auto requests = each->requests();
        EXPECT_EQ(requests.size(), 2U);
        for (const auto& request : requests) {
            EXPECT_EQ(request["method"], "CONNECT");
            EXPECT_TRUE(request["target"] == "127.0.0.1:" + std::to_string(plain.port()) ||
                        request["target"] == "127.0.0.1:" + std::to_string(secret.port()))
                << request;
        }
    }
    // Connected names the proxy, that is what TCP leads to.
    for (const std::string& line : xml::logged(controller.program(), "CONNECTED ws ")) {
        EXPECT_TRUE(open.url().ends_with(line)) << line;
    }
    EXPECT_EQ(xml::logged(controller.program(), "CONNECTED ").size(), 4U);
}

TEST_F(Proxy, AsksByNameAndSendsTheServersOwnCredentialsToTheServerOnly) {
    peer secret(tls());
    const proxy open;
    host& controller =
        run(tell() + xml::instance("line", secret.port(), "/",
                                   secure(xml::set("hostname", "localhost") + xml::set("proxy", open.url()) +
                                          xml::set("bearer-token", "for-the-server"))));
    controller.wait_log("UP line");
    EXPECT_EQ(controller.stop(), 0);
    ASSERT_EQ(open.requests().size(), 1U);
    EXPECT_EQ(open.requests()[0]["target"], "localhost:" + std::to_string(secret.port()));
    EXPECT_EQ(open.requests()[0].dump().find("for-the-server"), std::string::npos);
    EXPECT_EQ(secret.get("/requests"), nlohmann::json()); // the far end speaks TLS only
}

TEST_F(Proxy, ThatAsksForALoginIsFatalTheSecondTime) {
    peer plain;
    const proxy guarded({"--login", "press:right"});
    host& controller =
        run(tell() + xml::instance("line", plain.port(), "/", xml::set("proxy", guarded.url("press:wrong"))));
    EXPECT_NE(controller.wait_log("ERROR line proxy 407 waiting").find("asks for a user and password"),
              std::string::npos);
    controller.wait_log("REJECTED line proxy 407");
    controller.wait_log("ERROR line proxy 407 faulted");
    controller.wait_log("FAULTED line proxy 407");
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_EQ(plain.get("/sessions")["upgrades"], 0);
}

TEST_F(Proxy, ItsSecretsAreReadAnewForEveryAttempt) {
    peer plain;
    const proxy guarded({"--login", "press:r:ght@last"});
    const auto secrets = [&](std::string_view password) {
        const auto file = folder_.write("line.secrets", "password=" + std::string(password) + "\n");
        std::filesystem::permissions(file, std::filesystem::perms::owner_read |
                                               std::filesystem::perms::owner_write);
    };
    secrets("wrong");
    const auto file = folder_.write(
        "line.xml",
        xml::project(tell() + xml::instance("line", plain.port(), "/",
                                            xml::set("proxy", guarded.url("press:${secret:password}")) +
                                                xml::set("fault-retry", "1"))));
    process program({iom::test::iomhost(), "run", file.string(), "--no-web", "--log-format", "json",
                     "--modules", iom::test::module_folder().string()});
    program.wait_line(process::stream::err, "REJECTED line proxy 407");
    secrets("r:ght@last");
    program.wait_line(process::stream::err, "UP line");
    program.signal(SIGTERM);
    EXPECT_EQ(program.wait_exit(), 0);
    EXPECT_EQ(program.bytes(process::stream::err).find("r:ght@last"), std::string::npos);
}

TEST_F(Proxy, ThatHangsOrHangsUpOrRefusesIsNamed) {
    peer plain;
    const proxy hanging({"--hang"});
    const proxy cutting({"--cut"});
    const proxy refusing({"--status", "503"});
    const auto at = [&](std::string_view name, const std::string& url) {
        return xml::instance(name, plain.port(), "/",
                             xml::set("proxy", url) + xml::set("connect-timeout", "1") +
                                 xml::set("auto-reconnect", "false"));
    };
    host& controller = run(tell() + at("hanging", hanging.url()) + at("cutting", cutting.url()) +
                           at("refusing", refusing.url()) +
                           at("nonsense", "http://127.0.0.1:" + std::to_string(plain.port())) +
                           at("nowhere", "http://127.0.0.1:" + std::to_string(iom::test::free_port())));
    ASSERT_TRUE(eventually([&] { return xml::logged(controller.program(), "ERROR ").size() == 5; }))
        << controller.program().bytes(process::stream::err);
    EXPECT_EQ(controller.stop(), 0);
    const auto all = xml::logged(controller.program(), "ERROR ");
    const auto told = [&](std::string_view start) {
        return std::any_of(all.begin(), all.end(),
                           [&](const std::string& line) { return line.starts_with(start); });
    };
    EXPECT_TRUE(told("hanging proxy ETIMEDOUT ")) << testing::PrintToString(all);
    EXPECT_TRUE(told("cutting proxy EOF ")) << testing::PrintToString(all);
    EXPECT_TRUE(told("refusing proxy 503 ")) << testing::PrintToString(all);
    EXPECT_TRUE(told("nonsense proxy ")) << testing::PrintToString(all);
    EXPECT_TRUE(told("nowhere proxy ECONNREFUSED ")) << testing::PrintToString(all);
}

TEST_F(Proxy, IsNeverTakenFromTheEnvironment) {
    peer plain;
    peer secret(tls());
    const proxy trap;
    std::vector<std::string> environment;
    for (const std::string name :
         {"http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy", "socks_proxy"}) {
        std::string upper = name;
        for (char& c : upper) {
            c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        }
        environment.push_back(name + "=" + trap.url());
        environment.push_back(upper + "=" + trap.url());
    }
    host& controller = run(tell() + xml::instance("ws", plain.port(), "/") +
                               xml::instance("wss", secret.port(), "/", secure()),
                           environment);
    ASSERT_TRUE(eventually([&] { return xml::logged(controller.program(), "UP ").size() == 2; }));
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_TRUE(trap.requests().empty());
}

TEST_F(Proxy, ALoginLongerThanTheRequestTakesIsAMistakeAtCheck) {
    const std::string longest = "press:" + std::string(505, 'x');
    const auto checked = [&](const std::string& login) {
        const auto file = folder_.write(
            "long.xml", xml::project(xml::instance("line", 80, "/",
                                                   xml::set("proxy", "http://" + login + "@127.0.0.1:1"))));
        return iom::test::run(
            {iom::test::iomhost(), "check", file.string(), "--modules", iom::test::module_folder().string()});
    };
    EXPECT_EQ(checked(longest).exit_code, 0) << checked(longest).out;
    const auto refused = checked(longest + "x");
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_NE(refused.out.find("HTTP proxy: user name and password"), std::string::npos) << refused.out;
    EXPECT_EQ(refused.out.find("xxxx"), std::string::npos) << refused.out;

    peer plain;
    const proxy guarded({"--login", longest});
    host& controller =
        run(tell() + xml::instance("line", plain.port(), "/", xml::set("proxy", guarded.url(longest))));
    controller.wait_log("UP line");
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_EQ(guarded.requests().size(), 1U);
}

// ---- local interface, IPv6, compression ------------------------------------------------------------------

TEST_F(Ways, FromTheGivenAddressOrInterface) {
    peer far_end;
    host& controller =
        run(tell() +
            xml::instance("address", far_end.port(), "/address", xml::set("local-address", "127.0.0.2")) +
            xml::instance("interface", far_end.port(), "/interface", xml::set("local-address", "lo")) +
            xml::instance("nowhere", far_end.port(), "/nowhere", xml::set("local-address", "no-such0")) +
            xml::instance("strange", far_end.port(), "/strange", xml::set("local-address", "192.0.2.1")));
    ASSERT_TRUE(eventually([&] {
        return xml::logged(controller.program(), "UP ").size() == 2 &&
               !xml::logged(controller.program(), "ERROR nowhere ").empty() &&
               !xml::logged(controller.program(), "ERROR strange ").empty();
    })) << controller.program().bytes(process::stream::err);
    EXPECT_EQ(controller.stop(), 0);
    for (const auto& request : far_end.get("/requests")) {
        EXPECT_EQ(request["remoteAddress"], request["target"] == "/address" ? "127.0.0.2" : "127.0.0.1");
    }
    for (const std::string name : {"nowhere", "strange"}) {
        const std::string line = xml::logged(controller.program(), "ERROR " + name + " ").front();
        EXPECT_TRUE(line.starts_with("tcp ")) << line;
        EXPECT_NE(line.find("Check Local interface"), std::string::npos) << line;
    }
}

TEST_F(Ways, ToAnIpv6LiteralWithAndWithoutTls) {
    peer plain({"--address", "::1"});
    peer secret(tls({"--address", "::1"}));
    const auto other = authority_.issue("other", "DNS:localhost,IP:127.0.0.1,IP:::2");
    peer stranger({"--address", "::1", "--tls-cert", other.certificate, "--tls-key", other.key});
    const std::string there = xml::set("hostname", "::1");
    host& controller = run(tell() + xml::instance("ws", plain.port(), "/", there) +
                           xml::instance("wss", secret.port(), "/", secure(there)) +
                           xml::instance("other", stranger.port(), "/", secure(there)));
    controller.wait_log("FAULTED other tls wrong-name");
    ASSERT_TRUE(eventually([&] { return xml::logged(controller.program(), "UP ").size() == 2; }))
        << controller.program().bytes(process::stream::err);
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_NE(xml::logged(controller.program(), "ERROR other ")
                  .front()
                  .find("[::1]:" + std::to_string(stranger.port())),
              std::string::npos);
}

TEST_F(Ways, CompressedBothWaysAsNegotiatedAndPlainWhereTheServerDeclines) {
    struct kind {
        std::string name;
        std::vector<std::string> options;
    };
    const std::vector<kind> kinds{
        {"remembering", {"--deflate"}},
        {"forgetting", {"--deflate", "--deflate-forget"}},
        {"narrow", {"--deflate", "--deflate-window", "9"}},
        {"declining", {}},
    };
    // Text that repeats itself over messages, so that a dictionary that one side has and the other has not
    // would show; the last one is long and repeats nothing.
    std::vector<std::string> texts;
    for (int number = 0; number < 20; ++number) {
        texts.push_back("the same words over and over, number " + std::to_string(number) +
                        std::string(3000, static_cast<char>('a' + number)));
    }
    std::string noise;
    for (std::uint32_t state = 1; noise.size() < 60'000;) {
        state = state * 1664525U + 1013904223U;
        noise += static_cast<char>('0' + (state >> 24U) % 10U);
    }
    texts.push_back(noise);
    std::string content;
    std::vector<std::unique_ptr<peer>> peers;
    for (const kind& each : kinds) {
        peers.push_back(std::make_unique<peer>(each.options));
        content += xml::instance(each.name, peers.back()->port(), "/", xml::set("compression", "true"));
        std::string sends;
        for (const std::string& text : texts) {
            sends += xml::act(each.name + "/send-message", {{"message", text}});
        }
        content +=
            xml::rule(each.name + "/ready", sends + xml::act(each.name + "/send-binary", {{"data", "00ff"}}));
    }
    host& controller = run(content + xml::rule("*/message-received", xml::log("GOT ${instance} ${message}")));
    std::vector<std::string> expected = texts;
    expected.emplace_back("00ff");
    for (const kind& each : kinds) {
        SCOPED_TRACE(each.name);
        const auto got = [&] { return xml::logged(controller.program(), "GOT " + each.name + " "); };
        ASSERT_TRUE(eventually([&] { return got().size() >= expected.size(); }));
        EXPECT_EQ(got(), expected);
    }
    EXPECT_EQ(controller.stop(), 0);
    for (const auto& each : peers) {
        EXPECT_NE(each->get("/requests")[0]["headers"]
                      .value("sec-websocket-extensions", "")
                      .find("permessage-deflate"),
                  std::string::npos);
    }
}

// ---- certificates ----------------------------------------------------------------------------------------

std::string pin_of(const std::string& certificate) {
    const auto key = iom::test::run({"sh", "-c",
                                     "openssl x509 -in '" + certificate +
                                         "' -pubkey -noout | openssl pkey -pubin -outform DER | "
                                         "openssl dgst -sha256 -binary | openssl base64"});
    return key.out.substr(0, key.out.find('\n'));
}

TEST_F(Ways, PinnedKeysAreTheOnlyOnesTaken) {
    peer far_end(tls({"--log"}));
    const auto pins = [](const std::string& pin) {
        return xml::set_raw("tls-pins", "<item>" + pin + "</item>");
    };
    host& controller =
        run(tell() + xml::instance("mine", far_end.port(), "/mine", secure(pins(pin_of(pair_.certificate)))) +
            xml::instance("other", far_end.port(), "/other",
                          secure(pins(std::string(64, '0')) + xml::set("bearer-token", "secret-of-other"))));
    controller.wait_log("UP mine");
    const std::string error = controller.wait_log("ERROR other tls pin-mismatch faulted");
    EXPECT_EQ(controller.stop(), 0);
    // Nothing of the request was sent: the far end opened one session, and saw no other request.
    int opened = 0;
    for (const std::string& line : far_end.program().lines(process::stream::err)) {
        EXPECT_EQ(line.find("/other"), std::string::npos) << line;
        opened += line.find("session-opened") != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(opened, 1);
}

TEST_F(Ways, EveryCertificateThatIsNotGenuineIsNamedAndGetsNoRequest) {
    struct kind {
        std::string name;
        std::vector<std::string> options;
        std::string settings;
        std::string told; ///< layer, code, state
    };
    const auto foreign_folder = folder_.path() / "foreign";
    certificates foreign(foreign_folder);
    const auto stranger = foreign.issue("stranger", "IP:127.0.0.1");
    const auto misnamed = authority_.issue("misnamed", "DNS:other.example");
    const auto self_signed = authority_.self_signed("alone", "IP:127.0.0.1");
    const auto expired =
        authority_.issue_between("expired", "IP:127.0.0.1", "20200101000000Z", "20210101000000Z");
    const auto future =
        authority_.issue_between("future", "IP:127.0.0.1", "20900101000000Z", "20950101000000Z");
    const auto options = [](const certificates::pair& pair) {
        return std::vector<std::string>{"--tls-cert", pair.certificate, "--tls-key", pair.key};
    };
    const std::vector<kind> kinds{
        {"stranger", options(stranger), {}, "tls unknown-ca faulted"},
        {"misnamed", options(misnamed), {}, "tls wrong-name faulted"},
        {"alone", options(self_signed), {}, "tls self-signed faulted"},
        {"expired", options(expired), {}, "tls expired waiting"},
        {"future", options(future), {}, "tls not-yet-valid waiting"},
        {"old", tls({"--tls-max", "1.2"}), xml::set("tls-min", "1.3"), "tls old-version faulted"},
        {"ancient", tls({"--tls-min", "1.1", "--tls-max", "1.1"}), {}, "tls old-version faulted"},
        {"renamed", tls(), xml::set("tls-server-name", "other.example"), "tls wrong-name faulted"},
    };
    std::vector<std::unique_ptr<peer>> peers;
    std::string content = tell();
    for (const kind& each : kinds) {
        peers.push_back(std::make_unique<peer>(each.options));
        content += xml::instance(each.name, peers.back()->port(), "/", secure(each.settings));
    }
    // The same servers are fine where the settings say so.
    content +=
        xml::instance("named", peers[1]->port(), "/", secure(xml::set("tls-server-name", "other.example")));
    content += xml::instance("trusted", peers[2]->port(), "/",
                             xml::set("protocol", "wss") + xml::set("tls-ca", self_signed.certificate));
    content += xml::instance("blind", peers[0]->port(), "/",
                             xml::set("protocol", "wss") + xml::set("tls-verify", "false"));
    content += xml::rule("*/error", xml::log("RETRY ${instance} ${this/next-retry}"));
    host& controller = run(content);
    for (const kind& each : kinds) {
        SCOPED_TRACE(each.name);
        ASSERT_TRUE(eventually([&] {
            return !xml::logged(controller.program(), "RETRY " + each.name).empty();
        })) << controller.program().bytes(process::stream::err);
        const std::string first = xml::logged(controller.program(), "ERROR " + each.name + " ").front();
        EXPECT_TRUE(first.starts_with(each.told + ": 127.0.0.1:") ||
                    first.find("of 127.0.0.1:") != first.npos)
            << first;
        EXPECT_TRUE(first.starts_with(each.told)) << first;
        // Slow or fatal, in any case no sooner than after 5 s.
        const int wait = std::stoi(xml::logged(controller.program(), "RETRY " + each.name + " ").front());
        EXPECT_GE(wait, 5);
        EXPECT_LE(wait, 6);
    }
    for (const std::string name : {"named", "trusted", "blind"}) {
        EXPECT_TRUE(eventually([&] { return !xml::logged(controller.program(), "UP " + name).empty(); }))
            << name;
    }
    const std::string named = xml::logged(controller.program(), "UP named ").front();
    EXPECT_TRUE(named.starts_with("TLSv1.3 ")) << named;
    EXPECT_TRUE(named.find("Z") != named.npos && named.find(" 20") != named.npos) << named;
    EXPECT_EQ(controller.stop(), 0);
    for (std::size_t index = 0; index < kinds.size(); ++index) {
        int opened = 0;
        for (const std::string& line : peers[index]->program().lines(process::stream::err)) {
            opened += line.find("session-opened") != std::string::npos ? 1 : 0;
        }
        EXPECT_EQ(opened, index <= 2 ? 1 : 0) << kinds[index].name;
    }
}

TEST_F(Ways, AClientCertificateIsShownAndItsKeyMayHaveAPassword) {
    peer far_end(tls({"--tls-client-ca", authority_.authority()}));
    const auto mine = authority_.issue("press", "DNS:press");
    const std::string locked = (folder_.path() / "locked.key").string();
    ASSERT_EQ(iom::test::run({"openssl", "pkcs8", "-topk8", "-in", mine.key, "-out", locked, "-passout",
                              "pass:op3n sesame"})
                  .exit_code,
              0);
    // As older tools write them: 3DES, and a PEM that says so itself.
    const std::string old = (folder_.path() / "old.key").string();
    ASSERT_EQ(iom::test::run(
                  {"openssl", "ec", "-in", mine.key, "-des3", "-out", old, "-passout", "pass:op3n sesame"})
                  .exit_code,
              0);
    const std::string shown = xml::set("tls-certificate", mine.certificate);
    const std::string password = xml::set("tls-key-password", "op3n sesame");
    host& controller = run(
        tell() + xml::instance("plain", far_end.port(), "/", secure(shown + xml::set("tls-key", mine.key))) +
        xml::instance("locked", far_end.port(), "/", secure(shown + xml::set("tls-key", locked) + password)) +
        xml::instance("old", far_end.port(), "/", secure(shown + xml::set("tls-key", old) + password)) +
        xml::instance("wrong", far_end.port(), "/",
                      secure(shown + xml::set("tls-key", locked) + xml::set("tls-key-password", "closed"))) +
        xml::instance("none", far_end.port(), "/", secure()));
    controller.wait_log("FAULTED none tls certificate-required");
    ASSERT_TRUE(eventually([&] {
        return xml::logged(controller.program(), "UP ").size() == 3 &&
               !xml::logged(controller.program(), "FAULTED wrong settings").empty();
    })) << controller.program().bytes(process::stream::err);
    EXPECT_EQ(controller.stop(), 0);
    EXPECT_EQ(controller.program().bytes(process::stream::err).find("op3n sesame"), std::string::npos);
}

TEST_F(Ways, ARenewedCaFileIsReadAtTheNextAttempt) {
    certificates next(folder_.path() / "next");
    const auto renewed = next.issue("renewed", "IP:127.0.0.1");
    peer far_end({"--tls-cert", renewed.certificate, "--tls-key", renewed.key});
    const auto file = folder_.path() / "trusted.pem";
    std::filesystem::copy_file(authority_.authority(), file);
    host& controller = run(tell() + xml::instance("button", far_end.port(), "/") +
                           xml::instance("line", far_end.port(), "/",
                                         xml::set("protocol", "wss") + xml::set("tls-ca", file.string()) +
                                             xml::set("fault-retry", "1")));
    controller.wait_log("FAULTED line tls unknown-ca");
    std::filesystem::copy_file(next.authority(), file, std::filesystem::copy_options::overwrite_existing);
    controller.wait_log("UP line");
    EXPECT_EQ(controller.stop(), 0);
}

} // namespace
