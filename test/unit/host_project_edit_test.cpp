#include "project_edit.hpp"

#include "project.hpp"
#include "project_mentions.hpp"
#include "unit/host_surroundings.hpp"
#include "xml_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iom::host {
namespace {

namespace fs = std::filesystem;
using manifest::element;
using testing::ElementsAre;
using testing::HasSubstr;

std::string read_file(const fs::path& file) {
    std::ifstream stream{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

const manifest_lookup modules = [](std::string_view id) {
    return id == "websocket-client" ? fake_surroundings::websocket_client().get() : nullptr;
};

element parsed(std::string_view xml) {
    std::vector<manifest::mistake> mistakes;
    auto root = manifest::parse_xml(xml, "p.xml", mistakes);
    for (const auto& one : mistakes)
        ADD_FAILURE() << manifest::to_string(one) << "\n" << xml;
    return root;
}

std::string done(const edit& made) {
    EXPECT_TRUE(made.done()) << made.sentence;
    return made.text;
}

// ---- what stays and what changes -------------------------------------------------------------------------

constexpr std::string_view sample = R"(<?xml version="1.0" encoding="UTF-8"?>
<!-- Above all. -->
<project name='Line 3'>
	<!-- the press -->
	<instance module="websocket-client"   name='press'> <!-- beside -->
		<set name="hostname">127.0.0.1</set>
		<!-- a port
		     of two lines -->
		<set name='port' ><!-- inside -->9001</set>
		<set name="headers">
			<item>X-A: 1</item>
			<!-- between -->
			<item><![CDATA[X-B: <2>]]></item>
		</set>
		<set name="greeting">
			<send>hello ${press/attempt} ${secret:pin}</send>
			<await><match kind="regex">(?P&lt;who>.+)</match></await>
		</set>
	</instance>

	<rule name="one"><on trigger="press/ready"/>
		<!-- why -->
		<do action="press/send-message"><arg name="message">&#36;{press/attempt|json} $${press/attempt}</arg></do>
	</rule> <!-- behind one -->
	<!-- above two -->
	<rule name="two" enabled="off">
		<on trigger="*/message-received"/>
		<when status="press/connection-status" is="ready"/>
		<when value="instance" is-not="press"/>
		<when value="press/attempt" less="3"/>
		<do action="this/ping"/>
	</rule>
	<rule name="three"><on trigger="host/startup"/><do action="host/fire"><arg name="rule"> one </arg></do></rule>
</project>
<!-- Below all. -->
)";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    EXPECT_NE(at, text.npos) << from;
    return at == text.npos ? text : text.replace(at, from.size(), to);
}

values_draft press_settings() {
    return read_instance(parsed(sample).children.front(), modules).settings;
}

value_draft& value_of(values_draft& all, std::string_view id) {
    return std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.first == id; })->second;
}

TEST(host_project_edit, saving_what_is_there_changes_no_byte) {
    EXPECT_EQ(done(save_settings(sample, "press", press_settings(), modules)), sample);
    for (const auto& rule : read_rule_drafts(parsed(sample)))
        EXPECT_EQ(done(save_rule(sample, rule.name, rule)), sample);
}

TEST(host_project_edit, a_value_changes_and_nothing_else) {
    auto settings = press_settings();
    value_of(settings, "port") = std::string{"9002"};
    EXPECT_EQ(done(save_settings(sample, "press", settings, modules)),
              replaced(std::string{sample}, ">9001<", ">9002<"));

    settings = press_settings();
    value_of(settings, "headers") = std::vector<std::string>{"X-A: 1", "X-B: <2>", "X-C: \"&\""};
    EXPECT_EQ(
        done(save_settings(sample, "press", settings, modules)),
        replaced(std::string{sample}, "]]></item>\n", "]]></item>\n\t\t\t<item>X-C: \"&amp;\"</item>\n"));

    settings = press_settings();
    value_of(settings, "headers") = std::vector<std::string>{"X-B: <2>"};
    EXPECT_EQ(done(save_settings(sample, "press", settings, modules)),
              replaced(std::string{sample}, "\t\t\t<item>X-A: 1</item>\n", ""));
}

