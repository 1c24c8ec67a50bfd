#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace iom::host {

/// Names to addresses without blocking who asks: each look-up has a detached thread of its own, honours the
/// hosts file like any program does, and is left alone when its answer comes too late. Only ask() throws.
class http_names {
public:
    struct answer {
        std::uint64_t ticket = 0;
        std::string error;                  ///< in words; empty if there are addresses
        std::vector<std::string> addresses; ///< numeric, in the order to try
    };
    /// Turns a name into addresses and may block; the ticket of its answer is not looked at.
    using look_up = std::function<answer(const std::string& name)>;

    static constexpr std::size_t most_threads = 16;

    /// `ring` is called on any thread when answers() has something; never after the destructor.
    explicit http_names(std::function<void()> ring, look_up how = system_look_up);
    ~http_names();
    http_names(const http_names&) = delete;
    http_names& operator=(const http_names&) = delete;

    /// Asks for a name, or an address in digits. Where all threads are taken the name waits for one.
    std::uint64_t ask(const std::string& name);

    /// The answer to this ticket is no longer wanted.
    void abandon(std::uint64_t ticket);

    /// What has come since the last call.
    std::list<answer> answers() noexcept;

    static answer system_look_up(const std::string& name);

private:
    struct office;
    static void start(const std::shared_ptr<office>& shared);
    static void work(const std::shared_ptr<office>& shared);

    std::shared_ptr<office> office_; ///< also held by the threads, which may outlive this object
};

} // namespace iom::host
