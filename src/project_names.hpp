#pragma once

#include "project.hpp"
#include "rules.hpp"
#include "text.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What names in ${...} stand for, by where they are used.
namespace iom::host {

/// No module: an instance whose manifest could not be read. Nothing can be said about its names.
inline constexpr std::uint32_t no_module = 0xffff'ffff;

/// Words that a capture must not be called.
bool is_reserved_name(std::string_view name) noexcept;

/// Finds what is the same everywhere: secrets, environment, host variables, statuses of named instances.
class common_names : public naming {
public:
    common_names(const project& from, surroundings& around) : from_(from), around_(around) {}

protected:
    enum class answer : std::uint8_t { found, wrong, other };

    answer find_common(std::string_view name, reference& found, std::string& why) const;

    /// ${OWNER/STATUS} with the owner already known; `owner` is what the reference will say.
    bool find_status(std::uint32_t module, std::string_view id, std::uint32_t owner, reference& found,
                     std::string& why) const;

    [[nodiscard]] bool captures_in_session(std::uint32_t instance, std::string_view name) const;

    const project& from_;
    surroundings& around_;
};

/// Names in settings. Those that the host puts in before the module sees them can only be secrets and
/// environment variables.
class setting_names final : public common_names {
public:
    setting_names(const project& from, std::uint32_t instance, surroundings& around, bool at_use)
        : common_names(from, around), instance_(instance), at_use_(at_use) {}

    bool find(std::string_view name, reference& found, std::string& why) const override;

private:
    std::uint32_t instance_;
    bool at_use_;
};

/// Names in the texts of a rule; each name of the trigger that is found is added to the rule's list.
class rule_names final : public common_names {
public:
    /// `into` has its `listens` already. `known` is false where some of them could not be read: then names
    /// of the trigger are believed.
    rule_names(const project& from, surroundings& around, rule& into, bool known)
        : common_names(from, around), rule_(into), known_(known) {}

    /// Which instance's session ${session/…} and ${seq} mean: that of the action, this_instance, or
    /// host_instance for "the one that fired".
    void address(std::uint32_t instance) { addressed_ = instance; }

    bool find(std::string_view name, reference& found, std::string& why) const override;

    /// Every instance that can fire the rule; empty if the host can fire it too.
    [[nodiscard]] std::vector<std::uint32_t> firing_instances() const;

    /// The module and number of each trigger that fires it.
    [[nodiscard]] const manifest::trigger* trigger_of(const listening& heard) const;

private:
    bool find_in_trigger(std::string_view name, reference& found, std::string& why) const;
    bool find_session(std::string_view name, reference& found, std::string& why) const;
    bool find_this(std::string_view id, reference& found, std::string& why) const;
    [[nodiscard]] std::optional<name_position> position_in(const listening& heard, std::string_view name,
                                                           bool& harmless) const;
    [[nodiscard]] std::vector<std::uint32_t> session_instances() const;

    rule& rule_;
    bool known_;
    std::uint32_t addressed_ = host_instance;
};

/// Whether a value of this type can never hold a character that JSON would have to escape.
bool is_harmless(const manifest::field& what) noexcept;

} // namespace iom::host
