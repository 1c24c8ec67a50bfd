#pragma once

#include "project_draft.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

/// Drafts of instances and rules as the contract's JSON, both ways. Pure.
namespace iom::host::web {

using nlohmann::json;

/// `secrets`: settings of type secret are Kept.
[[nodiscard]] json to_json(const values_draft& from, const std::vector<const manifest::field*>& fields);
[[nodiscard]] json to_json(const rule_draft& from, const manifest_lookup& module_of_instance);

/// These throw json::exception where the JSON has another form.
[[nodiscard]] values_draft values_from(const json& from);
[[nodiscard]] instance_draft instance_from(const json& from);
[[nodiscard]] rule_draft rule_from(const json& from);

/// Fields of a manifest by id.
[[nodiscard]] std::vector<const manifest::field*> setting_fields(const manifest::module_manifest* of);

/// Whether a text is exactly `${secret:NAME}` or `${env:IOM_NAME}`.
[[nodiscard]] bool is_reference(std::string_view text);

} // namespace iom::host::web
