#pragma once

#include <cstddef>

namespace iom::test {

/// How often this program has asked for memory so far. Linked into a test, it replaces operator new.
std::size_t allocations() noexcept;

} // namespace iom::test
