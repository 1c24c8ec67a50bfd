#pragma once

#include "json.hpp"
#include "value.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What a message must hold, and what is taken out of it. Pure; the only user of RE2.
namespace iom::host {

enum class match_kind : std::uint8_t { contains, equals, prefix, regex, json };

/// How a `json` match compares the value at its pointer.
enum class json_comparison : std::uint8_t { exists, equal, not_equal, less, at_most, greater, at_least };

/// One `<match>` as it was written.
struct match_spec {
    match_kind kind = match_kind::contains;
    std::string text;    ///< what is looked for; of json: what is compared with
    std::string pointer; ///< json only
    json_comparison compare = json_comparison::exists;
    std::string as; ///< name of the capture, or empty

    bool operator==(const match_spec&) const = default;
};

/// The values that a match took out of a message, in the order of its capture names. They are views into the
/// message, or into the JSON document that was parsed of it.
class capture_list {
public:
    static constexpr std::size_t capacity = 32;

    void clear() noexcept { size_ = 0; }
    void add(value_view what) noexcept {
        if (size_ < capacity)
            values_[size_++] = what;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] value_view operator[](std::size_t index) const noexcept {
        return index < size_ ? values_[index] : value_view{};
    }

private:
    std::array<value_view, capacity> values_;
    std::size_t size_ = 0;
};

/// A message under test; its JSON is parsed at most once, and only if a match asks.
class message_view {
public:
    /// `scratch` is the caller's, kept from message to message for its memory.
    message_view(std::string_view content, bool binary, json_document& scratch)
        : content_(content), binary_(binary), scratch_(scratch) {}
    message_view(value_view content, json_document& scratch)
        : message_view(content.text, content.kind == value_kind::bytes, scratch) {}

    [[nodiscard]] std::string_view content() const noexcept { return content_; }
    [[nodiscard]] bool binary() const noexcept { return binary_; }

    /// The parsed message, or null if it is no JSON.
    [[nodiscard]] const json_document* json();

    /// A part of the content as a value of the content's own kind.
    [[nodiscard]] value_view part(std::string_view slice) const noexcept;

private:
    std::string_view content_;
    bool binary_;
    bool parsed_ = false;
    bool is_json_ = false;
    json_document& scratch_;
};

/// One or several tests that must all hold, compiled once.
///
/// Captures, in order: each regex gives its groups (its whole hit if it has none and a name was given with
/// `as`; otherwise `as` names its first group), each json the value found, and the others only where `as`
/// names them: contains and equals the whole message, prefix what follows the prefix. A group's own name
/// ((?P<name>…)) counts too.
class match {
public:
    /// Compiles; null with the sentence in `why`, and in `which` the index of the spec that is wrong.
    static std::shared_ptr<const match> compile(std::span<const match_spec> specs, std::string& why,
                                                std::size_t& which);

    ~match();
    match(const match&) = delete;
    match& operator=(const match&) = delete;

    [[nodiscard]] bool test(message_view& message) const;

    /// Place of the first spec that does not hold; nothing if all do.
    [[nodiscard]] std::optional<std::size_t> failing(message_view& message) const;

    /// Like test; where it holds, `captures` has the values, otherwise it is empty.
    bool capture(message_view& message, capture_list& captures) const;

    /// One entry for each capture, in order; empty where it has no name.
    [[nodiscard]] const std::vector<std::string>& capture_names() const noexcept { return names_; }

    /// The position of the capture of that name.
    [[nodiscard]] std::optional<std::size_t> find_capture(std::string_view name) const noexcept;

    [[nodiscard]] const std::vector<match_spec>& specs() const noexcept { return specs_; }

    /// No test at all, or only ones that are always true.
    [[nodiscard]] bool always() const noexcept;

private:
    friend class match_index;
    struct test_one;

    match() = default;

    std::vector<match_spec> specs_;
    std::vector<std::unique_ptr<test_one>> tests_;
    std::vector<std::string> names_;
};

/// Finds, among many matches on the same trigger, those that are worth testing: its cost follows the length
/// of the message, hardly the number of matches. What it leaves out surely does not hold; what it names
/// must still be tested.
class match_index {
public:
    /// A null stands for a match that always holds. The matches must outlive the index.
    explicit match_index(std::span<const match* const> matches);
    ~match_index();
    match_index(match_index&&) noexcept;
    match_index& operator=(match_index&&) noexcept;

    /// Sets, in `candidates` (one bit for each match, in order), exactly those worth testing.
    void find(message_view& message, std::vector<std::uint64_t>& candidates) const;

private:
    struct body;
    std::unique_ptr<body> body_;
};

/// `contains`, … and back; nothing for an unknown word.
std::optional<match_kind> match_kind_of(std::string_view word) noexcept;
std::string_view to_word(match_kind kind) noexcept;
std::optional<json_comparison> json_comparison_of(std::string_view word) noexcept;
std::string_view to_word(json_comparison compare) noexcept;

} // namespace iom::host
