#include "web/json_text.hpp"

#include <gtest/gtest.h>
#include <string>

namespace {

using namespace iom::host::web;

std::string nested(int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) {
        text += i % 2 == 0 ? "[" : "{\"a\":";
    }
    text += '1';
    for (int i = depth; i-- > 0;) {
        text += i % 2 == 0 ? ']' : '}';
    }
    return text;
}

TEST(ParseJson, TakesWhatIsAsDeepAsItMayBe) {
    const nlohmann::json copy = parse_json(nested(deepest_json));
    EXPECT_TRUE(copy.is_array());
    EXPECT_TRUE(parse_json(nested(deepest_json + 1)).is_discarded());
    EXPECT_TRUE(parse_json(nested(200'000)).is_discarded());
}

TEST(ParseJson, CountsNoBracketsInTexts) {
    const std::string brackets(1000, '[');
    EXPECT_EQ(parse_json('"' + brackets + '"'), brackets);
    EXPECT_EQ(parse_json("\"\\\"" + brackets + '"'), '"' + brackets);
    EXPECT_TRUE(parse_json("\"\\\\\"" + brackets).is_discarded());
    EXPECT_EQ(parse_json("[" + std::string(500, ' ') + "[],[],[]]").size(), 3U);
}

TEST(ParseJson, DiscardsWhatIsNone) {
    for (const char* const text : {"", "{", "]", "[1,]", "\"", "\"\\", "nul", "{\"a\":1}}"}) {
        EXPECT_TRUE(parse_json(text).is_discarded()) << text;
    }
}

} // namespace
