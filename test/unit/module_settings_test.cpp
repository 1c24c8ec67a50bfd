#include "module/settings.hpp"

#include "module/values.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string>
#include <vector>

namespace iom::ws {
namespace {

namespace id = ids::setting;

iom_value match_value(std::uint32_t number, std::uint32_t handle) {
    iom_value value{};
    value.id = number;
    value.kind = IOM_MATCH;
    value.as.match = handle;
    return value;
}

std::vector<iom_value> with_host(std::vector<iom_value> more) {
    more.insert(more.begin(), text_value(id::hostname, "server.example"));
    return more;
}

TEST(settings, absent_ones_have_the_manifests_defaults) {
    std::string mistake;
    const auto given = read_settings(with_host({}), mistake);
    ASSERT_TRUE(given) << mistake;
    namespace standard = ids::setting_default;
    const auto seconds = [](span_of_time time) { return std::chrono::duration<double>(time).count(); };
    EXPECT_EQ(given->hostname, "server.example");
    EXPECT_EQ(given->path, standard::path);
    EXPECT_FALSE(given->secure);
    EXPECT_EQ(given->port, 80);
    EXPECT_EQ(given->keep_alive, standard::send_keep_alive);
    EXPECT_EQ(given->auto_reconnect, standard::auto_reconnect);
    EXPECT_EQ(given->extended_logging, standard::extended_logging);
    EXPECT_EQ(given->log_comms, standard::log_comms);
    EXPECT_EQ(given->connect_at_startup, standard::connect_at_startup);
    EXPECT_EQ(seconds(given->connect_timeout), standard::connect_timeout);
    EXPECT_EQ(given->compression, standard::compression);
    EXPECT_EQ(seconds(given->ping_interval), standard::ping_interval);
    EXPECT_EQ(seconds(given->pong_timeout), standard::pong_timeout);
    EXPECT_EQ(seconds(given->silence_timeout), standard::silence_timeout);
    EXPECT_EQ(seconds(given->reconnect_first_max), standard::reconnect_first_max);
    EXPECT_EQ(seconds(given->reconnect_min), standard::reconnect_min);
    EXPECT_EQ(seconds(given->reconnect_max), standard::reconnect_max);
    EXPECT_EQ(seconds(given->stable_after), standard::stable_after);
    EXPECT_EQ(seconds(given->fault_retry), standard::fault_retry);
    EXPECT_EQ(seconds(given->ready_timeout), standard::ready_timeout);
    EXPECT_EQ(seconds(given->heartbeat_interval), standard::heartbeat_interval);
    EXPECT_EQ(seconds(given->heartbeat_timeout), standard::heartbeat_timeout);
    EXPECT_EQ(seconds(given->farewell_timeout), standard::farewell_timeout);
    EXPECT_EQ(seconds(given->close_timeout), standard::close_timeout);
    EXPECT_EQ(given->offline_policy, offline_policy::error);
    EXPECT_EQ(static_cast<std::int64_t>(given->queue_messages), standard::queue_messages);
    EXPECT_EQ(static_cast<std::int64_t>(given->queue_bytes), standard::queue_bytes);
    EXPECT_EQ(seconds(given->queue_ttl), standard::queue_ttl);
    EXPECT_EQ(seconds(given->write_deadline), standard::write_deadline);
    EXPECT_EQ(static_cast<std::int64_t>(given->max_message_size), standard::max_message_size);
    EXPECT_EQ(given->tls.verify, standard::tls_verify);
    EXPECT_EQ(given->tls.oldest, tls_version::tls_1_2);
    EXPECT_EQ(given->tls.server_name, "server.example");
}

// A value of each setting that differs from its default.
iom_value other_value(const ids::row& row) {
    switch (row.kind) {
    case ids::type::boolean: {
        settings standard;
        const bool on = row.number == id::send_keep_alive || row.number == id::auto_reconnect ||
                        row.number == id::connect_at_startup || row.number == id::tls_verify;
        return bool_value(row.number, !on);
    }
    case ids::type::integer:
        return int_value(row.number, row.number == id::queue_bytes ? 2048 : 443);
    case ids::type::real:
        return real_value(row.number, row.number == id::reconnect_max ? 31 : 0.5 + row.min);
    case ids::type::choice:
        return text_value(row.number, row.number == id::protocol  ? "wss"
                                      : row.number == id::tls_min ? "1.3"
                                                                  : "latest");
    case ids::type::match:
        return match_value(row.number, 5);
    case ids::type::text:
    case ids::type::secret:
    case ids::type::file:
    case ids::type::steps:
    case ids::type::data:
        break;
    }
    switch (row.number) {
    case id::path:
        return text_value(row.number, "/other");
    case id::headers:
        return text_value(row.number, "X-Site: 7");
    case id::proxy:
        return text_value(row.number, "http://proxy:3128");
    case id::tls_pins:
        return text_value(row.number, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    default:
        return text_value(row.number, "other");
    }
}

TEST(settings, each_one_of_the_manifest_changes_something_and_the_live_ones_are_live) {
    std::string mistake;
    const auto standard = read_settings(with_host({}), mistake);
    for (const ids::row& row : ids::settings) {
        std::vector<iom_value> values{other_value(row)};
        if (row.number != id::hostname) {
            values = with_host(values);
        }
        if (row.number == id::tls_key) {
            values.push_back(text_value(id::tls_certificate, "cert.pem"));
        }
        const auto given = read_settings(values, mistake);
        ASSERT_TRUE(given) << row.id << ": " << mistake;
        EXPECT_NE(*given, *standard) << row.id << " does nothing";
        EXPECT_EQ(with_live(*standard, *given) == *given, row.live) << row.id;
        EXPECT_EQ(with_live(*standard, *standard), *standard);
    }
}

TEST(settings, reads_what_has_a_form_of_its_own) {
    std::string mistake;
    const std::string bytes = "\x01\x02";
    iom_value step = message_value(id::greeting, bytes, true);
    const auto given = read_settings(
        std::vector<iom_value>{
            text_value(id::hostname, "fd00::17"),
            text_value(id::protocol, "wss"),
            text_value(id::tls_min, "1.3"),
            text_value(id::subprotocols, "one"),
            text_value(id::subprotocols, "two"),
            text_value(id::headers, "X-Key: ${secret:key}"),
            text_value(id::proxy, "http://me:p%40ss@[fd00::1]:3128"),
            text_value(id::greeting, "LOGIN"),
            step,
            match_value(id::greeting, 9),
            match_value(id::ready_match, 4),
            real_value(id::pong_timeout, 0.25),
            int_value(id::ping_interval, 7),
            text_value(id::tls_pins, "sha256//"
                                     "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
            text_value(id::tls_pins, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        },
        mistake);
    ASSERT_TRUE(given) << mistake;
    EXPECT_TRUE(given->secure);
    EXPECT_EQ(given->port, 443);
    EXPECT_EQ(given->tls.oldest, tls_version::tls_1_3);
    EXPECT_EQ(given->subprotocols, (std::vector<std::string>{"one", "two"}));
    EXPECT_TRUE(given->identity_expands);
    ASSERT_TRUE(given->proxy);
    EXPECT_EQ(given->proxy->host, "fd00::1");
    EXPECT_EQ(given->proxy->port, 3128);
    EXPECT_EQ(given->proxy->username, "me");
    EXPECT_EQ(given->proxy->password, "p@ss");
    ASSERT_EQ(given->greeting.size(), 3U);
    EXPECT_EQ(given->greeting[0].what, greeting_step::kind::send_text);
    EXPECT_EQ(given->greeting[1].what, greeting_step::kind::send_binary);
    EXPECT_EQ(given->greeting[1].payload, bytes);
    EXPECT_EQ(given->greeting[2].what, greeting_step::kind::await);
    EXPECT_EQ(given->greeting[2].match, 9U);
    EXPECT_EQ(given->ready_match, 4U);
    EXPECT_EQ(given->pong_timeout, std::chrono::milliseconds(250));
    EXPECT_EQ(given->ping_interval, std::chrono::seconds(7));
    ASSERT_EQ(given->tls.pins.size(), 2U);
    EXPECT_EQ(given->tls.pins[0], given->tls.pins[1]);
}

struct mistake_case {
    const char* name;
    std::vector<iom_value> values;
    const char* sentence;
};

std::ostream& operator<<(std::ostream& out, const mistake_case& what) {
    return out << what.name;
}

class settings_mistakes : public testing::TestWithParam<mistake_case> {};

TEST_P(settings_mistakes, are_told_in_a_sentence_that_begins_with_the_label) {
    std::string mistake;
    EXPECT_FALSE(read_settings(GetParam().values, mistake));
    EXPECT_EQ(mistake, GetParam().sentence);
}

INSTANTIATE_TEST_SUITE_P(
    all, settings_mistakes,
    testing::Values(
        mistake_case{"nothing at all", {}, "Hostname: it is missing. Set it."},
        mistake_case{"unknown number", with_host({int_value(999, 1)}),
                     "A value has the number 999, which this module does not know. Use the manifest that "
                     "came with it."},
        mistake_case{"wrong type", with_host({text_value(id::port, "80")}),
                     "Port: it takes a whole number, not a value of another kind."},
        mistake_case{"range of a whole number", with_host({int_value(id::port, 70000)}),
                     "Port: it takes 0 to 65535, not 70000."},
        mistake_case{"range of seconds", with_host({real_value(id::pong_timeout, 0.05)}),
                     "Pong timeout: it takes 0.1 to 600, not 0.05."},
        mistake_case{"not a number", with_host({real_value(id::pong_timeout, std::nan(""))}),
                     "Pong timeout: it takes 0.1 to 600, not nan."},
        mistake_case{"twice", with_host({int_value(id::port, 1), int_value(id::port, 2)}),
                     "Port: it is given twice. Take one out."},
        mistake_case{"unknown choice", with_host({text_value(id::protocol, "https")}),
                     "Protocol: it takes ws or wss, not \"https\"."},
        mistake_case{"unknown policy", with_host({text_value(id::offline_policy, "drop")}),
                     "When not established: it takes error, queue or latest, not \"drop\"."},
        mistake_case{
            "empty hostname", {text_value(id::hostname, "")}, "Hostname: it takes 1 to 253 bytes, not 0."},
        mistake_case{"address in hostname",
                     {text_value(id::hostname, "wss://example.org:9001/x")},
                     "Hostname: \"wss://example.org:9001/x\" is more than a name or address. Instead set "
                     "Hostname to example.org, "
                     "Protocol to wss, Port to 9001, Path to /x."},
        mistake_case{"path without slash", with_host({text_value(id::path, "events")}),
                     "Path: it must begin with a slash. Write /events."},
        mistake_case{"header of the handshake", with_host({text_value(id::headers, "Upgrade: x")}),
                     "HTTP headers: Upgrade belongs to the WebSocket handshake itself. Take it out."},
        mistake_case{"header with a line break", with_host({text_value(id::headers, "X: a\r\nY: b")}),
                     "HTTP headers: a line break or control character cannot stand in a header. Write one "
                     "header per item."},
        mistake_case{
            "authorization twice",
            with_host({text_value(id::bearer_token, "t"), text_value(id::headers, "authorization: x")}),
            "HTTP headers: Authorization is made from Bearer token or Basic authentication. Take it out "
            "here, or there."},
        mistake_case{
            "token and user", with_host({text_value(id::bearer_token, "t"), text_value(id::username, "u")}),
            "Bearer token: a request carries either a token or a user name. Take one of the two out."},
        mistake_case{"subprotocol with a space", with_host({text_value(id::subprotocols, "a b")}),
                     "Subprotocols: \"a b\" is no name of a subprotocol: it has letters, digits and ! # $ % "
                     "& ' * + - . ^ _ ` | ~ "
                     "only. Write each in an item of its own."},
        mistake_case{"subprotocol twice",
                     with_host({text_value(id::subprotocols, "a"), text_value(id::subprotocols, "a")}),
                     "Subprotocols: \"a\" is given twice (RFC 6455 section 4.1). Take one out."},
        mistake_case{
            "retry delays crossed", with_host({real_value(id::reconnect_min, 60)}),
            "Retry delay, shortest: it is longer than Retry delay, longest. Lower it, or raise the other."},
        mistake_case{
            "token with a line break", with_host({text_value(id::bearer_token, "a\r\nX: y")}),
            "Bearer token: it is empty or has a line break in it. Check the secret or the answer it was "
            "taken from."},
        mistake_case{"key without certificate", with_host({text_value(id::tls_key, "k.pem")}),
                     "Client certificate, key: there is a key but no Client certificate. Set that too."},
        mistake_case{
            "pin that is none", with_host({text_value(id::tls_pins, "abc")}),
            "Pinned keys: an item is no SHA-256 of a key. Write 44 characters of base64 or 64 of hex."},
        mistake_case{
            "proxy of another kind", with_host({text_value(id::proxy, "socks5://p:1")}),
            "HTTP proxy: the scheme \"socks5\" is not known, only http is. Write http://host:port or "
            "http://user:password@host:port."}));

} // namespace
} // namespace iom::ws
