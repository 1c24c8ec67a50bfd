#include "module/identity.hpp"

#include "module/address.hpp"
#include "module/codec.hpp"

#include <algorithm>

namespace iom::ws {

namespace {

bool one_line(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

} // namespace

std::optional<identity> make_identity(const settings& from, const std::optional<std::string>& token,
                                      const expander& expand, std::string& mistake) {
    identity made;
    const auto expanded = [&](std::string_view label,
                              std::string_view written) -> std::optional<std::string> {
        std::string_view text;
        if (!expand(written, text)) {
            mistake = std::string(label) + ": " + std::string(text);
            return std::nullopt;
        }
        return std::string(text);
    };

    const auto path = expanded("Path", from.path);
    if (!path) {
        return std::nullopt;
    }
    mistake = judge_path(*path);
    if (!mistake.empty()) {
        return std::nullopt;
    }
    made.path = *path;

    const bool own_authorization = token || !from.bearer_token.empty() || !from.username.empty();
    for (const std::string& header : from.headers) {
        const auto line = expanded("HTTP headers", header);
        if (!line) {
            return std::nullopt;
        }
        // A Connect action's token goes before an Authorization among the headers.
        const bool replaced =
            token && judge_header(*line, true).empty() && !judge_header(*line, false).empty();
        if (replaced) {
            continue;
        }
        mistake = judge_header(*line, !own_authorization);
        if (!mistake.empty()) {
            return std::nullopt;
        }
        made.headers += *line + "\r\n";
    }

    if (from.proxy && !from.proxy->username.empty()) {
        const auto name = expanded("HTTP proxy", from.proxy->username);
        const auto password = name ? expanded("HTTP proxy", from.proxy->password) : std::nullopt;
        if (!name || !password) {
            return std::nullopt;
        }
        if (name->empty() || name->find(':') != std::string::npos || !one_line(*name) ||
            !one_line(*password)) {
            mistake = "HTTP proxy: a user name takes no colon, and neither it nor the password a line break. "
                      "Check both.";
            return std::nullopt;
        }
        made.proxy_login = *name + ':' + *password;
        if (made.proxy_login.size() > longest_proxy_login) {
            mistake = "HTTP proxy: user name and password are longer together than " +
                      std::to_string(longest_proxy_login - 1) + " bytes. Have shorter ones made.";
            return std::nullopt;
        }
    }

    if (token || !from.bearer_token.empty()) {
        const auto bearer = token ? token : expanded("Bearer token", from.bearer_token);
        if (!bearer) {
            return std::nullopt;
        }
        if (bearer->empty() || !one_line(*bearer)) {
            mistake = "Bearer token: it is empty or has a line break in it. Check the secret or the answer "
                      "it was taken from.";
            return std::nullopt;
        }
        made.authorization = "Bearer " + *bearer;
    } else if (!from.username.empty()) {
        const auto name = expanded("Basic authentication, user name", from.username);
        const auto password = name ? expanded("Basic authentication, password", from.password) : std::nullopt;
        if (!name || !password) {
            return std::nullopt;
        }
        if (name->find(':') != std::string::npos || !one_line(*name) || !one_line(*password)) {
            mistake = "Basic authentication: a user name takes no colon, and neither it nor the password a "
                      "line break. "
                      "Check both.";
            return std::nullopt;
        }
        made.authorization = "Basic " + to_base64(*name + ':' + *password);
    }
    return made;
}

} // namespace iom::ws
