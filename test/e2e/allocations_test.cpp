// What a message costs the heap on the whole road, libwebsockets and mbedTLS included: nothing, once all
// buffers have grown to what is needed.

#include "support/programs.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>

namespace {

using iom::test::eventually;
using iom::test::host;
using iom::test::peer;

constexpr std::uint64_t until_steady = 20'000; // messages
constexpr std::uint64_t looked_at = 50'000;
// Statuses, timers and the log are there as well; they take time, not messages. Any allocation per message,
// per TLS record or per batch would be thousands.
constexpr std::uint64_t by_the_way = 250;

std::string instance(const std::string& name, const peer& far, const std::string& more = {}) {
    return "<instance name=\"" + name +
           "\" module=\"websocket-client\"><set name=\"hostname\">127.0.0.1</set>" + "<set name=\"port\">" +
           std::to_string(far.port()) + "</set>" + more + "</instance>";
}

/// Messages go round and round between `line` and its far end; each is counted at `counter` too.
std::string project(const std::string& instances) {
    std::string begin;
    for (int at = 0; at < 64; ++at) {
        begin += "<do action=\"line/send-message\"><arg name=\"message\">value " + std::to_string(at) +
                 " of a message as long as telegrams of machines are</arg></do>";
    }
    return "<project name=\"Round\">" + instances + "<rule name=\"Begin\"><on trigger=\"line/ready\"/>" +
           begin +
           "</rule><rule name=\"Back\"><on trigger=\"line/message-received\"><match kind=\"regex\">^value "
           "(\\d+)</match></on>" +
           "<do action=\"line/send-message\"><arg name=\"message\">${message}</arg></do>" +
           "<do action=\"counter/send-message\"><arg name=\"message\">${3}</arg></do></rule></project>";
}

class allocations {
public:
    allocations() : file_(folder_.write("count", std::string(sizeof(std::uint64_t), '\0'))) {}

    [[nodiscard]] std::vector<std::string> environment() const {
        return {"LD_PRELOAD=" IOM_TEST_MALLOC_COUNT, "MALLOC_COUNT_FILE=" + file_.string()};
    }
    [[nodiscard]] std::uint64_t count() const {
        std::ifstream file(file_, std::ios::binary);
        std::array<char, sizeof(std::uint64_t)> bytes{};
        file.read(bytes.data(), bytes.size());
        std::uint64_t count = 0;
        std::memcpy(&count, bytes.data(), bytes.size());
        return count;
    }

private:
    iom::test::temporary_folder folder_;
    std::filesystem::path file_;
};

std::uint64_t messages_at(const peer& far) {
    return far.get("/sessions").at("messagesReceived").get<std::uint64_t>();
}

void expect_none_per_message(const std::string& line, const peer& counter,
                             const std::string& authority = {}) {
    const allocations heap;
    const iom::test::temporary_folder files;
    std::vector<std::string> options;
    if (!authority.empty()) {
        options = {"--files", std::filesystem::path(authority).parent_path().string()};
    }
    host controller(project(line + instance("counter", counter)), options, heap.environment());
    ASSERT_TRUE(eventually([&] { return messages_at(counter) >= until_steady; }));
    const std::uint64_t before = heap.count();
    ASSERT_GT(before, 1000U) << "allocations are not counted at all";
    const std::uint64_t from = messages_at(counter);
    ASSERT_TRUE(eventually([&] { return messages_at(counter) >= from + looked_at; }));
    EXPECT_LE(heap.count() - before, by_the_way);
}

TEST(Allocations, AMessageOverWsTakesNone) {
    const peer far;
    const peer counter;
    expect_none_per_message(instance("line", far), counter);
}

TEST(Allocations, AMessageOverWssTakesNone) {
    const iom::test::temporary_folder folder;
    iom::test::certificates authority(folder.path());
    const auto pair = authority.issue("server", "IP:127.0.0.1");
    const peer far({"--tls-cert", pair.certificate, "--tls-key", pair.key});
    const peer counter;
    expect_none_per_message(instance("line", far,
                                     "<set name=\"protocol\">wss</set><set name=\"tls-ca\">" +
                                         std::filesystem::path(authority.authority()).filename().string() +
                                         "</set>"),
                            counter, authority.authority());
}

} // namespace
