// The log: what a line looks like, what never shows, and what happens when nobody reads.

#include "log.hpp"

#include "host_support.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <thread>
#include <vector>

namespace iom::host {
namespace {

using test::content_of;
using test::folder;
using test::readable_log;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using when = std::chrono::system_clock::time_point;

TEST(LogTime, IsRfc3339InUtcWithMilliseconds) {
    EXPECT_EQ(format_time(when(std::chrono::milliseconds(0))), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(format_time(when(std::chrono::milliseconds(1'735'689'599'999))), "2024-12-31T23:59:59.999Z");
    EXPECT_EQ(format_time(when(std::chrono::milliseconds(-1))), "1969-12-31T23:59:59.999Z");
}

TEST(LogLevel, IsReadAndWritten) {
    for (const std::string_view word : {"error", "warning", "info", "debug", "frame"}) {
        const auto level = parse_log_level(word);
        ASSERT_TRUE(level.has_value()) << word;
        EXPECT_EQ(to_string(*level), word);
    }
    EXPECT_FALSE(parse_log_level("Error").has_value());
    EXPECT_FALSE(parse_log_level("").has_value());
}

struct line_case {
    const char* name;
    log_record record;
    log_format format;
    std::string expected;
};

class LogLine : public ::testing::TestWithParam<line_case> {};

TEST_P(LogLine, LooksSo) {
    EXPECT_EQ(format_record(GetParam().record, GetParam().format), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LogLine,
    ::testing::Values(
        line_case{"plain",
                  {{}, log_level::info, {}, {}, "hello"},
                  log_format::text,
                  "1970-01-01T00:00:00.000Z info    hello\n"},
        line_case{"instance",
                  {{}, log_level::warning, "press", {}, "slow"},
                  log_format::text,
                  "1970-01-01T00:00:00.000Z warning press: slow\n"},
        line_case{"rule",
                  {{}, log_level::error, {}, "Ack", "failed"},
                  log_format::text,
                  "1970-01-01T00:00:00.000Z error   rule \"Ack\": failed\n"},
        line_case{"no_line_of_its_own",
                  {{}, log_level::info, {}, {}, "a\nb\r\tc\x1b[31m\x7f"},
                  log_format::text,
                  "1970-01-01T00:00:00.000Z info    a\\nb\\r\\tc\\u001b[31m\\u007f\n"},
        line_case{"utf8",
                  {{}, log_level::info, {}, {}, "zwölf €"},
                  log_format::text,
                  "1970-01-01T00:00:00.000Z info    zwölf €\n"},
        line_case{"no_utf8",
                  {{}, log_level::info, {}, {}, "a\xff\xc3"},
                  log_format::text,
                  "1970-01-01T00:00:00.000Z info    a\xEF\xBF\xBD\xEF\xBF\xBD\n"},
        line_case{
            "json",
            {{}, log_level::debug, "press", "Ack \"1\"", "a\\b\n\x01 \xc2\x9b ü"},
            log_format::json,
            R"({"time":"1970-01-01T00:00:00.000Z","level":"debug","instance":"press","rule":"Ack \"1\"",)"
            R"("message":"a\\b\n\u0001 \u009b ü"})"
            "\n"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(Log, WritesUpToItsLevelAndWhatModulesSend) {
    readable_log journal;
    journal.lines.write(log_level::debug, {}, "host debug");
    journal.lines.write(log_level::info, "press", "host info");
    journal.lines.write_module(log_level::frame, "press", "module frame");
    const std::string text = journal.text();
    EXPECT_THAT(text, Not(HasSubstr("host debug")));
    EXPECT_THAT(text, HasSubstr("press: host info"));
    EXPECT_THAT(text, HasSubstr("press: module frame"));
}

TEST(Log, KeepsToALevelThatWasAskedFor) {
    log_options options;
    options.level = log_level::warning;
    readable_log journal(options);
    journal.lines.write(log_level::info, {}, "host info");
    journal.lines.write_module(log_level::info, "press", "module info");
    journal.lines.write_module(log_level::warning, "press", "module warning");
    const std::string text = journal.text();
    EXPECT_THAT(text, Not(HasSubstr("info")));
    EXPECT_THAT(text, HasSubstr("module warning"));
}

TEST(Log, HidesSecretsInEveryForm) {
    readable_log journal;
    journal.known.add("p\"ss w0rd");
    journal.known.add("user-token");
    journal.lines.write(log_level::info, {}, "plain p\"ss w0rd!");
    journal.lines.write(log_level::info, {}, R"(json {"p":"p\"ss w0rd"})");
    journal.lines.write(log_level::info, {}, "url ?p=p%22ss%20w0rd&");
    journal.lines.write(log_level::info, {}, "hex 7022737320773072640a");
    // Basic authentication: base64 of "me:p\"ss w0rd".
    journal.lines.write(log_level::info, {}, "basic bWU6cCJzcyB3MHJk");
    journal.lines.write_module(log_level::frame, "x", "in user-tokenuser-token");
    const std::string text = journal.text();
    EXPECT_THAT(text, Not(HasSubstr("w0rd")));
    EXPECT_THAT(text, Not(HasSubstr("773072")));
    EXPECT_THAT(text, Not(HasSubstr("cCJzcyB3MHJ")));
    EXPECT_THAT(text, Not(HasSubstr("user-token")));
    EXPECT_THAT(text, HasSubstr("in ******"));
}

TEST(Redactor, ReplacesTheLongerSecretFirst) {
    redactor known;
    known.add("abc");
    known.add("abcdef");
    EXPECT_EQ(known.redact("abcdef abc ab"), "*** *** ab");
}

TEST(Redactor, LeavesOutTheEndOfWhatWasCutWhateverStandsThere) {
    redactor known;
    EXPECT_EQ(known.redact_cut("nothing is known"), "nothing is known");
    known.add("open sesame"); // in hexadecimal it has 22 digits
    const std::string before(30, '-');
    EXPECT_EQ(known.redact_cut(before + "say open ses"), std::string(21, '-'));
    EXPECT_EQ(known.redact_cut(before + "say open sex"), std::string(21, '-'));
    EXPECT_EQ(known.redact_cut(before + "6f70656e2073"), std::string(21, '-'));
    EXPECT_EQ(known.redact_cut("open sesame" + before), "***" + std::string(9, '-'));
    EXPECT_EQ(known.redact_cut("all of it"), "");
    EXPECT_EQ(known.redact_cut("\xC3\xA4" + std::string(20, '-')), ""); // no half of a character
    known.add("s");                                                     // what stands for it is longer
    const std::string shown = known.redact_cut(std::string(90, '-') + "open ses");
    EXPECT_EQ(shown, std::string(shown.size(), '-'));
}

TEST(Redactor, KeepsLittleOfWhatOnlyPasses) {
    redactor known;
    known.add("abc", redactor::stay::passing);
    EXPECT_EQ(known.redact("abcdef"), "abcdef"); // it would blot out what has nothing to do with it
    known.add("abcd", redactor::stay::passing);
    EXPECT_EQ(known.redact("abcdef"), "***ef");
    for (char each = 'A'; each < 'A' + 26; ++each) {
        known.add("first" + std::string(redactor::longest_passing - 5, each), redactor::stay::passing);
        known.add("second" + std::string(redactor::longest_passing - 6, each), redactor::stay::passing);
    }
    EXPECT_EQ(known.redact("abcd"), "abcd"); // crowded out by their bytes, as 256 others would have done
    const std::string longer(redactor::longest_passing + 1, 'x');
    known.add(longer, redactor::stay::passing);
    EXPECT_EQ(known.redact(longer), longer);
}

TEST(Redactor, KnowsTheEscapesOfTheLog) {
    redactor known;
    known.add("tab\tand \\ \"quoted\"");
    EXPECT_EQ(known.redact(R"(in tab\x09and \\ "quoted" text)"), "in *** text");
}

TEST(Redactor, ForgetsTheOldestOfTooManyThatPass) {
    redactor known;
    known.add("P4SSWORD", redactor::stay::lasting);
    known.add("from-the-file", redactor::stay::rotating);
    known.add("kept-in-use", redactor::stay::passing);
    for (std::size_t at = 0; at <= 256; ++at) {
        known.add("token-" + std::to_string(1000 + at), redactor::stay::passing);
        known.add("kept-in-use", redactor::stay::passing);
    }
    EXPECT_EQ(known.redact("token-1000 token-1001 token-1002"), "token-1000 token-1001 ***");
    EXPECT_EQ(known.redact("P4SSWORD from-the-file kept-in-use"), "*** *** ***");
}

TEST(Log, DropsAndCountsWhatNobodyReads) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const redactor known;
    log_options options;
    options.descriptor = ends[1];
    options.queue = std::size_t{64} << 10U;
    options.patience = std::chrono::milliseconds(10);
    std::string all;
    {
        log journal(options, known);
        const std::string line(200, 'x');
        // Far more than the pipe and the queue hold; must come back at once all the same.
        const auto begun = std::chrono::steady_clock::now();
        for (int at = 0; at < 5000; ++at) {
            journal.write(log_level::info, {}, line);
        }
        EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
        EXPECT_TRUE(test::eventually([&] { return journal.dropped() > 0; }));
        std::thread reader([&] {
            char piece[4096];
            for (ssize_t got = read(ends[0], piece, sizeof piece); got > 0;
                 got = read(ends[0], piece, sizeof piece)) {
                all.append(piece, static_cast<std::size_t>(got));
                if (all.find("the last line") != std::string::npos) {
                    break;
                }
            }
        });
        // Asked again until the reader has made room for it.
        for (bool read_all = false; !read_all;) {
            const std::uint64_t before = journal.dropped();
            journal.write(log_level::info, {}, "the last line");
            journal.flush(std::chrono::seconds(10));
            read_all = journal.dropped() == before;
        }
        reader.join();
    }
    close(ends[0]);
    close(ends[1]);
    EXPECT_THAT(all,
                HasSubstr("lines of the log were dropped, because they were not read as fast as they came"));
    // Every line is whole.
    for (std::size_t at = all.find('\n'); at != std::string::npos && at + 1 < all.size();
         at = all.find('\n', at + 1)) {
        EXPECT_THAT(all.substr(at + 1, 4), ::testing::AnyOf(StartsWith("19"), StartsWith("20")));
    }
}

TEST(Log, EndsAlsoWhenNobodyReads) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const redactor known;
    log_options options;
    options.descriptor = ends[1];
    options.patience = std::chrono::milliseconds(10);
    {
        log journal(options, known);
        for (int at = 0; at < 2000; ++at) {
            journal.write(log_level::info, {}, std::string(200, 'y'));
        }
    }
    close(ends[0]);
    close(ends[1]);
}

TEST(Log, WritesFilesAndRotatesThem) {
    const folder place;
    log_options options;
    options.folder = place.path() / "logs";
    options.rotate = 1000;
    options.kept = 2;
    readable_log journal(options);
    for (int at = 0; at < 100; ++at) {
        journal.lines.write(log_level::info, {}, "number " + std::to_string(at));
        journal.lines.flush(std::chrono::seconds(10));
    }
    EXPECT_THAT(content_of(options.folder / "iomhost.log"), EndsWith("number 99\n"));
    EXPECT_TRUE(std::filesystem::exists(options.folder / "iomhost.log.1"));
    EXPECT_TRUE(std::filesystem::exists(options.folder / "iomhost.log.2"));
    EXPECT_FALSE(std::filesystem::exists(options.folder / "iomhost.log.3"));
    EXPECT_LE(std::filesystem::file_size(options.folder / "iomhost.log.1"), 1000U);
}

TEST(Log, SaysOnceThatItsFileCannotBeWritten) {
    log_options options;
    options.folder = "/dev/null/logs";
    readable_log journal(options);
    for (int at = 0; at < 5; ++at) {
        journal.lines.write(log_level::info, {}, "a line");
        journal.lines.flush(std::chrono::seconds(10));
    }
    const std::string text = journal.text();
    const std::size_t first = text.find("the log file /dev/null/logs/iomhost.log cannot be opened");
    EXPECT_NE(first, std::string::npos) << text;
    EXPECT_EQ(text.find("the log file", first + 1), std::string::npos) << text;
}

TEST(Log, TakesLinesFromManyThreads) {
    readable_log journal;
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number) {
        threads.emplace_back([&journal, number] {
            for (int at = 0; at < 500; ++at) {
                journal.lines.write_module(log_level::info, "t" + std::to_string(number), std::to_string(at));
                journal.known.add("secret-" + std::to_string(at));
            }
        });
    }
    for (std::thread& each : threads) {
        each.join();
    }
    const std::string text = journal.text();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2000);
}

} // namespace
} // namespace iom::host
