#include "web/web.hpp"

#include <gtest/gtest.h>
#include <string>

namespace {

using namespace iom::host::web;

TEST(ReadAddress, TakesAddressesOfBothFamilies) {
    const auto read = [](const std::string& text) {
        web_options to;
        std::string why;
        EXPECT_TRUE(read_address(text, to, why)) << text << ": " << why;
        return to.address + ' ' + std::to_string(to.port);
    };
    EXPECT_EQ(read("127.0.0.1:8080"), "127.0.0.1 8080");
    EXPECT_EQ(read("0.0.0.0:0"), "0.0.0.0 0");
    EXPECT_EQ(read("[::1]:65535"), "::1 65535");
    EXPECT_EQ(read("[2001:DB8:0:0::1]:80"), "2001:db8::1 80"); // one address, one way to write it
}

TEST(ReadAddress, SaysWhatIsWrong) {
    for (const char* const text :
         {"", ":", "8080", ":8080", "localhost:8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
          "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80 ", "::1:8080", "[::1]", "[::1:80"}) {
        web_options to;
        std::string why;
        EXPECT_FALSE(read_address(text, to, why)) << text;
        EXPECT_NE(why.find("127.0.0.1:8080"), std::string::npos) << why;
        EXPECT_EQ(to.address, "127.0.0.1") << "as it was";
    }
    web_options to;
    std::string why;
    EXPECT_FALSE(read_address("[::ffff:10.0.0.1]:80", to, why));
    EXPECT_NE(why.find("10.0.0.1:80"), std::string::npos) << why;
}

} // namespace
