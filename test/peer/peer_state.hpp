#pragma once

#include "alarms.hpp"
#include "events.hpp"
#include "journal.hpp"
#include "net.hpp"
#include "options.hpp"
#include "presence.hpp"
#include "timeline.hpp"
#include "tokens.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iom::peer {

/// A WebSocket session as everything else sees it.
class live_session {
public:
    live_session(session_id id, std::string path) : id_{id}, path_{std::move(path)} {}
    live_session(const live_session&) = delete;
    live_session& operator=(const live_session&) = delete;
    virtual ~live_session() = default;

    session_id id() const { return id_; }
    const std::string& path() const { return path_; }

    /// Sends one message in its turn; it stays the caller's until the task has ended. A client that does not
    /// take it within a minute is cut.
    virtual task<> send(bool binary, std::string_view message) = 0;

    /// The same for a caller that does not wait.
    virtual void post(bool binary, std::string message) = 0;

    /// Sends Close and ends the session, soon even if the client does not answer.
    virtual void shut(std::uint16_t code, std::string reason) = 0;

private:
    session_id id_;
    std::string path_;
};

/// Everything that sessions and pages share. One thread.
class peer_state {
public:
    explicit peer_state(options given);

    const options settings;
    const timeline clock;
    events log;
    presence people;
    journal diary;
    token_book tokens;
    alarm_book alarms;

    session_id next_session() { return ++last_session_; }

    /// A session is up: it counts and can be found. One that is watched may bind and is closed when idle; one
    /// that plays a hung server is not.
    void entered(const std::shared_ptr<live_session>& session, bool watched = true);

    /// It is gone: everything it held is released.
    void left(live_session& session, close_record record);

    /// Neither ping nor message came for too long: what it held goes offline, and it is closed.
    void shut_idle();

    void shut_all(std::uint16_t code, const std::string& reason);

    std::vector<std::shared_ptr<live_session>> sessions() const;
    std::vector<std::shared_ptr<live_session>> sessions_on(std::string_view path) const;
    std::size_t open_sessions() const { return sessions_.size(); }

    void heard_message(live_session& session, bool binary, std::string_view message);
    void sent_message(std::size_t bytes);
    void heard_ping(live_session& session);

    /// Carries out a bind or unbind; the answer to send, or nothing where the text is no presence message.
    std::optional<std::string> presence_answer(live_session& session, std::string_view text);

private:
    session_id last_session_ = 0;
    std::map<session_id, std::weak_ptr<live_session>> sessions_;
};

} // namespace iom::peer
