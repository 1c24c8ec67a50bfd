#include "web/crypto.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <sys/random.h>
#include <system_error>
#include <utility>

#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/pkcs5.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/sha256.h>
#include <mbedtls/x509_crt.h>

namespace iom::host::web {
namespace {

constexpr std::size_t hash_size = 32;
constexpr std::int64_t first_good_clock = 1'767'225'600; ///< 2026-01-01
constexpr std::string_view hex_digits = "0123456789abcdef";

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::string text_of(const std::array<unsigned char, hash_size>& hash) {
    return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

/// mbedTLS's way to ask for chance.
int chance(void* /*context*/, unsigned char* out, std::size_t size) {
    try {
        const std::string random = random_bytes(size);
        std::memcpy(out, random.data(), size);
        return 0;
    } catch (const std::exception&) {
        return MBEDTLS_ERR_PK_ALLOC_FAILED;
    }
}

/// An object of mbedTLS's with its init and free.
template <typename kind, void (*init)(kind*), void (*release)(kind*)>
struct owned {
    kind it;
    owned() { init(&it); }
    ~owned() { release(&it); }
    owned(const owned&) = delete;
    owned& operator=(const owned&) = delete;
};
using owned_key = owned<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free>;
using owned_chain = owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free>;
using owned_writer = owned<mbedtls_x509write_cert, mbedtls_x509write_crt_init, mbedtls_x509write_crt_free>;

void must(int answer, const char* what) {
    if (answer != 0) {
        throw std::runtime_error(std::string("a certificate for HTTPS cannot be made: ") + what +
                                 " failed with -" + std::to_string(-answer));
    }
}

std::string written_time(std::int64_t seconds) {
    const std::time_t time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    gmtime_r(&time, &parts);
    std::array<char, 16> text{};
    std::strftime(text.data(), text.size(), "%Y%m%d%H%M%S", &parts);
    return text.data();
}

std::int64_t seconds_of(const mbedtls_x509_time& when) {
    std::tm parts{};
    parts.tm_year = when.year - 1900;
    parts.tm_mon = when.mon - 1;
    parts.tm_mday = when.day;
    parts.tm_hour = when.hour;
    parts.tm_min = when.min;
    parts.tm_sec = when.sec;
    return static_cast<std::int64_t>(timegm(&parts));
}

std::string name_in_words(const mbedtls_x509_name& name) {
    std::array<char, 512> text{};
    const int size = mbedtls_x509_dn_gets(text.data(), text.size(), &name);
    return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

bool parse_chain(mbedtls_x509_crt& chain, std::string_view pem, std::string& why) {
    const std::string ended(pem); // mbedTLS wants the NUL counted
    bool good = mbedtls_x509_crt_parse(&chain, bytes_of(ended), ended.size() + 1) == 0;
    // It stops without a word at a block that has no end.
    constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----";
    const mbedtls_x509_crt* each = &chain;
    for (std::size_t at = pem.find(begin); good && at != std::string_view::npos;
         at = pem.find(begin, at + 1)) {
        good = each != nullptr;
        each = good ? each->next : nullptr;
    }
    if (!good) {
        why = "This is no certificate in PEM, or part of the chain is damaged. Give the server's certificate "
              "first, "
              "then those that signed it.";
        return false;
    }
    return true;
}

} // namespace

std::string sha256(std::string_view text) {
    std::array<unsigned char, hash_size> hash{};
    mbedtls_sha256(bytes_of(text), text.size(), hash.data(), 0);
    return text_of(hash);
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
    std::array<unsigned char, hash_size> hash{};
    mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), bytes_of(key), key.size(), bytes_of(text),
                    text.size(), hash.data());
    return text_of(hash);
}

std::string stretch(std::string_view password, std::string_view salt, unsigned rounds) {
    std::array<unsigned char, hash_size> hash{};
    if (mbedtls_pkcs5_pbkdf2_hmac_ext(MBEDTLS_MD_SHA256, bytes_of(password), password.size(), bytes_of(salt),
                                      salt.size(), rounds, hash.size(), hash.data()) != 0) {
        throw std::runtime_error("the password cannot be hashed");
    }
    return text_of(hash);
}

std::string random_bytes(std::size_t size) {
    std::string out(size, '\0');
    std::size_t filled = 0;
    while (filled < size) {
        const ssize_t got = getrandom(out.data() + filled, size - filled, 0);
        if (got < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "the system gives no random numbers");
        }
        filled += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    return out;
}

std::string to_hex(std::string_view bytes) {
    std::string out;
    for (const char each : bytes) {
        out += hex_digits[static_cast<unsigned char>(each) >> 4U];
        out += hex_digits[static_cast<unsigned char>(each) & 15U];
    }
    return out;
}

std::string from_hex(std::string_view digits) {
    std::string out;
    for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
        const std::size_t high = hex_digits.find(digits[at]);
        const std::size_t low = hex_digits.find(digits[at + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) {
            return {};
        }
        out += static_cast<char>(high << 4U | low);
    }
    return out;
}

std::string base64url(std::string_view bytes) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    std::uint32_t held = 0;
    unsigned bits = 0;
    for (const char each : bytes) {
        held = held << 8U | static_cast<unsigned char>(each);
        for (bits += 8; bits >= 6; bits -= 6) {
            out += letters[held >> (bits - 6) & 63U];
        }
    }
    if (bits > 0) {
        out += letters[held << (6 - bits) & 63U];
    }
    return out;
}

