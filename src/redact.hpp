#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace iom::host {

/// Knows every secret value that was ever handed out, and takes it out of what people get to see: as it
/// stands, and as JSON, URL, hexadecimal, Base64 or a log with its escapes would show it. All functions may
/// be called from any thread.
class redactor {
public:
    /// What stands in the place of a secret.
    static constexpr std::string_view mark = "***";

    /// How long a secret is known. What is bounded is bounded because it may be new every few seconds, for
    /// years; then the one that was added longest ago goes.
    enum class stay : std::uint8_t {
        lasting,  ///< for good: it stands in a setting
        rotating, ///< while it is among the newest 4096: from the secrets file, or put together from it
        passing,  ///< while it is among the newest 256: given to an action
        held,     ///< while somebody holds it (held_secrets): only tried, not saved
    };

    /// Bytes of the longest secret that an action takes.
    static constexpr std::size_t longest_passing = 8192;
    /// A shorter one that only passes through is not taken out of anything: whoever may call an action could
    /// blot single letters out of the whole log with it, and it would be guessed at once anyway.
    static constexpr std::size_t shortest_passing = 4;

    /// Not `held`: that takes a held_secrets.
    void add(std::string_view value, stay how = stay::lasting);

    /// `text` with each known value replaced by `mark`.
    [[nodiscard]] std::string redact(std::string_view text) const;

    /// The same for the beginning of a text that was cut, where a secret may have been cut, too. So much of
    /// its end is left out as a part of the longest one could be, whatever stands there: if the end showed
    /// unless it were the beginning of a secret, a secret could be guessed letter by letter.
    [[nodiscard]] std::string redact_cut(std::string_view text) const;

    /// The same in place; cheap while no secret is known.
    void redact_in(std::string& text) const;

private:
    friend class held_secrets;
    struct secret {
        std::string value;
        std::vector<std::string> forms; ///< longest first
        stay how = stay::lasting;
        std::uint64_t added = 0; ///< when it was added last, counted in additions
        std::size_t holders = 0;
    };

    void hold(std::string_view value);
    void release(std::string_view value);
    secret& insert(std::string_view value, stay how);
    void forget_too_many(stay how);

    mutable std::shared_mutex mutex_;
    /// Bytes of the longest beginning of a secret that can show; with the lock.
    [[nodiscard]] std::size_t longest_part() const;

    std::vector<secret> secrets_; ///< longest first
    std::uint64_t additions_ = 0;
    std::atomic<bool> any_{false};
};

/// What is wrong with a secret that is given to an action as `argument`.
[[nodiscard]] std::string too_long_secret(std::string_view argument, std::size_t bytes);

/// Secrets that are only tried: known as long as this lives, and after that only if they were added as well.
class held_secrets {
public:
    explicit held_secrets(redactor& known) : known_(known) {}
    ~held_secrets();
    held_secrets(const held_secrets&) = delete;
    held_secrets& operator=(const held_secrets&) = delete;

    void add(std::string_view value);

private:
    redactor& known_;
    std::vector<std::string> values_;
};

} // namespace iom::host
