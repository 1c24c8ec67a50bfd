#include "support/programs.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace iom::test {

namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// A socket's address in the form that the socket calls take.
sockaddr* generic(sockaddr_in& address) {
    return static_cast<sockaddr*>(static_cast<void*>(&address));
}

void openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    const result ended = run(std::move(arguments));
    if (ended.exit_code != 0) {
        throw std::runtime_error("openssl: " + ended.err);
    }
}

std::vector<std::string> with(std::vector<std::string> head, std::vector<std::string> tail) {
    head.insert(head.end(), tail.begin(), tail.end());
    return head;
}

} // namespace

temporary_folder::temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "iom-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error("no temporary folder at " + name);
    }
    path_ = name;
}

temporary_folder::~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path temporary_folder::write(const std::filesystem::path& name,
                                              std::string_view content) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file;
}

std::string iomhost() {
    return IOM_TEST_HOST;
}

std::string iompeer() {
    return IOM_TEST_PEER;
}

std::filesystem::path module_folder() {
    return IOM_TEST_MODULES;
}

std::filesystem::path source_folder() {
    return IOM_TEST_SOURCE;
}

peer::peer(std::vector<std::string> options, std::uint16_t port)
    : program_(with({iompeer(), "--port", std::to_string(port)}, std::move(options))) {
    const std::string line = program_.wait_line(process::stream::out, "ready ");
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(line.find(' ') + 1)));
}

std::string peer::url(std::string_view path, std::string_view scheme) const {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

nlohmann::json peer::get(std::string_view path) const {
    const std::string answer = http(port_, "GET", path);
    const std::size_t head = answer.find("\r\n\r\n");
    return head == std::string::npos ? nlohmann::json()
                                     : nlohmann::json::parse(answer.substr(head + 4), nullptr, false);
}

bool peer::eventually(std::string_view path, const std::function<bool(const nlohmann::json&)>& holds) const {
    return test::eventually([&] { return holds(get(path)); });
}

bool peer::eventually_open(int sessions) const {
    return eventually("/sessions",
                      [sessions](const nlohmann::json& counters) { return counters["open"] == sessions; });
}

bool an_alarm_was_acknowledged(const nlohmann::json& alarms) {
    return std::any_of(alarms.begin(), alarms.end(),
                       [](const nlohmann::json& alarm) { return alarm["acknowledged"] == true; });
}

host::host(std::string_view project, std::vector<std::string> options, std::vector<std::string> environment)
    : project_(folder_.write("project.xml", project)) {
    program_ = std::make_unique<process>(
        with({iomhost(), "run", project_.string(), "--no-web", "--log-format", "json", "--log-level", "debug",
              "--modules", module_folder().string()},
             std::move(options)),
        std::move(environment));
    program_->wait_line(process::stream::out, "ready");
}

int host::stop() {
    program_->signal(SIGTERM);
    return program_->wait_exit();
}

std::string http(std::uint16_t port, std::string_view method, std::string_view path, std::string_view body) {
    const int line = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(port);
    std::string answer;
    if (connect(line, generic(address), sizeof address) == 0) {
        const std::string request = std::string(method) + " " + std::string(path) +
                                    " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: " +
                                    std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
        if (send(line, request.data(), request.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(request.size())) {
            std::array<char, 4096> buffer{};
            for (ssize_t got = 0; (got = recv(line, buffer.data(), buffer.size(), 0)) > 0;) {
                answer.append(buffer.data(), static_cast<std::size_t>(got));
            }
        }
    }
    close(line);
    return answer;
}

std::uint16_t free_port() {
    const int line = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    const bool bound =
        bind(line, generic(address), size) == 0 && getsockname(line, generic(address), &size) == 0;
    close(line);
    if (!bound) {
        throw std::runtime_error("no free port on loopback");
    }
    return ntohs(address.sin_port);
}

certificates::certificates(const std::filesystem::path& folder) : folder_(folder) {
    std::filesystem::create_directories(folder_);
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
             "-subj", "/CN=Test authority", "-keyout", (folder_ / "authority.key").string(), "-out",
             authority()});
}

std::string certificates::authority() const {
    return (folder_ / "authority.pem").string();
}

certificates::pair certificates::files_of(const std::string& name) const {
    return {(folder_ / (name + ".pem")).string(), (folder_ / (name + ".key")).string()};
}

std::string certificates::request(const std::string& name, const std::string& names,
                                  const std::string& key_type) const {
    const std::string asked = (folder_ / (name + ".csr")).string();
    std::ofstream((folder_ / (name + ".ext")).string())
        << "subjectAltName=" << names << "\nbasicConstraints=CA:FALSE\n";
    openssl(with(
        {"req", "-nodes", "-subj", "/CN=" + name, "-keyout", files_of(name).key, "-out", asked, "-newkey"},
        key_type == "ec" ? std::vector<std::string>{"ec", "-pkeyopt", "ec_paramgen_curve:P-256"}
                         : std::vector<std::string>{"rsa:2048"}));
    return asked;
}

certificates::pair certificates::issue(const std::string& name, const std::string& names,
                                       const std::string& key_type) {
    const std::string asked = request(name, names, key_type);
    openssl({"x509", "-req", "-in", asked, "-CA", authority(), "-CAkey", (folder_ / "authority.key").string(),
             "-CAcreateserial", "-days", "30", "-extfile", (folder_ / (name + ".ext")).string(), "-out",
             files_of(name).certificate});
    return files_of(name);
}

certificates::pair certificates::issue_between(const std::string& name, const std::string& names,
                                               const std::string& from, const std::string& until) {
    const std::string asked = request(name, names, "ec");
    const std::string settings = (folder_ / "authority.cnf").string();
    std::ofstream((folder_ / "authority.index").string(), std::ios::app).flush();
    std::ofstream(settings) << "[ca]\ndefault_ca=all\n[all]\nnew_certs_dir=" << folder_.string()
                            << "\ndatabase=" << (folder_ / "authority.index").string()
                            << "\nserial=" << (folder_ / "authority.serial").string()
                            << "\nunique_subject=no\ndefault_md=sha256\npolicy=any\n[any]\ncommonName="
                               "supplied\n";
    openssl({"ca",
             "-batch",
             "-notext",
             "-config",
             settings,
             "-create_serial",
             "-rand_serial",
             "-in",
             asked,
             "-cert",
             authority(),
             "-keyfile",
             (folder_ / "authority.key").string(),
             "-startdate",
             from,
             "-enddate",
             until,
             "-extfile",
             (folder_ / (name + ".ext")).string(),
             "-out",
             files_of(name).certificate});
    return files_of(name);
}

certificates::pair certificates::self_signed(const std::string& name, const std::string& names) {
    const std::string asked = request(name, names, "ec");
    openssl({"x509", "-req", "-in", asked, "-signkey", files_of(name).key, "-days", "30", "-extfile",
             (folder_ / (name + ".ext")).string(), "-out", files_of(name).certificate});
    return files_of(name);
}

std::vector<std::string> with_own_mounts(const std::string& script, std::vector<std::string> arguments) {
    std::vector<std::string> command{
        "unshare", geteuid() == 0 ? "--mount" : "--map-root-user", "--mount", "sh", "-c", script};
    command.insert(command.end(), std::make_move_iterator(arguments.begin()),
                   std::make_move_iterator(arguments.end()));
    return command;
}

} // namespace iom::test
