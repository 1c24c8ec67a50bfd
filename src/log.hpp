#pragma once

#include "redact.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace iom::host {

enum class log_level : std::uint8_t { error = 1, warning, info, debug, frame };
enum class log_format : std::uint8_t { text, json };

[[nodiscard]] std::optional<log_level> parse_log_level(std::string_view written);
[[nodiscard]] std::string_view to_string(log_level level);

/// RFC 3339, in UTC, with milliseconds: `2031-05-04T12:00:00.250Z`.
[[nodiscard]] std::string format_time(std::chrono::system_clock::time_point when);

/// One line of the log before it is written; `instance` and `rule` are empty where there is none.
struct log_record {
    std::chrono::system_clock::time_point time;
    log_level level = log_level::info;
    std::string_view instance;
    std::string_view rule;
    std::string_view message;
};

/// The line with its newline. Text: control characters are escaped, so that no message can invent a line of
/// its own. JSON: one object; bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string format_record(const log_record& record, log_format format);

struct log_options {
    log_format format = log_format::text;

    /// Lines above it are not written. Absent: everything up to info, and whatever modules send, because
    /// they send more only while a setting (extended logging, log comms) asks for it.
    std::optional<log_level> level;

    int descriptor = 2;                          ///< where lines go: stderr
    std::filesystem::path folder;                ///< empty: no files
    std::size_t rotate = std::size_t{10} << 20U; ///< bytes in one file
    int kept = 5;                                ///< files before the current one
    std::size_t queue = std::size_t{4} << 20U;   ///< bytes that may wait to be written
    std::chrono::milliseconds patience{250};     ///< how long a reader of stderr may stall
};

/// Somebody who keeps lines besides the log itself; secrets are taken out already. [any thread]
class log_keeper {
public:
    log_keeper() = default;
    log_keeper(const log_keeper&) = delete;
    log_keeper& operator=(const log_keeper&) = delete;
    virtual ~log_keeper() = default;
    virtual void keep(const log_record& line) = 0;
};

/// The log: any thread leaves a line in a bounded queue, a thread of its own writes. So neither a slow disk
/// nor a pipe that nobody reads holds up the controller; what had to be dropped is counted and said.
class log {
public:
    log(log_options options, const redactor& secrets);
    ~log(); ///< writes what is queued, for two seconds at most

    log(const log&) = delete;
    log& operator=(const log&) = delete;

    /// What the host itself has to say; `source` is the instance it is about, or empty. [any thread]
    void write(log_level level, std::string_view source, std::string_view message);

    /// The same, about a rule. [any thread]
    void write_rule(log_level level, std::string_view rule, std::string_view message);

    /// What a module has to say. [any thread]
    void write_module(log_level level, std::string_view instance, std::string_view message);

    /// Whether the host's own lines of this level are written.
    [[nodiscard]] bool wants(log_level level) const {
        return level <= options_.level.value_or(log_level::info);
    }

    /// Waits until all that was queued before is written or given up, or the time is over. [any thread]
    void flush(std::chrono::milliseconds most);

    [[nodiscard]] std::uint64_t dropped() const;

    /// What takes the secrets out of its lines.
    [[nodiscard]] const redactor& secrets() const noexcept { return secrets_; }

    /// Before the first thread that logs; it must outlive the log.
    void kept_by(log_keeper* keeper) { keeper_ = keeper; }
    [[nodiscard]] const std::filesystem::path& folder() const { return options_.folder; }

private:
    void queue(log_record record);
    void work();
    void write_file(std::string_view lines);
    std::size_t write_stderr(std::string_view lines);
    void open_file();
    void rotate();
    void say_file_trouble(const char* what, int error);

    const log_options options_;
    const redactor& secrets_;
    log_keeper* keeper_ = nullptr;

    mutable std::mutex mutex_;
    std::condition_variable wakes_writer_;
    std::condition_variable wakes_flush_;
    std::string pending_;
    std::uint64_t dropped_ = 0;
    bool writing_ = false;
    bool ending_ = false;

    // The writer's own.
    int file_ = -1;
    std::size_t file_size_ = 0;
    bool file_trouble_ = false;
    std::string rest_; ///< of a line that stderr has taken only in part
    std::string file_note_;

    std::thread writer_;
};

} // namespace iom::host
