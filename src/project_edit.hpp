#pragma once

#include "project_draft.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Edits of a project file as text: comments, order, indentation and everything that was not meant stay byte
/// for byte. Pure. What an edit has made is well-formed and says what was asked; whether it is right, with
/// every name and value, parse_project is asked next.
namespace iom::host {

/// What came of an edit: the new text, or why there is none.
struct edit {
    enum class refusal : std::uint8_t {
        none,
        unreadable, ///< the file itself, or a piece of text that was given, cannot be read
        not_found,  ///< what was to be changed is not there
        taken,      ///< there is something of that name already
        used,       ///< others need what was to be removed; `rules` and `instances` name them
        wrong,      ///< what was asked cannot be written
    };

    std::string text;
    refusal why = refusal::none;
    std::string sentence;               ///< what, where, what next; empty if it was done
    std::vector<std::string> rules;     ///< rules that were changed or removed along, or stand against it
    std::vector<std::string> instances; ///< instances whose settings were changed along, or stand against it

    [[nodiscard]] bool done() const noexcept { return why == refusal::none; }
};

// ---- instances ---------------------------------------------------------------------------------------

/// The instance sets exactly this: what is absent goes, what reads the same stays as it is written.
edit save_settings(std::string_view xml, std::string_view instance, const values_draft& settings,
                   const manifest_lookup& modules);

/// A few settings of an instance; null takes one out.
edit change_settings(std::string_view xml, std::string_view instance,
                     std::span<const std::pair<std::string, std::optional<value_draft>>> settings,
                     const manifest_lookup& modules);

/// Why no instance of that name can be added to those that are there, as a sentence; empty if one can.
std::string instance_name_trouble(std::string_view name, const std::set<std::string, std::less<>>& present);

/// Behind the last instance.
edit add_instances(std::string_view xml, std::span<const instance_draft> added);

/// One <instance> element as text, as read_instance_text gives it; under another name if one is given.
edit paste_instance(std::string_view xml, std::string_view fragment, std::string_view name = {});

/// Refused while other instances' settings or rules need it; such rules go with it if `with_rules`.
edit remove_instance(std::string_view xml, std::string_view instance, bool with_rules);

/// Every trigger, action, condition and ${NAME/…} that speaks of it follows.
edit rename_instance(std::string_view xml, std::string_view from, std::string_view to);

/// A copy right behind it. Where it speaks of itself, the copy speaks of itself.
edit duplicate_instance(std::string_view xml, std::string_view from, std::string_view to);

// ---- rules -------------------------------------------------------------------------------------------

/// Before that rule, or behind the last one.
edit add_rule(std::string_view xml, const rule_draft& added, std::optional<std::string_view> before = {});

/// Another name in the draft renames it; rules that fire it follow.
edit save_rule(std::string_view xml, std::string_view rule, const rule_draft& wanted);

/// Refused while other rules fire it.
edit remove_rule(std::string_view xml, std::string_view rule);

/// A copy, switched off, right behind it.
edit duplicate_rule(std::string_view xml, std::string_view from, std::string_view to);

edit enable_rule(std::string_view xml, std::string_view rule, bool enabled);

/// `names` has every rule exactly once. Comments directly above a rule and behind it on its line go with it;
/// what stands between rules stays where it is.
edit order_rules(std::string_view xml, std::span<const std::string> names);

// ---- variables ---------------------------------------------------------------------------------------

/// Adds it, behind the last one, or changes it.
edit save_variable(std::string_view xml, const variable_draft& wanted);

/// Refused while rules or settings use it.
edit remove_variable(std::string_view xml, std::string_view variable);

// ---- as text -----------------------------------------------------------------------------------------

/// The element's own bytes; nothing if there is none of that name.
std::optional<std::string> instance_text(std::string_view xml, std::string_view instance);
std::optional<std::string> rule_text(std::string_view xml, std::string_view rule);

} // namespace iom::host
