#pragma once

#include "manifest/xml.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A module's manifest as plain values: what the file io-module.xsd describes.
namespace iom::manifest {

enum class type : std::uint8_t {
    boolean,
    integer,
    real,
    text,
    choice, ///< one of `choices`; a text in the contract
    secret, ///< a text that is never shown
    file,   ///< a path below the project's files folder; a text in the contract
    match,  ///< a match handle in the contract
    steps,  ///< greeting steps: send (text, bytes) and await (match), in order
    data,   ///< a message: text, or bytes where exactly one binary value is inserted
};

/// When the host expands ${...} in a text.
enum class expansion : std::uint8_t {
    set, ///< secrets and environment only, before the module sees it
    use, ///< by the module, through iom.text/1, each time it is used
};

/// One of the values that a field of type choice may have.
struct choice {
    std::string value;
    std::string label;
    std::string help; ///< for a state: the plain sentence that explains it
};

/// What settings, arguments, statuses and trigger variables have in common.
struct field {
    std::string id; ///< kebab-case
    std::uint32_t number = 0;
    std::string label;
    std::string help;
    std::string unit;
    manifest::type type = type::text;
    std::vector<choice> choices;
    std::optional<double> min; ///< smallest value; of a text, secret or file its shortest length in bytes
    std::optional<double> max; ///< largest value; of a text, secret or file its longest length in bytes
    std::optional<std::string> default_value; ///< as it would be written; of a status its first value
    bool required = false;
    bool list = false;
    bool original = false; ///< part of the compatibility surface
    location where;
};

struct setting : field {
    std::string group;
    bool live = false;     ///< applies without dropping the connection
    bool advanced = false; ///< folded away in the page
    manifest::expansion expand = expansion::set;
};

struct status : field {};

struct trigger {
    std::string id;
    std::uint32_t number = 0;
    std::string label;
    std::string help;
    std::string match_label;    ///< label of the match field
    std::string match_variable; ///< id of the variable that matches test; empty: no match allowed
    bool original = false;
    std::vector<field> variables; ///< in order; the first is ${1}
    location where;

    [[nodiscard]] const field* find_variable(std::string_view id) const;
};

struct action {
    std::string id;
    std::uint32_t number = 0;
    std::string label;
    std::string help;
    bool original = false;
    std::vector<field> arguments;
    location where;

    [[nodiscard]] const field* find_argument(std::string_view id) const;
};

struct module_manifest {
    std::string id;
    std::string label;
    std::string version;
    std::string help;
    std::vector<setting> settings;
    std::vector<status> statuses;
    std::vector<trigger> triggers;
    std::vector<action> actions;
    std::uint64_t token = 0; ///< hash over every id, number, type and order that the contract carries

    [[nodiscard]] const setting* find_setting(std::string_view id) const;
    [[nodiscard]] const status* find_status(std::string_view id) const;
    [[nodiscard]] const trigger* find_trigger(std::string_view id) const;
    [[nodiscard]] const action* find_action(std::string_view id) const;
};

/// Reads a manifest; mistakes are appended (at most 100 of one file), each with file, line and column. With
/// any mistake in it that is no warning, the manifest must not be used.
module_manifest read_manifest(const std::filesystem::path& file, std::vector<mistake>& mistakes);

/// The same for a text in memory; `name` stands for the file in locations.
module_manifest parse_manifest(std::string_view xml, const std::string& name, std::vector<mistake>& mistakes);

/// What is wrong with `written` as a value of this field (type, range, choices; for one item of a list),
/// as a sentence without location that begins with the field's id; empty if nothing. Texts that still hold
/// ${...} are not judged, a secret's value is never repeated.
std::string judge(const field& what, std::string_view written);

/// How values are written, in manifests and projects alike; empty where `written` is none.
std::optional<bool> read_boolean(std::string_view written);         ///< true, false, on, off, 1, 0
std::optional<std::int64_t> read_integer(std::string_view written); ///< decimal, with - where negative
std::optional<double> read_real(std::string_view written);          ///< decimal and finite, as in 0.5 or 1e3

/// The word for a type in manifests: bool, int, real, text, choice, secret, file, match, steps or data.
std::string_view to_string(type what);

} // namespace iom::manifest
