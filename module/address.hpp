#pragma once

#include "module/settings.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// Judges what people type where an address is asked for. Pure.
namespace iom::ws {

/// What is wrong with a text as Hostname, in a sentence that names the settings to use instead (Protocol,
/// Port, Path); empty if it is a name or an address.
std::string judge_hostname(std::string_view typed);

/// True for a numeric IPv4 or IPv6 address, the latter with or without %zone.
bool is_ip_address(std::string_view typed);

/// What is wrong with a text as path and query of a request (RFC 6455 §3); empty if nothing.
std::string judge_path(std::string_view typed);

/// What is wrong with a text as a header line "Name: value"; empty if nothing. `authorization` says whether
/// Authorization may be given here.
std::string judge_header(std::string_view typed, bool authorization);

/// What is wrong with a text as an HTTP token (RFC 9110 §5.6.2), for subprotocols; empty if nothing.
std::string judge_token(std::string_view typed);

/// Bytes of "user:password" for a proxy that our libwebsockets has room for.
inline constexpr std::size_t longest_proxy_login = 511;

/// http://[user:password@]host:port, of which user and password may hold ${...}. Nothing, and the sentence,
/// if it is not that.
std::optional<proxy_settings> read_proxy(std::string_view typed, std::string& mistake);

/// The 32 bytes of a pin in base64 or hex, with or without "sha256/" or "sha256//" before it.
std::optional<std::string> read_pin(std::string_view typed);

} // namespace iom::ws
