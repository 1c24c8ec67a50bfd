#include "project.hpp"

#include "target.hpp"

#include <cstdio>

using namespace iom;
using namespace iom::host;

namespace {

// A project finds the real manifest, one secret, and nothing else around it.
class world final : public surroundings {
public:
    std::shared_ptr<const manifest::module_manifest> module(std::string_view id, std::string& why) override {
        static const auto known = [] {
            std::vector<manifest::mistake> mistakes;
            return std::make_shared<const manifest::module_manifest>(
                manifest::read_manifest(IOM_SOURCE_FOLDER "/manifest/websocket-client.xml", mistakes));
        }();
        if (id == known->id) {
            return known;
        }
        why = "there is no such module.";
        return nullptr;
    }
    const std::string* secret(std::string_view name) override { return name == "pin" ? &secret_ : nullptr; }
    const std::string* environment(std::string_view) override { return nullptr; }
    const std::vector<std::filesystem::path>& file_folders() override { return folders_; }
    symbol_table& symbols() override { return symbols_; }

private:
    std::string secret_ = "1234";
    std::vector<std::filesystem::path> folders_;
    symbol_table symbols_;
};

} // namespace

void fuzz(std::string_view input) {
    world around;
    std::vector<manifest::mistake> mistakes;
    const auto made = parse_project(input, "/nowhere/project.xml", around, mistakes);
    bool good = true;
    for (const auto& one : mistakes) {
        require(!one.sentence.empty());
        good = good && one.warning;
    }
    require(good == (made != nullptr));
    if (made) {
        for (std::uint32_t at = 0; at < made->instances.size(); ++at) {
            require(same_instance(*made, at, *made, at));
            static_cast<void>(settings_of(*made, at, around, mistakes));
        }
    }
}
