#include "http/line.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace iom::host {

namespace {

// Where distributions keep the authorities that they trust, in one file.
constexpr std::array<const char*, 6> system_stores{
    "/etc/ssl/certs/ca-certificates.crt",                // Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",                            // openSUSE
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL 7
    "/etc/ssl/cert.pem",                                 // Yocto, BSD
    "/usr/share/ssl/certs/ca-bundle.crt",
};

struct verdict_word {
    std::uint32_t flag;
    const char* words;
};

// The first that holds is said.
constexpr std::array<verdict_word, 7> verdicts{{
    {MBEDTLS_X509_BADCERT_EXPIRED, "has expired"},
    {MBEDTLS_X509_BADCERT_FUTURE, "is not valid yet. Is this machine's clock right?"},
    {MBEDTLS_X509_BADCERT_CN_MISMATCH, "is for another name"},
    {MBEDTLS_X509_BADCERT_BAD_KEY, "has a key that is too weak"},
    {MBEDTLS_X509_BADCERT_BAD_MD, "is signed in a way that is too weak"},
    {MBEDTLS_X509_BADCERT_BAD_PK, "has a kind of key that is too weak"},
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED,
     "is signed by nobody whom this host trusts. Give tls-ca its authority"},
}};

const char* system_store() {
    for (const char* const path : system_stores) {
        if (access(path, R_OK) == 0) {
            return path;
        }
    }
    return nullptr;
}

std::string place_of(const http_line::target& to) {
    const bool v6 = to.address.find(':') != std::string::npos;
    return (v6 ? "[" + to.address + "]" : to.address) + ":" + std::to_string(to.port);
}

int random_bytes(void* /*state*/, unsigned char* into, std::size_t size) {
    return psa_generate_random(into, size) == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

struct address_list {
    addrinfo* first = nullptr;
    explicit address_list(const http_line::target& to) {
        addrinfo hints{};
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
        hints.ai_socktype = SOCK_STREAM;
        if (getaddrinfo(to.address.c_str(), std::to_string(to.port).c_str(), &hints, &first) != 0) {
            first = nullptr;
        }
    }
    ~address_list() {
        if (first != nullptr) {
            freeaddrinfo(first);
        }
    }
    address_list(const address_list&) = delete;
    address_list& operator=(const address_list&) = delete;
};

} // namespace

struct http_line::secure_part {
    mbedtls_ssl_config config;
    mbedtls_ssl_context session;
    mbedtls_x509_crt authorities;

    secure_part() {
        mbedtls_ssl_config_init(&config);
        mbedtls_ssl_init(&session);
        mbedtls_x509_crt_init(&authorities);
    }
    ~secure_part() {
        mbedtls_ssl_free(&session);
        mbedtls_ssl_config_free(&config);
        mbedtls_x509_crt_free(&authorities);
    }
    secure_part(const secure_part&) = delete;
    secure_part& operator=(const secure_part&) = delete;
};

http_line::http_line(const target& to) : to_(to) {
    const address_list found(to_);
    if (found.first == nullptr) {
        fail("'" + to_.address + "' is no address");
        return;
    }
    socket_ = socket(found.first->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) {
        fail_with(errno);
        return;
    }
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(socket_, found.first->ai_addr, found.first->ai_addrlen) == 0) {
        secure();
    } else if (errno != EINPROGRESS) {
        fail_with(errno);
    }
}

http_line::~http_line() {
    if (tls_ != nullptr && state_ == state::open) {
        mbedtls_ssl_close_notify(&tls_->session); // as far as it goes at once
    }
    if (socket_ >= 0) {
        close(socket_);
    }
}

short http_line::events(bool writing) const noexcept {
    switch (state_) {
    case state::connecting:
        return POLLOUT;
    case state::securing:
        return wants_write_ ? POLLOUT : POLLIN;
    case state::open:
        return static_cast<short>(POLLIN | (writing ? POLLOUT : 0));
    case state::ended:
    case state::failed:
        break;
    }
    return 0;
}

void http_line::fail(std::string why) {
    state_ = state::failed;
    why_ = std::move(why);
}

void http_line::fail_with(int error) {
    switch (error) {
    case ECONNREFUSED:
        return fail("nothing listens at " + place_of(to_));
    case ECONNRESET:
    case EPIPE:
        return fail("the server at " + place_of(to_) + " cut the connection");
    case EHOSTUNREACH:
    case ENETUNREACH:
        return fail("there is no way to " + place_of(to_));
    default:
        return fail(place_of(to_) + ": " + std::strerror(error));
    }
}

void http_line::proceed() {
    if (state_ == state::connecting) {
        int error = 0;
        socklen_t size = sizeof error;
        if (getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
            error = errno;
        }
        if (error != 0) {
            fail_with(error);
        } else {
            secure();
        }
    } else if (state_ == state::securing) {
        shake_hands();
    }
}

// ---- TLS ------------------------------------------------------------------------------------------------

