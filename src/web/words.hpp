#pragma once

#include "project_draft.hpp"
#include "project_mentions.hpp"
#include "project_secrets.hpp"
#include "site.hpp"

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

/// The project as its file says it: for forms, revisions and downloads. Read anew for every generation.
namespace iom::host::web {

using nlohmann::json;

class words {
public:
    /// `around` finds manifests and secrets; it and this live on the web thread. What is written out of
    /// secrets in the file is `known` from then on.
    words(std::shared_ptr<const std::string> xml, std::uint32_t generation, const std::filesystem::path& file,
          std::shared_ptr<site> around, std::string key, redactor& known);

    [[nodiscard]] std::uint32_t generation() const noexcept { return generation_; }
    [[nodiscard]] const std::string& xml() const noexcept { return *xml_; }
    [[nodiscard]] const std::shared_ptr<const std::string>& source() const noexcept { return xml_; }
    [[nodiscard]] const manifest::element& root() const noexcept { return root_; }
    [[nodiscard]] std::string project_name() const; ///< that of the file where it has none
    /// Instances and rules as without_secrets says them.
    [[nodiscard]] const std::vector<instance_draft>& instances() const noexcept { return instances_; }
    [[nodiscard]] const std::vector<rule_draft>& rules() const noexcept { return rules_; }
    [[nodiscard]] const std::vector<variable_draft>& variables() const noexcept { return variables_; }
    [[nodiscard]] const std::vector<mention>& mentions() const noexcept { return mentions_; }
    [[nodiscard]] const instance_draft* find_instance(std::string_view name) const;
    [[nodiscard]] const rule_draft* find_rule(std::string_view name) const;
    [[nodiscard]] const variable_draft* find_variable(std::string_view name) const;
    /// Of an instance or of a module's <defaults>, with the default of the manifest; empty where there is
    /// none.
    [[nodiscard]] std::string setting(const instance_draft& of, std::string_view id) const;

    [[nodiscard]] const manifest::module_manifest* module(std::string_view id) const;
    [[nodiscard]] manifest_lookup modules() const;
    [[nodiscard]] manifest_lookup modules_of_instances() const;
    [[nodiscard]] values_draft defaults_of(std::string_view module) const;

    /// A keyed hash over what is written and over the values of the secrets that it names.
    [[nodiscard]] std::string instance_revision(std::string_view name) const;
    [[nodiscard]] std::string rule_revision(std::string_view name) const;
    [[nodiscard]] std::string variable_revision(std::string_view name) const;
    [[nodiscard]] std::string rules_revision() const;
    [[nodiscard]] std::string project_revision() const;

    /// What the check warns of, as the contract's Mistakes.
    [[nodiscard]] json warnings_of(spot::part what, std::string_view name) const;

    /// What stands in one line of the list besides what is live.
    void add_to_summary(json& summary) const;
    [[nodiscard]] json settings_json(const instance_draft& of) const;
    [[nodiscard]] json rule_json(const rule_draft& of, bool by_hand) const;

    /// Names under which a secret is stored that is none of those which the file mentions.
    [[nodiscard]] stored_lookup stored() const;

    /// The file's text, or a part of it, with a reference wherever a secret is written, and none in comments.
    [[nodiscard]] const std::string& without_secrets() const noexcept { return masked_; }
    [[nodiscard]] std::optional<std::string> instance_text(std::string_view name) const;

private:
    [[nodiscard]] std::string revision_of(std::string_view written) const;
    [[nodiscard]] const manifest::element* element_of(std::string_view element, std::string_view name) const;

    std::shared_ptr<const std::string> xml_;
    std::uint32_t generation_;
    std::shared_ptr<site> around_;
    std::string key_;
    std::string file_name_; ///< without its extension
    manifest::element root_;
    std::string masked_; ///< without_secrets
    manifest::element masked_root_;
    std::vector<instance_draft> instances_;
    std::vector<rule_draft> rules_;
    std::vector<variable_draft> variables_;
    std::vector<mention> mentions_;
    std::vector<std::pair<spot, manifest::mistake>> warnings_;
};

/// A mistake of the check, with its place in a request's body.
[[nodiscard]] json mistake_json(const manifest::mistake& what, const std::string& at);
/// With its line and column in a file.
[[nodiscard]] json file_mistake_json(const manifest::mistake& what);

} // namespace iom::host::web
