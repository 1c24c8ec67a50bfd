#include "alarms.hpp"
#include "compress.hpp"
#include "digest.hpp"
#include "handshake.hpp"
#include "journal.hpp"
#include "options.hpp"
#include "timeline.hpp"
#include "tokens.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace iom::peer {
namespace {

TEST(token_book, tokens_end) {
    token_book book{moment{20'000}};
    book.issue("first", moment{1'000});
    EXPECT_EQ(book.valid_until("first", moment{1'000}), moment{21'000});
    EXPECT_EQ(book.valid_until("first", moment{20'999}), moment{21'000});
    EXPECT_EQ(book.valid_until("first", moment{21'000}), std::nullopt);
    EXPECT_EQ(book.valid_until("other", moment{1'000}), std::nullopt);
    EXPECT_EQ(book.valid_until("", moment{1'000}), std::nullopt);
}

TEST(token_book, forgets_the_oldest_when_full) {
    token_book book{moment{20'000}};
    for (std::size_t i = 0; i <= token_book::most_tokens; ++i) {
        book.issue(std::to_string(i), moment{0});
    }
    EXPECT_FALSE(book.valid_until("0", moment{1}));
    EXPECT_TRUE(book.valid_until("1", moment{1}));
}

TEST(token_book, bearer_of) {
    EXPECT_EQ(bearer_of("Bearer abc"), "abc");
    EXPECT_EQ(bearer_of("bearer abc"), "abc");
    EXPECT_EQ(bearer_of("Basic abc"), "");
    EXPECT_EQ(bearer_of("Bearer "), "");
    EXPECT_EQ(bearer_of(""), "");
}

TEST(alarm_book, raises_and_is_acknowledged) {
    alarm_book book;
    EXPECT_EQ(book.raise(moment{1}).message, "ALARM 17 level 3 pump overheated");
    book.raise(moment{2});
    struct row {
        const char* message;
        std::uint64_t number; ///< 0: none
    };
    const row rows[] = {
        {"ACK 17", 17}, {"ACK ALARM 18 level 1 hatch open", 18}, {"ACK 19", 0}, {"ACK", 0}, {"NACK 17", 0},
        {"17", 0},      {"ACK 99999999999999999999999", 0},
    };
    for (const auto& [message, number] : rows) {
        const auto* const answered = book.acknowledge(message, moment{5});
        EXPECT_EQ(answered == nullptr ? 0 : answered->number, number) << message;
    }
    EXPECT_EQ(book.acknowledge("ACK 17 again", moment{9})->acknowledged, moment{5});
    EXPECT_EQ(book.list().front().answer, "ACK 17");
}

TEST(alarm_book, keeps_the_last_hundred) {
    alarm_book book;
    for (std::size_t i = 0; i < alarm_book::most_alarms + 1; ++i) {
        book.raise(moment{0});
    }
    EXPECT_EQ(book.list().size(), alarm_book::most_alarms);
    EXPECT_EQ(book.list().front().number, 18U);
}

TEST(journal, counts_the_most_arrivals_within_one_second) {
    journal diary;
    for (const int ms : {0, 400, 900, 1000, 1399, 1400, 5000}) {
        diary.arrived(moment{ms});
    }
    EXPECT_EQ(diary.count.connections, 7U);
    EXPECT_EQ(diary.count.most_arrivals_per_second, 4U);
}

TEST(journal, is_bounded) {
    journal diary;
    for (std::size_t i = 0; i < 5 * journal::most_targets; ++i) {
        diary.add(close_record{});
        diary.plays(std::to_string(i));
    }
    EXPECT_EQ(diary.closes().size(), journal::most_records);
    EXPECT_EQ(diary.plays("/x"), 0U);
    EXPECT_EQ(diary.plays("/x"), 1U);
}

TEST(digest, known_values) {
    EXPECT_EQ(accept_for("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // RFC 6455 §1.3
    EXPECT_EQ(base64("user:pass"), "dXNlcjpwYXNz");
    EXPECT_EQ(base64(""), "");
    EXPECT_EQ(random_hex(16).size(), 32U);
    EXPECT_NE(random_hex(16), random_hex(16));
}

TEST(compress, zeros_shrink_and_end_with_a_flush) {
    for (const std::uint64_t size : {0ULL, 1ULL, 1'048'576ULL}) {
        const auto piece = deflated_zeros(size);
        ASSERT_GE(piece.size(), 4U) << size;
        EXPECT_EQ(piece.substr(piece.size() - 4), std::string("\0\0\xff\xff", 4)) << size;
        EXPECT_LT(piece.size(), 2'000U) << size;
    }
}

TEST(handshake, chooses_the_first_offered_subprotocol_it_knows) {
    const std::vector<std::string> accepted{"mqtt", "stomp"};
    EXPECT_EQ(choose_subprotocol("chat, stomp ,mqtt", accepted), "stomp");
    EXPECT_EQ(choose_subprotocol("chat", accepted), std::nullopt);
    EXPECT_EQ(choose_subprotocol("", accepted), std::nullopt);
    EXPECT_EQ(choose_subprotocol(",,mqtt", accepted), "mqtt");
}

TEST(handshake, notices_an_offer_of_compression) {
    EXPECT_TRUE(offers_deflate("permessage-deflate; client_max_window_bits"));
    EXPECT_TRUE(offers_deflate("x-a, permessage-deflate"));
    EXPECT_FALSE(offers_deflate("x-permessage-deflate"));
    EXPECT_FALSE(offers_deflate(""));
}

TEST(timeline, writes_rfc3339) {
    using namespace std::chrono;
    EXPECT_EQ(rfc3339(system_clock::time_point{} + seconds{1'000'000'000} + milliseconds{7}),
              "2001-09-09T01:46:40.007Z");
}

TEST(options, are_read_or_refused_with_a_sentence) {
    struct row {
        std::vector<const char*> arguments;
        int exit_code; ///< -1: taken
        const char* says;
    };
    const row rows[] = {
        {{}, -1, ""},
        {{"--port", "9001", "--idle-timeout", "0.5", "--subprotocol", "a", "--subprotocol", "b"}, -1, ""},
        {{"--tls-cert", "c.pem", "--tls-key", "k.pem", "--tls-min", "1.3"}, -1, ""},
        {{"--help"}, 0, "--idle-timeout"},
        {{"--port", "70000"}, 2, "--port"},
        {{"--port", "x"}, 2, "--port"},
        {{"--nonsense"}, 2, "--nonsense"},
        {{"extra"}, 2, "extra"},
        {{"--tls-cert", "c.pem"}, 2, "--tls-cert and --tls-key belong together"},
        {{"--tls-client-ca", "c.pem"}, 2, "--tls-client-ca needs TLS"},
        {{"--tls-min", "1.4"}, 2, "1.4 not in"},
        {{"--tls-min", "1.3", "--tls-max", "1.2"}, 2, "--tls-min is newer than --tls-max"},
        {{"--idle-timeout", "-1"}, 2, "--idle-timeout"},
        {{"--max-message", "10"}, 2, "--max-message"},
        {{"--alarm-every", "0"}, 2, "--alarm-every"},
        {{"--basic", "nocolon"}, 2, "--basic 'nocolon' has no colon"},
    };
    for (const auto& [arguments, exit_code, says] : rows) {
        std::vector<const char*> argv{"iompeer"};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        const auto read = read_options(static_cast<int>(argv.size()), argv.data());
        const auto shown = arguments.empty() ? "no arguments" : arguments.back();
        if (const auto* const end = std::get_if<leave>(&read)) {
            EXPECT_EQ(end->exit_code, exit_code) << shown;
            EXPECT_NE(end->text.find(says), std::string::npos) << end->text;
        } else {
            EXPECT_EQ(exit_code, -1) << shown;
        }
    }
}

TEST(options, keep_what_was_given) {
    const char* const argv[] = {
        "iompeer",   "--idle-timeout", "0.5",  "--subprotocol", "a",   "--subprotocol", "b",
        "--deflate", "--alarm-every",  "0.25", "--max-message", "2000"};
    const auto read = std::get<options>(read_options(std::size(argv), argv));
    EXPECT_EQ(read.address, "127.0.0.1");
    EXPECT_EQ(read.idle_timeout, moment{500});
    EXPECT_EQ(read.subprotocols, (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(read.deflate);
    EXPECT_FALSE(read.log);
    EXPECT_EQ(read.alarm_every, moment{250});
    EXPECT_EQ(read.max_message, 2000U);
}

} // namespace
} // namespace iom::peer
