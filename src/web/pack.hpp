#pragma once

#include <string>
#include <string_view>

/// Compression for downloads and for what is kept compressed in the program. The only user of zlib.
namespace iom::host::web {

[[nodiscard]] std::string gzip(std::string_view plain);

/// The plain bytes; throws std::runtime_error if `packed` is no gzip.
[[nodiscard]] std::string gunzip(std::string_view packed);

/// One file of a tar archive (ustar), with its padding; the archive ends with `tar_end`.
[[nodiscard]] std::string tar_file(std::string_view name, std::string_view content, long long seconds);
[[nodiscard]] std::string tar_end();

} // namespace iom::host::web
