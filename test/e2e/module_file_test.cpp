// The module as a file: what it exports and what it needs.

#include "support/programs.hpp"

#include <gtest/gtest.h>
#include <sstream>

namespace {

std::string module_file() {
    return (iom::test::module_folder() / "websocket-client.so").string();
}

TEST(ModuleFile, ExportsOneSymbol) {
    const auto listed = iom::test::run({"nm", "-D", "--defined-only", module_file()});
    ASSERT_EQ(listed.exit_code, 0) << listed.err;
    std::istringstream lines(listed.out);
    std::vector<std::string> symbols;
    for (std::string line; std::getline(lines, line);) {
        symbols.push_back(line.substr(line.rfind(' ') + 1));
    }
    EXPECT_EQ(symbols, std::vector<std::string>{"iom_entry"});
}

TEST(ModuleFile, BringsItsNetworkLibrariesWithIt) {
    const auto needed = iom::test::run({"ldd", module_file()});
    ASSERT_EQ(needed.exit_code, 0) << needed.err;
    EXPECT_NE(needed.out.find("libc.so"), std::string::npos) << needed.out;
    for (const std::string_view library : {"libssl", "libcrypto", "libwebsockets", "libmbed"}) {
        EXPECT_EQ(needed.out.find(library), std::string::npos) << library << "\n" << needed.out;
    }
}

} // namespace
