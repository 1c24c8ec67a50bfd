#include "log.hpp"

#include "value.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace iom::host {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_escaped(std::string& out, std::string_view text, bool json) {
    while (!text.empty()) {
        const char each = text.front();
        const auto byte = static_cast<unsigned char>(each);
        if (byte >= 0x80) {
            const std::size_t length = utf8_length(text);
            // U+0080 to U+009F are control characters too; a terminal may act on them.
            const bool control = length == 2 && byte == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
            if (length == 0) {
                out += "\xEF\xBF\xBD";
                text.remove_prefix(1);
            } else if (control) {
                out += "\\u00";
                out += hex_digits[static_cast<unsigned char>(text[1]) >> 4U];
                out += hex_digits[static_cast<unsigned char>(text[1]) & 15U];
                text.remove_prefix(2);
            } else {
                out += text.substr(0, length);
                text.remove_prefix(length);
            }
            continue;
        }
        text.remove_prefix(1);
        if (each == '\n') {
            out += "\\n";
        } else if (each == '\r') {
            out += "\\r";
        } else if (each == '\t') {
            out += "\\t";
        } else if (byte < 0x20 || byte == 0x7F) {
            out += "\\u00";
            out += hex_digits[byte >> 4U];
            out += hex_digits[byte & 15U];
        } else if (json && (each == '"' || each == '\\')) {
            out += '\\';
            out += each;
        } else {
            out += each;
        }
    }
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
    if (out.size() > 1) {
        out += ',';
    }
    out += '"';
    out += name;
    out += "\":\"";
    append_escaped(out, value, true);
    out += '"';
}

std::chrono::milliseconds left_until(std::chrono::steady_clock::time_point end) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
}

} // namespace

std::optional<log_level> parse_log_level(std::string_view written) {
    for (const log_level each :
         {log_level::error, log_level::warning, log_level::info, log_level::debug, log_level::frame}) {
        if (to_string(each) == written) {
            return each;
        }
    }
    return std::nullopt;
}

std::string_view to_string(log_level level) {
    switch (level) {
    case log_level::error:
        return "error";
    case log_level::warning:
        return "warning";
    case log_level::info:
        return "info";
    case log_level::debug:
        return "debug";
    case log_level::frame:
        return "frame";
    }
    return "info";
}

std::string format_time(std::chrono::system_clock::time_point when) {
    const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(when);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(milliseconds);
    const std::time_t time = std::chrono::system_clock::to_time_t(seconds);
    std::tm parts{};
    gmtime_r(&time, &parts);
    char text[64];
    const int size =
        std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                      parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                      static_cast<int>((milliseconds - seconds).count()));
    return std::string(text, static_cast<std::size_t>(size));
}

std::string format_record(const log_record& record, log_format format) {
    std::string out;
    if (format == log_format::json) {
        out += '{';
        append_member(out, "time", format_time(record.time));
        append_member(out, "level", to_string(record.level));
        if (!record.instance.empty()) {
            append_member(out, "instance", record.instance);
        }
        if (!record.rule.empty()) {
            append_member(out, "rule", record.rule);
        }
        append_member(out, "message", record.message);
        out += "}\n";
        return out;
    }
    out += format_time(record.time);
    out += ' ';
    out += to_string(record.level);
    out.append(8 - to_string(record.level).size(), ' ');
    if (!record.instance.empty()) {
        append_escaped(out, record.instance, false);
        out += ": ";
    }
    if (!record.rule.empty()) {
        out += "rule \"";
        append_escaped(out, record.rule, false);
        out += "\": ";
    }
    append_escaped(out, record.message, false);
    out += '\n';
    return out;
}

log::log(log_options options, const redactor& secrets) : options_(std::move(options)), secrets_(secrets) {
    writer_ = std::thread([this] { work(); });
    pthread_setname_np(writer_.native_handle(), "log");
}

log::~log() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wakes_writer_.notify_one();
    writer_.join();
    if (file_ >= 0) {
        close(file_);
    }
}

void log::write(log_level level, std::string_view source, std::string_view message) {
    if (wants(level)) {
        queue({std::chrono::system_clock::now(), level, source, {}, message});
    }
}

void log::write_rule(log_level level, std::string_view rule, std::string_view message) {
    if (wants(level)) {
        queue({std::chrono::system_clock::now(), level, {}, rule, message});
    }
}

void log::write_module(log_level level, std::string_view instance, std::string_view message) {
    if (level <= options_.level.value_or(log_level::frame)) {
        queue({std::chrono::system_clock::now(), level, instance, {}, message});
    }
}

void log::queue(log_record record) {
    // A frame whose payload was cut: the cut may have left a part of a secret.
    constexpr std::string_view cut = " ...";
    constexpr std::string_view before_payload = ": ";
    std::string clean;
    if (record.level == log_level::frame && record.message.ends_with(cut)) {
        record.message.remove_suffix(cut.size());
        const std::size_t head = record.message.find(before_payload);
        const std::size_t begin = head == record.message.npos ? 0 : head + before_payload.size();
        clean = secrets_.redact(record.message.substr(0, begin));
        clean += secrets_.redact_cut(record.message.substr(begin));
        clean += cut;
    } else {
        clean = secrets_.redact(record.message);
    }
    record.message = clean;
    if (keeper_ != nullptr) {
        keeper_->keep(record);
    }
    const std::string line = format_record(record, options_.format);
    {
        const std::lock_guard lock(mutex_);
        if (pending_.size() + line.size() > options_.queue) {
            ++dropped_;
            return;
        }
        pending_ += line;
    }
    wakes_writer_.notify_one();
}

