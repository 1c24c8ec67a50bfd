#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace iom::host::web {

/// Hashes the password and keeps it beside the project; a host at work takes it from there. Slow on purpose.
/// Empty, or why it cannot be one, as a sentence. Throws std::exception where the file cannot be written.
[[nodiscard]] std::string keep_password(const std::filesystem::path& project, std::string_view password);

} // namespace iom::host::web
