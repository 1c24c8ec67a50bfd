#include "loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace iom::host {
namespace {

constexpr std::size_t most_posted = 1024;
constexpr time_us longest_wait = 60 * one_second;
constexpr std::chrono::microseconds eager_wait_for{150};

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

control_loop::control_loop()
    : next_(eager_wait_for), epoll_(epoll_create1(EPOLL_CLOEXEC)),
      bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (epoll_ < 0 || bell_ < 0) {
        fail("the control loop cannot be made");
    }
    // Edge-triggered, so that nobody ever needs to read it.
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.fd = bell_;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, bell_, &event) != 0) {
        fail("the control loop cannot be made");
    }
}

control_loop::~control_loop() {
    close(bell_);
    close(epoll_);
}

time_us control_loop::now() noexcept {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

void control_loop::ring() noexcept {
    // With the store in turn: either this sees the sleeper, or the sleeper sees what was asked for.
    if (sleeping_.exchange(false)) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = write(bell_, &one, sizeof one);
    }
}

void control_loop::ask(serviced_by_loop& who) noexcept {
    if (who.asked_.exchange(true)) {
        return;
    }
    serviced_by_loop* head = asking_.load(std::memory_order_relaxed);
    do {
        who.next_ = head;
    } while (!asking_.compare_exchange_weak(head, &who));
    ring();
}

bool control_loop::post(std::function<void()> what) {
    {
        const std::lock_guard lock(posts_mutex_);
        if (posts_.size() >= most_posted) {
            return false;
        }
        posts_.push_back(std::move(what));
    }
    posted_.store(true);
    ring();
    return true;
}

void control_loop::do_posted() {
    if (!posted_.exchange(false)) {
        return;
    }
    std::vector<std::function<void()>> taken;
    {
        const std::lock_guard lock(posts_mutex_);
        taken.swap(posts_);
    }
    for (const std::function<void()>& each : taken) {
        each();
    }
}

bool control_loop::watch(int descriptor, std::uint32_t events, handler then) {
    epoll_event event{};
    event.events = events;
    event.data.fd = descriptor;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
        return false;
    }
    handlers_[descriptor] = std::make_shared<handler>(std::move(then));
    return true;
}

void control_loop::change(int descriptor, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = descriptor;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event);
}

void control_loop::unwatch(int descriptor) {
    if (handlers_.erase(descriptor) > 0) {
        epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
    }
}

void control_loop::collect() {
    serviced_by_loop* newest = asking_.exchange(nullptr);
    const auto first_new = static_cast<std::ptrdiff_t>(round_.size());
    while (newest != nullptr) {
        round_.push_back(std::exchange(newest, newest->next_));
    }
    std::reverse(round_.begin() + first_new, round_.end());
}

bool control_loop::is_asked() const noexcept {
    return asking_.load() != nullptr || posted_.load();
}

void control_loop::rest() noexcept {
    if (woken_ != 0) {
        const time_us spent = now() - woken_;
        busy_ += spent;
        longest_ = std::max(longest_, spent);
    }
}

void control_loop::poll(int timeout) {
    std::array<epoll_event, 16> events{};
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
    woken_ = now();
    sleeping_.store(false);
    for (int at = 0; at < count; ++at) {
        const epoll_event& event = events[static_cast<std::size_t>(at)];
        const auto found = handlers_.find(event.data.fd);
        if (found != handlers_.end()) {
            const std::shared_ptr<handler> keep = found->second; // it may unwatch itself
            (*keep)(event.events);
        }
    }
}

void control_loop::turn(std::optional<time_us> deadline) {
    collect();
    rest();
    if (!round_.empty()) {
        poll(0);
    } else {
        time_us wait = longest_wait;
        if (deadline) {
            wait = std::clamp(*deadline - now(), time_us{0}, longest_wait);
        }
        next_.begin();
        if (wait > eager_wait_for.count() && next_.comes([this] { return is_asked(); })) {
            wait = 0;
        } else {
            sleeping_.store(true);
            if (is_asked()) {
                wait = 0;
            }
        }
        poll(static_cast<int>((wait + 999) / 1000));
        next_.end();
        collect();
    }
    do_posted();
    // Those that ask again while this round runs come in the next one, after all the others.
    for (std::size_t at = 0; at < round_.size(); ++at) {
        serviced_by_loop* const who = round_[at];
        if (who == nullptr) {
            continue;
        }
        who->asked_.store(false);
        service_time_ = now();
        if (who->service_batch()) {
            ask(*who);
        }
    }
    round_.clear();
}

void control_loop::forget(serviced_by_loop& who) {
    collect();
    std::replace(round_.begin(), round_.end(), &who, static_cast<serviced_by_loop*>(nullptr));
}

} // namespace iom::host
