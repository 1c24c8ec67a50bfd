#include "module/terms.hpp"

#include <array>

namespace iom::ws {

std::string_view name_of(state what) {
    static constexpr std::array<std::string_view, 10> names{
        "stopped",     "resolving", "connecting", "securing", "upgrading",
        "established", "ready",     "closing",    "waiting",  "faulted",
    };
    return names.at(static_cast<std::size_t>(what));
}

} // namespace iom::ws
