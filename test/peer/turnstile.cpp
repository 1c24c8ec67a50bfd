#include "turnstile.hpp"

namespace iom::peer {

turnstile::turn::~turn() {
    if (owner_ != nullptr) {
        owner_->busy_ = false;
        owner_->line_.cancel_one();
    }
}

turnstile::turnstile(const executor& where) : line_{where} {
    line_.expires_at(timer::time_point::max());
}

task<turnstile::turn> turnstile::enter() {
    while (busy_) {
        error_code called;
        co_await line_.async_wait(into(called));
    }
    co_return take();
}

turnstile::turn turnstile::take() {
    busy_ = true;
    return turn{*this};
}

} // namespace iom::peer
