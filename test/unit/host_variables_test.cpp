#include "variables.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>

namespace iom::host {
namespace {

value_view text(std::string_view that) {
    return value_view::of(that);
}

variable_declaration declare(std::string name, variable_type type, std::string_view initial) {
    variable_declaration made;
    made.name = std::move(name);
    made.type = type;
    EXPECT_TRUE(convert(text(initial), type, made.initial));
    return made;
}

variables all() {
    return variables{
        {declare("flag", variable_type::boolean, "false"), declare("cue", variable_type::integer, "7"),
         declare("level", variable_type::real, "0.5"), declare("last", variable_type::text, "none")}};
}

TEST(host_variables, convert_only_without_loss) {
    const struct {
        std::string_view written;
        variable_type type;
        const char* shown; // null: refused
    } cases[] = {
        {"true", variable_type::boolean, "true"}, {"off", variable_type::boolean, "false"},
        {"yes", variable_type::boolean, nullptr}, {"3", variable_type::integer, "3"},
        {"3.0", variable_type::integer, "3"},     {"3.5", variable_type::integer, nullptr},
        {"x", variable_type::integer, nullptr},   {"1e30", variable_type::integer, nullptr},
        {"3", variable_type::real, "3"},          {"1e999", variable_type::real, nullptr},
        {"", variable_type::real, nullptr},       {"", variable_type::text, ""},
    };
    for (const auto& [written, type, shown] : cases) {
        SCOPED_TRACE(written);
        value made;
        ASSERT_EQ(convert(text(written), type, made), shown != nullptr);
        if (shown != nullptr) {
            EXPECT_EQ(to_text(made.view()), shown);
        }
    }
    value made;
    EXPECT_TRUE(convert(value_view::of_bytes("\xff"), variable_type::text, made));
    EXPECT_EQ(made.text, "ff");
}

TEST(host_variables, set_and_add) {
    auto known = all();
    std::string why;
    EXPECT_TRUE(known.set(1, text("41"), why));
    EXPECT_TRUE(known.add(1, text("1"), why));
    EXPECT_EQ(known.get(1).integer, 42);
    EXPECT_TRUE(known.add(1, value_view::of(std::int64_t{-2}), why));
    EXPECT_EQ(known.get(1).integer, 40);
    EXPECT_TRUE(known.add(2, text("0.25"), why));
    EXPECT_EQ(known.get(2).real, 0.75);
    EXPECT_TRUE(known.add(3, text(", too"), why));
    EXPECT_EQ(known.get(3).text, "none, too");

    EXPECT_FALSE(known.set(1, text("many"), why));
    EXPECT_NE(why.find("\"many\" is no whole number"), why.npos) << why;
    EXPECT_EQ(known.get(1).integer, 40);
    EXPECT_FALSE(known.add(0, text("true"), why));
    EXPECT_NE(why.find("is a bool"), why.npos) << why;

    EXPECT_TRUE(known.set(1, value_view::of(std::numeric_limits<std::int64_t>::max()), why));
    EXPECT_FALSE(known.add(1, text("1"), why));
    EXPECT_EQ(known.get(1).integer, std::numeric_limits<std::int64_t>::max());
    EXPECT_TRUE(known.set(2, text("1e308"), why));
    EXPECT_FALSE(known.add(2, text("1e308"), why));
    EXPECT_TRUE(known.set(3, text(std::string(variables::longest_text, 'x')), why));
    EXPECT_FALSE(known.add(3, text("x"), why));
}

TEST(host_variables, keep_their_values_over_a_reload) {
    auto before = all();
    std::string why;
    ASSERT_TRUE(before.set(1, text("99"), why));
    ASSERT_TRUE(before.set(3, text("ALARM"), why));
    variables after{{declare("last", variable_type::text, "none"), declare("cue", variable_type::real, "1"),
                     declare("new", variable_type::integer, "5")}};
    after.adopt(before);
    EXPECT_EQ(after.get(0).text, "ALARM");
    EXPECT_EQ(after.get(1).real, 1.0); // another type: another variable
    EXPECT_EQ(after.get(2).integer, 5);
}

TEST(host_variables, sessions_forget) {
    symbol_table symbols;
    const auto token = symbols.intern("token");
    const auto other = symbols.intern("other");
    EXPECT_EQ(symbols.intern("token"), token);
    EXPECT_EQ(symbols.name(other), "other");

    session_values session;
    session.begin();
    session.set(token, text("abc"));
    session.set(token, text("def"));
    ASSERT_TRUE(session.find(token));
    EXPECT_EQ(session.find(token)->text, "def");
    EXPECT_FALSE(session.find(other));
    session.set(other, text(""));
    ASSERT_TRUE(session.find(other)) << "captured, and empty";
    EXPECT_EQ(session.find(other)->text, "");
    EXPECT_EQ(session.next_seq(), 1);
    EXPECT_EQ(session.next_seq(), 2);
    session.begin();
    EXPECT_FALSE(session.find(token));
    EXPECT_EQ(session.next_seq(), 1);
}

} // namespace
} // namespace iom::host
