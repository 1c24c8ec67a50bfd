#pragma once

#include "manifest/manifest.hpp"
#include "project.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace iom::host {

/// What a project finds around itself in tests: the real manifest, and one secret and one variable of the
/// environment.
class fake_surroundings final : public surroundings {
public:
    std::shared_ptr<const manifest::module_manifest> module(std::string_view id, std::string& why) override {
        if (id == "websocket-client") {
            return websocket_client();
        }
        if (const auto known = others.find(id); known != others.end()) {
            return known->second;
        }
        why = "there is no module '" + std::string{id} + "'.";
        return nullptr;
    }

    const std::string* secret(std::string_view name) override {
        const auto known = secrets.find(name);
        return known == secrets.end() ? nullptr : &known->second;
    }

    const std::string* environment(std::string_view name) override {
        const auto known = variables.find(name);
        return known == variables.end() ? nullptr : &known->second;
    }

    const std::vector<std::filesystem::path>& file_folders() override { return folders; }
    symbol_table& symbols() override { return symbols_; }

    std::map<std::string, std::string, std::less<>> secrets{{"pin", "1234"}, {"port", "9001"}};
    std::map<std::string, std::string, std::less<>> variables{{"IOM_SITE", "north"}};
    std::map<std::string, std::shared_ptr<const manifest::module_manifest>, std::less<>> others;
    std::vector<std::filesystem::path> folders;

    static std::shared_ptr<const manifest::module_manifest> websocket_client() {
        static const auto loaded = [] {
            std::vector<manifest::mistake> mistakes;
            const auto file = std::filesystem::path{IOM_SOURCE_FOLDER} / "manifest" / "websocket-client.xml";
            auto made = std::make_shared<manifest::module_manifest>(manifest::read_manifest(file, mistakes));
            if (!mistakes.empty()) {
                throw std::runtime_error(manifest::to_string(mistakes.front()));
            }
            return made;
        }();
        return loaded;
    }

private:
    symbol_table symbols_;
};

} // namespace iom::host
