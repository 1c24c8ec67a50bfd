#include "signals.hpp"

#include <cerrno>
#include <csignal>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>

namespace iom::host {

signals::signals(std::initializer_list<int> taken) {
    sigset_t set;
    sigemptyset(&set);
    for (const int each : taken) {
        sigaddset(&set, each);
    }
    // A peer that has gone, and a file that may not grow, are told by the write itself.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    descriptor_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor_ < 0) {
        throw std::system_error(errno, std::generic_category(), "signals cannot be taken");
    }
}

signals::~signals() {
    close(descriptor_);
}

int signals::take() {
    signalfd_siginfo info{};
    for (;;) {
        const ssize_t got = read(descriptor_, &info, sizeof info);
        if (got == static_cast<ssize_t>(sizeof info)) {
            return static_cast<int>(info.ssi_signo);
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        return 0;
    }
}

} // namespace iom::host
