#include "web/worker.hpp"

#include <csignal>
#include <exception>
#include <pthread.h>
#include <utility>

namespace iom::host::web {

worker::worker() : thread_([this] { work(); }) {
    pthread_setname_np(thread_.native_handle(), "web-slow");
}

worker::~worker() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wakes_.notify_one();
    thread_.join();
}

bool worker::ask(std::function<void()> what) {
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() >= most) {
            return false;
        }
        waiting_.push_back(std::move(what));
    }
    wakes_.notify_one();
    return true;
}

void worker::follow(std::function<void()> what) {
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_front(std::move(what));
    }
    wakes_.notify_one();
}

void worker::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wakes_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
        if (ending_) {
            return;
        }
        const std::function<void()> what = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        try {
            what();
        } catch (const std::exception&) { // not even memory to say so: the controller goes on
        }
        lock.lock();
    }
}

} // namespace iom::host::web
