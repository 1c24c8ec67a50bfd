#pragma once

#include "iom/iom.h"
#include "module/terms.hpp"

#include "websocket_client_ids.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace iom::ws {

/// The values of the status variables, of which the host is told only those that have changed, each once
/// however often it did. The fast ones change with each message and can be told more rarely.
class statuses {
public:
    static constexpr std::size_t longest_text = 4096; ///< bytes of a message in a status

    void set(std::uint32_t id, bool value) { put(id, value); }
    void set(std::uint32_t id, std::int64_t value) { put(id, value); }
    void set(std::uint32_t id, double value) { put(id, value); }
    void set(std::uint32_t id, std::string_view text);
    /// Is posted even if it is the same as before: the time of its change is the news.
    void set_anew(std::uint32_t id, std::string_view text);
    void set_message(std::uint32_t id, std::string_view message, bool binary);
    void add(std::uint32_t id, std::int64_t more);

    [[nodiscard]] bool slow_changed() const;
    [[nodiscard]] bool fast_changed() const;

    void post_slow(const iom_host& host);
    void post_all(const iom_host& host);

private:
    static constexpr std::size_t count = ids::statuses.size() + 1; // numbers begin at 1

    static constexpr std::uint64_t bit(std::uint32_t id) { return std::uint64_t{1} << id; }
    static const std::uint64_t fast; // a bit for each that changes with messages

    struct slot {
        std::variant<std::monostate, bool, std::int64_t, double, std::string> value;
        bool binary = false;
    };

    template <class T>
    void put(std::uint32_t id, T value) {
        auto& at = slots_.at(id).value;
        if (const T* old = std::get_if<T>(&at); old == nullptr || *old != value) {
            at = value;
            changed_ |= bit(id);
        }
    }
    void post(const iom_host& host, std::uint64_t which);

    std::array<slot, count> slots_;
    std::uint64_t changed_ = 0;
};

} // namespace iom::ws
