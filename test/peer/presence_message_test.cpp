#include "presence_message.hpp"

#include <gtest/gtest.h>

#include <string>

namespace iom::peer {
namespace {

/// "bind a,b", "unbind a", "mistake: SENTENCE" or "none".
std::string reading(std::string_view text) {
    const auto message = read_presence(text);
    const auto list = [](const auto& request) {
        std::string names;
        for (const auto& name : request.things) {
            names += (names.empty() ? "" : ",") + name;
        }
        return names;
    };
    if (const auto* const bind = std::get_if<bind_request>(&message)) {
        return "bind " + list(*bind);
    }
    if (const auto* const unbind = std::get_if<unbind_request>(&message)) {
        return "unbind " + list(*unbind);
    }
    if (const auto* const mistake = std::get_if<presence_mistake>(&message)) {
        return "mistake: " + mistake->sentence;
    }
    return "none";
}

struct row {
    const char* text;
    const char* read; ///< or how it begins
};

TEST(presence_message, is_read_as_told) {
    const row rows[] = {
        {R"({"type":"bind","things":["press-1"]})", "bind press-1"},
        {R"( { "things" : ["a","b"], "type" : "bind", "more": 1 } )", "bind a,b"},
        {R"({"type":"unbind","things":["ü"]})", "unbind ü"},
        {"hello", "none"},
        {"", "none"},
        {"{}", "none"},
        {"{", "none"},
        {R"(["type","bind"])", "none"},
        {R"({"type":"other","things":["a"]})", "none"},
        {R"({"type":7})", "none"},
        {R"({"type":{"type":"bind"}})", "none"},
        {R"({"a":1,"type")", "none"},
        {R"({"type":"bind"})", "mistake: The bind message needs \"things\", a list"},
        {R"({"type":"bind","things":"press-1"})", "mistake: The bind message needs \"things\", a list"},
        {R"({"type":"unbind","things":[]})", "mistake: The unbind message needs \"things\", a list"},
        {R"({"type":"bind","things":["a",7]})",
         "mistake: Entry 2 of \"things\" in the bind message is no name"},
        {R"({"type":"bind","things":[""]})", "mistake: Entry 1 of \"things\" in the bind message is no name"},
        {R"({"type":"bind","things":["a")", "mistake: The message begins like bind or unbind"},
        {R"({ "type" : "unbind" )", "mistake: The message begins like bind or unbind"},
    };
    for (const auto& [text, read] : rows) {
        const auto got = reading(text);
        EXPECT_TRUE(got.starts_with(read)) << text << "\n  was read as: " << got;
        EXPECT_EQ(got.starts_with("mistake"), std::string_view(read).starts_with("mistake")) << text;
    }
}

TEST(presence_message, has_bounds) {
    std::string many = R"({"type":"bind","things":["a")";
    for (std::size_t i = 0; i < most_things_per_message; ++i) {
        many += R"(,"a")";
    }
    EXPECT_TRUE(reading(many + "]}").starts_with("mistake: The bind message names 1001 things"));
    const std::string long_name(longest_thing_name + 1, 'x');
    EXPECT_TRUE(
        reading(R"({"type":"bind","things":[")" + long_name + R"("]})").starts_with("mistake: Entry 1"));
    EXPECT_EQ(reading(R"({"type":"bind","filler":")" + std::string(1'000'000, 'x') + R"("})"), "none");
}

TEST(presence_message, survives_any_depth) {
    EXPECT_EQ(reading(R"({"type":)" + std::string(400'000, '[')), "none");
    EXPECT_EQ(reading(R"({"type":)" + std::string(400'000, '[') + std::string(400'000, ']') + "}"), "none");
}

TEST(presence_message, answers_with_the_type_first) {
    EXPECT_EQ(bound_answer(std::vector<std::string>{"press-1", "b"}),
              R"({"type":"bound","things":["press-1","b"]})");
    EXPECT_EQ(unbound_answer(std::vector<std::string>{"b"}), R"({"type":"unbound","things":["b"]})");
    EXPECT_EQ(error_answer("No \"things\"."), R"({"type":"error","message":"No \"things\"."})");
}

} // namespace
} // namespace iom::peer
