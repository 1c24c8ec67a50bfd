#pragma once

#include "web/contract.hpp"
#include "web/crypto.hpp"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Who may do what: password, sessions, API tokens, attempts. Time is an argument, in milliseconds: `wall`
/// since 1970 for what is kept over a restart, `steady` of a clock that never steps for everything else.
namespace iom::host::web {

/// Counts attempts to guess.
class attempts {
public:
    static constexpr std::size_t most_of_one = 5; ///< in one minute, of one address …
    static constexpr std::size_t most = 30;       ///< … and of all

    /// Seconds to wait before the next attempt; 0: now.
    [[nodiscard]] unsigned wait(std::string_view address, std::int64_t steady);
    /// Counts one as failed, before it is known: so that many at once are no way around.
    void begin(std::string_view address, std::int64_t steady);
    /// The latest of this address was right after all.
    void was_right(std::string_view address);

private:
    void forget(std::int64_t steady);
    std::deque<std::pair<std::int64_t, std::string>> failed_;
};

struct token {
    int id = 0;
    std::string name;
    right may = right::read;
    std::string hash; ///< SHA-256 of the token, in hex; it is random itself, so nothing has to be slow
    std::int64_t created = 0;
    std::int64_t expires = 0; ///< 0: never
    std::int64_t last_used = 0;
};

struct password_hash {
    std::string salt;
    std::string hash;
    unsigned rounds = 0;
};

/// Bounds on new passwords, in bytes.
inline constexpr std::size_t shortest_password = 8;
inline constexpr std::size_t longest_password = 1024;
inline constexpr unsigned password_rounds = 600'000;

/// Takes long (stretch).
[[nodiscard]] password_hash hash_password(std::string_view password);
[[nodiscard]] bool is_password(std::string_view password, const password_hash& stored);

/// What is kept in `PROJECT.access` (mode 0600) beside the project: never in the project itself.
class access_file {
public:
    static std::filesystem::path file_of(const std::filesystem::path& project);

    explicit access_file(std::filesystem::path file) : file_(std::move(file)) {}

    /// Reads it if it has changed since; true if it had. Throws std::runtime_error with a sentence if it is
    /// damaged or gone, or if others than its owner may read it: once, and what was known goes on to hold.
    bool refresh();
    /// Writes it, atomically; throws std::system_error. So change a copy, and take it when it is written.
    void save();
    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

    std::optional<password_hash> password;
    std::vector<token> tokens;
    int next_token = 1;
    std::string key;                 ///< for revisions, and for what else must not be guessed
    key_and_certificate certificate; ///< for HTTPS
    bool generated = false;          ///< the certificate is our own

private:
    std::filesystem::path file_;
    struct look {
        std::int64_t changed = -1;
        std::uint64_t inode = 0;
        std::int64_t size = -1;
        std::uint32_t mode = 0;
        bool operator==(const look&) const = default;
    };
    [[nodiscard]] look look_at() const;
    look seen_;
    std::optional<look> complained_;
};

/// Held from the reading of an access file to its writing, so that of two who change it, the page and
/// `iomhost passwd`, neither undoes what the other did. It is the folder that is locked: no file has to be
/// there for it.
class access_lock {
public:
    /// Throws std::runtime_error with a sentence if somebody else holds it for too long.
    explicit access_lock(const std::filesystem::path& file);
    ~access_lock();
    access_lock(const access_lock&) = delete;
    access_lock& operator=(const access_lock&) = delete;

private:
    int folder_ = -1;
};

/// How somebody has shown who they are.
struct visitor {
    right may = right::none;
    std::string session;   ///< hash of the cookie, if that is how
    int token = 0;         ///< or which token
    bool stranger = false; ///< showed a token, but a wrong one
};

class sessions {
public:
    static constexpr std::int64_t longest = 12LL * 60 * 60 * 1000;
    static constexpr std::int64_t idle = 30LL * 60 * 1000;
    static constexpr std::size_t most = 64;

    /// The new cookie's value.
    std::string open(std::int64_t steady);
    /// Whether there is that session, by its hash; `used`: the idle time begins anew.
    bool holds(const std::string& hash, std::int64_t steady, bool used);
    /// When it ends at the latest, as milliseconds from now.
    [[nodiscard]] std::int64_t left(const std::string& hash, std::int64_t steady) const;
    void close(const std::string& hash) { all_.erase(hash); }
    void close_all_but(const std::string& hash);
    static std::string hash_of(std::string_view cookie);

private:
    struct session {
        std::int64_t began = 0;
        std::int64_t used = 0;
    };
    std::map<std::string, session> all_;
};

/// What is looked at before anything else, of every request.
struct front_door {
    bool loopback = true;                     ///< that is where we listen
    std::set<std::string, std::less<>> names; ///< --web-name, in lower case

    /// Whether a Host header leads to us: an IP literal, one of the names, on loopback also `localhost`.
    [[nodiscard]] bool is_ours(std::string_view host) const;
};

/// `Origin: https://name:port` against `Host: name:port`.
[[nodiscard]] bool same_origin(std::string_view origin, std::string_view host, bool https);

/// Whether an address to listen at is reached from this machine alone.
[[nodiscard]] bool is_loopback(std::string_view address);

} // namespace iom::host::web