TEST(host_project_edit, settings_come_and_go_with_their_lines) {
    using change = std::pair<std::string, std::optional<value_draft>>;
    const std::vector<change> add{{"path", value_draft{std::string{"/a?b&c"}}}};
    EXPECT_EQ(done(change_settings(sample, "press", add, modules)),
              replaced(std::string{sample}, "\t\t</set>\n\t</instance>",
                       "\t\t</set>\n\t\t<set name=\"path\">/a?b&amp;c</set>\n\t</instance>"));
    const std::vector<change> remove{{"port", std::nullopt}};
    EXPECT_EQ(done(change_settings(sample, "press", remove, modules)),
              replaced(std::string{sample}, "\t\t<set name='port' ><!-- inside -->9001</set>\n", ""));
    match_draft bound;
    bound.kind = "json";
    bound.text = "bound";
    bound.pointer = "/type";
    bound.op = "=";
    const std::vector<change> match{{"ready-match", value_draft{std::vector<match_draft>{bound}}}};
    EXPECT_THAT(done(change_settings(sample, "press", match, modules)),
                HasSubstr("\n\t\t<set name=\"ready-match\"><match kind=\"json\" pointer=\"/type\" "
                          "op=\"=\">bound</match></set>\n"));
}

TEST(host_project_edit, kept_values_stay_as_they_are_written) {
    auto settings = press_settings();
    for (auto& [id, value] : settings)
        value = kept_value{};
    settings.emplace_back("password", kept_value{});
    EXPECT_EQ(done(save_settings(sample, "press", settings, modules)), sample);
}

TEST(host_project_edit, another_kind_of_value_keeps_the_comments) {
    const std::string before = R"(<project name="P"><instance name="i" module="websocket-client">
  <set name="headers"><!-- one -->X: 1</set>
</instance></project>)";
    using change = std::pair<std::string, std::optional<value_draft>>;
    const std::vector<change> list{{"headers", value_draft{std::vector<std::string>{"X: 1", "Y: 2"}}}};
    const auto text = done(change_settings(before, "i", list, modules));
    EXPECT_THAT(text, HasSubstr("<!-- one -->"));
    EXPECT_EQ(std::get<std::vector<std::string>>(read_instances(parsed(text), modules)[0].settings[0].second),
              (std::vector<std::string>{"X: 1", "Y: 2"}));
    const std::vector<change> none{{"headers", value_draft{std::vector<std::string>{}}}};
    EXPECT_THAT(done(change_settings(text, "i", none, modules)), HasSubstr("<!-- one -->"));
}

TEST(host_project_edit, renaming_is_followed_everywhere) {
    const auto made = rename_instance(sample, "press", "punch-2");
    auto expected = std::string{sample};
    expected = replaced(expected, "name='press'", "name='punch-2'");
    expected = replaced(expected, "hello ${press/attempt}", "hello ${punch-2/attempt}");
    expected = replaced(expected, "trigger=\"press/ready\"", "trigger=\"punch-2/ready\"");
    expected = replaced(expected, "action=\"press/", "action=\"punch-2/");
    expected = replaced(expected, "&#36;{press/", "&#36;{punch-2/");
    expected = replaced(expected, "status=\"press/", "status=\"punch-2/");
    expected = replaced(expected, "is-not=\"press\"", "is-not=\"punch-2\"");
    expected = replaced(expected, "value=\"press/", "value=\"punch-2/");
    EXPECT_EQ(done(made), expected);
    EXPECT_THAT(made.rules, ElementsAre("one", "two"));
    EXPECT_THAT(made.instances, ElementsAre("press"));
    EXPECT_EQ(done(rename_instance(done(made), "punch-2", "press")), sample);
}

TEST(host_project_edit, names_are_found_however_they_are_written) {
    const std::string odd = "<project name=\"P\"><instance name=\"a\" module=\"websocket-client\">"
                            "<set name=\"hostname\">h</set></instance><rule name=\"r\">"
                            "<on trigger=\"&#97;/ready\"/><do action=\"host/log\"><arg name=\"message\">"
                            "$<!-- c -->{<![CDATA[a]]>/attempt}</arg></do></rule></project>";
    const auto text = done(rename_instance(odd, "a", "bb"));
    EXPECT_THAT(text, HasSubstr("trigger=\"bb/ready\""));
    EXPECT_THAT(text, HasSubstr("$<!-- c -->{<![CDATA[bb]]>/attempt}"));
}

