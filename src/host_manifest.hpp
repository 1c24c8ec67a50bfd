#pragma once

#include "manifest/manifest.hpp"

#include <cstdint>

/// The triggers and actions that the host has of its own, in the same form as those of a module.
namespace iom::host {

namespace host_trigger {
inline constexpr std::uint32_t startup = 1;
inline constexpr std::uint32_t every = 2;         ///< `interval` stands in the <on>
inline constexpr std::uint32_t manual = 3;        ///< by hand, from the page or over HTTP
inline constexpr std::uint32_t action_failed = 4; ///< rule, action, sentence
inline constexpr std::uint32_t http_answered = 5; ///< request, status, body, milliseconds
} // namespace host_trigger

namespace host_action {
inline constexpr std::uint32_t log = 1;  ///< message, level
inline constexpr std::uint32_t set = 2;  ///< variable, value
inline constexpr std::uint32_t add = 3;  ///< variable, value
inline constexpr std::uint32_t fire = 4; ///< rule
inline constexpr std::uint32_t http = 5; ///< method, url and more
} // namespace host_action

namespace host_argument {
inline constexpr std::uint32_t log_message = 1;
inline constexpr std::uint32_t log_level = 2;

inline constexpr std::uint32_t variable = 1; ///< of set and add
inline constexpr std::uint32_t value = 2;    ///< of set and add

inline constexpr std::uint32_t rule = 1; ///< of fire

inline constexpr std::uint32_t http_method = 1;
inline constexpr std::uint32_t http_url = 2;
inline constexpr std::uint32_t http_headers = 3;
inline constexpr std::uint32_t http_body = 4;
inline constexpr std::uint32_t http_timeout = 5;
inline constexpr std::uint32_t http_request = 6;
inline constexpr std::uint32_t http_tls_verify = 7;
inline constexpr std::uint32_t http_tls_ca = 8;
} // namespace host_argument

/// Made once; its id is `host`.
const manifest::module_manifest& host_manifest();

} // namespace iom::host
