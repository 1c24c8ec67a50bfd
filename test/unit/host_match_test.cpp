#include "match.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace iom::host {
namespace {

using kinds = match_kind;

match_spec plain(kinds kind, std::string text, std::string as = {}) {
    match_spec made;
    made.kind = kind;
    made.text = std::move(text);
    made.as = std::move(as);
    return made;
}

match_spec json(std::string pointer, std::string_view op = {}, std::string text = {}, std::string as = {}) {
    auto made = plain(kinds::json, std::move(text), std::move(as));
    made.pointer = std::move(pointer);
    made.compare = json_comparison_of(op).value();
    return made;
}

std::shared_ptr<const match> compiled(const std::vector<match_spec>& specs) {
    std::string why;
    std::size_t which = 0;
    auto made = match::compile(specs, why, which);
    EXPECT_NE(made, nullptr) << why;
    return made;
}

/// Whether it holds, and if so each capture as people read it, behind a bar.
std::string result(const match& tested, std::string_view content, bool binary = false) {
    json_document scratch;
    message_view first{content, binary, scratch};
    message_view second{content, binary, scratch};
    capture_list captures;
    const bool holds = tested.capture(second, captures);
    EXPECT_EQ(tested.test(first), holds);
    if (!holds)
        return "no";
    std::string all = "yes";
    EXPECT_EQ(captures.size(), tested.capture_names().size());
    for (std::size_t at = 0; at < captures.size(); ++at)
        all += "|" + to_text(captures[at]);
    return all;
}

TEST(host_match, table_of_cases) {
    const struct {
        std::vector<match_spec> specs;
        std::string_view content;
        std::string_view expected;
    } cases[] = {
        {{}, "anything", "yes"},
        {{}, "", "yes"},
        {{plain(kinds::contains, "")}, "", "yes"},
        {{plain(kinds::contains, "")}, "x", "yes"},
        {{plain(kinds::contains, "ALARM")}, "an ALARM!", "yes"},
        {{plain(kinds::contains, "ALARM")}, "an alarm!", "no"},
        {{plain(kinds::contains, "A*M")}, "ALARM", "no"},
        {{plain(kinds::contains, "ALARM")}, "ALAR", "no"},
        {{plain(kinds::contains, "OK", "x")}, "so OK it is", "yes|so OK it is"},
        {{plain(kinds::equals, "on")}, "on", "yes"},
        {{plain(kinds::equals, "on")}, "on\n", "no"},
        {{plain(kinds::equals, "")}, "", "yes"},
        {{plain(kinds::equals, "")}, "x", "no"},
        {{plain(kinds::prefix, "TEMP:")}, "TEMP:21", "yes"},
        {{plain(kinds::prefix, "TEMP:", "t")}, "TEMP:21", "yes|21"},
        {{plain(kinds::prefix, "TEMP:")}, " TEMP:21", "no"},
        {{plain(kinds::regex, R"(level=(\d+))")}, "a level=42 b", "yes|42"},
        {{plain(kinds::regex, R"(level=(\d+))")}, "level=x", "no"},
        {{plain(kinds::regex, R"((?P<name>\w+)=(\w*))")}, "key=", "yes|key|"},
        {{plain(kinds::regex, R"((a)|(b))")}, "b", "yes||b"},
        {{plain(kinds::regex, R"(\d+)", "n")}, "x12y", "yes|12"},
        {{plain(kinds::regex, R"(\d+)")}, "x12y", "yes"},
        {{plain(kinds::regex, "")}, "", "yes"},
        {{plain(kinds::regex, "^a.c$")},
         "a\xc3\xa9"
         "c",
         "yes"},
        {{json("/a")}, R"({"a":null})", "yes|null"},
        {{json("/a")}, R"({"b":1})", "no"},
        {{json("/a")}, "no json", "no"},
        {{json("")}, " [1] ", "yes|[1]"},
        {{json("/a", "=", "3")}, R"({"a":3})", "yes|3"},
        {{json("/a", "=", "3")}, R"({"a":3.0})", "yes|3.0"},
        {{json("/a", "=", "3")}, R"({"a":"3"})", "no"},
        {{json("/a", "=", "\"3\"")}, R"({"a":"3"})", "yes|3"},
        {{json("/a", "=", "\"3\"")}, R"({"a":3})", "no"},
        {{json("/a", "!=", "3")}, R"({"a":"3"})", "yes|3"},
        {{json("/a", "!=", "3")}, R"({"b":4})", "no"},
        {{json("/a", ">=", "3")}, R"({"a":3})", "yes|3"},
        {{json("/a", ">", "3")}, R"({"a":3})", "no"},
        {{json("/a", ">", "3")}, R"({"a":3.5})", "yes|3.5"},
        {{json("/a", "<", "3")}, R"({"a":-1e3})", "yes|-1e3"},
        {{json("/a", "<=", "3")}, R"({"a":"2"})", "no"},
        {{json("/a", "<", "b")}, R"({"a":"a"})", "yes|a"},
        {{json("/a", "=", "true")}, R"({"a":true})", "yes|true"},
        {{json("/a", "=", "true")}, R"({"a":"true"})", "no"},
        {{json("/a", "=", "null")}, R"({"a":null})", "yes|null"},
        {{json("/a", ">", "null")}, R"({"a":null})", "no"},
        {{json("/a", "=", "ready")}, R"({"a":"ready"})", "yes|ready"},
        {{json("/a", "=", "x")}, R"({"a":["x"]})", "no"},
        {{json("/a", "!=", "x")}, R"({"a":["x"]})", R"(yes|["x"])"},
        {{json("/a", "=", "9007199254740993")}, R"({"a":9007199254740992})", "no"},
        {{json("/a/1/b", "=", "a\nb")}, R"({"a":[0,{"b":"a\nb"}]})", "yes|a\nb"},
        {{json("/t", "=", "x"), plain(kinds::contains, "y")}, R"({"t":"x","u":"y"})", "yes|x"},
        {{json("/t", "=", "x"), plain(kinds::contains, "z")}, R"({"t":"x","u":"y"})", "no"},
        {{plain(kinds::regex, "(.)"), json("/t"), plain(kinds::prefix, "{", "rest")},
         R"({"t":1})",
         "yes|{|1|\"t\":1}"},
    };
    for (const auto& [specs, content, expected] : cases) {
        SCOPED_TRACE(content);
        EXPECT_EQ(result(*compiled(specs), content), expected);
    }
}

TEST(host_match, tests_the_bytes_of_a_binary_message) {
    const std::string_view bytes{"\x00\xff\xfeOK\x01", 6};
    EXPECT_EQ(result(*compiled({plain(kinds::contains, "OK")}), bytes, true), "yes");
    EXPECT_EQ(result(*compiled({plain(kinds::contains, "OK", "all")}), bytes, true), "yes|00fffe4f4b01");
    EXPECT_EQ(result(*compiled({plain(kinds::regex, R"(\xff(.)OK)")}), bytes, true), "yes|fe");
    EXPECT_EQ(result(*compiled({plain(kinds::regex, R"(^\x00)")}), bytes, true), "yes");
    EXPECT_EQ(result(*compiled({json("/a")}), R"({"a":1})", true), "yes|1");
}

TEST(host_match, names_captures) {
    const auto tested =
        compiled({plain(kinds::regex, R"((\d+) (?P<unit>\w+) (.))", "amount"), json("/x", "", "", "there")});
    EXPECT_EQ(tested->capture_names(), (std::vector<std::string>{"amount", "unit", "", "there"}));
    EXPECT_EQ(tested->find_capture("unit"), 1u);
    EXPECT_EQ(tested->find_capture("there"), 3u);
    EXPECT_FALSE(tested->find_capture(""));
    EXPECT_FALSE(tested->find_capture("none"));
}

TEST(host_match, says_what_cannot_be_compiled) {
    std::string many_groups;
    for (std::size_t at = 0; at <= capture_list::capacity; ++at)
        many_groups += "(.)";
    const struct {
        std::vector<match_spec> specs;
        std::size_t which;
        std::string_view piece;
    } cases[] = {
        {{plain(kinds::regex, "(")}, 0, "cannot be read: missing )"},
        {{plain(kinds::contains, "a"), plain(kinds::regex, "a{1,9999}")}, 1, "repetition"},
        {{plain(kinds::regex, R"((a)\1)")}, 0, "invalid escape sequence"},
        {{json("alarm")}, 0, "is no JSON pointer"},
        {{json("/a", "=", "[1]")}, 0, "not with an array"},
        {{plain(kinds::contains, "a", "x"), plain(kinds::contains, "b", "x")}, 1, "stands twice"},
        {{plain(kinds::regex, "(?P<a>.)", "b")}, 0, "Give it one name"},
        {{plain(kinds::regex, many_groups)}, 0, "more than 32"},
    };
    for (const auto& [specs, expected, piece] : cases) {
        SCOPED_TRACE(piece);
        std::string why;
        std::size_t which = 99;
        EXPECT_EQ(match::compile(specs, why, which), nullptr);
        EXPECT_EQ(which, expected);
        EXPECT_NE(why.find(piece), why.npos) << why;
    }
}

TEST(host_match, contains_finds_what_is_there) {
    std::mt19937 chance{3};
    for (int round = 0; round < 5'000; ++round) {
        const auto letters = chance() % 3 + 1;
        std::string text(chance() % 600, 'a');
        for (auto& c : text) {
            c = static_cast<char>('a' + chance() % letters);
        }
        std::string part(chance() % 6 + 1, 'a');
        part.back() = static_cast<char>('a' + chance() % 3);
        EXPECT_EQ(result(*compiled({plain(kinds::contains, part)}), text),
                  text.find(part) == text.npos ? "no" : "yes")
            << part << " in " << text;
    }
}

TEST(host_match, takes_linear_time) {
    EXPECT_EQ(result(*compiled({plain(kinds::contains, std::string(50'000, 'a') + "b")}),
                     std::string(1'000'000, 'a')),
              "no");
    // The classic that lets backtracking engines run for years.
    const auto tested = compiled({plain(kinds::regex, "(a*)*b")});
    EXPECT_EQ(result(*tested, std::string(100'000, 'a')), "no");
}

std::vector<bool> found_by(const match_index& index, std::size_t count, std::string_view content,
                           bool binary) {
    json_document scratch;
    message_view message{content, binary, scratch};
    std::vector<std::uint64_t> bits;
    index.find(message, bits);
    std::vector<bool> found;
    for (std::size_t at = 0; at < count; ++at)
        found.push_back((bits[at / 64] >> (at % 64) & 1) != 0);
    return found;
}

TEST(host_match, index_never_leaves_out_what_holds) {
    std::vector<std::shared_ptr<const match>> owned;
    std::vector<const match*> matches{nullptr};
    const auto add = [&](const std::vector<match_spec>& specs) {
        owned.push_back(compiled(specs));
        matches.push_back(owned.back().get());
    };
    std::mt19937 chance{11};
    const auto word = [&](std::size_t longest) {
        std::string made;
        for (auto left = chance() % longest + 1; left > 0; --left)
            made += "abc1"[chance() % 4];
        return made;
    };
    for (int round = 0; round < 60; ++round) {
        add({plain(kinds::contains, word(6))});
        add({plain(kinds::equals, word(3))});
        add({plain(kinds::prefix, word(4))});
        add({plain(kinds::regex, word(3) + "[ab]+" + word(1))});
        add({json("/k", "=", word(2))});
        add({json("/n", "=", std::to_string(chance() % 20))});
        add({json("/n", ">", std::to_string(chance() % 20))});
        add({plain(kinds::regex, word(2)), plain(kinds::contains, word(2))});
        add({plain(kinds::contains, "")});
    }
    const match_index index{matches};
    json_document scratch;
    std::size_t candidates = 0;
    std::size_t holding = 0;
    for (int round = 0; round < 500; ++round) {
        auto content = word(20);
        if (round % 3 == 0)
            content = R"({"k":")" + word(2) + R"(","n":)" + std::to_string(chance() % 20) +
                      (round % 2 == 0 ? ".0}" : "}");
        const bool binary = round % 5 == 0;
        const auto found = found_by(index, matches.size(), content, binary);
        for (std::size_t at = 0; at < matches.size(); ++at) {
            message_view message{content, binary, scratch};
            const bool holds = matches[at] == nullptr || matches[at]->test(message);
            if (holds) {
                EXPECT_TRUE(found[at]) << at << " in " << content;
            }
            candidates += found[at] ? 1u : 0u;
            holding += holds ? 1u : 0u;
        }
    }
    // And it must leave out most of what does not hold.
    EXPECT_LT(candidates, 3 * holding);
}

TEST(host_match, index_names_few_of_a_thousand) {
    const struct {
        const char* name;
        std::vector<match_spec> (*make)(const std::string&);
        std::string (*content)(const std::string&);
    } kinds_of_rules[] = {
        {"contains",
         [](const std::string& id) { return std::vector{plain(kinds::contains, "ALARM " + id + ";")}; },
         [](const std::string& id) { return "an ALARM " + id + "; it is"; }},
        {"equals", [](const std::string& id) { return std::vector{plain(kinds::equals, "cue " + id)}; },
         [](const std::string& id) { return "cue " + id; }},
        {"prefix", [](const std::string& id) { return std::vector{plain(kinds::prefix, id + ":")}; },
         [](const std::string& id) { return id + ": on"; }},
        {"regex",
         [](const std::string& id) { return std::vector{plain(kinds::regex, "^dev" + id + "=([0-9]+)$")}; },
         [](const std::string& id) { return "dev" + id + "=17"; }},
        {"json", [](const std::string& id) { return std::vector{json("/type", "=", "t" + id)}; },
         [](const std::string& id) { return R"({"type":"t)" + id + R"("})"; }},
    };
    for (const auto& [name, make, content] : kinds_of_rules) {
        SCOPED_TRACE(name);
        std::vector<std::shared_ptr<const match>> owned;
        std::vector<const match*> matches;
        for (int id = 1000; id < 2000; ++id) {
            owned.push_back(compiled(make(std::to_string(id))));
            matches.push_back(owned.back().get());
        }
        const match_index index{matches};
        for (const auto wanted : {0u, 1u, 63u, 64u, 500u, 999u}) {
            const auto found = found_by(index, matches.size(), content(std::to_string(1000 + wanted)), false);
            EXPECT_TRUE(found[wanted]);
            EXPECT_LE(std::count(found.begin(), found.end(), true), 4);
        }
        const auto none = found_by(index, matches.size(), "nothing of the kind", false);
        EXPECT_EQ(std::count(none.begin(), none.end(), true), 0);
    }
}

} // namespace
} // namespace iom::host