TEST(host_project_edit, rules_follow_the_name_of_a_rule) {
    auto one = read_rule_drafts(parsed(sample))[0];
    one.name = "un & deux";
    const auto made = save_rule(sample, "one", one);
    auto expected = replaced(std::string{sample}, "rule name=\"one\"", "rule name=\"un &amp; deux\"");
    expected = replaced(expected, "> one <", "> un &amp; deux <");
    EXPECT_EQ(done(made), expected);
    EXPECT_THAT(made.rules, ElementsAre("three"));

    const auto in_cdata = replaced(std::string{sample}, "> one <", "><![CDATA[one]]><");
    one.name = "<a> ]]> 'b' \"c\"";
    EXPECT_THAT(done(save_rule(in_cdata, "one", one)),
                HasSubstr("<![CDATA[<a> ]]]]><![CDATA[> 'b' \"c\"]]>"));
    const auto failing =
        replaced(std::string{sample}, "<rule name=\"three\"><on trigger=\"host/startup\"/>",
                 "<rule name=\"three\"><on trigger=\"host/action-failed\"/><when value='rule' is='one'/>");
    const auto rules = read_rule_drafts(parsed(done(save_rule(failing, "one", one))));
    EXPECT_EQ(rules[2].when[0].is, one.name);
    EXPECT_EQ(std::get<std::string>(rules[2].act[0].arguments[0].second), " " + one.name + " ");
}

TEST(host_project_edit, a_rule_changes_where_it_was_changed) {
    auto one = read_rule_drafts(parsed(sample))[0];
    one.act[0].arguments[0].second = std::string{"3 < 4"};
    one.act.push_back({"this/ping", "2s", {}});
    auto expected = replaced(std::string{sample}, "&#36;{press/attempt|json} $${press/attempt}", "3 &lt; 4");
    expected = replaced(expected, "</do>\n\t</rule> <!--",
                        "</do>\n\t\t<do action=\"this/ping\" after=\"2s\"/>\n\t</rule> <!--");
    EXPECT_EQ(done(save_rule(sample, "one", one)), expected);

    auto two = read_rule_drafts(parsed(sample))[1];
    two.enabled = true;
    two.stop = true;
    two.when.erase(two.when.begin() + 1);
    two.on[0].match.push_back({});
    expected = replaced(std::string{sample}, "name=\"two\" enabled=\"off\"", "name=\"two\" stop=\"true\"");
    expected = replaced(expected, "\t\t<when value=\"instance\" is-not=\"press\"/>\n", "");
    expected = replaced(expected, "message-received\"/>", "message-received\"><match/></on>");
    EXPECT_EQ(done(save_rule(sample, "two", two)), expected);
}

TEST(host_project_edit, arguments_that_are_kept_stay_with_their_action) {
    const std::string xml = R"(<project name="P"><rule name="r"><on trigger="host/startup"/>
<do action="a/connect"><arg name="bearer-token">${secret:one}</arg></do>
<do action="b/connect"><arg name="bearer-token"><!-- c -->two</arg></do>
</rule></project>)";
    auto rule = read_rule_drafts(parsed(xml))[0];
    for (auto& act : rule.act)
        act.arguments[0].second = kept_value{};
    EXPECT_EQ(done(save_rule(xml, "r", rule)), xml);
    std::swap(rule.act[0], rule.act[1]);
    const auto now = read_rule_drafts(parsed(done(save_rule(xml, "r", rule))))[0];
    EXPECT_EQ(now.act[0].action, "b/connect");
    EXPECT_EQ(std::get<std::string>(now.act[0].arguments[0].second), "two");
    EXPECT_EQ(std::get<std::string>(now.act[1].arguments[0].second), "${secret:one}");
    // A new one has nothing to keep.
    rule.act[0].action = "c/connect";
    EXPECT_TRUE(read_rule_drafts(parsed(done(save_rule(xml, "r", rule))))[0].act[0].arguments.empty());
}

TEST(host_project_edit, what_is_needed_is_not_removed) {
    auto made = remove_instance(sample, "press", false);
    EXPECT_EQ(made.why, edit::refusal::used);
    EXPECT_THAT(made.rules, ElementsAre("one", "two"));
    EXPECT_THAT(made.sentence, HasSubstr("the rule \"one\" and the rule \"two\""));
    made = remove_rule(sample, "one");
    EXPECT_EQ(made.why, edit::refusal::used);
    EXPECT_THAT(made.rules, ElementsAre("three"));
    EXPECT_EQ(remove_instance(sample, "none", false).why, edit::refusal::not_found);

    const auto bare = done(remove_instance(sample, "press", true));
    const auto root = parsed(bare);
    EXPECT_EQ(root.children.size(), 1u);
    for (const auto* comment : {"Above all", "the press", "behind one", "above two", "Below all"})
        EXPECT_THAT(bare, HasSubstr(comment));
}

