#pragma once

#include "manifest/manifest.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace iom::manifest {

/// A C++ header in `name_space` with the numbers of all that the manifest names, the interface token, and
/// tables of what it says of them, so that a module's code and its manifest cannot drift apart. Two ids that
/// would get the same name in C++ are a mistake.
std::string generate_ids(const module_manifest& of, std::string_view name_space,
                         std::vector<mistake>& mistakes);

/// Whether this can be the name of a namespace, as in iom::ws::ids.
bool is_namespace(std::string_view name);

} // namespace iom::manifest
