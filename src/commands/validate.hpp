#pragma once

#include <filesystem>
#include <string>

namespace iom::host::commands {

/// `iomhost validate`: tries a module against the contract, each test in a child process of its own, so that
/// one that crashes or hangs is a breach and no more. Prints one line for each test; 1 if there is a breach.
int validate(const std::filesystem::path& object);

/// What the child does: one test, by its name. 0 if the module keeps the contract; otherwise a sentence
/// stands on stdout.
int validate_one(const std::filesystem::path& object, const std::string& test);

} // namespace iom::host::commands
