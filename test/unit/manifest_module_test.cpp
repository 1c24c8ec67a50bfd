// The WebSocket Client's manifest against what its users were promised: ids, labels, types, ranges, defaults.

#include "manifest/manifest.hpp"

#include "websocket_client_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <set>

namespace {

using namespace iom::manifest;
namespace ids = iom::ws::ids;
using testing::SizeIs;

const module_manifest& websocket_client() {
    static const module_manifest made = [] {
        std::vector<mistake> mistakes;
        module_manifest read = read_manifest(IOM_SOURCE_FOLDER "/manifest/websocket-client.xml", mistakes);
        for (const mistake& each : mistakes) {
            ADD_FAILURE() << to_string(each);
        }
        return read;
    }();
    return made;
}

constexpr double none = -1;

struct promised {
    std::uint32_t number;
    std::string_view id;
    std::string_view label;
    std::string_view type;
    std::string_view standard; ///< default
    double min = none;
    double max = none;
    std::string_view marks; ///< o original, l live, r required, m many (a list), u expanded at use
};

std::ostream& operator<<(std::ostream& out, const promised& what) {
    return out << what.id;
}

class setting_promise : public testing::TestWithParam<promised> {};

TEST_P(setting_promise, IsAsPromised) {
    const promised& what = GetParam();
    const setting* found = websocket_client().find_setting(what.id);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->number, what.number);
    EXPECT_EQ(found->label, what.label);
    EXPECT_EQ(to_string(found->type), what.type);
    EXPECT_EQ(found->default_value.value_or(""), what.standard);
    EXPECT_EQ(found->min.value_or(none), what.min);
    EXPECT_EQ(found->max.value_or(none), what.max);
    const auto marked = [&](char mark) { return what.marks.find(mark) != std::string_view::npos; };
    EXPECT_EQ(found->original, marked('o'));
    EXPECT_EQ(found->advanced, !marked('o'));
    EXPECT_EQ(found->live, marked('l'));
    EXPECT_EQ(found->required, marked('r'));
    EXPECT_EQ(found->list, marked('m'));
    EXPECT_EQ(found->expand == expansion::use, marked('u'));
}

