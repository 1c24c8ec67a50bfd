#include "module/verdict.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace {

using namespace iom::ws;

struct law {
    layer where;
    const char* code;
    lane first;
    lane again; // the second of its series in a row
    bool credentials = false;
    bool error = true;
};

void PrintTo(const law& one, std::ostream* out) {
    *out << name_of(one.where) << ' ' << one.code;
}

class verdict_table : public testing::TestWithParam<law> {};

TEST_P(verdict_table, gives_lane_and_sentence) {
    const law& expected = GetParam();
    failure found;
    found.where = expected.where;
    found.code = expected.code;
    found.place = "server.example:443";
    const verdict first = judge(found, 0);
    const verdict second = judge(found, 1);
    EXPECT_EQ(first.lane, expected.first);
    EXPECT_EQ(second.lane, expected.again);
    EXPECT_EQ(first.credentials, expected.credentials);
    EXPECT_EQ(first.error, expected.error);
    EXPECT_NE(first.sentence.find("server.example:443"), std::string::npos) << first.sentence;
    EXPECT_EQ(first.sentence.back(), '.') << first.sentence;
    EXPECT_EQ(first.sentence.find('{'), std::string::npos) << first.sentence;
    EXPECT_EQ(second.sentence.find('{'), std::string::npos) << second.sentence;
}

constexpr lane transient = lane::transient;
constexpr lane slow = lane::slow;
constexpr lane fatal = lane::fatal;

INSTANTIATE_TEST_SUITE_P(names, verdict_table,
                         testing::Values(law{layer::dns, "EAI_NONAME", transient, transient},
                                         law{layer::dns, "EAI_AGAIN", transient, transient},
                                         law{layer::dns, "ETIMEDOUT", transient, transient},
                                         law{layer::dns, "EAI_SYSTEM", transient, transient}));

INSTANTIATE_TEST_SUITE_P(connecting, verdict_table,
                         testing::Values(law{layer::tcp, "ECONNREFUSED", transient, transient},
                                         law{layer::tcp, "EHOSTUNREACH", transient, transient},
                                         law{layer::tcp, "ENETUNREACH", transient, transient},
                                         law{layer::tcp, "ETIMEDOUT", transient, transient},
                                         law{layer::tcp, "EADDRNOTAVAIL", transient, transient},
                                         law{layer::tcp, "unheard-of", transient, transient},
                                         law{layer::local, "EMFILE", transient, transient},
                                         law{layer::local, "ENOMEM", transient, transient}));

INSTANTIATE_TEST_SUITE_P(proxy, verdict_table,
                         testing::Values(law{layer::proxy, "407", transient, fatal, true},
                                         law{layer::proxy, "403", transient, fatal, true},
                                         law{layer::proxy, "502", transient, transient},
                                         law{layer::proxy, "503", slow, slow},
                                         law{layer::proxy, "504", transient, transient},
                                         law{layer::proxy, "404", fatal, fatal},
                                         law{layer::proxy, "ETIMEDOUT", transient, transient},
                                         law{layer::proxy, "ECONNREFUSED", transient, transient}));

INSTANTIATE_TEST_SUITE_P(
    tls, verdict_table,
    testing::Values(law{layer::tls, "wrong-name", fatal, fatal}, law{layer::tls, "unknown-ca", fatal, fatal},
                    law{layer::tls, "self-signed", fatal, fatal},
                    law{layer::tls, "pin-mismatch", fatal, fatal}, law{layer::tls, "revoked", fatal, fatal},
                    law{layer::tls, "weak-algorithm", fatal, fatal},
                    law{layer::tls, "old-version", fatal, fatal}, law{layer::tls, "expired", slow, slow},
                    law{layer::tls, "not-yet-valid", slow, slow},
                    law{layer::tls, "certificate-required", fatal, fatal},
                    law{layer::tls, "certificate-asked", transient, transient},
                    law{layer::tls, "ECONNRESET", transient, transient},
                    law{layer::tls, "ETIMEDOUT", transient, transient}));

INSTANTIATE_TEST_SUITE_P(
    http, verdict_table,
    testing::Values(law{layer::http, "400", fatal, fatal}, law{layer::http, "404", fatal, fatal},
                    law{layer::http, "405", fatal, fatal}, law{layer::http, "410", fatal, fatal},
                    law{layer::http, "426", fatal, fatal}, law{layer::http, "401", transient, fatal, true},
                    law{layer::http, "403", transient, fatal, true},
                    law{layer::http, "407", transient, fatal, true},
                    law{layer::http, "408", transient, transient}, law{layer::http, "429", slow, slow},
                    law{layer::http, "500", transient, transient},
                    law{layer::http, "502", transient, transient}, law{layer::http, "503", slow, slow},
                    law{layer::http, "504", transient, transient}, law{layer::http, "418", fatal, fatal},
                    law{layer::http, "200", fatal, fatal}, law{layer::http, "302", fatal, fatal},
                    law{layer::http, "304", fatal, fatal}, law{layer::http, "409", slow, slow},
                    law{layer::http, "423", slow, slow}, law{layer::http, "425", slow, slow},
                    law{layer::http, "599", transient, transient}, law{layer::http, "999", fatal, fatal}));