TEST(host_project_edit, variables_in_use_stay) {
    const std::string xml = R"(<project name="P">
  <variable name="a" type="int"/>
  <variable name="b" type="text" value="x"/>
  <instance name="i" module="websocket-client">
    <set name="hostname">h</set>
    <set name="heartbeat-message">${host/b}</set>
  </instance>
  <rule name="r"><on trigger="i/ready"/><when variable="a" is="1"/></rule>
</project>)";
    EXPECT_THAT(remove_variable(xml, "a").rules, ElementsAre("r"));
    EXPECT_THAT(remove_variable(xml, "b").instances, ElementsAre("i"));
    EXPECT_EQ(done(save_variable(xml, {"a", "int", "0"})), xml);
    EXPECT_EQ(done(save_variable(xml, {"b", "text", "y"})), replaced(xml, "value=\"x\"", "value=\"y\""));
    const auto more = done(save_variable(xml, {"c", "bool", "true"}));
    EXPECT_EQ(more, replaced(xml, "value=\"x\"/>\n",
                             "value=\"x\"/>\n  <variable name=\"c\" type=\"bool\" value=\"true\"/>\n"));
    EXPECT_EQ(done(remove_variable(more, "c")), xml);
}

TEST(host_project_edit, the_first_of_a_kind_finds_its_place) {
    const instance_draft instance{"a", "websocket-client", {{"hostname", std::string{"h"}}}};
    const std::string_view layouts[] = {"<project name=\"P\"/>", "<project name=\"P\" ></project>",
                                        "<project name=\"P\">\n</project>"};
    for (const auto empty : layouts) {
        SCOPED_TRACE(empty);
        const auto text = done(add_instances(empty, {&instance, 1}));
        EXPECT_EQ(read_instances(parsed(text), modules), std::vector{instance});
        EXPECT_THAT(text, HasSubstr("\n  <instance name=\"a\" module=\"websocket-client\">\n    <set"));
        EXPECT_THAT(text, HasSubstr("\n  </instance>\n</project>"));
    }
    const std::string_view rules_only =
        "<project name=\"P\">\r\n    <!-- r -->\r\n    <rule name=\"r\"/>\r\n</project>";
    const auto text = done(add_instances(rules_only, {&instance, 1}));
    EXPECT_EQ(text,
              "<project name=\"P\">\r\n    <instance name=\"a\" module=\"websocket-client\">\r\n        "
              "<set name=\"hostname\">h</set>\r\n    </instance>\r\n    <!-- r -->\r\n    <rule "
              "name=\"r\"/>\r\n</project>");
}

TEST(host_project_edit, rules_move_with_their_comments) {
    const std::vector<std::string> names{"three", "one", "two"};
    const auto text = done(order_rules(sample, names));
    EXPECT_LT(text.find("name=\"three\""), text.find("name=\"one\""));
    EXPECT_LT(text.find("behind one"), text.find("above two"));
    EXPECT_LT(text.find("above two"), text.find("name=\"two\""));
    const std::vector<std::string> back{"one", "two", "three"};
    EXPECT_EQ(done(order_rules(text, back)), sample);

    EXPECT_EQ(order_rules(sample, std::vector<std::string>{"one", "two"}).why, edit::refusal::wrong);
    EXPECT_EQ(order_rules(sample, std::vector<std::string>{"one", "one", "two"}).why,
              edit::refusal::not_found);
}

TEST(host_project_edit, copies_stand_behind_and_speak_of_themselves) {
    const auto text = done(duplicate_instance(sample, "press", "press-2"));
    auto all = read_instances(parsed(text), modules);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[1].name, "press-2");
    EXPECT_THAT(std::get<std::vector<step_draft>>(value_of(all[1].settings, "greeting"))[0].send,
                HasSubstr("${press-2/attempt} ${secret:pin}"));
    EXPECT_EQ(duplicate_instance(text, "press", "press-2").why, edit::refusal::taken);
    EXPECT_EQ(duplicate_instance(text, "press", "host").why, edit::refusal::wrong);

    const auto rules = read_rule_drafts(parsed(done(duplicate_rule(sample, "one", "copy of one"))));
    ASSERT_EQ(rules.size(), 4u);
    EXPECT_EQ(rules[1].name, "copy of one");
    EXPECT_FALSE(rules[1].enabled);

    const auto copied = instance_text(sample, "press");
    ASSERT_TRUE(copied);
    EXPECT_EQ(paste_instance(sample, *copied).why, edit::refusal::taken);
    const auto pasted = done(paste_instance(sample, "<?xml version=\"1.0\"?>\n" + *copied + "\n", "other"));
    EXPECT_EQ(instance_text(done(rename_instance(pasted, "other", "press-3")), "press-3")->size(),
              copied->size() + 4);
    EXPECT_EQ(paste_instance(sample, "<rule name=\"x\"/>").why, edit::refusal::unreadable);
    EXPECT_EQ(paste_instance(sample, "<instance").why, edit::refusal::unreadable);
}

