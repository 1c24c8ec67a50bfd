#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace iom::test {

/// How long a test waits for a state before it gives up. Never how long something takes.
inline constexpr std::chrono::seconds patience{30};

/// A child process whose two outputs are collected line by line. Ends with the object: SIGKILL, reaped.
class process {
public:
    enum class stream { out, err };

    /// Starts argv[0] (found by PATH); `environment` adds "NAME=value" to the test's own.
    explicit process(std::vector<std::string> argv, std::vector<std::string> environment = {});
    ~process();
    process(const process&) = delete;
    process& operator=(const process&) = delete;

    /// The first line not yet waited for that holds `part`; fails with all output if none comes in time or
    /// the process ends without it. Lines before it count as waited for.
    std::string wait_line(stream from, std::string_view part);
    /// Like wait_line, with any condition on the line.
    std::string wait_line(stream from, const std::function<bool(std::string_view)>& holds,
                          std::string_view what);

    void write(std::string_view bytes);
    void close_input();
    void signal(int number) const;
    /// Waits for the end: the exit code, or 128 + signal.
    int wait_exit();
    [[nodiscard]] bool running() const;
    [[nodiscard]] pid_t pid() const { return pid_; }

    /// All lines so far.
    [[nodiscard]] std::vector<std::string> lines(stream from) const;
    /// All bytes so far, as they came.
    [[nodiscard]] std::string bytes(stream from) const;

private:
    struct state;
    std::shared_ptr<state> state_;
    pid_t pid_ = -1;
    int input_ = -1;
};

/// Runs a command to its end.
struct result {
    int exit_code;
    std::string out;
    std::string err;
};
result run(std::vector<std::string> argv, std::string_view input = {},
           std::vector<std::string> environment = {});

/// Asks again and again until it holds; false after `patience`.
bool eventually(const std::function<bool()>& holds);

} // namespace iom::test
