#include "unit/counted_allocations.hpp"
#include "unit/module_instance_fakes.hpp"

#include <gtest/gtest.h>

namespace iom::ws {
namespace {

using iom::test::allocations;

namespace id = ids::setting;
namespace act = ids::action;
namespace arg = ids::argument;

iom_value match_value(std::uint32_t number, std::uint32_t handle) {
    iom_value value{};
    value.id = number;
    value.kind = IOM_MATCH;
    value.as.match = handle;
    return value;
}

class instances : public testing::Test {
protected:
    instances() : link(std::make_shared<fake_line>()) {
        it = std::make_unique<instance>(host.table, [this] { return link; });
    }

    std::uint32_t set(std::vector<iom_value> more = {}) {
        more.insert(more.begin(), text_value(id::hostname, "server"));
        iom_text why{};
        const std::uint32_t result = it->set(more, &why);
        sentence = why.size == 0 ? "" : std::string(why.data, why.size);
        return result;
    }

    std::uint32_t start() {
        iom_text why{};
        const std::uint32_t result = it->start(&why);
        sentence = why.size == 0 ? "" : std::string(why.data, why.size);
        return result;
    }

    std::uint32_t invoke(std::uint64_t call, std::uint32_t action, std::vector<iom_value> arguments = {}) {
        iom_text why{};
        const std::uint32_t result = it->invoke(call, action, arguments, &why);
        sentence = why.size == 0 ? "" : std::string(why.data, why.size);
        return result;
    }

    std::uint32_t send(std::uint64_t call, std::string_view message, std::string_view key = {}) {
        std::vector<iom_value> arguments{text_value(arg::send_message::message, message)};
        if (!key.empty()) {
            arguments.push_back(text_value(arg::send_message::key, key));
        }
        return invoke(call, act::send_message, arguments);
    }

    /// Started, with the first commands taken.
    void run(std::vector<iom_value> more = {}) {
        ASSERT_EQ(set(std::move(more)), IOM_OK) << sentence;
        ASSERT_EQ(start(), IOM_OK) << sentence;
        link->commands();
    }

    void event(const record_head& head, std::initializer_list<std::string_view> parts = {}) {
        link->box->events.push(head, parts);
    }

    void establish(std::uint64_t session = 1) {
        event({.type = record_type::connected}, {"10.0.0.1:80"});
        event({.type = record_type::established, .number = session}, {"", "", "10.0.0.1:80"});
    }

    void receive(std::string_view message, bool binary = false) {
        event({.type = record_type::message, .flags = binary ? flag_binary : std::uint16_t{0}}, {message});
    }

    void lose(std::string_view code = "1006") {
        event({.type = record_type::state,
               .detail = static_cast<std::uint8_t>(state::waiting),
               .number = 1,
               .real = 2.5});
        event({.type = record_type::error, .detail = static_cast<std::uint8_t>(layer::close)},
              {code, "It is lost."});
        event(
            {.type = record_type::disconnected, .detail = static_cast<std::uint8_t>(layer::close), .real = 3},
            {code, "It is lost."});
    }

    /// One round of service, and what the host was told in it.
    std::string service() {
        last = it->service();
        return host.take();
    }

    /// Established, and all told.
    void ready(std::vector<iom_value> more = {}) {
        run(std::move(more));
        establish();
        service();
        link->commands();
    }

    std::string status(std::uint32_t number) { return host.statuses[number]; }

    /// The same with the fast ones, which are told more rarely.
    std::string fast_status(std::uint32_t number) {
        link->time += second;
        it->service();
        return host.statuses[number];
    }

