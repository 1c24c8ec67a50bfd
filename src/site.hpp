#pragma once

#include "loader.hpp"
#include "project.hpp"
#include "redact.hpp"
#include "secrets.hpp"
#include "variables.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace iom::host {

/// What a project finds around itself on this machine: modules, secrets, environment, folders for files.
class site : public surroundings {
public:
    site(const std::filesystem::path& project, std::filesystem::path modules,
         std::vector<std::filesystem::path> file_folders, redactor& known);

    /// Another at the same place, for another thread: with the same modules, and with the symbols that are
    /// known now.
    [[nodiscard]] std::unique_ptr<site> beside() const;
    /// Takes over the symbols of one that was beside this; all numbers stay good. False, and nothing
    /// happens, if there were new ones here since `known`, how many there were then.
    bool take_symbols(site& from, std::size_t known);

    std::shared_ptr<const manifest::module_manifest> module(std::string_view id, std::string& why) override;
    const std::string* secret(std::string_view name) override;
    const std::string* environment(std::string_view name) override;
    const std::vector<std::filesystem::path>& file_folders() override { return file_folders_; }
    symbol_table& symbols() override { return symbols_; }

    /// Reads and checks the project file, what belongs to it beside it, and loads the modules that it uses.
    /// Null if there was any mistake; warnings alone do not count. `text`: what is in the file, where that is
    /// known already.
    std::shared_ptr<const project> read(const std::filesystem::path& file,
                                        std::vector<manifest::mistake>& mistakes,
                                        std::shared_ptr<const std::string> text = nullptr);

    [[nodiscard]] loader& modules() { return *modules_; }

    /// Why the last secret or environment variable that was asked for could not be given; empty if it could.
    [[nodiscard]] const std::string& last_refusal() const { return why_; }

private:
    site(const site& other, redactor& known);

    std::filesystem::path project_;
    redactor& known_;
    std::shared_ptr<loader> modules_;
    secrets secrets_;
    std::vector<std::filesystem::path> file_folders_;
    symbol_table symbols_;
    std::string value_;
    std::string why_;
};

/// Whether any of them is more than a warning.
[[nodiscard]] bool any_wrong(const std::vector<manifest::mistake>& mistakes);

} // namespace iom::host
