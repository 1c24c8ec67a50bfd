#include "table.hpp"

#include "project_edit.hpp"
#include "unit/host_surroundings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace iom::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const manifest::module_manifest& module() {
    return *fake_surroundings::websocket_client();
}

std::vector<std::string> sentences(const std::vector<table_mistake>& all) {
    std::vector<std::string> made;
    for (const auto& one : all)
        made.push_back((one.row == table_mistake::no_row ? "" : std::to_string(one.row)) + one.pointer +
                       ": " + (one.warning ? "warning: " : "") + one.sentence);
    return made;
}

TEST(host_table, tabs_semicolons_and_commas_mean_the_same) {
    const std::string_view texts[] = {
        "name\thostname\tPath\r\na\t10.0.0.1\t/x,y;z\r\n\r\nb\t10.0.0.2\t\r\n",
        "\xEF\xBB\xBFName;hostname;path\na;10.0.0.1;\"/x,y;z\"\n;;\nb;10.0.0.2",
        "hostname, NAME , path\n10.0.0.1, a ,\"/x,y;z\" \n 10.0.0.2,b,\n",
    };
    for (const auto text : texts) {
        SCOPED_TRACE(text);
        const auto made = read_table(text, module());
        EXPECT_THAT(sentences(made.mistakes), IsEmpty());
        ASSERT_EQ(made.rows.size(), 2u);
        EXPECT_EQ(made.rows[0].name, "a");
        EXPECT_EQ(made.rows[0].module, "websocket-client");
        EXPECT_EQ(std::get<std::string>(*find_value(made.rows[0].settings, "path")), "/x,y;z");
        EXPECT_EQ(find_value(made.rows[1].settings, "path"), nullptr);
        EXPECT_EQ(std::get<std::string>(*find_value(made.rows[1].settings, "hostname")), "10.0.0.2");
    }
}

TEST(host_table, cells_become_values_of_their_kind) {
    const auto made =
        read_table("name,headers,ready-match,Username\na,\"X: 1\nY: \"\"2\"\"\",bound,\" \"\n", module());
    ASSERT_THAT(sentences(made.mistakes), IsEmpty());
    const auto& settings = made.rows[0].settings;
    EXPECT_EQ(std::get<std::vector<std::string>>(*find_value(settings, "headers")),
              (std::vector<std::string>{"X: 1", "Y: \"2\""}));
    EXPECT_EQ(std::get<std::vector<match_draft>>(*find_value(settings, "ready-match"))[0].text, "bound");
}

TEST(host_table, says_what_is_wrong_with_it) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"", "nothing in this table"},
        {"name,hostname", "no rows"},
        {"hostname\nh", "no column has the heading name"},
        {"name,hostnam\na,h", "Perhaps \"hostname\" is meant"},
        {"name,name\na,b", "stands twice"},
        {"name,greeting\na,b", "takes steps"},
        {"name,hostname\na,\"h", "never closed"},
        {"name,hostname\na,h,more", "column without a heading"},
    };
    for (const auto& [text, piece] : cases) {
        SCOPED_TRACE(text);
        const auto made = read_table(text, module());
        ASSERT_EQ(made.mistakes.size(), 1u) << testing::PrintToString(sentences(made.mistakes));
        EXPECT_THAT(made.mistakes[0].sentence, HasSubstr(piece));
    }
    std::string many = "name,hostname\n";
    for (int at = 0; at < 1001; ++at)
        many += "n" + std::to_string(at) + ",h\n";
    EXPECT_THAT(sentences(read_table(many, module()).mistakes)[0], HasSubstr("at most 1000"));
}

constexpr std::string_view project_text = R"(<project name="P">
  <instance name="like" module="websocket-client">
    <set name="hostname">old</set>
    <set name="greeting"><send>hello</send></set>
  </instance>
</project>
)";

TEST(host_table, every_row_is_judged) {
    fake_surroundings around;
    const auto made =
        read_table("name;hostname;port\nlike;h;1\na b;h;2\nc;ws://h;3\nd;h;70000\nd;;\nf;h;6", module());
    ASSERT_THAT(sentences(made.mistakes), IsEmpty());
    const auto found = check_rows(project_text, "p.xml", around, made.rows);
    EXPECT_THAT(sentences(found),
                ElementsAre(HasSubstr("0/name: there is an instance \"like\" already"),
                            HasSubstr("1/name: \"a b\" cannot be the name"),
                            HasSubstr("2/settings/hostname: "), HasSubstr("3/settings/port: "),
                            HasSubstr("4/name: the row 4 has the name \"d\""),
                            HasSubstr("4/settings/hostname: the instance row-5 has no hostname")));
    EXPECT_THAT(check_rows(project_text, "p.xml", around, {made.rows[5]}), IsEmpty());
}

TEST(host_table, forty_instances_come_at_once_like_another) {
    std::string text = "name\thostname\tpath\n";
    for (int at = 1; at <= 40; ++at)
        text += "line-" + std::to_string(at) + "\t10.0.0." + std::to_string(at) + "\t/" + std::to_string(at) +
                "\n";
    std::vector<manifest::mistake> mistakes;
    const auto root = manifest::parse_xml(project_text, "p.xml", mistakes);
    const auto like = read_settings(root.children[0], &module());
    const auto rows = on_top_of(like, read_table(text, module()).rows);
    fake_surroundings around;
    EXPECT_THAT(sentences(check_rows(project_text, "p.xml", around, rows)), IsEmpty());
    const auto made = add_instances(project_text, rows);
    ASSERT_TRUE(made.done()) << made.sentence;
    EXPECT_TRUE(made.text.starts_with(project_text.substr(0, project_text.find("</project>"))));
    const auto whole = parse_project(made.text, "p.xml", around, mistakes);
    ASSERT_NE(whole, nullptr);
    ASSERT_EQ(whole->instances.size(), 41u);
    EXPECT_EQ(whole->instances[40].name, "line-40");
    EXPECT_EQ(whole->instances[40].settings[0].written, "10.0.0.40");
    EXPECT_EQ(whole->instances[40].settings[1].written, "hello");
}

} // namespace
} // namespace iom::host
