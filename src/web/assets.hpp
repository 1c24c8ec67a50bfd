#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The page's files and the description of the interface, in the program itself.
namespace iom::host::web {

struct asset {
    std::string_view path;   ///< `index.html`, `assets/main-1a2b.js`
    std::string_view packed; ///< gzip
    std::string_view sum;    ///< SHA-256 of the file, in hex
};

/// What the build found; generated (embed.cmake).
[[nodiscard]] std::span<const asset> all_assets();

[[nodiscard]] const asset* find_asset(std::string_view path);

/// The media type by the name's ending.
[[nodiscard]] std::string_view type_of(std::string_view path);

/// The description of the interface, as JSON text.
[[nodiscard]] std::string openapi();

/// What the page calls itself in <meta name="page">; "none" without a page.
[[nodiscard]] std::string page_token();

} // namespace iom::host::web
