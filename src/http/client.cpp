#include "http/client.hpp"

#include "http/answer.hpp"
#include "http/line.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <optional>
#include <system_error>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace iom::host {

namespace {

constexpr std::size_t piece = 16384;
constexpr time_us longest_wait = 60 * one_second;

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// Headers that are about a body which is no longer sent.
bool is_about_body(std::string_view line) {
    return equal_ignoring_case(line.substr(0, 8), "content-");
}

} // namespace

struct http_client::exchange {
    std::uint64_t id = 0;
    http_request what; ///< redirects change it
    time_us begun = 0;
    time_us deadline = 0;
    time_us attempt_due = 0; ///< of the address that is tried; 0: only the deadline counts
    unsigned redirects = 0;
    std::uint64_t ticket = 0; ///< of a look-up
    std::vector<std::string> addresses;
    std::size_t address = 0; ///< that is tried
    std::unique_ptr<http_line> line;
    std::string out;
    std::size_t sent = 0;
    std::optional<http_answer> answer;
    std::list<outcome>
        end; ///< one; it holds the failure that is told where memory is short, until there is another
    bool over = false;

    [[nodiscard]] bool writing() const { return sent < out.size(); }
};

http_client::http_client(control_loop& loop, http_names::look_up how)
    : loop_(loop), how_(std::move(how)), bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (bell_ < 0) {
        throw std::system_error(errno, std::generic_category(), "the HTTP client cannot be made");
    }
}

http_client::~http_client() {
    ending_.store(true);
    ring();
    if (thread_.joinable()) {
        thread_.join();
    }
    loop_.forget(*this);
    close(bell_);
}

void http_client::ring() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(bell_, &one, sizeof one);
}

// ---- on [control] -----------------------------------------------------------------------------------------

bool http_client::ask(http_request what, ending then, std::string& why) {
    if (open_.size() >= most_at_once + most_waiting) {
        why =
            "http: " + std::to_string(open_.size()) +
            " requests are open already, so this one is not taken. Ask less often, or set a shorter timeout.";
        return false;
    }
    auto made = std::make_unique<exchange>();
    made->id = ++last_;
    made->begun = control_loop::now();
    made->deadline = made->begun + what.timeout;
    made->what = std::move(what);
    made->end.push_back({made->id, {}});
    made->end.front().result.sentence = made->what.method + " " + made->what.url.origin() +
                                        ": the host has too little memory for it. Free some, and ask again.";
    if (!thread_.joinable()) {
        try {
            names_ = std::make_unique<http_names>([this] { ring(); }, how_);
            thread_ = std::thread([this] { work(); });
            pthread_setname_np(thread_.native_handle(), "http");
        } catch (const std::exception& problem) {
            why = std::string("http: its thread cannot be started: ") + problem.what() + ".";
            return false;
        }
    }
    open_.emplace(made->id, std::move(then));
    {
        const std::lock_guard hold(mutex_);
        incoming_.push_back(std::move(made));
    }
    ring();
    return true;
}

void http_client::give_up(const std::string& sentence) {
    const auto all = std::exchange(open_, {});
    {
        const std::lock_guard hold(mutex_);
        for (const auto& [id, then] : all) {
            given_up_.push_back(id);
        }
    }
    ring();
    for (const auto& [id, then] : all) {
        http_result ended;
        ended.sentence = sentence;
        then(std::move(ended));
    }
}

bool http_client::service_batch() {
    std::list<outcome> taken;
    {
        const std::lock_guard hold(mutex_);
        taken.swap(finished_);
    }
    for (auto& [id, result] : taken) {
        const auto found = open_.find(id);
        if (found != open_.end()) {
            const ending then = std::move(found->second);
            open_.erase(found);
            then(std::move(result));
        }
    }
    return false;
}

// ---- on the thread of its own -----------------------------------------------------------------------------

