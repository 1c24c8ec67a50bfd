// Was compiled with another manifest.

#include "sample.hpp"

namespace {

using functions = iom::test::functions_of<iom::test::sample>;

constexpr iom_entry entry{IOM_ABI,
                          functions::entry.id,
                          functions::entry.version,
                          functions::entry.token + 1,
                          functions::entry.functions,
                          functions::entry.create};

} // namespace

IOM_TEST_ENTRY(entry);
