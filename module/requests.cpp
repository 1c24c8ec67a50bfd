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

void requests::add(pending_request&& request) {
    pending_.push_back(std::move(request));
    const auto at = std::prev(pending_.end());
    try {
        places_.insert_or_assign(at->call, at);
    } catch (...) {
        pending_.erase(at);
        throw;
    }
}

pending_request requests::take(place at) {
    pending_request taken = std::move(*at);
    places_.erase(taken.call);
    pending_.erase(at);
    return taken;
}

void requests::sent(std::uint64_t call, std::int64_t now) {
    if (const auto found = places_.find(call); found != places_.end()) {
        found->second->sent = now;
    }
}

std::optional<pending_request> requests::late(std::int64_t now, std::int64_t stirred) {
    for (auto one = pending_.begin(); one != pending_.end(); ++one) {
        if (one->sent != 0 && due(*one, stirred) <= now) {
            return take(one);
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
    for (auto one = pending_.begin(); one != pending_.end(); ++one) {
        if (all || one->sent != 0) {
            return take(one);
        }
    }
    return std::nullopt;
}

std::optional<pending_request> requests::remove(std::uint64_t call) {
    const auto found = places_.find(call);
    return found != places_.end() ? std::optional(take(found->second)) : std::nullopt;
}

} // namespace iom::ws
