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
    if (count != 2 || !std::filesystem::is_directory(arguments[1])) {
        std::fprintf(stderr, "usage: %s FOLDER\nFOLDER holds the seeds, one input a file.\n", arguments[0]);
        return 2;
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(arguments[1])) {
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
        std::printf("%s\n", file.c_str());
        std::fflush(stdout);
        std::ifstream stream(file, std::ios::binary);
        replay({std::istreambuf_iterator<char>(stream), {}});
    }
    return files.empty() ? 1 : 0;
}
