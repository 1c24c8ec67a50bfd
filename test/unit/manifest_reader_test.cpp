// From elements to a manifest: every mistake with its place, and values judged by their fields.

#include "manifest/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ostream>

namespace {

using namespace iom::manifest;
using testing::IsEmpty;
using testing::SizeIs;

std::string read_file(const std::filesystem::path& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// ---- broken samples: each says in comments at its end what is wrong with it -----------------------------

std::vector<std::filesystem::path> broken_samples() {
    std::vector<std::filesystem::path> found;
    for (const auto& entry :
         std::filesystem::directory_iterator(IOM_SOURCE_FOLDER "/test/unit/manifest/broken")) {
        found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

class broken_manifest : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(broken_manifest, IsRefusedAsItsCommentsSay) {
    const std::string text = read_file(GetParam());
    std::vector<std::string> expected;
    constexpr std::string_view begin = "<!-- ";
    constexpr std::string_view end = " -->\n";
    for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
        at += begin.size();
        expected.push_back(GetParam().string() + ":" + text.substr(at, text.find(end, at) - at));
    }
    ASSERT_THAT(expected, testing::Not(IsEmpty()));

    std::vector<mistake> mistakes;
    read_manifest(GetParam(), mistakes);
    std::vector<std::string> found;
    found.reserve(mistakes.size());
    for (const mistake& each : mistakes) {
        found.push_back(to_string(each));
    }
    EXPECT_EQ(found, expected);
}

INSTANTIATE_TEST_SUITE_P(Samples, broken_manifest, testing::ValuesIn(broken_samples()), [](const auto& each) {
    std::string name = each.param.stem().string();
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

// ---- whole manifests --------------------------------------------------------------------------------

constexpr std::string_view sample = R"(<module id="sample" label="Sample" version="1.2.3">
  <help>What it
    is for.</help>
  <settings>
    <group label="First">
      <setting number="7" id="delay" label="Delay" type="real" unit="s" min="0.5" max="60" default="1.5"
               live="true" advanced="true">
        <help>How long.</help>
      </setting>
      <setting number="2" id="mode" label="Mode" type="choice" default="b" original="true">
        <help>Which.</help>
        <choice value="a" label="A"><help>The first.</help></choice>
        <choice value="b" label="B"/>
      </setting>
    </group>
    <group label="Second">
      <setting number="3" id="lines" label="Lines" type="text" list="true" expand="use"><help>Some.</help></setting>
      <setting number="4" id="name" label="Name" type="text" required="true" min="1"><help>Its name.</help></setting>
    </group>
  </settings>
  <statuses>
    <status number="1" id="state" label="State" type="text" default="off" original="true"><help>Now.</help></status>
    <status number="2" id="state.code" label="State, code" type="int"><help>As a number.</help></status>
  </statuses>
  <triggers>
    <trigger number="5" id="heard" label="Heard" match="words" match-label="Match String" original="true">
      <help>Something was said.</help>
      <variable number="1" id="words" label="Words" type="data" original="true"><help>What.</help></variable>
      <variable number="2" id="loud" label="Loud" type="bool"><help>Whether it was loud.</help></variable>
    </trigger>
  </triggers>
  <actions>
    <action number="9" id="say" label="Say">
      <help>Says something.</help>
      <argument number="3" id="words" label="Words" type="text" required="true" max="5"><help>What.</help></argument>
    </action>
  </actions>
</module>)";

module_manifest read_sample(const std::string& from = "", const std::string& to = "") {
    std::string text(sample);
    if (!from.empty()) {
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        text.replace(at, from.size(), to);
    }
    std::vector<mistake> mistakes;
    module_manifest made = parse_manifest(text, "sample.xml", mistakes);
    for (const mistake& each : mistakes) {
        ADD_FAILURE() << to_string(each);
    }
    return made;
}

TEST(Manifest, HoldsAllThatTheFileSays) {
    const module_manifest made = read_sample();
    EXPECT_EQ(made.id, "sample");
    EXPECT_EQ(made.label, "Sample");
    EXPECT_EQ(made.version, "1.2.3");
    EXPECT_EQ(made.help, "What it is for.");

    ASSERT_THAT(made.settings, SizeIs(4));
    const setting& delay = made.settings[0];
    EXPECT_EQ(delay.number, 7U);
    EXPECT_EQ(delay.id, "delay");
    EXPECT_EQ(delay.label, "Delay");
    EXPECT_EQ(delay.help, "How long.");
    EXPECT_EQ(delay.group, "First");
    EXPECT_EQ(delay.type, type::real);
    EXPECT_EQ(delay.unit, "s");
    EXPECT_EQ(delay.min, 0.5);
    EXPECT_EQ(delay.max, 60);
    EXPECT_EQ(delay.default_value, "1.5");
    EXPECT_TRUE(delay.live);
    EXPECT_TRUE(delay.advanced);
    EXPECT_FALSE(delay.original);
    EXPECT_FALSE(delay.required);
    EXPECT_FALSE(delay.list);
    EXPECT_EQ(delay.expand, expansion::set);
    EXPECT_EQ(delay.where.line, 6);
    EXPECT_EQ(delay.where.column, 7);

    const setting* mode = made.find_setting("mode");
    ASSERT_NE(mode, nullptr);
    EXPECT_TRUE(mode->original);
    ASSERT_THAT(mode->choices, SizeIs(2));
    EXPECT_EQ(mode->choices[0].value, "a");
    EXPECT_EQ(mode->choices[0].label, "A");
    EXPECT_EQ(mode->choices[0].help, "The first.");
    EXPECT_EQ(mode->choices[1].help, "");

    const setting* lines = made.find_setting("lines");
    ASSERT_NE(lines, nullptr);
    EXPECT_EQ(lines->group, "Second");
    EXPECT_TRUE(lines->list);
    EXPECT_EQ(lines->expand, expansion::use);
    EXPECT_TRUE(made.find_setting("name")->required);
    EXPECT_EQ(made.find_setting("nothing"), nullptr);

    const status* code = made.find_status("state.code");
    ASSERT_NE(code, nullptr);
    EXPECT_EQ(code->type, type::integer);
    EXPECT_EQ(made.find_status("state")->default_value, "off");
    EXPECT_EQ(made.find_status("code"), nullptr);

    const trigger* heard = made.find_trigger("heard");
    ASSERT_NE(heard, nullptr);
    EXPECT_EQ(heard->number, 5U);
    EXPECT_EQ(heard->match_variable, "words");
    EXPECT_EQ(heard->match_label, "Match String");
    EXPECT_TRUE(heard->original);
    ASSERT_THAT(heard->variables, SizeIs(2));
    EXPECT_EQ(heard->find_variable("loud")->number, 2U);
    EXPECT_TRUE(heard->find_variable("words")->original);
    EXPECT_EQ(heard->find_variable("soft"), nullptr);

    const action* say = made.find_action("say");
    ASSERT_NE(say, nullptr);
    EXPECT_EQ(say->number, 9U);
    EXPECT_FALSE(say->original);
    ASSERT_NE(say->find_argument("words"), nullptr);
    EXPECT_EQ(say->find_argument("words")->max, 5);
    EXPECT_EQ(say->find_argument("sound"), nullptr);
}

TEST(Manifest, MayLackSections) {
    std::vector<mistake> mistakes;
    const auto made = parse_manifest(
        "<module id='a' label='A' version='1.0.0'><help>Nothing.</help></module>", "a.xml", mistakes);
    EXPECT_THAT(mistakes, IsEmpty());
    EXPECT_THAT(made.settings, IsEmpty());
    EXPECT_NE(made.token, 0U);
}

TEST(Manifest, ThatIsNoXmlHasOneMistake) {
    std::vector<mistake> mistakes;
    const auto made = parse_manifest("<module id='a'", "a.xml", mistakes);
    EXPECT_THAT(mistakes, SizeIs(1));
    EXPECT_EQ(made.id, "");
}

TEST(Manifest, WithCountlessMistakesNamesAHundred) {
    std::string text = "<module id='a' label='A' version='1.0.0'><help>Help.</help><settings>";
    for (int i = 0; i < 5000; ++i) {
        text += "<wrong/>";
    }
    std::vector<mistake> mistakes;
    parse_manifest(text + "</settings></module>", "a.xml", mistakes);
    ASSERT_THAT(mistakes, SizeIs(100));
    EXPECT_EQ(to_string(mistakes.back()), "a.xml: there are 4901 more mistakes. Mend these first.");
}

TEST(Manifest, SurvivesAnyDamage) {
    constexpr std::string_view splinters[] = {
        "<",    ">",         "/",          "&",   "\"", "'",    "=",    "<!--", "-->", "</", "/>",  "&lt;",
        "&#1;", "<![CDATA[", "<!DOCTYPE ", "]]>", "<?", "\xFF", "\n\n", "id",   "9",   "-",  "<a>", "</a>"};
    std::uint32_t random = 1;
    const auto below = [&](std::size_t bound) {
        random = random * 1664525U + 1013904223U;
        return (random >> 8U) % bound;
    };
    for (int i = 0; i < 5000; ++i) {
        std::string text(sample);
        for (std::size_t times = 1 + below(3); times > 0; --times) {
            const std::string_view splinter = splinters[below(std::size(splinters))];
            text.replace(below(text.size()), below(2) * below(40), splinter);
        }
        std::vector<mistake> mistakes;
        parse_manifest(text, "sample.xml", mistakes);
        EXPECT_LE(mistakes.size(), 100U);
        for (const mistake& each : mistakes) {
            EXPECT_GE(each.where.line, 1) << text;
            EXPECT_GE(each.where.column, 1) << text;
            EXPECT_EQ(each.sentence.back(), '.') << text;
        }
    }
}

// ---- the token --------------------------------------------------------------------------------------

struct change {
    const char* from;
    const char* to;
    bool matters;
};

std::ostream& operator<<(std::ostream& out, const change& what) {
    return out << what.from << " to " << what.to;
}

class token_change : public testing::TestWithParam<change> {};

TEST_P(token_change, ChangesWithWhatModuleAndHostMustAgreeOn) {
    const auto before = read_sample().token;
    const auto after = read_sample(GetParam().from, GetParam().to).token;
    EXPECT_EQ(before != after, GetParam().matters);
}

INSTANTIATE_TEST_SUITE_P(
    Changes, token_change,
    testing::Values(
        change{"id=\"sample\"", "id=\"other\"", true}, change{"number=\"7\"", "number=\"8\"", true},
        change{"id=\"delay\"", "id=\"pause\"", true}, change{"default=\"1.5\"", "default=\"2\"", true},
        change{"live=\"true\"", "live=\"false\"", true}, change{"list=\"true\"", "list=\"false\"", true},
        change{"expand=\"use\"", "expand=\"set\"", true},
        change{"choice value=\"a\"", "choice value=\"c\"", true},
        change{"type=\"int\"", "type=\"real\"", true}, change{"id=\"state.code\"", "id=\"state.no\"", true},
        change{"number=\"5\"", "number=\"6\"", true},
        change{"match=\"words\" match-label=\"Match String\"", "", true},
        change{"id=\"loud\"", "id=\"noisy\"", true}, change{"number=\"9\"", "number=\"8\"", true},
        change{"number=\"3\" id=\"words\"", "number=\"1\" id=\"words\"", true},
        // People's words and limits do not.
        change{"label=\"Delay\"", "label=\"Pause\"", false}, change{"How long.", "For how long.", false},
        change{"version=\"1.2.3\"", "version=\"1.2.4\"", false}, change{"max=\"60\"", "max=\"90\"", false},
        change{"advanced=\"true\"", "", false}, change{"label=\"Second\"", "label=\"Third\"", false}));

TEST(TokenValue, IsTheSameOnEveryMachine) {
    std::vector<mistake> mistakes;
    const auto made = parse_manifest(
        "<module id='a' label='A' version='1.0.0'><help>Nothing.</help></module>", "a.xml", mistakes);
    // FNV-1a of "module 1 a\n", from its definition: 0xcbf29ce484222325, each byte xor, times 0x100000001b3.
    EXPECT_EQ(made.token, 0x3a75680da8d2db9dU);
}

// ---- judging values ---------------------------------------------------------------------------------

field make_field(type what, std::optional<double> min = {}, std::optional<double> max = {}) {
    field made;
    made.id = "it";
    made.type = what;
    made.min = min;
    made.max = max;
    if (what == type::choice) {
        made.choices = {{"ws", "ws", ""}, {"wss", "wss", ""}};
    }
    return made;
}

struct judged {
    field what;
    std::string written;
    std::string sentence;
};

std::ostream& operator<<(std::ostream& out, const judged& what) {
    return out << to_string(what.what.type) << " \"" << what.written << '"';
}

class judgement : public testing::TestWithParam<judged> {};

TEST_P(judgement, SaysWhatIsWrong) {
    EXPECT_EQ(judge(GetParam().what, GetParam().written), GetParam().sentence);
}

const field port = make_field(type::integer, 0, 65535);
const field seconds = [] {
    field made = make_field(type::real, 0.1, 600);
    made.unit = "s";
    return made;
}();
const field name = make_field(type::text, 1, 5);

INSTANTIATE_TEST_SUITE_P(
    Values, judgement,
    testing::Values(
        judged{port, "0", ""}, judged{port, "65535", ""},
        judged{port, "65536", "it takes a whole number from 0 to 65535, not \"65536\"."},
        judged{port, "-1", "it takes a whole number from 0 to 65535, not \"-1\"."},
        judged{port, "", "it takes a whole number from 0 to 65535, not \"\"."},
        judged{port, "80 ", "it takes a whole number from 0 to 65535, not \"80 \"."},
        judged{port, "+80", "it takes a whole number from 0 to 65535, not \"+80\"."},
        judged{port, "0x50", "it takes a whole number from 0 to 65535, not \"0x50\"."},
        judged{port, "8.0", "it takes a whole number from 0 to 65535, not \"8.0\"."},
        judged{port, "99999999999999999999",
               "it takes a whole number from 0 to 65535, not \"99999999999999999999\"."},
        judged{port, "${env:IOM_PORT}", ""}, judged{make_field(type::integer), "-9223372036854775808", ""},
        judged{make_field(type::integer), "9223372036854775808",
               "it takes a whole number, not \"9223372036854775808\"."},
        judged{make_field(type::integer, 1), "0", "it takes a whole number of at least 1, not \"0\"."},
        judged{make_field(type::integer, {}, 100000), "100001",
               "it takes a whole number of at most 100000, not \"100001\"."},

        judged{seconds, "0.1", ""}, judged{seconds, "600", ""}, judged{seconds, "1e2", ""},
        judged{seconds, "0.05", "it takes a number from 0.1 to 600 s, not \"0.05\"."},
        judged{seconds, "10s", "it takes a number from 0.1 to 600 s, not \"10s\"."},
        judged{seconds, "nan", "it takes a number from 0.1 to 600 s, not \"nan\"."},
        judged{seconds, "inf", "it takes a number from 0.1 to 600 s, not \"inf\"."},
        judged{seconds, "1,5", "it takes a number from 0.1 to 600 s, not \"1,5\"."},
        judged{make_field(type::real), "1e999", "it takes a number, not \"1e999\"."},

        judged{make_field(type::boolean), "true", ""}, judged{make_field(type::boolean), "off", ""},
        judged{make_field(type::boolean), "yes", "it takes true or false, not \"yes\"."},
        judged{make_field(type::boolean), "True", "it takes true or false, not \"True\"."},

        judged{make_field(type::choice), "wss", ""},
        judged{make_field(type::choice), "http", "it takes ws or wss, not \"http\"."},
        judged{make_field(type::choice), "", "it takes ws or wss, not \"\"."},

        judged{make_field(type::text), "", ""}, judged{name, "abcde", ""},
        judged{name, "", "it must not be empty."},
        judged{name, "abcdef", "it must be at most 5 bytes long, not 6."},
        judged{name, "äöü", "it must be at most 5 bytes long, not 6."},
        judged{make_field(type::text, 3), "ab", "it must be at least 3 bytes long."},
        judged{name, "${secret:LONGER}", ""},
        judged{make_field(type::secret, {}, 3), "hunter2", "it must be at most 3 bytes long, not 7."},
        judged{make_field(type::file), "ca.pem", ""}, judged{make_field(type::match), "anything", ""},
        judged{make_field(type::data), "anything", ""}, judged{make_field(type::steps), "", ""},

        // What was written is repeated in one line of bounded length, never cut inside a character.
        judged{port, "a\nb\tc\r", "it takes a whole number from 0 to 65535, not \"a\\nb\\tc\\r\"."},
        judged{port, std::string(59, 'x') + "üü",
               "it takes a whole number from 0 to 65535, not \"" + std::string(59, 'x') + "…\"."}));

TEST(Written, Booleans) {
    for (const std::string_view word : {"true", "on", "1"}) {
        EXPECT_EQ(read_boolean(word), true) << word;
    }
    for (const std::string_view word : {"false", "off", "0"}) {
        EXPECT_EQ(read_boolean(word), false) << word;
    }
    for (const std::string_view word : {"", " true", "TRUE", "2", "no"}) {
        EXPECT_EQ(read_boolean(word), std::nullopt) << word;
    }
}

TEST(Written, TypesHaveOneWordEach) {
    EXPECT_EQ(to_string(type::boolean), "bool");
    EXPECT_EQ(to_string(type::data), "data");
}

} // namespace
