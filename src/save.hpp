#pragma once

#include "secrets_text.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Files that are written whole or not at all. Every call may wait for the disk, so it belongs on no thread
/// that others wait for; any thread may call.
namespace iom::host {

struct save_outcome {
    enum class kind : unsigned char {
        saved,
        changed, ///< the file is not what was expected; it was left as it is
        failed,  ///< it could not be written; the old one is untouched
    };

    kind what = kind::saved;
    std::string sentence; ///< what, where, what next; empty if it was saved

    [[nodiscard]] bool saved() const noexcept { return what == kind::saved; }
};

/// Who may do what with a file that was not there before.
enum class file_access : unsigned char {
    everybody_reads, ///< 0644
    owner_only,      ///< 0600
};

/// Gives `file` a new content in one step: written beside it, synchronised, renamed, the folder synchronised.
/// Mode and owner stay; a link is followed and stays one. `expected` is what the file must still hold, byte
/// for byte, at the moment of the change; nothing: it must not be there.
save_outcome save_file(const std::filesystem::path& file, std::optional<std::string_view> expected,
                       std::string_view content, file_access if_new);

/// Saves a project file, and before it the named secrets that it refers to from now on into `secrets` (made
/// if it is not there). If the project cannot be saved, the secrets are put back as they were.
save_outcome save_project(const std::filesystem::path& project, std::string_view expected,
                          std::string_view content, const std::filesystem::path& secrets,
                          std::span<const named_secret> values);

/// The content of a file of at most `limit` bytes; nothing, with a sentence in `why`, if it cannot be read.
/// A file that is not there leaves `why` empty.
std::optional<std::string> load_file(const std::filesystem::path& file, std::size_t limit, std::string& why);

} // namespace iom::host
