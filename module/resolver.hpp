#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// Names to addresses, without ever blocking the thread that asks: each look-up has a detached thread of its
/// own, which honours the hosts file like any program does, and is left alone when its answer comes too late.
namespace iom::ws {

struct resolution {
    std::uint64_t ticket = 0;
    std::string error;                  ///< empty, or "EAI_NONAME", "EAI_AGAIN" ...
    std::vector<std::string> addresses; ///< numeric, in the order to try: the kinds take turns
};

class resolver {
public:
    /// Turns a name into addresses and may block; the ticket of its answer is not looked at.
    using look_up = std::function<resolution(const std::string& name)>;

    static constexpr std::size_t most_threads = 16;
    /// Of these, for names whose last look-up was abandoned, and for those that were never answered yet.
    static constexpr std::size_t most_doubtful = 12;

    /// `ring` is called on any thread when answers() has something; never after the destructor.
    /// A second asker joins a look-up of the same name only while it is `young`: one that hangs on a dead
    /// name server must not keep a fresh one from seeing a changed hosts file.
    explicit resolver(std::function<void()> ring, look_up how = system_look_up,
                      std::chrono::nanoseconds young = std::chrono::seconds(2));
    ~resolver();
    resolver(const resolver&) = delete;
    resolver& operator=(const resolver&) = delete;

    /// Asks for a name, or an address in digits; the answer bears the ticket returned. Where all threads
    /// are taken the name waits for one. Throws std::system_error where no thread can be had.
    std::uint64_t ask(const std::string& name);

    /// Whether this ticket still waits for a thread.
    [[nodiscard]] bool waits(std::uint64_t ticket) const;

    /// The answer to this ticket is no longer wanted.
    void abandon(std::uint64_t ticket);

    /// The answers that have come since the last call.
    std::vector<resolution> answers();

    /// getaddrinfo.
    static resolution system_look_up(const std::string& name);

private:
    struct office;

    static void work(const std::shared_ptr<office>& shared, std::uint64_t run);
    static void start(const std::shared_ptr<office>& shared, std::uint64_t run);

    std::shared_ptr<office> office_; ///< also held by the threads, which may outlive the resolver
};

/// The addresses of both kinds in turns, beginning with the kind of the first, order kept within each.
std::vector<std::string> take_turns(const std::vector<std::string>& addresses);

} // namespace iom::ws
