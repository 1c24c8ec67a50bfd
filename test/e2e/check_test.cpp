// `iomhost check` and `iomhost describe`: examples are clean, each broken sample says where and what.

#include "support/programs.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

namespace {

using iom::test::result;
using iom::test::run;

result check(const std::filesystem::path& project,
             const std::filesystem::path& modules = iom::test::module_folder()) {
    return run({iom::test::iomhost(), "check", project.string(), "--modules", modules.string()});
}

std::vector<std::filesystem::path> xml_files(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".xml") {
            found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

/// Whether `said` has a line with NAME:LINE:COLUMN: and a sentence behind it.
bool says_where(std::string_view said, const std::string& name) {
    std::size_t at = said.find(name + ":");
    if (at == std::string_view::npos) {
        return false;
    }
    at += name.size() + 1;
    for (int number = 0; number < 2; ++number) {
        const std::size_t begin = at;
        while (at < said.size() && std::isdigit(static_cast<unsigned char>(said[at])) != 0) {
            ++at;
        }
        if (at == begin || at >= said.size() || said[at++] != ':') {
            return false;
        }
    }
    return said.substr(at, said.find('\n', at) - at).find('.') != std::string_view::npos;
}

TEST(Check, EveryExampleIsClean) {
    const auto examples = xml_files(iom::test::source_folder() / "examples");
    ASSERT_GE(examples.size(), 4U);
    for (const auto& example : examples) {
        const result ended = check(example);
        EXPECT_EQ(ended.exit_code, 0) << example << "\n" << ended.out << ended.err;
        EXPECT_EQ((ended.out + ended.err).find("warning"), std::string::npos) << ended.out << ended.err;
    }
}

TEST(Check, EveryBrokenSampleSaysFileLineAndColumn) {
    const auto samples = xml_files(iom::test::source_folder() / "test/projects/broken");
    ASSERT_GE(samples.size(), 20U);
    for (const auto& sample : samples) {
        const result ended = check(sample);
        EXPECT_EQ(ended.exit_code, 1) << sample << "\n" << ended.out << ended.err;
        EXPECT_TRUE(says_where(ended.out + ended.err, sample.filename().string())) << sample << "\n"
                                                                                   << ended.out << ended.err;
    }
}

TEST(Check, NothingStartsFromABrokenProject) {
    const auto sample = xml_files(iom::test::source_folder() / "test/projects/broken").front();
    const result ended = run({iom::test::iomhost(), "run", sample.string(), "--no-web", "--modules",
                              iom::test::module_folder().string()});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_EQ(ended.out, "");
    EXPECT_NE(ended.err.find(sample.filename().string() + ":"), std::string::npos) << ended.err;
}

TEST(Check, AnAddressTypedIntoHostnameSaysWhichSettingsToUse) {
    iom::test::temporary_folder folder;
    const auto file = folder.write("p.xml", R"(<project name="p">
  <instance name="line" module="websocket-client">
    <set name="hostname">wss://host:8443/path</set>
  </instance>
</project>
)");
    const result ended = check(file);
    EXPECT_EQ(ended.exit_code, 1);
    const std::string said = ended.out + ended.err;
    EXPECT_NE(said.find("p.xml:3:"), std::string::npos) << said;
    for (const std::string_view setting : {"Protocol", "Port", "Path"}) {
        EXPECT_NE(said.find(setting), std::string::npos) << setting << "\n" << said;
    }
}

TEST(Check, WhatWorksBadlyIsAWarningAndNoMistake) {
    iom::test::temporary_folder folder;
    const auto file = folder.write("p.xml", R"(<project name="p">
  <instance name="line" module="websocket-client">
    <set name="hostname">server.example</set>
    <set name="bearer-token">s3cret-token</set>
    <set name="ping-interval">55</set>
    <set name="farewell-match"><match>bye</match></set>
  </instance>
  <rule name="again">
    <on trigger="line/disconnected"/>
    <do action="line/connect"/>
  </rule>
</project>
)");
    const result ended = check(file);
    const std::string said = ended.out + ended.err;
    EXPECT_EQ(ended.exit_code, 0) << said;
    for (const std::string_view line :
         {"p.xml:4:5: warning: these credentials go over ws", "p.xml:5:5: warning: with more than 50 s",
          "p.xml:6:5: warning: this answer is never waited for",
          "p.xml:10:5: warning: Connect on Disconnected"}) {
        EXPECT_NE(said.find(line), std::string::npos) << line << "\n" << said;
    }
}

TEST(Check, ModulesThatAreNone) {
    iom::test::temporary_folder folder;
    const auto project =
        folder.write("p.xml", "<project name=\"p\">\n<instance name=\"x\" module=\"odd\"/>\n</project>\n");
    std::ifstream manifest(iom::test::module_folder() / "websocket-client.xml");
    const std::string text{std::istreambuf_iterator<char>(manifest), {}};
    const auto odd = [&] { return check(project, folder.path() / "modules"); };

    folder.write("modules/odd.txt", "");
    const result missing = odd();
    EXPECT_EQ(missing.exit_code, 1);
    EXPECT_NE((missing.out + missing.err).find("p.xml:2:"), std::string::npos) << missing.err;

    folder.write("modules/odd.so", "this is no shared object");
    folder.write("modules/odd.xml", text);
    const result none = odd();
    EXPECT_EQ(none.exit_code, 1);
    EXPECT_NE((none.out + none.err).find("odd"), std::string::npos) << none.err;
}

TEST(Check, AManifestWhoseTokenDiffersIsRefused) {
    iom::test::temporary_folder folder;
    std::ifstream manifest(iom::test::module_folder() / "websocket-client.xml");
    std::string text{std::istreambuf_iterator<char>(manifest), {}};
    const std::size_t at = text.find("id=\"hostname\"");
    ASSERT_NE(at, std::string::npos);
    text.replace(at, 13, "id=\"hostnames\"");
    folder.write("modules/websocket-client.xml", text);
    std::filesystem::copy_file(iom::test::module_folder() / "websocket-client.so",
                               folder.path() / "modules/websocket-client.so");
    const auto project =
        folder.write("p.xml", "<project name=\"p\">\n<instance name=\"x\" module=\"websocket-client\">"
                              "<set name=\"hostnames\">a</set></instance>\n</project>\n");
    const result ended = check(project, folder.path() / "modules");
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_NE((ended.out + ended.err).find("token"), std::string::npos) << ended.out << ended.err;
}

TEST(Describe, PrintsTheManualFromTheManifest) {
    const result ended = run({iom::test::iomhost(), "describe", "websocket-client", "--modules",
                              iom::test::module_folder().string()});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    for (const std::string_view label :
         {"Hostname", "Path", "Protocol", "Port", "Send keep alive?", "Auto-Reconnect", "Extended Logging",
          "Log Comms", "WebSocket Established", "Messages Received", "Match String", "Send Message",
          "connection-status", "last-sent", "last-received"}) {
        EXPECT_NE(ended.out.find(label), std::string::npos) << label;
    }
}

TEST(Describe, PrintsWhatTheHostCanDoByItself) {
    const result ended = run({iom::test::iomhost(), "describe", "host"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    for (const std::string_view part : {"http-answered", "action-failed", "tls-verify", "Fire rule"}) {
        EXPECT_NE(ended.out.find(part), std::string::npos) << part;
    }
    EXPECT_EQ(ended.out.find("SETTINGS"), std::string::npos);
}

} // namespace
