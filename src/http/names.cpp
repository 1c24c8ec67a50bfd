#include "http/names.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

#include <netdb.h>
#include <sys/socket.h>

namespace iom::host {

namespace {

bool is_address(const std::string& name) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) {
        return false;
    }
    freeaddrinfo(found);
    return true;
}

} // namespace

// What is asked wanders from list to list, and needs no memory on the way.
struct http_names::office {
    std::mutex mutex;
    std::function<void()> ring; // empty once the owner is gone
    look_up how;
    std::uint64_t last_ticket = 0;
    std::size_t threads = 0;
    struct question {
        std::string name;
        std::list<answer> of; ///< the answer-to-be
    };
    std::list<question> waiting;
    std::vector<std::uint64_t> running; ///< one of each thread at most, and has room for them
    std::list<answer> ready;
};

http_names::http_names(std::function<void()> ring, look_up how) : office_(std::make_shared<office>()) {
    office_->ring = std::move(ring);
    office_->how = std::move(how);
    office_->running.reserve(most_threads);
}

http_names::~http_names() {
    const std::lock_guard lock(office_->mutex);
    office_->ring = nullptr;
    office_->waiting.clear();
}

void http_names::start(const std::shared_ptr<office>& shared) {
    ++shared->threads;
    try {
        std::thread([shared] { work(shared); }).detach();
    } catch (const std::exception&) {
        --shared->threads;
        // Without a thread it is answered at once; with others at work it waits for one of them.
        while (shared->threads == 0 && !shared->waiting.empty()) {
            auto& none = shared->waiting.front().of;
            shared->ready.splice(shared->ready.end(), none);
            shared->waiting.pop_front();
        }
        shared->ring();
    }
}

std::uint64_t http_names::ask(const std::string& name) {
    const bool address = is_address(name);
    const std::lock_guard lock(office_->mutex);
    const std::uint64_t ticket = ++office_->last_ticket;
    if (address) {
        office_->ready.push_back({ticket, {}, {name}});
        office_->ring();
        return ticket;
    }
    office_->waiting.push_back({name, {answer{ticket, "no thread could be started for the look-up", {}}}});
    if (office_->threads < most_threads) {
        start(office_);
    }
    return ticket;
}

void http_names::abandon(std::uint64_t ticket) {
    const std::lock_guard lock(office_->mutex);
    std::erase(office_->running, ticket);
    std::erase_if(office_->waiting, [&](const auto& one) { return one.of.front().ticket == ticket; });
    std::erase_if(office_->ready, [&](const answer& one) { return one.ticket == ticket; });
}

std::list<http_names::answer> http_names::answers() noexcept {
    const std::lock_guard lock(office_->mutex);
    return std::exchange(office_->ready, {});
}

void http_names::work(const std::shared_ptr<office>& shared) {
    std::unique_lock lock(shared->mutex);
    while (!shared->waiting.empty()) {
        std::list<office::question> mine;
        mine.splice(mine.end(), shared->waiting, shared->waiting.begin());
        answer& found = mine.front().of.front();
        const std::uint64_t ticket = found.ticket;
        shared->running.push_back(ticket);
        lock.unlock();
        try {
            found = shared->how(mine.front().name);
        } catch (const std::exception&) {
            found.error = "out of memory"; // so short that it needs none
        }
        found.ticket = ticket;
        lock.lock();
        // One that was abandoned meanwhile is told to nobody.
        if (std::erase(shared->running, ticket) > 0 && shared->ring) {
            shared->ready.splice(shared->ready.end(), mine.front().of);
            shared->ring();
        }
    }
    --shared->threads;
}

http_names::answer http_names::system_look_up(const std::string& name) {
    answer found;
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int failed = getaddrinfo(name.c_str(), nullptr, &hints, &list);
    if (failed != 0) {
        found.error = gai_strerror(failed);
        return found;
    }
    for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        if (getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                        NI_NUMERICHOST) == 0) {
            std::string address(text.data());
            if (std::find(found.addresses.begin(), found.addresses.end(), address) == found.addresses.end()) {
                found.addresses.push_back(std::move(address));
            }
        }
    }
    freeaddrinfo(list);
    if (found.addresses.empty()) {
        found.error = "it has no address";
    }
    return found;
}

} // namespace iom::host
