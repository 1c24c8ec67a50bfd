#include "project.hpp"

#include "files.hpp"
#include "host_manifest.hpp"
#include "unit/host_surroundings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace iom::host {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string read_file(const fs::path& file) {
    std::ifstream stream{file};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

// ---- broken samples: each says in comments at its end what is wrong with it -------------------------------

std::vector<fs::path> samples(std::string_view folder) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator{fs::path{IOM_SOURCE_FOLDER} / folder}) {
        if (entry.path().extension() == ".xml") {
            found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

class host_broken_project : public testing::TestWithParam<fs::path> {};

/// A comment is `line:column: ` and the beginning of the sentence.
TEST_P(host_broken_project, is_refused_as_its_comments_say) {
    const auto text = read_file(GetParam());
    std::vector<std::string> expected;
    static constexpr std::string_view begin = "\n<!-- ";
    for (auto at = text.find(begin); at != text.npos; at = text.find(begin, at)) {
        at += begin.size();
        expected.push_back(text.substr(at, text.find(" -->\n", at) - at));
    }
    ASSERT_FALSE(expected.empty());

    fake_surroundings around;
    std::vector<manifest::mistake> mistakes;
    EXPECT_EQ(read_project(GetParam(), around, mistakes), nullptr);
    std::vector<std::string> found;
    for (const auto& one : mistakes) {
        found.push_back(manifest::to_string(one).substr(GetParam().string().size() + 1));
        EXPECT_EQ(found.back().back(), '.') << found.back();
    }
    for (std::size_t at = 0; at < std::min(found.size(), expected.size()); ++at) {
        EXPECT_EQ(found[at].substr(0, expected[at].size()), expected[at]);
    }
    EXPECT_EQ(found.size(), expected.size());
}

INSTANTIATE_TEST_SUITE_P(samples, host_broken_project, testing::ValuesIn(samples("test/projects/broken")),
                         [](const auto& each) {
                             auto name = each.param.stem().string();
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

TEST(host_project, examples_are_clean) {
    for (const auto& file : samples("examples")) {
        fake_surroundings around;
        std::vector<manifest::mistake> mistakes;
        EXPECT_NE(read_project(file, around, mistakes), nullptr) << file;
        for (const auto& one : mistakes) {
            ADD_FAILURE() << manifest::to_string(one);
        }
    }
}

// ---- whole projects
// ----------------------------------------------------------------------------------------

struct loaded {
    fake_surroundings around;
    std::vector<manifest::mistake> mistakes;
    std::shared_ptr<const project> whole;

    [[nodiscard]] std::vector<std::string> sentences() const {
        std::vector<std::string> all;
        for (const auto& one : mistakes) {
            all.push_back(manifest::to_string(one));
        }
        return all;
    }
};

std::unique_ptr<loaded> load(std::string_view xml, const fs::path& file = "p.xml") {
    auto made = std::make_unique<loaded>();
    made->whole = parse_project(xml, file, made->around, made->mistakes);
    return made;
}

std::string with_instance(std::string_view settings, std::string_view rest = {}) {
    return R"(<project name="P"><instance name="press" module="websocket-client"><set name="hostname">127.0.0.1</set>)" +
           std::string{settings} + "</instance>" + std::string{rest} + "</project>";
}

/// id=value for each, in order.
std::string settings_text(loaded& from, std::uint32_t instance = 0) {
    std::vector<manifest::mistake> mistakes;
    std::string all;
    for (const auto& one : settings_of(*from.whole, instance, from.around, mistakes)) {
        const auto& module = *from.whole->modules[from.whole->instances[instance].module];
        const auto what = std::find_if(module.settings.begin(), module.settings.end(),
                                       [&](const auto& known) { return known.number == one.number; });
        all += (all.empty() ? "" : "; ") + what->id + "=" +
               (one.what.kind == value_kind::bytes ? "bytes:" : "") +
               (one.test ? "match" : to_text(one.what.view())) + (one.secret ? " (secret)" : "");
    }
    EXPECT_TRUE(mistakes.empty());
    return all;
}

TEST(host_project, settings_become_values) {
    const auto from = load(R"(<project name="Line 3">
      <defaults module="websocket-client">
        <set name="port">1</set><set name="protocol">wss</set>
        <set name="headers"><item>X-A: 1</item></set><set name="auto-reconnect">off</set>
        <set name="ready-match"><match>ready</match></set>
      </defaults>
      <instance name="one" module="websocket-client">
        <set name="hostname">${env:IOM_SITE}.example.org</set>
        <set name="port"> ${secret:port} </set>
        <set name="ping-interval">2.5</set>
        <set name="bearer-token">${secret:pin}</set>
        <set name="headers"><item>X-B: ${seq}</item><item>X-C: 3</item></set>
        <set name="greeting"><send>LOGIN ${secret:pin}</send><send encoding="hex">01 fF</send>
          <send encoding="base64">/w==</send><await><match as="x">OK</match></await><await/></set>
        <set name="message-delimiter">${char:1e}</set>
      </instance>
      <instance name="two" module="websocket-client"><set name="hostname">b</set><set name="headers"/>
        <set name="ready-match"/></instance>
    </project>)");
    ASSERT_NE(from->whole, nullptr) << testing::PrintToString(from->sentences());
    EXPECT_EQ(from->whole->name, "Line 3");
    EXPECT_EQ(settings_text(*from),
              "hostname=north.example.org (secret); port=9001 (secret); ping-interval=2.5; "
              "bearer-token=${secret:pin} (secret); headers=X-B: ${seq}; headers=X-C: 3; "
              "greeting=LOGIN ${secret:pin} (secret); greeting=bytes:01ff; greeting=bytes:ff; "
              "greeting=match; greeting=match; "
              "message-delimiter=${char:1e}; protocol=wss; auto-reconnect=false; ready-match=match");
    EXPECT_EQ(settings_text(*from, 1), "hostname=b; port=1; protocol=wss; auto-reconnect=false");
    EXPECT_THAT(from->whole->instances[0].session_names, testing::ElementsAre("x"));
}

TEST(host_project, a_secret_is_judged_as_what_it_holds) {
    const auto from = load(with_instance(R"(<set name="port">${secret:pin}0000</set>)"));
    EXPECT_THAT(from->sentences(),
                testing::ElementsAre(HasSubstr("port takes a whole number from 0 to 65535")));

    auto good = load(with_instance(R"(<set name="port">${secret:port}</set>)"));
    ASSERT_NE(good->whole, nullptr);
    good->around.secrets.erase("port");
    std::vector<manifest::mistake> mistakes;
    settings_of(*good->whole, 0, good->around, mistakes);
    ASSERT_EQ(mistakes.size(), 1u);
    EXPECT_THAT(mistakes.front().sentence, HasSubstr("no secret \"port\" any more"));
}

TEST(host_project, warnings_do_not_refuse) {
    const struct {
        std::string_view settings;
        std::string_view rest;
        std::string_view piece; // empty: no warning
    } cases[] = {
        {"", R"(<rule name="r"><on trigger="press/disconnected"/><do action="press/connect"/></rule>)",
         "Connect on Disconnected"},
        {"", R"(<rule name="r"><on trigger="*/disconnected"/><do action="this/connect" after="5s"/></rule>)",
         "Connect on Disconnected"},
        {R"(<set name="auto-reconnect">false</set>)",
         R"(<rule name="r"><on trigger="press/disconnected"/><do action="press/connect"/></rule>)", ""},
        {"",
         R"(<rule name="r"><on trigger="press/credentials-rejected"/><do action="press/connect"/></rule>)",
         ""},
        {R"(<set name="ping-interval">51</set>)", "", "more than 50 s"},
        {R"(<set name="ping-interval">50</set>)", "", ""},
        {"",
         R"(<rule name="r"><on trigger="press/disconnected"/><do action="host/fire"><arg name="rule">s</arg></do></rule>)"
         R"(<rule name="s"><do action="press/connect"/></rule>)",
         "Connect on Disconnected"},
        {R"(<set name="connect-at-startup">false</set>)", "", "nothing connects press"},
        {R"(<set name="connect-at-startup">false</set>)",
         R"(<rule name="r"><on trigger="host/startup"/><do action="press/connect"/></rule>)", ""},
        {R"(<set name="fault-retry">0</set>)", "", "stays down for good"},
        {R"(<set name="fault-retry">0</set>)",
         R"(<rule name="r"><on trigger="press/faulted"/><do action="press/connect" after="1h"/></rule>)", ""},
        {R"(<set name="ping-interval">51</set><set name="send-keep-alive">false</set>)", "",
         "server that hangs is never noticed"},
        {R"(<set name="send-keep-alive">false</set><set name="silence-timeout">30</set>)", "", ""},
        {R"(<set name="send-keep-alive">false</set><set name="heartbeat-message">hi</set><set name="heartbeat-interval">51</set>)",
         "", "more than 50 s"},
        {R"(<set name="heartbeat-interval">5</set>)", "", "no heartbeat-message"},
        {R"(<set name="heartbeat-match"><match>pong</match></set>)", "", "no heartbeat-message"},
        {R"(<set name="farewell-match"><match>bye</match></set>)", "", "no farewell"},
        {R"(<set name="farewell"><item>bye</item></set><set name="farewell-match"><match>bye</match></set>)",
         "", ""},
        {R"(<set name="queue-messages">5</set>)", "", "nothing is queued"},
        {R"(<set name="queue-messages">5</set><set name="offline-policy">queue</set>)", "", ""},
        {R"(<set name="queue-ttl">2</set><set name="offline-policy">queue</set>)", "", "first retry"},
        {R"(<set name="queue-ttl">0</set><set name="offline-policy">queue</set>)", "", ""},
        {R"(<set name="reconnect-max">0.2</set>)", "", "never slow down"},
        {R"(<set name="stable-after">0</set><set name="reconnect-first-max">0</set>)", "", "without a pause"},
        {R"(<set name="tls-min">1.3</set>)", "", "no effect on ws"},
        {R"(<set name="bearer-token">x</set><set name="username">x</set>)", "", "not used"},
        {R"(<set name="password">x</set>)", "", "not used"},
        {"",
         R"(<rule name="r"><on trigger="host/startup"/><do action="host/http"><arg name="url">http://a/</arg>)"
         R"(<arg name="headers">Authorization: x</arg></do></rule>)",
         "go over http"},
        {"",
         R"(<rule name="r"><on trigger="host/startup"/><do action="host/http"><arg name="url">http://a/${secret:pin}</arg></do></rule>)",
         "go over http"},
        {"",
         R"(<rule name="r"><on trigger="host/startup"/><do action="host/http"><arg name="url">https://a/${secret:pin}</arg></do></rule>)",
         ""},
        {"",
         R"(<rule name="r"><on trigger="host/startup"/><do action="host/http"><arg name="url">https://a/</arg>)"
         R"(<arg name="tls-verify">false</arg></do></rule>)",
         "not verified"},
        {R"(<set name="bearer-token">x</set>)", "", ""}, // on loopback
        {R"(<set name="heartbeat-message">hi</set>)", "", "never sent"},
        {R"(<set name="protocol">wss</set><set name="tls-verify">false</set>)", "", "not verified"},
        {"", R"(<rule name="r"><do action="press/ping"/></rule>)", "nothing fires this rule"},
        {"",
         R"(<rule name="r"><on trigger="press/message-received"/><do action="press/send-message">)"
         R"(<arg name="message">{"m":"${message}"}</arg></do></rule>)",
         "${message|json}"},
        {R"(<set name="heartbeat-message">{"at":"${now}"}</set><set name="heartbeat-interval">5</set>)", "",
         ""},
        {"", R"(<rule name="r"><on trigger="press/message-received"><match>${x}</match></on></rule>)",
         "taken literally"},
    };
    for (const auto& [settings, rest, piece] : cases) {
        SCOPED_TRACE(std::string{settings} + std::string{rest});
        const auto from = load(with_instance(settings, rest));
        EXPECT_NE(from->whole, nullptr);
        if (piece.empty()) {
            EXPECT_THAT(from->sentences(), testing::IsEmpty());
        } else {
            EXPECT_THAT(from->sentences(), testing::ElementsAre(HasSubstr(piece)));
            EXPECT_THAT(from->sentences(), testing::Each(HasSubstr("warning")));
        }
    }
}

TEST(host_project, credentials_over_plain_ws) {
    const struct {
        std::string_view host;
        std::string_view settings;
        bool warned;
    } cases[] = {
        {"example.org", R"(<set name="bearer-token">x</set>)", true},
        {"10.0.0.1", R"(<set name="username">x</set><set name="password">${secret:pin}</set>)", true},
        {"10.0.0.1", R"(<set name="headers"><item>authorization: x</item></set>)", true},
        {"10.0.0.1", R"(<set name="headers"><item>X-Key: ${secret:pin}</item></set>)", true},
        {"10.0.0.1", R"(<set name="headers"><item>X-Key: 1</item></set>)", false},
        {"10.0.0.1", R"(<set name="path">/in?key=${secret:pin}</set>)", true},
        {"10.0.0.1", R"(<set name="greeting"><send>{"pin":"${secret:pin|json}"}</send></set>)", true},
        {"example.org", R"(<set name="bearer-token">x</set><set name="protocol">wss</set>)", false},
        {"localhost", R"(<set name="bearer-token">x</set>)", false},
        {"127.1.2.3", R"(<set name="bearer-token">x</set>)", false},
        {"::1", R"(<set name="bearer-token">x</set>)", false},
    };
    for (const auto& [host, settings, warned] : cases) {
        SCOPED_TRACE(std::string{host} + std::string{settings});
        const auto from =
            load(R"(<project name="P"><instance name="i" module="websocket-client"><set name="hostname">)" +
                 std::string{host} + "</set>" + std::string{settings} + "</instance></project>");
        EXPECT_NE(from->whole, nullptr);
        EXPECT_EQ(from->sentences().size(), warned ? 1u : 0u);
    }
}

TEST(host_project, a_token_for_connect_over_plain_ws) {
    for (const auto& [host, warned] : {std::pair{"example.org", 1U}, std::pair{"127.0.0.1", 0U}}) {
        const auto from = load(
            R"(<project name="P"><instance name="i" module="websocket-client"><set name="hostname">)" +
            std::string{host} +
            R"(</set></instance><rule name="r"><on trigger="i/credentials-rejected"/><do action="i/connect">)"
            R"(<arg name="bearer-token">t</arg></do></rule></project>)");
        EXPECT_NE(from->whole, nullptr);
        EXPECT_EQ(from->sentences().size(), warned) << host;
    }
}

TEST(host_project, delays_break_a_circle) {
    const auto from = load(with_instance("", R"(
        <rule name="tick"><on trigger="host/startup"/><do action="host/fire" after="1s"><arg name="rule">tock</arg></do></rule>
        <rule name="tock"><do action="host/fire"><arg name="rule">tick</arg></do></rule>)"));
    EXPECT_NE(from->whole, nullptr);
    EXPECT_THAT(from->sentences(), testing::IsEmpty());
}

TEST(host_project, rules_come_with_numbers_instead_of_names) {
    const auto from = load(with_instance("", R"(
      <instance name="other" module="websocket-client"><set name="hostname">b</set></instance>
      <rule name="r" stop="true" enabled="false">
        <on trigger="*/message-received"><match kind="regex" debounce="250ms" at-most="3">(?P&lt;a>x)(y)</match></on>
        <on trigger="other/reply-received"><match kind="json" pointer="/a" as="a"/></on>
        <do action="this/send-message" after="2s"><arg name="message">${a} ${message}</arg></do>
      </rule>)"));
    ASSERT_NE(from->whole, nullptr) << testing::PrintToString(from->sentences());
    const auto& rule = from->whole->rules.rules.front();
    EXPECT_TRUE(rule.stop);
    EXPECT_FALSE(rule.enabled);
    EXPECT_FALSE(rule.by_itself);
    ASSERT_EQ(rule.listens.size(), 2u);
    EXPECT_EQ(rule.listens[0].instance, any_instance);
    EXPECT_EQ(rule.listens[0].trigger, 4u);
    EXPECT_EQ(rule.listens[0].tested, 0u);
    EXPECT_EQ(rule.listens[0].gate.debounce, 250'000);
    EXPECT_EQ(rule.listens[0].gate.at_most, 3u);
    EXPECT_EQ(rule.listens[1].instance, 1u);
    EXPECT_EQ(rule.listens[1].tested, 1u);
    EXPECT_THAT(rule.names, testing::ElementsAre("a", "message"));
    EXPECT_TRUE(rule.listens[0].positions[0].captured);
    EXPECT_EQ(rule.listens[0].positions[1].index, 0u);
    EXPECT_EQ(rule.listens[1].positions[1].index, 1u);
    EXPECT_EQ(rule.acts.front().after, 2'000'000);
    EXPECT_EQ(rule.acts.front().instance, this_instance);
}

TEST(host_project, instances_of_several_modules) {
    auto other = std::make_shared<manifest::module_manifest>(*fake_surroundings::websocket_client());
    other->id = "other";
    for (auto& action : other->actions) {
        action.number += 100;
    }
    std::reverse(other->statuses.begin(), other->statuses.end());
    fake_surroundings around;
    around.others["other"] = other;
    const auto read = [&](std::string_view rule) {
        std::vector<manifest::mistake> mistakes;
        auto made = parse_project(
            R"(<project name="P"><instance name="a" module="websocket-client"><set name="hostname">h</set></instance>
            <instance name="b" module="other"><set name="hostname">h</set></instance><rule name="r">)" +
                std::string{rule} + "</rule></project>",
            "p.xml", around, mistakes);
        return std::pair{made, mistakes.empty() ? "" : mistakes.front().sentence};
    };
    const auto [good, none] = read(R"(<on trigger="*/message-received"/><do action="this/ping"/>)");
    ASSERT_NE(good, nullptr) << none;
    EXPECT_EQ(good->rules.rules[0].listens.size(), 2u);
    ASSERT_EQ(good->rules.rules[0].acts[0].targets.size(), 2u);
    EXPECT_EQ(good->rules.rules[0].acts[0].targets[1].what->number, 106u);
    const auto [bad, why] = read(R"(<on trigger="*/ready"/><when status="this/attempt" is="1"/>)");
    EXPECT_EQ(bad, nullptr);
    EXPECT_THAT(why, HasSubstr("different modules"));
}

TEST(host_project, tells_what_a_reload_changed) {
    const auto read = [](std::string_view settings) { return load(with_instance(settings)); };
    const auto before = read(R"(<set name="port">1</set><set name="ready-match"><match>a</match></set>)");
    const std::pair<std::string_view, bool> cases[] = {
        {R"(<set name="port">1</set><set name="ready-match"><match>a</match></set>)", true},
        {R"(<set name="port">2</set><set name="ready-match"><match>a</match></set>)", false},
        {R"(<set name="port">1</set><set name="ready-match"><match>b</match></set>)", false},
        {R"(<set name="port">1</set><set name="ready-match"><match kind="prefix">a</match></set>)", false},
        {R"(<set name="port">1</set>)", false},
    };
    for (const auto& [settings, same] : cases) {
        const auto after = read(settings);
        ASSERT_NE(after->whole, nullptr);
        EXPECT_EQ(same_instance(*before->whole, 0, *after->whole, 0), same) << settings;
    }
}

TEST(host_project, huge_files_are_refused_quickly) {
    const auto many = load("<project name=\"P\">" + std::string(5'000'000, ' ') + "</project>");
    EXPECT_EQ(many->whole, nullptr);
    EXPECT_EQ(many->mistakes.size(), 1u);

    std::string wrong = "<project name=\"P\">";
    for (int at = 0; at < 20'000; ++at) {
        wrong += "<oops/>\n";
    }
    const auto told = load(wrong + "</project>");
    EXPECT_EQ(told->mistakes.size(), 100u);
    EXPECT_THAT(told->mistakes.back().sentence, HasSubstr("19901 more mistakes"));

    std::string chain = "<project name=\"P\">";
    for (int at = 0; at < 5'000; ++at) {
        chain += "<rule name=\"" + std::to_string(at) + "\"><do action=\"host/fire\"><arg name=\"rule\">" +
                 std::to_string((at + 1) % 5'000) + "</arg></do></rule>";
    }
    EXPECT_EQ(load(chain + "</project>")->mistakes.size(), 1u);
}

// ---- files
// -------------------------------------------------------------------------------------------------

class host_files : public testing::Test {
protected:
    host_files() {
        fs::create_directories(root_ / "project/files/certs");
        fs::create_directories(root_ / "shared");
        write("project/files/ca.pem");
        write("project/files/certs/key.pem");
        write("shared/more.pem");
        write("outside.pem");
        fs::create_symlink(root_ / "outside.pem", root_ / "project/files/way-out.pem");
        fs::create_symlink("ca.pem", root_ / "project/files/inside.pem");
        fs::create_symlink(root_, root_ / "project/files/up");
    }
    ~host_files() override {
        std::error_code ignored;
        fs::remove_all(root_, ignored);
    }

    void write(const fs::path& file) const { std::ofstream{root_ / file} << "x"; }

    fs::path root_ = fs::canonical(fs::temp_directory_path()) / ("iom-files-" + std::to_string(getpid()));
};

TEST_F(host_files, are_found_only_below_their_folders) {
    const std::vector<fs::path> folders{root_ / "project/files", root_ / "shared"};
    const struct {
        std::string written;
        std::string found; // empty: refused
        std::string_view piece;
    } cases[] = {
        {"ca.pem", "project/files/ca.pem", ""},
        {"files/ca.pem", "project/files/ca.pem", ""},
        {"./ca.pem", "project/files/ca.pem", ""},
        {"certs/key.pem", "project/files/certs/key.pem", ""},
        {"inside.pem", "project/files/ca.pem", ""},
        {"more.pem", "shared/more.pem", ""},
        {(root_ / "shared/more.pem").string(), "shared/more.pem", ""},
        {(root_ / "project/files/ca.pem").string(), "project/files/ca.pem", ""},
        {"none.pem", "", "there is no file"},
        {"certs", "", "is no file"},
        {"../files/ca.pem", "", "leads upwards"},
        {"certs/../ca.pem", "", "leads upwards"},
        {"way-out.pem", "", "leads out of"},
        {"up/outside.pem", "", "leads out of"},
        {(root_ / "outside.pem").string(), "", "there is no file"},
        {(root_ / "project/files/way-out.pem").string(), "", "there is no file"},
        {std::string{"ca.pem\0x", 8}, "", "leads upwards"},
    };
    for (const auto& [written, expected, piece] : cases) {
        SCOPED_TRACE(written);
        std::string why;
        const auto found = find_file(written, folders, why);
        ASSERT_EQ(found.has_value(), !expected.empty()) << why;
        if (found) {
            EXPECT_EQ(*found, root_ / expected);
        } else {
            EXPECT_THAT(why, HasSubstr(piece));
        }
    }
}

TEST_F(host_files, reach_the_module_as_absolute_paths) {
    auto from = load(with_instance(R"(<set name="tls-ca">ca.pem</set><set name="tls-key"/>)"),
                     root_ / "project/p.xml");
    ASSERT_NE(from->whole, nullptr) << testing::PrintToString(from->sentences());
    EXPECT_EQ(settings_text(*from),
              "hostname=127.0.0.1; tls-ca=" + (root_ / "project/files/ca.pem").string() + "; tls-key=");
}

} // namespace
} // namespace iom::host
