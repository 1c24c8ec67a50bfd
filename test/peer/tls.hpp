#pragma once

#include "net.hpp"
#include "options.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace iom::peer {

/// The server's TLS context, or null for plain TCP. Throws std::runtime_error with a sentence that names the
/// file.
std::unique_ptr<net::ssl::context> make_tls_context(const tls_options& tls);

/// What a TLS session came to; empty texts for plain TCP.
struct tls_facts {
    std::string version; ///< for example TLSv1.3
    std::string cipher;
    std::string client_certificate; ///< subject, RFC 2253
};

tls_facts facts_of(SSL* session);

} // namespace iom::peer
