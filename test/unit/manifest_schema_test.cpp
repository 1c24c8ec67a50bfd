// The schemas, by xmllint: what ships validates against them, and what is wrong does not.

#include "support/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace {

using testing::HasSubstr;

const std::filesystem::path source_folder = IOM_SOURCE_FOLDER;

iom::test::result validate(const std::string& schema, const std::filesystem::path& file,
                           std::string_view input = {}) {
    return iom::test::run({"xmllint", "--noout", "--nonet", "--schema",
                           (source_folder / "manifest" / schema).string(), file.string()},
                          input);
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

TEST(Schema, OurManifestIsValid) {
    const auto ended = validate("io-module.xsd", source_folder / "manifest/websocket-client.xml");
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
}

TEST(Schema, EveryExampleIsAValidProject) {
    const auto examples = xml_files(source_folder / "examples");
    ASSERT_GE(examples.size(), 3U);
    for (const auto& example : examples) {
        const auto ended = validate("project.xsd", example);
        EXPECT_EQ(ended.exit_code, 0) << ended.err;
    }
}

// ---- broken manifests: all that a schema can see ---------------------------------------------------------

class broken_manifest : public testing::TestWithParam<const char*> {};

TEST_P(broken_manifest, IsInvalid) {
    const auto ended = validate("io-module.xsd", source_folder / "test/unit/manifest/broken" /
                                                     (std::string(GetParam()) + ".xml"));
    EXPECT_EQ(ended.exit_code, 3) << ended.err; // 3 and 4: xmllint's words for invalid
    EXPECT_THAT(ended.err, HasSubstr("fails to validate"));
}

INSTANTIATE_TEST_SUITE_P(Schema, broken_manifest,
                         testing::Values("not-a-manifest", "unknown-element", "unknown-attribute",
                                         "missing-attributes", "missing-help", "duplicate-ids",
                                         "duplicate-numbers", "bad-numbers", "bad-types", "bad-flags",
                                         "sections-twice", "stray-text"));

// ---- projects ---------------------------------------------------------------------------------------

struct project {
    const char* name;
    const char* body;
    bool valid;
};

std::ostream& operator<<(std::ostream& out, const project& what) {
    return out << what.name;
}

class project_text : public testing::TestWithParam<project> {};

TEST_P(project_text, IsJudged) {
    const std::string text = "<project name=\"Line 3\">" + std::string(GetParam().body) + "</project>";
    const auto ended = validate("project.xsd", "-", text);
    EXPECT_EQ(ended.exit_code == 0, GetParam().valid) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(GetParam().valid ? "- validates" : "- fails to validate"));
}

INSTANTIATE_TEST_SUITE_P(
    Schema, project_text,
    testing::Values(
        project{"Empty", "", true},
        project{"InstanceWithDefaults",
                R"(<defaults module="websocket-client"><set name="port">9001</set></defaults>
                   <instance name="press" module="websocket-client"><set name="hostname">h</set></instance>)",
                true},
        project{
            "Names",
            R"(<instance name="Press_1" module="m"/><rule name="Ü 1"><on trigger="Press_1/ready"/></rule>)",
            true},
        project{
            "List",
            R"(<instance name="press" module="m"><set name="headers"><item>X-Site: 7</item><item>Y: 8</item></set></instance>)",
            true},
        project{
            "Matches",
            R"(<instance name="press" module="m"><set name="ready-match"><match>a</match><match kind="json" pointer="/alarm/level" op="&gt;=">3</match></set></instance>)",
            true},
        project{"Greeting",
                R"(<instance name="press" module="m"><set name="greeting"><send>LOGIN ${secret:pin}</send>
                   <send encoding="hex">0102</send><await><match kind="contains" as="x">OK</match></await></set></instance>)",
                true},
        project{"Variables",
                R"(<variable name="cue" type="int" value="0"/><variable name="said" type="text"/>)", true},
        project{"Rule",
                R"(<rule name="Acknowledge alarms" stop="false" enabled="true">
                     <on trigger="press/message-received"><match kind="regex" on-change="level" debounce="250ms" at-most="5">(?P&lt;level&gt;.)</match></on>
                     <on trigger="*/message-received"/>
                     <on trigger="host/every" interval="5s"/>
                     <when status="press/connection-status" is="ready"/>
                     <when variable="cue" less="3"/>
                     <when value="${1}" contains="x"/>
                     <do action="press/request" after="2s"><arg name="message">ACK ${1}</arg><arg name="match"><match>OK</match></arg></do>
                     <do action="this/ping"/>
                     <do action="host/http"><arg name="headers"><item>A: b</item></arg></do>
                   </rule>)",
                true},
        project{"RuleWithoutDeed", R"(<rule name="Stop here" stop="true"><on trigger="a/b"/></rule>)", true},

        project{"UnknownElement", R"(<instanze name="press" module="m"/>)", false},
        project{"UnknownAttribute", R"(<instance name="press" modul="m"/>)", false},
        project{"InstanceWithoutModule", R"(<instance name="press"/>)", false},
        project{"InstanceNamedBadly", R"(<instance name="Press 1" module="m"/>)", false},
        project{"InstanceTwice", R"(<instance name="a" module="m"/><instance name="a" module="m"/>)", false},
        project{"RuleTwice", R"(<rule name="a"/><rule name="a"/>)", false},
        project{"TextBetween", "hello", false},
        project{
            "SetOfTwoKinds",
            R"(<instance name="a" module="m"><set name="x"><item>1</item><match>2</match></set></instance>)",
            false},
        project{
            "Encoding",
            R"(<instance name="a" module="m"><set name="greeting"><send encoding="octal">1</send></set></instance>)",
            false},
        project{"MatchKind", R"(<rule name="r"><on trigger="a/b"><match kind="glob">*</match></on></rule>)",
                false},
        project{"MatchOp", R"(<rule name="r"><on trigger="a/b"><match op="~">*</match></on></rule>)", false},
        project{"Trigger", R"(<rule name="r"><on trigger="message-received"/></rule>)", false},
        project{"Interval", R"(<rule name="r"><on trigger="host/every" interval="5"/></rule>)", false},
        project{"WhenAttribute", R"(<rule name="r"><when status="a/b" equals="1"/></rule>)", false},
        project{"DoWithoutAction", R"(<rule name="r"><do after="1s"/></rule>)", false},
        project{"Flag", R"(<rule name="r" stop="yes"/>)", false},
        project{"VariableType", R"(<variable name="v" type="number"/>)", false}),
    [](const auto& each) { return std::string(each.param.name); });

} // namespace
