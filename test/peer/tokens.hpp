#pragma once

#include "timeline.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace iom::peer {

/// The bearer tokens that /auth takes. Pure: the token's text and the time are arguments.
class token_book {
public:
    static constexpr std::size_t most_tokens = 1'000; ///< the oldest is forgotten first

    explicit token_book(moment lifetime) : lifetime_{lifetime} {}

    void issue(std::string token, moment now);

    /// When the token ends, or nothing where it is unknown or has ended.
    std::optional<moment> valid_until(std::string_view token, moment now) const;

    moment lifetime() const { return lifetime_; }

private:
    struct issued {
        std::string token;
        moment ends{};
    };
    moment lifetime_;
    std::deque<issued> tokens_; ///< in order of their end
};

/// The token of "Bearer TOKEN" (RFC 6750 §2.1, scheme in any case), or empty.
std::string_view bearer_of(std::string_view authorization);

} // namespace iom::peer
