#include "web/book.hpp"

#include <gtest/gtest.h>
#include <string>

namespace {

using namespace iom::host;
using namespace iom::host::web;

log_record record(std::string text, log_level level = log_level::info, std::string instance = {}) {
    log_record made;
    made.time = std::chrono::system_clock::time_point(std::chrono::milliseconds(5));
    made.level = level;
    made.instance = std::move(instance);
    made.message = std::move(text);
    return made;
}

bool all(const line& /*any*/) {
    return true;
}

TEST(ReadFrame, TellsWhatLogCommsHasWritten) {
    const auto hello = read_frame("in  text fin 5 bytes: hello");
    ASSERT_TRUE(hello);
    EXPECT_TRUE(hello->in && hello->fin && !hello->hex && !hello->cut);
    EXPECT_EQ(hello->opcode, "text");
    EXPECT_EQ(hello->length, 5U);
    EXPECT_EQ(hello->payload, "hello");
    const auto escaped = read_frame("out text more 4 bytes: a\\x0a\\\\b");
    ASSERT_TRUE(escaped);
    EXPECT_FALSE(escaped->in || escaped->fin);
    EXPECT_EQ(escaped->payload, "a\n\\b");
}

TEST(ReadFrame, TakesNothingElse) {
    for (const char* const text : {"", "in", "in  ", "in  text", "in  text fin", "hello",
                                   "in text fin 5 bytes: hello", "in  text fin x bytes: hello"}) {
        EXPECT_FALSE(read_frame(text)) << text;
    }
}

TEST(Book, KeepsTheNewestAndSaysWhatIsGone) {
    book kept;
    constexpr std::uint64_t count = book::most_lines + 50;
    for (std::uint64_t i = 1; i <= count; ++i) {
        kept.keep(record(std::to_string(i)));
    }
    EXPECT_EQ(kept.last(), count);
    const book::page newest = kept.newest(10, UINT64_MAX, false, all);
    ASSERT_EQ(newest.lines.size(), 10U);
    EXPECT_EQ(newest.lines.back().text, std::to_string(count));
    EXPECT_EQ(newest.lines.front().text, std::to_string(count - 9));
    EXPECT_TRUE(newest.more);
    const book::page before = kept.newest(10, newest.lines.front().number, false, all);
    EXPECT_EQ(before.lines.back().number + 1, newest.lines.front().number);
    const book::page whole = kept.newest(2 * book::most_lines, UINT64_MAX, false, all);
    EXPECT_EQ(whole.lines.size(), book::most_lines);
    EXPECT_FALSE(whole.more);
    const book::page after = kept.after(0, 2 * book::most_lines, false, all);
    EXPECT_EQ(after.skipped, 50U);
    EXPECT_EQ(after.lines.front().number, 51U);
}

TEST(Book, HasABoundInBytesToo) {
    book kept;
    for (int i = 0; i < 100; ++i) {
        kept.keep(record(std::string(100'000, 'x')));
    }
    std::size_t bytes = 0;
    for (const line& each : kept.newest(1000, UINT64_MAX, false, all).lines) {
        bytes += each.text.size();
    }
    EXPECT_GT(bytes, book::most_bytes / 2);
    EXPECT_LE(bytes, book::most_bytes);
}

TEST(Book, FramesPushNoLinesOut) {
    book kept;
    kept.keep(record("an error", log_level::error));
    for (std::size_t i = 0; i < book::most_lines + 10; ++i) {
        kept.keep(record("in  text fin 1 bytes: x", log_level::frame, "press"));
    }
    const book::page lines =
        kept.newest(10, UINT64_MAX, false, [](const line& each) { return each.level < log_level::frame; });
    ASSERT_EQ(lines.lines.size(), 1U);
    EXPECT_EQ(lines.lines[0].text, "an error");
    EXPECT_EQ(kept.newest(10, UINT64_MAX, true, all).lines.size(), 10U);
}

TEST(Book, TellsOnceThatSomethingHasCome) {
    book kept;
    int told = 0;
    kept.tell([&] { ++told; });
    kept.keep(record("nobody waits"));
    EXPECT_EQ(told, 0);
    kept.expect();
    kept.keep(record("first"));
    kept.keep(record("second"));
    EXPECT_EQ(told, 1);
    kept.expect();
    kept.keep(record("third"));
    EXPECT_EQ(told, 2);
    kept.tell({});
    kept.expect();
    kept.keep(record("fourth"));
    EXPECT_EQ(told, 2);
}

} // namespace
