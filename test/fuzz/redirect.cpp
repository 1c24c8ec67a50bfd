#include "module/redirect.hpp"

#include "target.hpp"

using namespace iom::ws;

// The first byte chooses where we come from, the rest is the Location.
void fuzz(std::string_view input) {
    if (input.empty()) {
        return;
    }
    const auto choice = static_cast<unsigned char>(input.front());
    const bool secure = (choice & 1U) != 0;
    const destination from{.secure = secure,
                           .host = (choice & 2U) != 0 ? "::1" : "plant.example",
                           .port = static_cast<std::uint16_t>(secure ? 443 : 80),
                           .path = "/line?x=1"};
    const auto where = follow(from, input.substr(1), choice >> 4U);
    require(where.to.has_value() == where.refusal.empty());
    if (where.to) {
        require(where.to->host == from.host);
        require(where.to->secure || !from.secure);
        require(where.to->port != 0);
        require(where.to->path.starts_with('/'));
        require(where.to->path.find_first_of(" \r\n#") == std::string::npos);
    }
}