TEST(host_project_edit, rules_are_switched_in_the_file) {
    EXPECT_EQ(done(enable_rule(sample, "one", true)), sample);
    EXPECT_EQ(done(enable_rule(sample, "two", false)), sample);
    EXPECT_EQ(done(enable_rule(sample, "two", true)),
              replaced(std::string{sample}, "enabled=\"off\"", "enabled=\"true\""));
    EXPECT_EQ(done(enable_rule(sample, "one", false)),
              replaced(std::string{sample}, "rule name=\"one\"", "rule name=\"one\" enabled=\"false\""));
}

TEST(host_project_edit, what_XML_cannot_hold_is_refused) {
    auto settings = press_settings();
    value_of(settings, "hostname") = std::string{"a\x01z"};
    auto made = save_settings(sample, "press", settings, modules);
    EXPECT_EQ(made.why, edit::refusal::wrong);
    EXPECT_THAT(made.sentence, HasSubstr("${char:1e}"));
    settings = press_settings();
    settings.emplace_back("port", std::string{"1"});
    EXPECT_EQ(save_settings(sample, "press", settings, modules).why, edit::refusal::wrong);
    EXPECT_EQ(save_settings("<project", "press", {}, modules).why, edit::refusal::unreadable);
    rule_draft rule;
    EXPECT_EQ(add_rule(sample, rule).why, edit::refusal::wrong);
    rule.name = "two";
    EXPECT_EQ(add_rule(sample, rule).why, edit::refusal::taken);
}

TEST(host_project_edit, a_place_in_the_file_is_a_place_in_the_draft) {
    const auto root = parsed(sample);
    const std::function<void(const element&, const std::string&)> check = [&](const element& at,
                                                                              const std::string& pointer) {
        EXPECT_EQ(find_spot(root, at.where).pointer, pointer) << at.name;
    };
    const auto& press = root.children[0];
    EXPECT_EQ(find_spot(root, press.where).name, "press");
    EXPECT_EQ(find_spot(root, press.where).what, spot::part::instance);
    check(press, "");
    check(press.children[1], "/settings/port");
    check(press.children[2].children[1], "/settings/headers/1");
    check(press.children[3].children[1], "/settings/greeting/1");
    check(press.children[3].children[1].children[0], "/settings/greeting/1/await/0");
    const auto& one = root.children[1];
    check(one.children[0], "/on/0");
    check(one.children[1].children[0], "/do/0/arguments/message");
    const auto& two = root.children[2];
    check(two.children[3], "/when/2");
    EXPECT_EQ(find_spot(root, two.children[3].where).name, "two");
    EXPECT_EQ(find_spot(root, manifest::location{"p.xml", 0, 0}).what, spot::part::file);
}

// ---- any edits in any order -----------------------------------------------------------------------------

/// The project as the file says it.
struct model {
    std::vector<instance_draft> instances;
    std::vector<rule_draft> rules;
    std::vector<variable_draft> variables;

    bool operator==(const model&) const = default;

    static model of(std::string_view xml) {
        const auto root = parsed(xml);
        return {read_instances(root, modules), read_rule_drafts(root), read_variables(root)};
    }
};

