// Was made for another contract.

#include "sample.hpp"

namespace {

using functions = iom::test::functions_of<iom::test::sample>;

constexpr iom_entry entry{IOM_ABI + 41,           functions::entry.id,        functions::entry.version,
                          functions::entry.token, functions::entry.functions, functions::entry.create};

} // namespace

IOM_TEST_ENTRY(entry);
