// Many instances in one host: they share one network thread and one control loop.

#include "support/programs.hpp"

#include <gtest/gtest.h>
#include <string>
#include <sys/resource.h>

namespace {

using iom::test::eventually;
using iom::test::host;
using iom::test::peer;

constexpr int many = 1000;

std::string project(int instances, std::uint16_t port) {
    std::string written = "<project name=\"Many\">";
    for (int at = 0; at < instances; ++at) {
        written +=
            "<instance name=\"line" + std::to_string(at) +
            "\" module=\"websocket-client\"><set name=\"hostname\">127.0.0.1</set><set name=\"port\">" +
            std::to_string(port) + "</set><set name=\"path\">/idle</set></instance>";
    }
    return written + "</project>";
}

int entries(host& running, const std::string& folder) {
    int count = 0;
    const auto place = "/proc/" + std::to_string(running.program().pid()) + "/" + folder;
    for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator(place)) {
        ++count;
    }
    return count;
}

/// A limit of descriptors for the programs that are started while it lives.
class few_descriptors {
public:
    few_descriptors() {
        getrlimit(RLIMIT_NOFILE, &before_);
        rlimit few = before_;
        few.rlim_cur = 256;
        setrlimit(RLIMIT_NOFILE, &few);
    }
    ~few_descriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
    few_descriptors(const few_descriptors&) = delete;
    few_descriptors& operator=(const few_descriptors&) = delete;

private:
    rlimit before_{};
};

TEST(Many, AThousandSessionsTakeNoMoreThreadsThanOne) {
    peer far;
    int threads = 0;
    {
        host one(project(1, far.port()));
        ASSERT_TRUE(far.eventually_open(1));
        threads = entries(one, "task");
        EXPECT_EQ(one.stop(), 0);
    }
    ASSERT_TRUE(far.eventually_open(0));
    // The system's usual limit is of another time: the host takes what it is allowed to.
    const few_descriptors limit;
    host all(project(many, far.port()));
    ASSERT_TRUE(far.eventually_open(many));
    EXPECT_EQ(entries(all, "task"), threads);
    // A socket each, and what the host has anyway.
    EXPECT_LT(entries(all, "fd"), many + 100);
    EXPECT_EQ(all.stop(), 0);
    EXPECT_TRUE(far.eventually_open(0));
}

} // namespace