    fake_host host;
    std::shared_ptr<fake_line> link;
    std::unique_ptr<instance> it;
    std::string sentence;
    std::uint32_t last = 0;
};

// ---- start, connect, states -------------------------------------------------------------------------

TEST_F(instances, refuses_to_start_without_settings) {
    EXPECT_EQ(start(), IOM_SETTING);
    EXPECT_TRUE(sentence.starts_with("Hostname: ")) << sentence;
}

TEST_F(instances, refuses_wrong_settings_in_a_sentence) {
    EXPECT_EQ(set({int_value(id::port, -1)}), IOM_SETTING);
    EXPECT_EQ(sentence, "Port: it takes 0 to 65535, not -1.");
}

TEST_F(instances, says_why_the_network_thread_cannot_start) {
    link->fails = true;
    set();
    EXPECT_EQ(start(), IOM_FAILED);
    EXPECT_TRUE(sentence.starts_with("The network thread cannot be started: ")) << sentence;
    link->fails = false;
    EXPECT_EQ(start(), IOM_OK);
}

TEST_F(instances, connects_at_startup_with_its_identity) {
    set({text_value(id::path, "/a"), text_value(id::headers, "X-Site: 7"),
         text_value(id::bearer_token, "abc")});
    EXPECT_EQ(start(), IOM_OK);
    EXPECT_EQ(link->commands(), "identity(0 /a|X-Site: 7\r\n|Bearer abc) connect(0)");
}

TEST_F(instances, does_not_connect_at_startup_where_that_is_off) {
    set({bool_value(id::connect_at_startup, false)});
    EXPECT_EQ(start(), IOM_OK);
    EXPECT_EQ(link->commands(), "");
}

TEST_F(instances, tells_each_step_with_its_variables) {
    run();
    event({.type = record_type::state, .detail = static_cast<std::uint8_t>(state::resolving), .number = 1});
    EXPECT_EQ(service(), "");
    EXPECT_EQ(status(ids::status::connection_status), "resolving");
    event({.type = record_type::connected}, {"10.0.0.1:80"});
    event({.type = record_type::established, .number = 1, .value = 1763798400},
          {"stomp", "TLSv1.3 AES", "10.0.0.2:81"}); // where a redirect led
    EXPECT_EQ(service(), "connected(10.0.0.1:80) websocket-established(stomp, TLSv1.3 AES) ready()");
    EXPECT_EQ(link->commands(), "ready(1)");
    EXPECT_EQ(host.sessions, 1);
    EXPECT_EQ(status(ids::status::connection_status), "ready");
    EXPECT_EQ(status(ids::status::is_established), "true");
    EXPECT_EQ(status(ids::status::is_ready), "true");
    EXPECT_EQ(status(ids::status::remote_address), "10.0.0.2:81");
    EXPECT_EQ(status(ids::status::tls_session), "TLSv1.3 AES");
    EXPECT_EQ(status(ids::status::subprotocol), "stomp");
    EXPECT_EQ(status(ids::status::certificate_expiry), "2025-11-22T08:00:00Z");
    EXPECT_EQ(status(ids::status::established_since).size(), 20U);
    EXPECT_EQ(status(ids::status::attempt), "1");
}

TEST_F(instances, statuses_are_told_before_the_trigger_that_they_explain) {
    run();
    std::vector<std::string> seen;
    host.on_trigger = [&](std::uint32_t, const iom_value*, std::size_t) {
        seen.push_back(status(ids::status::connection_status));
    };
    establish();
    lose();
    service();
    EXPECT_EQ(seen, (std::vector<std::string>{"", "established", "ready", "waiting", "waiting"}));
}

TEST_F(instances, tells_a_loss_in_order_and_counts_down_to_the_next_attempt) {
    ready();
    lose("1011");
    EXPECT_EQ(service(),
              "error(close, 1011, It is lost.) disconnected(close, 1011, It is lost., false, true, 3.0, 0)");
    EXPECT_EQ(status(ids::status::connection_status), "waiting");
    EXPECT_EQ(status(ids::status::is_ready), "false");
    EXPECT_EQ(status(ids::status::last_error), "It is lost.");
    EXPECT_EQ(status(ids::status::last_error_layer), "close");
    EXPECT_EQ(status(ids::status::last_error_code), "1011");
    EXPECT_EQ(status(ids::status::next_retry), "3.0");
    link->commands();
    link->time = link->alarm;
    event({.type = record_type::alarm});
    service();
    EXPECT_EQ(status(ids::status::next_retry), "2.0");
    event({.type = record_type::state, .detail = static_cast<std::uint8_t>(state::connecting), .number = 2});
    service();
    EXPECT_EQ(status(ids::status::next_retry), "0.0");
}

TEST_F(instances, tells_faults_and_refused_credentials) {
    run();
    event({.type = record_type::state, .detail = static_cast<std::uint8_t>(state::faulted), .real = -1});
    event({.type = record_type::error, .detail = static_cast<std::uint8_t>(layer::http)}, {"401", "No."});
    event({.type = record_type::credentials_rejected, .detail = static_cast<std::uint8_t>(layer::http)},
          {"401", "No."});
    event({.type = record_type::faulted, .detail = static_cast<std::uint8_t>(layer::http)}, {"401", "No."});
    EXPECT_EQ(service(),
              "error(http, 401, No.) credentials-rejected(http, 401, No.) faulted(http, 401, No.)");
    EXPECT_EQ(status(ids::status::connection_status), "faulted");
    EXPECT_EQ(status(ids::status::next_retry), "0.0");
}

TEST_F(instances, counts_reconnects) {
    ready();
    lose();
    service();
    establish(2);
    service();
    EXPECT_EQ(status(ids::status::reconnects), "1");
    EXPECT_EQ(host.sessions, 3); // captures are forgotten where a session begins, and after its loss
}

// ---- connect and disconnect -------------------------------------------------------------------------

TEST_F(instances, connect_sends_its_token_and_ends_with_the_first_attempt) {
    run({bool_value(id::connect_at_startup, false), text_value(id::bearer_token, "setting")});
    EXPECT_EQ(invoke(7, act::connect, {text_value(arg::connect::bearer_token, "given")}), IOM_OK);
    EXPECT_EQ(link->commands(), "identity(0 /||Bearer given) connect(7)");
    EXPECT_EQ(service(), "");
    event({.type = record_type::call_ended, .detail = IOM_GIVEN_UP, .number = 7}, {"Nobody there."});
    EXPECT_EQ(service(), "done(7 given up)");
    EXPECT_EQ(host.sentences[7], "Nobody there.");
    EXPECT_EQ(invoke(8, act::connect), IOM_OK);
    EXPECT_EQ(link->commands(), "identity(0 /||Bearer setting) connect(8)")
        << "the token holds until the next Connect";
}

TEST_F(instances, connect_refuses_a_token_that_would_break_the_request) {
    run();
    EXPECT_EQ(invoke(7, act::connect, {text_value(arg::connect::bearer_token, "a\r\nX: y")}), IOM_ARGUMENT);
    EXPECT_EQ(link->commands(), "");
}

TEST_F(instances, token_and_wish_outlive_a_restart) {
    run({bool_value(id::connect_at_startup, false)});
    invoke(7, act::connect, {text_value(arg::connect::bearer_token, "given")});
    event({.type = record_type::call_ended, .number = 7});
    establish();
    service();
    it->stop();
    link->commands();
    event({.type = record_type::state, .detail = static_cast<std::uint8_t>(state::stopped)});
    event({.type = record_type::closed});
    service();
    EXPECT_EQ(last, IOM_STOPPED);
    EXPECT_EQ(link->attached, 0);
    EXPECT_EQ(set({bool_value(id::connect_at_startup, false), int_value(id::port, 81)}), IOM_OK);
    EXPECT_EQ(start(), IOM_OK);
    EXPECT_EQ(link->commands(), "identity(0 /||Bearer given) connect(0)");
}

TEST_F(instances, token_and_wish_outlive_the_object) {
    run({bool_value(id::connect_at_startup, false)});
    invoke(7, act::connect, {text_value(arg::connect::bearer_token, "given")});
    const auto anew = [&](bool at_startup) {
        it = std::make_unique<instance>(host.table, [this] { return link; });
        EXPECT_EQ(set({bool_value(id::connect_at_startup, at_startup)}), IOM_OK);
        EXPECT_EQ(start(), IOM_OK);
        return link->commands();
    };
    EXPECT_EQ(anew(false), "identity(0 /||Bearer given) connect(0)");
    invoke(8, act::disconnect);
    EXPECT_EQ(anew(true), "") << "connect-at-startup is looked at once";
    invoke(9, act::connect);
    EXPECT_EQ(anew(false), "identity(0 /||) connect(0)") << "the token ended with Disconnect";
}

TEST_F(instances, the_wish_outlives_the_object_without_a_token_that_is_too_long_to_keep) {
    run({bool_value(id::connect_at_startup, false)});
    const std::string token(70'000, 't');
    EXPECT_EQ(invoke(7, act::connect, {text_value(arg::connect::bearer_token, token)}), IOM_OK);
    EXPECT_EQ(host.kept, "+");
    ASSERT_FALSE(host.logged.empty());
    EXPECT_NE(host.logged.back().find("does not remember the bearer token of Connect"), std::string::npos)
        << host.logged.back();
    EXPECT_NE(host.logged.back().find("70000 bytes"), std::string::npos);
}

TEST_F(instances, after_disconnect_a_restart_stays_quiet) {
    ready();
    EXPECT_EQ(invoke(7, act::disconnect), IOM_OK);
    EXPECT_EQ(link->commands(), "disconnect(7 1000 )");
    EXPECT_EQ(status(ids::status::connection_status), "ready");
    service();
    EXPECT_EQ(status(ids::status::connection_status), "closing");
    event({.type = record_type::disconnected,
           .detail = static_cast<std::uint8_t>(layer::local),
           .flags = flag_clean,
           .real = 1},
          {"1000", "As asked."});
    event({.type = record_type::state, .detail = static_cast<std::uint8_t>(state::stopped)});
    event({.type = record_type::call_ended, .number = 7});
    EXPECT_EQ(service(), "disconnected(local, 1000, As asked., true, true, 1.0, 0) done(7 done)");
    it->stop();
    event({.type = record_type::closed});
    service();
    EXPECT_EQ(start(), IOM_OK);
    EXPECT_EQ(link->commands(), "");
}

TEST_F(instances, a_session_that_stays_lost_without_auto_reconnect_ends_the_wish) {
    ready({bool_value(id::auto_reconnect, false)});
    event({.type = record_type::state, .detail = static_cast<std::uint8_t>(state::stopped)});
    event({.type = record_type::disconnected, .detail = static_cast<std::uint8_t>(layer::close)},
          {"1006", "Lost."});
    service();
    it->stop();
    event({.type = record_type::closed});
    service();
    EXPECT_EQ(start(), IOM_OK);
    EXPECT_EQ(link->commands(), "");
}

TEST_F(instances, an_open_ping_does_not_hold_on_to_the_wish) {
    ready({bool_value(id::auto_reconnect, false)});
    ASSERT_EQ(invoke(7, act::ping), IOM_OK);
    event({.type = record_type::state, .detail = static_cast<std::uint8_t>(state::stopped)});
    event({.type = record_type::disconnected, .detail = static_cast<std::uint8_t>(layer::close)},
          {"1006", "Lost."});
    event({.type = record_type::call_ended, .detail = IOM_GIVEN_UP, .number = 7}, {"Lost."});
    service();
    it->stop();
    link->commands();
    event({.type = record_type::closed});
    service();
    EXPECT_EQ(start(), IOM_OK);
    EXPECT_EQ(link->commands(), "");
}

TEST_F(instances, a_connect_that_failed_without_auto_reconnect_ends_the_wish) {
    run({bool_value(id::connect_at_startup, false), bool_value(id::auto_reconnect, false)});
    ASSERT_EQ(invoke(7, act::connect), IOM_OK);
    // The state that the last loss left may come after the action: it ends no wish that is newer.
    event({.type = record_type::state, .detail = static_cast<std::uint8_t>(state::stopped)});
    service();
    EXPECT_EQ(host.kept, "+");
    event({.type = record_type::call_ended, .detail = IOM_GIVEN_UP, .number = 7}, {"Nobody there."});
    service();
    EXPECT_EQ(host.kept, "-");
    it->stop();
    link->commands();
    event({.type = record_type::closed});
    service();
    EXPECT_EQ(start(), IOM_OK);
    EXPECT_EQ(link->commands(), "");
}

struct code_case {
    std::int64_t code;
    std::uint32_t result;
};

TEST_F(instances, disconnect_takes_only_codes_that_a_client_may_send) {
    run();
    std::uint64_t call = 100;
    for (const code_case& row :
         {code_case{1000, IOM_OK}, code_case{1001, IOM_OK}, code_case{1004, IOM_ARGUMENT},
          code_case{1005, IOM_ARGUMENT}, code_case{1006, IOM_ARGUMENT}, code_case{1011, IOM_OK},
          code_case{1015, IOM_ARGUMENT}, code_case{2999, IOM_ARGUMENT}, code_case{3000, IOM_OK},
          code_case{4999, IOM_OK}, code_case{5000, IOM_ARGUMENT}}) {
        EXPECT_EQ(invoke(++call, act::disconnect, {int_value(arg::disconnect::code, row.code)}), row.result)
            << row.code;
    }
    link->commands();
    EXPECT_EQ(
        invoke(1, act::disconnect,
               {int_value(arg::disconnect::code, 3001), text_value(arg::disconnect::reason, "shift ends")}),
        IOM_OK);
    EXPECT_EQ(link->commands(), "disconnect(1 3001 shift ends)");
    EXPECT_EQ(invoke(2, act::disconnect, {text_value(arg::disconnect::reason, std::string(124, 'x'))}),
              IOM_ARGUMENT);
}

TEST_F(instances, expands_its_identity_anew_for_each_attempt) {
    host.texts["secret:pin"] = "1234";
    run({text_value(id::path, "/x?pin=${secret:pin}")});
    event({.type = record_type::identity_wanted, .number = 1});
    service();
    EXPECT_EQ(link->commands(), "identity(1 /x?pin=1234||)");
    host.texts["secret:pin"] = "5678";
    event({.type = record_type::identity_wanted, .number = 2});
    service();
    EXPECT_EQ(link->commands(), "identity(2 /x?pin=5678||)");
    host.texts.clear();
    event({.type = record_type::identity_wanted, .number = 3});
    service();
    EXPECT_EQ(link->commands(), "fail(0 settings expand Path: there is no such text.)");
}

TEST_F(instances, basic_authentication_is_built_from_user_and_password) {
    host.texts["secret:p"] = "open sesame";
    run({text_value(id::username, "Aladdin"), text_value(id::password, "${secret:p}")});
    event({.type = record_type::identity_wanted, .number = 1});
    service();
    EXPECT_EQ(link->commands(), "identity(1 /||Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==)")
        << "the example of RFC 7617 section 2";
}

// ---- messages ---------------------------------------------------------------------------------------

TEST_F(instances, a_message_is_one_trigger) {
    ready();
    receive("ALARM 7");
    receive("\x01\x02", true);
    receive("");
    EXPECT_EQ(
        service(),
        "message-received(ALARM 7, false) message-received(<\x01\x02>, true) message-received(, false)");
    EXPECT_EQ(fast_status(ids::status::messages_received), "3");
    EXPECT_EQ(status(ids::status::bytes_received), "9");
    EXPECT_EQ(status(ids::status::last_received), "");
}

TEST_F(instances, answers_from_within_a_trigger_go_out_in_one_go) {
    ready();
    std::uint64_t call = 0;
    host.on_trigger = [&](std::uint32_t trigger, const iom_value* variables, std::size_t) {
        if (trigger == ids::trigger::message_received) {
            EXPECT_EQ(send(++call, "ACK " + to_text(variables[0])), IOM_OK);
        }
    };
    receive("1");
    receive("2");
    link->rings = 0;
    service();
    EXPECT_EQ(link->rings, 1);
    EXPECT_EQ(link->sends(), "1:ACK 1@1 2:ACK 2@1");
    event({.type = record_type::sent, .number = 2});
    EXPECT_EQ(service(), "done(1 done) done(2 done)");
    EXPECT_EQ(fast_status(ids::status::messages_sent), "2");
    EXPECT_EQ(status(ids::status::bytes_sent), "10");
    EXPECT_EQ(status(ids::status::last_sent), "ACK 2");
    EXPECT_EQ(status(ids::status::unconfirmed), "2");
}

TEST_F(instances, splits_and_ends_messages_at_the_delimiter) {
    host.texts["char:1e"] = "\x1e";
    ready({text_value(id::message_delimiter, "${char:1e}")});
    receive("a\x1e"
            "b\x1e");
    receive("c");
    receive("d\x1e\x1e"
            "e");
    receive("x\x1ey", true);
    EXPECT_EQ(service(), "message-received(a, false) message-received(b, false) message-received(c, false) "
                         "message-received(d, false) message-received(, false) message-received(e, false) "
                         "message-received(<x\x1ey>, true)");
    send(1, "hello");
    EXPECT_EQ(link->sends(), "1:hello\x1e@1");
}

struct binary_case {
    const char* encoding;
    iom_value data;
    std::uint32_t result;
    const char* sent;
};

TEST_F(instances, send_binary_reads_its_encodings) {
    ready();
    const auto text = [](std::string_view written) { return text_value(arg::send_binary::data, written); };
    const auto bytes = [](std::string_view written) {
        return message_value(arg::send_binary::data, written, true);
    };
    std::uint64_t call = 0;
    for (const binary_case& row : {
             binary_case{"hex", text("41 42"), IOM_OK, "<AB>"},
             binary_case{nullptr, text("41"), IOM_OK, "<A>"},
             binary_case{"hex", bytes("raw"), IOM_OK, "<raw>"},
             binary_case{"hex", text("4"), IOM_ARGUMENT, ""},
             binary_case{"base64", text("QUJD"), IOM_OK, "<ABC>"},
             binary_case{"base64", text("Q"), IOM_ARGUMENT, ""},
             binary_case{"base64", bytes("QUJD"), IOM_ARGUMENT, ""},
             binary_case{"raw", bytes("xyz"), IOM_OK, "<xyz>"},
             binary_case{"raw", text("xyz"), IOM_OK, "<xyz>"},
             binary_case{"rot13", text("xyz"), IOM_ARGUMENT, ""},
         }) {
        std::vector<iom_value> arguments{row.data};
        if (row.encoding != nullptr) {
            arguments.push_back(text_value(arg::send_binary::encoding, row.encoding));
        }
        EXPECT_EQ(invoke(++call, act::send_binary, arguments), row.result) << sentence;
        const std::string sent = link->sends();
        EXPECT_EQ(sent.substr(sent.find(':') + 1), *row.sent == '\0' ? "" : row.sent + std::string("@1"));
    }
}

struct argument_case {
    const char* name;
    std::uint32_t action;
    std::vector<iom_value> arguments;
    const char* sentence;
};

TEST_F(instances, refuses_wrong_arguments_in_a_sentence) {
    ready();
    for (const argument_case& row : {
             argument_case{"unknown action",
                           99,
                           {},
                           "There is no action 99. Use the manifest that came with this module."},
             argument_case{"no message", act::send_message, {}, "Message: it is missing. Set it."},
             argument_case{"a number as message",
                           act::send_message,
                           {int_value(arg::send_message::message, 1)},
                           "Message: it takes a text, not a value of another kind."},
             argument_case{"unknown argument",
                           act::ping,
                           {int_value(9, 1)},
                           "A value has the number 9, which this module does not know. Use the manifest that "
                           "came with it."},
             argument_case{"timeout out of range",
                           act::request,
                           {text_value(arg::request::message, "x"), real_value(arg::request::timeout, 0)},
                           "Timeout: it takes 0.1 to 3600, not 0."},
         }) {
        EXPECT_EQ(invoke(1, row.action, row.arguments), IOM_ARGUMENT) << row.name;
        EXPECT_EQ(sentence, row.sentence) << row.name;
    }
    EXPECT_EQ(link->sends(), "");
    EXPECT_EQ(service(), "") << "nothing follows a refusal";
}

TEST_F(instances, a_send_without_a_session_is_refused_and_logged) {
    run();
    EXPECT_EQ(send(1, "hi"), IOM_OFFLINE);
    EXPECT_TRUE(sentence.starts_with("Send Message: there is no session")) << sentence;
    ASSERT_EQ(host.logged.size(), 1U);
    EXPECT_EQ(host.logged[0], std::to_string(IOM_LOG_ERROR) + " " + sentence);
    EXPECT_EQ(service(), "");
}

TEST_F(instances, a_send_that_a_loss_catches_is_given_up_with_its_message) {
    ready();
    send(1, "one");
    send(2, "two");
    send(3, "three");
    link->sends();
    event({.type = record_type::sent, .number = 1});
    lose();
    event({.type = record_type::dropped, .flags = flag_unconfirmed, .number = 1}, {"unconfirmed", "one"});
    event({.type = record_type::dropped, .number = 2}, {"lost", "two"});
    event({.type = record_type::dropped, .number = 3}, {"lost", "three"});
    EXPECT_EQ(service(), "done(1 done) error(close, 1006, It is lost.) disconnected(close, 1006, It is "
                         "lost., false, true, 3.0, 1) "
                         "message-dropped(one, unconfirmed) message-dropped(two, lost) done(2 given up) "
                         "message-dropped(three, lost) done(3 given up)");
    EXPECT_EQ(fast_status(ids::status::messages_dropped), "2");
}

TEST_F(instances, a_queue_holds_messages_until_ready_and_takes_them_back_at_a_loss) {
    run({text_value(id::offline_policy, "queue")});
    EXPECT_EQ(send(1, "one"), IOM_OK);
    EXPECT_EQ(send(2, "two"), IOM_OK);
    EXPECT_EQ(fast_status(ids::status::queue_depth), "2");
    EXPECT_EQ(link->sends(), "");
    host.take();
    establish();
    service();
    EXPECT_EQ(link->sends(), "1:one@1 2:two@1");
    send(3, "three");
    EXPECT_EQ(link->sends(), "3:three@1");
    event({.type = record_type::sent, .number = 1});
    lose();
    event({.type = record_type::dropped, .number = 2}, {"lost", "two"});
    event({.type = record_type::dropped, .number = 3}, {"lost", "three"});
    service();
    send(4, "four");
    establish(2);
    service();
    EXPECT_EQ(link->sends(), "4:two@2 5:three@2 6:four@2");
    event({.type = record_type::sent, .number = 6});
    EXPECT_EQ(service(), "done(2 done) done(3 done) done(4 done)");
    for (const std::uint64_t call : {1U, 2U, 3U, 4U}) {
        EXPECT_EQ(host.ended[call], 1) << call;
    }
}

TEST_F(instances, a_message_that_nobody_has_any_more_is_given_up_not_sent_empty) {
    run({text_value(id::offline_policy, "queue")});
    establish();
    service();
    send(1, "gone");
    link->sends();
    lose();
    event({.type = record_type::dropped, .flags = flag_wordless, .number = 1}, {"lost", ""});
    service();
    EXPECT_EQ(host.ended[1], 1);
    establish(2);
    service();
    EXPECT_EQ(link->sends(), "");
}

TEST_F(instances, what_waits_goes_out_before_what_rules_send_on_ready) {
    run({text_value(id::offline_policy, "queue"), int_value(id::queue_messages, 2)});
    send(1, "one");
    send(2, "two");
    host.on_trigger = [this](std::uint32_t trigger, const iom_value*, std::size_t) {
        if (trigger == ids::trigger::ready) {
            send(3, "three");
        }
    };
    establish();
    service();
    EXPECT_EQ(link->sends(), "1:one@1 2:two@1 3:three@1");
}

TEST_F(instances, a_message_that_comes_back_is_delimited_once) {
    run({text_value(id::offline_policy, "queue"), text_value(id::message_delimiter, ";")});
    establish();
    service();
    send(1, "one");
    EXPECT_EQ(link->sends(), "1:one;@1");
    lose();
    event({.type = record_type::dropped, .number = 1}, {"lost", "one;"});
    establish(2);
    service();
    EXPECT_EQ(link->sends(), "2:one;@2");
}

TEST_F(instances, latest_keeps_the_newest_of_each_key) {
    run({text_value(id::offline_policy, "latest")});
    send(1, "old", "speed");
    send(2, "level", "level");
    send(3, "new", "speed");
    EXPECT_EQ(service(), "message-dropped(old, replaced) done(1 given up)");
    establish();
    service();
    EXPECT_EQ(link->sends(), "1:level@1 2:new@1");
}

TEST_F(instances, stale_messages_are_dropped_at_the_alarm) {
    run({text_value(id::offline_policy, "queue"), real_value(id::queue_ttl, 60)});
    send(1, "one");
    service();
    link->commands();
    EXPECT_LE(link->alarm, link->time + 60 * second);
    link->time += 60 * second;
    event({.type = record_type::alarm});
    EXPECT_EQ(service(), "message-dropped(one, stale) done(1 given up)");
}

TEST_F(instances, clear_queue_gives_up_what_waits) {
    run({text_value(id::offline_policy, "queue")});
    send(1, "one");
    const int wakes = host.wakes;
    EXPECT_EQ(invoke(2, act::clear_queue), IOM_OK);
    EXPECT_GT(host.wakes, wakes);
    EXPECT_EQ(service(), "message-dropped(one, cleared) done(1 given up) done(2 done)");
}

TEST_F(instances, stops_reading_while_its_own_sends_pile_up) {
    ready();
    const std::string large(300 << 10, 'x');
    std::uint64_t call = 0;
    host.on_trigger = [&](std::uint32_t trigger, const iom_value*, std::size_t) {
        if (trigger == ids::trigger::message_received) {
            EXPECT_EQ(send(++call, large), IOM_OK);
        }
    };
    for (int index = 0; index < 20; ++index) {
        receive("go");
    }
    service();
    EXPECT_EQ(call, 4U) << "1 MiB is the mark";
    EXPECT_EQ(last, 0U) << "woken when there is room";
    service();
    EXPECT_EQ(call, 4U);
    for (int index = 0; index < 4; ++index) {
        ASSERT_NE(link->box->sends.next(), nullptr);
    }
    EXPECT_TRUE(link->box->sends.settle()) << "the line is asked to wake the host";
    service();
    EXPECT_EQ(call, 8U);
}

TEST_F(instances, hears_on_although_more_is_sent_than_the_line_carries) {
    ready();
    const std::string large(300 << 10, 'x');
    std::uint64_t call = 0;
    while (call < 4) {
        EXPECT_EQ(send(++call, large), IOM_OK);
    }
    receive("STOP");
    EXPECT_EQ(service(), "") << "the line may take it yet";
    EXPECT_EQ(send(++call, large), IOM_OK);
    link->commands();
    const std::int64_t held_since = link->time;
    for (int alarms = 0; alarms < 3 && link->time < held_since + second; ++alarms) {
        ASSERT_GT(link->alarm, link->time) << "each alarm is followed by the next, though none is read";
        link->time = link->alarm;
        event({.type = record_type::alarm});
        if (link->time < held_since + second) {
            EXPECT_EQ(service(), "");
            link->commands();
        }
    }
    EXPECT_EQ(link->time, held_since + second);
    receive("STOP AT ONCE");
    EXPECT_EQ(service(), "message-received(STOP, false) message-received(STOP AT ONCE, false)");
    EXPECT_EQ(send(++call, large), IOM_BUSY);
    EXPECT_TRUE(sentence.starts_with("Send Message: more is sent than the line carries")) << sentence;
    receive("now");
    EXPECT_EQ(service(), "message-received(now, false)");
    link->sends();
    service();
    EXPECT_EQ(send(++call, large), IOM_OK) << "it is through";
}

TEST_F(instances, hears_on_over_a_slow_line_only_as_fast_as_it_carries_the_answers) {
    ready();
    const std::string large(300 << 10, 'x');
    std::uint64_t call = 0;
    host.on_trigger = [&](std::uint32_t trigger, const iom_value*, std::size_t) {
        if (trigger == ids::trigger::message_received) {
            EXPECT_EQ(send(++call, large), IOM_OK);
        }
    };
    for (int index = 0; index < 20; ++index) {
        receive("go");
    }
    service();
    EXPECT_EQ(call, 4U);
    link->time += second;
    service();
    EXPECT_EQ(call, 5U) << "one more";
    for (int index = 0; index < 10; ++index) {
        link->time += second;
        service();
    }
    EXPECT_EQ(call, 5U) << "its answer has not made its way";
    ASSERT_NE(link->box->sends.next(), nullptr);
    ASSERT_NE(link->box->sends.next(), nullptr);
    link->box->sends.settle();
    link->time += second;
    service();
    EXPECT_EQ(call, 6U);
}

TEST_F(instances, a_queue_keeps_what_a_slow_line_does_not_take) {
    run({text_value(id::offline_policy, "queue")});
    establish();
    service();
    const std::string large(300 << 10, 'x');
    std::uint64_t call = 0;
    while (call < 4) {
        EXPECT_EQ(send(++call, large), IOM_OK);
    }
    service();
    link->time += second;
    receive("STOP");
    EXPECT_EQ(send(++call, "waits"), IOM_OK);
    EXPECT_EQ(service(), "message-received(STOP, false)");
    ASSERT_NE(link->box->sends.next(), nullptr);
    link->box->sends.settle();
    EXPECT_EQ(send(++call, "waits too"), IOM_OK);
    service();
    EXPECT_EQ(fast_status(ids::status::queue_depth), "2");
    link->sends();
    service();
    EXPECT_EQ(link->sends(), "5:waits@1 6:waits too@1");
}

TEST_F(instances, refuses_what_would_pile_up_without_bound) {
    ready();
    const std::string large(1 << 20, 'x');
    std::uint32_t result = IOM_OK;
    std::uint64_t call = 0;
    while (result == IOM_OK && call < 100) {
        result = send(++call, large);
    }
    EXPECT_EQ(result, IOM_BUSY);
    EXPECT_EQ(call, 5U);
}

TEST_F(instances, does_a_bounded_batch) {
    ready();
    for (int index = 0; index < 300; ++index) {
        receive("x");
    }
    host.take();
    host.quiet = true;
    it->service();
    EXPECT_EQ(host.triggers, 256U);
    EXPECT_EQ(it->service(), 0U);
    EXPECT_EQ(host.triggers, 300U);
}

TEST_F(instances, passes_a_long_batch_on_in_parts_and_a_short_one_at_its_end) {
    ready();
    host.quiet = true;
    std::uint64_t call = 0;
    int rung_within = 0;
    host.on_trigger = [&](std::uint32_t, const iom_value*, std::size_t) {
        EXPECT_EQ(send(++call, "an answer"), IOM_OK);
        rung_within = link->rings;
    };
    const auto batch = [&](int messages) {
        link->rings = 0;
        for (int index = 0; index < messages; ++index) {
            receive("x");
        }
        it->service();
    };
    batch(20);
    EXPECT_EQ(rung_within, 0);
    EXPECT_EQ(link->rings, 1);
    EXPECT_EQ(link->sends().substr(0, 13), "1:an answer@1");
    batch(256);
    EXPECT_EQ(rung_within, 1) << "the network thread has not taken the first part yet: no need to ring again";
}

TEST_F(instances, an_echo_allocates_nothing_in_steady_state) {
    ready();
    host.quiet = true;
    const std::string payload(512, 'x');
    std::uint64_t call = 0;
    iom_value argument = text_value(arg::send_message::message, payload);
    host.on_trigger = [&](std::uint32_t, const iom_value* variables, std::size_t) {
        argument.as.text = variables[0].as.text;
        iom_text why{};
        ASSERT_EQ(it->invoke(++call, act::send_message, {&argument, 1}, &why), IOM_OK);
    };
    std::uint64_t sequence = 0;
    const auto round = [&] {
        for (int index = 0; index < 50; ++index) {
            receive(payload);
        }
        it->service();
        while (const record* what = link->box->sends.next()) {
            sequence = what->number;
        }
        link->box->sends.settle();
        event({.type = record_type::sent, .number = sequence});
        it->service();
        while (link->box->commands.next() != nullptr) {}
    };
    for (int index = 0; index < 3; ++index) {
        link->time += second;
        round();
    }
    const std::size_t before = allocations();
    const int posts = host.posts;
    for (int index = 0; index < 100; ++index) {
        link->time += 1'000'000;
        round();
    }
    EXPECT_EQ(allocations(), before);
    EXPECT_GT(host.posts, posts) << "statuses are told all the same";
    EXPECT_LT(host.posts, posts + 10) << "but not with each message";
    EXPECT_EQ(host.dones, call);
}

// ---- ping, request ----------------------------------------------------------------------------------

TEST_F(instances, ping_needs_a_session_and_ends_with_the_pong) {
    run();
    EXPECT_EQ(invoke(1, act::ping), IOM_OFFLINE);
    establish();
    service();
    link->commands();
    EXPECT_EQ(invoke(2, act::ping), IOM_OK);
    EXPECT_EQ(link->commands(), "ping(2)");
    event({.type = record_type::round_trip, .real = 2.5});
    event({.type = record_type::round_trip, .real = 1.5});
    event({.type = record_type::call_ended, .number = 2});
    EXPECT_EQ(service(), "done(2 done)");
    EXPECT_EQ(status(ids::status::round_trip), "1.5");
    EXPECT_EQ(status(ids::status::round_trip_min), "1.5");
    EXPECT_EQ(status(ids::status::round_trip_mean), "2.0");
    EXPECT_EQ(status(ids::status::round_trip_max), "2.5");
}

TEST_F(instances, a_pong_confirms_what_was_sent_before_its_ping) {
    ready();
    send(1, "a");
    send(2, "b");
    event({.type = record_type::sent, .number = 2});
    service();
    EXPECT_EQ(fast_status(ids::status::unconfirmed), "2");
    event({.type = record_type::round_trip, .number = 1, .real = 1});
    service();
    EXPECT_EQ(fast_status(ids::status::unconfirmed), "1");
}

TEST_F(instances, the_oldest_request_gets_the_answer) {
    host.matches[3] = "OK";
    ready();
    const auto request = [&](std::uint64_t call, std::string_view message) {
        return invoke(call, act::request,
                      {text_value(arg::request::message, message), match_value(arg::request::match, 3)});
    };
    EXPECT_EQ(request(1, "A"), IOM_OK);
    EXPECT_EQ(request(2, "B"), IOM_OK);
    EXPECT_EQ(link->sends(), "1:A@1 2:B@1");
    receive("OK too early");
    EXPECT_EQ(service(), "message-received(OK too early, false)");
    event({.type = record_type::sent, .number = 2});
    EXPECT_EQ(service(), "");
    link->time += 2'000'000;
    receive("noise");
    receive("OK 1");
    EXPECT_EQ(service(), "message-received(noise, false) message-received(OK 1, false) reply-received(A, OK "
                         "1, 2.0) done(1 done)");
    link->time += 10 * second;
    EXPECT_EQ(service(), "request-timeout(B, , 10002.0) done(2 timed out)");
}

TEST_F(instances, a_request_is_not_late_while_its_answer_may_be_unread) {
    ready();
    const std::string large(2 << 20, 'x');
    invoke(1, act::request, {text_value(arg::request::message, "A"), real_value(arg::request::timeout, 0.5)});
    link->sends();
    event({.type = record_type::sent, .number = 1});
    service();
    send(2, large);
    receive("answer");
    link->time += second / 2;
    EXPECT_EQ(service(), "") << "more is sent than the line carries, so nothing is read yet";
    link->time += second;
    EXPECT_EQ(service(), "message-received(answer, false) reply-received(A, answer, 1500.0) done(1 done)");
}

TEST_F(instances, so_many_requests_are_refused) {
    host.matches[3] = "OK";
    ready();
    const auto request = [&](std::uint64_t call) {
        return invoke(call, act::request,
                      {text_value(arg::request::message, "A"), match_value(arg::request::match, 3)});
    };
    for (std::uint64_t call = 1; call <= requests::most; ++call) {
        ASSERT_EQ(request(call), IOM_OK) << sentence;
    }
    EXPECT_EQ(request(5000), IOM_BUSY);
    EXPECT_TRUE(sentence.starts_with("Request: 1000 requests wait")) << sentence;
    event({.type = record_type::sent, .number = 1});
    receive("OK");
    service();
    EXPECT_EQ(host.ended[1], 1);
    EXPECT_EQ(request(5000), IOM_OK);
}

TEST_F(instances, a_request_is_not_late_while_bytes_keep_coming) {
    ready();
    invoke(1, act::request, {text_value(arg::request::message, "A"), real_value(arg::request::timeout, 5)});
    event({.type = record_type::sent, .number = 1});
    service();
    link->time += 4 * second;
    link->box->stirred = link->time;
    link->time += 4 * second;
    EXPECT_EQ(service(), "");
    link->time += second;
    EXPECT_EQ(service(), "request-timeout(A, , 9000.0) done(1 timed out)");
}

TEST_F(instances, a_request_whose_session_is_lost_is_given_up) {
    ready();
    invoke(1, act::request, {text_value(arg::request::message, "A")});
    invoke(2, act::request, {text_value(arg::request::message, "B")});
    event({.type = record_type::sent, .number = 1});
    service();
    lose();
    event({.type = record_type::dropped, .number = 2}, {"lost", "B"});
    EXPECT_EQ(service(),
              "error(close, 1006, It is lost.) disconnected(close, 1006, It is lost., false, true, 3.0, 1) "
              "done(1 given up) message-dropped(B, lost) done(2 given up)");
}

// ---- recipe -----------------------------------------------------------------------------------------

TEST_F(instances, greets_in_order_and_is_ready_after_the_last_answer) {
    host.matches[1] = "OK";
    host.matches[2] = "GO";
    host.texts["secret:pin"] = "42";
    run({text_value(id::greeting, "LOGIN ${secret:pin}"), match_value(id::greeting, 1),
         message_value(id::greeting, "\x01", true), match_value(id::ready_match, 2)});
    establish();
    EXPECT_EQ(service(), "connected(10.0.0.1:80) websocket-established(, )");
    EXPECT_EQ(status(ids::status::connection_status), "established");
    EXPECT_EQ(link->sends(), "1:LOGIN 42@1(own)");
    receive("GO");
    service();
    EXPECT_EQ(link->sends(), "") << "GO before the greeting is through is not ready";
    receive("OK");
    EXPECT_EQ(service(), "message-received(OK, false)");
    EXPECT_EQ(link->sends(), "2:<\x01>@1(own)");
    EXPECT_EQ(status(ids::status::is_ready), "false");
    receive("GO");
    EXPECT_EQ(service(), "message-received(GO, false) ready()");
    EXPECT_EQ(link->commands(), "ready(1)");
    EXPECT_EQ(host.captured, (std::vector<std::string>{"OK", "GO"}));
    event({.type = record_type::sent, .number = 2});
    EXPECT_EQ(service(), "");
    EXPECT_EQ(fast_status(ids::status::messages_sent), "") << "the recipe's own do not count";
    EXPECT_EQ(status(ids::status::last_sent), "");
}

TEST_F(instances, the_greeting_goes_out_before_a_rules_message) {
    run({text_value(id::greeting, "LOGIN")});
    host.on_trigger = [&](std::uint32_t trigger, const iom_value*, std::size_t) {
        if (trigger == ids::trigger::websocket_established) {
            send(1, "from a rule");
        }
    };
    establish();
    service();
    EXPECT_EQ(link->sends(), "1:LOGIN@1(own) 2:from a rule@1");
}

TEST_F(instances, fails_the_session_when_ready_does_not_come) {
    host.matches[2] = "GO";
    run({match_value(id::ready_match, 2), real_value(id::ready_timeout, 3)});
    establish();
    service();
    link->commands();
    EXPECT_LE(link->alarm, link->time + 3 * second);
    link->time += 3 * second;
    event({.type = record_type::alarm});
    service();
    EXPECT_EQ(link->commands(), "fail(1 upgrade ready-timeout )");
}

TEST_F(instances, fails_the_session_when_it_is_refused) {
    host.matches[2] = "DENIED";
    run({match_value(id::refuse_match, 2)});
    establish();
    service();
    link->commands();
    receive("DENIED: wrong pin");
    EXPECT_EQ(service(), "message-received(DENIED: wrong pin, false)");
    EXPECT_EQ(link->commands(), "fail(1 upgrade refused DENIED: wrong pin)");
}

TEST_F(instances, fails_the_session_when_the_greeting_cannot_be_said) {
    run({text_value(id::greeting, "LOGIN ${secret:gone}")});
    establish();
    service();
    EXPECT_EQ(link->commands(), "fail(1 settings expand Greeting: there is no such text.)");
}

TEST_F(instances, beats_and_declares_the_line_dead_without_an_answer) {
    host.matches[2] = "PONG";
    ready({text_value(id::heartbeat_message, "PING"), real_value(id::heartbeat_interval, 5),
           match_value(id::heartbeat_match, 2), real_value(id::heartbeat_timeout, 2)});
    link->time += 5 * second;
    service();
    EXPECT_EQ(link->sends(), "1:PING@1(own)");
    event({.type = record_type::sent, .number = 1});
    service();
    link->time += second;
    receive("PONG");
    service();
    link->time += 4 * second;
    service();
    EXPECT_EQ(link->sends(), "2:PING@1(own)") << "the next one, at its interval";
    event({.type = record_type::sent, .number = 2});
    service();
    link->time += 2 * second;
    service();
    EXPECT_EQ(link->commands(), "fail(1 liveness heartbeat-timeout )");
}

TEST_F(instances, says_farewell_and_waits_for_its_answer) {
    host.matches[2] = "unbound";
    ready({text_value(id::farewell, "UNBIND"), match_value(id::farewell_match, 2),
           real_value(id::farewell_timeout, 2)});
    EXPECT_EQ(invoke(1, act::disconnect), IOM_OK);
    EXPECT_EQ(link->sends(), "1:UNBIND@1(own)");
    EXPECT_EQ(link->commands(), "");
    EXPECT_EQ(invoke(2, act::connect), IOM_OK) << "runs after";
    EXPECT_EQ(send(3, "late"), IOM_OFFLINE) << "no sends any more";
    service();
    EXPECT_EQ(status(ids::status::connection_status), "closing");
    event({.type = record_type::sent, .number = 1});
    receive("unbound");
    service();
    EXPECT_EQ(link->commands(), "identity(0 /||) disconnect(1 1000 ) connect(2)");
}

TEST_F(instances, a_farewell_without_an_answer_ends_in_time) {
    host.matches[2] = "unbound";
    ready({text_value(id::farewell, "UNBIND"), match_value(id::farewell_match, 2),
           real_value(id::farewell_timeout, 2)});
    it->stop();
    service();
    link->time += second - 1;
    service();
    EXPECT_EQ(link->commands(), "");
    event({.type = record_type::sent, .number = 1});
    service();
    link->time += 2 * second;
    service();
    EXPECT_EQ(link->commands(), "stop");
}

TEST_F(instances, a_farewell_on_a_stuck_line_ends_within_a_second) {
    host.matches[2] = "unbound";
    ready({text_value(id::farewell, "UNBIND"), match_value(id::farewell_match, 2)});
    it->stop();
    service();
    link->time += second;
    service();
    EXPECT_EQ(link->commands(), "stop");
}

TEST_F(instances, no_farewell_before_the_greeting_was_completed) {
    host.matches[1] = "OK";
    run({text_value(id::farewell, "UNBIND"), match_value(id::greeting, 1)});
    establish();
    service();
    link->commands();
    it->stop();
    EXPECT_EQ(link->sends(), "");
    EXPECT_EQ(link->commands(), "stop");
}

TEST_F(instances, silence_is_told_once_until_the_next_message) {
    ready({real_value(id::silence_timeout, 5)});
    link->time += 4 * second;
    receive("x");
    service();
    link->time += 4 * second;
    EXPECT_EQ(service(), "");
    link->time += second;
    EXPECT_EQ(service(), "silence(5.0)");
    link->time += 20 * second;
    EXPECT_EQ(service(), "");
    receive("y");
    service();
    link->time += 5 * second;
    EXPECT_EQ(service(), "silence(5.0)");
}

// ---- live settings, stop, destroy -------------------------------------------------------------------

TEST_F(instances, live_settings_apply_at_once_and_others_ask_for_a_restart) {
    ready();
    EXPECT_EQ(set({real_value(id::pong_timeout, 3)}), IOM_OK);
    const auto fresh = link->box->take();
    ASSERT_NE(fresh, nullptr);
    EXPECT_EQ(fresh->pong_timeout, std::chrono::seconds(3));
    EXPECT_EQ(set({int_value(id::port, 81)}), IOM_RESTART);
    EXPECT_EQ(link->box->take(), nullptr);
    EXPECT_EQ(set({int_value(id::port, -81)}), IOM_SETTING);
}

TEST_F(instances, every_open_call_ends_exactly_once_at_stop) {
    host.matches[3] = "OK";
    ready({text_value(id::offline_policy, "queue")});
    send(1, "in flight");
    invoke(2, act::request,
           {text_value(arg::request::message, "asked"), match_value(arg::request::match, 3)});
    event({.type = record_type::sent, .number = 2});
    service();
    send(3, "never answered for");
    invoke(4, act::ping);
    lose();
    service();
    send(5, "waits");
    invoke(6, act::connect);
    invoke(7, act::disconnect);
    invoke(8, act::request, {text_value(arg::request::message, "waits too")});
    it->stop();
    EXPECT_EQ(send(9, "too late"), IOM_STATE);
    event({.type = record_type::call_ended, .number = 7});
    event({.type = record_type::closed});
    service();
    EXPECT_EQ(last, IOM_STOPPED);
    for (std::uint64_t call = 1; call <= 8; ++call) {
        EXPECT_EQ(host.ended[call], 1) << call;
    }
    EXPECT_EQ(host.ended.count(9), 0U);
    EXPECT_EQ(status(ids::status::connection_status), "stopped");
    EXPECT_EQ(link->attached, 0);
    EXPECT_EQ(it->service(), 0U);
}

TEST_F(instances, destroy_ends_the_session_and_leaves_the_host_alone) {
    ready();
    send(1, "open");
    host.take();
    const int wakes = host.wakes;
    it.reset();
    EXPECT_EQ(link->attached, 0);
    EXPECT_EQ(host.take(), "");
    EXPECT_EQ(host.wakes, wakes);
}

TEST_F(instances, works_for_a_host_that_lends_nothing) {
    host.lends = false;
    it = std::make_unique<instance>(host.table, [this] { return link; });
    EXPECT_EQ(set({match_value(id::ready_match, 1)}), IOM_SETTING);
    ready({text_value(id::path, "/plain")});
    EXPECT_EQ(send(1, "hi"), IOM_OK);
    EXPECT_EQ(link->sends(), "1:hi@1");
    EXPECT_EQ(invoke(2, act::request,
                     {text_value(arg::request::message, "x"), match_value(arg::request::match, 1)}),
              IOM_ARGUMENT);
}

} // namespace
} // namespace iom::ws
