#include "presence.hpp"

#include <algorithm>

namespace iom::peer {

std::string_view word(offline_reason reason) {
    switch (reason) {
    case offline_reason::unbind:
        return "unbind";
    case offline_reason::closed:
        return "closed";
    case offline_reason::killed:
        return "killed";
    case offline_reason::idle:
        return "idle";
    }
    return "unknown";
}

presence::presence(moment idle_timeout, std::size_t thing_limit)
    : idle_timeout_{idle_timeout}, thing_limit_{thing_limit} {}

void presence::opened(session_id session, moment now) {
    sessions_[session].last_heard = now;
}

void presence::heard(session_id session, moment now) {
    if (const auto found = sessions_.find(session); found != sessions_.end()) {
        found->second.last_heard = now;
    }
}

void presence::pinged(session_id session, moment now) {
    if (const auto found = sessions_.find(session); found != sessions_.end()) {
        found->second.last_heard = now;
        found->second.last_ping = now;
    }
}

bool presence::bind(session_id session, std::span<const std::string> names, moment now) {
    const auto found = sessions_.find(session);
    if (found == sessions_.end() || !make_room(names)) {
        return false;
    }
    ++generation_;
    for (const auto& name : names) {
        auto& bound = things_[name];
        if (!bound.connected || bound.holder != session) {
            bound.since = now;
            if (const auto older = sessions_.find(bound.holder); older != sessions_.end()) {
                older->second.names.erase(name);
            }
        }
        bound.holder = session;
        bound.generation = generation_;
        bound.connected = true;
        bound.last_ping.reset();
        bound.reason.reset();
        found->second.names.insert(name);
    }
    return true;
}

void presence::unbind(session_id session, std::span<const std::string> names, moment now) {
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) {
        return;
    }
    for (const auto& name : names) {
        if (found->second.names.erase(name) != 0) {
            release(session, found->second, name, offline_reason::unbind, now);
        }
    }
}

std::vector<std::string> presence::closed(session_id session, offline_reason reason, moment now) {
    std::vector<std::string> gone;
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) {
        return gone;
    }
    for (const auto& name : found->second.names) {
        if (release(session, found->second, name, reason, now)) {
            gone.push_back(name);
        }
    }
    sessions_.erase(found);
    return gone;
}

std::vector<session_id> presence::idle(moment now) const {
    std::vector<session_id> silent;
    if (idle_timeout_ <= moment::zero()) {
        return silent;
    }
    for (const auto& [id, session] : sessions_) {
        if (now - session.last_heard >= idle_timeout_) {
            silent.push_back(id);
        }
    }
    std::ranges::sort(silent);
    return silent;
}

bool presence::holds_any(session_id session) const {
    const auto found = sessions_.find(session);
    return found != sessions_.end() && std::ranges::any_of(found->second.names, [&](const std::string& name) {
               const auto bound = things_.find(name);
               return bound != things_.end() && bound->second.connected && bound->second.holder == session;
           });
}

std::vector<thing_view> presence::things() const {
    std::vector<thing_view> views;
    views.reserve(things_.size());
    for (const auto& [name, thing] : things_) {
        auto last_ping = thing.last_ping;
        if (const auto holder = sessions_.find(thing.holder); thing.connected && holder != sessions_.end()) {
            last_ping = holder->second.last_ping;
        }
        views.push_back({name, thing.connected, thing.since, last_ping, thing.reason, thing.generation});
    }
    return views;
}

bool presence::release(session_id id, const session_record& holder, const std::string& name,
                       offline_reason reason, moment now) {
    const auto found = things_.find(name);
    if (found == things_.end() || !found->second.connected || found->second.holder != id) {
        return false;
    }
    auto& thing = found->second;
    thing.connected = false;
    thing.since = now;
    thing.last_ping = holder.last_ping;
    thing.reason = reason;
    return true;
}

bool presence::make_room(std::span<const std::string> names) {
    const std::set<std::string> wanted(names.begin(), names.end());
    const auto known = static_cast<std::size_t>(
        std::ranges::count_if(wanted, [&](const std::string& name) { return things_.contains(name); }));
    const auto needed = things_.size() + wanted.size() - known;
    if (needed <= thing_limit_) {
        return true;
    }
    const auto excess = needed - thing_limit_;
    std::vector<std::map<std::string, thing_record>::iterator> offline;
    for (auto at = things_.begin(); at != things_.end(); ++at) {
        if (!at->second.connected && !wanted.contains(at->first)) {
            offline.push_back(at);
        }
    }
    if (offline.size() < excess) {
        return false;
    }
    std::ranges::sort(offline, {}, [](const auto& at) { return at->second.since; });
    for (std::size_t i = 0; i < excess; ++i) {
        things_.erase(offline[i]);
    }
    return true;
}

} // namespace iom::peer
