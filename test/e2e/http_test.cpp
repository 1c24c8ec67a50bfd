// host/http in a running host: answers fire rules, failures are told in a sentence, certificates are
// verified.

#include "support/programs.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <memory>

namespace {

using iom::test::certificates;
using iom::test::peer;
using iom::test::process;
using iom::test::temporary_folder;

/// `iomhost run` of a project in a folder that holds more than the project; `before` are words before the
/// command.
std::unique_ptr<process> run_in(const temporary_folder& folder, std::string_view project,
                                std::vector<std::string> environment = {},
                                std::vector<std::string> before = {}) {
    const auto file = folder.write("p.xml", "<project name=\"p\">" + std::string(project) + "</project>");
    for (const std::string& each :
         {iom::test::iomhost(), std::string("run"), file.string(), std::string("--no-web"),
          std::string("--log-level"), std::string("debug"), std::string("--trace"), std::string("--modules"),
          iom::test::module_folder().string()}) {
        before.push_back(each);
    }
    auto made = std::make_unique<process>(std::move(before), std::move(environment));
    made->wait_line(process::stream::out, "ready");
    return made;
}

std::string argument(std::string_view name, std::string_view value) {
    return "<arg name=\"" + std::string(name) + "\">" + std::string(value) + "</arg>";
}

std::string ask(std::string_view name, std::string_view url, std::string_view more = {}) {
    return "<rule name=\"" + std::string(name) +
           "\"><on trigger=\"host/startup\"/><do action=\"host/http\">" + argument("url", url) +
           std::string(more) + "</do></rule>";
}

const char* const tell = R"(
  <rule name="answered"><on trigger="host/http-answered"/><do action="host/log">
    <arg name="message">ANSWER ${request} ${status} ${body}</arg></do></rule>
  <rule name="failed"><on trigger="host/action-failed"/><do action="host/log">
    <arg name="message">FAILED ${rule} ${action} ${sentence}</arg></do></rule>)";

int stop(process& program) {
    program.signal(SIGTERM);
    return program.wait_exit();
}

TEST(Http, AnswersFireRulesWithWhateverStatus) {
    peer far_end;
    const temporary_folder folder;
    const auto program =
        run_in(folder, ask("missing", far_end.url("/nothing", "http")) +
                           ask("things", far_end.url("/things", "http"), argument("request", "list")) +
                           ask("refused", far_end.url("/token", "http")) + tell);
    for (const std::string_view part : {"ANSWER missing 404 ", "ANSWER list 200 []", "ANSWER refused 405 "}) {
        EXPECT_TRUE(iom::test::eventually([&] {
            return program->bytes(process::stream::err).find(part) != std::string::npos;
        })) << part
            << program->bytes(process::stream::err);
    }
    EXPECT_EQ(stop(*program), 0);
    EXPECT_EQ(program->bytes(process::stream::err).find("FAILED"), std::string::npos);
}

TEST(Http, ReachesIpv6AndNamesOfTheHostsFile) {
    peer far_end({"--address", "::1"});
    const std::string port = std::to_string(far_end.port());
    const temporary_folder folder;
    // Of the name's two addresses only one answers.
    const auto hosts = folder.write("hosts", "127.0.0.1 far.example\n::1 far.example\n");
    const auto program = run_in(
        folder,
        ask("digits", "http://[::1]:" + port + "/things") +
            ask("name", "http://far.example:" + port + "/things") + tell,
        {}, iom::test::with_own_mounts("mount --bind \"$0\" /etc/hosts && exec \"$@\"", {hosts.string()}));
    for (const std::string_view part : {"ANSWER digits 200 []", "ANSWER name 200 []"}) {
        EXPECT_TRUE(iom::test::eventually([&] {
            return program->bytes(process::stream::err).find(part) != std::string::npos;
        })) << part
            << program->bytes(process::stream::err);
    }
    EXPECT_EQ(stop(*program), 0);
}

TEST(Http, MatchesLookIntoTheBody) {
    peer far_end;
    const temporary_folder folder;
    const auto program =
        run_in(folder, ask("token", far_end.url("/token", "http"), argument("method", "POST")) +
                           R"(<rule name="deep"><on trigger="host/http-answered">
             <match kind="json" pointer="/expires" op=">=">1</match>
             <match kind="regex" as="first">"token":\s*"(.)</match></on>
             <do action="host/log"><arg name="message">MATCHED</arg></do></rule>)");
    program->wait_line(process::stream::err, "MATCHED");
    EXPECT_EQ(stop(*program), 0);
}

