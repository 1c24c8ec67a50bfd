#pragma once

#include "manifest/manifest.hpp"
#include "match.hpp"
#include "rules.hpp"
#include "text.hpp"
#include "value.hpp"
#include "variables.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The project file as plain values: every name found, everything judged against the manifests.
namespace iom::host {

/// A setting's value as the module gets it.
struct setting_value {
    std::uint32_t number = 0;
    host::value what;
    std::shared_ptr<const match> test; ///< instead of `what`
    bool secret = false;               ///< its value must not be shown

    bool operator==(const setting_value&) const = default;
};

/// What a project can refer to outside of its file.
class surroundings {
public:
    virtual ~surroundings() = default;

    /// The manifest of that module; null with a sentence in `why` if there is none, or if it has mistakes.
    virtual std::shared_ptr<const manifest::module_manifest> module(std::string_view id,
                                                                    std::string& why) = 0;

    /// The secret of that name, or null; borrowed until the next call.
    virtual const std::string* secret(std::string_view name) = 0;

    /// The environment variable of that name (IOM_ and more), or null; borrowed until the next call.
    virtual const std::string* environment(std::string_view name) = 0;

    /// Folders that files named by settings may lie in, besides the project's own `files`.
    virtual const std::vector<std::filesystem::path>& file_folders() = 0;

    /// Outlives every project that was read with it.
    virtual symbol_table& symbols() = 0;
};

/// One value of a setting as it was written; a list has several, in order.
struct setting_plan {
    const manifest::setting* what = nullptr;
    text_template text; ///< unless `test`
    std::string written;
    bool bytes = false;                ///< a greeting step that sends binary: `written` holds the bytes
    bool absent = false;               ///< a list without items, which takes the place of a default
    std::shared_ptr<const match> test; ///< match settings, and await steps
    manifest::location where;

    /// Whether both would give a module the same.
    [[nodiscard]] bool same_as(const setting_plan& other) const;
};

struct instance_plan {
    std::string name;
    std::uint32_t module = 0;               ///< index into project::modules
    std::vector<setting_plan> settings;     ///< without those that stand at their default
    std::vector<std::string> session_names; ///< what its matches capture: ${session/NAME}
    manifest::location where;
};

struct project {
    std::string name;
    std::filesystem::path file;
    std::shared_ptr<const std::string> source; ///< the text that was read, if it was read from the file
    std::vector<std::shared_ptr<const manifest::module_manifest>> modules;
    std::vector<instance_plan> instances;
    std::vector<variable_declaration> variables;
    rule_set rules;

    std::map<std::string, std::uint32_t, std::less<>> instance_index;
    std::map<std::string, std::uint32_t, std::less<>> rule_index;

    /// Index of the instance or rule of that name.
    [[nodiscard]] std::optional<std::uint32_t> find_instance(std::string_view name) const;
    [[nodiscard]] std::optional<std::uint32_t> find_rule(std::string_view name) const;
};

/// Who connects the instances. The program that reads its own project may do so itself, and needs no advice
/// on it.
enum class connector : std::uint8_t { project, program };

/// Reads and checks a project file. All mistakes and warnings are appended; null if there was any mistake
/// (warnings alone do not count).
std::shared_ptr<const project> read_project(const std::filesystem::path& file, surroundings& around,
                                            std::vector<manifest::mistake>& mistakes);

/// The same with the file's text, where that is known already.
std::shared_ptr<const project> read_project(std::shared_ptr<const std::string> text,
                                            const std::filesystem::path& file, surroundings& around,
                                            std::vector<manifest::mistake>& mistakes);

/// The same for a text in memory; `file` stands for it in locations, and its folder holds `files`.
std::shared_ptr<const project> parse_project(std::string_view xml, const std::filesystem::path& file,
                                             surroundings& around, std::vector<manifest::mistake>& mistakes,
                                             connector who = connector::project);

/// All settings of an instance, secrets and environment put in (except in those that the module expands at
/// use), files as absolute paths. Mistakes (a secret that is gone, a value that it makes wrong) are appended;
/// then the answer is of no use.
std::vector<setting_value> settings_of(const project& from, std::uint32_t instance, surroundings& around,
                                       std::vector<manifest::mistake>& mistakes);

/// Where files lie that it may name: its own `files` folder first.
std::vector<std::filesystem::path> file_folders_of(const project& from, surroundings& around);

/// Whether the instance stands in both projects with the same module and the same settings.
bool same_instance(const project& left, std::uint32_t left_instance, const project& right,
                   std::uint32_t right_instance);

/// What of the rules, instances and modules of one project is still there in another.
succession succession_of(const project& before, const project& after);

/// The names that an instance's own settings may use, for the extension iom.text/1. All three must outlive
/// it.
std::unique_ptr<naming> names_for_settings(const project& from, std::uint32_t instance, surroundings& around);

} // namespace iom::host
