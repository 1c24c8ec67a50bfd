#include "manifest/generate.hpp"
#include "manifest/manifest.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <span>

namespace {

namespace fs = std::filesystem;

using iom::manifest::mistake;

constexpr int failed = 1;
constexpr int misused = 2;

int report(const std::vector<mistake>& mistakes) {
    for (const mistake& each : mistakes) {
        std::cerr << to_string(each) << '\n';
    }
    return failed;
}

/// Written beside and renamed, so that a build that is interrupted never finds half a header.
bool write_file(const fs::path& file, const std::string& text) {
    fs::path beside = file;
    beside += ".new";
    std::ofstream stream(beside, std::ios::binary | std::ios::trunc);
    stream << text;
    stream.close();
    std::error_code error;
    if (stream) {
        fs::rename(beside, file, error);
    }
    if (!stream || error) {
        std::cerr << file.string()
                  << ": the header cannot be written: " << (error ? error.message() : std::strerror(errno))
                  << ".\n";
        fs::remove(beside, error);
        return false;
    }
    return true;
}

int generate(const fs::path& manifest_file, const fs::path& header_file, const std::string& name_space) {
    std::vector<mistake> mistakes;
    const auto manifest = iom::manifest::read_manifest(manifest_file, mistakes);
    if (!mistakes.empty()) {
        return report(mistakes);
    }
    const std::string header = iom::manifest::generate_ids(manifest, name_space, mistakes);
    if (!mistakes.empty()) {
        return report(mistakes);
    }
    return write_file(header_file, header) ? 0 : failed;
}

} // namespace

int main(int count, char** words) {
    const std::span<char*> arguments(words, static_cast<std::size_t>(count));
    if (count != 4 || !iom::manifest::is_namespace(arguments[3])) {
        std::cerr << "usage: iom-generate MANIFEST.xml HEADER.h NAMESPACE\n"
                     "Writes the manifest's numbers, its interface token and tables as a C++ header, in a "
                     "namespace\n"
                     "as iom::ws::ids.\n";
        return misused;
    }
    try {
        return generate(arguments[1], arguments[2], arguments[3]);
    } catch (const std::exception& problem) {
        std::cerr << "iom-generate: " << problem.what() << '\n';
        return failed;
    }
}