const std::vector<promised> settings{
    {1, "hostname", "Hostname", "text", "", 1, 253, "or"},
    {2, "path", "Path", "text", "/", none, none, "ou"},
    {3, "protocol", "Protocol", "choice", "ws", none, none, "o"},
    {4, "port", "Port", "int", "0", 0, 65535, "o"},
    {5, "send-keep-alive", "Send keep alive?", "bool", "true", none, none, "o"},
    {6, "auto-reconnect", "Auto-Reconnect", "bool", "true", none, none, "ol"},
    {7, "extended-logging", "Extended Logging", "bool", "false", none, none, "ol"},
    {8, "log-comms", "Log Comms", "bool", "false", none, none, "ol"},
    {9, "connect-at-startup", "Connect at startup", "bool", "true", none, none, "l"},
    {10, "connect-timeout", "Connect timeout", "real", "10", 1, 120, "l"},
    {11, "subprotocols", "Subprotocols", "text", "", none, none, "m"},
    {12, "headers", "HTTP headers", "text", "", none, none, "mu"},
    {13, "bearer-token", "Bearer token", "secret", "", none, none, "u"},
    {14, "username", "Basic authentication, user name", "text", "", none, none, "u"},
    {15, "password", "Basic authentication, password", "secret", "", none, none, "u"},
    {16, "proxy", "HTTP proxy", "text", "", none, none, "u"},
    {17, "local-address", "Local interface", "text", "", none, none, ""},
    {18, "compression", "permessage-deflate", "bool", "false", none, none, ""},
    {19, "ping-interval", "Ping interval", "real", "20", 1, 3600, "l"},
    {20, "pong-timeout", "Pong timeout", "real", "10", 0.1, 600, "l"},
    {21, "silence-timeout", "Silence timeout", "real", "0", 0, 86400, "l"},
    {22, "reconnect-first-max", "First retry within", "real", "5", 0, 60, "l"},
    {23, "reconnect-min", "Retry delay, shortest", "real", "0.5", 0.1, 3600, "l"},
    {24, "reconnect-max", "Retry delay, longest", "real", "30", 0.1, 3600, "l"},
    {25, "stable-after", "Stable after", "real", "30", 0, 3600, "l"},
    {26, "fault-retry", "Retry after a fault", "real", "300", 0, 86400, "l"},
    {27, "greeting", "Greeting", "steps", "", none, none, "u"},
    {28, "ready-match", "Ready when received", "match", "", none, none, ""},
    {29, "refuse-match", "Refused when received", "match", "", none, none, ""},
    {30, "ready-timeout", "Ready timeout", "real", "10", 1, 600, "l"},
    {31, "heartbeat-message", "Heartbeat message", "text", "", none, none, "lu"},
    {32, "heartbeat-interval", "Heartbeat message, interval", "real", "0", 0, 3600, "l"},
    {33, "heartbeat-match", "Heartbeat message, answer", "match", "", none, none, "l"},
    {34, "heartbeat-timeout", "Heartbeat message, timeout", "real", "10", 0.1, 600, "l"},
    {35, "message-delimiter", "Message delimiter", "text", "", none, none, "u"},
    {36, "farewell", "Farewell", "text", "", none, none, "mlu"},
    {37, "farewell-match", "Farewell answer", "match", "", none, none, "l"},
    {38, "farewell-timeout", "Farewell answer, timeout", "real", "2", 0, 60, "l"},
    {39, "close-timeout", "Close timeout", "real", "2", 0.1, 60, "l"},
    {40, "offline-policy", "When not established", "choice", "error", none, none, "l"},
    {41, "queue-messages", "Queue limit, messages", "int", "500", 1, 100000, "l"},
    {42, "queue-bytes", "Queue limit, bytes", "int", "1048576", 1024, 67108864, "l"},
    {43, "queue-ttl", "Queue limit, age", "real", "60", 0, 86400, "l"},
    {44, "write-deadline", "Write deadline", "real", "10", 0, 600, "l"},
    {45, "max-message-size", "Largest message", "int", "1048576", 125, 67108864, "l"},
    {46, "tls-verify", "Verify certificate", "bool", "true", none, none, ""},
    {47, "tls-ca", "CA certificates", "file", "", none, none, ""},
    {48, "tls-certificate", "Client certificate", "file", "", none, none, ""},
    {49, "tls-key", "Client certificate, key", "file", "", none, none, ""},
    {50, "tls-key-password", "Client certificate, key password", "secret", "", none, none, ""},
    {51, "tls-server-name", "Server name", "text", "", none, 253, ""},
    {52, "tls-pins", "Pinned keys", "text", "", none, none, "m"},
    {53, "tls-min", "Oldest TLS", "choice", "1.2", none, none, ""},
};

