#include "frames.hpp"

#include <gtest/gtest.h>

#include <string>

namespace iom::peer {
namespace {

using namespace std::string_literals;

/// A client frame with the key 1 2 3 4.
std::string client(std::uint8_t first, std::string payload) {
    const frame_head head{.fin = (first & 0x80) != 0,
                          .rsv = static_cast<std::uint8_t>(first >> 4 & 7),
                          .code = static_cast<std::uint8_t>(first & 15),
                          .masked = true,
                          .length = payload.size()};
    for (std::size_t i = 0; i < payload.size(); ++i) {
        payload[i] = static_cast<char>(payload[i] ^ static_cast<char>(i % 4 + 1));
    }
    return head_bytes(head) + "\x01\x02\x03\x04" + payload;
}

TEST(frames, are_written_with_the_shortest_length) {
    struct row {
        std::size_t size;
        std::string head;
    };
    const row rows[] = {
        {0, "\x82\x00"s},
        {125, "\x82\x7D"s},
        {126, "\x82\x7E\x00\x7E"s},
        {65535, "\x82\x7E\xFF\xFF"s},
        {65536, "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s},
    };
    for (const auto& [size, head] : rows) {
        const auto bytes = frame(opcode::binary, std::string(size, 'x'));
        EXPECT_EQ(bytes.size(), head.size() + size);
        EXPECT_EQ(bytes.substr(0, head.size()), head) << size;
    }
}

TEST(frames, close_payload_is_big_endian) {
    EXPECT_EQ(close_payload(1001, "bye"), "\x03\xE9"
                                          "bye"s);
}

TEST(frame_reader, reads_the_same_however_the_bytes_are_cut) {
    const auto bytes = client(0x81, "text") + client(0x02, std::string(70'000, 'b')) + client(0x80, "") +
                       client(0x89, "ping") + client(0x88, close_payload(1000, "")) +
                       client(0x82, std::string(300, 'c'));
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, bytes.size()}) {
        frame_reader reader{1 << 20};
        std::string seen;
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            reader.feed(std::string_view(bytes).substr(at, step));
            while (const auto came = reader.next()) {
                seen += std::to_string(static_cast<int>(came->code)) + (came->fin ? "f" : "-") +
                        std::to_string(came->payload.size()) + came->payload.substr(0, 4) + " ";
            }
        }
        EXPECT_EQ(seen, "1f4text 2-70000bbbb 0f0 9f4ping 8f2\x03\xE8 2f300cccc ") << "cut every " << step;
        EXPECT_EQ(reader.mistake(), "");
    }
}

TEST(frame_reader, says_what_the_client_did_wrong) {
    struct row {
        std::string bytes;
        const char* sentence;
    };
    const row rows[] = {
        {frame(opcode::text, "bare"), "The client sent a frame that is not masked"},
        {client(0x83, ""), "The client sent a frame with the reserved opcode 3."},
        {client(0x82, std::string(1001, 'x')),
         "The client sent a frame of 1001 bytes; this server takes 1000."},
        {head_bytes({.masked = true, .length = std::uint64_t{1} << 63}),
         "The client sent a frame of 9223372036854775808"},
    };
    for (const auto& [bytes, sentence] : rows) {
        frame_reader reader{1000};
        reader.feed(bytes);
        EXPECT_FALSE(reader.next());
        EXPECT_TRUE(reader.mistake().starts_with(sentence)) << reader.mistake();
        reader.feed(client(0x81, "later"));
        EXPECT_FALSE(reader.next()) << "nothing comes after a mistake";
    }
}

} // namespace
} // namespace iom::peer
