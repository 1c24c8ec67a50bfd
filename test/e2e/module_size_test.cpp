// What the module costs a controller's flash: its size, stripped, as it is shipped.

#include "support/programs.hpp"

#include <gtest/gtest.h>

namespace {

TEST(ModuleSize, StaysWithinItsLimit) {
    const iom::test::temporary_folder folder;
    const std::filesystem::path stripped = folder.path() / "module.so";
    const std::string module = (iom::test::module_folder() / "websocket-client.so").string();
    const auto done = iom::test::run({"strip", "-s", "-o", stripped.string(), module});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_LE(std::filesystem::file_size(stripped), 560'000u)
        << "`nm --size-sort -S -C " << module << "` tells what is large in it.";
}

} // namespace
