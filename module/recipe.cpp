#include "module/recipe.hpp"

#include <algorithm>

namespace iom::ws {

namespace {

/// How long a farewell may take to reach the kernel.
constexpr std::int64_t flush_limit = std::chrono::nanoseconds(std::chrono::seconds(1)).count();

} // namespace

bool recipe::beats(const settings& with) const {
    return phase_ == phase::ready && !with.heartbeat_message.empty() && with.heartbeat_interval.count() > 0;
}

recipe::outcome recipe::begin(const settings& with, std::int64_t now) {
    end();
    phase_ = phase::greeting;
    begun_ = now;
    return greet(with, now);
}

void recipe::end() {
    phase_ = phase::none;
    step_ = 0;
    beat_sequence_ = 0;
    beat_sent_ = 0;
}

recipe::outcome recipe::greet(const settings& with, std::int64_t now) {
    for (; step_ < with.greeting.size(); ++step_) {
        const greeting_step& step = with.greeting[step_];
        if (step.what == greeting_step::kind::await) {
            return outcome::nothing;
        }
        if (by_.say(step.payload, step.what == greeting_step::kind::send_binary, sentence_) == 0) {
            sentence_.insert(0, "Greeting: ");
            phase_ = phase::none;
            return outcome::broken;
        }
    }
    phase_ = phase::awaiting_ready;
    return with.ready_match ? outcome::nothing : through(now);
}

recipe::outcome recipe::through(std::int64_t now) {
    phase_ = phase::ready;
    last_beat_ = now;
    return outcome::ready;
}

recipe::outcome recipe::hear(const settings& with, const iom_value& message, std::int64_t now) {
    if (with.refuse_match && phase_ != phase::none && phase_ != phase::farewell &&
        by_.test(*with.refuse_match, message)) {
        return outcome::refused;
    }
    switch (phase_) {
    case phase::greeting:
        if (by_.capture(with.greeting[step_].match, message)) {
            ++step_;
            const outcome greeted = greet(with, now);
            // The message that ends the greeting may be the one that says ready.
            if (phase_ == phase::awaiting_ready && by_.capture(*with.ready_match, message)) {
                return through(now);
            }
            return greeted;
        }
        break;
    case phase::awaiting_ready:
        if (by_.capture(*with.ready_match, message)) {
            return through(now);
        }
        break;
    case phase::ready:
        if (beat_sequence_ != 0 && with.heartbeat_match && by_.test(*with.heartbeat_match, message)) {
            beat_sequence_ = 0;
            beat_sent_ = 0;
        }
        break;
    case phase::farewell:
        if (with.farewell_match && by_.test(*with.farewell_match, message)) {
            end();
        }
        break;
    case phase::none:
        break;
    }
    return outcome::nothing;
}

void recipe::sent(const settings& with, std::uint64_t sequence, std::int64_t now) {
    if (beat_sequence_ != 0 && beat_sent_ == 0 && sequence >= beat_sequence_) {
        beat_sent_ = now;
    }
    if (phase_ == phase::farewell && farewell_sequence_ != 0 && sequence >= farewell_sequence_) {
        farewell_sequence_ = 0;
        farewell_deadline_ = now + with.farewell_timeout.count();
    }
}

recipe::outcome recipe::elapse(const settings& with, std::int64_t now, std::int64_t stirred, bool unread) {
    switch (phase_) {
    case phase::greeting:
    case phase::awaiting_ready:
        return now - begun_ >= with.ready_timeout.count() ? outcome::ready_timeout : outcome::nothing;
    case phase::farewell:
        if (now >= farewell_deadline_) {
            end();
        }
        return outcome::nothing;
    case phase::ready:
        break;
    case phase::none:
        return outcome::nothing;
    }
    if (!beats(with)) {
        return outcome::nothing;
    }
    if (beat_sent_ != 0 && !unread && now - std::max(beat_sent_, stirred) >= with.heartbeat_timeout.count()) {
        return outcome::dead;
    }
    if (now - last_beat_ >= with.heartbeat_interval.count()) {
        last_beat_ = now;
        const std::uint64_t sequence = by_.say(with.heartbeat_message, false, sentence_);
        if (sequence == 0) {
            sentence_.insert(0, "Heartbeat message: ");
            return outcome::broken;
        }
        if (with.heartbeat_match && beat_sequence_ == 0) {
            beat_sequence_ = sequence;
        }
    }
    return outcome::nothing;
}

std::optional<std::int64_t> recipe::deadline(const settings& with, std::int64_t stirred, bool unread) const {
    switch (phase_) {
    case phase::greeting:
    case phase::awaiting_ready:
        return begun_ + with.ready_timeout.count();
    case phase::farewell:
        return farewell_deadline_;
    case phase::ready:
        break;
    case phase::none:
        return std::nullopt;
    }
    if (!beats(with)) {
        return std::nullopt;
    }
    std::int64_t next = last_beat_ + with.heartbeat_interval.count();
    if (beat_sent_ != 0 && !unread) {
        next = std::min(next, std::max(beat_sent_, stirred) + with.heartbeat_timeout.count());
    }
    return next;
}

bool recipe::say_farewell(const settings& with, std::int64_t now) {
    if (phase_ != phase::awaiting_ready && phase_ != phase::ready) {
        return false;
    }
    std::uint64_t last = 0;
    for (const std::string& message : with.farewell) {
        // What cannot be expanded any more cannot be said; the rest still can.
        last = std::max(last, by_.say(message, false, sentence_));
    }
    if (last == 0 || !with.farewell_match) {
        end();
        return false;
    }
    phase_ = phase::farewell;
    farewell_sequence_ = last;
    farewell_deadline_ = now + flush_limit;
    return true;
}

} // namespace iom::ws
