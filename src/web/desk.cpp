#include "web/desk.hpp"

#include <algorithm>
#include <chrono>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utility>

namespace iom::host::web {
namespace {

constexpr time_us window_length = 20'000;
constexpr time_us window_budget = 2'000; ///< of it, for everybody who looks on
constexpr time_us slice_budget = 500;    ///< between two rounds of the loop
constexpr time_us pulse_length = 2 * one_second;

std::int64_t wall_now() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

void set_timer(int descriptor, time_us first, time_us again) {
    itimerspec when{};
    // How wide these are is the machine's business.
    when.it_value.tv_sec = static_cast<decltype(when.it_value.tv_sec)>(first / one_second);
    when.it_value.tv_nsec = static_cast<decltype(when.it_value.tv_nsec)>(first % one_second * 1000);
    when.it_interval.tv_sec = static_cast<decltype(when.it_value.tv_sec)>(again / one_second);
    when.it_interval.tv_nsec = static_cast<decltype(when.it_value.tv_nsec)>(again % one_second * 1000);
    timerfd_settime(descriptor, 0, &when, nullptr);
}

void drain(int descriptor) {
    std::uint64_t expired = 0;
    [[maybe_unused]] const ssize_t got = read(descriptor, &expired, sizeof expired);
}

std::int64_t count_in(const instance& from, std::uint32_t place) {
    if (place == known_statuses::none) {
        return -1;
    }
    const value& what = from.statuses()[place].what;
    return what.kind == value_kind::integer ? what.integer : -1;
}

} // namespace

std::pair<double, double> hour::rates() const {
    if (counts.size() < 2) {
        return {0, 0};
    }
    const double seconds = static_cast<double>(counts.back().first - counts.front().first) / 1000.0;
    if (seconds <= 0) {
        return {0, 0};
    }
    const auto rate = [&](std::int64_t from, std::int64_t to) {
        return to > from && from >= 0 ? static_cast<double>(to - from) / seconds : 0.0;
    };
    return {rate(counts.front().second.first, counts.back().second.first),
            rate(counts.front().second.second, counts.back().second.second)};
}

known_statuses::known_statuses(const manifest::module_manifest& of) {
    const std::pair<std::string_view, std::uint32_t*> known[] = {
        {"connection-status", &state},    {"last-error", &error},   {"last-error.layer", &error_layer},
        {"last-error.code", &error_code}, {"attempt", &attempt},    {"next-retry", &next_retry},
        {"round-trip", &round_trip},      {"messages-sent", &sent}, {"messages-received", &received}};
    for (std::uint32_t at = 0; at < of.statuses.size(); ++at) {
        for (const auto& [id, place] : known) {
            if (of.statuses[at].id == id) {
                *place = at;
            }
        }
    }
    for (std::uint32_t at = 0; at < of.statuses.size() && state == none; ++at) {
        if (of.statuses[at].type == manifest::type::choice) {
            state = at;
        }
    }
}

std::chrono::system_clock::time_point entered(std::span<const status_entry> statuses,
                                              const known_statuses& at) {
    const status_entry& state = statuses[at.state];
    auto latest = state.changed;
    if (const std::string now = to_text(state.what.view()); now == "waiting" || now == "faulted") {
        for (const std::uint32_t place : {at.attempt, at.error}) {
            if (place != known_statuses::none) {
                latest = std::max(latest, statuses[place].changed);
            }
        }
    }
    return latest;
}

desk::desk(runtime& of) : runtime_(of) {
    timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    pulse_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    beat_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer_ < 0 || pulse_ < 0 || beat_ < 0) {
        throw std::system_error(errno, std::generic_category(), "the web page cannot have a timer");
    }
    runtime_.loop().watch(timer_, EPOLLIN, [this](std::uint32_t /*events*/) {
        drain(timer_);
        runtime_.loop().ask(*this);
    });
    runtime_.loop().watch(pulse_, EPOLLIN, [this](std::uint32_t /*events*/) {
        drain(pulse_);
        tick();
    });
    runtime_.loop().watch(beat_, EPOLLIN, [this](std::uint32_t /*events*/) {
        drain(beat_);
        if (looked_after_ && !looked_after_(control_loop::now())) {
            looked_after_ = {};
            set_timer(beat_, 0, 0);
        }
    });
    set_timer(pulse_, pulse_length, pulse_length);
    runtime_.shown_to(this);
    project_changed();
}

