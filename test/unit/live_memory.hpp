#pragma once

#include <cstddef>

namespace iom::test {

/// Bytes that this program has taken from malloc and not given back. Linked into a test, it replaces malloc;
/// under a sanitizer it counts nothing.
std::size_t live_bytes() noexcept;

} // namespace iom::test