void http_client::work() {
    std::array<pollfd, most_at_once + 1> polled{};
    std::array<exchange*, most_at_once + 1> of{};
    while (!ending_.load()) {
        take_in();
        take_names();
        while (active_.size() < most_at_once && !waiting_.empty()) {
            active_.splice(active_.end(), waiting_, waiting_.begin());
            attempt(*active_.back(), [&] { begin(*active_.back()); });
        }
        const time_us now = control_loop::now();
        time_us due = now + longest_wait;
        polled.front() = {bell_, POLLIN, 0};
        std::size_t count = 1;
        for (const auto& each : active_) {
            attempt(*each, [&] { look_at_time(*each, now); });
        }
        for (const auto& each : waiting_) {
            attempt(*each, [&] { look_at_time(*each, now); });
        }
        const auto is_over = [](const auto& each) { return each->over; };
        std::erase_if(active_, is_over);
        std::erase_if(waiting_, is_over);
        if (active_.size() < most_at_once && !waiting_.empty()) {
            continue;
        }
        for (const auto& each : waiting_) {
            due = std::min(due, each->deadline);
        }
        for (const auto& each : active_) {
            due = std::min(due, each->attempt_due != 0 ? each->attempt_due : each->deadline);
            if (each->line != nullptr) {
                polled[count] = {each->line->descriptor(), each->line->events(each->writing()), 0};
                of[count++] = each.get();
            }
        }
        const time_us wait = std::max<time_us>(due - now, 0);
        if (poll(polled.data(), count, static_cast<int>((wait + 999) / 1000)) <= 0) {
            continue;
        }
        if (polled.front().revents != 0) {
            std::uint64_t rung = 0;
            [[maybe_unused]] const ssize_t got = ::read(bell_, &rung, sizeof rung);
        }
        for (std::size_t at = 1; at < count; ++at) {
            if (polled[at].revents != 0 && !of[at]->over) {
                attempt(*of[at], [&] { drive(*of[at]); });
            }
        }
        std::erase_if(active_, is_over);
    }
    active_.clear();
    waiting_.clear();
    names_.reset(); // its threads ring no more
}

/// Does a step of an exchange; what it throws ends that exchange and no other.
template <typename step>
void http_client::attempt(exchange& which, step&& what) noexcept {
    try {
        what();
    } catch (const std::exception&) {
        tell(which);
    }
}

void http_client::take_in() {
    std::list<std::unique_ptr<exchange>> fresh;
    std::vector<std::uint64_t> given_up;
    {
        const std::lock_guard hold(mutex_);
        fresh.swap(incoming_);
        given_up.swap(given_up_);
    }
    waiting_.splice(waiting_.end(), fresh);
    const auto unwanted = [&](const auto& each) {
        const bool gone = std::find(given_up.begin(), given_up.end(), each->id) != given_up.end();
        if (gone && each->ticket != 0) {
            names_->abandon(each->ticket);
        }
        return gone;
    };
    std::erase_if(active_, unwanted);
    std::erase_if(waiting_, unwanted);
}

void http_client::take_names() {
    for (const http_names::answer& found : names_->answers()) {
        for (const auto& each : active_) {
            if (each->ticket != found.ticket) {
                continue;
            }
            each->ticket = 0;
            attempt(*each, [&] {
                if (!found.error.empty()) {
                    fail(*each, "the name " + each->what.url.host + " has no address: " + found.error);
                } else {
                    each->addresses = found.addresses;
                    each->address = 0;
                    open_line(*each);
                }
            });
            break;
        }
    }
}

/// Everything anew: also for where a redirect leads.
void http_client::begin(exchange& which) {
    which.line.reset();
    which.answer.emplace(most_answer, which.what.method == "HEAD");
    which.sent = 0;
    which.attempt_due = 0;
    which.out = which.what.method + " " + which.what.url.path +
                " HTTP/1.1\r\nHost: " + which.what.url.authority() +
                "\r\nConnection: close\r\nAccept-Encoding: identity\r\n";
    if (!find_http_header(which.what.headers, "User-Agent")) {
        which.out += "User-Agent: iomhost\r\n";
    }
    if (!which.what.body.empty() || which.what.method == "POST" || which.what.method == "PUT" ||
        which.what.method == "PATCH") {
        which.out += "Content-Length: " + std::to_string(which.what.body.size()) + "\r\n";
    }
    for (const std::string& each : which.what.headers) {
        which.out += each + "\r\n";
    }
    which.out += "\r\n" + which.what.body;
    which.ticket = names_->ask(which.what.url.host);
}

void http_client::open_line(exchange& which) {
    const time_us now = control_loop::now();
    const auto left = static_cast<time_us>(which.addresses.size() - which.address);
    // Each address gets its share of the time left; the last all of it.
    which.attempt_due = left > 1 ? now + std::max<time_us>(which.deadline - now, 0) / left : 0;
    http_line::target to;
    to.address = which.addresses[which.address];
    to.port = which.what.url.port;
    to.secure = which.what.url.secure;
    to.verify = which.what.verify;
    to.host = which.what.url.host;
    to.authorities = which.what.authorities;
    which.line = std::make_unique<http_line>(to);
    drive(which);
}

void http_client::next_address(exchange& which) {
    ++which.address;
    open_line(which);
}

