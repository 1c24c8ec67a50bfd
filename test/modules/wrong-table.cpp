// Has no function to stop with.

#include "sample.hpp"

namespace {

using functions = iom::test::functions_of<iom::test::sample>;

constexpr iom_module table{functions::extension, functions::set, functions::start,  functions::invoke,
                           functions::service,   nullptr,        functions::destroy};
constexpr iom_entry entry{IOM_ABI, functions::entry.id,    functions::entry.version, functions::entry.token,
                          &table,  functions::entry.create};

} // namespace

IOM_TEST_ENTRY(entry);
