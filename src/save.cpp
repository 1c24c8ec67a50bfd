#include "save.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace iom::host {

namespace fs = std::filesystem;

namespace {

class descriptor {
public:
    explicit descriptor(int number = -1) noexcept : number_(number) {}
    ~descriptor() { close(); }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;

    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] bool open() const noexcept { return number_ >= 0; }

    /// False with errno if the file system has something to say at last.
    bool close() noexcept {
        const int number = std::exchange(number_, -1);
        return number < 0 || ::close(number) == 0 || errno == EINTR;
    }

private:
    int number_;
};

/// The new file beside the old one; goes away unless it takes its place.
class draft_file {
public:
    explicit draft_file(const fs::path& beside)
        : path_((beside.parent_path() / ("." + beside.filename().string() + ".XXXXXX")).string()),
          file_(mkostemp(path_.data(), O_CLOEXEC)) {}
    ~draft_file() {
        if (file_made_)
            unlink(path_.c_str());
    }
    draft_file(const draft_file&) = delete;
    draft_file& operator=(const draft_file&) = delete;

    [[nodiscard]] bool made() {
        file_made_ = file_.open();
        return file_made_;
    }
    [[nodiscard]] int get() const noexcept { return file_.get(); }
    bool close() noexcept { return file_.close(); }

    bool take_place_of(const fs::path& file) noexcept {
        if (rename(path_.c_str(), file.c_str()) != 0)
            return false;
        file_made_ = false;
        return true;
    }

private:
    std::string path_;
    descriptor file_;
    bool file_made_ = false;
};

save_outcome failed(const fs::path& file, const std::string& what, int error) {
    std::string next = "Look at the folder's rights and its disk.";
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        next = "There is no room left for it: free some, then save again.";
    else if (error == EROFS)
        next = "The disk is read-only: let it be written to, then save again.";
    else if (error == EACCES || error == EPERM)
        next = "Give the host's user the right to write in " + file.parent_path().string() + ".";
    return {save_outcome::kind::failed, file.string() + " was not saved and is as it was: " + what + ": " +
                                            std::strerror(error) + ". " + next};
}

bool write_all(int to, std::string_view content) {
    while (!content.empty()) {
        const auto wrote = write(to, content.data(), content.size());
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return false;
        if (wrote == 0) {
            errno = ENOSPC;
            return false;
        }
        content.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return true;
}

/// Up to one byte more than `limit`; false with errno.
bool read_all(int from, std::size_t limit, std::string& content) {
    char piece[16384];
    while (content.size() <= limit) {
        const auto got = read(from, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        content.append(piece, static_cast<std::size_t>(got));
    }
    return true;
}

bool synchronise_folder(const fs::path& folder) {
    const descriptor opened{open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    // Some file systems cannot, and need not.
    return opened.open() && (fsync(opened.get()) == 0 || errno == EINVAL || errno == ENOTSUP);
}

/// Whether the file holds what it is expected to; a sentence about what is otherwise.
save_outcome compare(const fs::path& file, std::optional<std::string_view> expected) {
    const save_outcome changed{
        save_outcome::kind::changed,
        file.string() + " was changed by somebody else meanwhile and was left as it is. Load it anew, then "
                        "make the change again."};
    const descriptor opened{open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!opened.open()) {
        if (errno != ENOENT)
            return failed(file, "it cannot be read", errno);
        return expected ? changed : save_outcome{};
    }
    if (!expected)
        return changed;
    std::string content;
    if (!read_all(opened.get(), expected->size(), content))
        return failed(file, "it cannot be read", errno);
    return content == *expected ? save_outcome{} : changed;
}

/// The new file gets the old one's mode and owner.
bool take_over(int made, const fs::path& from, file_access if_new) {
    struct stat old {};
    struct stat mine {};
    if (stat(from.c_str(), &old) != 0)
        return errno == ENOENT && fchmod(made, if_new == file_access::owner_only ? 0600 : 0644) == 0;
    if (fstat(made, &mine) != 0)
        return false;
    if ((old.st_uid != mine.st_uid || old.st_gid != mine.st_gid) && fchown(made, old.st_uid, old.st_gid) != 0)
        return false;
    return fchmod(made, old.st_mode & 07777U) == 0;
}

} // namespace

save_outcome save_file(const fs::path& file, std::optional<std::string_view> expected,
                       std::string_view content, file_access if_new) {
    std::error_code none;
    auto target = fs::canonical(file, none);
    if (none)
        target = fs::absolute(file);
    if (auto first = compare(target, expected); !first.saved())
        return first;

    draft_file draft{target};
    if (!draft.made())
        return failed(target, "no file can be made beside it", errno);
    if (!take_over(draft.get(), target, if_new))
        return failed(target, "its owner and mode could not be kept", errno);
    if (!write_all(draft.get(), content) || fsync(draft.get()) != 0 || !draft.close())
        return failed(target, "the disk did not take it", errno);

    // Between the last look and the change nobody of this process comes.
    static std::mutex one_at_a_time;
    const std::lock_guard lock{one_at_a_time};
    if (auto last = compare(target, expected); !last.saved())
        return last;
    if (!draft.take_place_of(target))
        return failed(target, "the new file could not take its place", errno);
    if (!synchronise_folder(target.parent_path()))
        return {save_outcome::kind::saved, target.string() + " was saved, but the disk did not confirm it: " +
                                               std::strerror(errno) + "."};
    return {};
}

save_outcome save_project(const fs::path& project, std::string_view expected, std::string_view content,
                          const fs::path& secrets, std::span<const named_secret> values) {
    if (values.empty())
        return save_file(project, expected, content, file_access::everybody_reads);
    // Nothing happens to the secrets for a project that will not be saved.
    if (auto first = compare(project, expected); !first.saved())
        return first;
    static constexpr std::size_t largest = std::size_t{1} << 20;
    std::string why;
    const auto before = load_file(secrets, largest, why);
    auto after = why.empty() ? with_secrets(before.value_or(""), values, why) : std::nullopt;
    if (!after)
        return {save_outcome::kind::failed, why};
    const auto known = before ? std::optional<std::string_view>{*before} : std::optional<std::string_view>{};
    if (auto stored = save_file(secrets, known, *after, file_access::owner_only); !stored.saved())
        return stored;
    auto outcome = save_file(project, expected, content, file_access::everybody_reads);
    if (outcome.saved())
        return outcome;
    const auto undone = save_file(secrets, *after, before.value_or(""), file_access::owner_only);
    if (!undone.saved())
        outcome.sentence += " The secrets that came with it stay in " + secrets.string() + ".";
    return outcome;
}

std::optional<std::string> load_file(const fs::path& file, std::size_t limit, std::string& why) {
    why.clear();
    const descriptor opened{open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!opened.open()) {
        if (errno != ENOENT)
            why = file.string() + " cannot be read: " + std::strerror(errno) + ".";
        return std::nullopt;
    }
    struct stat facts {};
    if (fstat(opened.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        why = file.string() + " is not a file, but a folder or a device.";
        return std::nullopt;
    }
    std::string content;
    if (!read_all(opened.get(), limit, content)) {
        why = file.string() + " cannot be read: " + std::strerror(errno) + ".";
        return std::nullopt;
    }
    if (content.size() > limit) {
        why = file.string() + " is larger than " + std::to_string(limit) + " bytes.";
        return std::nullopt;
    }
    return content;
}

} // namespace iom::host
