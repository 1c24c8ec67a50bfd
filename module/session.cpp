#include "module/session.hpp"

#include "module/codec.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

namespace iom::ws {

namespace {

constexpr instant flush_time = 1'000'000'000; // for sends that were given before a Disconnect
constexpr instant late = 250'000'000;         // a timer that is as late as this: the process was frozen
constexpr unsigned most_thaws = 4; // without any pong; a process that is always late must not trust
constexpr std::size_t turn_bytes = std::size_t{1} << 20; // written before others have their turn
constexpr std::size_t turn_messages = 1024;
constexpr std::size_t first_marks = 64;
constexpr std::size_t most_marks = 65536;
constexpr std::size_t kept_capacity = std::size_t{64} << 10;
constexpr std::size_t longest_reason = 123;    // RFC 6455 §5.5.1
constexpr instant slow_frame = 200'000'000;    // a frame that takes longer holds up the pongs behind it
constexpr span_of_time asked_step(50'000'000); // between two looks how far a send that asks has come
constexpr instant quiet_time = 1'000'000;      // that a send may be done before [control] hears of it
constexpr instant ping_blame = 2'000'000'000;
constexpr instant memory_pause = 100'000'000; // before what there was no memory for is tried again

instant after(instant now, span_of_time delay) {
    return now + delay.count();
}

double seconds_between(instant from, instant to) {
    return static_cast<double>(to - from) / 1e9;
}

// The earlier of two times, of which either may be never.
instant sooner(instant a, instant b) {
    if (a == 0 || b == 0) {
        return std::max(a, b);
    }
    return std::min(a, b);
}

std::string with_port(std::string_view host, std::uint16_t port) {
    const bool v6 = host.find(':') != std::string_view::npos;
    std::string made;
    made += v6 ? "[" : "";
    made += host;
    made += v6 ? "]:" : ":";
    made += std::to_string(port);
    return made;
}

bool is_loopback(std::string_view address) {
    return address.starts_with("127.") || address == "::1" || address.starts_with("[::1]");
}

std::string decimal(double number) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", number);
    return text.data();
}

// Failures after which another address of the same name may do better.
bool worth_another_address(const failure& why) {
    return why.where == layer::tcp || why.code == "ETIMEDOUT" || why.code == "ECONNRESET" ||
           why.code == "EOF";
}

// How telling a failure is, of several addresses that all failed: a far end that answered says more than a
// missing route.
int weight(const failure& why) {
    if (why.where != layer::tcp) {
        return 3;
    }
    const bool no_way =
        why.code == "ENETUNREACH" || why.code == "EADDRNOTAVAIL" || why.code == "EHOSTUNREACH";
    return no_way ? 1 : 2;
}

} // namespace

session::session(mailbox& box, transport& link, std::shared_ptr<const settings> what)
    : box_(box), link_(link), what_(std::move(what)) {}

// ---- from [control] ---------------------------------------------------------------------------------------

void session::attend(instant now) {
    if (ending_) {
        finish(now);
    }
    if (auto fresh = box_.take()) {
        what_ = std::move(fresh);
        note("live settings taken");
        take_settings(now);
    }
    while (const record* command = box_.commands.next()) {
        obey(now, *command);
    }
    if (box_.commands.settle()) {
        link_.knock();
    }
    resume_reading(now);
    if (box_.sends.more()) {
        if (phase_ != phase::open && phase_ != phase::flushing) {
            refuse_sends();
        } else if (link_.may_write()) {
            writable(now);
        } else {
            link_.want_write();
        }
    }
}

// A change of settings gives a fault another chance.
void session::take_settings(instant now) {
    faulted_for_.clear();
    if (ending_) {
        return; // what comes next is not settled yet
    }
    if (phase_ == phase::open) {
        next_ping_ = sooner(next_ping_, after(now, what_->ping_interval));
    } else if ((phase_ == phase::resting || phase_ == phase::pacing) && !what_->auto_reconnect &&
               connect_calls_.empty()) {
        phase_ = phase::idle;
        wanted_ = false;
        show(state::stopped);
    } else if (phase_ == phase::resting && due_ == 0) {
        begin(now);
    }
}

void session::obey(instant now, const record& command) {
    switch (command.type) {
    case record_type::identity:
        who_.path = command.parts[0];
        who_.headers = command.parts[1];
        who_.authorization =
            command.parts[2].substr(0, command.parts[2].size() - static_cast<std::size_t>(command.value));
        who_.proxy_login = command.parts[2].substr(who_.authorization.size());
        if (identity_missing_ && command.number == attempt_id_) {
            identity_missing_ = false;
            if (phase_ == phase::resolving && !addresses_.empty()) {
                next_address(now);
            }
        }
        break;
    case record_type::connect:
        obey_connect(now, command.number);
        break;
    case record_type::disconnect:
        obey_disconnect(now, command, false);
        break;
    case record_type::stop:
        obey_disconnect(now, command, true);
        break;
    case record_type::ping:
        obey_ping(now, command.number);
        break;
    case record_type::fail:
        obey_fail(now, command);
        break;
    case record_type::alarm_at:
        alarm_ = static_cast<instant>(command.number);
        break;
    case record_type::ready:
        note("state: ready");
        break;
    default:
        break;
    }
}

void session::obey_connect(instant now, std::uint64_t call) {
    if (phase_ == phase::open) {
        end_call(call, IOM_DONE, "Connected already; the session is kept.");
        return;
    }
    if (call != 0) {
        connect_calls_.push_back(call);
    }
    wanted_ = true;
    faulted_for_.clear();
    if (ending_) {
        connect_after_close_ = true;
        return;
    }
    switch (phase_) {
    case phase::idle:
    case phase::resting:
        begin(now);
        break;
    case phase::flushing:
    case phase::closing:
    case phase::answering:
        connect_after_close_ = true;
        break;
    default: // joins the attempt that runs
        break;
    }
}

