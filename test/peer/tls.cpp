#include "tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <fstream>
#include <stdexcept>

namespace iom::peer {

namespace {

int openssl_version(tls_version version) {
    switch (version) {
    case tls_version::v1_1:
        return TLS1_1_VERSION;
    case tls_version::v1_2:
        return TLS1_2_VERSION;
    case tls_version::v1_3:
        return TLS1_3_VERSION;
    }
    return TLS1_3_VERSION;
}

void require(const error_code& error, const std::string& option, const std::string& file) {
    if (!error) {
        return;
    }
    const std::ifstream readable{file};
    const char* const reason =
        readable ? ERR_reason_error_string(static_cast<unsigned long>(error.value())) : "it cannot be read";
    throw std::runtime_error(option + " " + file + " cannot be used: " +
                             (reason != nullptr ? std::string(reason) : error.message()) +
                             ". Give a readable PEM file.");
}

std::string subject_of(X509* certificate) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), &BIO_free);
    if (!text || X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) {
        return {};
    }
    char* bytes = nullptr;
    const long length = BIO_get_mem_data(text.get(), &bytes);
    return length > 0 ? std::string(bytes, static_cast<std::size_t>(length)) : std::string{};
}

} // namespace

std::unique_ptr<net::ssl::context> make_tls_context(const tls_options& tls) {
    if (tls.certificate.empty()) {
        return nullptr;
    }
    auto context = std::make_unique<net::ssl::context>(net::ssl::context::tls_server);
    SSL_CTX_set_min_proto_version(context->native_handle(), openssl_version(tls.oldest));
    SSL_CTX_set_max_proto_version(context->native_handle(), openssl_version(tls.newest));
    if (tls.oldest < tls_version::v1_2) {
        SSL_CTX_set_security_level(context->native_handle(), 0); // OpenSSL 3 speaks TLS 1.1 only at level 0
    }
    error_code error;
    context->use_certificate_chain_file(tls.certificate, error);
    require(error, "--tls-cert", tls.certificate);
    context->use_private_key_file(tls.key, net::ssl::context::pem, error);
    require(error, "--tls-key", tls.key);
    if (!tls.client_ca.empty()) {
        context->load_verify_file(tls.client_ca, error);
        require(error, "--tls-client-ca", tls.client_ca);
        context->set_verify_mode(net::ssl::verify_peer | net::ssl::verify_fail_if_no_peer_cert);
        SSL_CTX_set_client_CA_list(context->native_handle(), SSL_load_client_CA_file(tls.client_ca.c_str()));
    }
    return context;
}

tls_facts facts_of(SSL* session) {
    tls_facts facts;
    if (session == nullptr) {
        return facts;
    }
    facts.version = SSL_get_version(session);
    facts.cipher = SSL_get_cipher_name(session);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(session),
                                                                  &X509_free);
    if (certificate) {
        facts.client_certificate = subject_of(certificate.get());
    }
    return facts;
}

} // namespace iom::peer
