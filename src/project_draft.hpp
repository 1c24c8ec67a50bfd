#pragma once

#include "manifest/manifest.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// What a project file says, as plain values that can be shown, changed and written again. Nothing is judged
/// here: whether names and values are right, parse_project says. Pure.
namespace iom::host {

/// One <match>. Attributes that were not written are empty, or null where an empty one means something.
struct match_draft {
    std::string kind = "contains";
    std::string text;
    std::optional<std::string> pointer;
    std::optional<std::string> op;
    std::optional<std::string> as;
    std::optional<std::string> on_change;
    std::optional<std::string> debounce;
    std::optional<std::int64_t> at_most;

    bool operator==(const match_draft&) const = default;
};

/// One <send> or <await> of a greeting.
struct step_draft {
    bool waits = false;             ///< an <await>
    std::string send;               ///< of a <send>
    std::string encoding = "text";  ///< of a <send>
    std::vector<match_draft> await; ///< of an <await>

    bool operator==(const step_draft&) const = default;
};

/// Keep what is there; how a secret is sent back by those who were never told its value.
struct kept_value {
    bool operator==(const kept_value&) const = default;
};

/// The value of a setting or argument as it is written: a text, a list, matches, or steps.
using value_draft = std::variant<std::string, kept_value, std::vector<std::string>, std::vector<match_draft>,
                                 std::vector<step_draft>>;

/// By id, in order; no id twice.
using values_draft = std::vector<std::pair<std::string, value_draft>>;

/// The value of that id, or null.
const value_draft* find_value(const values_draft& among, std::string_view id);

/// The same among an instance's own, or else among the module's defaults.
const value_draft* effective_value(const values_draft& own, const values_draft& defaults,
                                   std::string_view id);

struct instance_draft {
    std::string name;
    std::string module;
    values_draft settings;

    bool operator==(const instance_draft&) const = default;
};

struct on_draft {
    std::string trigger;
    std::optional<std::string> interval;
    std::vector<match_draft> match;

    bool operator==(const on_draft&) const = default;
};

/// One <when>; exactly one of the first three, and at least one of the others.
struct when_draft {
    std::optional<std::string> status;
    std::optional<std::string> variable;
    std::optional<std::string> value;
    std::optional<std::string> is;
    std::optional<std::string> is_not;
    std::optional<std::string> less;
    std::optional<std::string> greater;
    std::optional<std::string> contains;

    bool operator==(const when_draft&) const = default;
};

struct do_draft {
    std::string action;
    std::optional<std::string> after;
    values_draft arguments;

    bool operator==(const do_draft&) const = default;
};

struct rule_draft {
    std::string name;
    bool enabled = true;
    bool stop = false;
    std::vector<on_draft> on;
    std::vector<when_draft> when;
    std::vector<do_draft> act;

    bool operator==(const rule_draft&) const = default;
};

struct variable_draft {
    std::string name;
    std::string type;    ///< bool, int, real or text
    std::string initial; ///< what it begins with, also where the file leaves that out

    bool operator==(const variable_draft&) const = default;
};

/// The manifest of that module, or null if it is not known.
using manifest_lookup = std::function<const manifest::module_manifest*(std::string_view module)>;

// ---- from the file -----------------------------------------------------------------------------------

/// The value that a <set> or <arg> has written. With the manifest's field a list that was written as a text
/// is a list, and blanks around numbers are not part of them; without it, it is taken as it stands.
value_draft read_value(const manifest::element& at, const manifest::field* what);

/// The settings of an <instance> or <defaults>.
values_draft read_settings(const manifest::element& at, const manifest::module_manifest* module);

instance_draft read_instance(const manifest::element& at, const manifest_lookup& modules);
rule_draft read_rule(const manifest::element& at);
variable_draft read_variable(const manifest::element& at);

/// All of them, in the file's order, from the root of a project file.
std::vector<instance_draft> read_instances(const manifest::element& root, const manifest_lookup& modules);
std::vector<rule_draft> read_rule_drafts(const manifest::element& root);
std::vector<variable_draft> read_variables(const manifest::element& root);

// ---- to elements -------------------------------------------------------------------------------------

/// A kept value becomes no element.
manifest::element to_element(std::string_view element, std::string_view id, const value_draft& what);
manifest::element to_element(const instance_draft& what);
manifest::element to_element(const rule_draft& what);
manifest::element to_element(const variable_draft& what);

/// Why this cannot be written into an XML file (a control character, two values of one id), as a sentence;
/// empty if it can.
std::string draft_trouble(const manifest::element& what);

// ---- places ------------------------------------------------------------------------------------------

/// What a place in the file belongs to.
struct spot {
    enum class part : std::uint8_t { file, defaults, variable, instance, rule };

    part what = part::file;
    std::string name; ///< of the variable, instance or rule; of <defaults> the module
    /// In there, as a JSON pointer into its draft: /settings/headers/2, /on/0/match/1, /when/0,
    /// /do/0/arguments/message; empty for the whole.
    std::string pointer;
};

/// What the element that begins at this line and column belongs to.
spot find_spot(const manifest::element& root, const manifest::location& where);
/// Where it is to be mended: the setting or argument that is missing, else the element that is wrong.
spot find_spot(const manifest::element& root, const manifest::mistake& what);

} // namespace iom::host
