#include "value.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace iom::host {
namespace {

value_view text(std::string_view that) {
    return value_view::of(that);
}
value_view integer(std::int64_t that) {
    return value_view::of(that);
}

TEST(host_value, shows_as_people_read_it) {
    EXPECT_EQ(to_text({}), "");
    EXPECT_EQ(to_text(value_view::of(true)), "true");
    EXPECT_EQ(to_text(value_view::of(false)), "false");
    EXPECT_EQ(to_text(integer(-42)), "-42");
    EXPECT_EQ(to_text(integer(std::numeric_limits<std::int64_t>::min())), "-9223372036854775808");
    EXPECT_EQ(to_text(value_view::of(0.5)), "0.5");
    EXPECT_EQ(to_text(value_view::of(20.0)), "20");
    EXPECT_EQ(to_text(text("as it is")), "as it is");
    EXPECT_EQ(to_text(value_view::of_bytes(std::string_view{"\x00\x7f\xAB\xff", 4})), "007fabff");
}

TEST(host_value, owned_values_keep_kind_and_content) {
    value kept;
    for (const auto view : {value_view{}, value_view::of(true), integer(7), value_view::of(1.5), text("t"),
                            value_view::of_bytes("b")}) {
        kept.assign(view);
        EXPECT_TRUE(kept.view() == view);
    }
    EXPECT_FALSE(text("1") == integer(1));
    EXPECT_FALSE(text("x") == value_view::of_bytes("x"));
}

TEST(host_value, numbers_in_texts) {
    const struct {
        std::string_view written;
        std::optional<double> real;
        bool whole;
    } cases[] = {
        {"0", 0, true},
        {"-1", -1, true},
        {"+5", 5, true},
        {"007", 7, true},
        {"1.5", 1.5, false},
        {"-2e3", -2000, false},
        {"1E+2", 100, false},
        {"", {}, false},
        {"-", {}, false},
        {"+", {}, false},
        {"+-1", {}, false},
        {"1.", {}, false},
        {".5", {}, false},
        {"1e", {}, false},
        {" 1", {}, false},
        {"1 ", {}, false},
        {"0x10", {}, false},
        {"nan", {}, false},
        {"inf", {}, false},
        {"1,5", {}, false},
        {"9223372036854775807", 9223372036854775807.0, true},
        {"9223372036854775808", 9223372036854775808.0, false},
        {"1e999", std::numeric_limits<double>::infinity(), false},
        {"-1e999", -std::numeric_limits<double>::infinity(), false},
        {"1e-999", 0.0, false},
    };
    for (const auto& [written, real, whole] : cases) {
        SCOPED_TRACE(written);
        const auto found = number_of(written);
        ASSERT_EQ(found.has_value(), real.has_value());
        if (found) {
            EXPECT_EQ(found->real, *real);
            EXPECT_EQ(found->whole, whole);
        }
    }
    EXPECT_FALSE(number_of(value_view::of(true)));
    EXPECT_FALSE(number_of(value_view{}));
    EXPECT_FALSE(number_of(value_view::of_bytes("1")));
}

TEST(host_value, compares_as_numbers_only_if_both_are) {
    const struct {
        value_view left;
        value_view right;
        int sign;
    } cases[] = {
        {text("10"), text("9"), 1},
        {text("10"), text("9x"), -1},
        {integer(10), text("10.0"), 0},
        {value_view::of(1.5), text("1.5"), 0},
        {text("1e1"), integer(10), 0},
        {value_view::of(true), text("true"), 0},
        {value_view::of(true), text("1"), 1},
        {value_view{}, text(""), 0},
        {value_view{}, text("a"), -1},
        {text("9007199254740993"), text("9007199254740992"), 1}, // exact beyond what a double can tell apart
        {value_view::of_bytes("\x0a"), text("0a"), 0},
    };
    for (const auto& [left, right, sign] : cases) {
        SCOPED_TRACE(to_text(left) + " with " + to_text(right));
        const auto order = compare(left, right);
        EXPECT_EQ(order < 0 ? -1 : order > 0 ? 1 : 0, sign);
    }
}

TEST(host_value, durations) {
    const struct {
        std::string_view written;
        std::optional<time_us> length;
    } cases[] = {
        {"2s", 2'000'000},
        {"250ms", 250'000},
        {"0.5s", 500'000},
        {"5min", 300'000'000},
        {"2h", 7'200'000'000},
        {"0s", 0},
        {"1e3ms", 1'000'000},
        {"", {}},
        {"2", {}},
        {"s", {}},
        {"-1s", {}},
        {"2 s", {}},
        {"2S", {}},
        {"1d", {}},
        {"2ss", {}},
        {"9000h", {}},
        {"1e999s", {}},
    };
    for (const auto& [written, length] : cases)
        EXPECT_EQ(duration_of(written), length) << written;
}

} // namespace
} // namespace iom::host