void session::obey_disconnect(instant now, const record& command, bool stop) {
    if (!stop && command.number != 0) {
        disconnect_calls_.push_back(command.number);
    }
    stopping_ = stopping_ || stop;
    wanted_ = false;
    if (connect_after_close_) {
        connect_after_close_ = false;
        end_calls(connect_calls_, IOM_GIVEN_UP, "Disconnected before it was tried.");
    }
    if (ending_) {
        finish(now);
        return;
    }
    switch (phase_) {
    case phase::open:
        phase_ = phase::flushing;
        show(state::closing);
        closing_for_.reset();
        close_code_ = command.value != 0 ? static_cast<unsigned>(command.value) : 1000;
        close_reason_ = stop ? std::string_view() : command.parts[0];
        due_ = now + flush_time;
        if (link_.may_write()) {
            writable(now);
        } else {
            link_.want_write();
        }
        break;
    case phase::flushing:
    case phase::closing:
    case phase::answering:
        break;
    default:
        over(now,
             {.where = layer::local,
              .code = stop ? "stop" : "disconnect",
              .place = place(),
              .detail = {},
              .retry_after = {}},
             true);
    }
}

void session::obey_ping(instant now, std::uint64_t call) {
    if (phase_ != phase::open) {
        end_call(call, IOM_GIVEN_UP, "There is no session to ping.");
    } else if (!what_->keep_alive) {
        end_call(call, IOM_GIVEN_UP, "Send keep alive? is off, so no ping is sent.");
    } else {
        pings_asked_.push_back(call);
        ping_due_ = true;
        if (link_.may_write()) {
            writable(now);
        } else {
            link_.want_write();
        }
    }
}

void session::obey_fail(instant now, const record& command) {
    failure why{.where = static_cast<layer>(command.detail),
                .code = std::string(command.parts[0]),
                .place = place(),
                .detail = plain(command.parts[1]),
                .retry_after = {}};
    if (command.number == 0) {
        if (identity_missing_) {
            over(now, std::move(why), false);
        }
    } else if (command.number == session_ && phase_ == phase::open) {
        if (why.where == layer::liveness) {
            close_code_ = 1001;
            close_reason_.clear();
            send_close(now);
            over(now, std::move(why), false);
        } else {
            close_with(now, 1000, {}, std::move(why));
        }
    }
}

// ---- attempts ---------------------------------------------------------------------------------------------

std::string session::place() const {
    return with_port(what_->hostname, what_->port);
}

void session::rest_until(instant now, instant due, state shown) {
    phase_ = phase::resting;
    due_ = due;
    show(shown, due == 0 ? -1 : seconds_between(now, due));
}

void session::begin(instant now) {
    const instant earliest = last_attempt_ == 0 ? now : after(last_attempt_, what_->reconnect_min);
    if (earliest > now) {
        rest_until(now, earliest, state::waiting);
        return;
    }
    // A place that an attempt was given and did not use is still this one's: were it left lying at each
    // Connect and Disconnect, other instances would wait behind nobody.
    if (turn_ <= now) {
        turn_ = after(now, link_.pace(what_->reconnect_first_max));
    }
    if (turn_ > now) {
        phase_ = phase::pacing;
        due_ = turn_;
        show(state::waiting, seconds_between(now, due_));
        note("waiting for its turn: other instances have the same server");
        return;
    }
    attempt(now);
}

void session::attempt(instant now) {
    ++attempts_;
    ++attempt_id_;
    last_attempt_ = now;
    phase_ = phase::resolving;
    due_ = after(now, what_->connect_timeout);
    announced_ = false;
    addresses_.clear();
    next_address_ = 0;
    best_failure_.reset();
    redirects_ = 0;
    authorized_ = true;
    tls_ = {};
    times_.clear();
    step_began_ = now;
    identity_missing_ = what_->identity_expands;
    show(state::resolving);
    if (identity_missing_) {
        push({.type = record_type::identity_wanted, .number = attempt_id_});
    }
    try {
        link_.resolve(what_->proxy ? what_->proxy->host : what_->hostname);
    } catch (const std::system_error&) {
        over(now,
             {.where = layer::local, .code = "EAGAIN", .place = place(), .detail = {}, .retry_after = {}},
             false);
    }
}

void session::resolved(instant now, const resolution& found) {
    if (phase_ != phase::resolving) {
        return;
    }
    const std::string& name = what_->proxy ? what_->proxy->host : what_->hostname;
    if (!found.error.empty()) {
        over(now, {.where = layer::dns, .code = found.error, .place = name, .detail = {}, .retry_after = {}},
             false);
        return;
    }
    addresses_ = found.addresses;
    passed(now, "dns");
    if (what_->extended_logging) {
        std::string text = name + " is";
        for (const std::string& address : addresses_) {
            text += " " + address;
        }
        note(text);
    }
    if (!identity_missing_) {
        next_address(now);
    }
}

