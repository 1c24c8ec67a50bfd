#define MBEDTLS_ALLOW_PRIVATE_ACCESS // a session is put into the state that a server would need a handshake
                                     // for
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mbedtls/gcm.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>
#include <string>
#include <vector>

// Our patches to mbedTLS, where sessions would show no more than that something is wrong.

namespace {

using bytes = std::vector<unsigned char>;
constexpr std::size_t tag_size = 16;

bytes some(std::size_t size, unsigned seed) {
    bytes made(size);
    for (unsigned char& one : made) {
        seed = seed * 1103515245 + 12345;
        one = static_cast<unsigned char>(seed >> 16);
    }
    return made;
}

class gcm {
public:
    explicit gcm(const bytes& key) {
        mbedtls_gcm_init(&context_);
        EXPECT_EQ(mbedtls_gcm_setkey(&context_, MBEDTLS_CIPHER_ID_AES, key.data(),
                                     static_cast<unsigned>(8 * key.size())),
                  0);
    }
    ~gcm() { mbedtls_gcm_free(&context_); }
    gcm(const gcm&) = delete;
    gcm& operator=(const gcm&) = delete;

    // Encrypts in steps of so many bytes, and answers the text with its tag.
    bytes encrypt(const bytes& text, std::size_t step) {
        bytes out(text.size() + tag_size);
        std::size_t done = 0;
        EXPECT_EQ(mbedtls_gcm_starts(&context_, MBEDTLS_GCM_ENCRYPT, nonce.data(), nonce.size()), 0);
        EXPECT_EQ(mbedtls_gcm_update_ad(&context_, more.data(), more.size()), 0);
        for (std::size_t at = 0; at < text.size(); at += step) {
            const std::size_t size = std::min(step, text.size() - at);
            EXPECT_EQ(mbedtls_gcm_update(&context_, text.data() + at, size, out.data() + at, size, &done), 0);
        }
        EXPECT_EQ(mbedtls_gcm_finish(&context_, nullptr, 0, &done, out.data() + text.size(), tag_size), 0);
        return out;
    }

    // Decrypts in place; false if the tag is not the text's.
    bool decrypt(bytes& text) {
        const bytes tag(text.end() - tag_size, text.end());
        text.resize(text.size() - tag_size);
        return mbedtls_gcm_auth_decrypt(&context_, text.size(), nonce.data(), nonce.size(), more.data(),
                                        more.size(), tag.data(), tag.size(), text.data(), text.data()) == 0;
    }

private:
    const bytes nonce = some(12, 1);
    const bytes more = some(13, 2);
    mbedtls_gcm_context context_{};
};

// Byte by byte goes the way that mbedTLS always went.
TEST(mbedtls_gcm, many_blocks_at_once_are_the_same_as_one_after_the_other) {
    for (const std::size_t key : {16u, 24u, 32u}) {
        gcm cipher(some(key, 3));
        for (const std::size_t size :
             {0u, 1u, 15u, 16u, 63u, 64u, 127u, 128u, 129u, 191u, 192u, 255u, 256u, 1000u, 16384u}) {
            SCOPED_TRACE(std::to_string(8 * key) + " bits, " + std::to_string(size) + " bytes");
            const bytes text = some(size, 4);
            bytes sealed = cipher.encrypt(text, size + 1);
            ASSERT_EQ(sealed, cipher.encrypt(text, 1));
            ASSERT_EQ(sealed, cipher.encrypt(text, 200)); // from within a block on
            bytes spoilt = sealed;
            spoilt[size / 2] ^= 1;
            EXPECT_FALSE(cipher.decrypt(spoilt));
            ASSERT_TRUE(cipher.decrypt(sealed));
            EXPECT_EQ(sealed, text);
        }
    }
}

// As OpenSSL has it.
TEST(mbedtls_gcm, agrees_with_others) {
    gcm cipher(some(16, 3));
    const bytes sealed = cipher.encrypt(some(256, 4), 256);
    const bytes tag(sealed.end() - tag_size, sealed.end());
    EXPECT_EQ(tag, (bytes{0x44, 0xb1, 0x87, 0x55, 0x2b, 0x8e, 0xec, 0xd2, 0xcb, 0x5e, 0x6d, 0x1f, 0x34, 0x90,
                          0x1d, 0xa0}));
}

/// A TLS 1.3 session after its handshake, records in the clear, and what its server says.
class idle_session {
public:
    idle_session() {
        psa_crypto_init();
        mbedtls_ssl_init(&ssl_);
        mbedtls_ssl_config_init(&config_);
        EXPECT_EQ(
            mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, 0), 0);
        mbedtls_ssl_conf_rng(
            &config_,
            [](void*, unsigned char* to, std::size_t size) {
                std::memset(to, 1, size);
                return 0;
            },
            nullptr);
        EXPECT_EQ(mbedtls_ssl_setup(&ssl_, &config_), 0);
        mbedtls_ssl_set_bio(
            &ssl_, this, [](void*, const unsigned char*, std::size_t size) { return static_cast<int>(size); },
            receive, nullptr);
        ssl_.state = MBEDTLS_SSL_HANDSHAKE_OVER;
        ssl_.tls_version = MBEDTLS_SSL_VERSION_TLS1_3;
    }
    ~idle_session() {
        mbedtls_ssl_free(&ssl_);
        mbedtls_ssl_config_free(&config_);
    }
    idle_session(const idle_session&) = delete;
    idle_session& operator=(const idle_session&) = delete;

    void server_says(unsigned char type, const bytes& content) {
        waiting_.insert(waiting_.end(), {type, 3, 3, static_cast<unsigned char>(content.size() >> 8),
                                         static_cast<unsigned char>(content.size())});
        waiting_.insert(waiting_.end(), content.begin(), content.end());
    }
    int read() {
        std::array<unsigned char, 100> to{};
        return mbedtls_ssl_read(&ssl_, to.data(), to.size());
    }
    void shrink() { mbedtls_ssl_shrink(&ssl_); }
    [[nodiscard]] std::size_t room() const { return ssl_.in_buf_len; }

private:
    static int receive(void* self, unsigned char* to, std::size_t size) {
        bytes& waiting = static_cast<idle_session*>(self)->waiting_;
        if (waiting.empty()) {
            return MBEDTLS_ERR_SSL_WANT_READ;
        }
        const std::size_t given = std::min(size, waiting.size());
        std::copy_n(waiting.begin(), given, to);
        waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(given));
        return static_cast<int>(given);
    }

    mbedtls_ssl_context ssl_{};
    mbedtls_ssl_config config_{};
    bytes waiting_;
};

TEST(Shrink, LeavesTheBeginningOfAHandshakeMessageAloneUntilTheRestIsHere) {
    idle_session session;
    session.shrink();
    EXPECT_LT(session.room(), 2000U);
    bytes ticket(8000, 'A'); // the first half of a NewSessionTicket of 16,000
    std::copy_n(bytes{4, 0, 0x3e, 0x80}.begin(), 4, ticket.begin());
    session.server_says(22, ticket);
    EXPECT_EQ(session.read(), MBEDTLS_ERR_SSL_WANT_READ);
    session.shrink(); // as a ping does
    EXPECT_GT(session.room(), 16000U);
    session.server_says(22, bytes(8000, 'A'));
    EXPECT_LT(session.read(), 0); // and nothing is written where nothing is (AddressSanitizer)
}

} // namespace
