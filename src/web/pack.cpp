#include "web/pack.hpp"

#include <array>
#include <cstring>
#include <stdexcept>
#include <zlib.h>

namespace iom::host::web {
namespace {

constexpr int gzip_window = 15 + 16; ///< zlib's way to ask for gzip
constexpr std::size_t tar_block = 512;

template <typename step, typename stream>
std::string through(std::string_view in, stream& z, const step& go) {
    std::string out;
    std::array<char, 16384> piece{};
    // zlib takes its input without const, and leaves it as it is.
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    z.avail_in = static_cast<uInt>(in.size());
    int said = Z_OK;
    do {
        z.next_out = reinterpret_cast<Bytef*>(piece.data());
        z.avail_out = static_cast<uInt>(piece.size());
        said = go(&z);
        if (said != Z_OK && said != Z_STREAM_END) {
            throw std::runtime_error("compressed data cannot be read");
        }
        out.append(piece.data(), piece.size() - z.avail_out);
    } while (said != Z_STREAM_END);
    return out;
}

} // namespace

std::string gzip(std::string_view plain) {
    z_stream z{};
    if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::runtime_error("there is no memory to compress");
    }
    struct guard {
        z_stream* z;
        ~guard() { deflateEnd(z); }
    } const ends{&z};
    return through(plain, z, [](z_stream* each) { return deflate(each, Z_FINISH); });
}

std::string gunzip(std::string_view packed) {
    z_stream z{};
    if (inflateInit2(&z, gzip_window) != Z_OK) {
        throw std::runtime_error("there is no memory to decompress");
    }
    struct guard {
        z_stream* z;
        ~guard() { inflateEnd(z); }
    } const ends{&z};
    return through(packed, z, [](z_stream* each) { return inflate(each, Z_NO_FLUSH); });
}

std::string tar_file(std::string_view name, std::string_view content, long long seconds) {
    std::array<char, tar_block> head{};
    // Octal digits and a NUL, filling their field.
    const auto put = [&](std::size_t at, std::size_t size, unsigned long long value) {
        head[at + size - 1] = '\0';
        for (std::size_t digit = size - 1; digit-- > 0; value >>= 3U) {
            head[at + digit] = static_cast<char>('0' + (value & 7U));
        }
    };
    name = name.substr(0, 99);
    std::memcpy(head.data(), name.data(), name.size());
    put(100, 8, 0600);
    put(108, 8, 0);
    put(116, 8, 0);
    put(124, 12, content.size());
    put(136, 12, static_cast<unsigned long long>(seconds));
    std::memset(head.data() + 148, ' ', 8);
    head[156] = '0';
    std::memcpy(head.data() + 257, "ustar", 6);
    std::memcpy(head.data() + 263, "00", 2);
    unsigned sum = 0;
    for (const char each : head) {
        sum += static_cast<unsigned char>(each);
    }
    put(148, 7, sum);
    std::string out(head.data(), head.size());
    out += content;
    out.append((tar_block - content.size() % tar_block) % tar_block, '\0');
    return out;
}

std::string tar_end() {
    return std::string(2 * tar_block, '\0');
}

} // namespace iom::host::web