void session::next_address(instant now) {
    phase_ = phase::opening;
    if (redirects_ == 0) {
        to_ = {.secure = what_->secure, .host = what_->hostname, .port = what_->port, .path = who_.path};
    }
    while (next_address_ < addresses_.size()) {
        const auto left = static_cast<instant>(addresses_.size() - next_address_);
        address_due_ = now + (due_ - now) / left;
        opening what;
        what.address = addresses_[next_address_++];
        what.port = what_->proxy ? what_->proxy->port : to_.port;
        what.to = to_;
        what.authorized = authorized_;
        address_ = with_port(what.address, what.port);
        stage_ = state::connecting;
        step_began_ = now;
        show(state::connecting);
        if (what_->extended_logging) {
            note("connecting to " + address_ + ", " + decimal(seconds_between(now, address_due_)) +
                 " s at most");
        }
        if (!to_.secure && !what_->proxy && authorized_ && !who_.authorization.empty() &&
            !is_loopback(what.address)) {
            link_.log(IOM_LOG_WARNING, "Credentials go to " + place() + " unencrypted. Set Protocol to wss.");
        }
        std::optional<failure> at_once = link_.open(what, *what_, who_);
        if (!at_once) {
            return;
        }
        if (phase_ != phase::opening) {
            return;
        }
        if (at_once->place.empty()) {
            at_once->place = address_;
        }
        if (!worth_another_address(*at_once)) {
            over(now, std::move(*at_once), false);
            return;
        }
        if (!best_failure_ || weight(*at_once) >= weight(*best_failure_)) {
            best_failure_ = std::move(at_once);
        }
    }
    over(now, std::move(*best_failure_), false);
}

void session::address_failed(instant now, failure why) {
    if (why.place.empty()) {
        why.place = why.where == layer::tcp || why.where == layer::proxy ? address_ : place();
    }
    if (!worth_another_address(why) || redirects_ > 0) {
        over(now, std::move(why), false);
        return;
    }
    if (what_->extended_logging) {
        note(address_ + ": " + judge(why, 0).sentence);
    }
    if (!best_failure_ || weight(why) >= weight(*best_failure_)) {
        best_failure_ = std::move(why);
    }
    next_address(now);
}

failure session::timed_out() const {
    failure why{.where = layer::tcp, .code = "ETIMEDOUT", .place = {}, .detail = {}, .retry_after = {}};
    if (phase_ == phase::resolving) {
        why.where = layer::dns;
        why.place = what_->proxy ? what_->proxy->host : what_->hostname;
        if (link_.resolution_waits()) {
            why.code = "EBUSY";
        }
        if (!addresses_.empty()) { // it was our identity that did not come
            why.where = layer::local;
            why.place = place();
        }
        return why;
    }
    switch (stage_) {
    case state::connecting:
        why.where = what_->proxy ? layer::proxy : layer::tcp;
        why.place = address_;
        break;
    case state::securing:
        why.where = layer::tls;
        why.place = place();
        break;
    default:
        why.where = layer::upgrade;
        why.place = place();
    }
    return why;
}

void session::tcp_up(instant now, std::string_view remote) {
    if (phase_ != phase::opening) {
        return;
    }
    passed(now, "tcp");
    remote_ = remote;
    note("TCP connection established");
    if (what_->proxy) {
        note("asking the proxy for a way to " + with_port(to_.host, to_.port) + " (CONNECT)");
    } else {
        stage_ = to_.secure ? state::securing : state::upgrading;
        show(stage_);
    }
    if (!announced_) {
        announced_ = true;
        push({.type = record_type::connected}, {remote});
    }
    if (to_.secure && !what_->tls.verify) {
        link_.log(IOM_LOG_WARNING,
                  "The certificate of " + place() + " is not verified. Turn Verify certificate on.");
    }
}

void session::secured(instant, tls_facts facts) {
    tls_ = std::move(facts);
    if (what_->extended_logging) {
        note("TLS established: " + tls_.version + " " + tls_.cipher + ", server name " +
             (what_->tls.server_name.empty() ? to_.host : what_->tls.server_name) +
             (what_->tls.verify ? ", certificate verified" : ", certificate not verified") +
             (tls_.expiry == 0 ? "" : ", valid until " + to_rfc3339(tls_.expiry)));
    }
}

void session::asking(instant now) {
    if (phase_ == phase::opening && stage_ != state::upgrading) {
        passed(now, to_.secure ? "tls" : "proxy");
        stage_ = state::upgrading;
        show(state::upgrading);
    }
}

void session::redirected(instant now, std::string_view status, std::string_view location) {
    if (phase_ != phase::opening) {
        return;
    }
    redirection where = follow(to_, location, redirects_);
    if (!where.to) {
        over(now,
             {.where = layer::http,
              .code = std::string(status),
              .place = place(),
              .detail = std::move(where.refusal),
              .retry_after = {}},
             false);
        return;
    }
    note("redirected to " + plain(location));
    ++redirects_;
    to_ = std::move(*where.to);
    authorized_ = authorized_ && where.same_authority;
    --next_address_; // the address that has just answered
    best_failure_.reset();
    next_address(now);
}

void session::upgraded(instant now, std::string_view subprotocol) {
    if (phase_ != phase::opening) {
        return;
    }
    phase_ = phase::open;
    due_ = 0;
    established_at_ = now;
    stirred_at_ = 0;
    frame_began_ = 0;
    last_message_at_ = 0;
    ++session_;
    attempts_ = 0;
    partial_.clear();
    paused_ = false;
    pings_.clear();
    pong_seen_ = false;
    thaws_ = 0;
    ping_due_ = false;
    next_ping_ = after(now, what_->ping_interval);
    ping_salt_ = static_cast<std::uint32_t>(link_.random() * 4294967295.0);
    bytes_out_ = 0;
    bytes_in_kernel_ = 0;
    progress_check_ = 0;
    asks_ = false;
    asked_end_ = 0;
    close_answered_ = false;
    closing_for_.reset();
    passed(now, "upgrade");
    show(state::established);
    push({.type = record_type::established,
          .number = session_,
          .value = static_cast<std::uint64_t>(tls_.expiry)},
         {subprotocol, tls_.version + (tls_.cipher.empty() ? "" : " ") + tls_.cipher, remote_});
    end_calls(connect_calls_, IOM_DONE, {});
}

// ---- the end of an attempt or a session -------------------------------------------------------------------

