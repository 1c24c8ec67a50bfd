#include "site.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace iom::host {

site::site(const std::filesystem::path& project, std::filesystem::path modules,
           std::vector<std::filesystem::path> file_folders, redactor& known)
    : project_(project), known_(known), modules_(std::make_shared<loader>(std::move(modules))),
      secrets_(secrets::file_of(project), known), file_folders_(std::move(file_folders)) {}

site::site(const site& other, redactor& known)
    : project_(other.project_), known_(known), modules_(other.modules_),
      secrets_(secrets::file_of(other.project_), known), file_folders_(other.file_folders_),
      symbols_(other.symbols_) {}

std::unique_ptr<site> site::beside() const {
    return std::unique_ptr<site>(new site(*this, known_));
}

bool site::take_symbols(site& from, std::size_t known) {
    if (symbols_.size() != known) {
        return false;
    }
    symbols_ = std::move(from.symbols_);
    return true;
}

std::shared_ptr<const manifest::module_manifest> site::module(std::string_view id, std::string& why) {
    std::vector<manifest::mistake> mistakes;
    const manifest::module_manifest* const read = modules_->read(id, mistakes);
    if (read == nullptr) {
        for (const manifest::mistake& each : mistakes) {
            why += (why.empty() ? "" : " ") + manifest::to_string(each);
        }
        return nullptr;
    }
    return {std::shared_ptr<void>(), read}; // the loader's, which lives longer than any project
}

std::shared_ptr<const project> site::read(const std::filesystem::path& file,
                                          std::vector<manifest::mistake>& mistakes,
                                          std::shared_ptr<const std::string> text) {
    std::shared_ptr<const project> found = text != nullptr
                                               ? read_project(std::move(text), file, *this, mistakes)
                                               : read_project(file, *this, mistakes);
    if (std::string sentence = secrets_.trouble(); !sentence.empty()) {
        mistakes.push_back({{secrets::file_of(file).string(), 0, 0}, std::move(sentence), false});
    }
    if (found != nullptr) {
        for (const auto& each : found->modules) {
            modules_->load(each->id, mistakes);
        }
    }
    return any_wrong(mistakes) ? nullptr : found;
}

const std::string* site::secret(std::string_view name) {
    why_.clear();
    const std::optional<std::string> found = secrets_.find(name, why_);
    if (!found) {
        return nullptr;
    }
    value_ = *found;
    return &value_;
}

const std::string* site::environment(std::string_view name) {
    why_.clear();
    const std::optional<std::string> found = secrets_.environment(name, why_);
    if (!found) {
        return nullptr;
    }
    value_ = *found;
    return &value_;
}

bool any_wrong(const std::vector<manifest::mistake>& mistakes) {
    return std::any_of(mistakes.begin(), mistakes.end(), [](const auto& each) { return !each.warning; });
}

} // namespace iom::host
