#pragma once

#include "timeline.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace iom::peer {

enum class tls_version { v1_1, v1_2, v1_3 };

struct tls_options {
    std::string certificate; ///< PEM file, chain included; empty: plain TCP
    std::string key;         ///< PEM file
    std::string client_ca;   ///< PEM file; not empty: clients must show a certificate it signed
    tls_version oldest = tls_version::v1_2;
    tls_version newest = tls_version::v1_3;
};

struct options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;
    tls_options tls;
    moment idle_timeout{60'000}; ///< zero: never
    std::vector<std::string> subprotocols;
    std::uint64_t max_message = 64U << 20; ///< bytes
    bool deflate = false;
    bool deflate_forget = false; ///< no context takeover, either way
    int deflate_window = 15;     ///< bits
    bool log = false;            ///< an event for every message
    moment alarm_every{5'000};
    moment token_lifetime{20'000};
    std::string basic = "user:pass";
};

/// The process is to end here: after --help (exit_code 0, text for stdout) or a usage error (2, for stderr).
struct leave {
    int exit_code = 0;
    std::string text;
};

std::variant<options, leave> read_options(int argc, const char* const* argv);

} // namespace iom::peer
