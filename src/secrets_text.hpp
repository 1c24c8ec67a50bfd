#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Edits of PROJECT.secrets as text (its form: `secrets`): comments, order and other lines stay byte for
/// byte. No sentence ever repeats a value. Pure.
namespace iom::host {

/// A named secret and its value.
using named_secret = std::pair<std::string, std::string>;

/// The names, in the file's order; lines that cannot be read are left out.
std::vector<std::string> secret_names(std::string_view text);

/// The text with those secrets set: in their lines, or in new ones at the end. Nothing, with a sentence in
/// `why`, if a name or value cannot be written.
std::optional<std::string> with_secrets(std::string_view text, std::span<const named_secret> values,
                                        std::string& why);

/// The text without that secret's line; the same text if there is none.
std::string without_secret(std::string_view text, std::string_view name);

} // namespace iom::host
