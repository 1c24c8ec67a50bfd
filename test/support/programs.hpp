#pragma once

#include "support/process.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace iom::test {

/// A folder that goes with the object.
class temporary_folder {
public:
    temporary_folder();
    ~temporary_folder();
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// Writes a file below the folder, and its folders; answers its path.
    std::filesystem::path write(const std::filesystem::path& name, std::string_view content) const;

private:
    std::filesystem::path path_;
};

/// The programs under test, as this build made them.
std::string iomhost();
std::string iompeer();
std::filesystem::path module_folder();
std::filesystem::path source_folder();

/// A running iompeer on loopback; port 0 takes a free one.
class peer {
public:
    explicit peer(std::vector<std::string> options = {}, std::uint16_t port = 0);

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url(std::string_view path, std::string_view scheme = "ws") const;
    [[nodiscard]] process& program() { return program_; }
    /// The JSON that a plain GET answers with; null if it is none.
    [[nodiscard]] nlohmann::json get(std::string_view path) const;
    /// Waits until what GET answers holds; false after `patience`.
    bool eventually(std::string_view path, const std::function<bool(const nlohmann::json&)>& holds) const;
    /// Waits until so many sessions are open.
    bool eventually_open(int sessions) const;

private:
    process program_;
    std::uint16_t port_ = 0;
};

/// A command that runs a shell script where it may mount: in a mount namespace of its own, and for who is not
/// root in a user namespace too. `arguments` are $0, $1 and so on.
std::vector<std::string> with_own_mounts(const std::string& script, std::vector<std::string> arguments);

/// Whether the answer to GET /alarms holds one that was acknowledged.
bool an_alarm_was_acknowledged(const nlohmann::json& alarms);

/// `iomhost run` of a project text without a web page, logging JSON at level debug; ready when constructed.
class host {
public:
    explicit host(std::string_view project, std::vector<std::string> options = {},
                  std::vector<std::string> environment = {});

    [[nodiscard]] process& program() const { return *program_; }
    [[nodiscard]] const std::filesystem::path& project_file() const { return project_; }
    [[nodiscard]] const temporary_folder& folder() const { return folder_; }
    /// Waits for a log line that holds `part`.
    std::string wait_log(std::string_view part) { return program_->wait_line(process::stream::err, part); }
    /// SIGTERM, then the exit code.
    int stop();

private:
    temporary_folder folder_;
    std::filesystem::path project_;
    std::unique_ptr<process> program_;
};

/// One HTTP/1.1 request to loopback; answers the whole response, head and body.
std::string http(std::uint16_t port, std::string_view method, std::string_view path,
                 std::string_view body = {});

/// A port of loopback that is free at this moment, for servers that cannot take port 0.
std::uint16_t free_port();

/// An EC certificate authority and what it has signed, made by openssl below a folder.
class certificates {
public:
    explicit certificates(const std::filesystem::path& folder);

    [[nodiscard]] std::string authority() const;
    struct pair {
        std::string certificate;
        std::string key;
    };
    /// Signs a certificate for `names` ("DNS:localhost,IP:127.0.0.1"); `days` counts from now.
    pair issue(const std::string& name, const std::string& names, const std::string& key_type = "ec");
    /// The same, valid from and until a time as in 20260131235959Z.
    pair issue_between(const std::string& name, const std::string& names, const std::string& from,
                       const std::string& until);
    /// A certificate that nobody but itself has signed.
    pair self_signed(const std::string& name, const std::string& names);

private:
    [[nodiscard]] pair files_of(const std::string& name) const;
    /// Makes a key and the request for a certificate; answers the request's file.
    [[nodiscard]] std::string request(const std::string& name, const std::string& names,
                                      const std::string& key_type) const;

    std::filesystem::path folder_;
};

} // namespace iom::test
