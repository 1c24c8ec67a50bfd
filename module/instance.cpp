#include "module/instance.hpp"

#include "module/values.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

namespace iom::ws {

namespace {

namespace status = ids::status;
namespace trigger = ids::trigger;
namespace variable = ids::variable;

// One call of service does at most this much, so that instances share the host's loop.
constexpr std::size_t batch_records = 256;
constexpr std::size_t batch_bytes = std::size_t{1} << 20;
constexpr std::size_t part_bytes = std::size_t{24} << 10;
constexpr std::size_t message_cost = 256; // what passing it on takes, in bytes of a large one

constexpr std::int64_t longest_hold = second; // of messages whose answers a slow line could not take yet
constexpr std::int64_t fast_interval = second / 50; // between two reports of what changes with each message

double to_seconds(std::int64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / static_cast<double>(second);
}

} // namespace

instance::instance(const iom_host& host, line_source lines)
    : host_(host), lines_(std::move(lines)), lender_(host), recipe_(*this) {}

instance::~instance() {
    if (port_ != nullptr) {
        line_->detach(port_);
    }
}

// ---- settings, start, stop --------------------------------------------------------------------------

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
        why_ =
            "Ready when received: this host has no iom.match/1 to test messages with. Take all matches out.";
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
        result =
            refuse(IOM_SETTING, "Hostname: it is missing. Give the instance its settings before it starts.");
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
            result =
                refuse(IOM_FAILED, std::string("The network thread cannot be started: ") + problem.what() +
                                       ". Free memory or threads, then start the instance again.");
        }
    }
    if (result != IOM_OK) {
        *why = as_text(why_);
        return result;
    }
    stopping_ = false;
    closed_ = false;
    gate_ = {};
    alarm_ = 0;
    flights_.reset();
    newest_sent_ = 0;
    confirmed_ = 0;
    now_ = line_->now();
    if (!started_before_) {
        wanted_ = settings_->connect_at_startup;
        started_before_ = true;
        recall_wish();
        remember_wish();
    }
    if (wanted_) {
        if (!settings_->identity_expands) {
            send_identity(0);
        }
        push_command({.type = record_type::connect});
    }
    return IOM_OK;
}

// What Connect and Disconnect have said, for an object that takes this one's place: '+' and the token behind
// it, '-' where no connection is wanted; '+' alone has no token, as a token is never empty.
void instance::remember_wish() const {
    const std::string_view wish = wanted_ ? "+" : "-";
    if (lender_.keep(std::string(wish) + token_.value_or(""))) {
        return;
    }
    // Without the token the wish at least: the line matters more than that its first attempt succeeds.
    const bool known = token_ && lender_.keep(wish);
    log(IOM_LOG_WARNING,
        "The host does not remember " +
            std::string(known ? "the bearer token of Connect" : "what was last asked for") +
            ": if this module has to be started again, it goes on with the settings alone. " +
            (token_ ? "The token has " + std::to_string(token_->size()) + " bytes; use a shorter one."
                    : std::string("Free some memory.")));
}

void instance::recall_wish() {
    const std::string_view kept = lender_.kept();
    if (kept.empty()) {
        return;
    }
    wanted_ = kept.front() == '+';
    if (kept.size() > 1) {
        token_ = std::string(kept.substr(1));
    }
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
            give_up(last.call, last.request, {}, last.binary, name_of(drop_reason::stopped),
                    sentence_of(drop_reason::stopped));
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
    connects_.clear();
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

// ---- service ----------------------------------------------------------------------------------------

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
    part_ = 0;
    if (std::exchange(ring_, false)) {
        line_->ring(port_);
    }
    return more;
}

