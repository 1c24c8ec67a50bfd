#include "files.hpp"

#include "checks.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>
#include <vector>

namespace iom::host {

namespace fs = std::filesystem;

namespace {

/// Whether `inner` lies below `outer`; both without links.
bool lies_below(const fs::path& inner, const fs::path& outer) {
    const auto [rest, unused] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
    return rest == outer.end();
}

} // namespace

std::optional<fs::path> find_file(std::string_view written, std::span<const fs::path> folders,
                                  std::string& why) {
    const fs::path wanted{written};
    if (written.find('\0') != written.npos || std::find(wanted.begin(), wanted.end(), "..") != wanted.end()) {
        why =
            in_quotes(written) +
            " leads upwards, and files lie below the project's folder files. Name it by its place in there.";
        return std::nullopt;
    }

    for (const auto& folder : folders) {
        std::error_code failed;
        const auto root = fs::canonical(folder, failed);
        if (failed)
            continue;
        std::vector<fs::path> places{wanted.is_absolute() ? wanted : root / wanted};
        // Some write the folder's own name in front.
        if (wanted.is_relative() && *wanted.begin() == root.filename())
            places.push_back(root.parent_path() / wanted);
        for (const auto& place : places) {
            const auto found = fs::canonical(place, failed);
            if (failed)
                continue;
            if (!lies_below(found, root)) {
                if (!wanted.is_absolute())
                    why = in_quotes(written) + " is a link that leads out of " + root.string() +
                          ". Put the file itself there.";
                continue;
            }
            if (!fs::is_regular_file(found, failed)) {
                why = in_quotes(written) + " is no file. Name the file itself.";
                return std::nullopt;
            }
            if (!std::ifstream{found}) {
                why = in_quotes(written) + " cannot be read. Give the host's user the right to read it.";
                return std::nullopt;
            }
            return found;
        }
    }
    if (why.empty()) {
        std::vector<std::string> names;
        for (const auto& folder : folders)
            names.push_back(folder.string());
        why = "there is no file " + in_quotes(written) + " in " + listed(names, " or ") +
              ". Put it there; files elsewhere are not read, unless --files names their folder.";
    }
    return std::nullopt;
}

} // namespace iom::host
