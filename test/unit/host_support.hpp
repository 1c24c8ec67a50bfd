#pragma once

#include "log.hpp"
#include "redact.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

/// What tests of the host's rooms share.
namespace iom::host::test {

/// A folder that goes with the object.
class folder {
public:
    folder() {
        std::string name = (std::filesystem::temp_directory_path() / "iom-host-XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    ~folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    std::filesystem::path write(const std::string& name, std::string_view content) const {
        const std::filesystem::path file = path_ / name;
        std::ofstream(file, std::ios::binary) << content;
        return file;
    }

private:
    std::filesystem::path path_;
};

inline std::string content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// A log whose lines can be read back.
class readable_log {
public:
    explicit readable_log(log_options options = {})
        : file_(folder_.path() / "lines"), stream_(std::fopen(file_.c_str(), "w"), std::fclose),
          lines(with(std::move(options), fileno(stream_.get())), known) {}
    readable_log(const readable_log&) = delete;
    readable_log& operator=(const readable_log&) = delete;

    [[nodiscard]] std::string text() {
        lines.flush(std::chrono::seconds(10));
        return content_of(file_);
    }

private:
    static log_options with(log_options options, int descriptor) {
        options.descriptor = descriptor;
        return options;
    }

    folder folder_;
    std::filesystem::path file_;
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream_;

public:
    redactor known;
    log lines; ///< last, so that it is the first to go
};

/// Asks again and again until it holds; false after half a minute.
template <typename Condition>
bool eventually(const Condition& holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        usleep(5'000);
    }
    return true;
}

} // namespace iom::host::test
