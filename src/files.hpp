#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace iom::host {

/// The file that a setting names, as an absolute path without links. It lies below one of `folders` (the
/// project's own `files` first), and no link leads it out of there. Nothing, with a sentence in `why`, if
/// there is none or if it lies elsewhere.
std::optional<std::filesystem::path>
find_file(std::string_view written, std::span<const std::filesystem::path> folders, std::string& why);

} // namespace iom::host