bool same_secret(std::string_view left, std::string_view right) noexcept {
    if (left.size() != right.size()) {
        return false;
    }
    unsigned char differs = 0;
    for (std::size_t at = 0; at < left.size(); ++at) {
        differs = static_cast<unsigned char>(differs | (left[at] ^ right[at]));
    }
    return differs == 0;
}

key_and_certificate make_certificate(const std::vector<std::string>& names, std::int64_t now) {
    constexpr std::int64_t day = 24 * 60 * 60;
    now = std::max(now, first_good_clock);
    owned_key key;
    must(mbedtls_pk_setup(&key.it, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), "the key");
    must(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key.it), chance, nullptr), "the key");

    owned_writer writer;
    mbedtls_x509write_crt_set_version(&writer.it, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&writer.it, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&writer.it, &key.it);
    mbedtls_x509write_crt_set_issuer_key(&writer.it, &key.it);
    must(mbedtls_x509write_crt_set_subject_name(&writer.it, "O=iomhost,CN=iomhost"), "the subject");
    must(mbedtls_x509write_crt_set_issuer_name(&writer.it, "O=iomhost,CN=iomhost"), "the issuer");
    std::string serial = random_bytes(16);
    serial.front() = static_cast<char>((static_cast<unsigned char>(serial.front()) & 0x3FU) | 0x40U);
    must(mbedtls_x509write_crt_set_serial_raw(&writer.it, reinterpret_cast<unsigned char*>(serial.data()),
                                              serial.size()),
         "the serial number");
    must(mbedtls_x509write_crt_set_validity(&writer.it, written_time(now - day).c_str(),
                                            written_time(now + 3650 * day).c_str()),
         "the validity");
    must(mbedtls_x509write_crt_set_basic_constraints(&writer.it, 0, -1), "the constraints");
    const unsigned char server_use[] = {0x30, 0x0A, 0x06, 0x08, 0x2B, 0x06,
                                        0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
    must(mbedtls_x509write_crt_set_extension(&writer.it, MBEDTLS_OID_EXTENDED_KEY_USAGE,
                                             MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0, server_use,
                                             sizeof server_use),
         "the use");

    std::vector<mbedtls_x509_san_list> list(names.size());
    std::vector<std::array<unsigned char, 16>> addresses(names.size());
    for (std::size_t at = 0; at < names.size(); ++at) {
        mbedtls_x509_subject_alternative_name& one = list[at].node;
        auto* const room = addresses[at].data();
        std::size_t size = 0;
        if (inet_pton(AF_INET, names[at].c_str(), room) == 1) {
            size = 4;
        } else if (inet_pton(AF_INET6, names[at].c_str(), room) == 1) {
            size = 16;
        }
        one.type = size > 0 ? MBEDTLS_X509_SAN_IP_ADDRESS : MBEDTLS_X509_SAN_DNS_NAME;
        one.san.unstructured_name.p =
            size > 0 ? room : reinterpret_cast<unsigned char*>(const_cast<char*>(names[at].data()));
        one.san.unstructured_name.len = size > 0 ? size : names[at].size();
        list[at].next = at + 1 < names.size() ? &list[at + 1] : nullptr;
    }
    if (!list.empty()) {
        must(mbedtls_x509write_crt_set_subject_alternative_name(&writer.it, list.data()), "the names");
    }

    key_and_certificate made;
    std::array<unsigned char, 4096> text{};
    must(mbedtls_x509write_crt_pem(&writer.it, text.data(), text.size(), chance, nullptr), "signing");
    made.certificate = reinterpret_cast<const char*>(text.data());
    must(mbedtls_pk_write_key_pem(&key.it, text.data(), text.size()), "the key");
    made.key = reinterpret_cast<const char*>(text.data());
    mbedtls_platform_zeroize(text.data(), text.size());
    return made;
}

