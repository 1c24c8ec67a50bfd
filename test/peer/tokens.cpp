#include "tokens.hpp"

#include <algorithm>
#include <strings.h>

namespace iom::peer {

void token_book::issue(std::string token, moment now) {
    while (!tokens_.empty() && (tokens_.front().ends <= now || tokens_.size() >= most_tokens)) {
        tokens_.pop_front();
    }
    tokens_.push_back({std::move(token), now + lifetime_});
}

std::optional<moment> token_book::valid_until(std::string_view token, moment now) const {
    const auto found = std::ranges::find(tokens_, token, &issued::token);
    return found == tokens_.end() || found->ends <= now ? std::nullopt : std::optional(found->ends);
}

std::string_view bearer_of(std::string_view authorization) {
    constexpr std::string_view scheme = "Bearer ";
    if (authorization.size() <= scheme.size() ||
        strncasecmp(authorization.data(), scheme.data(), scheme.size()) != 0) {
        return {};
    }
    return authorization.substr(scheme.size());
}

} // namespace iom::peer
