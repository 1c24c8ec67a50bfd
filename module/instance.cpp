#include "module/instance.hpp"

#include "module/codec.hpp"
#include "module/identity.hpp"
#include "module/values.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <utility>

namespace iom::ws {

namespace {

namespace argument = ids::argument;
namespace status = ids::status;
namespace trigger = ids::trigger;
namespace variable = ids::variable;

// One call of service does at most this much, so that instances share the host's loop.
constexpr std::size_t batch_records = 256;
constexpr std::size_t batch_bytes = std::size_t{1} << 20;

// Beyond this much on its way to the line a send is refused, whatever the policy.
constexpr std::size_t too_much = 4 * mailbox::mark_high;
constexpr std::size_t largest_message = std::size_t{64} << 20;

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t fast_interval = second / 50; // between two reports of what changes with each message
constexpr double nanoseconds_per_millisecond = 1e6;

double to_seconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / static_cast<double>(second); }

std::int64_t wall_clock() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

/// What a client may tell in a Close frame (RFC 6455 section 7.4; 1005, 1006 and 1015 are never sent).
bool may_close_with(std::int64_t code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1011) || (code >= 3000 && code <= 4999);
}

} // namespace

instance::instance(const iom_host& host, line_source lines)
    : host_(host), lines_(std::move(lines)), lender_(host), recipe_(*this) {}

instance::~instance() {
    if (port_ != nullptr) {
        line_->detach(port_);
    }
}

// ---- settings, start, stop -----------------------------------------------------------------------------------

std::uint32_t instance::refuse(std::uint32_t result, std::string sentence) {
    why_ = std::move(sentence);
    return result;
}

std::uint32_t instance::set(std::span<const iom_value> values, iom_text* why) {
    *why = {};
    std::optional<settings> fresh = read_settings(values, why_);
    if (fresh && !lender_.has_match() &&
        (fresh->ready_match || fresh->refuse_match || fresh->heartbeat_match || fresh->farewell_match ||
         std::any_of(fresh->greeting.begin(), fresh->greeting.end(),
                     [](const greeting_step& step) { return step.what == greeting_step::kind::await; }))) {
        why_ = "Ready when received: this host has no iom.match/1 to test messages with. Take all matches out.";
        fresh.reset();
    }
    if (!fresh) {
        *why = as_text(why_);
        return IOM_SETTING;
    }
    if (port_ != nullptr) {
        if (stopping_ || with_live(*settings_, *fresh) != *fresh) {
            why_ = "These settings need a restart of the instance: they are not all live.";
            *why = as_text(why_);
            return IOM_RESTART;
        }
    }
    settings_ = std::make_shared<const settings>(std::move(*fresh));
    outbound_.limit(outbound::limits::of(*settings_), drops_);
    if (port_ != nullptr) {
        box_->offer(settings_);
        line_->ring(port_);
        host_.wake(&host_);
    }
    return IOM_OK;
}

std::uint32_t instance::start(iom_text* why) {
    *why = {};
    std::uint32_t result = IOM_OK;
    if (!settings_) {
        result = refuse(IOM_SETTING, "Hostname: it is missing. Give the instance its settings before it starts.");
    } else if (port_ != nullptr) {
        result = refuse(IOM_STATE, "The instance is running already. Stop it first.");
    } else {
        try {
            box_ = std::make_unique<mailbox>();
            line_ = lines_();
            port_ = line_->attach(*box_, host_, settings_);
        } catch (const std::exception& problem) {
            box_.reset();
            line_.reset();
            result = refuse(IOM_FAILED, std::string("The network thread cannot be started: ") + problem.what() +
                                            ". Free memory or threads, then start the instance again.");
        }
    }
    if (result != IOM_OK) {
        *why = as_text(why_);
        return result;
    }
    stopping_ = false;
    closed_ = false;
    alarm_ = 0;
    flights_.reset();
    newest_sent_ = 0;
    confirmed_ = 0;
    now_ = line_->now();
    if (!started_before_) {
        wanted_ = settings_->connect_at_startup;
        started_before_ = true;
    }
    if (wanted_) {
        if (!settings_->identity_expands) {
            send_identity(0);
        }
        push_command({.type = record_type::connect});
    }
    return IOM_OK;
}

