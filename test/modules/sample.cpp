#include "sample.hpp"

#include "iom/match.h"
#include "iom/text.h"

namespace iom::test {

sample::sample(const iom_host* host) : host_(host) {}

std::uint32_t sample::refuse(std::uint32_t result, std::string sentence, iom_text* why) {
    why_ = std::move(sentence);
    *why = text_of(why_);
    return result;
}

std::uint32_t sample::set(std::span<const iom_value> settings, iom_text* why) {
    std::string title;
    std::string greeting;
    std::string key;
    std::uint32_t match = 0;
    for (const iom_value& each : settings) {
        const bool is_text = each.kind == IOM_TEXT;
        const std::string text = is_text ? std::string(each.as.text.data, each.as.text.size) : std::string();
        switch (each.id) {
        case ids::setting::title:
            title = text;
            break;
        case ids::setting::greeting:
            greeting = text;
            break;
        case ids::setting::key:
            key = text;
            break;
        case ids::setting::pace:
            if (each.kind != IOM_INT || each.as.integer < 0 || each.as.integer > 10) {
                return refuse(IOM_SETTING, "Pace takes a whole number from 0 to 10.", why);
            }
            continue;
        case ids::setting::ready_match:
            if (each.kind != IOM_MATCH) {
                return refuse(IOM_SETTING, "Ready when takes a match.", why);
            }
            match = each.as.match;
            continue;
        default:
            return refuse(IOM_SETTING, "There is no setting " + std::to_string(each.id) + ".", why);
        }
        if (!is_text) {
            return refuse(IOM_SETTING, "Setting " + std::to_string(each.id) + " takes a text.", why);
        }
    }
    if (title.empty() || title == "bad") {
        return refuse(IOM_SETTING, "Title must be there and must not be \"bad\".", why);
    }
    if (running_ && (title != title_ || greeting != greeting_ || key != key_ || match != match_)) {
        return IOM_RESTART;
    }
    title_ = title;
    greeting_ = greeting;
    key_ = key;
    match_ = match;
    return IOM_OK;
}

std::uint32_t sample::start(iom_text* why) {
    if (title_.empty()) {
        return refuse(IOM_STATE, "It has no settings yet.", why);
    }
    running_ = true;
    stopping_ = false;
    told_start_ = false;
    ++starts_;
    if (!key_.empty()) {
        log(IOM_LOG_INFO, "the key is " + expand(key_));
    }
    wake();
    return IOM_OK;
}

std::string sample::expand(const std::string& written) {
    const auto* const texts = static_cast<const iom_text_host*>(host_->extension(host_, IOM_TEXT_EXTENSION));
    iom_text expanded{nullptr, 0};
    if (texts == nullptr) {
        return written;
    }
    texts->expand(host_, text_of(written), &expanded);
    return {expanded.data, expanded.size};
}

std::uint32_t sample::invoke(std::uint64_t call, std::uint32_t action, std::span<const iom_value> arguments,
                             iom_text* why) {
    switch (action) {
    case ids::action::say:
        if (arguments.size() != 1 || arguments[0].kind != IOM_TEXT) {
            return refuse(IOM_ARGUMENT, "Say takes one message.", why);
        }
        messages_.emplace_back(arguments[0].as.text.data, arguments[0].as.text.size);
        break;
    case ids::action::fail:
        break;
    case ids::action::keep:
        kept_.push_back(call);
        return IOM_OK;
    case ids::action::refuse:
        return refuse(IOM_OFFLINE, "It always refuses.", why);
    default:
        return refuse(IOM_ARGUMENT, "There is no action " + std::to_string(action) + ".", why);
    }
    calls_.emplace_back(call, action);
    wake();
    return IOM_OK;
}

void sample::say(const std::string& message) {
    ++count_;
    iom_value content = value_of(ids::variable::said::message, message);
    bool ready = false;
    if (match_ != 0) {
        const auto* const matches =
            static_cast<const iom_match_host*>(host_->extension(host_, IOM_MATCH_EXTENSION));
        ready = matches != nullptr && matches->capture(host_, match_, &content) == 1;
    }
    const iom_value variables[] = {content, value_of(ids::variable::said::ready, ready)};
    host_->trigger(host_, ids::trigger::said, variables, 2);
}

std::uint32_t sample::service() {
    if (!told_start_) {
        told_start_ = true;
        const std::string greeting = expand(greeting_);
        const iom_value statuses[] = {value_of(ids::status::state, "running"),
                                      value_of(ids::status::greeting, greeting),
                                      value_of(ids::status::starts, starts_)};
        host_->status(host_, statuses, 3);
        const iom_value title = value_of(ids::variable::started::title, title_);
        host_->trigger(host_, ids::trigger::started, &title, 1);
    }
    constexpr int batch = 16;
    for (int each = 0; each < batch && !calls_.empty(); ++each) {
        const auto [call, action] = calls_.front();
        calls_.pop_front();
        if (action == ids::action::say) {
            const std::string message = messages_.front();
            messages_.pop_front();
            say(message);
            done(call, IOM_DONE, {});
        } else {
            done(call, IOM_GIVEN_UP, "It always fails.");
        }
    }
    post(value_of(ids::status::count, count_));
    if (!calls_.empty()) {
        return IOM_MORE;
    }
    if (stopping_) {
        for (const std::uint64_t each : kept_) {
            done(each, IOM_GIVEN_UP, "The instance stops.");
        }
        kept_.clear();
        post(value_of(ids::status::state, "idle"));
        running_ = false;
        return IOM_STOPPED;
    }
    return 0;
}

void sample::stop() {
    stopping_ = true;
    wake();
}

} // namespace iom::test
