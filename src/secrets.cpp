#include "secrets.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace iom::host {
namespace {

constexpr long long largest_file = 1LL << 20;

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_name(std::string_view text) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

} // namespace

secrets::secrets(std::filesystem::path file, redactor& known) : file_(std::move(file)), known_(known) {}

std::filesystem::path secrets::file_of(const std::filesystem::path& project) {
    std::filesystem::path beside = project;
    return beside.replace_extension(".secrets");
}

std::optional<std::string> secrets::find(std::string_view name, std::string& why) {
    if (!refresh(why)) {
        return std::nullopt;
    }
    const auto found = values_.find(name);
    if (found == values_.end()) {
        why = "There is no secret \"" + std::string(name) + "\" in " + file_.string() + ": add a line " +
              std::string(name) + "=VALUE to it.";
        return std::nullopt;
    }
    return found->second;
}

std::string secrets::trouble() {
    std::error_code error;
    std::string why;
    if (std::filesystem::exists(file_, error)) {
        refresh(why);
    }
    return why;
}

std::optional<std::string> secrets::environment(std::string_view name, std::string& why) {
    const std::string key(name);
    if (!key.starts_with("IOM_") || !is_name(key)) {
        why = "The environment variable " + key +
              " is not given to projects: only names that begin with IOM_ are, so call it IOM_" + key + ".";
        return std::nullopt;
    }
    const char* const value = std::getenv(key.c_str());
    if (value == nullptr) {
        why = "The environment variable " + key + " is not set: set it where iomhost is started.";
        return std::nullopt;
    }
    known_.add(value, redactor::stay::rotating);
    return std::string(value);
}

bool secrets::refresh(std::string& why) {
    const int descriptor = open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        const int error = errno;
        seen_.reset();
        values_.clear();
        why = error == ENOENT ? "There is no file " + file_.string() +
                                    ": make it, with mode 0600 and one line name=value for each secret."
                              : file_.string() + " cannot be read: " + std::strerror(error) + ".";
        return false;
    }
    const auto refuse = [&](std::string sentence) {
        close(descriptor);
        seen_.reset();
        values_.clear();
        why = std::move(sentence);
        return false;
    };
    struct stat facts {};
    if (fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return refuse(file_.string() + " is no plain file: secrets are read from nothing else.");
    }
    if ((facts.st_mode & 077U) != 0) {
        char mode[8];
        std::snprintf(mode, sizeof mode, "%04o", facts.st_mode & 07777U);
        return refuse(file_.string() + " has mode " + mode +
                      ", so that others may get at the secrets: run chmod 600 on it.");
    }
    if (facts.st_size > largest_file) {
        return refuse(file_.string() + " is larger than 1 MiB: it holds more than names and values.");
    }
    const look now{facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, facts.st_ino, facts.st_size};
    if (seen_ == now) {
        close(descriptor);
        return true;
    }
    std::string content;
    char piece[4096];
    for (;;) {
        const ssize_t got = read(descriptor, piece, sizeof piece);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return refuse(file_.string() + " cannot be read: " + std::strerror(errno) + ".");
        }
        if (got == 0 || content.size() > static_cast<std::size_t>(largest_file)) {
            break;
        }
        content.append(piece, static_cast<std::size_t>(got));
    }
    close(descriptor);
    values_.clear();
    seen_.reset();
    if (!parse(content, why)) {
        values_.clear();
        return false;
    }
    seen_ = now;
    return true;
}

bool secrets::parse(std::string_view content, std::string& why) {
    for (int number = 1; !content.empty(); ++number) {
        const std::size_t end = content.find('\n');
        std::string_view line = content.substr(0, end);
        content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
        line = trim(line);
        if (line.empty() || line.front() == '#') {
            continue;
        }
        const std::size_t equals = line.find('=');
        const std::string_view name = trim(line.substr(0, equals));
        // The line itself is not shown: it may be a secret.
        if (equals == std::string_view::npos || !is_name(name)) {
            why = file_.string() + ":" + std::to_string(number) +
                  ":1: This line is not of the form name=value; names are of letters, digits, '-', '_' and "
                  "'.'.";
            return false;
        }
        std::string_view value = trim(line.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
            value = value.substr(1, value.size() - 2);
        }
        if (!values_.emplace(name, value).second) {
            why = file_.string() + ":" + std::to_string(number) + ":1: The secret \"" + std::string(name) +
                  "\" stands here a second time: keep one.";
            return false;
        }
        known_.add(value, redactor::stay::rotating);
    }
    return true;
}

} // namespace iom::host
