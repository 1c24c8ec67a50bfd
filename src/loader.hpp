#pragma once

#include "iom/iom.h"
#include "manifest/manifest.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace iom::host {

/// A module that fits this host: its shared object is loaded, its manifest read, and both agree.
struct loaded_module {
    manifest::module_manifest manifest;
    const iom_entry* entry = nullptr;
    std::filesystem::path object;
    std::filesystem::path manifest_file;
};

/// The modules of one folder: MODULE.so with MODULE.xml beside it. The only user of dlopen. Any thread.
class loader {
public:
    explicit loader(std::filesystem::path folder);

    /// `modules/` beside the running executable.
    [[nodiscard]] static std::filesystem::path default_folder();

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

    /// The module's manifest, or null with mistakes. The shared object is not touched.
    const manifest::module_manifest* read(std::string_view id, std::vector<manifest::mistake>& mistakes);

    /// The module, or null with mistakes: each a sentence that names the file and what to do. What was loaded
    /// once stays; what was refused is looked at again.
    const loaded_module* load(std::string_view id, std::vector<manifest::mistake>& mistakes);

    /// Loads one shared object whose manifest lies beside it. For the contract checker, which is given a
    /// path.
    static std::unique_ptr<loaded_module> load_file(const std::filesystem::path& object,
                                                    std::vector<manifest::mistake>& mistakes);

private:
    const manifest::module_manifest* read_one(std::string_view id, std::vector<manifest::mistake>& mistakes);

    const std::filesystem::path folder_;
    std::mutex mutex_;
    std::map<std::string, manifest::module_manifest, std::less<>> manifests_;
    std::map<std::string, std::unique_ptr<loaded_module>, std::less<>> modules_;
};

} // namespace iom::host
