#pragma once

#include "module/verdict.hpp"

#include <string>
#include <string_view>

/// What the libraries below call a failure, in our own codes. Pure.
namespace iom::ws {

/// How far a connection came before it failed.
enum class reached : std::uint8_t {
    nothing, ///< TCP is not up
    proxy,   ///< TCP to the proxy is up
    tcp,     ///< TCP is up, TLS is not
    asking,  ///< the request is out, or on its way
};

/// What bears on the meaning of a text.
struct circumstances {
    reached stage = reached::nothing;
    bool proxied = false;
    bool certificate = false; ///< we have a client certificate
};

/// The failure that a text of libwebsockets (LWS_CALLBACK_CLIENT_CONNECTION_ERROR) stands for. Its place is
/// left empty.
failure cause_of(std::string_view text, const circumstances& when);

/// "ECONNREFUSED" for its number; "errno N" where it is not a usual one.
std::string errno_name(int number);

} // namespace iom::ws
