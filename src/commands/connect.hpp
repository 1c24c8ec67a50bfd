#pragma once

#include "manifest/manifest.hpp"
#include "value.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace iom::host::commands {

struct connect_options {
    std::string url;
    std::filesystem::path modules;
    std::vector<std::string> send; ///< text messages, sent first
    std::vector<std::string> headers;
    std::vector<std::pair<std::string, std::string>> settings;
    std::optional<std::string> bearer;
    std::optional<std::filesystem::path> bearer_file;
    std::optional<std::filesystem::path> ca;
    bool insecure = false;
    bool echo = false;
    bool raw = false;
    bool verbose = false; ///< everything the module has to say, frames included
    time_us linger = one_second;
};

/// What a URL of a WebSocket server (RFC 6455, section 3) says.
struct server_url {
    bool secure = false;
    std::string host; ///< without brackets
    int port = 0;     ///< 0: the usual one
    std::string path; ///< with its query; at least "/"
};

/// Takes a URL apart; nothing, and a sentence in `why`, if it is none.
[[nodiscard]] std::optional<server_url> parse_url(const std::string& written, std::string& why);

/// The project that `connect` runs: one instance, no rules. Every text stands for itself, save in the
/// settings that were given by name.
[[nodiscard]] std::string project_of(const connect_options& options, const server_url& url,
                                     const manifest::module_manifest& module);

/// `iomhost connect`: one session through the real module. Lines of stdin are sent as text messages, what is
/// received goes to stdout, all else to stderr. 0 after a clean close, 1 after a session that failed, 2 where
/// the options make no sense.
int connect(const connect_options& options);

} // namespace iom::host::commands