void http_client::drive(exchange& which) {
    http_line& line = *which.line;
    const auto before = line.now();
    line.proceed();
    if (line.now() == http_line::state::open) {
        which.attempt_due = 0;
        send(which);
        receive(which);
    }
    if (which.over || which.line.get() != &line) {
        return;
    }
    if (line.now() == http_line::state::failed) {
        if (before == http_line::state::connecting && which.address + 1 < which.addresses.size()) {
            next_address(which);
        } else {
            fail(which, line.why());
        }
    } else if (line.now() == http_line::state::ended) {
        if (which.answer->end() == http_answer::state::complete) {
            answered(which);
        } else {
            fail(which, "the server " + which.answer->why());
        }
    }
}

void http_client::send(exchange& which) {
    while (which.writing()) {
        const std::size_t sent = which.line->write(std::string_view(which.out).substr(which.sent, piece));
        if (sent == 0) {
            return;
        }
        which.sent += sent;
    }
}

void http_client::receive(exchange& which) {
    std::array<char, piece> buffer{};
    for (;;) {
        const std::size_t got = which.line->read(buffer.data(), buffer.size());
        if (got == 0) {
            return;
        }
        switch (which.answer->take({buffer.data(), got})) {
        case http_answer::state::reading:
            break;
        case http_answer::state::complete:
            answered(which);
            return;
        case http_answer::state::broken:
            fail(which, "the server " + which.answer->why());
            return;
        }
    }
}

void http_client::answered(exchange& which) {
    const auto location = find_http_header(which.answer->headers(), "Location");
    if (is_redirect(which.answer->status()) && location) {
        redirected(which, *location);
        return;
    }
    http_result result;
    result.answered = true;
    result.status = which.answer->status();
    result.body = std::move(which.answer->body());
    finish(which, std::move(result));
}

void http_client::redirected(exchange& which, std::string_view location) {
    std::string why;
    const auto to = http_url_from(which.what.url, location, why);
    if (!to) {
        return fail(which, "the server redirects to what is no address");
    }
    if (!same_origin(*to, which.what.url)) {
        return fail(which, "the server redirects to " + to->origin() +
                               ", and credentials do not follow to another server. If that is the right one, "
                               "ask it directly");
    }
    if (++which.redirects > most_redirects) {
        return fail(which, "the server redirects again and again; after " + std::to_string(most_redirects) +
                               " it is enough");
    }
    const int status = which.answer->status();
    const bool asks_anew = (status == 303 && which.what.method != "HEAD") ||
                           ((status == 301 || status == 302) && which.what.method == "POST");
    which.what.url = *to;
    if (asks_anew) { // RFC 9110 §15.4
        which.what.method = "GET";
        which.what.body.clear();
        std::erase_if(which.what.headers, [](const std::string& line) { return is_about_body(line); });
    }
    begin(which);
}

void http_client::look_at_time(exchange& which, time_us now) {
    if (which.over) {
        return;
    }
    if (now >= which.deadline) {
        const char* stage = "was waiting for its turn";
        if (which.ticket != 0) {
            stage = "its name was being looked up";
        } else if (which.line != nullptr) {
            switch (which.line->now()) {
            case http_line::state::connecting:
                stage = "the connection was being made";
                break;
            case http_line::state::securing:
                stage = "TLS was being set up";
                break;
            default:
                stage = which.writing()         ? "the request was being sent"
                        : which.answer->begun() ? "the answer was coming in"
                                                : "the server had not answered";
                break;
            }
        }
        return fail(which, std::string("the time was over while ") + stage, true);
    }
    if (which.attempt_due != 0 && now >= which.attempt_due) {
        next_address(which);
    }
}

void http_client::fail(exchange& which, const std::string& what, bool timed_out) {
    http_result result;
    result.timed_out = timed_out;
    result.sentence = which.what.method + " " + which.what.url.origin() + ": " + what + ".";
    finish(which, std::move(result));
}

void http_client::finish(exchange& which, http_result result) noexcept {
    if (!which.over) {
        which.end.front().result = std::move(result);
        tell(which);
    }
}

/// Ends it with what stands in `end`.
void http_client::tell(exchange& which) noexcept {
    if (std::exchange(which.over, true)) {
        return;
    }
    if (which.ticket != 0) {
        names_->abandon(std::exchange(which.ticket, 0));
    }
    which.end.front().result.milliseconds = static_cast<double>(control_loop::now() - which.begun) / 1000.0;
    {
        const std::lock_guard hold(mutex_);
        finished_.splice(finished_.end(), which.end);
    }
    loop_.ask(*this);
}

} // namespace iom::host