void session::failed(instant now, failure why) {
    switch (phase_) {
    case phase::opening:
        address_failed(now, std::move(why));
        break;
    case phase::open:
        // A server that breaks off each time it is pinged would do so for ever: say what helps.
        if (why.where == layer::close && !pong_seen_ && !pings_.empty() && pings_.back().since != 0 &&
            now - pings_.back().since < ping_blame) {
            why.where = layer::liveness;
            why.code = "ping-refused";
        }
        over(now, std::move(why), false);
        break;
    case phase::flushing:
    case phase::closing:
    case phase::answering: {
        const bool clean = phase_ == phase::answering || close_answered_;
        failure reason = closing_for_ ? std::move(*closing_for_)
                                      : failure{.where = layer::local,
                                                .code = stopping_ ? "stop" : "disconnect",
                                                .place = {},
                                                .detail = {},
                                                .retry_after = {}};
        over(now, std::move(reason), clean);
        break;
    }
    default:
        break;
    }
}

// Asks for no memory until all that must be is safe: the connection is gone, and what is to be told is kept.
void session::over(instant now, failure why, bool clean) {
    const bool was_open = phase_ >= phase::open;
    if (phase_ == phase::resolving) {
        link_.forget_resolution();
    }
    ending& end = ending_.emplace();
    end.why = std::move(why);
    end.clean = clean;
    end.was_open = was_open;
    if (was_open) {
        // The socket is asked before it goes.
        end.safe = acknowledged_bytes();
        end.seconds_up = seconds_between(established_at_, now);
        if (now - established_at_ >= what_->stable_after.count()) {
            history_ = {};
            faulted_for_.clear();
        }
    }
    link_.cut();
    phase_ = phase::resting;
    identity_missing_ = false;
    ping_due_ = false;
    progress_check_ = 0;
    paused_ = false;
    partial_ = {};
    closing_for_.reset();
    finish(now);
}

// Tells what is owed, or as much of it as there is memory for, and the rest a little later.
void session::finish(instant now) {
    due_ = now + memory_pause;
    try {
        tell_ending(now);
    } catch (const std::bad_alloc&) {
        // ending_ knows how far it came.
    }
}

void session::tell_ending(instant now) {
    ending& end = *ending_;
    unsigned at = 0;
    const auto once = [&](auto&& step) {
        if (at++ == end.steps) {
            step();
            ++end.steps;
        }
    };
    const bool own =
        end.why.where == layer::local && (end.why.code == "disconnect" || end.why.code == "stop");
    once([&] {
        if (end.was_open) {
            report_lost_sends();
        }
        marks_ = {};
        marks_limit_ = 0;
        kept_ = {};
    });
    once([&] {
        if (end.why.place.empty()) {
            end.why.place = place();
        }
        end.given = judge(end.why, in_a_row(history_, series_of(end.why)));
        if (own) {
            last_attempt_ = 0;
            attempts_ = 0;
        } else {
            plan_next(now);
        }
    });
    const verdict& given = end.given;
    once([&] {
        if (!own) {
            link_.log(given.error ? IOM_LOG_WARNING : IOM_LOG_INFO, given.sentence);
        }
    });
    once([&] { show(end.shown, end.due == 0 ? -1 : seconds_between(now, end.due)); });
    once([&] {
        if (end.shown != state::stopped && end.due == 0) {
            note("no further attempt until Connect or a change of settings");
        } else if (end.shown != state::stopped) {
            note("next attempt in " + decimal(seconds_between(now, end.due)) + " s");
        }
    });
    once([&] {
        if (!own && given.error) {
            push_failure(record_type::error, end.why, given.sentence);
        }
    });
    once([&] {
        if (!own && given.credentials) {
            push_failure(record_type::credentials_rejected, end.why, given.sentence);
        }
    });
    once([&] {
        std::string fault = std::string(name_of(end.why.where)) + " " + end.why.code;
        if (!own && given.lane == lane::fatal && fault != faulted_for_) {
            push_failure(record_type::faulted, end.why, given.sentence);
            faulted_for_ = std::move(fault);
        }
    });
    refuse_sends();
    if (announced_) {
        push({.type = record_type::disconnected,
              .detail = static_cast<std::uint8_t>(end.why.where),
              .flags = end.clean ? flag_clean : std::uint16_t{0},
              .real = end.seconds_up},
             {end.why.code, given.sentence});
        announced_ = false;
    }
    end_calls(pings_asked_, IOM_GIVEN_UP, given.sentence);
    while (!pings_.empty()) {
        end_call(pings_.front().call, IOM_GIVEN_UP, given.sentence);
        pings_.erase(pings_.begin());
    }
    end_calls(disconnect_calls_, IOM_DONE, {});
    if (connect_after_close_ && !stopping_) {
        connect_after_close_ = false;
        wanted_ = true;
        ending_.reset();
        begin(now);
        return;
    }
    end_calls(connect_calls_, IOM_GIVEN_UP, given.sentence);
    if (end.shown != state::stopped && (!wanted_ || !what_->auto_reconnect)) {
        show(state::stopped); // it was given up while this was told
        end.shown = state::stopped;
        wanted_ = false;
    }
    if (stopping_) {
        push({.type = record_type::closed});
        stopping_ = false;
        alarm_ = 0;
    }
    phase_ = end.shown == state::stopped ? phase::idle : phase::resting;
    due_ = end.due;
    ending_.reset();
}

// What comes next, and when.
void session::plan_next(instant now) {
    ending& end = *ending_;
    const retry_policy policy{.first_max = what_->reconnect_first_max,
                              .min = what_->reconnect_min,
                              .max = what_->reconnect_max,
                              .fault_retry = what_->fault_retry};
    const std::optional<span_of_time> delay =
        next_delay(history_, end.given, end.why.retry_after, policy, link_.random());
    if (!wanted_ || !what_->auto_reconnect) {
        wanted_ = false;
        return;
    }
    end.shown = end.given.lane == lane::fatal ? state::faulted : state::waiting;
    end.due = delay ? after(now, *delay) : 0;
}

