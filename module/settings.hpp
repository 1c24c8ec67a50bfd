#pragma once

#include "iom/iom.h"
#include "module/span_of_time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The settings of an instance, typed and checked. Once made they never change, and both threads read them.
namespace iom::ws {

enum class offline_policy : std::uint8_t { error, queue, latest };

enum class tls_version : std::uint8_t { tls_1_2, tls_1_3 };

/// One step of a greeting.
struct greeting_step {
    enum class kind : std::uint8_t { send_text, send_binary, await };
    kind what = kind::send_text;
    std::string payload;     ///< to send; a text as it was written, to be expanded at use
    std::uint32_t match = 0; ///< to await: the host's handle

    bool operator==(const greeting_step&) const = default;
};

struct proxy_settings {
    std::string host; ///< name or address, without brackets
    std::uint16_t port = 0;
    std::string username; ///< empty: no authentication; may hold ${...}, as the password may
    std::string password;

    bool operator==(const proxy_settings&) const = default;
};

struct tls_settings {
    bool verify = true;
    std::string ca;          ///< path of a PEM file; empty: the system's store
    std::string certificate; ///< path of a PEM file; empty: none
    std::string key;         ///< path of a PEM file; empty: in the certificate's file
    std::string key_password;
    std::string server_name;       ///< SNI and name to verify; the hostname where none was given
    std::vector<std::string> pins; ///< 32 raw bytes each: SHA-256 of a SubjectPublicKeyInfo
    tls_version oldest = tls_version::tls_1_2;

    bool operator==(const tls_settings&) const = default; ///< those that are equal may share a context
};

struct settings {
    // Where to
    std::string hostname;    ///< name or address, without brackets
    bool secure = false;     ///< wss
    std::uint16_t port = 80; ///< never 0
    std::string path = "/";  ///< as written; the session takes it from its identity
    std::optional<proxy_settings> proxy;
    std::string local_address; ///< address or interface; empty: any
    std::vector<std::string> subprotocols;
    bool compression = false;
    tls_settings tls;

    // Who we are: as written, expanded on [control] into the command `identity`
    std::vector<std::string> headers; ///< "Name: value"
    std::string bearer_token;
    std::string username;
    std::string password;
    bool identity_expands = false; ///< it holds ${...}: each attempt asks for it anew

    // When to connect again
    bool auto_reconnect = true;
    bool connect_at_startup = true;
    span_of_time connect_timeout = std::chrono::seconds(10);
    span_of_time reconnect_first_max = std::chrono::seconds(5);
    span_of_time reconnect_min = std::chrono::milliseconds(500);
    span_of_time reconnect_max = std::chrono::seconds(30);
    span_of_time stable_after = std::chrono::seconds(30);
    span_of_time fault_retry = std::chrono::seconds(300); ///< 0: no retry after a fault

    // How life is proved
    bool keep_alive = true;
    span_of_time ping_interval = std::chrono::seconds(20);
    span_of_time pong_timeout = std::chrono::seconds(10);
    span_of_time silence_timeout{};                         ///< 0: off
    span_of_time write_deadline = std::chrono::seconds(10); ///< 0: off
    span_of_time close_timeout = std::chrono::seconds(2);

    // What is said in a session, on [control]
    std::vector<greeting_step> greeting;
    std::optional<std::uint32_t> ready_match;
    std::optional<std::uint32_t> refuse_match;
    span_of_time ready_timeout = std::chrono::seconds(10);
    std::string heartbeat_message;     ///< as written; empty: off
    span_of_time heartbeat_interval{}; ///< 0: off
    std::optional<std::uint32_t> heartbeat_match;
    span_of_time heartbeat_timeout = std::chrono::seconds(10);
    std::string message_delimiter;     ///< as written; empty: none
    std::vector<std::string> farewell; ///< as written
    std::optional<std::uint32_t> farewell_match;
    span_of_time farewell_timeout = std::chrono::seconds(2);

    // What happens to messages
    std::size_t max_message_size = std::size_t{1} << 20; ///< bytes
    iom::ws::offline_policy offline_policy = offline_policy::error;
    std::size_t queue_messages = 500;
    std::size_t queue_bytes = std::size_t{1} << 20;
    span_of_time queue_ttl = std::chrono::seconds(60); ///< 0: never stale

    // Logging
    bool extended_logging = false; ///< every state change, header, TLS fact, timer decision
    bool log_comms = false;        ///< every frame

    bool operator==(const settings&) const = default;
};

/// Typed settings from the contract's values; an absent one has its default. Fills `mistake` and returns
/// nothing if one is wrong; the sentence begins with the label of the setting ("Hostname: ..."). May throw
/// std::bad_alloc.
std::optional<settings> read_settings(std::span<const iom_value> values, std::string& mistake);

/// `a` with those settings of `b` that are live: what applies without dropping the connection.
settings with_live(const settings& a, const settings& b);

} // namespace iom::ws
