#include "web/json_text.hpp"

namespace iom::host::web {
namespace {

/// Before anything is built of it: in a text that is no JSON it may be wrong, which does no harm.
bool is_too_deep(std::string_view text) {
    int depth = 0;
    bool quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char each = text[at];
        if (quoted) {
            if (each == '\\') {
                ++at;
            } else if (each == '"') {
                quoted = false;
            }
        } else if (each == '"') {
            quoted = true;
        } else if (each == '[' || each == '{') {
            if (++depth > deepest_json) {
                return true;
            }
        } else if (each == ']' || each == '}') {
            --depth;
        }
    }
    return false;
}

} // namespace

nlohmann::json parse_json(std::string_view text) {
    if (is_too_deep(text)) {
        return nlohmann::json(nlohmann::json::value_t::discarded);
    }
    return nlohmann::json::parse(text, nullptr, false);
}

} // namespace iom::host::web
