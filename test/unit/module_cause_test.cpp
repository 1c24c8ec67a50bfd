#include "module/cause.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace {

using namespace iom::ws;

struct said {
    const char* text;
    layer where;
    const char* code;
    circumstances when{};
};

class cause_table : public testing::TestWithParam<said> {};

TEST_P(cause_table, is_known) {
    const failure found = cause_of(GetParam().text, GetParam().when);
    EXPECT_EQ(name_of(found.where), name_of(GetParam().where)) << GetParam().text;
    EXPECT_EQ(found.code, GetParam().code) << GetParam().text;
}

constexpr circumstances with_certificate{.stage = reached::tcp, .proxied = false, .certificate = true};
constexpr circumstances after_tcp{.stage = reached::tcp, .proxied = false, .certificate = false};
constexpr circumstances after_request{.stage = reached::asking, .proxied = false, .certificate = false};
constexpr circumstances by_proxy{.stage = reached::nothing, .proxied = true, .certificate = false};
constexpr circumstances at_proxy{.stage = reached::proxy, .proxied = true, .certificate = false};

INSTANTIATE_TEST_SUITE_P(
    texts, cause_table,
    testing::Values(said{"conn fail: 111", layer::tcp, "ECONNREFUSED"},
                    said{"conn fail: 111", layer::proxy, "ECONNREFUSED", by_proxy},
                    said{"conn fail: errno 101", layer::tcp, "ENETUNREACH"},
                    said{"conn fail: skt creation: errno 24", layer::local, "EMFILE"},
                    said{"conn fail: socket bind", layer::tcp, "EADDRNOTAVAIL"},
                    said{"conn fail: 12345", layer::tcp, "errno 12345"},
                    said{"tls-verify: wrong name", layer::tls, "wrong-name"},
                    said{"tls-verify: expired; since", layer::tls, "expired"},
                    said{"tls-verify: unknown ca", layer::tls, "unknown-ca"},
                    said{"tls-verify: unknown ca; self-signed", layer::tls, "self-signed"},
                    said{"tls-verify: not yet valid", layer::tls, "not-yet-valid"},
                    said{"tls-verify: something new", layer::tls, "bad-certificate"},
                    said{"tls: alert protocol version", layer::tls, "old-version", after_tcp},
                    said{"tls: alert certificate required", layer::tls, "certificate-required", after_tcp},
                    said{"tls: alert unknown ca", layer::tls, "certificate-refused", with_certificate},
                    said{"tls: alert handshake failure", layer::tls, "refused", after_tcp},
                    said{"tls: closed by the peer", layer::tls, "EOF", after_tcp},
                    said{"tls: closed by the peer; it had asked for our certificate", layer::tls,
                         "certificate-asked", after_tcp},
                    said{"tls: reset by the peer", layer::tls, "ECONNRESET", after_tcp},
                    said{"tls: alert handshake failure; it had asked for our certificate", layer::tls,
                         "certificate-required", after_tcp},
                    said{"tls: alert handshake failure; it had asked for our certificate", layer::tls,
                         "refused", with_certificate},
                    said{"tls: reset by the peer; it had asked for our certificate", layer::tls,
                         "certificate-asked", after_tcp},
                    said{"tls: network failure; it had asked for our certificate", layer::tls,
                         "certificate-refused", with_certificate},
                    said{"tls: not tls; x", layer::tls, "no-tls", after_tcp},
                    said{"tls: out of memory", layer::local, "ENOMEM", after_tcp},
                    said{"tls: error -0x7280", layer::tls, "handshake", after_tcp},
                    said{"http_proxy -> 407", layer::proxy, "407", at_proxy},
                    said{"http_proxy fail", layer::proxy, "bad-answer", at_proxy},
                    said{"http_proxy -> ", layer::proxy, "bad-answer", at_proxy},
                    said{"proxy conn dead", layer::proxy, "EOF", at_proxy},
                    said{"closed", layer::proxy, "EOF", at_proxy},
                    said{"HS: Accept hash wrong", layer::upgrade, "wrong-accept", after_request},
                    said{"HS: PROTOCOL malformed", layer::upgrade, "unknown-subprotocol", after_request},
                    said{"HS: EXT: unknown ext", layer::upgrade, "unknown-extension", after_request},
                    said{"HS: UPGRADE missing", layer::upgrade, "bad-upgrade", after_request},
                    said{"read failed", layer::upgrade, "EOF", after_request},
                    said{"closed", layer::tls, "EOF", after_tcp},
                    said{"request head too large", layer::settings, "headers", after_request}));

TEST(cause, names_the_numbers_of_errno) {
    EXPECT_EQ(errno_name(ECONNREFUSED), "ECONNREFUSED");
    EXPECT_EQ(errno_name(EHOSTUNREACH), "EHOSTUNREACH");
    EXPECT_EQ(errno_name(9999), "errno 9999");
}

} // namespace
