#pragma once

#include <cstddef>
#include <string_view>

namespace iom::test {

/// From now on threads of that name get no memory in pieces of `least` bytes and more; 0 gives it back.
/// Linked into a test, it replaces operator new.
void deny_memory(std::string_view thread, std::size_t least);

} // namespace iom::test
