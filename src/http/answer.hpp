#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iom::host {

/// Reads one answer of HTTP/1.1 (RFC 9112) from the bytes of a connection, in any pieces. Pure. Whatever the
/// server sends, it keeps no more than the limits.
class http_answer {
public:
    static constexpr std::size_t most_head = std::size_t{32} << 10; ///< bytes of status line and headers
    static constexpr unsigned most_interim = 8; ///< answers 1xx before the one that counts

    enum class state : std::uint8_t { reading, complete, broken };

    /// `bodiless`: the request was a HEAD, whose answer ends with its headers.
    explicit http_answer(std::size_t most_body, bool bodiless = false)
        : most_body_(most_body), bodiless_(bodiless) {}

    /// Takes what has come; what stands behind the answer's end is not looked at.
    state take(std::string_view bytes);

    /// The connection has ended.
    state end();

    [[nodiscard]] state now() const noexcept { return state_; }
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] const std::vector<std::string>& headers() const noexcept {
        return headers_;
    } ///< "Name: value"
    [[nodiscard]] std::string& body() noexcept { return body_; }

    /// Why it is broken: goes on after "the server" ("sent …").
    [[nodiscard]] const std::string& why() const noexcept { return why_; }

private:
    enum class part : std::uint8_t { status_line, headers, body, chunk_size, chunk, chunk_end, trailers };

    bool line(std::string_view text);
    bool status_line(std::string_view text);
    bool end_of_head();
    bool length_of_body();
    bool chunk_size(std::string_view text);
    bool keep(std::string_view bytes);
    bool broken(std::string sentence);

    const std::size_t most_body_;
    const bool bodiless_;
    state state_ = state::reading;
    part part_ = part::status_line;
    bool begun_ = false;
    unsigned interim_ = 0;
    int status_ = 0;
    std::size_t head_ = 0;              ///< bytes of all heads, chunk lines and trailers so far
    std::optional<std::uint64_t> left_; ///< of the body or the chunk; absent: until the connection ends
    std::string line_;                  ///< begun
    std::vector<std::string> headers_;
    std::string body_;
    std::string why_;
};

} // namespace iom::host
