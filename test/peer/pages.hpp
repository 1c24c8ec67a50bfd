#pragma once

#include "http.hpp"
#include "peer_state.hpp"
#include "target.hpp"

namespace iom::peer {

/// Answers a plain HTTP request (no upgrade). GET / says what there is.
http_response answer_page(peer_state& state, const http_request& request, const target& asked);

/// An error as every page reports it: {"error": sentence}.
http_response error_page(http::status status, const std::string& sentence);

} // namespace iom::peer
