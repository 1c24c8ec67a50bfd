#pragma once

#include "project.hpp"
#include "project_draft.hpp"
#include "secrets_text.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Secrets that stand in a project file themselves, and how they get out of it: into PROJECT.secrets, a
/// reference in their place. Pure.
namespace iom::host {

/// A project file without secrets of its own, and what was in it.
struct moved_secrets {
    std::string text;
    std::vector<named_secret> values; ///< to be put into PROJECT.secrets before the text is saved
};

/// Whether something of that name is stored already.
using stored_lookup = std::function<bool(std::string_view name)>;

/// Every value of type secret, in settings, defaults and arguments, that is written out becomes
/// `${secret:INSTANCE-SETTING}` (`MODULE-SETTING`, `RULE-N-ARGUMENT`), and so do a proxy's password and what
/// headers such as Authorization bring along (`INSTANCE-headers-Authorization`). References stay as they are,
/// and a name that something else in the file refers to, or that is `stored`, is not taken again. A file that
/// cannot be read is given back.
moved_secrets move_secrets(std::string_view xml, const manifest_lookup& modules,
                           const stored_lookup& stored = {});

/// An XML text with `clean` applied to its comments, and to nothing else.
std::string with_comments(std::string_view xml, const std::function<std::string(std::string_view)>& clean);

/// Those of `names`, of the secrets that are stored, which `xml` does not mention: whatever they are for, it
/// is not the settings that are written there, and their values stay.
std::set<std::string, std::less<>> unmentioned(std::string_view xml, std::vector<std::string> names);

/// The same for a file that comes from outside: a reference to a secret that `known` does not have keeps the
/// value that `current` has written out there, if it has.
moved_secrets accept_upload(std::string_view uploaded, std::string_view current,
                            const manifest_lookup& modules, const std::set<std::string, std::less<>>& known);

/// Whether a change of this setting asks for the instance's secrets again: it may lead them elsewhere.
bool asks_for_secrets(std::string_view setting) noexcept;

/// Ids of settings whose secrets must be given anew before `wanted` may be saved in the place of `present`:
/// those of type secret as a text, and any that inserts a stored one. Stored ones that were given `anew` may
/// be inserted. `defaults` are those of the module.
std::vector<std::string> secrets_to_ask(const values_draft& present, const values_draft& wanted,
                                        const values_draft& defaults, const manifest::module_manifest& module,
                                        const std::set<std::string, std::less<>>& anew = {});

/// Surroundings in which some secrets are there already, to check a project before they are saved.
class surroundings_with_secrets final : public surroundings {
public:
    surroundings_with_secrets(surroundings& around, const std::vector<named_secret>& values)
        : around_(around), values_(values.begin(), values.end()) {}

    std::shared_ptr<const manifest::module_manifest> module(std::string_view id, std::string& why) override {
        return around_.module(id, why);
    }
    const std::string* secret(std::string_view name) override {
        const auto known = values_.find(name);
        return known == values_.end() ? around_.secret(name) : &known->second;
    }
    const std::string* environment(std::string_view name) override { return around_.environment(name); }
    const std::vector<std::filesystem::path>& file_folders() override { return around_.file_folders(); }
    symbol_table& symbols() override { return around_.symbols(); }

private:
    surroundings& around_;
    std::map<std::string, std::string, std::less<>> values_;
};

} // namespace iom::host
