#include "digest.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <stdexcept>
#include <vector>

namespace iom::peer {

namespace {

const unsigned char* octets(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

} // namespace

std::string base64(std::string_view bytes) {
    std::vector<unsigned char> out(4 * ((bytes.size() + 2) / 3) + 1);
    const int length = EVP_EncodeBlock(out.data(), octets(bytes), static_cast<int>(bytes.size()));
    return {out.begin(), out.begin() + length};
}

std::string accept_for(std::string_view key) {
    const std::string joined = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, SHA_DIGEST_LENGTH> hash{};
    SHA1(octets(joined), joined.size(), hash.data());
    return base64({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

std::string random_hex(std::size_t bytes) {
    std::vector<unsigned char> noise(bytes);
    if (RAND_bytes(noise.data(), static_cast<int>(noise.size())) != 1) {
        throw std::runtime_error("The system gave no random bytes for a token; try again later.");
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const auto each : noise) {
        hex += digits[each >> 4];
        hex += digits[each & 15];
    }
    return hex;
}

} // namespace iom::peer
