#include "events.hpp"

#include <nlohmann/json.hpp>

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace iom::peer {

namespace {

/// A pipe that is ready takes this many bytes without blocking (PIPE_BUF), so longer lines are cut at the
/// source.
constexpr std::size_t longest_line = 4096;
constexpr std::size_t longest_text = 512;

bool ready_to_write() {
    pollfd stderr_ready{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    return poll(&stderr_ready, 1, 0) == 1 && (stderr_ready.revents & POLLOUT) != 0;
}

} // namespace

void events::write(const char* event, const nlohmann::ordered_json& what) {
    if (!ready_to_write()) {
        ++lost_;
        return;
    }
    nlohmann::ordered_json line{{"time", clock_.text(clock_.now())}, {"event", event}};
    for (const auto& [name, value] : what.items()) {
        const auto* text = value.get_ptr<const std::string*>();
        if (text != nullptr && text->size() > longest_text) {
            line[name] = text->substr(0, longest_text) + "…";
        } else {
            line[name] = value;
        }
    }
    if (lost_ > 0) {
        line["lost"] = lost_;
    }
    auto bytes = line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
    if (bytes.size() > longest_line) {
        ++lost_;
        return;
    }
    if (::write(STDERR_FILENO, bytes.data(), bytes.size()) < 0) {
        ++lost_;
    } else {
        lost_ = 0;
    }
}

} // namespace iom::peer
