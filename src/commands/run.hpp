#pragma once

#include "log.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace iom::host::commands {

struct run_options {
    std::filesystem::path project;
    std::filesystem::path modules;
    std::vector<std::filesystem::path> files;
    std::filesystem::path log_folder;
    log_format format = log_format::text;
    std::optional<log_level> level;
    bool web = true;
    std::string web_address = "127.0.0.1:8080";
    std::vector<std::string> web_names;
    bool web_plain = false;
    std::string version;
    bool trace = false;
};

/// `iomhost run`: runs a project until SIGINT or SIGTERM. Prints `ready` when the rules are live. 0 after a
/// clean end, 1 if the project has mistakes or cannot be run.
int run(const run_options& options);

} // namespace iom::host::commands
