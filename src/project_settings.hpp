#pragma once

#include "checks.hpp"
#include "match.hpp"
#include "project.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How settings and matches stand in a project file.
namespace iom::host {

/// What a <match> may carry in a rule besides the test itself.
struct match_extras {
    std::string on_change; ///< name of a capture, or empty
    manifest::location on_change_where;
    host::gate gate; ///< `on_change` is still to be found
};

/// The <match> children of `parent` as one; null with mistakes if any is wrong, also null if there are none.
/// `extras` is null where on-change, debounce and at-most do not belong.
std::shared_ptr<const match> read_matches(const manifest::element& parent, match_extras* extras,
                                          complaints& say);

/// The values of one <set>, or nothing with mistakes. Texts are not taken apart yet.
std::vector<setting_plan> read_set(const manifest::element& at, const manifest::setting& what,
                                   complaints& say);

/// All <set> of an <instance> or <defaults>.
std::vector<setting_plan> read_sets(const manifest::element& parent, const manifest::module_manifest& module,
                                    complaints& say);

/// The bytes that hex digits or Base64 stand for (white space between them is skipped), or nothing.
std::optional<std::string> bytes_of_hex(std::string_view written);
std::optional<std::string> bytes_of_base64(std::string_view written);

} // namespace iom::host
