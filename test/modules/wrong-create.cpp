// Says that it has created an instance, and gives none.

#include "sample.hpp"

namespace {

using functions = iom::test::functions_of<iom::test::sample>;

std::uint32_t create(const iom_host* /*host*/, std::uint64_t /*token*/, iom_instance** /*instance*/,
                     iom_text* /*why*/) {
    return IOM_OK;
}

constexpr iom_entry entry{
    IOM_ABI, functions::entry.id, functions::entry.version, functions::entry.token, &functions::table,
    create};

} // namespace

IOM_TEST_ENTRY(entry);
