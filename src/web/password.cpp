#include "web/password.hpp"

#include "web/access.hpp"

namespace iom::host::web {

std::string keep_password(const std::filesystem::path& project, std::string_view password) {
    if (password.size() < shortest_password || password.size() > longest_password) {
        return "a password has " + std::to_string(shortest_password) + " to " +
               std::to_string(longest_password) + " characters; nothing was changed.";
    }
    const password_hash made = hash_password(password);
    const access_lock lock(access_file::file_of(project));
    access_file kept(access_file::file_of(project));
    kept.refresh();
    kept.password = made;
    if (kept.key.empty()) {
        kept.key = random_bytes(32);
    }
    kept.save();
    return {};
}

} // namespace iom::host::web
