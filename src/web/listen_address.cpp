#include "web/web.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <netinet/in.h>

namespace iom::host::web {

bool read_address(const std::string& written, web_options& to, std::string& why) {
    const std::size_t colon = written.rfind(':');
    std::string address = written.substr(0, colon);
    const std::string port = colon == std::string::npos ? std::string() : written.substr(colon + 1);
    if (address.size() > 1 && address.front() == '[' && address.back() == ']') {
        address = address.substr(1, address.size() - 2);
    } else if (address.find(':') != std::string::npos) {
        address.clear();
    }
    in6_addr room{};
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if ((inet_pton(AF_INET, address.c_str(), &room) != 1 &&
         inet_pton(AF_INET6, address.c_str(), &room) != 1) ||
        port.empty() || error != std::errc() || end != port.data() + port.size() || number > 65535) {
        why = "'" + written + "' is no IP address and port. Write it as 127.0.0.1:8080, or [::1]:8080";
        return false;
    }
    char text[INET6_ADDRSTRLEN] = {};
    if (address.find(':') != std::string::npos && IN6_IS_ADDR_V4MAPPED(&room)) {
        inet_ntop(AF_INET, room.s6_addr + 12, text, sizeof text);
        why = "'" + written + "' is an IPv4 address in the dress of IPv6. Write it as " + text + ":" + port;
        return false;
    }
    if (address.find(':') != std::string::npos) {
        address = inet_ntop(AF_INET6, &room, text, sizeof text); // one address, one way to write it
    }
    to.address = address;
    to.port = static_cast<std::uint16_t>(number);
    return true;
}

} // namespace iom::host::web
