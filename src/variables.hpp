#pragma once

#include "value.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the host remembers: its variables, and for each session what the greeting captured. Pure.
namespace iom::host {

enum class variable_type : std::uint8_t { boolean, integer, real, text };

std::optional<variable_type> variable_type_of(std::string_view word) noexcept;
std::string_view to_word(variable_type type) noexcept;

struct variable_declaration {
    std::string name;
    variable_type type = variable_type::text;
    value initial;

    bool operator==(const variable_declaration&) const = default;
};

/// Host variables, addressed by their place in the project file.
class variables {
public:
    /// A text that grows by host/add stops here, in bytes.
    static constexpr std::size_t longest_text = std::size_t{1} << 20;

    explicit variables(std::vector<variable_declaration> declared);

    [[nodiscard]] std::size_t size() const noexcept { return declared_.size(); }
    [[nodiscard]] const variable_declaration& declared(std::uint32_t which) const { return declared_[which]; }
    [[nodiscard]] value_view get(std::uint32_t which) const { return current_[which].view(); }

    /// False with a sentence in `why` if the value is none of the variable's type.
    bool set(std::uint32_t which, value_view to, std::string& why);

    /// Adds to a number, or appends to a text. False with a sentence if it has no such type or would
    /// overflow.
    bool add(std::uint32_t which, value_view amount, std::string& why);

    /// Takes over the values of variables that have the same name and type: a reload keeps them.
    void adopt(const variables& before);

private:
    std::vector<variable_declaration> declared_;
    std::vector<value> current_;
};

/// `from` as a value of this type, if it can be one without loss ("3" is an int, "3.5" is none).
bool convert(value_view from, variable_type type, value& to);

/// Names that stand as numbers in loaded texts: of session captures, secrets and environment variables.
/// Numbers stay good for as long as the table lives, also over a reload.
class symbol_table {
public:
    std::uint32_t intern(std::string_view name);
    [[nodiscard]] const std::string& name(std::uint32_t symbol) const { return names_[symbol]; }
    [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }

private:
    std::deque<std::string> names_;
    std::map<std::string, std::uint32_t, std::less<>> numbers_;
};

/// What one session of one instance knows: ${session/NAME} and ${seq}.
class session_values {
public:
    void begin();
    void set(std::uint32_t symbol, value_view to);
    /// Nothing if it was not captured in this session; a capture may be empty.
    [[nodiscard]] std::optional<value_view> find(std::uint32_t symbol) const noexcept;

    /// 1, 2, …
    std::int64_t next_seq() noexcept { return ++seq_; }

private:
    std::vector<std::pair<std::uint32_t, value>> values_;
    std::int64_t seq_ = 0;
};

/// Why ${session/NAME} cannot be put in.
std::string not_captured(std::string_view name);

} // namespace iom::host
