#pragma once

#include "runtime.hpp"
#include "secrets_text.hpp"
#include "site.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iom::host::web {

/// The project's surroundings as they would be with secrets that are not saved yet.
class draft_site final : public site {
public:
    draft_site(const runtime_options& made, redactor& known, std::vector<named_secret> fresh)
        : site(made.project, made.modules, made.file_folders, known), fresh_(std::move(fresh)) {}

    const std::string* secret(std::string_view name) override {
        const auto found =
            std::find_if(fresh_.begin(), fresh_.end(), [&](const auto& each) { return each.first == name; });
        return found != fresh_.end() ? &found->second : site::secret(name);
    }

private:
    std::vector<named_secret> fresh_;
};

} // namespace iom::host::web
