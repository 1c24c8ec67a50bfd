#pragma once

#include "web/book.hpp"
#include "web/desk.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

/// What the controller knows, in the words of the contract.
namespace iom::host::web {

using nlohmann::json;

// ---- of plain values: any thread

/// Text that is UTF-8 whatever came; at most `most` bytes.
[[nodiscard]] json text_json(std::string_view text, std::size_t most = 4096);
[[nodiscard]] json manifest_json(const manifest::module_manifest& of);
[[nodiscard]] json line_json(const line& of);
[[nodiscard]] json frame_json(const line& of);
[[nodiscard]] json call_json(const page_call& of);
[[nodiscard]] std::string_view to_contract(verdict what) noexcept;
/// Steady time of the loop as milliseconds since 1970.
[[nodiscard]] std::int64_t wall_of(time_us steady);
[[nodiscard]] std::int64_t wall_now();

// ---- of the controller: [control]

/// What changes in one line of the list: everything of InstanceSummary but revision, address and what the
/// file says.
[[nodiscard]] json live_summary(desk& from, std::uint32_t index);
[[nodiscard]] json statuses_json(desk& from, std::uint32_t index);
/// What the trace says of a rule ("its match did not hold"), as a whole sentence of its own.
[[nodiscard]] std::string as_sentence(std::string_view said);
[[nodiscard]] json report_json(desk& from, std::uint32_t rule);
[[nodiscard]] json variables_json(desk& from);
[[nodiscard]] json event_json(const trace_event& of);
[[nodiscard]] json history_json(desk& from, std::uint32_t index, std::int64_t since);

} // namespace iom::host::web
