#pragma once

#include <filesystem>
#include <vector>

namespace iom::host::commands {

struct check_options {
    std::filesystem::path project;
    std::filesystem::path modules;
    std::vector<std::filesystem::path> files;
};

/// `iomhost check`: every mistake as `file:line:column: sentence` on stdout, those included that only the
/// modules themselves find. 1 if there is any; warnings alone give 0.
int check(const check_options& options);

} // namespace iom::host::commands
