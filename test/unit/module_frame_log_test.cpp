#include "module/frame_log.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace iom::ws;

TEST(frame_line, says_direction_opcode_fin_length_and_payload) {
    EXPECT_EQ(frame_line(direction::out, "text", true, 5, "hello", true), "out text fin 5 bytes: hello");
    EXPECT_EQ(frame_line(direction::in, "binary", false, 3, std::string_view("\0\x01\xFF", 3), false),
              "in  binary more 3 bytes: 0001ff");
    EXPECT_EQ(frame_line(direction::in, "pong", true, 0, "", false), "in  pong fin 0 bytes");
    EXPECT_EQ(frame_line(direction::in, "text", true, 1, "x", true), "in  text fin 1 byte: x");
}

TEST(frame_line, stays_one_line) {
    EXPECT_EQ(frame_line(direction::in, "text", true, 4, "a\nb\\", true),
              "in  text fin 4 bytes: a\\x0ab\\\\");
}

TEST(frame_line, is_cut_at_four_kibibytes_and_whole_characters) {
    const std::string head = "in  text fin 6000 bytes: ";
    EXPECT_EQ(frame_line(direction::in, "text", true, 6000, std::string(6000, 'x'), true),
              head + std::string(4096, 'x') + " ...");
    const std::string umlauts = std::string(4095, 'x') + "\xC3\xA4" + std::string(1903, 'x');
    EXPECT_EQ(frame_line(direction::in, "text", true, 6000, umlauts, true),
              head + std::string(4095, 'x') + " ...");
}

TEST(control_line, shows_text_as_text_and_a_close_by_its_code) {
    EXPECT_EQ(control_line(direction::in, "ping", "7"), "in  ping fin 1 byte: 7");
    EXPECT_EQ(control_line(direction::out, "pong", ""), "out pong fin 0 bytes");
    EXPECT_EQ(control_line(direction::out, "ping", std::string_view("\x00\x7F", 2)),
              "out ping fin 2 bytes: 007f");
    EXPECT_EQ(control_line(direction::in, "close", std::string_view("\x03\xE8", 2)),
              "in  close fin 2 bytes: 1000");
    EXPECT_EQ(control_line(direction::out, "close",
                           std::string_view("\x03\xEA"
                                            "bad\nframe",
                                            11)),
              "out close fin 11 bytes: 1002 bad\\x0aframe");
    EXPECT_EQ(control_line(direction::in, "close", ""), "in  close fin 0 bytes");
    EXPECT_EQ(control_line(direction::in, "close", "\x03"), "in  close fin 1 byte: 03");
}

TEST(head_lines, hides_what_is_secret) {
    EXPECT_EQ(head_lines(direction::out,
                         "GET / HTTP/1.1\r\nHost: a\r\nAUTHORIZATION: Bearer x\r\nCookie: y\r\n\r\n"),
              "out GET / HTTP/1.1\nout Host: a\nout AUTHORIZATION: (not shown)\nout Cookie: (not shown)");
    EXPECT_EQ(head_lines(direction::out,
                         "X-Api-Key: a\r\nx-authtoken: b\r\nSec-WebSocket-Key: c\r\nX-Keyboard: d\r\n"),
              "out X-Api-Key: (not shown)\nout x-authtoken: (not shown)\nout Sec-WebSocket-Key: c\nout "
              "X-Keyboard: d");
    EXPECT_EQ(head_lines(direction::in, ""), "");
    EXPECT_EQ(head_lines(direction::in, "HTTP/1.1 101\r\nX: \x1b[2J"), "in  HTTP/1.1 101\nin  X: \\x1b[2J");
}

} // namespace