INSTANTIATE_TEST_SUITE_P(upgrade, verdict_table,
                         testing::Values(law{layer::upgrade, "wrong-accept", fatal, fatal},
                                         law{layer::upgrade, "unknown-subprotocol", fatal, fatal},
                                         law{layer::upgrade, "unknown-extension", fatal, fatal},
                                         law{layer::upgrade, "EOF", transient, transient},
                                         law{layer::upgrade, "ETIMEDOUT", transient, transient},
                                         law{layer::upgrade, "ready-timeout", transient, transient},
                                         law{layer::upgrade, "refused", transient, fatal, true}));

INSTANTIATE_TEST_SUITE_P(
    closes, verdict_table,
    testing::Values(
        law{layer::close, "1000", transient, transient, false, false},
        law{layer::close, "1001", transient, transient, false, false},
        law{layer::close, "1005", transient, transient}, law{layer::close, "1006", transient, transient},
        law{layer::close, "1011", transient, transient}, law{layer::close, "1014", transient, transient},
        law{layer::close, "1012", lane::restart, lane::restart}, law{layer::close, "1013", slow, slow},
        law{layer::close, "1008", transient, fatal, true}, law{layer::close, "1002", transient, fatal},
        law{layer::close, "1003", transient, fatal}, law{layer::close, "1007", transient, fatal},
        law{layer::close, "1009", transient, fatal}, law{layer::close, "1010", transient, fatal},
        law{layer::close, "1016", transient, fatal}, law{layer::close, "2999", transient, fatal},
        law{layer::close, "3000", transient, transient}, law{layer::close, "3499", transient, transient},
        law{layer::close, "3500", fatal, fatal}, law{layer::close, "3999", fatal, fatal},
        law{layer::close, "4000", transient, transient},
        law{layer::close, "4401", transient, transient, true},
        law{layer::close, "4499", transient, transient}, law{layer::close, "4500", fatal, fatal},
        law{layer::close, "4999", fatal, fatal}, law{layer::close, "5000", transient, transient},
        law{layer::protocol, "1002", transient, fatal}, law{layer::protocol, "1007", transient, fatal},
        law{layer::protocol, "1009", transient, fatal}));

INSTANTIATE_TEST_SUITE_P(life, verdict_table,
                         testing::Values(law{layer::liveness, "pong-timeout", transient, transient},
                                         law{layer::liveness, "no-pong", transient, transient},
                                         law{layer::liveness, "ping-refused", transient, transient},
                                         law{layer::liveness, "heartbeat-timeout", transient, transient},
                                         law{layer::liveness, "write-deadline", transient, transient},
                                         law{layer::liveness, "ETIMEDOUT", transient, transient}));

failure of(layer where, std::string code, std::string detail = {}) {
    failure found;
    found.where = where;
    found.code = std::move(code);
    found.place = "server.example:80";
    found.detail = std::move(detail);
    return found;
}

TEST(verdict, from_the_second_time_a_server_without_pongs_is_told_what_helps) {
    for (const char* code : {"pong-timeout", "no-pong", "ping-refused"}) {
        EXPECT_EQ(judge(of(layer::liveness, code), 0).sentence.find("Send keep alive?"), std::string::npos);
        EXPECT_NE(judge(of(layer::liveness, code), 1).sentence.find("Send keep alive?"), std::string::npos);
        EXPECT_EQ(series_of(of(layer::liveness, code)), series::liveness);
    }
}

TEST(verdict, puts_the_reason_of_a_close_into_the_sentence) {
    EXPECT_EQ(judge(of(layer::close, "1000", "bye"), 0).sentence,
              "server.example:80 closed the session (1000): bye.");
    EXPECT_EQ(judge(of(layer::close, "1000"), 0).sentence, "server.example:80 closed the session (1000).");
}

TEST(verdict, a_setting_says_its_own_sentence) {
    const verdict given = judge(of(layer::settings, "tls-ca", "CA certificates: /x cannot be read."), 0);
    EXPECT_EQ(given.lane, fatal);
    EXPECT_EQ(given.sentence, "CA certificates: /x cannot be read.");
}

TEST(verdict, retry_after_makes_a_transient_answer_slow) {
    failure found = of(layer::http, "500");
    found.retry_after = 120;
    EXPECT_EQ(judge(found, 0).lane, slow);
}

TEST(verdict, own_ends_are_no_error) {
    EXPECT_FALSE(judge(of(layer::local, "disconnect"), 0).error);
    EXPECT_FALSE(judge(of(layer::local, "stop"), 0).error);
}

TEST(verdict, knows_which_close_codes_a_peer_may_send) {
    for (const unsigned code :
         {1000U, 1001U, 1002U, 1003U, 1007U, 1011U, 1012U, 1013U, 1014U, 1016U, 3000U, 4999U}) {
        EXPECT_TRUE(close_code_allowed(code)) << code;
    }
    for (const unsigned code : {0U, 1U, 999U, 1004U, 1005U, 1006U, 1015U}) {
        EXPECT_FALSE(close_code_allowed(code)) << code;
    }
}

TEST(plain_text, has_no_control_characters_and_no_half_characters) {
    EXPECT_EQ(plain("a\nb\tc\x7f"), "a b c ");
    EXPECT_EQ(plain("abc", 2), "ab");
    EXPECT_EQ(plain("a\xC3\xA4z", 2), "a"); // the umlaut takes bytes 1 and 2
    EXPECT_EQ(plain("a\xC3\xA4z", 3), "a\xC3\xA4");
}

} // namespace
