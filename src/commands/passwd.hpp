#pragma once

#include <filesystem>

namespace iom::host::commands {

/// `iomhost passwd`: sets the password of a project's web page. Asks twice on a terminal, otherwise takes the
/// first line of stdin. A host at work takes it at once, and ends every session. 0 if it is set.
int passwd(const std::filesystem::path& project);

} // namespace iom::host::commands
