#include "web/book.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace iom::host::web {
namespace {

constexpr std::size_t overhead = sizeof(line);

std::int64_t milliseconds(std::chrono::system_clock::time_point when) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
}

bool take(std::string_view& from, std::string_view what) {
    if (!from.starts_with(what)) {
        return false;
    }
    from.remove_prefix(what.size());
    return true;
}

std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        unsigned code = 0;
        if (text.substr(at).starts_with("\\\\")) {
            out += '\\';
            ++at;
        } else if (text.substr(at).starts_with("\\x") && at + 4 <= text.size() &&
                   std::from_chars(text.data() + at + 2, text.data() + at + 4, code, 16).ptr ==
                       text.data() + at + 4) {
            out += static_cast<char>(code);
            at += 3;
        } else {
            out += text[at];
        }
    }
    return out;
}

} // namespace

log_record record_of(const line& of) {
    log_record made;
    made.time = std::chrono::system_clock::time_point(std::chrono::milliseconds(of.time));
    made.level = of.level;
    made.instance = of.instance;
    made.rule = of.rule;
    made.message = of.text;
    return made;
}

std::optional<frame_words> read_frame(std::string_view text) {
    frame_words made;
    made.in = take(text, "in  ");
    if (!made.in && !take(text, "out ")) {
        return std::nullopt;
    }
    const std::size_t blank = text.find(' ');
    if (blank == std::string_view::npos) {
        return std::nullopt;
    }
    made.opcode = text.substr(0, blank);
    text.remove_prefix(blank + 1);
    made.fin = take(text, "fin ");
    if (!made.fin && !take(text, "more ")) {
        return std::nullopt;
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), made.length);
    if (error != std::errc()) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!take(text, " bytes") && !take(text, " byte")) {
        return std::nullopt;
    }
    if (!take(text, ": ")) {
        return made;
    }
    if (text.ends_with(" ...")) {
        made.cut = true;
        text.remove_suffix(4);
    }
    // Hex is two digits for each byte; a text that looks so by chance reads the same.
    made.hex = made.opcode != "text" && text.size() % 2 == 0 &&
               (made.cut || text.size() == 2 * made.length) &&
               text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    made.payload = made.hex ? std::string(text) : unescaped(text);
    return made;
}

void book::shelf::add(line what) {
    bytes += what.text.size() + overhead;
    lines.push_back(std::move(what));
    while (bytes > most_bytes || lines.size() > most_lines) {
        bytes -= lines.front().text.size() + overhead;
        dropped = lines.front().number;
        lines.pop_front();
    }
}

void book::keep(const log_record& what) {
    line made{0,
              milliseconds(what.time),
              what.level,
              std::string(what.instance),
              std::string(what.rule),
              std::string(what.message.substr(0, most_bytes / 4))};
    const bool frame = what.level == log_level::frame && read_frame(what.message.substr(0, 64)).has_value();
    const std::lock_guard lock(mutex_);
    made.number = ++last_;
    (frame ? frames_ : lines_).add(std::move(made));
    if (expected_ && tell_) {
        expected_ = false;
        tell_();
    }
}

void book::tell(std::function<void()> how) {
    const std::lock_guard lock(mutex_);
    tell_ = std::move(how);
}

std::uint64_t book::last() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

void book::expect() {
    const std::lock_guard lock(mutex_);
    expected_ = true;
}

book::page book::newest(std::size_t most, std::uint64_t before, bool frames_only, const passes& which) const {
    page found;
    const std::lock_guard lock(mutex_);
    found.last = last_;
    auto frame = frames_.lines.rbegin();
    auto other = frames_only ? lines_.lines.rend() : lines_.lines.rbegin();
    while (frame != frames_.lines.rend() || other != lines_.lines.rend()) {
        const bool from_frames =
            other == lines_.lines.rend() || (frame != frames_.lines.rend() && frame->number > other->number);
        const line& one = from_frames ? *frame++ : *other++;
        if (one.number >= before || !which(one)) {
            continue;
        }
        if (found.lines.size() == most) {
            found.more = true;
            break;
        }
        found.lines.push_back(one);
    }
    std::reverse(found.lines.begin(), found.lines.end());
    return found;
}

book::page book::after(std::uint64_t number, std::size_t most, bool frames_only, const passes& which) const {
    page found;
    const std::lock_guard lock(mutex_);
    found.last = last_;
    auto frame = frames_.lines.rbegin();
    auto other = frames_only ? lines_.lines.rend() : lines_.lines.rbegin();
    for (;;) {
        const bool frames_left = frame != frames_.lines.rend() && frame->number > number;
        const bool others_left = other != lines_.lines.rend() && other->number > number;
        if (!frames_left && !others_left) {
            break;
        }
        const bool from_frames = !others_left || (frames_left && frame->number > other->number);
        const line& one = from_frames ? *frame++ : *other++;
        if (!which(one)) {
            continue;
        }
        if (found.lines.size() == most) {
            ++found.skipped;
        } else {
            found.lines.push_back(one);
        }
    }
    // What has fallen out cannot be asked whether it would have passed.
    const auto gone = [&](const shelf& from) {
        return from.dropped > number ? from.dropped - number : std::uint64_t{0};
    };
    found.skipped += std::max(gone(frames_), frames_only ? 0 : gone(lines_));
    std::reverse(found.lines.begin(), found.lines.end());
    return found;
}

} // namespace iom::host::web