// Tells of sends that are not with the peer for sure: those that TCP had not acknowledged, and those that
// were not wholly with the kernel.
void session::report_lost_sends() {
    ending& end = *ending_;
    for (; end.lost_mark < marks_.size(); ++end.lost_mark, end.lost_of_mark = 0) {
        const mark& one = marks_[end.lost_mark];
        const bool sent = one.sequence <= in_kernel_;
        if (sent && one.end <= end.safe) {
            continue;
        }
        std::string_view message;
        if (one.kept) {
            message =
                std::string_view(kept_).substr(static_cast<std::size_t>(one.at - kept_begin_), one.size);
        }
        const auto flags = static_cast<std::uint16_t>(one.flags | (sent ? flag_unconfirmed : 0) |
                                                      (one.kept ? 0 : flag_wordless));
        for (; end.lost_of_mark < one.count; ++end.lost_of_mark) {
            push({.type = record_type::dropped,
                  .flags = flags,
                  .number = one.sequence - one.count + 1 + end.lost_of_mark},
                 {sent ? "unconfirmed" : "lost", message});
        }
    }
}

// How many of the bytes that the sends took TCP has acknowledged for sure.
std::uint64_t session::acknowledged_bytes() {
    const std::uint64_t waiting = link_.unacknowledged();
    return bytes_in_kernel_ > waiting ? bytes_in_kernel_ - waiting : 0;
}

// The next send to be dealt with. It stays that, should memory run out meanwhile, until send_ is cleared.
const record* session::next_send() {
    if (send_ == nullptr) {
        send_ = box_.sends.next();
    }
    return send_;
}

void session::refuse_sends() {
    while (const record* one = next_send()) {
        push({.type = record_type::dropped, .flags = one->flags, .number = one->number},
             {"lost", one->parts[0]});
        send_ = nullptr;
    }
    if (box_.sends.settle()) {
        link_.knock();
    }
}

void session::close_with(instant now, unsigned code, std::string_view reason, failure why) {
    phase_ = phase::closing;
    closing_for_ = std::move(why);
    close_code_ = code;
    close_reason_ = reason;
    due_ = after(now, what_->close_timeout);
    show(state::closing);
    send_close(now);
}

void session::send_close(instant now) {
    phase_ = phase::closing;
    due_ = after(now, what_->close_timeout);
    const std::string reason = plain(close_reason_, longest_reason);
    std::array<char, payload_room + 2 + longest_reason> bytes{};
    char* const payload = bytes.data() + payload_room;
    payload[0] = static_cast<char>(close_code_ >> 8U);
    payload[1] = static_cast<char>(close_code_ & 0xFFU);
    std::memcpy(payload + 2, reason.data(), reason.size());
    note("Close " + std::to_string(close_code_) + " sent, waiting for the answer");
    static_cast<void>(link_.write(frame::close, payload, 2 + reason.size()));
}

bool session::close_received(instant now, unsigned code, std::string_view reason) {
    if (phase_ == phase::closing) {
        close_answered_ = true;
        return true;
    }
    if (phase_ != phase::open && phase_ != phase::flushing) {
        return false;
    }
    if (phase_ == phase::open) {
        if (close_code_allowed(code) || code == 1005) {
            closing_for_ = {.where = layer::close,
                            .code = std::to_string(code),
                            .place = place(),
                            .detail = plain(reason),
                            .retry_after = {}};
        } else {
            closing_for_ = {.where = layer::protocol,
                            .code = "1002",
                            .place = place(),
                            .detail = "its Close has the reserved code " + std::to_string(code),
                            .retry_after = {}};
        }
    }
    phase_ = phase::answering;
    due_ = after(now, what_->close_timeout);
    show(state::closing);
    return false;
}

void session::violated(instant now, failure why) {
    if (phase_ != phase::open && phase_ != phase::flushing) {
        return;
    }
    why.place = place();
    note("the server broke the protocol: " + why.detail);
    closing_for_ = std::move(why);
    phase_ = phase::closing;
    due_ = after(now, what_->close_timeout);
    show(state::closing);
}

// ---- messages in ------------------------------------------------------------------------------------------

void session::received(instant now, std::string_view bytes, bool first, bool last, bool binary,
                       std::uint64_t remaining) {
    // Once our Close is out for a fault of the far end, what it goes on to say is not heard.
    if (phase_ < phase::open || phase_ == phase::answering || closing_for_) {
        return;
    }
    // Nothing can come between the bytes of one frame, so that an answer has to wait for its end. A frame
    // that is cut by the end of a read, as they are in any flood, holds up nothing.
    if (frame_began_ == 0) {
        frame_began_ = now;
    }
    if (now - frame_began_ >= slow_frame) {
        stir(now);
    }
    if (remaining == 0) {
        frame_began_ = 0;
    }
    if (first) {
        partial_.clear();
    }
    partial_binary_ = binary; // of an empty first fragment the library may not tell
    const std::uint64_t size = partial_.size() + bytes.size() + remaining;
    if (size > what_->max_message_size) {
        partial_ = {};
        close_with(now, 1009, "message too large",
                   {.where = layer::protocol,
                    .code = "1009",
                    .place = place(),
                    .detail = std::to_string(size) + (last ? "" : " or more") + " bytes, and at most " +
                              std::to_string(what_->max_message_size) + " are allowed",
                    .retry_after = {}});
        link_.ignore_input();
        return;
    }
    if (!last) {
        partial_.append(bytes);
        return;
    }
    if (partial_.empty()) {
        deliver(now, bytes, partial_binary_);
        return;
    }
    partial_.append(bytes);
    deliver(now, partial_, partial_binary_);
    partial_.clear();
    if (partial_.capacity() > kept_capacity) {
        partial_ = {};
    }
}