std::uint32_t instance::read_events() {
    std::size_t bytes = 0;
    for (std::size_t records = 0; records < batch_records && bytes < batch_bytes; ++records) {
        if (held_back()) {
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

// What rules answer to a message goes out before the next message is read: nothing piles up, nothing is lost.
// But on a line that takes long for it rules must not become deaf: after a while they hear on, up to the next
// message that they answer, and further only as fast as the line carries their answers.
bool instance::held_back() {
    if (!open_ || !(gate_.shut || box_->sends.full()) || !box_->sends.wait_for_room()) {
        gate_ = {};
        return false;
    }
    const std::size_t waiting = box_->sends.waiting();
    if (!gate_.shut) {
        gate_ = {.shut = true, .lift_at = now_ + longest_hold};
    } else if (gate_.lifted && gate_.before != answered_) {
        gate_.lifted = false;
        gate_.lift_at = now_ + longest_hold;
        gate_.answer = answered_ - gate_.before;
        gate_.level = waiting;
    } else if (!gate_.lifted && now_ >= gate_.lift_at) {
        gate_.slow = true;
        gate_.lift_at = now_ + longest_hold;
        gate_.lifted = gate_.answer == 0 || waiting + gate_.answer <= gate_.level;
        gate_.before = answered_;
    }
    return !gate_.lifted;
}

// ---- time -------------------------------------------------------------------------------------------

void instance::elapse() {
    const std::int64_t stirred = box_->stirred.load(std::memory_order_relaxed);
    // What is unread may be the answer that seems to be missing.
    const bool unread = box_->events.more();
    act(recipe_.elapse(*settings_, now_, stirred, unread));
    while (const auto late = unread ? std::nullopt : requests_.late(now_, stirred)) {
        const std::array variables{
            text_value(variable::request_timeout::request, late->message),
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
    const bool unread = box_->events.more();
    std::optional<std::int64_t> first = recipe_.deadline(*settings_, stirred, unread);
    const auto sooner = [&first](std::optional<std::int64_t> other) {
        if (other && (!first || *other < *first)) {
            first = other;
        }
    };
    if (!requests_.empty() && !unread) {
        sooner(requests_.deadline(stirred));
    }
    if (open_ && !silent_ && settings_->silence_timeout.count() > 0) {
        sooner(last_heard_ + settings_->silence_timeout.count());
    }
    sooner(outbound_.next_expiry());
    if (gate_.shut && !gate_.lifted) {
        sooner(gate_.lift_at);
    }
    if (retry_tick_ != 0) {
        sooner(retry_tick_);
    }
    return first;
}

void instance::arm_alarm() {
    if (gate_.shut && !gate_.lifted && alarm_ <= now_) {
        alarm_ = 0; // it has come, but is not read either
    }
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

// ---- toward the host --------------------------------------------------------------------------------

void instance::fire(std::uint32_t trigger, std::span<const iom_value> variables) {
    if (statuses_.slow_changed()) {
        statuses_.post_slow(host_); // conditions of the rules look at them
    }
    host_.trigger(&host_, trigger, variables.data(), variables.size());
}

void instance::done(std::uint64_t call, std::uint32_t outcome, std::string_view sentence) {
    host_.done(&host_, call, outcome, as_text(sentence));
}

void instance::give_up(std::uint64_t call, bool is_request, std::string_view message, bool binary,
                       std::string_view reason, std::string_view sentence) {
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
            give_up(drop.message.call, drop.message.request, drop.message.payload, drop.message.binary,
                    name_of(drop.reason), sentence_of(drop.reason));
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

void instance::log(iom_level level, std::string_view line) const {
    host_.log(&host_, level, as_text(line));
}

void instance::trace(std::string_view line) const {
    if (settings_->extended_logging) {
        log(IOM_LOG_DEBUG, line);
    }
}

// ---- toward the network thread ----------------------------------------------------------------------

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

// A long batch goes in parts, so that the network thread writes one while rules answer the next.
void instance::ring_for_part(std::size_t bytes) {
    if (!servicing_) {
        return;
    }
    part_ += bytes + message_cost;
    if (ring_ && part_ >= part_bytes) {
        part_ = 0;
        ring_ = false;
        line_->ring(port_);
    }
}

} // namespace iom::ws
