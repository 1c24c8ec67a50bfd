#include "module/resolver.hpp"

#include "module/quiet_thread.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <utility>

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

namespace iom::ws {

namespace {

std::string error_name(int code) {
    switch (code) {
    case EAI_NONAME:
        return "EAI_NONAME";
    case EAI_AGAIN:
        return "EAI_AGAIN";
    case EAI_FAIL:
        return "EAI_FAIL";
    case EAI_MEMORY:
        return "EAI_MEMORY";
    case EAI_SYSTEM:
        return "EAI_SYSTEM";
    case EAI_FAMILY:
        return "EAI_FAMILY";
#ifdef __USE_GNU
    case EAI_NODATA:
        return "EAI_NODATA";
    case EAI_ADDRFAMILY:
        return "EAI_ADDRFAMILY";
#endif
    default:
        return "EAI_" + std::to_string(code);
    }
}

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

struct resolver::office {
    // What the last look-up of a name came to, best first.
    enum class standing : std::uint8_t { answered, unknown, abandoned };

    struct run {
        std::string name;
        std::chrono::steady_clock::time_point since;
        std::vector<std::uint64_t> tickets; // who waits for it
        bool trusted = false;               // answered the time before, so that it should not take long
    };

    [[nodiscard]] standing standing_of(const std::string& name) const {
        const auto known = standings.find(name);
        return known == standings.end() ? standing::unknown : known->second;
    }

    std::uint64_t add(const std::string& name, std::vector<std::uint64_t> tickets) {
        const bool trusted = standing_of(name) == standing::answered;
        running.emplace(++last_run, run{name, std::chrono::steady_clock::now(), std::move(tickets), trusted});
        return last_run;
    }

    // Names that may hang do not get the last few threads, so that those which never did are not held up.
    [[nodiscard]] bool may_run(const std::string& name) const {
        if (standing_of(name) == standing::answered) {
            return true;
        }
        const auto hanging = std::count_if(running.begin(), running.end(),
                                           [](const auto& one) { return !one.second.trusted; });
        return static_cast<std::size_t>(hanging) < most_doubtful;
    }

    // The name that has waited longest, of the best standing; empty if none may run.
    [[nodiscard]] std::string next_name() const {
        const std::pair<std::string, std::uint64_t>* best = nullptr;
        for (const auto& one : waiting) {
            if ((best == nullptr || standing_of(one.first) < standing_of(best->first)) &&
                may_run(one.first)) {
                best = &one;
            }
        }
        return best == nullptr ? "" : best->first;
    }

