#pragma once

#include "http/names.hpp"
#include "http/url.hpp"
#include "loop.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace iom::host {

struct http_request {
    std::string method; ///< GET, POST …
    http_url url;
    std::vector<std::string> headers; ///< "Name: value", each judged
    std::string body;
    time_us timeout = 10 * one_second; ///< over everything, redirects too
    bool verify = true;                ///< the server's certificate
    std::string authorities;           ///< PEM file; empty: the system's store
};

/// How a request ended: with an answer of whatever status, or with a sentence.
struct http_result {
    bool answered = false;
    bool timed_out = false;
    int status = 0;
    std::string body;
    double milliseconds = 0;
    std::string sentence;
};

/// Makes HTTP requests off the loop, in one thread of its own that the first request starts. Bounded: so many
/// at once, so many more that wait, so large an answer, one deadline over each. Proxies of the environment
/// are not used, cookies are not kept, and a redirect is followed only to the same scheme, host and port.
/// What throws there, as for want of memory, ends the one request that it happened to.
class http_client final : private serviced_by_loop {
public:
    static constexpr std::size_t most_at_once = 16;
    static constexpr std::size_t most_waiting = 64;
    static constexpr std::size_t most_answer = std::size_t{1} << 20; ///< bytes of a body
    static constexpr unsigned most_redirects = 5;

    using ending = std::function<void(http_result)>;

    explicit http_client(control_loop& loop, http_names::look_up how = http_names::system_look_up);
    ~http_client() override; ///< what is still open is never told
    http_client(const http_client&) = delete;
    http_client& operator=(const http_client&) = delete;

    /// Begins a request; `then` is called exactly once, in a later turn of the loop. False, with a sentence,
    /// if too many are open already. [control]
    bool ask(http_request what, ending then, std::string& why);

    /// Ends all that is open, with this sentence. [control]
    void give_up(const std::string& sentence);

    [[nodiscard]] std::size_t open() const noexcept { return open_.size(); }

private:
    struct exchange;
    struct outcome {
        std::uint64_t id = 0;
        http_result result;
    };

    bool service_batch() override;
    void ring() noexcept;
    void work();
    void take_in();
    void take_names();
    template <typename step>
    void attempt(exchange& which, step&& what) noexcept;
    void begin(exchange& which);
    void next_address(exchange& which);
    void open_line(exchange& which);
    void drive(exchange& which);
    void send(exchange& which);
    void receive(exchange& which);
    void answered(exchange& which);
    void redirected(exchange& which, std::string_view location);
    void fail(exchange& which, const std::string& what, bool timed_out = false);
    void finish(exchange& which, http_result result) noexcept;
    void tell(exchange& which) noexcept;
    void look_at_time(exchange& which, time_us now);

    control_loop& loop_;
    const http_names::look_up how_;
    int bell_ = -1;

    // [control]
    std::map<std::uint64_t, ending> open_;
    std::uint64_t last_ = 0;

    std::mutex mutex_; // guards what both threads touch
    // Lists, whose nodes are made on [control] and only pass through the thread: it needs no memory for them.
    std::list<std::unique_ptr<exchange>> incoming_;
    std::vector<std::uint64_t> given_up_;
    std::list<outcome> finished_;
    std::atomic<bool> ending_{false};

    // The thread's own, once it runs.
    std::unique_ptr<http_names> names_;
    std::list<std::unique_ptr<exchange>> active_;
    std::list<std::unique_ptr<exchange>> waiting_;

    std::thread thread_;
};

} // namespace iom::host
