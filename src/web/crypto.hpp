#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What the web interface needs of mbedTLS: hashes, chance, certificates. Besides the TLS itself its only
/// user.
namespace iom::host::web {

/// 32 bytes.
[[nodiscard]] std::string sha256(std::string_view text);
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view text);

/// PBKDF2-HMAC-SHA256 (RFC 8018), 32 bytes. Slow on purpose: not for a thread that others wait for.
[[nodiscard]] std::string stretch(std::string_view password, std::string_view salt, unsigned rounds);

/// Random bytes of the system's; throws std::system_error if it gives none.
[[nodiscard]] std::string random_bytes(std::size_t size);

[[nodiscard]] std::string to_hex(std::string_view bytes);
[[nodiscard]] std::string from_hex(std::string_view digits); ///< empty if they are none
[[nodiscard]] std::string base64url(std::string_view bytes); ///< RFC 4648 §5, without padding

/// Takes as long for any two texts of the same length.
[[nodiscard]] bool same_secret(std::string_view left, std::string_view right) noexcept;

struct key_and_certificate {
    std::string certificate; ///< PEM, the chain in order
    std::string key;         ///< PEM
};

/// A new P-256 key and a certificate for these names and addresses, signed by itself, good for ten years from
/// the day before `now` (seconds since 1970) on, because clocks of controllers are often wrong; one that is
/// certainly wrong, because it shows a time before this program was written, is taken to show that time.
[[nodiscard]] key_and_certificate make_certificate(const std::vector<std::string>& names, std::int64_t now);

struct certificate_facts {
    std::string subject;
    std::string issuer;
    std::vector<std::string> names;
    std::int64_t not_before = 0; ///< seconds since 1970
    std::int64_t not_after = 0;
    std::string fingerprint; ///< SHA-256, in hex, of the first certificate
};

/// Facts on the first certificate of a PEM text; false with a sentence if it is none.
bool read_certificate(std::string_view pem, certificate_facts& facts, std::string& why);

/// Why a certificate that make_certificate made has to be made anew: it is not good at `now` (seconds since
/// 1970), or it lacks one of the names. Empty if it has not. A clock that is certainly wrong proves nothing.
[[nodiscard]] std::string why_anew(const certificate_facts& facts, const std::vector<std::string>& names,
                                   std::int64_t now);

/// Whether the key is one, is not encrypted, and belongs to the certificate. Then both are written anew, as
/// bare PEM blocks one after the other: whatever program has made them, and whatever it wrote around them.
bool put_in_order(key_and_certificate& both, std::string& why);

} // namespace iom::host::web
