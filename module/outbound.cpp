#include "module/outbound.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace iom::ws {

namespace {

std::size_t size_of(const waiting_message& message) {
    return message.payload.size() + message.key.size();
}

} // namespace

std::string_view name_of(drop_reason what) {
    switch (what) {
    case drop_reason::full:
    case drop_reason::too_large:
        return "queue-full";
    case drop_reason::stale:
        return "stale";
    case drop_reason::replaced:
        return "replaced";
    case drop_reason::cleared:
        return "cleared";
    case drop_reason::stopped:
        return "stopped";
    }
    return "";
}

std::string_view sentence_of(drop_reason what) {
    switch (what) {
    case drop_reason::full:
        return "The queue was full and this was its oldest message. Raise Queue limit, or send less while "
               "offline.";
    case drop_reason::too_large:
        return "The message alone is larger than Queue limit, bytes, allows. Raise it, or send the message "
               "in parts.";
    case drop_reason::stale:
        return "The message waited longer than Queue limit, age allows, and was not sent.";
    case drop_reason::replaced:
        return "A newer message with the same key took its place before there was a session.";
    case drop_reason::cleared:
        return "The action Clear queue gave the message up.";
    case drop_reason::stopped:
        return "The instance was stopped before there was a session to send the message in.";
    }
    return "";
}

outbound::limits outbound::limits::of(const settings& from) {
    return {from.offline_policy, from.queue_messages, from.queue_bytes, from.queue_ttl.count()};
}

void outbound::limit(const limits& fresh, std::vector<dropped_message>& dropped) {
    limits_ = fresh;
    for (std::size_t index = 0; index < messages_.size();) {
        if (size_of(messages_[index]) > limits_.bytes) {
            drop(index, drop_reason::too_large, dropped);
        } else {
            ++index;
        }
    }
    keep_limits(dropped);
}

void outbound::drop(std::size_t index, drop_reason reason, std::vector<dropped_message>& dropped) {
    const auto at = messages_.begin() + static_cast<std::ptrdiff_t>(index);
    bytes_ -= size_of(*at);
    dropped.push_back({std::move(*at), reason});
    messages_.erase(at);
}

void outbound::keep_limits(std::vector<dropped_message>& dropped) {
    while (!messages_.empty() && (messages_.size() > limits_.messages || bytes_ > limits_.bytes)) {
        drop(0, drop_reason::full, dropped);
    }
}

void outbound::add(waiting_message&& message, std::vector<dropped_message>& dropped) {
    if (size_of(message) > limits_.bytes) {
        dropped.push_back({std::move(message), drop_reason::too_large}); // no room that others make is enough
        return;
    }
    // Almost always the newest: looked for from the end.
    auto at = messages_.end();
    while (at != messages_.begin() && std::prev(at)->order > message.order) {
        --at;
    }
    if (limits_.policy == offline_policy::latest) {
        const auto same = std::find_if(messages_.begin(), messages_.end(), [&](const waiting_message& other) {
            return other.key == message.key;
        });
        if (same != messages_.end()) {
            if (same->order > message.order) {
                dropped.push_back({std::move(message), drop_reason::replaced});
                return;
            }
            const auto place = std::distance(messages_.begin(), at) - 1;
            drop(static_cast<std::size_t>(std::distance(messages_.begin(), same)), drop_reason::replaced,
                 dropped);
            at = messages_.begin() + place;
        }
    }
    bytes_ += size_of(message);
    messages_.insert(at, std::move(message));
    keep_limits(dropped);
}

const waiting_message* outbound::front() const {
    return messages_.empty() ? nullptr : &messages_.front();
}

waiting_message outbound::take() {
    waiting_message oldest = std::move(messages_.front());
    messages_.pop_front();
    bytes_ -= size_of(oldest);
    return oldest;
}

void outbound::expire(std::int64_t now, std::vector<dropped_message>& dropped) {
    // By order is also by time: what comes back from a session keeps the time at which it was given.
    while (limits_.ttl > 0 && !messages_.empty() && now - messages_.front().since >= limits_.ttl) {
        drop(0, drop_reason::stale, dropped);
    }
}

std::optional<std::int64_t> outbound::next_expiry() const {
    if (limits_.ttl == 0 || messages_.empty()) {
        return std::nullopt;
    }
    return messages_.front().since + limits_.ttl;
}

void outbound::clear(drop_reason reason, std::vector<dropped_message>& dropped) {
    while (!messages_.empty()) {
        drop(0, reason, dropped);
    }
}

} // namespace iom::ws