TEST(Http, VerifiesTheServersCertificate) {
    const temporary_folder folder;
    certificates made(folder.path() / "files");
    const auto right = made.issue("server", "DNS:localhost,IP:127.0.0.1");
    const auto other = made.issue("other", "DNS:elsewhere.example,IP:127.0.0.9");
    peer server({"--tls-cert", right.certificate, "--tls-key", right.key});
    peer stranger({"--tls-cert", other.certificate, "--tls-key", other.key});
    const auto url = [](const peer& of, std::string_view host) {
        return "https://" + std::string(host) + ":" + std::to_string(of.port()) + "/things";
    };
    const std::string ca = argument("tls-ca", "authority.pem");
    const auto program = run_in(
        folder,
        ask("by-name", url(server, "localhost"), ca) + ask("by-address", url(server, "127.0.0.1"), ca) +
            ask("unknown", url(server, "localhost")) + ask("wrong-name", url(stranger, "localhost"), ca) +
            ask("wrong-address", url(stranger, "127.0.0.1"), ca) +
            ask("unverified", url(stranger, "localhost"), argument("tls-verify", "false")) +
            ask("no-tls", "http://127.0.0.1:" + std::to_string(server.port()) + "/") + tell);
    for (const std::string_view part :
         {"ANSWER by-name 200", "ANSWER by-address 200", "FAILED unknown host/http GET https://localhost:",
          "is signed by nobody whom this host trusts", "FAILED wrong-name", "FAILED wrong-address",
          "is for another name", "ANSWER unverified 200", "FAILED no-tls"}) {
        EXPECT_TRUE(iom::test::eventually([&] {
            return program->bytes(process::stream::err).find(part) != std::string::npos;
        })) << part
            << program->bytes(process::stream::err);
    }
    EXPECT_EQ(stop(*program), 0);
}

TEST(Http, OldTlsAndNoTlsAreRefusedInWords) {
    const temporary_folder folder;
    certificates made(folder.path() / "files");
    const auto pair = made.issue("server", "DNS:localhost");
    peer old({"--tls-cert", pair.certificate, "--tls-key", pair.key, "--tls-min", "1.1", "--tls-max", "1.1"});
    peer newest({"--tls-cert", pair.certificate, "--tls-key", pair.key, "--tls-min", "1.3"});
    peer plain;
    const auto url = [](const peer& of) {
        return "https://localhost:" + std::to_string(of.port()) + "/things";
    };
    const std::string ca = argument("tls-ca", "authority.pem");
    const auto program = run_in(folder, ask("old", url(old), ca) + ask("newest", url(newest), ca) +
                                            ask("plain", url(plain), ca) + tell);
    for (const std::string_view part :
         {"FAILED old", "ANSWER newest 200", "FAILED plain", "does not speak TLS"}) {
        EXPECT_TRUE(iom::test::eventually([&] {
            return program->bytes(process::stream::err).find(part) != std::string::npos;
        })) << part
            << program->bytes(process::stream::err);
    }
    EXPECT_EQ(stop(*program), 0);
}

TEST(Http, NoProxyOfTheEnvironmentAndNoSecretInTheLog) {
    peer far_end;
    const temporary_folder folder;
    const auto secrets = folder.write("p.secrets", "pin=h1dden-value\n");
    std::filesystem::permissions(secrets,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    const std::string nowhere = "http://127.0.0.1:" + std::to_string(iom::test::free_port());
    const auto program = run_in(
        folder,
        ask("path", far_end.url("/things?pin=${secret:pin|url}", "http"),
            "<arg name=\"headers\"><item>Authorization: Bearer ${secret:pin}</item><item>X-Pin: "
            "${secret:pin}</item></arg>" +
                argument("method", "POST") + argument("body", R"({"pin":"${secret:pin|json}"})")) +
            ask("nowhere", nowhere + "/${secret:pin}") +
            ask("line break", far_end.url("/things", "http"),
                "<arg name=\"headers\"><item>X-Pin: ${secret:pin}${char:0d}${char:0a}X-Two: 2</item></arg>") +
            tell,
        {"http_proxy=" + nowhere, "HTTP_PROXY=" + nowhere, "all_proxy=" + nowhere});
    for (const std::string_view part : {"ANSWER path 405", "FAILED nowhere", "nothing listens at",
                                        "FAILED line break", "X-Pin has a line break"}) {
        EXPECT_TRUE(iom::test::eventually([&] {
            return program->bytes(process::stream::err).find(part) != std::string::npos;
        })) << part
            << program->bytes(process::stream::err);
    }
    EXPECT_EQ(stop(*program), 0);
    EXPECT_EQ(program->bytes(process::stream::err).find("h1dden-value"), std::string::npos)
        << program->bytes(process::stream::err);
}

TEST(Http, AnOpenRequestHoldsUpNeitherTheEndNorAnythingElse) {
    peer silent;
    peer far_end;
    silent.program().signal(SIGSTOP);
    const temporary_folder folder;
    const auto program =
        run_in(folder, ask("silent", silent.url("/things", "http"), argument("timeout", "300")) +
                           ask("quick", far_end.url("/things", "http")) + tell);
    program->wait_line(process::stream::err, "ANSWER quick 200");
    program->signal(SIGTERM);
    EXPECT_EQ(program->wait_exit(), 0);
    EXPECT_NE(program->bytes(process::stream::err).find("FAILED silent host/http The host stops"),
              std::string::npos)
        << program->bytes(process::stream::err);
    silent.program().signal(SIGCONT);
}

} // namespace
