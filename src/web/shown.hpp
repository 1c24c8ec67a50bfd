#pragma once

#include "manifest/manifest.hpp"
#include "redact.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>

/// Secrets taken out of what the page and the API tell of the controller: texts alone, no names. Not on
/// [control]: a text of 4 KiB is looked through for every form of every secret.
namespace iom::host::web {

using nlohmann::json;

/// Bytes of a text that is whole for sure: where one was cut at 4 KiB, a character may not have fitted.
constexpr std::size_t most_whole = 4092;

/// Of statuses_json; `of`: what they are, null where that is not known.
void hide_in_statuses(json& statuses, const manifest::module_manifest* of, const redactor& known);

/// Of live_summary.
void hide_in_summary(json& summary, const redactor& known);

/// Of report_json.
void hide_in_report(json& report, const redactor& known);

/// Of variables_json.
void hide_in_variables(json& variables, const redactor& known);

/// Of event_json; to be called once.
void hide_in_event(json& event, const redactor& known);

} // namespace iom::host::web
