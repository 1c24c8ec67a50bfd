#include "manifest/manifest.hpp"

#include "target.hpp"

using namespace iom::manifest;

void fuzz(std::string_view input) {
    std::vector<mistake> mistakes;
    const auto made = parse_manifest(input, "module.xml", mistakes);
    bool good = true;
    for (const auto& one : mistakes) {
        require(!one.sentence.empty());
        good = good && one.warning;
    }
    require(!good || !made.id.empty());
}
