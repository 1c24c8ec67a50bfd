#include "http.hpp"

#include <boost/beast/http/write.hpp>

#include <sstream>

namespace iom::peer {

std::string to_text(const http_response& response) {
    std::ostringstream text;
    text << response;
    return std::move(text).str();
}

} // namespace iom::peer