void session::deliver(instant now, std::string_view bytes, bool binary) {
    last_message_at_ = now;
    push({.type = record_type::message, .flags = binary ? flag_binary : std::uint16_t{0}}, {bytes});
    if (!paused_ && box_.events.full() && box_.events.wait_for_room()) {
        paused_ = true;
        link_.read(false);
        note("reading pauses: the rules are slower than the server");
    }
}

void session::resume_reading(instant now) {
    if (paused_ && !box_.events.wait_for_room()) {
        paused_ = false;
        stir(now);
        note("reading goes on");
        link_.read(true);
    }
}

void session::stir(instant now) {
    stirred_at_ = now;
    box_.stirred.store(now, std::memory_order_relaxed);
}

// ---- pings ------------------------------------------------------------------------------------------------

bool session::send_ping(instant now, std::uint64_t call) {
    std::array<char, payload_room + 8> bytes{};
    char* const payload = bytes.data() + payload_room;
    const std::uint32_t id = ++ping_id_;
    std::memcpy(payload, &ping_salt_, sizeof ping_salt_);
    std::memcpy(payload + sizeof ping_salt_, &id, sizeof id);
    next_ping_ = after(now, what_->ping_interval);
    pings_.push_back({.id = id, .since = 0, .sequence = 0, .call = call, .counted = 0, .end = 0});
    return link_.write(frame::ping, payload, sizeof ping_salt_ + sizeof id);
}

void session::ponged(instant now, std::string_view payload) {
    std::uint32_t salt = 0;
    std::uint32_t id = 0;
    if (payload.size() != sizeof salt + sizeof id) {
        return;
    }
    std::memcpy(&salt, payload.data(), sizeof salt);
    std::memcpy(&id, payload.data() + sizeof salt, sizeof id);
    const auto mine =
        std::find_if(pings_.begin(), pings_.end(), [&](const ping_out& one) { return one.id == id; });
    if (salt != ping_salt_ || mine == pings_.end()) {
        note("a pong that answers none of our pings");
        return;
    }
    pong_seen_ = true;
    thaws_ = 0;
    const instant since = mine->since == 0 ? now : mine->since;
    if (what_->extended_logging) {
        note("ping " + std::to_string(id) + " answered after " + decimal(seconds_between(since, now) * 1e3) +
             " ms");
    }
    push({.type = record_type::round_trip,
          .number = mine->sequence,
          .real = seconds_between(since, now) * 1e3});
    // A pong answers all pings before it, too (RFC 6455 §5.5.3).
    for (auto one = pings_.begin(); one <= mine; ++one) {
        if (one->call != 0) {
            end_call(one->call, IOM_DONE, {});
        }
    }
    pings_.erase(pings_.begin(), mine + 1);
}

// The deadline runs from the last byte of the oldest ping, anew while an unfinished frame's bytes arrive;
// with reading paused there is none, for the pong may be waiting to be read.
instant session::pong_deadline() const {
    if (pings_.empty() || pings_.front().since == 0 || paused_) {
        return 0;
    }
    return after(std::max(pings_.front().counted, stirred_at_), what_->pong_timeout);
}

// ---- messages out -----------------------------------------------------------------------------------------

void session::writable(instant now) {
    if (phase_ != phase::open && phase_ != phase::flushing) {
        return;
    }
    if (link_.stuck()) {
        return;
    }
    flushed(now);
    link_.gather();
    bool alive = true;
    if (ping_due_ && phase_ == phase::open) {
        ping_due_ = false;
        std::vector<std::uint64_t> asked;
        asked.swap(pings_asked_);
        if (asked.empty()) {
            asked.push_back(0);
        }
        for (const std::uint64_t call : asked) {
            alive = alive && send_ping(now, call);
        }
    }
    std::size_t bytes = 0;
    for (std::size_t count = 0; alive && count < turn_messages && bytes < turn_bytes && !link_.stuck();
         ++count) {
        const record* one = next_send();
        if (one == nullptr) {
            break;
        }
        if (one->value != session_) {
            push({.type = record_type::dropped, .flags = one->flags, .number = one->number},
                 {"lost", one->parts[0]});
            send_ = nullptr;
            continue;
        }
        const std::size_t size = one->parts[0].size();
        const bool binary = (one->flags & flag_binary) != 0;
        bytes += size;
        remember(*one);
        written_ = one->number;
        send_ = nullptr;
        alive = link_.write(binary ? frame::binary : frame::text, one->payload, size);
    }
    alive = link_.flush() && alive;
    if (box_.sends.settle()) {
        link_.knock();
    }
    if (!alive) {
        failed(now, {.where = layer::close,
                     .code = "1006",
                     .place = place(),
                     .detail = "nothing can be sent any more",
                     .retry_after = {}});
        return;
    }
    if (!link_.stuck()) {
        flushed(now);
    }
    if (bytes > 0 && progress_check_ == 0 && (what_->keep_alive || what_->write_deadline > span_of_time(0))) {
        progress_at_ = now;
        progress_seen_ = link_.acknowledged();
        progress_check_ = after(now, progress_step());
    }
    if (box_.sends.more()) {
        link_.want_write();
    } else if (phase_ == phase::flushing && !link_.stuck()) {
        send_close(now);
    }
}

// All that was written is with the kernel.
void session::flushed(instant now) {
    in_kernel_ = written_;
    bytes_in_kernel_ = bytes_out_;
    trim_kept();
    if (in_kernel_ > reported_) {
        reported_ = in_kernel_;
        push_quietly(now, {.type = record_type::sent, .number = in_kernel_});
    }
    if (std::exchange(asks_, false)) {
        asked_end_ = link_.acknowledged() + link_.unacknowledged();
        if (progress_check_ == 0) {
            progress_at_ = now;
            progress_seen_ = link_.acknowledged();
        }
        progress_check_ = sooner(progress_check_, after(now, asked_step));
    }
    for (auto one = pings_.rbegin(); one != pings_.rend() && one->since == 0; ++one) {
        one->since = one->counted = now;
        one->sequence = in_kernel_;
        one->end = link_.acknowledged() + link_.unacknowledged();
        if (what_->extended_logging) {
            note("ping " + std::to_string(one->id) + " sent, its pong is due within " +
                 decimal(static_cast<double>(what_->pong_timeout.count()) / 1e9) + " s");
        }
    }
}