INSTANTIATE_TEST_SUITE_P(WebsocketClient, setting_promise, testing::ValuesIn(settings), [](const auto& each) {
    std::string name(each.param.id);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(WebsocketClient, HasNoOtherSettings) {
    EXPECT_THAT(websocket_client().settings, SizeIs(settings.size()));
}

/// "id:type" of each, in order of their numbers, which count from 1.
template <typename items>
std::vector<std::string> told(const items& fields) {
    std::vector<std::string> made(fields.size());
    for (const field& each : fields) {
        EXPECT_LE(each.number, made.size()) << each.id;
        made.at(each.number - 1) = each.id + ":" + std::string(to_string(each.type));
    }
    return made;
}

TEST(WebsocketClient, StatusesAreAsPromised) {
    EXPECT_THAT(told(websocket_client().statuses),
                testing::ElementsAre(
                    "connection-status:choice", "last-sent:data", "last-received:data", "is-established:bool",
                    "is-ready:bool", "last-error:text", "last-error.layer:text", "last-error.code:text",
                    "attempt:int", "next-retry:real", "remote-address:text", "tls-session:text",
                    "certificate-expiry:text", "subprotocol:text", "round-trip:real", "round-trip.min:real",
                    "round-trip.mean:real", "round-trip.max:real", "messages-sent:int",
                    "messages-received:int", "bytes-sent:int", "bytes-received:int", "queue-depth:int",
                    "messages-dropped:int", "unconfirmed:int", "reconnects:int", "established-since:text",
                    "attempt-times:text"));
    for (const status& each : websocket_client().statuses) {
        EXPECT_EQ(each.original, each.number <= 3) << each.id;
    }
}

TEST(WebsocketClient, EveryStateIsExplained) {
    std::vector<std::string> states;
    for (const choice& each : websocket_client().find_status("connection-status")->choices) {
        states.push_back(each.value);
        EXPECT_EQ(each.help.back(), '.') << each.value;
    }
    EXPECT_THAT(states, testing::ElementsAre("stopped", "resolving", "connecting", "securing", "upgrading",
                                             "established", "ready", "closing", "waiting", "faulted"));
}

struct promised_event {
    std::uint32_t number;
    std::string_view id;
    std::string_view label;
    bool original;
    std::vector<std::string> parts; ///< variables or arguments
};

TEST(WebsocketClient, TriggersAreAsPromised) {
    const std::vector<std::string> failure{"layer:text", "code:text", "sentence:text"};
    const std::vector<promised_event> triggers{
        {1, "connected", "Connected", true, {"remote-address:text"}},
        {2, "websocket-established", "WebSocket Established", true, {"subprotocol:text", "tls-session:text"}},
        {3,
         "disconnected",
         "Disconnected",
         true,
         {"layer:text", "code:text", "sentence:text", "clean:bool", "was-ready:bool", "seconds-up:real",
          "unconfirmed:int"}},
        {4, "message-received", "Messages Received", true, {"message:data", "binary:bool"}},
        {5, "ready", "Ready", false, {}},
        {6, "error", "Error", false, failure},
        {7, "faulted", "Faulted", false, failure},
        {8, "credentials-rejected", "Credentials rejected", false, failure},
        {9, "silence", "Silence", false, {"seconds:real"}},
        {10, "message-dropped", "Message dropped", false, {"message:data", "reason:text"}},
        {11,
         "reply-received",
         "Reply received",
         false,
         {"request:data", "message:data", "milliseconds:real"}},
        {12,
         "request-timeout",
         "Request timeout",
         false,
         {"request:data", "message:data", "milliseconds:real"}},
    };
    EXPECT_THAT(websocket_client().triggers, SizeIs(triggers.size()));
    for (const promised_event& what : triggers) {
        SCOPED_TRACE(what.id);
        const trigger* found = websocket_client().find_trigger(what.id);
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(found->number, what.number);
        EXPECT_EQ(found->label, what.label);
        EXPECT_EQ(found->original, what.original);
        EXPECT_EQ(told(found->variables), what.parts);
    }
    EXPECT_EQ(websocket_client().find_trigger("message-received")->match_variable, "message");
    EXPECT_EQ(websocket_client().find_trigger("message-received")->match_label, "Match String");
}

TEST(WebsocketClient, ActionsAreAsPromised) {
    const std::vector<promised_event> actions{
        {1, "connect", "Connect", true, {"bearer-token:secret"}},
        {2, "disconnect", "Disconnect", true, {"code:int", "reason:text"}},
        {3, "send-message", "Send Message", true, {"message:text", "key:text"}},
        {4, "send-binary", "Send binary", false, {"data:data", "encoding:choice", "key:text"}},
        {5, "request", "Request", false, {"message:text", "match:match", "timeout:real"}},
        {6, "ping", "Ping", false, {}},
        {7, "clear-queue", "Clear queue", false, {}},
    };
    EXPECT_THAT(websocket_client().actions, SizeIs(actions.size()));
    for (const promised_event& what : actions) {
        SCOPED_TRACE(what.id);
        const action* found = websocket_client().find_action(what.id);
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(found->number, what.number);
        EXPECT_EQ(found->label, what.label);
        EXPECT_EQ(found->original, what.original);
        EXPECT_EQ(told(found->arguments), what.parts);
    }
    EXPECT_EQ(websocket_client().find_action("send-message")->find_argument("message")->label, "Message");
}

/// Every help that the manifest holds.
std::vector<std::pair<std::string, std::string>> all_help() {
    const module_manifest& of = websocket_client();
    std::vector<std::pair<std::string, std::string>> made{{of.id, of.help}};
    const auto add = [&](const field& each) {
        made.emplace_back(each.id, each.help);
        for (const choice& one : each.choices) {
            made.emplace_back(each.id + " " + one.value, one.help);
        }
    };
    std::for_each(of.settings.begin(), of.settings.end(), add);
    std::for_each(of.statuses.begin(), of.statuses.end(), add);
    for (const trigger& each : of.triggers) {
        made.emplace_back(each.id, each.help);
        std::for_each(each.variables.begin(), each.variables.end(), add);
    }
    for (const action& each : of.actions) {
        made.emplace_back(each.id, each.help);
        std::for_each(each.arguments.begin(), each.arguments.end(), add);
    }
    return made;
}

TEST(WebsocketClient, EveryHelpIsAShortSentence) {
    for (const auto& [id, help] : all_help()) {
        SCOPED_TRACE(id);
        ASSERT_GE(help.size(), 10U);
        EXPECT_LE(help.size(), 200U);
        EXPECT_TRUE(help.front() >= 'A' && help.front() <= 'Z') << help;
        EXPECT_EQ(help.back(), '.') << help;
    }
}

TEST(WebsocketClient, GroupsComeInTheOrderOfThePage) {
    std::vector<std::string> groups;
    for (const setting& each : websocket_client().settings) {
        if (groups.empty() || groups.back() != each.group) {
            groups.push_back(each.group);
        }
    }
    EXPECT_THAT(groups, testing::ElementsAre("Connection", "Security", "Keep alive", "Reconnecting",
                                             "Session recipe", "Sending", "TLS", "Logging"));
}

// ---- the generated header ---------------------------------------------------------------------------

TEST(GeneratedHeader, SaysTheSameAsTheManifest) {
    const module_manifest& of = websocket_client();
    EXPECT_EQ(ids::module_id, of.id);
    EXPECT_EQ(ids::module_version, of.version);
    EXPECT_EQ(ids::token, of.token);
    ASSERT_EQ(ids::settings.size(), of.settings.size());
    for (std::size_t i = 0; i < of.settings.size(); ++i) {
        EXPECT_EQ(ids::settings[i].number, of.settings[i].number);
        EXPECT_EQ(ids::settings[i].id, of.settings[i].id);
        EXPECT_EQ(ids::settings[i].label, of.settings[i].label);
        EXPECT_EQ(static_cast<int>(ids::settings[i].kind), static_cast<int>(of.settings[i].type));
        EXPECT_EQ(ids::settings[i].live, of.settings[i].live);
        EXPECT_EQ(ids::settings[i].list, of.settings[i].list);
        EXPECT_EQ(ids::settings[i].required, of.settings[i].required);
        EXPECT_EQ(ids::settings[i].min, of.settings[i].min.value_or(ids::no_min));
        EXPECT_EQ(ids::settings[i].max, of.settings[i].max.value_or(ids::no_max));
    }
}

static_assert(ids::setting::hostname == 1);
static_assert(ids::status::last_error_code == 8);
static_assert(ids::trigger::message_received == 4);
static_assert(ids::variable::disconnected::seconds_up == 6);
static_assert(ids::action::send_binary == 4);
static_assert(ids::argument::request::timeout == 3);
static_assert(ids::setting_default::reconnect_min == 0.5);
static_assert(ids::setting_default::port == 0);
static_assert(ids::setting_default::tls_verify);
static_assert(ids::setting_default::path == "/");
static_assert(ids::setting_choices::protocol[1] == "wss");
static_assert(ids::status_choices::connection_status[6] == "ready");
static_assert(ids::argument_default::send_binary::encoding ==
              ids::argument_choices::send_binary::encoding[0]);
static_assert(ids::arguments_of_disconnect[1].max == 123);

} // namespace
