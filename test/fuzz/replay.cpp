// Stands in for libFuzzer in the tests: gives a target every seed, every beginning of it, and the seed with
// each of its bytes changed in turn.

#include "target.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

constexpr std::size_t most_places = 512; // of one seed, spread evenly

void replay(const std::string& seed) {
    fuzz(seed);
    const std::size_t step = seed.size() / most_places + 1;
    for (std::size_t at = 0; at < seed.size(); at += step) {
        // A copy of its own size, so that a sanitizer sees a read beyond the end.
        const std::vector<char> beginning(seed.begin(), seed.begin() + static_cast<std::ptrdiff_t>(at));
        fuzz({beginning.data(), beginning.size()});
        std::string changed = seed;
        for (const char other : std::array{'\0', '\xff', '"', '<', '%', '$', '9'}) {
            changed[at] = other;
            fuzz(changed);
        }
    }
}

} // namespace

int main(int count, char** arguments) {
    std::vector<std::filesystem::path> files;
    for (int at = 1; at < count; ++at) {
        if (!std::filesystem::is_directory(arguments[at])) {
            std::fprintf(stderr, "%s: there is no folder %s\n", arguments[0], arguments[at]);
            return 2;
        }
        for (const auto& entry : std::filesystem::directory_iterator(arguments[at])) {
            files.push_back(entry.path());
        }
    }
    if (files.empty()) {
        std::fprintf(stderr, "usage: %s FOLDER…\nThe folders hold the seeds, one input a file.\n",
                     arguments[0]);
        return 2;
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
        std::printf("%s\n", file.c_str());
        std::fflush(stdout);
        std::ifstream stream(file, std::ios::binary);
        replay({std::istreambuf_iterator<char>(stream), {}});
    }
    return 0;
}
