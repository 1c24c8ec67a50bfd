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

// What a person reads, for every row: what happened, and what to look at.
struct wording {
    layer where;
    const char* code;
    const char* words;
};

TEST(verdict, says_each_failure_in_words_of_its_own) {
    const std::vector<wording> all{
        {layer::dns, "EAI_NONAME", "is unknown. Check Hostname"},
        {layer::dns, "EAI_NODATA", "has no address. Check Hostname"},
        {layer::dns, "EAI_ADDRFAMILY", "no address of a kind this controller has"},
        {layer::dns, "EAI_AGAIN", "The name server gave no answer"},
        {layer::dns, "EAI_FAIL", "The name server failed"},
        {layer::dns, "ETIMEDOUT", "could not be resolved within Connect timeout"},
        {layer::dns, "EBUSY", "too many look-ups still wait"},
        {layer::dns, "EAI_SYSTEM", "could not be resolved (EAI_SYSTEM)"},
        {layer::tcp, "ECONNREFUSED", "refused the connection: nothing listens there"},
        {layer::tcp, "ETIMEDOUT", "did not answer within Connect timeout"},
        {layer::tcp, "EHOSTUNREACH", "no such host on the network"},
        {layer::tcp, "ENETUNREACH", "there is no route to it"},
        {layer::tcp, "EACCES", "was forbidden on this controller"},
        {layer::tcp, "EPERM", "was forbidden on this controller"},
        {layer::tcp, "ECONNRESET", "reset the connection"},
        {layer::tcp, "EADDRNOTAVAIL", "Check Local interface"},
        {layer::tcp, "ENODEV", "Local interface does not exist"},
        {layer::tcp, "EIO", "failed (EIO)"},
        {layer::proxy, "ECONNREFUSED", "The proxy server.example:80 refused the connection"},
        {layer::proxy, "ETIMEDOUT", "The proxy server.example:80 did not answer"},
        {layer::proxy, "EOF", "closed the connection without an answer"},
        {layer::proxy, "bad-answer", "does not answer like an HTTP proxy"},
        {layer::proxy, "407", "asks for a user and password (407)"},
        {layer::proxy, "401", "refused the log-in (401)"},
        {layer::proxy, "403", "forbids this connection (403)"},
        {layer::proxy, "408", "gave up waiting (408)"},
        {layer::proxy, "429", "asks to slow down (429)"},
        {layer::proxy, "500", "failed (500)"},
        {layer::proxy, "502", "could not reach the server (502)"},
        {layer::proxy, "503", "is not available now (503)"},
        {layer::proxy, "504", "got no answer from the server (504)"},
        {layer::proxy, "405", "refused to connect (405)"},
        {layer::proxy, "ECONNRESET", "failed (ECONNRESET)"},
        {layer::tls, "wrong-name", "is for another name"},
        {layer::tls, "unknown-ca", "an authority that is not known here"},
        {layer::tls, "self-signed", "is self-signed"},
        {layer::tls, "expired", "has expired"},
        {layer::tls, "not-yet-valid", "is not valid yet. Check this controller's clock"},
        {layer::tls, "revoked", "was revoked"},
        {layer::tls, "weak-algorithm", "an algorithm that is no longer safe"},
        {layer::tls, "weak-key", "a key that is no longer safe"},
        {layer::tls, "wrong-use", "is not made for a server"},
        {layer::tls, "bad-certificate", "is not acceptable"},
        {layer::tls, "pin-mismatch", "none of Pinned keys"},
        {layer::tls, "old-version", "offers no TLS version that is allowed here"},
        {layer::tls, "no-common-cipher", "share no TLS cipher"},
        {layer::tls, "no-tls", "does not speak TLS"},
        {layer::tls, "certificate-required", "asks for a client certificate"},
        {layer::tls, "certificate-refused", "refused the client certificate"},
        {layer::tls, "refused", "refused the TLS handshake"},
        {layer::tls, "ECONNRESET", "reset the connection during the TLS handshake"},
        {layer::tls, "EOF", "closed the connection during the TLS handshake"},
        {layer::tls, "ETIMEDOUT", "did not finish the TLS handshake"},
        {layer::tls, "handshake", "The TLS handshake with server.example:80 failed"},
        {layer::http, "101", "answered 101 instead of opening a WebSocket"},
        {layer::http, "200", "answered 200 instead of opening a WebSocket"},
        {layer::http, "304", "answered 304 instead of opening a WebSocket"},
        {layer::http, "400", "does not understand the request"},
        {layer::http, "401", "refused the log-in (401)"},
        {layer::http, "403", "forbids access (403)"},
        {layer::http, "404", "knows no such path"},
        {layer::http, "405", "takes no WebSocket at this path"},
        {layer::http, "407", "A proxy before server.example:80"},
        {layer::http, "408", "gave up waiting for the request"},
        {layer::http, "409", "reports a conflict"},
        {layer::http, "410", "gone for good"},
        {layer::http, "423", "is locked"},
        {layer::http, "425", "came too early"},
        {layer::http, "426", "asks for another protocol version"},
        {layer::http, "429", "asks to slow down"},
        {layer::http, "418", "refused the request (418)"},
        {layer::http, "500", "failed inside"},
        {layer::http, "502", "could not reach its server"},
        {layer::http, "503", "is not available now"},
        {layer::http, "504", "got no answer from its server"},
        {layer::http, "599", "failed (599)"},
        {layer::http, "999", "a status that does not exist"},
        {layer::upgrade, "wrong-accept", "a wrong Sec-WebSocket-Accept"},
        {layer::upgrade, "unknown-subprotocol", "a subprotocol that was not offered"},
        {layer::upgrade, "unknown-extension", "an extension that was not offered"},
        {layer::upgrade, "bad-upgrade", "101 without the headers of a WebSocket"},
        {layer::upgrade, "bad-answer", "does not answer like an HTTP server"},
        {layer::upgrade, "too-long", "longer headers than we take"},
        {layer::upgrade, "ETIMEDOUT", "did not answer the upgrade within Connect timeout"},
        {layer::upgrade, "ECONNRESET", "reset the connection before it answered the upgrade"},
        {layer::upgrade, "EOF", "closed the connection before it answered the upgrade"},
        {layer::upgrade, "ready-timeout", "ready within Ready timeout"},
        {layer::upgrade, "refused", "refused the log-in"},
        {layer::protocol, "1002", "broke the WebSocket protocol"},
        {layer::protocol, "1007", "a message that cannot be read"},
        {layer::protocol, "1009", "a message over Largest message"},
        {layer::close, "1000", "closed the session (1000)"},
        {layer::close, "1001", "is going away (1001)"},
        {layer::close, "1002", "says we broke the WebSocket protocol"},
        {layer::close, "1003", "does not take this kind of message"},
        {layer::close, "1005", "closed the session without a reason"},
        {layer::close, "1006", "broke off (1006)"},
        {layer::close, "1007", "could not read a message"},
        {layer::close, "1008", "because of its policy (1008)"},
        {layer::close, "1009", "found a message too large"},
        {layer::close, "1010", "misses an extension"},
        {layer::close, "1011", "failed inside (1011)"},
        {layer::close, "1012", "restarts (1012)"},
        {layer::close, "1013", "asks to try again later"},
        {layer::close, "1014", "a bad answer from its server"},
        {layer::close, "1016", "a code that is not assigned (1016)"},
        {layer::close, "2999", "a code that is not assigned (2999)"},
        {layer::close, "3000", "closed the session (3000)"},
        {layer::close, "3500", "closed the session for good (3500)"},
        {layer::close, "4000", "closed the session (4000)"},
        {layer::close, "4401", "refused the log-in (4401)"},
        {layer::close, "4500", "closed the session for good (4500)"},
        {layer::liveness, "pong-timeout", "answered no ping within Pong timeout: the line is dead"},
        {layer::liveness, "no-pong", "though messages still came"},
        {layer::liveness, "ping-refused", "when it was sent a ping"},
        {layer::liveness, "heartbeat-timeout", "did not answer the heartbeat message"},
        {layer::liveness, "write-deadline", "within Write deadline"},
        {layer::liveness, "ETIMEDOUT", "no longer acknowledges anything"},
        {layer::local, "EMFILE", "no file descriptor left"},
        {layer::local, "ENFILE", "no file descriptor left"},
        {layer::local, "ENOMEM", "no memory left"},
        {layer::local, "ENOBUFS", "no memory left"},
        {layer::local, "EAGAIN", "could start no thread"},
        {layer::local, "internal", "A mistake in this module"},
        {layer::local, "disconnect", "Disconnected from server.example:80 as asked"},
        {layer::local, "stop", "the instance was stopped"},
    };
    for (const wording& one : all) {
        const std::string sentence = judge(of(one.where, one.code), 0).sentence;
        EXPECT_NE(sentence.find(one.words), std::string::npos)
            << name_of(one.where) << ' ' << one.code << ": " << sentence;
    }
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
