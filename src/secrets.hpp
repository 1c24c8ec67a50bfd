#pragma once

#include "redact.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace iom::host {

/// The named secrets of a project: `PROJECT.secrets` beside `PROJECT.xml`, one `name=value` on a line. Blank
/// lines and lines that begin with `#` are skipped; blanks around name and value are not part of them, unless
/// the value stands in double quotes. Others than the owner must have no access to the file (mode 0600).
///
/// The file is looked at on every use, so that a secret that was changed is used without a restart. Each
/// value handed out is known to the redactor from then on.
class secrets {
public:
    secrets(std::filesystem::path file, redactor& known);

    /// Where the secrets of this project lie.
    [[nodiscard]] static std::filesystem::path file_of(const std::filesystem::path& project);

    /// The value of `${secret:NAME}`, or nothing and in `why` one sentence.
    std::optional<std::string> find(std::string_view name, std::string& why);

    /// What is wrong with the file, if there is one; empty if nothing is.
    std::string trouble();

    /// The value of `${env:NAME}`, or nothing and in `why` one sentence. Only names that begin with IOM_ are
    /// given, so that a project cannot read the rest of the environment.
    std::optional<std::string> environment(std::string_view name, std::string& why);

private:
    bool refresh(std::string& why);
    bool parse(std::string_view content, std::string& why);

    std::filesystem::path file_;
    redactor& known_;
    std::map<std::string, std::string, std::less<>> values_;

    /// What the file looked like when it was read; the same again means the same content.
    struct look {
        long long seconds = 0;
        long long nanoseconds = 0;
        unsigned long long inode = 0;
        long long size = -1;
        bool operator==(const look&) const = default;
    };
    std::optional<look> seen_;
};

} // namespace iom::host
