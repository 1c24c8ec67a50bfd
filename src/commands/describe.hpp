#pragma once

#include "manifest/manifest.hpp"

#include <filesystem>
#include <string>

namespace iom::host::commands {

/// The manual of a module as plain text, at most 100 columns wide.
[[nodiscard]] std::string manual_of(const manifest::module_manifest& described);

/// `iomhost describe`: prints the manual of a module, given by its name in the folder of modules, or by the
/// path of its .so or .xml. 1 if there is none or its manifest has mistakes.
int describe(const std::string& module, const std::filesystem::path& modules);

} // namespace iom::host::commands
