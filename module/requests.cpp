#include "module/requests.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace iom::ws {

namespace {

std::int64_t due(const pending_request& request, std::int64_t stirred) {
    return std::max(request.sent, stirred) + request.timeout;
}

} // namespace

pending_request requests::take(std::size_t index) {
    const auto at = pending_.begin() + static_cast<std::ptrdiff_t>(index);
    pending_request taken = std::move(*at);
    pending_.erase(at);
    return taken;
}

void requests::sent(std::uint64_t call, std::int64_t now) {
    for (pending_request& request : pending_) {
        if (request.call == call) {
            request.sent = now;
        }
    }
}

std::optional<pending_request> requests::late(std::int64_t now, std::int64_t stirred) {
    for (std::size_t index = 0; index < pending_.size(); ++index) {
        if (pending_[index].sent != 0 && due(pending_[index], stirred) <= now) {
            return take(index);
        }
    }
    return std::nullopt;
}

std::optional<std::int64_t> requests::deadline(std::int64_t stirred) const {
    std::optional<std::int64_t> first;
    for (const pending_request& request : pending_) {
        if (request.sent != 0) {
            first = std::min(first.value_or(due(request, stirred)), due(request, stirred));
        }
    }
    return first;
}

std::optional<pending_request> requests::lost(bool all) {
    for (std::size_t index = 0; index < pending_.size(); ++index) {
        if (all || pending_[index].sent != 0) {
            return take(index);
        }
    }
    return std::nullopt;
}

std::optional<pending_request> requests::remove(std::uint64_t call) {
    for (std::size_t index = 0; index < pending_.size(); ++index) {
        if (pending_[index].call == call) {
            return take(index);
        }
    }
    return std::nullopt;
}

} // namespace iom::ws
