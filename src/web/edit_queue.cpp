#include "web/edit_queue.hpp"

#include <memory>

namespace iom::host::web {

/// Of the one edit that is under way. All that it waits for holds it; where that ends with an exception, the
/// last who lets go of it sees that the others get theirs.
class edit_queue::turn {
public:
    turn(edit_queue& queue, reply to) : queue_(queue), to_(std::move(to)) {}

    ~turn() {
        if (over_) {
            return;
        }
        try {
            queue_.post_([&queue = queue_, to = to_] {
                queue.failed_(to, nullptr);
                queue.busy_ = false;
                queue.next();
            });
        } catch (const std::exception&) {
            return; // no memory to say so either
        }
    }

    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

    void end() {
        if (std::exchange(over_, true)) {
            return;
        }
        queue_.busy_ = false;
        queue_.post_([&queue = queue_] { queue.next(); }); // later, so that many do not stand on each other
    }

private:
    edit_queue& queue_;
    const reply to_;
    bool over_ = false;
};

edit_queue::edit_queue(poster post, apology failed) : post_(std::move(post)), failed_(std::move(failed)) {}

bool edit_queue::add(const reply& to, change run) {
    if (waiting_.size() + (busy_ ? 1 : 0) >= most) {
        return false;
    }
    waiting_.emplace_back(to, std::move(run));
    next();
    return true;
}

void edit_queue::next() {
    if (busy_ || waiting_.empty()) {
        return;
    }
    busy_ = true;
    const auto [to, run] = std::move(waiting_.front());
    waiting_.pop_front();
    const auto mine = std::make_shared<turn>(*this, to);
    try {
        run([mine] { mine->end(); });
    } catch (const std::exception&) {
        failed_(to, std::current_exception());
        mine->end();
    }
}

} // namespace iom::host::web