void instance::stop() {
    if (port_ == nullptr || stopping_) {
        return;
    }
    stopping_ = true;
    now_ = line_->now();
    close_with({.type = record_type::stop}, {});
    if (!servicing_) {
        host_.wake(&host_); // a farewell has its own deadlines, which are told in service
    }
}

std::uint32_t instance::finish() {
    // Whatever the session has not answered for: nothing may stay open.
    while (!flights_.empty()) {
        const flight last = *flights_.find(flights_.oldest());
        flights_.land();
        if (!last.gone && !last.own) {
            give_up(last.call, last.request, {}, last.binary, name_of(drop_reason::stopped), sentence_of(drop_reason::stopped));
        }
    }
    outbound_.clear(drop_reason::stopped, drops_);
    end_pending();
    while (const auto request = requests_.lost(true)) {
        done(request->call, IOM_GIVEN_UP, "The instance was stopped before the answer came.");
    }
    while (!open_calls_.empty()) {
        const std::uint64_t call = open_calls_.back();
        open_calls_.pop_back();
        done(call, IOM_GIVEN_UP, "The instance was stopped before this was done.");
    }
    recipe_.end();
    deferred_.clear();
    open_ = ready_ = false;
    session_ = 0;
    retry_at_ = retry_tick_ = 0;
    state_ = state::stopped;
    show_state();
    keep_last_received();
    statuses_.set(status::queue_depth, std::int64_t{0});
    statuses_.post_all(host_);

    line_->detach(std::exchange(port_, nullptr));
    box_.reset();
    line_.reset();
    stopping_ = false;
    return IOM_STOPPED;
}

// ---- actions -------------------------------------------------------------------------------------------------

std::uint32_t instance::invoke(std::uint64_t call, std::uint32_t action, std::span<const iom_value> arguments, iom_text* why) {
    *why = {};
    std::uint32_t result = IOM_OK;
    if (port_ == nullptr || stopping_) {
        result = refuse(IOM_STATE, stopping_ ? "The instance is being stopped and takes no more actions."
                                             : "The instance is not running. Start it first.");
    } else {
        try {
            result = begin(call, action, arguments);
        } catch (...) {
            // Refused after all: no done may follow.
            std::erase(open_calls_, call);
            requests_.remove(call);
            throw;
        }
    }
    if (result != IOM_OK) {
        *why = as_text(why_);
        return result;
    }
    if (!servicing_ && (!drops_.empty() || !ended_.empty() || !deferred_.empty())) {
        host_.wake(&host_); // what is told in service
    }
    return result;
}

std::uint32_t instance::begin(std::uint64_t call, std::uint32_t action, std::span<const iom_value> arguments) {
    switch (action) {
    case ids::action::connect: return connect(call, arguments);
    case ids::action::disconnect: return disconnect(call, arguments);
    case ids::action::send_message: return send_message(call, arguments);
    case ids::action::send_binary: return send_binary(call, arguments);
    case ids::action::request: return request(call, arguments);
    case ids::action::ping: return ping(call, arguments);
    case ids::action::clear_queue: return clear_queue(call, arguments);
    default:
        return refuse(IOM_ARGUMENT, "There is no action " + std::to_string(action) +
                                        ". Use the manifest that came with this module.");
    }
}

