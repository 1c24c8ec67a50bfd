#pragma once

#include "module/settings.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace iom::ws {

/// Who we are in the request of an attempt, with everything expanded.
struct identity {
    std::string path = "/";    ///< and query
    std::string headers;       ///< each line "Name: value\r\n"
    std::string authorization; ///< value of the header; empty: none
    std::string proxy_login;   ///< "user:password" for the proxy; empty: none
};

/// Expands a text; false, and a sentence, where that cannot be.
using expander = std::function<bool(std::string_view written, std::string_view& expanded)>;

/// The identity that the settings say, with the token that a Connect action gave, if any: it goes before the
/// settings' token and user name. Nothing, and the sentence, where something cannot be expanded or makes no
/// request.
std::optional<identity> make_identity(const settings& from, const std::optional<std::string>& token,
                                      const expander& expand, std::string& mistake);

} // namespace iom::ws