desk::~desk() {
    runtime_.shown_to(nullptr);
    runtime_.loop().forget(*this);
    runtime_.loop().unwatch(timer_);
    runtime_.loop().unwatch(pulse_);
    runtime_.loop().unwatch(beat_);
    close(timer_);
    close(pulse_);
    close(beat_);
}

// ---- work

bool desk::ask(job what, std::size_t most) {
    {
        const std::lock_guard lock(mutex_);
        if (jobs_.size() >= most) {
            return false;
        }
        jobs_.push_back(std::move(what));
    }
    runtime_.loop().ask(*this);
    return true;
}

bool desk::service_batch() {
    time_us now = control_loop::now();
    if (now - window_ >= window_length) {
        window_ = now;
        spent_ = 0;
    }
    const time_us began = now;
    while (spent_ + (now - began) < window_budget && now - began < slice_budget) {
        job next;
        {
            const std::lock_guard lock(mutex_);
            if (jobs_.empty()) {
                spent_ += now - began;
                return false;
            }
            next = std::move(jobs_.front());
            jobs_.pop_front();
        }
        if (next()) {
            const std::lock_guard lock(mutex_);
            jobs_.push_back(std::move(next)); // behind the others: everybody gets a turn
        }
        now = control_loop::now();
    }
    spent_ += now - began;
    if (spent_ < window_budget) {
        return true;
    }
    wake_later();
    return false;
}

void desk::wake_later() {
    set_timer(timer_, std::max<time_us>(window_ + window_length - control_loop::now(), 1), 0);
}

desk::edition desk::newest() {
    const std::lock_guard lock(mutex_);
    return edition_;
}

void desk::look_after(std::function<bool(time_us now)> what) {
    constexpr time_us beat = 50'000;
    looked_after_ = std::move(what);
    set_timer(beat_, beat, beat);
}

// ---- news

void desk::news(unsigned what) noexcept {
    news_.fetch_or(what);
    if (armed_.load(std::memory_order_relaxed) && armed_.exchange(false) && tell_) {
        tell_();
    }
}

unsigned desk::take_news() noexcept {
    armed_.store(true);
    return news_.exchange(0);
}

void desk::status_changed(std::uint32_t index, const instance& who) noexcept {
    if (index >= versions_.size()) {
        return;
    }
    ++versions_[index];
    const known_statuses& at = places_[index];
    hour& of = *hour_of_[index];
    if (at.state != known_statuses::none) {
        const status_entry& state = who.statuses()[at.state];
        if (state.changed != of.state_at) {
            of.state_at = state.changed;
            of.states.push_back(
                {std::chrono::duration_cast<std::chrono::milliseconds>(state.changed.time_since_epoch())
                     .count(),
                 to_text(state.what.view())});
            if (of.states.size() > hour::most_changes) {
                of.states.pop_front();
            }
            of.recovered = of.recovered || of.states.back().state == "ready";
        }
    }
    if (at.error != known_statuses::none && who.statuses()[at.error].changed != of.error_at) {
        const status_entry& error = who.statuses()[at.error];
        of.error_at = error.changed;
        std::string sentence = to_text(error.what.view());
        if (of.recovered || sentence != of.error) {
            of.error_since = error.changed;
            of.error = std::move(sentence);
        }
        of.recovered = false;
    }
    news(statuses);
}

void desk::project_changed() {
    const project& now = runtime_.current();
    hour_of_.clear();
    places_.clear();
    versions_.assign(now.instances.size(), 0);
    std::map<std::string, hour, std::less<>> kept;
    for (const instance_plan& each : now.instances) {
        const auto known = hours_.find(each.name);
        if (known != hours_.end()) {
            kept.insert(hours_.extract(known)); // it is large: it stays where it is
        } else {
            kept.try_emplace(each.name);
        }
        places_.emplace_back(*now.modules[each.module]);
    }
    hours_ = std::move(kept);
    for (const instance_plan& each : now.instances) {
        hour_of_.push_back(&hours_.find(each.name)->second);
    }
    std::erase_if(wanted_, [&](const auto& each) { return !now.find_instance(each.first); });
    {
        const std::lock_guard lock(mutex_);
        edition_ = {runtime_.generation(), now.source, runtime_.shared()};
    }
    news(structure | statuses | rules);
}

// ---- the last hour

void desk::tick() {
    const std::int64_t now = wall_now();
    for (std::uint32_t index = 0; index < hour_of_.size(); ++index) {
        sample(index, now);
    }
    const control_loop& loop = runtime_.loop();
    pulses_.push_back({control_loop::now(), loop.busy_time(), runtime_.loop().take_longest()});
    while (pulses_.size() > 60 * one_second / pulse_length) {
        pulses_.pop_front();
    }
    news(statuses); // rates
}

