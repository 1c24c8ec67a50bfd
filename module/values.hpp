#pragma once

#include "iom/iom.h"

#include "websocket_client_ids.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// The contract's values against what the manifest says of them. Pure.
namespace iom::ws {

/// What is wrong with a value of this setting or argument (type, range, length), in a sentence that begins
/// with its label; empty if nothing. A secret's value is not repeated.
std::string judge_value(const ids::row& what, const iom_value& value);

/// What is wrong with the values as a whole: unknown ids, wrong values, a single one given twice, a required
/// one missing. The first mistake only; empty if there is none.
std::string judge_values(std::span<const ids::row> rows, std::span<const iom_value> values);

/// The first value of that id, or null.
const iom_value* find_value(std::span<const iom_value> values, std::uint32_t id);

/// The bytes of a text or bytes value; nothing of any other kind.
std::string_view bytes_of(const iom_value& value);

iom_text as_text(std::string_view text);

// Values to hand to the host.
iom_value text_value(std::uint32_t id, std::string_view text);
iom_value bool_value(std::uint32_t id, bool value);
iom_value int_value(std::uint32_t id, std::int64_t value);
iom_value real_value(std::uint32_t id, double value);
iom_value message_value(std::uint32_t id, std::string_view message,
                        bool binary); ///< bytes where binary, else text

} // namespace iom::ws
