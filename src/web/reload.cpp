// How the project comes into use again: read and compiled where no rule waits for it; [control] only
// exchanges what is at work.

#include "web/body.hpp"

namespace iom::host::web {

/// One reload on its way from thread to thread.
struct web::body::reloading {
    std::function<void(bool)> then;
    std::shared_ptr<const std::string> text;
    int tries = 0;
    runtime::candidate next;
    runtime::reloaded said = runtime::reloaded::refused;
};

void web::body::reload_project(std::function<void(bool)> then, std::shared_ptr<const std::string> text) {
    auto one = std::make_shared<reloading>();
    one->then = std::move(then);
    one->text = std::move(text);
    begin_reload(one);
}

void web::body::begin_reload(const std::shared_ptr<reloading>& one) {
    const bool taken = post_control(
        [one](desk& at) {
            one->next = at.controller().begin_reload();
            return false;
        },
        [this, one] {
            worker_->follow([this, one] {
                try {
                    controller_.prepare(one->next, one->text);
                } catch (const std::exception& error) {
                    failed(error.what());
                    server_->post([one] { one->then(false); });
                    return;
                }
                finish_reload(one);
            });
        });
    if (!taken) {
        one->then(false);
    }
}

void web::body::finish_reload(const std::shared_ptr<reloading>& one) {
    const bool taken = post_control(
        [one](desk& at) {
            if (at.controller().judge_some(one->next)) {
                return true;
            }
            one->said = at.controller().finish_reload(one->next);
            return false;
        },
        [this, one] {
            // What was in use before is a lot, and ends where nobody waits for it.
            worker_->follow([old = std::make_shared<runtime::candidate>(std::move(one->next))] {});
            constexpr int most_tries = 3;
            if (one->said == runtime::reloaded::outdated && ++one->tries < most_tries) {
                one->text.reset(); // whoever was quicker may have read another file
                begin_reload(one);
                return;
            }
            pump();
            one->then(one->said == runtime::reloaded::done);
        });
    if (!taken) {
        server_->post([one] { one->then(false); });
    }
}

} // namespace iom::host::web
