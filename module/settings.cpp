#include "module/settings.hpp"

#include "module/address.hpp"
#include "module/identity.hpp"
#include "module/values.hpp"

#include <algorithm>
#include <cmath>
#include <variant>

namespace iom::ws {

namespace {

namespace id = ids::setting;

/// Where a setting's value lies, if it needs no reading of its own.
using place = std::variant<std::monostate, bool*, span_of_time*, std::size_t*, std::string*,
                           std::vector<std::string>*, std::optional<std::uint32_t>*, offline_policy*>;

place place_of(settings& in, std::uint32_t number) {
    switch (number) {
    case id::hostname:
        return &in.hostname;
    case id::path:
        return &in.path;
    case id::connect_at_startup:
        return &in.connect_at_startup;
    case id::connect_timeout:
        return &in.connect_timeout;
    case id::subprotocols:
        return &in.subprotocols;
    case id::local_address:
        return &in.local_address;
    case id::compression:
        return &in.compression;
    case id::max_message_size:
        return &in.max_message_size;
    case id::close_timeout:
        return &in.close_timeout;
    case id::headers:
        return &in.headers;
    case id::bearer_token:
        return &in.bearer_token;
    case id::username:
        return &in.username;
    case id::password:
        return &in.password;
    case id::send_keep_alive:
        return &in.keep_alive;
    case id::ping_interval:
        return &in.ping_interval;
    case id::pong_timeout:
        return &in.pong_timeout;
    case id::silence_timeout:
        return &in.silence_timeout;
    case id::heartbeat_message:
        return &in.heartbeat_message;
    case id::heartbeat_interval:
        return &in.heartbeat_interval;
    case id::heartbeat_match:
        return &in.heartbeat_match;
    case id::heartbeat_timeout:
        return &in.heartbeat_timeout;
    case id::auto_reconnect:
        return &in.auto_reconnect;
    case id::reconnect_first_max:
        return &in.reconnect_first_max;
    case id::reconnect_min:
        return &in.reconnect_min;
    case id::reconnect_max:
        return &in.reconnect_max;
    case id::stable_after:
        return &in.stable_after;
    case id::fault_retry:
        return &in.fault_retry;
    case id::ready_match:
        return &in.ready_match;
    case id::refuse_match:
        return &in.refuse_match;
    case id::ready_timeout:
        return &in.ready_timeout;
    case id::message_delimiter:
        return &in.message_delimiter;
    case id::farewell:
        return &in.farewell;
    case id::farewell_match:
        return &in.farewell_match;
    case id::farewell_timeout:
        return &in.farewell_timeout;
    case id::offline_policy:
        return &in.offline_policy;
    case id::queue_messages:
        return &in.queue_messages;
    case id::queue_bytes:
        return &in.queue_bytes;
    case id::queue_ttl:
        return &in.queue_ttl;
    case id::write_deadline:
        return &in.write_deadline;
    case id::tls_verify:
        return &in.tls.verify;
    case id::tls_ca:
        return &in.tls.ca;
    case id::tls_certificate:
        return &in.tls.certificate;
    case id::tls_key:
        return &in.tls.key;
    case id::tls_key_password:
        return &in.tls.key_password;
    case id::tls_server_name:
        return &in.tls.server_name;
    case id::extended_logging:
        return &in.extended_logging;
    case id::log_comms:
        return &in.log_comms;
    default:
        return std::monostate{};
    }
}

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};

template <class... F>
overloaded(F...) -> overloaded<F...>;

span_of_time to_span(const iom_value& value) {
    const double seconds = value.kind == IOM_INT ? static_cast<double>(value.as.integer) : value.as.real;
    return span_of_time(std::llround(seconds * 1e9));
}

bool expands(std::string_view written) {
    return written.find("${") != std::string_view::npos;
}

/// What has no place of its own is read here. Empty, or what is wrong.
std::string read_special(settings& into, const iom_value& value) {
    const std::string_view text = bytes_of(value);
    const auto choice = [](const auto& choices, std::string_view label, std::string_view given) {
        std::string wrong(label);
        wrong += ": it takes ";
        for (std::size_t index = 0; index < choices.size(); ++index) {
            wrong += (index == 0                    ? ""
                      : index + 1 == choices.size() ? " or "
                                                    : ", ") +
                     std::string(choices[index]);
        }
        return wrong + ", not \"" + std::string(given.substr(0, 40)) + "\".";
    };
    std::string wrong;
    switch (value.id) {
    case id::protocol:
        into.secure = text == "wss";
        if (!into.secure && text != "ws") {
            return choice(ids::setting_choices::protocol, "Protocol", text);
        }
        break;
    case id::port:
        into.port = static_cast<std::uint16_t>(value.as.integer);
        break;
    case id::proxy:
        if (!text.empty()) {
            into.proxy = read_proxy(text, wrong);
        }
        break;
    case id::tls_min:
        into.tls.oldest = text == "1.3" ? tls_version::tls_1_3 : tls_version::tls_1_2;
        if (std::find(ids::setting_choices::tls_min.begin(), ids::setting_choices::tls_min.end(), text) ==
            ids::setting_choices::tls_min.end()) {
            return choice(ids::setting_choices::tls_min, "Oldest TLS", text);
        }
        break;
    case id::offline_policy: {
        const auto& choices = ids::setting_choices::offline_policy;
        const auto found = std::find(choices.begin(), choices.end(), text);
        if (found == choices.end()) {
            return choice(choices, "When not established", text);
        }
        into.offline_policy = static_cast<offline_policy>(std::distance(choices.begin(), found));
        break;
    }
    case id::tls_pins:
        if (auto pin = read_pin(text)) {
            into.tls.pins.push_back(std::move(*pin));
        } else {
            return "Pinned keys: an item is no SHA-256 of a key. Write 44 characters of base64 or 64 of hex.";
        }
        break;
    case id::greeting: {
        greeting_step step;
        if (value.kind == IOM_MATCH) {
            step.what = greeting_step::kind::await;
            step.match = value.as.match;
        } else {
            step.what =
                value.kind == IOM_TEXT ? greeting_step::kind::send_text : greeting_step::kind::send_binary;
            step.payload = text;
        }
        into.greeting.push_back(std::move(step));
        break;
    }
    default:
        break;
    }
    return wrong;
}

void read_one(settings& into, const iom_value& value, std::string& mistake) {
    std::visit(overloaded{
                   [&](std::monostate) { mistake = read_special(into, value); },
                   [&](bool* at) { *at = value.as.boolean != 0; },
                   [&](span_of_time* at) { *at = to_span(value); },
                   [&](std::size_t* at) { *at = static_cast<std::size_t>(value.as.integer); },
                   [&](std::string* at) { *at = bytes_of(value); },
                   [&](std::vector<std::string>* at) { at->emplace_back(bytes_of(value)); },
                   [&](std::optional<std::uint32_t>* at) { *at = value.as.match; },
                   [&](offline_policy*) { mistake = read_special(into, value); },
               },
               place_of(into, value.id));
}

/// What the settings say about each other, or what one says only as a whole.
std::string judge_together(const settings& given) {
    if (std::string wrong = judge_hostname(given.hostname); !wrong.empty()) {
        return wrong;
    }
    if (!expands(given.path)) {
        if (std::string wrong = judge_path(given.path); !wrong.empty()) {
            return wrong;
        }
    } else if (given.path.front() != '/' && !given.path.starts_with("${")) {
        return judge_path(given.path);
    }
    const bool own_authorization = !given.bearer_token.empty() || !given.username.empty();
    for (const std::string& header : given.headers) {
        // A name that is still to be expanded is judged when it is used.
        if (header.substr(0, header.find(':')).find("${") == std::string::npos) {
            if (std::string wrong = judge_header(header, !own_authorization); !wrong.empty()) {
                return wrong;
            }
        }
    }
    for (auto name = given.subprotocols.begin(); name != given.subprotocols.end(); ++name) {
        if (std::string wrong = judge_token(*name); !wrong.empty()) {
            return "Subprotocols: " + wrong;
        }
        if (std::find(given.subprotocols.begin(), name, *name) != name) {
            return "Subprotocols: \"" + *name + "\" is given twice (RFC 6455 section 4.1). Take one out.";
        }
    }
    if (!given.bearer_token.empty() && !given.username.empty()) {
        return "Bearer token: a request carries either a token or a user name. Take one of the two out.";
    }
    if (given.username.find(':') != std::string::npos && !expands(given.username)) {
        return "Basic authentication, user name: a colon cannot be part of it (RFC 7617). Put the password "
               "into its own "
               "setting.";
    }
    if (given.local_address.size() > 64 || given.local_address.find_first_of(" /\t") != std::string::npos) {
        return "Local interface: it is neither an address nor the name of an interface. Write one of the "
               "two, as in eth1.";
    }
    if (given.reconnect_min > given.reconnect_max) {
        return "Retry delay, shortest: it is longer than Retry delay, longest. Lower it, or raise the other.";
    }
    if (!given.tls.server_name.empty()) {
        if (std::string wrong = judge_hostname(given.tls.server_name); !wrong.empty()) {
            return "Server name: \"" + given.tls.server_name +
                   "\" is no name. Write the name that the certificate carries.";
        }
    }
    if (!given.tls.key.empty() && given.tls.certificate.empty()) {
        return "Client certificate, key: there is a key but no Client certificate. Set that too.";
    }
    return {};
}

} // namespace

