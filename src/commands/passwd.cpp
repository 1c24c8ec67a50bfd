#include "commands/passwd.hpp"

#include "web/password.hpp"

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <termios.h>
#include <unistd.h>

namespace iom::host::commands {
namespace {

/// Shows nothing of what is typed, as long as it lives.
class silence {
public:
    silence() {
        if (tcgetattr(STDIN_FILENO, &before_) == 0) {
            termios quiet = before_;
            quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
            changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
        }
    }
    ~silence() {
        if (changed_) {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
            std::fputc('\n', stderr);
        }
    }
    silence(const silence&) = delete;
    silence& operator=(const silence&) = delete;

private:
    termios before_{};
    bool changed_ = false;
};

bool ask(const char* prompt, std::string& answer) {
    const bool terminal = isatty(STDIN_FILENO) != 0;
    if (terminal) {
        std::fputs(prompt, stderr);
    }
    const silence while_typing;
    return static_cast<bool>(std::getline(std::cin, answer));
}

} // namespace

int passwd(const std::filesystem::path& project) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(project, error)) {
        std::fprintf(stderr, "iomhost: there is no project %s.\n", project.c_str());
        return 1;
    }
    std::string first;
    std::string again;
    if (!ask("New password for the web page: ", first)) {
        std::fputs("iomhost: no password was given.\n", stderr);
        return 1;
    }
    if (isatty(STDIN_FILENO) != 0 && (!ask("Once more: ", again) || again != first)) {
        std::fputs("iomhost: the two are not the same; nothing was changed.\n", stderr);
        return 1;
    }
    try {
        const std::string trouble = web::keep_password(project, first);
        if (!trouble.empty()) {
            std::fprintf(stderr, "iomhost: %s\n", trouble.c_str());
            return 1;
        }
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "iomhost: %s\n", failure.what());
        return 1;
    }
    std::fputs("The password is set. Whoever was logged in is asked for it again.\n", stderr);
    return 0;
}

} // namespace iom::host::commands