// Keeps where a send ends among the bytes of this connection, and what it said, until TCP has acknowledged
// it.
void session::remember(const record& send) {
    const std::size_t size = send.parts[0].size();
    // Never more than the frame takes on the line: too many sends may be called unconfirmed, too few never.
    const std::size_t head = size < 126 ? 6 : 8;
    bytes_out_ += head + (what_->compression ? 0 : size);
    asks_ = asks_ || (send.flags & flag_asks) != 0;
    if (marks_.size() >= marks_limit_) {
        forget_acknowledged();
        if (marks_.size() >= most_marks) {
            merge_marks();
        }
        marks_limit_ = std::max(first_marks, marks_.size() * 2);
    }
    // What the kernel never takes goes back to its queue, if there is one, and must not be gone then.
    const bool keep = kept_.size() + size <= kept_capacity || what_->offline_policy != offline_policy::error;
    const std::uint64_t begin = kept_begin_ + kept_.size();
    if (keep) {
        kept_ += send.parts[0];
    }
    marks_.push_back({.sequence = send.number,
                      .end = bytes_out_,
                      .at = begin,
                      .size = static_cast<std::uint32_t>(size),
                      .count = 1,
                      .flags = static_cast<std::uint16_t>(send.flags & ~flag_asks),
                      .kept = keep});
}

void session::forget_acknowledged() {
    const std::uint64_t safe = acknowledged_bytes();
    const auto still =
        std::find_if(marks_.begin(), marks_.end(), [&](const mark& one) { return one.end > safe; });
    // The words of the first may have gone before, see trim_kept.
    const std::uint64_t kept_from =
        still == marks_.end() ? kept_begin_ + kept_.size() : std::max(still->at, kept_begin_);
    kept_.erase(0, static_cast<std::size_t>(kept_from - kept_begin_));
    kept_begin_ = kept_from;
    marks_.erase(marks_.begin(), still);
    if (marks_.empty()) {
        marks_ = {};
        marks_limit_ = 0;
        kept_ = {};
    }
}

// How closely it is looked whether TCP gets rid of what it was given.
span_of_time session::progress_step() const {
    span_of_time step = what_->pong_timeout / 8;
    if (what_->write_deadline > span_of_time(0) && (!what_->keep_alive || what_->write_deadline / 8 < step)) {
        step = what_->write_deadline / 8;
    }
    if (asked_end_ > progress_seen_) {
        step = std::min(step, asked_step);
    }
    return step;
}

// Very many small sends wait for TCP: each two that the kernel has become one mark, and lose their words.
void session::merge_marks() {
    std::size_t to = 0;
    for (std::size_t from = 0; from < marks_.size(); ++from) {
        mark one = marks_[from];
        if (from + 1 < marks_.size()) {
            const mark& next = marks_[from + 1];
            if (next.sequence <= in_kernel_ && next.flags == one.flags) {
                one.sequence = next.sequence;
                one.end = next.end;
                one.count += next.count;
                one.kept = false;
                ++from;
            }
        }
        marks_[to++] = one;
    }
    marks_.resize(to);
}

// All is with the kernel: of payloads that were kept in case it is not, only the newest few stay.
void session::trim_kept() {
    if (kept_.size() <= 2 * kept_capacity) { // so that it is not done for every message
        return;
    }
    const std::uint64_t least = kept_begin_ + kept_.size() - kept_capacity;
    std::uint64_t from = kept_begin_ + kept_.size();
    for (auto one = marks_.rbegin(); one != marks_.rend(); ++one) {
        if (one->at < least) {
            one->kept = false;
        } else {
            from = std::min(from, one->at);
        }
    }
    kept_ = kept_.substr(static_cast<std::size_t>(from - kept_begin_)); // and what it took is given back
    kept_begin_ = from;
}

void session::check_progress(instant now) {
    const std::uint64_t seen = link_.acknowledged();
    if (seen != progress_seen_) {
        // On a slow line a ping waits behind what was sent before it; until that has arrived no pong can
        // come.
        for (ping_out& one : pings_) {
            if (one.since != 0 && one.end > progress_seen_) {
                one.counted = now;
            }
        }
        // Likewise no answer to what asks.
        if (asked_end_ > progress_seen_) {
            box_.stirred.store(now, std::memory_order_relaxed);
        }
        progress_seen_ = seen;
        progress_at_ = now;
    }
    if (link_.unacknowledged() == 0 && !link_.stuck()) {
        progress_check_ = 0;
        return;
    }
    const instant dead =
        what_->write_deadline > span_of_time(0) ? after(progress_at_, what_->write_deadline) : 0;
    if (dead != 0 && now >= dead) {
        over(now,
             {.where = layer::liveness,
              .code = "write-deadline",
              .place = place(),
              .detail = {},
              .retry_after = {}},
             false);
        return;
    }
    progress_check_ = sooner(after(now, progress_step()), dead);
}

// ---- time -------------------------------------------------------------------------------------------------

instant session::next() const {
    instant due = sooner(alarm_, knock_due_);
    switch (phase_) {
    case phase::idle:
        break;
    case phase::opening:
        due = sooner(due, address_due_);
        break;
    case phase::open:
        if (what_->keep_alive) {
            due = sooner(due, ping_due_ ? 0 : next_ping_);
            due = sooner(due, pong_deadline());
        }
        due = sooner(due, progress_check_);
        break;
    default:
        due = sooner(due, due_);
    }
    return due;
}

