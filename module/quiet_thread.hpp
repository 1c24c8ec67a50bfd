#pragma once

#include <csignal>
#include <thread>
#include <utility>

namespace iom::ws {

/// A thread that takes no signal: those are the host's, and its own threads are to get them. Throws
/// std::system_error where no thread can be had.
template <typename Work>
std::thread quiet_thread(Work&& work) {
    struct mask {
        sigset_t before{};
        mask() {
            sigset_t all;
            sigfillset(&all);
            pthread_sigmask(SIG_SETMASK, &all, &before);
        }
        ~mask() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
        mask(const mask&) = delete;
        mask& operator=(const mask&) = delete;
    };
    const mask held;
    return std::thread(std::forward<Work>(work));
}

} // namespace iom::ws