std::uint64_t log::dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
}

void log::flush(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    wakes_flush_.wait_for(lock, most, [&] { return pending_.empty() && !writing_; });
}

void log::work() {
    std::string lines;
    std::uint64_t told = 0;
    std::optional<std::chrono::steady_clock::time_point> end;
    std::unique_lock lock(mutex_);
    for (;;) {
        wakes_writer_.wait(lock, [&] { return ending_ || !pending_.empty(); });
        if (pending_.empty()) {
            return;
        }
        if (ending_ && !end) {
            end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
        }
        if (end && left_until(*end).count() <= 0) {
            return;
        }
        std::swap(lines, pending_);
        writing_ = true;
        const std::uint64_t missing = std::exchange(told, dropped_);
        if (dropped_ > missing) {
            lines += format_record({std::chrono::system_clock::now(),
                                    log_level::warning,
                                    {},
                                    {},
                                    std::to_string(dropped_ - missing) +
                                        " lines of the log were dropped, because they were not read as fast "
                                        "as they came"},
                                   options_.format);
        }
        lock.unlock();
        if (!options_.folder.empty()) {
            write_file(lines);
        }
        const std::size_t lost = write_stderr(lines);
        lines.clear();
        if (lines.capacity() > (std::size_t{1} << 18U)) {
            lines.shrink_to_fit();
        }
        lock.lock();
        dropped_ += lost;
        writing_ = false;
        wakes_flush_.notify_all();
    }
}

std::size_t log::write_stderr(std::string_view lines) {
    // A pipe that polls writable takes this much without blocking (POSIX, PIPE_BUF).
    constexpr std::size_t piece = 4096;
    bool within_line = !rest_.empty();
    std::string whole;
    if (!rest_.empty() || !file_note_.empty()) {
        whole = std::exchange(rest_, {}) + std::exchange(file_note_, {});
        whole += lines;
        lines = whole;
    }
    while (!lines.empty()) {
        pollfd waits{options_.descriptor, POLLOUT, 0};
        const int ready = poll(&waits, 1, static_cast<int>(options_.patience.count()));
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        ssize_t written = -1;
        if (ready > 0) {
            const std::string_view part = lines.substr(0, piece);
            written = ::write(options_.descriptor, part.data(), part.size());
            if (written < 0 && errno == EINTR) {
                continue;
            }
        }
        if (written <= 0) {
            break;
        }
        within_line = lines[static_cast<std::size_t>(written) - 1] != '\n';
        lines.remove_prefix(static_cast<std::size_t>(written));
    }
    if (lines.empty()) {
        return 0;
    }
    // Nobody reads. A line that was begun is ended later, the others of this batch are given up.
    const std::size_t begun = within_line ? lines.find('\n') + 1 : 0;
    rest_ = lines.substr(0, begun);
    std::size_t lost = 0;
    for (const char each : lines.substr(begun)) {
        lost += each == '\n' ? 1U : 0U;
    }
    return lost;
}

void log::open_file() {
    std::error_code error;
    std::filesystem::create_directories(options_.folder, error);
    const std::filesystem::path path = options_.folder / "iomhost.log";
    file_ = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (file_ < 0) {
        say_file_trouble("opened", errno);
        return;
    }
    struct stat facts {};
    file_size_ = fstat(file_, &facts) == 0 ? static_cast<std::size_t>(facts.st_size) : 0;
}

void log::rotate() {
    close(std::exchange(file_, -1));
    const auto name = [&](int number) {
        return options_.folder /
               (number == 0 ? std::string("iomhost.log") : "iomhost.log." + std::to_string(number));
    };
    std::error_code ignored; // a file that is not there yet
    for (int number = options_.kept; number > 0; --number) {
        std::filesystem::rename(name(number - 1), name(number), ignored);
    }
}

void log::write_file(std::string_view lines) {
    if (file_ >= 0 && file_size_ > 0 && file_size_ + lines.size() > options_.rotate) {
        rotate();
    }
    if (file_ < 0) {
        open_file();
    }
    while (file_ >= 0 && !lines.empty()) {
        const ssize_t written = ::write(file_, lines.data(), lines.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            say_file_trouble("written", errno);
            return;
        }
        file_trouble_ = false;
        file_size_ += static_cast<std::size_t>(written);
        lines.remove_prefix(static_cast<std::size_t>(written));
    }
}

void log::say_file_trouble(const char* what, int error) {
    if (std::exchange(file_trouble_, true)) {
        return;
    }
    file_note_ =
        format_record({std::chrono::system_clock::now(),
                       log_level::error,
                       {},
                       {},
                       "the log file " + (options_.folder / "iomhost.log").string() + " cannot be " + what +
                           ": " + std::strerror(error) + "; lines go to stderr alone until it can"},
                      options_.format);
}

} // namespace iom::host