// We were frozen, and what proves life may wait to be read, or was never asked for: deadlines begin anew, and
// only a fresh ping decides.
void session::thaw(instant now, instant due) {
    if (phase_ != phase::open || due == 0 || now - due < late || thaws_ == most_thaws) {
        return;
    }
    ++thaws_;
    note("this process was frozen for " + decimal(seconds_between(due, now)) +
         " s or more; a fresh ping decides");
    stir(now);
    if (what_->keep_alive) {
        ping_due_ = true;
        link_.want_write();
    }
}

// A deadline that means "nothing came in time" holds only when what has come meanwhile was read: it passes at
// the second tick, and between two of them the link reads.
void session::tick(instant now) {
    thaw(now, next());
    const bool looked = std::exchange(looked_, false);
    if (knock_due_ != 0 && now >= knock_due_) {
        knock_due_ = 0;
        link_.knock();
    }
    if (alarm_ != 0 && now >= alarm_) {
        if (looked) {
            alarm_ = 0;
            push({.type = record_type::alarm});
            link_.knock(); // also where [control] leaves events unread: it may wait for just this
        } else {
            looked_ = true;
        }
    }
    switch (phase_) {
    case phase::idle:
        break;
    case phase::resting:
        if (due_ != 0 && now >= due_ && ending_) {
            finish(now);
        } else if (due_ != 0 && now >= due_) {
            begin(now);
        }
        break;
    case phase::pacing:
        if (now >= due_) {
            attempt(now);
        }
        break;
    case phase::resolving:
        if (now >= due_) {
            over(now, timed_out(), false);
        }
        break;
    case phase::opening:
        if (now >= address_due_ && !looked) {
            looked_ = true;
        } else if (now >= address_due_) {
            failure why = timed_out();
            link_.cut();
            address_failed(now, std::move(why));
        }
        break;
    case phase::open: {
        const instant pong = pong_deadline();
        if (what_->keep_alive && pong != 0 && now >= pong) {
            if (!looked) {
                looked_ = true;
            } else {
                const bool data_came = last_message_at_ > pings_.front().since;
                close_code_ = 1001;
                close_reason_ = "no pong";
                for (const ping_out& one : pings_) {
                    if (one.call != 0) {
                        end_call(one.call, IOM_TIMED_OUT, "No pong came within Pong timeout.");
                    }
                }
                if (!link_.stuck()) {
                    send_close(now); // for a server that is there but answers no pings
                }
                over(now,
                     {.where = layer::liveness,
                      .code = data_came ? "no-pong" : "pong-timeout",
                      .place = place(),
                      .detail = {},
                      .retry_after = {}},
                     false);
                break;
            }
        }
        if (what_->keep_alive && !ping_due_ && next_ping_ != 0 && now >= next_ping_) {
            box_.commands.trim();
            box_.sends.trim();
            forget_acknowledged();
            ping_due_ = true;
            if (link_.may_write()) {
                writable(now);
            } else {
                link_.want_write();
            }
        }
        if (phase_ == phase::open && progress_check_ != 0 && now >= progress_check_) {
            check_progress(now);
        }
        break;
    }
    case phase::flushing:
        if (now >= due_) {
            refuse_sends();
            send_close(now);
        }
        break;
    case phase::closing:
    case phase::answering:
        if (now >= due_) {
            note("the far end did not finish the Close in time; the connection is cut");
            phase_ = phase::closing;
            failed(now, {});
        }
        break;
    }
}

// ---- telling ----------------------------------------------------------------------------------------------

void session::push(const record_head& head, std::initializer_list<std::string_view> parts) {
    if (box_.events.push(head, parts) || knock_due_ != 0) {
        knock_due_ = 0;
        link_.knock();
    }
}

// As push, for what [control] need not hear at once: an answer often comes right behind, and wakes it anyway.
void session::push_quietly(instant now, const record_head& head) {
    if (box_.events.push(head) && knock_due_ == 0) {
        knock_due_ = now + quiet_time;
    }
}

void session::push_failure(record_type type, const failure& why, std::string_view sentence) {
    push({.type = type, .detail = static_cast<std::uint8_t>(why.where)}, {why.code, sentence});
}

void session::show(state shown, double seconds) {
    const bool timed = shown == state::waiting || shown == state::faulted;
    if (shown == shown_ && !timed) {
        return;
    }
    if (what_->extended_logging) {
        note("state: " + std::string(name_of(shown)));
    }
    push({.type = record_type::state,
          .detail = static_cast<std::uint8_t>(shown),
          .number = attempts_,
          .real = seconds},
         {times_});
    shown_ = shown;
}

/// A step of the attempt is done: how long it took is told with the next state.
void session::passed(instant now, std::string_view step) {
    char took[40];
    const int length = std::snprintf(took, sizeof took, " %.2f ms", seconds_between(step_began_, now) * 1e3);
    times_.append(times_.empty() ? "" : ", ").append(step).append(took, static_cast<std::size_t>(length));
    step_began_ = now;
}

void session::end_calls(std::vector<std::uint64_t>& calls, iom_outcome outcome, std::string_view sentence) {
    while (!calls.empty()) {
        end_call(calls.front(), outcome, sentence);
        calls.erase(calls.begin());
    }
}

void session::end_call(std::uint64_t call, iom_outcome outcome, std::string_view sentence) {
    if (call != 0) {
        push({.type = record_type::call_ended, .detail = static_cast<std::uint8_t>(outcome), .number = call},
             {sentence});
    }
}

void session::note(std::string_view text) {
    if (what_->extended_logging) {
        link_.log(IOM_LOG_DEBUG, text);
    }
}

} // namespace iom::ws