std::vector<std::string> comments_of(std::string_view xml) {
    std::vector<std::string> found;
    for (std::size_t at = 0; (at = xml.find("<!--", at)) != xml.npos;) {
        const auto end = xml.find("-->", at) + 3;
        found.emplace_back(xml.substr(at, end - at));
        at = end;
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::string without_blanks(std::string_view text) {
    std::string made;
    std::copy_if(text.begin(), text.end(), std::back_inserter(made),
                 [](char c) { return c != ' ' && c != '\t' && c != '\n' && c != '\r'; });
    return made;
}

/// Everything but the named children of the project, and them by kind and name.
std::pair<std::string, std::map<std::string, std::string>> apart(std::string_view xml) {
    const auto root = parsed(xml);
    std::string rest;
    std::map<std::string, std::string> children;
    std::size_t at = 0;
    for (const auto& child : root.children) {
        rest += xml.substr(at, child.source.begin - at);
        at = child.source.end;
        const auto* name = child.attribute(child.name == "defaults" ? "module" : "name");
        children[child.name + " " + *name] = child.source.of(xml);
    }
    rest += xml.substr(at);
    // <project/> and <project></project> are both fine.
    return {without_blanks(rest), children};
}

class random_edits {
public:
    random_edits(std::string text, unsigned seed) : text_(std::move(text)), chance_(seed) {}

    void run(int count) {
        for (int at = 0; at < count && !testing::Test::HasFailure(); ++at)
            step();
    }

    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::size_t below(std::size_t count) {
        return std::uniform_int_distribution<std::size_t>{0, count - 1}(chance_);
    }
    bool maybe() { return below(2) == 0; }

    template <typename list>
    auto& one_of(list& all) {
        return all[below(std::size(all))];
    }

    std::string some_text() {
        static const std::string pieces[] = {
            "a", "<b>", "&",     "\"q\"",   "'",           "]]>",   " ", "\n", "\r",         "\t",
            "ü", "€",   "$${x}", "${uuid}", "<!-- no -->", "&amp;", "𝄞", "--", "${now|json}"};
        std::string made;
        for (auto count = below(5); count-- > 0;)
            made += one_of(pieces);
        return made;
    }

    /// Of a rule: control characters stand in none.
    std::string some_name() {
        std::string made = some_text();
        std::erase_if(made, [](char each) { return static_cast<unsigned char>(each) < 0x20; });
        return "rule " + made + new_name();
    }

    std::string new_name() { return "n" + std::to_string(++names_); }

    match_draft some_match() {
        match_draft made;
        made.text = "x" + some_text();
        if (maybe()) {
            made.kind = "json";
            made.pointer = "/a~1\"b";
            made.op = maybe() ? "<=" : "!=";
            made.text = "3";
            if (maybe())
                made.as = "c" + std::to_string(below(3));
        } else if (maybe()) {
            made.kind = maybe() ? "equals" : "prefix";
        }
        return made;
    }

    std::vector<match_draft> some_matches(std::size_t least) {
        std::vector<match_draft> all;
        for (auto count = below(3) + least; count-- > 0;) {
            auto one = some_match();
            one.as.reset();
            all.push_back(std::move(one));
        }
        return all;
    }

    std::pair<std::string, value_draft> some_setting() {
        switch (below(7)) {
        case 0:
            return {"port", std::to_string(below(65536))};
        case 1:
            return {"path", "/" + std::to_string(below(9)) + "?a=1&b=<2>"};
        case 2: {
            std::vector<std::string> items;
            for (auto count = below(4); count-- > 0;)
                items.push_back("X-" + std::to_string(below(3)) + ": \"<" + std::to_string(below(3)) + ">\"");
            return {"headers", items};
        }
        case 3:
            return {"ready-match", some_matches(1)};
        case 4:
            return {"heartbeat-message", "beat " + some_text()};
        case 5: {
            std::vector<step_draft> steps;
            for (auto count = below(4) + 1; count-- > 0;) {
                step_draft one;
                one.waits = maybe();
                if (one.waits)
                    one.await = some_matches(0);
                else if (maybe())
                    one.send = "s" + some_text();
                else
                    one.send = "00 ff", one.encoding = "hex";
                steps.push_back(one);
            }
            return {"greeting", steps};
        }
        default:
            return {"username", "u" + some_text()};
        }
    }

    rule_draft some_rule(const model& now, std::string name) {
        rule_draft made;
        made.name = std::move(name);
        made.enabled = maybe();
        made.stop = maybe();
        const auto& instance = now.instances.empty() ? std::string{"host"} : one_of(now.instances).name;
        for (auto count = below(3) + 1; count-- > 0;) {
            if (instance == "host" || maybe())
                made.on.push_back({"host/every", maybe() ? "5s" : "250ms", {}});
            else
                made.on.push_back({instance + "/message-received", std::nullopt, some_matches(0)});
        }
        for (auto count = below(3); count-- > 0;) {
            when_draft when;
            if (instance != "host" && maybe()) {
                when.status = instance + "/attempt";
                when.less = "5";
                if (maybe())
                    when.is_not = "2";
            } else {
                when.value = "${now}";
                when.contains = "<" + some_text();
            }
            made.when.push_back(when);
        }
        for (auto count = below(3); count-- > 0;) {
            do_draft act;
            if (instance != "host" && maybe()) {
                act.action = instance + "/send-message";
                act.arguments = {{"message", "${" + instance + "/attempt} " + some_text()}};
                if (maybe())
                    act.arguments.emplace_back("key", "k");
            } else {
                act.action = "host/log";
                act.arguments = {{"message", "l" + some_text()}};
            }
            if (maybe())
                act.after = "2s";
            made.act.push_back(std::move(act));
        }
        return made;
    }

    /// Makes one edit, and the same one in the model.
    void step() {
        const auto before = model::of(text_);
        auto expected = before;
        std::set<std::string> touched;
        edit made;
        std::string what;
        const bool some = !before.instances.empty();
        const auto which = below(13);
        if (which == 0 || !some) {
            instance_draft added{new_name(), "websocket-client", {{"hostname", std::string{"h"}}}};
            what = "add " + added.name;
            if (maybe())
                added.settings.push_back(some_setting());
            touched.insert("instance " + added.name);
            expected.instances.push_back(added);
            made = add_instances(text_, {&added, 1});
        } else if (which <= 4) {
            auto& target = one_of(expected.instances);
            what = "save " + target.name;
            for (auto count = below(4) + 1; count-- > 0;) {
                auto [id, value] = some_setting();
                const auto known = std::find_if(target.settings.begin(), target.settings.end(),
                                                [&, &key = id](const auto& one) { return one.first == key; });
                if (known == target.settings.end())
                    target.settings.emplace_back(id, value);
                else if (maybe())
                    known->second = value;
                else
                    target.settings.erase(known);
            }
            touched.insert("instance " + target.name);
            made = save_settings(text_, target.name, target.settings, modules);
        } else if (which == 5) {
            const auto at = below(expected.instances.size());
            const auto from = expected.instances[at].name;
            const auto to = new_name();
            what = "rename " + from + " to " + to;
            made = rename_instance(text_, from, to);
            expected = renamed(before, from, to);
            touched = {"instance " + from, "instance " + to};
            for (const auto& one : made.rules)
                touched.insert("rule " + one);
            for (const auto& one : made.instances)
                touched.insert("instance " + one);
        } else if (which == 6) {
            const auto at = below(expected.instances.size());
            const auto name = expected.instances[at].name;
            what = "remove " + name;
            made = remove_instance(text_, name, true);
            if (made.why == edit::refusal::used)
                return;
            expected.instances.erase(expected.instances.begin() + static_cast<std::ptrdiff_t>(at));
            touched.insert("instance " + name);
            for (const auto& one : made.rules) {
                touched.insert("rule " + one);
                expected.rules.erase(std::find_if(expected.rules.begin(), expected.rules.end(),
                                                  [&](const auto& rule) { return rule.name == one; }));
            }
        } else if (which == 7) {
            const auto at = below(expected.instances.size());
            auto copy = renamed({{expected.instances[at]}, {}, {}}, expected.instances[at].name, new_name())
                            .instances[0];
            what = "duplicate to " + copy.name;
            made = duplicate_instance(text_, expected.instances[at].name, copy.name);
            touched.insert("instance " + copy.name);
            expected.instances.insert(expected.instances.begin() + static_cast<std::ptrdiff_t>(at) + 1, copy);
        } else if (which == 8 || expected.rules.empty()) {
            const auto added = some_rule(before, some_name());
            what = "add rule " + added.name;
            touched.insert("rule " + added.name);
            if (expected.rules.empty() || maybe()) {
                made = add_rule(text_, added);
                expected.rules.push_back(added);
            } else {
                const auto at = below(expected.rules.size());
                made = add_rule(text_, added, expected.rules[at].name);
                expected.rules.insert(expected.rules.begin() + static_cast<std::ptrdiff_t>(at), added);
            }
        } else if (which == 9) {
            auto& target = one_of(expected.rules);
            const auto name = target.name;
            what = "save rule " + name;
            auto wanted = some_rule(before, name);
            // What an action inserts, its trigger supplies.
            if (maybe()) {
                wanted.on = target.on;
                if (maybe())
                    wanted.act = target.act;
            }
            target = wanted;
            touched.insert("rule " + name);
            made = save_rule(text_, name, wanted);
        } else if (which == 10) {
            const auto at = below(expected.rules.size());
            what = "remove rule " + expected.rules[at].name;
            touched.insert("rule " + expected.rules[at].name);
            made = remove_rule(text_, expected.rules[at].name);
            if (made.why == edit::refusal::used)
                return;
            expected.rules.erase(expected.rules.begin() + static_cast<std::ptrdiff_t>(at));
        } else if (which == 11) {
            what = "order";
            std::shuffle(expected.rules.begin(), expected.rules.end(), chance_);
            std::vector<std::string> names;
            for (const auto& one : expected.rules)
                names.push_back(one.name);
            made = order_rules(text_, names);
        } else {
            auto& target = one_of(expected.rules);
            what = "enable " + target.name;
            target.enabled = maybe();
            touched.insert("rule " + target.name);
            made = enable_rule(text_, target.name, target.enabled);
        }
        check(what, made, expected, touched);
    }

    /// The model's own way of renaming: in every value, by replacing what begins a reference.
    static model renamed(model all, const std::string& from, const std::string& to) {
        const auto owner = [&](std::string& text) {
            if (text.starts_with(from + "/"))
                text.replace(0, from.size(), to);
        };
        const auto inside = [&](std::string& text) {
            for (std::size_t at = 0; (at = text.find("${" + from + "/", at)) != text.npos; ++at)
                if (at == 0 || text[at - 1] != '$')
                    text.replace(at + 2, from.size(), to);
        };
        const auto in_values = [&](values_draft& values) {
            for (auto& [id, value] : values) {
                if (auto* text = std::get_if<std::string>(&value))
                    inside(*text);
                if (auto* items = std::get_if<std::vector<std::string>>(&value))
                    std::for_each(items->begin(), items->end(), inside);
                if (auto* steps = std::get_if<std::vector<step_draft>>(&value))
                    for (auto& step : *steps)
                        inside(step.send);
            }
        };
        for (auto& one : all.instances) {
            if (one.name == from)
                one.name = to;
            in_values(one.settings);
        }
        for (auto& rule : all.rules) {
            for (auto& on : rule.on)
                owner(on.trigger);
            for (auto& when : rule.when)
                if (when.status)
                    owner(*when.status);
            for (auto& act : rule.act) {
                owner(act.action);
                in_values(act.arguments);
            }
        }
        return all;
    }

    void check(const std::string& what, const edit& made, const model& expected,
               const std::set<std::string>& touched) {
        SCOPED_TRACE(what);
        ASSERT_TRUE(made.done()) << made.sentence << "\n" << text_;
        const auto now = model::of(made.text);
        auto wanted = expected;
        // Where order means nothing, it is the file's.
        auto sorted = [](model all) {
            for (auto& one : all.instances)
                std::sort(one.settings.begin(), one.settings.end(),
                          [](const auto& left, const auto& right) { return left.first < right.first; });
            return all;
        };
        EXPECT_TRUE(sorted(now) == sorted(wanted)) << text_ << "\nbecame\n" << made.text;

        fake_surroundings around;
        std::vector<manifest::mistake> mistakes;
        EXPECT_NE(parse_project(made.text, "p.xml", around, mistakes), nullptr)
            << testing::PrintToString(mistakes.empty() ? "" : manifest::to_string(mistakes.front())) << "\n"
            << made.text;

        // What was not meant is there byte for byte, in the same order.
        const auto [rest_before, children_before] = apart(text_);
        const auto [rest_now, children_now] = apart(made.text);
        if (what != "order") {
            EXPECT_EQ(rest_before, rest_now) << text_ << "\nbecame\n" << made.text;
        }
        for (const auto& [name, bytes] : children_before) {
            if (touched.contains(name))
                continue;
            const auto found = children_now.find(name);
            ASSERT_NE(found, children_now.end()) << name;
            EXPECT_EQ(found->second, bytes);
        }
        // Comments survive, but for those inside of what was taken out.
        if (what.find("remove") == what.npos && what.find("save") == what.npos &&
            what.find("duplicate") == what.npos) {
            EXPECT_EQ(comments_of(text_), comments_of(made.text));
        }
        text_ = made.text;
    }

    std::string text_;
    std::mt19937 chance_;
    int names_ = 0;
};

class host_project_edits : public testing::TestWithParam<fs::path> {};

TEST_P(host_project_edits, say_what_was_asked_and_leave_the_rest) {
    for (unsigned seed = 1; seed <= 6 && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        random_edits many{read_file(GetParam()), seed};
        many.run(50);
    }
}

std::vector<fs::path> samples(std::string_view folder) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator{fs::path{IOM_SOURCE_FOLDER} / folder})
        if (entry.path().extension() == ".xml")
            found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
}

INSTANTIATE_TEST_SUITE_P(examples, host_project_edits, testing::ValuesIn(samples("examples")),
                         [](const auto& each) { return each.param.stem().string(); });

} // namespace
} // namespace iom::host