std::optional<settings> read_settings(std::span<const iom_value> values, std::string& mistake) {
    mistake = judge_values(ids::settings, values);
    settings given;
    given.port = 0;
    for (const iom_value& value : values) {
        if (!mistake.empty()) {
            return std::nullopt;
        }
        read_one(given, value, mistake);
    }
    if (mistake.empty()) {
        mistake = judge_together(given);
    }
    if (!mistake.empty()) {
        return std::nullopt;
    }
    if (given.port == 0) {
        given.port = given.secure ? 443 : 80;
    }
    if (given.tls.server_name.empty()) {
        given.tls.server_name = given.hostname;
    }
    given.identity_expands =
        expands(given.path) || expands(given.bearer_token) || expands(given.username) ||
        expands(given.password) ||
        (given.proxy && (expands(given.proxy->username) || expands(given.proxy->password))) ||
        std::any_of(given.headers.begin(), given.headers.end(), expands);
    if (!given.identity_expands) {
        // It will never be another one, so it is judged here and now.
        const auto as_written = [](std::string_view written, std::string_view& expanded) {
            expanded = written;
            return true;
        };
        if (!make_identity(given, std::nullopt, as_written, mistake)) {
            return std::nullopt;
        }
    }
    return given;
}

settings with_live(const settings& a, const settings& b) {
    settings mixed = a;
    settings fresh = b;
    for (const ids::row& row : ids::settings) {
        if (row.live) {
            std::visit(
                [&](auto at) {
                    if constexpr (!std::is_same_v<decltype(at), std::monostate>) {
                        *at = std::move(*std::get<decltype(at)>(place_of(fresh, row.number)));
                    }
                },
                place_of(mixed, row.number));
        }
    }
    return mixed;
}

} // namespace iom::ws
