#include "support/process.hpp"

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace iom::test {

namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what);
}

std::array<int, 2> make_pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        fail(std::string("pipe: ") + std::strerror(errno));
    }
    return ends;
}

} // namespace

struct process::state {
    struct output {
        std::string bytes;
        std::vector<std::string> lines;
        std::string unfinished;
        std::size_t waited = 0;
        bool ended = false;
    };

    mutable std::mutex mutex;
    std::condition_variable changed;
    std::array<output, 2> outputs;
    bool exited = false;
    int exit_code = -1;

    void take(std::size_t which, const char* data, std::size_t size) {
        const std::lock_guard lock(mutex);
        output& to = outputs.at(which);
        to.bytes.append(data, size);
        to.unfinished.append(data, size);
        for (std::size_t end = 0; (end = to.unfinished.find('\n')) != std::string::npos;) {
            to.lines.push_back(to.unfinished.substr(0, end));
            to.unfinished.erase(0, end + 1);
        }
        changed.notify_all();
    }

    void end(std::size_t which) {
        const std::lock_guard lock(mutex);
        output& of = outputs.at(which);
        if (!of.unfinished.empty()) {
            of.lines.push_back(std::move(of.unfinished));
        }
        of.ended = true;
        changed.notify_all();
    }

    void read_all(std::size_t which, int from) {
        std::array<char, 65536> buffer{};
        for (;;) {
            const ssize_t got = read(from, buffer.data(), buffer.size());
            if (got > 0) {
                take(which, buffer.data(), static_cast<std::size_t>(got));
            } else if (got == 0 || errno != EINTR) {
                break;
            }
        }
        close(from);
        end(which);
    }

    void reap(pid_t pid) {
        int status = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
        const std::lock_guard lock(mutex);
        exited = true;
        exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        changed.notify_all();
    }

    [[nodiscard]] std::string everything() const {
        return "\n--- stdout\n" + outputs[0].bytes + "\n--- stderr\n" + outputs[1].bytes;
    }
};

process::process(std::vector<std::string> argv, std::vector<std::string> environment)
    : state_(std::make_shared<state>()) {
    std::signal(SIGPIPE, SIG_IGN);
    const auto input = make_pipe();
    const auto out = make_pipe();
    const auto err = make_pipe();

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);

    std::vector<char*> arguments;
    for (std::string& argument : argv) {
        arguments.push_back(argument.data());
    }
    arguments.push_back(nullptr);
    std::vector<char*> variables;
    for (std::string& variable : environment) {
        variables.push_back(variable.data());
    }
    for (char** variable = environ; *variable != nullptr; ++variable) {
        variables.push_back(*variable);
    }
    variables.push_back(nullptr);

    const int error =
        posix_spawnp(&pid_, arguments[0], &actions, &attributes, arguments.data(), variables.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(input[0]);
    close(out[1]);
    close(err[1]);
    if (error != 0) {
        close(input[1]);
        close(out[0]);
        close(err[0]);
        fail(argv[0] + ": " + std::strerror(error));
    }
    input_ = input[1];
    std::thread([shared = state_, from = out[0]] { shared->read_all(0, from); }).detach();
    std::thread([shared = state_, from = err[0]] { shared->read_all(1, from); }).detach();
    std::thread([shared = state_, pid = pid_] { shared->reap(pid); }).detach();
}

process::~process() {
    close_input();
    std::unique_lock lock(state_->mutex);
    if (!state_->exited) {
        kill(pid_, SIGKILL);
        state_->changed.wait(lock, [this] { return state_->exited; });
    }
}

std::string process::wait_line(stream from, const std::function<bool(std::string_view)>& holds,
                               std::string_view what) {
    std::unique_lock lock(state_->mutex);
    state::output& output = state_->outputs.at(from == stream::out ? 0 : 1);
    std::string found;
    const auto look = [&] {
        while (output.waited < output.lines.size()) {
            const std::string& line = output.lines[output.waited++];
            if (holds(line)) {
                found = line;
                return true;
            }
        }
        return output.ended;
    };
    const bool in_time = state_->changed.wait_for(lock, patience, look);
    if (found.empty()) {
        // What the process had to say may still be on its way through the other pipe.
        state_->changed.wait_for(lock, in_time ? patience : std::chrono::seconds(0),
                                 [this] { return state_->outputs[0].ended && state_->outputs[1].ended; });
        fail(std::string(in_time ? "the output ended" : "nothing came in time") + " while waiting for '" +
             std::string(what) + "'" + state_->everything());
    }
    return found;
}

std::string process::wait_line(stream from, std::string_view part) {
    return wait_line(
        from, [part](std::string_view line) { return line.find(part) != std::string_view::npos; }, part);
}

void process::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(input_, bytes.data(), bytes.size());
        if (put > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(put));
        } else if (errno != EINTR) {
            fail(std::string("write to the process: ") + std::strerror(errno));
        }
    }
}

void process::close_input() {
    if (input_ >= 0) {
        close(input_);
        input_ = -1;
    }
}

void process::signal(int number) const {
    const std::lock_guard lock(state_->mutex);
    if (!state_->exited) {
        kill(pid_, number);
    }
}

int process::wait_exit() {
    std::unique_lock lock(state_->mutex);
    const bool ended = state_->changed.wait_for(lock, patience, [this] {
        return state_->exited && state_->outputs[0].ended && state_->outputs[1].ended;
    });
    if (!ended) {
        fail("the process did not end" + state_->everything());
    }
    return state_->exit_code;
}

bool process::running() const {
    const std::lock_guard lock(state_->mutex);
    return !state_->exited;
}

std::vector<std::string> process::lines(stream from) const {
    const std::lock_guard lock(state_->mutex);
    return state_->outputs.at(from == stream::out ? 0 : 1).lines;
}

std::string process::bytes(stream from) const {
    const std::lock_guard lock(state_->mutex);
    return state_->outputs.at(from == stream::out ? 0 : 1).bytes;
}

result run(std::vector<std::string> argv, std::string_view input, std::vector<std::string> environment) {
    process child(std::move(argv), std::move(environment));
    child.write(input);
    child.close_input();
    const int code = child.wait_exit();
    return {code, child.bytes(process::stream::out), child.bytes(process::stream::err)};
}

bool eventually(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        // Paces the asking; what is waited for is the state.
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

} // namespace iom::test
