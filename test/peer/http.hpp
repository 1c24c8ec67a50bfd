#pragma once

#include "net.hpp"

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <string>
#include <string_view>

namespace iom::peer {

namespace http = boost::beast::http;

using http_request = http::request<http::string_body>;
using http_response = http::response<http::string_body>;

/// The whole message as it goes over the wire.
std::string to_text(const http_response& response);

inline std::string_view view(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

} // namespace iom::peer
