#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace iom::host::web {

/// A thread for what is slow on purpose; one thing at a time, and few that wait.
class worker {
public:
    static constexpr std::size_t most = 4;

    worker();
    ~worker(); ///< what waits is forgotten, what is under way is waited for

    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    /// False if too much waits already. [any thread]
    bool ask(std::function<void()> what);
    /// The next step of something that was let in already: it is never refused, and goes first. [any thread]
    void follow(std::function<void()> what);

private:
    void work();
    std::mutex mutex_;
    std::condition_variable wakes_;
    std::deque<std::function<void()>> waiting_;
    bool ending_ = false;
    std::thread thread_;
};

} // namespace iom::host::web
