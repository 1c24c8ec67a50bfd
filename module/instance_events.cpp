#include "module/codec.hpp"
#include "module/identity.hpp"
#include "module/instance.hpp"
#include "module/values.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

/// What an instance makes of the events of its session, and what it says within one.
namespace iom::ws {

namespace {

namespace status = ids::status;
namespace trigger = ids::trigger;
namespace variable = ids::variable;

std::int64_t wall_clock() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

} // namespace

void instance::handle(const record& what) {
    switch (what.type) {
    case record_type::state:
        handle_state(what);
        break;
    case record_type::connected: {
        was_ready_ = false;
        statuses_.set(status::remote_address, what.parts[0]);
        const std::array variables{text_value(variable::connected::remote_address, what.parts[0])};
        fire(trigger::connected, variables);
        break;
    }
    case record_type::established:
        handle_established(what);
        break;
    case record_type::error:
    case record_type::faulted:
    case record_type::credentials_rejected:
        handle_failure(what);
        break;
    case record_type::disconnected:
        handle_disconnected(what);
        break;
    case record_type::message:
        handle_message(what);
        break;
    case record_type::sent:
        handle_sent(what.number);
        break;
    case record_type::dropped:
        handle_dropped(what);
        break;
    case record_type::call_ended:
        handle_call_ended(what);
        break;
    case record_type::round_trip:
        handle_round_trip(what);
        break;
    case record_type::identity_wanted:
        send_identity(what.number);
        break;
    case record_type::alarm:
        alarm_ = 0;
        break;
    case record_type::closed:
        closed_ = true;
        break;
    case record_type::identity:
    case record_type::connect:
    case record_type::disconnect:
    case record_type::ping:
    case record_type::ready:
    case record_type::fail:
    case record_type::alarm_at:
    case record_type::stop:
    case record_type::send:
        break; // commands; never among the events
    }
}

void instance::handle_state(const record& what) {
    const auto fresh = static_cast<state>(what.detail);
    statuses_.set(status::attempt, static_cast<std::int64_t>(what.number));
    statuses_.set(status::attempt_times, what.parts[0]);
    if (fresh == state::established) {
        return; // the event of that name says more
    }
    state_ = fresh;
    open_ = ready_ = false;
    retry_at_ = 0;
    if ((fresh == state::waiting || fresh == state::faulted) && what.real >= 0) {
        retry_at_ = now_ + static_cast<std::int64_t>(what.real * static_cast<double>(second));
    }
    count_down();
    give_up_wish();
    show_state();
}

// Auto-Reconnect is off, and the line was lost or the attempt failed: only Connect brings it back. One that
// is under way does so already.
void instance::give_up_wish() {
    if (wanted_ && state_ == state::stopped && !stopping_ && connects_.empty()) {
        wanted_ = false;
        remember_wish();
    }
}

void instance::handle_established(const record& what) {
    session_ = what.number;
    state_ = state::established;
    open_ = true;
    ready_ = false;
    if (++sessions_ > 1) {
        statuses_.add(status::reconnects, 1);
    }
    const std::string_view tls = what.parts[1];
    statuses_.set(status::remote_address, what.parts[2]);
    statuses_.set(status::subprotocol, what.parts[0]);
    statuses_.set(status::tls_session, tls);
    statuses_.set(status::certificate_expiry,
                  what.value == 0 ? std::string() : to_rfc3339(static_cast<std::int64_t>(what.value)));
    statuses_.set(status::established_since, to_rfc3339(wall_clock()));
    statuses_.set(status::unconfirmed, std::int64_t{0});
    show_state();

    round_trips_ = 0;
    last_heard_ = now_;
    silent_ = false;
    confirmed_ = newest_sent_ = flights_.newest();
    lender_.forget_session();
    std::string_view delimiter;
    const bool delimited = lender_.expand(settings_->message_delimiter, delimiter);
    delimiter_ = delimiter;

    // The greeting's first words go out before anything that a rule sends.
    const recipe::outcome begun = delimited ? recipe_.begin(*settings_, now_) : recipe::outcome::nothing;
    const std::array variables{text_value(variable::websocket_established::subprotocol, what.parts[0]),
                               text_value(variable::websocket_established::tls_session, tls)};
    fire(trigger::websocket_established, variables);
    if (!delimited) {
        fail(layer::settings, "expand", "Message delimiter: " + std::exchange(delimiter_, {}));
    }
    act(begun);
}

void instance::handle_failure(const record& what) {
    const std::string_view where = name_of(static_cast<layer>(what.detail));
    open_ = ready_ = false;
    if (what.type != record_type::credentials_rejected) {
        statuses_.set_anew(status::last_error, what.parts[1]); // the same again is another failure
        statuses_.set(status::last_error_layer, where);
        statuses_.set(status::last_error_code, what.parts[0]);
    }
    show_state();
    const std::array variables{text_value(variable::error::layer, where),
                               text_value(variable::error::code, what.parts[0]),
                               text_value(variable::error::sentence, what.parts[1])};
    // The three triggers have the same variables.
    static_assert(variable::error::layer == variable::faulted::layer &&
                  variable::error::code == variable::faulted::code &&
                  variable::error::sentence == variable::faulted::sentence &&
                  variable::error::layer == variable::credentials_rejected::layer &&
                  variable::error::code == variable::credentials_rejected::code &&
                  variable::error::sentence == variable::credentials_rejected::sentence);
    fire(what.type == record_type::error     ? trigger::error
         : what.type == record_type::faulted ? trigger::faulted
                                             : trigger::credentials_rejected,
         variables);
}

void instance::handle_disconnected(const record& what) {
    const std::int64_t unconfirmed =
        newest_sent_ > confirmed_ ? static_cast<std::int64_t>(newest_sent_ - confirmed_) : 0;
    open_ = ready_ = false;
    session_ = 0;
    recipe_.end();
    statuses_.set(status::remote_address, std::string_view());
    statuses_.set(status::established_since, std::string_view());
    show_state();
    const std::array variables{
        text_value(variable::disconnected::layer, name_of(static_cast<layer>(what.detail))),
        text_value(variable::disconnected::code, what.parts[0]),
        text_value(variable::disconnected::sentence, what.parts[1]),
        bool_value(variable::disconnected::clean, (what.flags & flag_clean) != 0),
        bool_value(variable::disconnected::was_ready, std::exchange(was_ready_, false)),
        real_value(variable::disconnected::seconds_up, what.real),
        int_value(variable::disconnected::unconfirmed, unconfirmed),
    };
    fire(trigger::disconnected, variables);
    while (const auto lost = requests_.lost(false)) {
        done(lost->call, IOM_GIVEN_UP, "The connection ended before the answer came.");
    }
    lender_.forget_session(); // its captures have ended with it, once Disconnected could still name them
}

void instance::handle_message(const record& what) {
    const bool binary = (what.flags & flag_binary) != 0;
    const std::string_view message = what.parts[0];
    heard_since_ping_ = true;
    last_heard_ = now_;
    silent_ = false;
    statuses_.add(status::bytes_received, static_cast<std::int64_t>(message.size()));
    if (binary || delimiter_.empty()) {
        hear(message, binary);
        return;
    }
    for (std::size_t begin = 0;;) {
        const std::size_t end = message.find(delimiter_, begin);
        if (end == std::string_view::npos) {
            // What follows the last delimiter is a message only if there is something.
            if (begin < message.size() || message.empty()) {
                hear(message.substr(begin), false);
            }
            return;
        }
        hear(message.substr(begin, end - begin), false);
        begin = end + delimiter_.size();
    }
}

void instance::hear(std::string_view message, bool binary) {
    last_received_ = message;
    last_received_binary_ = binary;
    last_received_new_ = true;
    statuses_.add(status::messages_received, 1);

    const iom_value value = message_value(variable::message_received::message, message, binary);
    // First the recipe, so that the rules see what it has captured.
    const recipe::outcome heard = recipe_.hear(*settings_, value, now_);
    const std::array variables{value, bool_value(variable::message_received::binary, binary)};
    fire(trigger::message_received, variables);
    if (!requests_.empty()) {
        if (const auto answered =
                requests_.answered([&](std::uint32_t match) { return lender_.test(match, value); })) {
            const double milliseconds =
                static_cast<double>(line_->now() - answered->sent) / nanoseconds_per_millisecond;
            const std::array reply{text_value(variable::reply_received::request, answered->message),
                                   message_value(variable::reply_received::message, message, binary),
                                   real_value(variable::reply_received::milliseconds, milliseconds)};
            fire(trigger::reply_received, reply);
            done(answered->call, IOM_DONE, {});
        }
    }
    act(heard);
}

void instance::handle_sent(std::uint64_t sequence) {
    newest_sent_ = std::max(newest_sent_, sequence);
    while (!flights_.empty() && flights_.oldest() <= sequence) {
        const flight& landed = *flights_.find(flights_.oldest());
        const std::uint64_t call = landed.call;
        const bool counts = !landed.own && !landed.gone;
        const bool is_request = landed.request;
        const auto size = static_cast<std::int64_t>(landed.size);
        flights_.land();
        if (counts) {
            statuses_.add(status::messages_sent, 1);
            statuses_.add(status::bytes_sent, size);
            if (is_request) {
                requests_.sent(call, line_->now());
            } else {
                done(call, IOM_DONE, {});
            }
        }
    }
    recipe_.sent(*settings_, sequence, now_);
    if (session_ != 0 && newest_sent_ > confirmed_) {
        statuses_.set(status::unconfirmed, static_cast<std::int64_t>(newest_sent_ - confirmed_));
    }
}

void instance::handle_dropped(const record& what) {
    const bool binary = (what.flags & flag_binary) != 0;
    if ((what.flags & flag_unconfirmed) != 0) {
        // Its call has ended as sent; whether it arrived nobody knows.
        if ((what.flags & flag_own) == 0) {
            const std::array variables{
                message_value(variable::message_dropped::message, what.parts[1], binary),
                text_value(variable::message_dropped::reason, what.parts[0])};
            fire(trigger::message_dropped, variables);
        }
        return;
    }
    flight* lost = flights_.find(what.number);
    if (lost == nullptr || lost->gone) {
        return;
    }
    lost->gone = true;
    if (!lost->own) {
        const std::string_view payload = what.parts[1].substr(0, lost->size); // without the delimiter
        const bool whole = (what.flags & flag_wordless) == 0;
        if (settings_->offline_policy != offline_policy::error && !stopping_ && whole) {
            waiting_message again;
            again.order = lost->order;
            again.call = lost->call;
            again.since = lost->since != 0 ? lost->since : line_->now();
            again.binary = lost->binary;
            again.request = lost->request;
            again.payload = payload;
            again.key = std::move(lost->key);
            outbound_.add(std::move(again), drops_);
            statuses_.set(status::queue_depth, static_cast<std::int64_t>(outbound_.depth()));
        } else {
            give_up(lost->call, lost->request, payload, binary, what.parts[0],
                    "The connection ended before the message was sent. Send it again once there is a "
                    "session, or set "
                    "When not established to queue.");
        }
    }
    while (!flights_.empty() && flights_.find(flights_.oldest())->gone) {
        flights_.land();
    }
}

void instance::handle_round_trip(const record& what) {
    round_trip_sum_ = round_trips_ == 0 ? what.real : round_trip_sum_ + what.real;
    round_trip_min_ = round_trips_ == 0 ? what.real : std::min(round_trip_min_, what.real);
    round_trip_max_ = round_trips_ == 0 ? what.real : std::max(round_trip_max_, what.real);
    ++round_trips_;
    statuses_.set(status::round_trip, what.real);
    statuses_.set(status::round_trip_min, round_trip_min_);
    statuses_.set(status::round_trip_mean, round_trip_sum_ / static_cast<double>(round_trips_));
    statuses_.set(status::round_trip_max, round_trip_max_);
    confirmed_ = std::max(confirmed_, what.number);
    statuses_.set(status::unconfirmed,
                  newest_sent_ > confirmed_ ? static_cast<std::int64_t>(newest_sent_ - confirmed_) : 0);
    trim_ = !std::exchange(heard_since_ping_, false);
}

void instance::handle_call_ended(const record& what) {
    const auto found = std::find(open_calls_.begin(), open_calls_.end(), what.number);
    if (found != open_calls_.end()) {
        open_calls_.erase(found);
        if (std::erase(connects_, what.number) > 0 && what.detail == IOM_GIVEN_UP) {
            give_up_wish();
        }
        done(what.number, what.detail, what.parts[0]);
    }
}

// ---- within a session -------------------------------------------------------------------------------

void instance::act(recipe::outcome what) {
    if (session_ == 0 || (!open_ && what != recipe::outcome::nothing)) {
        return;
    }
    switch (what) {
    case recipe::outcome::nothing:
        break;
    case recipe::outcome::ready:
        become_ready();
        break;
    case recipe::outcome::refused:
        fail(layer::upgrade, "refused",
             last_received_binary_ ? std::string_view() : cut_text(last_received_, 200));
        break;
    case recipe::outcome::ready_timeout:
        fail(layer::upgrade, "ready-timeout", {});
        break;
    case recipe::outcome::dead:
        fail(layer::liveness, "heartbeat-timeout", {});
        break;
    case recipe::outcome::broken:
        fail(layer::settings, "expand", recipe_.sentence());
        break;
    }
}

void instance::become_ready() {
    ready_ = was_ready_ = true;
    state_ = state::ready;
    trace("Ready: greeting and ready-match are through.");
    push_command({.type = record_type::ready, .number = session_});
    flush_queue(); // before the rules send more: what waits neither has to give way nor comes later
    show_state();
    fire(trigger::ready, {});
}

void instance::fail(layer where, std::string_view code, std::string_view detail) {
    open_ = ready_ = false;
    recipe_.end();
    push_command({.type = record_type::fail, .detail = static_cast<std::uint8_t>(where), .number = session_},
                 {code, detail});
}

void instance::close_with(const record_head& command, std::string_view reason) {
    if (!deferred_.empty()) {
        deferred_.push_back({command, std::string(reason)});
        return;
    }
    if (open_) {
        open_ = ready_ = false;
        const bool wait = recipe_.say_farewell(*settings_, now_);
        state_ = state::closing;
        show_state();
        if (wait) {
            trace("Farewell: said, its answer is awaited.");
            deferred_.push_back({command, std::string(reason)});
            return;
        }
    }
    push_command(command, {reason});
}

void instance::push_deferred() {
    if (deferred_.empty() || !recipe_.farewell_over()) {
        return;
    }
    for (const deferred_command& command : deferred_) {
        push_command(command.head, {command.reason});
    }
    deferred_.clear();
}

void instance::send_identity(std::uint64_t attempt) {
    std::string mistake;
    const auto made = make_identity(
        *settings_, token_,
        [this](std::string_view written, std::string_view& expanded) {
            return lender_.expand(written, expanded);
        },
        mistake);
    if (made) {
        push_command({.type = record_type::identity, .number = attempt, .value = made->proxy_login.size()},
                     {made->path, made->headers, made->authorization + made->proxy_login});
    } else {
        push_command({.type = record_type::fail, .detail = static_cast<std::uint8_t>(layer::settings)},
                     {"expand", mistake});
    }
}

std::uint64_t instance::hand_over(std::string_view payload, const departure& what) {
    flight& place = flights_.launch();
    const std::uint64_t sequence = flights_.newest();
    const auto flags =
        static_cast<std::uint16_t>((what.binary ? flag_binary : 0) | (what.own ? flag_own : 0) |
                                   (what.own || what.request ? flag_asks : 0));
    const record_head head{.type = record_type::send, .flags = flags, .number = sequence, .value = session_};
    try {
        place.call = what.call;
        place.order = what.order;
        place.since = what.since;
        place.size = payload.size();
        place.binary = what.binary;
        place.request = what.request;
        place.own = what.own;
        place.key.assign(what.key);
        if (what.binary || delimiter_.empty()) {
            ring_later(box_->sends.push(head, {payload}));
        } else {
            scratch_.assign(payload);
            scratch_ += delimiter_;
            ring_later(box_->sends.push(head, {scratch_}));
        }
        ring_for_part(payload.size());
    } catch (...) {
        flights_.cancel();
        throw;
    }
    return sequence;
}

void instance::launch(const waiting_message& message) {
    statuses_.set_message(status::last_sent, message.payload, message.binary);
    hand_over(message.payload, {.call = message.call,
                                .order = message.order,
                                .since = message.since,
                                .binary = message.binary,
                                .request = message.request,
                                .key = message.key});
}

void instance::flush_queue() {
    if (!ready_ || !open_ || outbound_.empty() || gate_.shut) {
        return;
    }
    outbound_.expire(now_, drops_);
    while (!outbound_.empty() && !(box_->sends.full() && box_->sends.wait_for_room())) {
        launch(*outbound_.front());
        outbound_.take();
    }
    statuses_.set(status::queue_depth, static_cast<std::int64_t>(outbound_.depth()));
}

std::uint64_t instance::say(std::string_view written, bool binary, std::string& mistake) {
    std::string_view text = written;
    if (!binary && !lender_.expand(written, text)) {
        mistake = text;
        return 0;
    }
    return hand_over(text, {.binary = binary, .own = true, .key = {}});
}

bool instance::test(std::uint32_t match, const iom_value& message) {
    return lender_.test(match, message);
}

bool instance::capture(std::uint32_t match, const iom_value& message) {
    return lender_.capture(match, message);
}

} // namespace iom::ws