void desk::sample(std::uint32_t index, std::int64_t now) {
    if (index >= runtime_.instances()) {
        return;
    }
    const instance& who = runtime_.at(index);
    const known_statuses& at = places_[index];
    hour& of = *hour_of_[index];
    hour::bucket& to = of.all[static_cast<std::size_t>(now / hour::step) % hour::buckets];
    if (to.number != now / hour::step) {
        to = {};
        to.number = now / hour::step;
    }
    const std::int64_t sent = count_in(who, at.sent);
    const std::int64_t received = count_in(who, at.received);
    const auto grown = [](std::int64_t before, std::int64_t after) {
        return before >= 0 && after > before ? static_cast<std::uint32_t>(after - before) : 0U;
    };
    to.sent += grown(of.sent, sent);
    to.received += grown(of.received, received);
    of.sent = sent;
    of.received = received;
    of.counts.emplace_back(now, std::pair(sent, received));
    while (of.counts.size() > 6) {
        of.counts.pop_front();
    }
    if (at.round_trip != known_statuses::none) {
        const status_entry& ping = who.statuses()[at.round_trip];
        if (ping.what.kind == value_kind::real && ping.changed != of.ping_at) {
            of.ping_at = ping.changed;
            to.round_trip += static_cast<float>(ping.what.real);
            ++to.pings;
        }
    }
}

const known_statuses& desk::places(std::uint32_t index) {
    return places_[index];
}

const hour& desk::last_hour(std::uint32_t index) {
    return *hour_of_[index];
}

std::uint64_t desk::version_of(std::uint32_t index) const {
    return index < versions_.size() ? versions_[index] : 0;
}

desk::load desk::loop_load() const {
    load found;
    if (pulses_.empty()) {
        found.longest = static_cast<double>(runtime_.loop().longest()) / 1000.0;
        return found;
    }
    const pulse& last = pulses_.back();
    const pulse& first = pulses_[pulses_.size() > 5 ? pulses_.size() - 6 : 0];
    if (last.at > first.at) {
        found.busy = static_cast<double>(last.busy - first.busy) / static_cast<double>(last.at - first.at);
    }
    for (const pulse& each : pulses_) {
        found.longest = std::max(found.longest, static_cast<double>(each.longest) / 1000.0);
    }
    found.longest =
        std::max(found.longest, static_cast<double>(runtime_.loop().longest()) / 1000.0); // and since then
    return found;
}

// ---- calls

const page_call* desk::call(std::uint32_t index, const manifest::action& what,
                            std::span<const argument_view> arguments, std::string& why) {
    const std::uint64_t number = ++last_call_;
    page_call made;
    made.number = number;
    made.instance = runtime_.at(index).name();
    made.action = what.id;
    made.began = control_loop::now();
    calls_.push_back(std::move(made)); // before it can end
    if (!runtime_.call(index, what.number, arguments, number, why)) {
        calls_.pop_back();
        return nullptr;
    }
    if (what.id == "connect") {
        wanted_[calls_.back().instance] = "connected";
    } else if (what.id == "disconnect") {
        wanted_[calls_.back().instance] = "disconnected";
    }
    if (calls_.size() > most_calls) {
        calls_.pop_front();
    }
    return &calls_.back();
}

const page_call* desk::find_call(std::uint64_t number) const {
    const auto found = std::find_if(calls_.begin(), calls_.end(),
                                    [&](const page_call& each) { return each.number == number; });
    return found == calls_.end() ? nullptr : &*found;
}

const std::string& desk::wanted(std::string_view instance) const {
    static const std::string nothing;
    const auto found = wanted_.find(instance);
    return found == wanted_.end() ? nothing : found->second;
}

void desk::call_ended(std::uint64_t ticket, iom_outcome outcome, std::string_view sentence) {
    const auto found = std::find_if(calls_.begin(), calls_.end(),
                                    [&](const page_call& each) { return each.number == ticket; });
    if (found == calls_.end()) {
        return;
    }
    found->state = outcome == IOM_DONE ? "done" : outcome == IOM_TIMED_OUT ? "timed-out" : "failed";
    found->sentence = sentence;
    found->milliseconds = static_cast<double>(control_loop::now() - found->began) / 1000.0;
    news(calls);
}

} // namespace iom::host::web
