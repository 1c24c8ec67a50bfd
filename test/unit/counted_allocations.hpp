#pragma once

#include <cstddef>
#include <string_view>

namespace iom::test {

/// How often this program has asked for memory so far. Linked into a test, it replaces operator new.
std::size_t allocations() noexcept;

/// From now on `still` more requests for memory are granted, and `failures` behind them refused.
void refuse_memory(std::size_t still, std::size_t failures) noexcept;

/// How many of those refusals have not come yet; they come no more.
std::size_t grant_memory() noexcept;

/// From now on threads of that name get no memory in pieces of `least` bytes and more; 0 gives it back.
void deny_memory(std::string_view thread, std::size_t least);

} // namespace iom::test
