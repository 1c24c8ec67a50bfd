#pragma once

#include "redact.hpp"
#include "runtime.hpp"
#include "secrets_text.hpp"
#include "site.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iom::host::web {

/// The project's surroundings as they would be with secrets that are not saved yet; known as long as this
/// lives, so that a value which was only tried blots nothing out afterwards.
class draft_site final : public site {
public:
    draft_site(const runtime_options& made, redactor& known, std::vector<named_secret> fresh)
        : site(made.project, made.modules, made.file_folders, known), fresh_(std::move(fresh)),
          held_(std::make_unique<held_secrets>(known)) {
        for (const auto& [name, value] : fresh_) {
            held_->add(value);
        }
    }

    /// Nothing of these secrets will be written any more.
    void let_go() { held_.reset(); }

    const std::string* secret(std::string_view name) override {
        const auto found =
            std::find_if(fresh_.begin(), fresh_.end(), [&](const auto& each) { return each.first == name; });
        return found != fresh_.end() ? &found->second : site::secret(name);
    }

private:
    std::vector<named_secret> fresh_;
    std::unique_ptr<held_secrets> held_;
};

} // namespace iom::host::web
