#include "json.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace iom::host {
namespace {

TEST(host_json, accepts_what_rfc_8259_does) {
    const std::string_view good[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1.5e-3",
        "\"\"",
        "[]",
        "{}",
        " [ 1 , 2 ] ",
        "\t\r\n{}\n",
        "{\"a\":{\"b\":[null,true,\"x\"]}}",
        "\"\\u00e9\\n\\\"\\\\\\/\"",
        "[[[[[[]]]]]]",
        "\"\\ud83d\\ude00\"",
    };
    const std::string_view bad[] = {
        "",         " ",    "nul",  "truex",   "01",       "1.",         ".5",
        "+1",       "1e",   "-",    "'a'",     "\"",       "\"\\x\"",    "\"\\u12\"",
        "\"a\nb\"", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
        "[1 2]",    "[",    "{",    "[}",      "1 2",      "{} x",       "NaN",
    };
    json_document parsed;
    for (const auto text : good) {
        EXPECT_TRUE(parsed.parse(text)) << text;
        EXPECT_TRUE(nlohmann::json::accept(text)) << text;
    }
    for (const auto text : bad) {
        EXPECT_FALSE(parsed.parse(text)) << text;
        EXPECT_FALSE(nlohmann::json::accept(text)) << text;
    }
}

TEST(host_json, finds_by_pointer_like_rfc_6901_section_5) {
    static constexpr std::string_view text = R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,
        "i\\j":5,"k\"l":6," ":7,"m~n":8,"same":1,"same":2,"deep":[{"x":[10,11]}]})";
    json_document parsed;
    ASSERT_TRUE(parsed.parse(text));
    const struct {
        std::string_view pointer;
        const char* source; // null: not there
    } cases[] = {
        {"/foo", "[\"bar\",\"baz\"]"},
        {"/foo/0", "\"bar\""},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/e^f", "3"},
        {"/g|h", "4"},
        {"/i\\j", "5"},
        {"/k\"l", "6"},
        {"/ ", "7"},
        {"/m~0n", "8"},
        {"/same", "2"},
        {"/deep/0/x/1", "11"},
        {"/foo/2", nullptr},
        {"/foo/-", nullptr},
        {"/foo/00", nullptr},
        {"/foo/x", nullptr},
        {"/none", nullptr},
        {"/foo/0/x", nullptr},
        {"/foo/99999999999999999999", nullptr},
        {"/same/0", nullptr},
    };
    for (const auto& [pointer, source] : cases) {
        SCOPED_TRACE(pointer);
        std::vector<std::string> tokens;
        ASSERT_TRUE(split_pointer(pointer, tokens));
        const auto* found = parsed.find(tokens);
        ASSERT_EQ(found != nullptr, source != nullptr);
        if (found != nullptr) {
            EXPECT_EQ(found->source, source);
        }
    }
    std::vector<std::string> tokens;
    ASSERT_TRUE(split_pointer("", tokens));
    EXPECT_EQ(parsed.find(tokens), &parsed.root());
    for (const auto* wrong : {"foo", "/a~", "/a~2", "#/foo"})
        EXPECT_FALSE(split_pointer(wrong, tokens)) << wrong;
}

TEST(host_json, decodes_strings) {
    json_document parsed;
    const struct {
        std::string_view source;
        std::string_view text;
    } cases[] = {
        {R"("plain")", "plain"},
        {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
        {R"("\u0041\u00e9\u20ac\ud83d\ude00")", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {R"("\ud800")", "\xef\xbf\xbd"},
        {R"("\ud800\u0041")", "\xef\xbf\xbd"
                              "A"},
        {R"("\udc00x")", "\xef\xbf\xbdx"},
    };
    for (const auto& [source, text] : cases) {
        ASSERT_TRUE(parsed.parse(source));
        EXPECT_EQ(parsed.root().text, text);
    }
    // Many decoded strings in one document all stay good.
    std::string long_text = "[";
    for (int at = 0; at < 1000; ++at)
        long_text += (at == 0 ? "" : ",") + std::string{"\"\\n"} + std::to_string(at) + "\"";
    long_text += "]";
    ASSERT_TRUE(parsed.parse(long_text));
    EXPECT_EQ(parsed.find({"0"})->text, "\n0");
    EXPECT_EQ(parsed.find({"999"})->text, "\n999");
}

TEST(host_json, bounds) {
    json_document parsed;
    const auto nested = [](int depth) {
        return std::string(static_cast<std::size_t>(depth), '[') +
               std::string(static_cast<std::size_t>(depth), ']');
    };
    EXPECT_TRUE(parsed.parse(nested(json_document::max_depth)));
    EXPECT_FALSE(parsed.parse(nested(json_document::max_depth + 2)));
    EXPECT_FALSE(parsed.parse(nested(1'000'000)));
    std::string many = "[0";
    for (std::size_t at = 1; at < json_document::max_nodes + 1; ++at)
        many += ",0";
    EXPECT_FALSE(parsed.parse(many + "]"));
    EXPECT_TRUE(parsed.parse("[0]"));
}

TEST(host_json, escapes_so_that_others_read_the_same) {
    std::string all;
    for (int code = 0; code < 128; ++code)
        all += static_cast<char>(code);
    all += "\xc3\xa9";
    std::string written = "\"";
    append_json_escaped(all, written);
    written += '"';
    EXPECT_EQ(nlohmann::json::parse(written).get<std::string>(), all);
    json_document parsed;
    ASSERT_TRUE(parsed.parse(written));
    EXPECT_EQ(parsed.root().text, all);
}

TEST(host_json, agrees_with_another_parser_on_damaged_texts) {
    static constexpr std::string_view seed =
        R"({"a":[1,-2.5e3,"x\u00e9\n",true,null,{"b":{}}],"c d":"\\","e":[[],[[0]]]})";
    std::mt19937 chance{7};
    json_document parsed;
    for (int round = 0; round < 3'000; ++round) {
        std::string text{seed};
        for (int change = 0; change < 2; ++change) {
            static constexpr std::string_view pieces = "{}[]\",:\\0123456789eE+-.ntfu \t";
            text[chance() % text.size()] = pieces[chance() % pieces.size()];
        }
        // Half a surrogate pair is replaced here, and refused there.
        if (text.find("\\ud") != text.npos || text.find("\\uD") != text.npos)
            continue;
        // Numbers too large for a double: RFC 8259 leaves them to the reader, nlohmann refuses.
        try {
            const bool there = !nlohmann::json::parse(text).is_discarded();
            EXPECT_EQ(parsed.parse(text), there) << text;
        } catch (const nlohmann::json::out_of_range&) {
            continue;
        } catch (const nlohmann::json::parse_error&) {
            EXPECT_FALSE(parsed.parse(text)) << text;
        }
    }
}

} // namespace
} // namespace iom::host
