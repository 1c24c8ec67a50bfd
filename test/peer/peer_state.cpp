#include "peer_state.hpp"

#include "presence_message.hpp"

#include <nlohmann/json.hpp>

namespace iom::peer {

namespace {

template <class... Cases>
struct cases : Cases... {
    using Cases::operator()...;
};

constexpr std::size_t logged_message = 512; // bytes

} // namespace

peer_state::peer_state(options given)
    : settings{std::move(given)}, log{clock}, people{settings.idle_timeout}, tokens{settings.token_lifetime} {
}

void peer_state::entered(const std::shared_ptr<live_session>& session, bool watched) {
    ++diary.count.sessions;
    sessions_[session->id()] = session;
    if (watched) {
        people.opened(session->id(), clock.now());
    }
}

void peer_state::left(live_session& session, close_record record) {
    if (sessions_.erase(session.id()) == 0) {
        return;
    }
    const auto reason = record.clean ? offline_reason::closed : offline_reason::killed;
    const auto offline = people.closed(session.id(), reason, clock.now());
    log.write("session-closed", {{"session", session.id()},
                                 {"path", session.path()},
                                 {"code", record.code},
                                 {"reason", record.reason},
                                 {"clean", record.clean},
                                 {"offline", offline}});
    record.when = clock.now();
    record.session = session.id();
    record.path = session.path();
    diary.add(std::move(record));
}

void peer_state::shut_idle() {
    for (const auto id : people.idle(clock.now())) {
        const auto offline = people.closed(id, offline_reason::idle, clock.now());
        log.write("session-idle", {{"session", id}, {"offline", offline}});
        const auto found = sessions_.find(id);
        if (found == sessions_.end()) {
            continue;
        }
        if (const auto session = found->second.lock()) {
            session->shut(1001, "idle: neither ping nor message within " +
                                    std::to_string(settings.idle_timeout.count()) + " ms");
        }
    }
}

void peer_state::shut_all(std::uint16_t code, const std::string& reason) {
    for (const auto& session : sessions()) {
        session->shut(code, reason);
    }
}

std::vector<std::shared_ptr<live_session>> peer_state::sessions() const {
    std::vector<std::shared_ptr<live_session>> all;
    for (const auto& [id, weak] : sessions_) {
        if (auto session = weak.lock()) {
            all.push_back(std::move(session));
        }
    }
    return all;
}

std::vector<std::shared_ptr<live_session>> peer_state::sessions_on(std::string_view path) const {
    auto some = sessions();
    std::erase_if(some, [&](const auto& session) { return session->path() != path; });
    return some;
}

void peer_state::heard_message(live_session& session, bool binary, std::string_view message) {
    people.heard(session.id(), clock.now());
    ++diary.count.messages_received;
    diary.count.bytes_received += message.size();
    if (settings.log) {
        log.write("message",
                  {{"session", session.id()},
                   {"path", session.path()},
                   {"binary", binary},
                   {"bytes", message.size()},
                   {"text", binary ? std::string() : std::string(message.substr(0, logged_message))}});
    }
}

void peer_state::sent_message(std::size_t bytes) {
    ++diary.count.messages_sent;
    diary.count.bytes_sent += bytes;
}

void peer_state::heard_ping(live_session& session) {
    ++diary.count.pings_received;
    people.pinged(session.id(), clock.now());
}

std::optional<std::string> peer_state::presence_answer(live_session& session, std::string_view text) {
    const auto bind = [&](const bind_request& request) -> std::optional<std::string> {
        if (!people.bind(session.id(), request.things, clock.now())) {
            return error_answer(
                "There is no room for these things: " + std::to_string(presence::most_things) +
                " are known already, or the session is being closed. Unbind some first.");
        }
        log.write("bound", {{"session", session.id()}, {"path", session.path()}, {"things", request.things}});
        return bound_answer(request.things);
    };
    const auto unbind = [&](const unbind_request& request) -> std::optional<std::string> {
        people.unbind(session.id(), request.things, clock.now());
        log.write("unbound",
                  {{"session", session.id()}, {"path", session.path()}, {"things", request.things}});
        return unbound_answer(request.things);
    };
    const auto mistake = [&](const presence_mistake& made) -> std::optional<std::string> {
        log.write("presence-error", {{"session", session.id()}, {"sentence", made.sentence}});
        return error_answer(made.sentence);
    };
    const auto none = [](not_presence) -> std::optional<std::string> { return std::nullopt; };
    return std::visit(cases{bind, unbind, mistake, none}, read_presence(text));
}

} // namespace iom::peer