    std::mutex mutex;
    std::function<void()> ring; // empty once the resolver is gone
    look_up how;
    std::chrono::nanoseconds young{};
    std::uint64_t last_ticket = 0;
    std::uint64_t last_run = 0;
    std::size_t threads = 0;
    std::map<std::uint64_t, run> running;                       // several may be after the same name
    std::vector<std::pair<std::string, std::uint64_t>> waiting; // in the order in which they asked
    std::map<std::string, standing> standings;
    std::vector<resolution> ready;
};

resolver::resolver(std::function<void()> ring, look_up how, std::chrono::nanoseconds young)
    : office_(std::make_shared<office>()) {
    office_->ring = std::move(ring);
    office_->how = std::move(how);
    office_->young = young;
}

resolver::~resolver() {
    const std::lock_guard lock(office_->mutex);
    office_->ring = nullptr;
    office_->waiting.clear();
}

void resolver::start(const std::shared_ptr<office>& shared, std::uint64_t run) {
    ++shared->threads;
    try {
        quiet_thread([shared, run] { work(shared, run); }).detach();
    } catch (...) {
        --shared->threads;
        throw;
    }
}

std::uint64_t resolver::ask(const std::string& name) {
    const bool address = is_address(name);
    const std::lock_guard lock(office_->mutex);
    const std::uint64_t ticket = ++office_->last_ticket;
    if (address) {
        office_->ready.push_back({.ticket = ticket, .error = {}, .addresses = {name}});
        office_->ring();
        return ticket;
    }
    const auto now = std::chrono::steady_clock::now();
    const auto joined = std::find_if(office_->running.begin(), office_->running.end(), [&](const auto& one) {
        return one.second.name == name && now - one.second.since < office_->young;
    });
    if (joined != office_->running.end()) {
        joined->second.tickets.push_back(ticket);
    } else if (office_->threads < most_threads && office_->may_run(name)) {
        const std::uint64_t run = office_->add(name, {ticket});
        try {
            start(office_, run);
        } catch (...) {
            office_->running.erase(run);
            throw;
        }
    } else {
        office_->waiting.emplace_back(name, ticket);
    }
    return ticket;
}

void resolver::abandon(std::uint64_t ticket) {
    const std::lock_guard lock(office_->mutex);
    for (auto& [number, run] : office_->running) {
        if (std::erase(run.tickets, ticket) != 0 && run.tickets.empty()) {
            office_->standings[run.name] = office::standing::abandoned;
        }
    }
    std::erase_if(office_->waiting, [&](const auto& one) { return one.second == ticket; });
    std::erase_if(office_->ready, [&](const auto& one) { return one.ticket == ticket; });
}

bool resolver::waits(std::uint64_t ticket) const {
    const std::lock_guard lock(office_->mutex);
    return std::any_of(office_->waiting.begin(), office_->waiting.end(),
                       [&](const auto& one) { return one.second == ticket; });
}

std::vector<resolution> resolver::answers() {
    const std::lock_guard lock(office_->mutex);
    return std::exchange(office_->ready, {});
}

// One thread looks up one name after another as long as names wait; a name that waits is looked up once for
// all who asked for it.
void resolver::work(const std::shared_ptr<office>& shared, std::uint64_t run) {
    std::unique_lock lock(shared->mutex);
    const look_up how = shared->how;
    for (;;) {
        const std::string name = shared->running.at(run).name;
        lock.unlock();
        resolution found;
        try {
            found = how(name);
        } catch (const std::exception&) {
            found.error = "EAI_MEMORY";
        }
        lock.lock();
        const auto mine = shared->running.extract(run);
        if (!mine.mapped().tickets.empty()) {
            shared->standings[name] = office::standing::answered;
        }
        for (const std::uint64_t ticket : mine.mapped().tickets) {
            found.ticket = ticket;
            shared->ready.push_back(found);
        }
        if (!mine.mapped().tickets.empty() && shared->ring) {
            shared->ring();
        }
        const std::string next = shared->next_name();
        if (next.empty()) {
            --shared->threads;
            return;
        }
        std::vector<std::uint64_t> tickets;
        std::erase_if(shared->waiting, [&](const auto& one) {
            if (one.first != next) {
                return false;
            }
            tickets.push_back(one.second);
            return true;
        });
        run = shared->add(next, std::move(tickets));
    }
}

resolution resolver::system_look_up(const std::string& name) {
    resolution found;
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int failed = getaddrinfo(name.c_str(), nullptr, &hints, &list);
    if (failed != 0) {
        found.error = error_name(failed);
        return found;
    }
    std::vector<std::string> addresses;
    for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        if (getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                        NI_NUMERICHOST) == 0) {
            std::string address(text.data());
            if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
                addresses.push_back(std::move(address));
            }
        }
    }
    freeaddrinfo(list);
    found.addresses = take_turns(addresses);
    if (found.addresses.empty()) {
        found.error = "EAI_NODATA";
    }
    return found;
}

std::vector<std::string> take_turns(const std::vector<std::string>& addresses) {
    const auto is_v6 = [](const std::string& address) { return address.find(':') != std::string::npos; };
    std::array<std::vector<std::string>, 2> kinds;
    const bool first_kind = !addresses.empty() && is_v6(addresses.front());
    for (const std::string& address : addresses) {
        kinds[is_v6(address) == first_kind ? 0 : 1].push_back(address);
    }
    std::vector<std::string> turns;
    for (std::size_t at = 0; turns.size() < addresses.size(); ++at) {
        for (const auto& kind : kinds) {
            if (at < kind.size()) {
                turns.push_back(kind[at]);
            }
        }
    }
    return turns;
}

} // namespace iom::ws