std::uint32_t instance::connect(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values(ids::arguments_of_connect, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    const iom_value* given = find_value(arguments, argument::connect::bearer_token);
    std::optional<std::string> token;
    if (given != nullptr && given->as.text.size > 0) {
        token = std::string(bytes_of(*given));
        if (std::any_of(token->begin(), token->end(), [](char c) { return static_cast<unsigned char>(c) < 0x21 || c == 0x7F; })) {
            return refuse(IOM_ARGUMENT, "Bearer token: it has a space, line break or control character in it. Check the "
                                        "answer that it was taken from.");
        }
    }
    open_calls_.push_back(call);
    wanted_ = true;
    token_ = std::move(token);
    if (!settings_->identity_expands) {
        send_identity(0);
    }
    const record_head command{.type = record_type::connect, .number = call};
    if (deferred_.empty()) {
        push_command(command);
    } else {
        deferred_.push_back({command, {}});
    }
    return IOM_OK;
}

std::uint32_t instance::disconnect(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values(ids::arguments_of_disconnect, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    const iom_value* code = find_value(arguments, argument::disconnect::code);
    const iom_value* reason = find_value(arguments, argument::disconnect::reason);
    const std::int64_t number = code != nullptr ? code->as.integer : ids::argument_default::disconnect::code;
    if (!may_close_with(number)) {
        return refuse(IOM_ARGUMENT, "Code: " + std::to_string(number) +
                                        " is no code that a client may close with. Use 1000, or one from 3000 to 4999.");
    }
    open_calls_.push_back(call);
    wanted_ = false;
    token_.reset();
    now_ = line_->now();
    close_with({.type = record_type::disconnect, .number = call, .value = static_cast<std::uint64_t>(number)},
               reason != nullptr ? bytes_of(*reason) : std::string_view());
    return IOM_OK;
}

std::uint32_t instance::send_message(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values(ids::arguments_of_send_message, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    const iom_value* key = find_value(arguments, argument::send_message::key);
    return take_message(call, "Send Message", bytes_of(*find_value(arguments, argument::send_message::message)), false,
                        key != nullptr ? bytes_of(*key) : std::string_view(), false);
}

std::uint32_t instance::send_binary(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values(ids::arguments_of_send_binary, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    const iom_value& data = *find_value(arguments, argument::send_binary::data);
    const iom_value* encoding = find_value(arguments, argument::send_binary::encoding);
    const iom_value* key = find_value(arguments, argument::send_binary::key);
    const std::string_view written = bytes_of(data);
    const std::string_view how = encoding != nullptr ? bytes_of(*encoding) : ids::argument_default::send_binary::encoding;
    const std::string_view key_text = key != nullptr ? bytes_of(*key) : std::string_view();

    // Exactly one binary value comes as bytes. Written into text it would be its own hex, so hex takes it as it is.
    if (how == "raw" || (how == "hex" && data.kind == IOM_BYTES)) {
        return take_message(call, "Send binary", written, true, key_text, false);
    }
    std::optional<std::string> bytes;
    if (how == "hex") {
        bytes = from_hex(written);
    } else if (how == "base64") {
        if (data.kind == IOM_BYTES) {
            return refuse(IOM_ARGUMENT, "Data: a binary message is not base64. Set Encoding to raw.");
        }
        bytes = from_base64(written);
    } else {
        return refuse(IOM_ARGUMENT, "Encoding: it takes hex, base64 or raw.");
    }
    if (!bytes) {
        return refuse(IOM_ARGUMENT, how == "hex" ? "Data: it is not hex. Write two digits 0-9, a-f for each byte."
                                                 : "Data: it is not base64. Check where it comes from, or set Encoding.");
    }
    return take_message(call, "Send binary", *bytes, true, key_text, false);
}

std::uint32_t instance::request(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values(ids::arguments_of_request, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    const iom_value* match = find_value(arguments, argument::request::match);
    if (match != nullptr && !lender_.has_match()) {
        return refuse(IOM_ARGUMENT, "Answer: this host has no iom.match/1 to test messages with. Leave it empty.");
    }
    const iom_value* timeout = find_value(arguments, argument::request::timeout);
    double seconds = ids::argument_default::request::timeout;
    if (timeout != nullptr) {
        seconds = timeout->kind == IOM_INT ? static_cast<double>(timeout->as.integer) : timeout->as.real;
    }
    pending_request pending;
    pending.call = call;
    pending.timeout = static_cast<std::int64_t>(seconds * static_cast<double>(second));
    pending.message = bytes_of(*find_value(arguments, argument::request::message));
    if (match != nullptr) {
        pending.match = match->as.match;
    }
    requests_.add(std::move(pending));
    const std::uint32_t result =
        take_message(call, "Request", bytes_of(*find_value(arguments, argument::request::message)), false, {}, true);
    if (result != IOM_OK) {
        requests_.remove(call);
    }
    return result;
}

std::uint32_t instance::ping(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values({}, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    if (!open_) {
        return refuse(IOM_OFFLINE, "Ping: there is no session to send it in. Connect first.");
    }
    open_calls_.push_back(call);
    push_command({.type = record_type::ping, .number = call});
    return IOM_OK;
}

std::uint32_t instance::clear_queue(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values({}, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    ended_.push_back({call, IOM_DONE, {}});
    outbound_.clear(drop_reason::cleared, drops_);
    statuses_.set(status::queue_depth, std::int64_t{0});
    return IOM_OK;
}

std::uint32_t instance::take_message(std::uint64_t call, std::string_view label, std::string_view payload, bool binary,
                                     std::string_view key, bool is_request) {
    if (payload.size() > largest_message) {
        return refuse(IOM_ARGUMENT, std::string(label) + ": the message has " + std::to_string(payload.size()) +
                                        " bytes, 64 MiB is the most. Send it in parts.");
    }
    const bool error_policy = settings_->offline_policy == offline_policy::error;
    if (error_policy && !open_) {
        refuse(IOM_OFFLINE, std::string(label) + ": there is no session (" + std::string(name_of(state_)) +
                                "), so the message was not sent. Connect first, or set When not established to queue.");
        log(IOM_LOG_ERROR, why_);
        return IOM_OFFLINE;
    }
    // With a queue messages wait for ready, and none overtakes those that wait.
    const bool direct = error_policy ? open_ : ready_ && open_ && outbound_.empty() && !box_->sends.full();
    if (direct && box_->sends.waiting() > too_much) {
        return refuse(IOM_BUSY, std::string(label) + ": more than 4 MiB wait to be sent, the line takes no more. Send less, "
                                                     "or try again later.");
    }
    ++order_;
    if (!direct) {
        waiting_message message;
        message.order = order_;
        message.call = call;
        message.since = line_->now();
        message.binary = binary;
        message.request = is_request;
        message.payload = payload;
        message.key = key;
        outbound_.add(std::move(message), drops_);
        statuses_.set(status::queue_depth, static_cast<std::int64_t>(outbound_.depth()));
        if (!servicing_) {
            host_.wake(&host_);
        }
        return IOM_OK;
    }
    statuses_.set_message(status::last_sent, payload, binary);
    // The time is looked at only if the message comes back to a queue.
    hand_over(payload, {.call = call, .order = order_, .since = error_policy ? 0 : line_->now(), .binary = binary,
                        .request = is_request, .key = key});
    return IOM_OK;
}

// ---- service -------------------------------------------------------------------------------------------------

std::uint32_t instance::service() {
    if (port_ == nullptr) {
        return 0;
    }
    struct within {
        explicit within(bool& flag) : flag_(flag) { flag_ = true; }
        ~within() { flag_ = false; }
        bool& flag_;
    };
    const within guard(servicing_);

    now_ = line_->now();
    const std::uint32_t more = read_events();
    if (closed_) {
        return finish();
    }
    if (const auto due = next_deadline(); due && *due <= now_) {
        elapse();
    }
    push_deferred();
    flush_queue();
    end_pending();
    post_statuses();
    arm_alarm();
    ring_later(box_->events.settle());
    if (trim_ && more == 0) {
        keep_last_received();
        box_->events.trim();
        trim_ = false;
    }
    if (std::exchange(ring_, false)) {
        line_->ring(port_);
    }
    return more;
}

std::uint32_t instance::read_events() {
    std::size_t bytes = 0;
    for (std::size_t records = 0; records < batch_records && bytes < batch_bytes; ++records) {
        // What rules answer to a message goes out before the next message is read: nothing piles up, nothing is lost.
        if (open_ && box_->sends.full() && box_->sends.wait_for_room()) {
            return 0;
        }
        if (box_->events.batch_ends()) {
            keep_last_received();
        }
        const record* what = box_->events.next();
        if (what == nullptr) {
            return 0;
        }
        bytes += what->parts[0].size();
        handle(*what);
        if (closed_) {
            return 0;
        }
    }
    return box_->events.more() ? IOM_MORE : 0;
}

void instance::handle(const record& what) {
    switch (what.type) {
    case record_type::state: handle_state(what); break;
    case record_type::connected: {
        was_ready_ = false;
        statuses_.set(status::remote_address, what.parts[0]);
        const std::array variables{text_value(variable::connected::remote_address, what.parts[0])};
        fire(trigger::connected, variables);
        break;
    }
    case record_type::established: handle_established(what); break;
    case record_type::error:
    case record_type::faulted:
    case record_type::credentials_rejected: handle_failure(what); break;
    case record_type::disconnected: handle_disconnected(what); break;
    case record_type::message: handle_message(what); break;
    case record_type::sent: handle_sent(what.number); break;
    case record_type::dropped: handle_dropped(what); break;
    case record_type::call_ended: handle_call_ended(what); break;
    case record_type::round_trip: handle_round_trip(what); break;
    case record_type::identity_wanted: send_identity(what.number); break;
    case record_type::alarm: alarm_ = 0; break;
    case record_type::closed: closed_ = true; break;
    case record_type::identity:
    case record_type::connect:
    case record_type::disconnect:
    case record_type::ping:
    case record_type::ready:
    case record_type::fail:
    case record_type::alarm_at:
    case record_type::stop:
    case record_type::send: break; // commands; never among the events
    }
}

void instance::handle_state(const record& what) {
    const auto fresh = static_cast<state>(what.detail);
    statuses_.set(status::attempt, static_cast<std::int64_t>(what.number));
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
    if (fresh == state::stopped && !stopping_ && open_calls_.empty()) {
        wanted_ = false; // Auto-Reconnect is off, and the line was lost: only Connect brings it back
    }
    show_state();
}

void instance::handle_established(const record& what) {
    session_ = what.number;
    state_ = state::established;
    open_ = true;
    ready_ = false;
    if (++sessions_ > 1) {
        statuses_.add(status::reconnects, 1);
    }
    std::string tls(what.parts[1]);
    if (!what.parts[2].empty()) {
        tls += ' ';
        tls += what.parts[2];
    }
    statuses_.set(status::subprotocol, what.parts[0]);
    statuses_.set(status::tls_session, tls);
    statuses_.set(status::certificate_expiry, what.value == 0 ? std::string() : to_rfc3339(static_cast<std::int64_t>(what.value)));
    statuses_.set(status::established_since, to_rfc3339(wall_clock()));
    statuses_.set(status::unconfirmed, std::int64_t{0});
    show_state();

    round_trips_ = 0;
    last_heard_ = now_;
    silent_ = false;
    confirmed_ = newest_sent_ = flights_.newest();
    lender_.begin_session();
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
        statuses_.set(status::last_error, what.parts[1]);
        statuses_.set(status::last_error_layer, where);
        statuses_.set(status::last_error_code, what.parts[0]);
    }
    show_state();
    const std::array variables{text_value(variable::error::layer, where), text_value(variable::error::code, what.parts[0]),
                               text_value(variable::error::sentence, what.parts[1])};
    // The three triggers have the same variables.
    static_assert(variable::error::layer == variable::faulted::layer && variable::error::code == variable::faulted::code &&
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
    const std::int64_t unconfirmed = newest_sent_ > confirmed_ ? static_cast<std::int64_t>(newest_sent_ - confirmed_) : 0;
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
        done(lost->call, IOM_GIVEN_UP, "The connection was lost before the answer came.");
    }
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
        if (const auto answered = requests_.answered([&](std::uint32_t match) { return lender_.test(match, value); })) {
            const double milliseconds = static_cast<double>(line_->now() - answered->sent) / nanoseconds_per_millisecond;
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
            const std::array variables{message_value(variable::message_dropped::message, what.parts[1], binary),
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
        if (settings_->offline_policy != offline_policy::error && !stopping_) {
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
                    "The connection was lost before the message was sent. Send it again once there is a session, or set "
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
    statuses_.set(status::unconfirmed, newest_sent_ > confirmed_ ? static_cast<std::int64_t>(newest_sent_ - confirmed_) : 0);
    trim_ = !std::exchange(heard_since_ping_, false);
}

void instance::handle_call_ended(const record& what) {
    const auto found = std::find(open_calls_.begin(), open_calls_.end(), what.number);
    if (found != open_calls_.end()) {
        open_calls_.erase(found);
        done(what.number, what.detail, what.parts[0]);
    }
}

// ---- within a session ----------------------------------------------------------------------------------------

void instance::act(recipe::outcome what) {
    if (session_ == 0 || (!open_ && what != recipe::outcome::nothing)) {
        return;
    }
    switch (what) {
    case recipe::outcome::nothing: break;
    case recipe::outcome::ready: become_ready(); break;
    case recipe::outcome::refused:
        fail(layer::upgrade, "refused", last_received_binary_ ? std::string_view() : cut_text(last_received_, 200));
        break;
    case recipe::outcome::ready_timeout: fail(layer::upgrade, "ready-timeout", {}); break;
    case recipe::outcome::dead: fail(layer::liveness, "heartbeat-timeout", {}); break;
    case recipe::outcome::broken: fail(layer::settings, "expand", recipe_.sentence()); break;
    }
}

void instance::become_ready() {
    ready_ = was_ready_ = true;
    state_ = state::ready;
    trace("Ready: greeting and ready-match are through.");
    push_command({.type = record_type::ready, .number = session_});
    show_state();
    fire(trigger::ready, {});
}

void instance::fail(layer where, std::string_view code, std::string_view detail) {
    open_ = ready_ = false;
    recipe_.end();
    push_command({.type = record_type::fail, .detail = static_cast<std::uint8_t>(where), .number = session_}, {code, detail});
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
        [this](std::string_view written, std::string_view& expanded) { return lender_.expand(written, expanded); }, mistake);
    if (made) {
        push_command({.type = record_type::identity, .number = attempt}, {made->path, made->headers, made->authorization});
    } else {
        push_command({.type = record_type::fail, .detail = static_cast<std::uint8_t>(layer::settings)}, {"expand", mistake});
    }
}

std::uint64_t instance::hand_over(std::string_view payload, const departure& what) {
    flight& place = flights_.launch();
    const std::uint64_t sequence = flights_.newest();
    const auto flags = static_cast<std::uint16_t>((what.binary ? flag_binary : 0) | (what.own ? flag_own : 0));
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
    } catch (...) {
        flights_.cancel();
        throw;
    }
    return sequence;
}

void instance::launch(const waiting_message& message) {
    statuses_.set_message(status::last_sent, message.payload, message.binary);
    hand_over(message.payload, {.call = message.call, .order = message.order, .since = message.since,
                                .binary = message.binary, .request = message.request, .key = message.key});
}

void instance::flush_queue() {
    if (!ready_ || !open_ || outbound_.empty()) {
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

bool instance::test(std::uint32_t match, const iom_value& message) { return lender_.test(match, message); }

bool instance::capture(std::uint32_t match, const iom_value& message) { return lender_.capture(match, message); }

// ---- time ----------------------------------------------------------------------------------------------------

void instance::elapse() {
    const std::int64_t stirred = box_->stirred.load(std::memory_order_relaxed);
    act(recipe_.elapse(*settings_, now_, stirred));
    while (const auto late = requests_.late(now_, stirred)) {
        const std::array variables{text_value(variable::request_timeout::request, late->message),
                                   text_value(variable::request_timeout::message, {}),
                                   real_value(variable::request_timeout::milliseconds,
                                              static_cast<double>(now_ - late->sent) / nanoseconds_per_millisecond)};
        fire(trigger::request_timeout, variables);
        done(late->call, IOM_TIMED_OUT, "No answer came in time. It may still have been received.");
    }
    if (open_ && !silent_ && settings_->silence_timeout.count() > 0 &&
        now_ - last_heard_ >= settings_->silence_timeout.count()) {
        silent_ = true;
        const std::array variables{real_value(variable::silence::seconds, to_seconds(now_ - last_heard_))};
        fire(trigger::silence, variables);
    }
    outbound_.expire(now_, drops_);
    statuses_.set(status::queue_depth, static_cast<std::int64_t>(outbound_.depth()));
    if (retry_tick_ != 0 && retry_tick_ <= now_) {
        count_down();
        show_state();
    }
}

void instance::count_down() {
    const std::int64_t left = retry_at_ - now_;
    retry_tick_ = left > 0 ? now_ + (left % second == 0 ? second : left % second) : 0;
}

std::optional<std::int64_t> instance::next_deadline() const {
    const std::int64_t stirred = box_->stirred.load(std::memory_order_relaxed);
    std::optional<std::int64_t> first = recipe_.deadline(*settings_, stirred);
    const auto sooner = [&first](std::optional<std::int64_t> other) {
        if (other && (!first || *other < *first)) {
            first = other;
        }
    };
    if (!requests_.empty()) {
        sooner(requests_.deadline(stirred));
    }
    if (open_ && !silent_ && settings_->silence_timeout.count() > 0) {
        sooner(last_heard_ + settings_->silence_timeout.count());
    }
    sooner(outbound_.next_expiry());
    if (retry_tick_ != 0) {
        sooner(retry_tick_);
    }
    return first;
}

void instance::arm_alarm() {
    auto due = next_deadline();
    if (statuses_.fast_changed() || last_received_new_) {
        due = std::min(due.value_or(fast_posted_ + fast_interval), fast_posted_ + fast_interval);
    }
    // One that comes too early does no harm, so that a deadline which keeps moving on costs nothing.
    if (due && (alarm_ == 0 || *due < alarm_)) {
        alarm_ = *due;
        push_command({.type = record_type::alarm_at, .number = static_cast<std::uint64_t>(*due)});
    }
}

// ---- toward the host -----------------------------------------------------------------------------------------

void instance::fire(std::uint32_t trigger, std::span<const iom_value> variables) {
    if (statuses_.slow_changed()) {
        statuses_.post_slow(host_); // conditions of the rules look at them
    }
    host_.trigger(&host_, trigger, variables.data(), variables.size());
}

void instance::done(std::uint64_t call, std::uint32_t outcome, std::string_view sentence) {
    host_.done(&host_, call, outcome, as_text(sentence));
}

void instance::give_up(std::uint64_t call, bool is_request, std::string_view message, bool binary, std::string_view reason,
                       std::string_view sentence) {
    statuses_.add(status::messages_dropped, 1);
    const std::array variables{message_value(variable::message_dropped::message, message, binary),
                               text_value(variable::message_dropped::reason, reason)};
    fire(trigger::message_dropped, variables);
    if (is_request) {
        requests_.remove(call);
    }
    done(call, IOM_GIVEN_UP, sentence);
}

void instance::end_pending() {
    // A rule that a drop starts may cause the next one; those wait for the next round.
    if (!drops_.empty()) {
        const std::vector<dropped_message> drops = std::exchange(drops_, {});
        for (const dropped_message& drop : drops) {
            give_up(drop.message.call, drop.message.request, drop.message.payload, drop.message.binary, name_of(drop.reason),
                    sentence_of(drop.reason));
        }
    }
    if (!ended_.empty()) {
        const std::vector<ended_call> ended = std::exchange(ended_, {});
        for (const ended_call& end : ended) {
            done(end.call, end.outcome, end.sentence);
        }
    }
    if (!drops_.empty() || !ended_.empty()) {
        host_.wake(&host_);
    }
}

void instance::show_state() {
    statuses_.set(status::connection_status, name_of(state_));
    statuses_.set(status::is_established, open_);
    statuses_.set(status::is_ready, open_ && ready_);
    // Whole seconds, rounded up: what a person counts down.
    const std::int64_t left = retry_at_ > now_ ? (retry_at_ - now_ + second - 1) / second : 0;
    statuses_.set(status::next_retry, static_cast<double>(left));
}

void instance::keep_last_received() {
    if (std::exchange(last_received_new_, false)) {
        statuses_.set_message(status::last_received, last_received_, last_received_binary_);
    }
    last_received_ = {};
}

void instance::post_statuses() {
    if ((statuses_.fast_changed() || last_received_new_) && now_ - fast_posted_ >= fast_interval) {
        keep_last_received();
        statuses_.post_all(host_);
        fast_posted_ = now_;
    } else if (statuses_.slow_changed()) {
        statuses_.post_slow(host_);
    }
}

void instance::log(iom_level level, std::string_view line) const { host_.log(&host_, level, as_text(line)); }

void instance::trace(std::string_view line) const {
    if (settings_->extended_logging) {
        log(IOM_LOG_DEBUG, line);
    }
}

// ---- toward the network thread -------------------------------------------------------------------------------

void instance::push_command(const record_head& head, std::initializer_list<std::string_view> parts) {
    ring_later(box_->commands.push(head, parts));
}

void instance::ring_later(bool wanted) {
    if (!wanted) {
        return;
    }
    if (servicing_) {
        ring_ = true; // once, when the batch is through
    } else {
        line_->ring(port_);
    }
}

} // namespace iom::ws