bool read_certificate(std::string_view pem, certificate_facts& facts, std::string& why) {
    owned_chain chain;
    if (!parse_chain(chain.it, pem, why)) {
        return false;
    }
    facts = {};
    facts.subject = name_in_words(chain.it.subject);
    facts.issuer = name_in_words(chain.it.issuer);
    facts.not_before = seconds_of(chain.it.valid_from);
    facts.not_after = seconds_of(chain.it.valid_to);
    facts.fingerprint = to_hex(sha256({reinterpret_cast<const char*>(chain.it.raw.p), chain.it.raw.len}));
    for (const mbedtls_x509_sequence* each = &chain.it.subject_alt_names; each != nullptr;
         each = each->next) {
        mbedtls_x509_subject_alternative_name one{};
        if (each->buf.p == nullptr || mbedtls_x509_parse_subject_alt_name(&each->buf, &one) != 0) {
            continue;
        }
        const auto& raw = one.san.unstructured_name;
        if (one.type == MBEDTLS_X509_SAN_DNS_NAME) {
            facts.names.emplace_back(reinterpret_cast<const char*>(raw.p), raw.len);
        } else if (one.type == MBEDTLS_X509_SAN_IP_ADDRESS && (raw.len == 4 || raw.len == 16)) {
            std::array<char, INET6_ADDRSTRLEN> text{};
            inet_ntop(raw.len == 4 ? AF_INET : AF_INET6, raw.p, text.data(), text.size());
            facts.names.emplace_back(text.data());
        }
        mbedtls_x509_free_subject_alt_name(&one);
    }
    return true;
}

std::string why_anew(const certificate_facts& facts, const std::vector<std::string>& names,
                     std::int64_t now) {
    if (now >= first_good_clock && (now < facts.not_before || now > facts.not_after)) {
        return "the clock was wrong when the one before was made, or that one has expired";
    }
    for (const std::string& each : names) {
        if (std::find(facts.names.begin(), facts.names.end(), each) == facts.names.end()) {
            return "the one before does not name " + each;
        }
    }
    return {};
}

bool put_in_order(key_and_certificate& both, std::string& why) {
    owned_chain chain;
    if (!parse_chain(chain.it, both.certificate, why)) {
        return false;
    }
    owned_key key;
    if (mbedtls_pk_parse_key(&key.it, bytes_of(both.key), both.key.size() + 1, nullptr, 0, chance, nullptr) !=
        0) {
        why = "This is no private key in PEM, or it is encrypted. Give it without a password.";
        return false;
    }
    if (mbedtls_pk_check_pair(&chain.it.pk, &key.it, chance, nullptr) != 0) {
        why = "The key does not belong to the first certificate. Give the two that were made together.";
        return false;
    }
    std::vector<unsigned char> room(std::size_t{16} << 10U); // a key of 16384 bits has 12.5 kB
    key_and_certificate made;
    for (const mbedtls_x509_crt* each = &chain.it; each != nullptr; each = each->next) {
        std::size_t size = 0;
        room.resize(std::max(room.size(), each->raw.len * 2 + 128));
        must(mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n",
                                      each->raw.p, each->raw.len, room.data(), room.size(), &size),
             "writing it");
        made.certificate += reinterpret_cast<const char*>(room.data());
    }
    const int written = mbedtls_pk_write_key_pem(&key.it, room.data(), room.size());
    if (written == 0) {
        made.key = reinterpret_cast<const char*>(room.data());
    }
    mbedtls_platform_zeroize(room.data(), room.size());
    must(written, "writing the key");
    both = std::move(made);
    return true;
}

} // namespace iom::host::web
