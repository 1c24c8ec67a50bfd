#pragma once

#include "iom/iom.h"
#include "module/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace iom::ws {

/// What is said within a session besides the messages of actions: greeting, ready-match, refuse-match,
/// heartbeat and farewell. Pure: time is an argument, and what it needs from others comes through `means`.
class recipe {
public:
    class means {
    public:
        virtual ~means() = default;

        /// Sends a message (a text is expanded first). Its sequence number, or 0, and a sentence in
        /// `mistake`.
        virtual std::uint64_t say(std::string_view written, bool binary, std::string& mistake) = 0;
        virtual bool test(std::uint32_t match, const iom_value& message) = 0;
        virtual bool capture(std::uint32_t match, const iom_value& message) = 0;
    };

    enum class outcome : std::uint8_t {
        nothing,
        ready,         ///< greeting and ready-match are through
        refused,       ///< refuse-match holds
        ready_timeout, ///< greeting or ready-match took too long
        dead,          ///< no answer to the heartbeat
        broken,        ///< something could not be said: sentence()
    };

    explicit recipe(means& by) : by_(by) {}

    /// A session was established: says the greeting up to its first await.
    outcome begin(const settings& with, std::int64_t now);

    /// The session is over, however.
    void end();

    /// A message has come.
    outcome hear(const settings& with, const iom_value& message, std::int64_t now);

    /// All up to this sequence number were sent.
    void sent(const settings& with, std::uint64_t sequence, std::int64_t now);

    /// Does what is due. `stirred`: see mailbox::stirred. `unread`: messages have come that were not heard
    /// yet, and may answer the heartbeat.
    outcome elapse(const settings& with, std::int64_t now, std::int64_t stirred, bool unread = false);

    /// When elapse() is wanted next; nothing if never.
    [[nodiscard]] std::optional<std::int64_t> deadline(const settings& with, std::int64_t stirred,
                                                       bool unread = false) const;

    /// Says the farewell, if there is one and the greeting was completed. True: wait until farewell_over().
    bool say_farewell(const settings& with, std::int64_t now);

    [[nodiscard]] bool farewell_over() const { return phase_ != phase::farewell; }

    [[nodiscard]] bool ready() const { return phase_ == phase::ready; }
    [[nodiscard]] const std::string& sentence() const { return sentence_; }

private:
    enum class phase : std::uint8_t { none, greeting, awaiting_ready, ready, farewell };

    outcome greet(const settings& with, std::int64_t now);
    outcome through(std::int64_t now);
    [[nodiscard]] bool beats(const settings& with) const;

    means& by_;
    phase phase_ = phase::none;
    std::size_t step_ = 0;
    std::int64_t begun_ = 0;
    std::string sentence_;

    std::int64_t last_beat_ = 0;          // when the last heartbeat was said, or the session became ready
    std::uint64_t beat_sequence_ = 0;     // of the oldest one that is not answered; 0: none
    std::int64_t beat_sent_ = 0;          // when the kernel had it; 0: not yet
    std::uint64_t farewell_sequence_ = 0; // of its last message
    std::int64_t farewell_deadline_ = 0;
};

} // namespace iom::ws
