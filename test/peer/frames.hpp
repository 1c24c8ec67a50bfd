#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace iom::peer {

/// RFC 6455 §5.2, written and read by hand: the fault sessions need frames that no library would send.
enum class opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

struct frame_head {
    bool fin = true;
    std::uint8_t rsv = 0; ///< RSV1 is 4, RSV2 is 2, RSV3 is 1
    std::uint8_t code = 1;
    bool masked = false;
    std::uint64_t length = 0;
};

/// How the payload length is written: the shortest form is the only valid one.
enum class length_form { shortest, sixteen_bit, sixty_four_bit };

/// The head's bytes, without masking key.
std::string head_bytes(const frame_head& head, length_form form = length_form::shortest);

/// A whole, valid server frame.
std::string frame(opcode code, std::string_view payload, bool fin = true);

/// Payload of a Close frame, RFC 6455 §5.5.1.
std::string close_payload(std::uint16_t code, std::string_view reason);

struct client_frame {
    bool fin = true;
    std::uint8_t rsv = 0;
    opcode code = opcode::text;
    std::string payload; ///< unmasked
};

/// Cuts the client's byte stream into frames; holds at most one unfinished frame.
class frame_reader {
public:
    explicit frame_reader(std::uint64_t largest_payload) : largest_payload_{largest_payload} {}

    void feed(std::string_view bytes);

    /// The next whole frame, or nothing until more is fed, or for good once mistake() says why.
    std::optional<client_frame> next();

    /// Not empty: the client broke RFC 6455, or sent a frame too large.
    const std::string& mistake() const { return mistake_; }

private:
    std::uint64_t largest_payload_;
    std::string bytes_;
    std::size_t used_ = 0;
    std::string mistake_;
};

} // namespace iom::peer
