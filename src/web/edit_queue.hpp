#pragma once

#include "web/exchange.hpp"

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <utility>

namespace iom::host::web {

/// Edits of the project, one after the other: each goes over several threads, and the next begins upon what
/// it has made. On one thread, but for what `post` says.
class edit_queue {
public:
    static constexpr std::size_t most = 32; ///< with the one under way

    using change = std::function<void(std::function<void()> done)>;
    /// Runs something later, on the queue's thread. [any thread]
    using poster = std::function<void(std::function<void()>)>;
    /// Answers for an edit that threw, or (no exception) that let go of its turn without an answer.
    using apology = std::function<void(const reply& to, std::exception_ptr why)>;

    /// The queue outlives every `done` that it gave.
    edit_queue(poster post, apology failed);

    /// False if too many wait. `run` is called in its turn, with what it calls once it has answered; `to` is
    /// for apologies alone.
    [[nodiscard]] bool add(const reply& to, change run);

private:
    class turn;
    void next();

    const poster post_;
    const apology failed_;
    std::deque<std::pair<reply, change>> waiting_;
    bool busy_ = false;
};

} // namespace iom::host::web