void http_line::secure() {
    if (!to_.secure) {
        state_ = state::open;
        return;
    }
    const char* const store = !to_.authorities.empty() ? to_.authorities.c_str() : system_store();
    if (to_.verify && store == nullptr) {
        return fail("this system has no store of trusted authorities. Give tls-ca a PEM file");
    }
    tls_ = std::make_unique<secure_part>();
    // More often than needed does no harm; it counts for all lines.
    bool good = psa_crypto_init() == PSA_SUCCESS;
    if (to_.verify && mbedtls_x509_crt_parse_file(&tls_->authorities, store) < 0) {
        return fail(std::string(store) + " cannot be read as PEM certificates");
    }
    good = good && mbedtls_ssl_config_defaults(&tls_->config, MBEDTLS_SSL_IS_CLIENT,
                                               MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) == 0;
    mbedtls_ssl_conf_authmode(&tls_->config,
                              to_.verify ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_ca_chain(&tls_->config, &tls_->authorities, nullptr);
    mbedtls_ssl_conf_rng(&tls_->config, random_bytes, nullptr);
    good = good && mbedtls_ssl_setup(&tls_->session, &tls_->config) == 0;
    // An address is no server name (RFC 6066 §3); shake_hands looks whether the certificate is for it.
    const bool name = to_.host != to_.address;
    good = good && mbedtls_ssl_set_hostname(&tls_->session, name ? to_.host.c_str() : nullptr) == 0;
    if (!good) {
        return fail("TLS could not be started: memory or randomness is used up");
    }
    mbedtls_ssl_set_bio(&tls_->session, this, send_some, receive_some, nullptr);
    state_ = state::securing;
    shake_hands();
}

void http_line::shake_hands() {
    int code = mbedtls_ssl_handshake(&tls_->session);
    if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE) {
        wants_write_ = code == MBEDTLS_ERR_SSL_WANT_WRITE;
        return;
    }
    if (code == 0 && to_.verify && to_.host == to_.address) {
        std::uint32_t flags = 0;
        // mbedTLS asks for a pointer without const, but only reads.
        auto* const chain = const_cast<mbedtls_x509_crt*>(mbedtls_ssl_get_peer_cert(&tls_->session));
        code = chain == nullptr ? MBEDTLS_ERR_X509_CERT_VERIFY_FAILED
                                : mbedtls_x509_crt_verify(chain, &tls_->authorities, nullptr,
                                                          to_.host.c_str(), &flags, nullptr, nullptr);
        if (code != 0) {
            return certificate_failure(flags);
        }
    }
    if (code == 0) {
        state_ = state::open;
    } else if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        certificate_failure(mbedtls_ssl_get_verify_result(&tls_->session));
    } else {
        tls_failure(code);
    }
}

void http_line::certificate_failure(std::uint32_t flags) {
    for (const verdict_word& each : verdicts) {
        if ((flags & each.flag) != 0) {
            return fail("the certificate of " + to_.host + " " + each.words);
        }
    }
    fail("the certificate of " + to_.host + " cannot be verified");
}

void http_line::tls_failure(int code) {
    if (code == MBEDTLS_ERR_SSL_CONN_EOF || code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ||
        code == MBEDTLS_ERR_NET_CONN_RESET) {
        return fail("the server at " + place_of(to_) + " cut the connection");
    }
    if (state_ == state::securing && code == MBEDTLS_ERR_SSL_INVALID_RECORD) {
        return fail("the server at " + place_of(to_) + " does not speak TLS. Write http:// if that is meant");
    }
    std::array<char, 32> number{};
    std::snprintf(number.data(), number.size(), "-0x%04X", static_cast<unsigned>(-code));
    fail("TLS with " + place_of(to_) + " failed (mbedTLS " + number.data() + ")");
}

int http_line::send_some(void* self, const unsigned char* data, std::size_t size) {
    const ssize_t sent = send(static_cast<http_line*>(self)->socket_, data, size, MSG_NOSIGNAL);
    if (sent >= 0) {
        return static_cast<int>(sent);
    }
    return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_NET_CONN_RESET;
}

int http_line::receive_some(void* self, unsigned char* data, std::size_t size) {
    const ssize_t got = recv(static_cast<http_line*>(self)->socket_, data, size, 0);
    if (got >= 0) {
        return static_cast<int>(got); // 0: mbedTLS makes CONN_EOF of it
    }
    return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_NET_CONN_RESET;
}

// ---- bytes ----------------------------------------------------------------------------------------------

std::size_t http_line::write(std::string_view bytes) {
    if (state_ != state::open || bytes.empty()) {
        return 0;
    }
    if (tls_ == nullptr) {
        const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            fail_with(errno);
        }
        return sent > 0 ? static_cast<std::size_t>(sent) : 0;
    }
    const int sent = mbedtls_ssl_write(
        &tls_->session, static_cast<const unsigned char*>(static_cast<const void*>(bytes.data())),
        bytes.size());
    if (sent < 0 && sent != MBEDTLS_ERR_SSL_WANT_READ && sent != MBEDTLS_ERR_SSL_WANT_WRITE) {
        tls_failure(sent);
    }
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

std::size_t http_line::read(char* into, std::size_t size) {
    if (state_ != state::open) {
        return 0;
    }
    if (tls_ == nullptr) {
        const ssize_t got = recv(socket_, into, size, 0);
        if (got == 0) {
            state_ = state::ended;
        } else if (got < 0 && errno != EAGAIN && errno != EINTR) {
            fail_with(errno);
        }
        return got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    for (;;) {
        const int got =
            mbedtls_ssl_read(&tls_->session, static_cast<unsigned char*>(static_cast<void*>(into)), size);
        if (got > 0) {
            return static_cast<std::size_t>(got);
        }
        if (got == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            continue; // TLS 1.3 sends them behind the handshake; sessions are not resumed
        }
        if (got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
            state_ = state::ended;
        } else if (got == 0 || got == MBEDTLS_ERR_SSL_CONN_EOF) {
            // Without the close_notify somebody on the way may have cut an answer short.
            tls_failure(MBEDTLS_ERR_SSL_CONN_EOF);
        } else if (got != MBEDTLS_ERR_SSL_WANT_READ && got != MBEDTLS_ERR_SSL_WANT_WRITE) {
            tls_failure(got);
        }
        return 0;
    }
}

} // namespace iom::host
