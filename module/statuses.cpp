#include "module/statuses.hpp"

#include "module/codec.hpp"
#include "module/values.hpp"

#include <algorithm>

namespace iom::ws {

static_assert(std::all_of(ids::statuses.begin(), ids::statuses.end(), [](const ids::row& row) {
    return row.number >= 1 && row.number <= ids::statuses.size();
}));

constexpr std::uint64_t statuses::fast =
    bit(ids::status::last_sent) | bit(ids::status::last_received) | bit(ids::status::messages_sent) |
    bit(ids::status::messages_received) | bit(ids::status::bytes_sent) | bit(ids::status::bytes_received) |
    bit(ids::status::queue_depth) | bit(ids::status::messages_dropped) | bit(ids::status::unconfirmed);

bool statuses::slow_changed() const {
    return (changed_ & ~fast) != 0;
}

bool statuses::fast_changed() const {
    return (changed_ & fast) != 0;
}

void statuses::post_slow(const iom_host& host) {
    post(host, changed_ & ~fast);
}

void statuses::post_all(const iom_host& host) {
    post(host, changed_);
}

void statuses::set(std::uint32_t id, std::string_view text) {
    auto& at = slots_.at(id).value;
    if (auto* old = std::get_if<std::string>(&at)) {
        if (*old == text) {
            return;
        }
        old->assign(text); // keeps its memory
    } else {
        at = std::string(text);
    }
    changed_ |= bit(id);
}

void statuses::set_anew(std::uint32_t id, std::string_view text) {
    set(id, text);
    changed_ |= bit(id);
}

void statuses::set_message(std::uint32_t id, std::string_view message, bool binary) {
    const std::string_view shown = binary ? message.substr(0, longest_text) : cut_text(message, longest_text);
    slot& at = slots_.at(id);
    if (auto* old = std::get_if<std::string>(&at.value)) {
        old->assign(shown);
    } else {
        at.value = std::string(shown);
    }
    at.binary = binary;
    // The same message again is news: the time of its change is.
    changed_ |= bit(id);
}

void statuses::add(std::uint32_t id, std::int64_t more) {
    const std::int64_t* now = std::get_if<std::int64_t>(&slots_.at(id).value);
    put(id, (now == nullptr ? 0 : *now) + more);
}

void statuses::post(const iom_host& host, std::uint64_t which) {
    if (which == 0) {
        return;
    }
    std::array<iom_value, count> values{};
    std::size_t size = 0;
    for (std::uint32_t id = 1; id < count; ++id) {
        if ((which & bit(id)) == 0) {
            continue;
        }
        const slot& at = slots_[id];
        iom_value& to = values[size];
        if (const bool* boolean = std::get_if<bool>(&at.value)) {
            to = bool_value(id, *boolean);
        } else if (const std::int64_t* integer = std::get_if<std::int64_t>(&at.value)) {
            to = int_value(id, *integer);
        } else if (const double* real = std::get_if<double>(&at.value)) {
            to = real_value(id, *real);
        } else if (const std::string* text = std::get_if<std::string>(&at.value)) {
            to = message_value(id, *text, at.binary);
        } else {
            continue;
        }
        ++size;
    }
    changed_ &= ~which;
    host.status(&host, values.data(), size);
}

} // namespace iom::ws
