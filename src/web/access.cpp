#include "web/access.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace iom::host::web {
namespace {

using nlohmann::json;

constexpr std::int64_t minute = 60'000;

/// Neighbours in one IPv6 network are one; they can have as many addresses as they like.
std::string one_of(std::string_view address) {
    in6_addr parts{};
    const std::string text(address);
    if (inet_pton(AF_INET6, text.c_str(), &parts) != 1 || IN6_IS_ADDR_V4MAPPED(&parts)) {
        return text;
    }
    return to_hex({reinterpret_cast<const char*>(parts.s6_addr), 8});
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
    return out;
}

/// Without the port; an IPv6 address without its brackets.
std::string_view name_of(std::string_view host) {
    if (host.starts_with('[')) {
        const std::size_t end = host.find(']');
        const std::string_view rest = end == std::string_view::npos ? host : host.substr(end + 1);
        const bool port = rest.empty() || (rest.front() == ':' &&
                                           rest.find_first_not_of("0123456789", 1) == std::string_view::npos);
        return end == std::string_view::npos || !port ? std::string_view() : host.substr(1, end - 1);
    }
    const std::size_t colon = host.find(':');
    if (colon != std::string_view::npos &&
        host.find_first_not_of("0123456789", colon + 1) != std::string_view::npos) {
        return {};
    }
    return host.substr(0, colon);
}

void write_whole(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "the access file cannot be written");
        }
        text.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
}

} // namespace

// ---- attempts

void attempts::forget(std::int64_t steady) {
    while (!failed_.empty() && failed_.front().first <= steady - minute) {
        failed_.pop_front();
    }
}

unsigned attempts::wait(std::string_view address, std::int64_t steady) {
    forget(steady);
    const std::string who = one_of(address);
    std::int64_t free_at = 0; // when enough of those that count have become a minute old
    const auto count = static_cast<std::size_t>(
        std::count_if(failed_.begin(), failed_.end(), [&](const auto& each) { return each.second == who; }));
    if (count >= most_of_one) {
        std::size_t over = count - most_of_one + 1;
        for (const auto& [when, each] : failed_) {
            if (each == who && over-- == 1) {
                free_at = when + minute;
                break;
            }
        }
    }
    if (failed_.size() >= most) {
        free_at = std::max(free_at, failed_[failed_.size() - most].first + minute);
    }
    return free_at > steady ? static_cast<unsigned>((free_at - steady + 999) / 1000) : 0;
}

void attempts::begin(std::string_view address, std::int64_t steady) {
    failed_.emplace_back(steady, one_of(address));
}

void attempts::was_right(std::string_view address) {
    const std::string who = one_of(address);
    const auto latest =
        std::find_if(failed_.rbegin(), failed_.rend(), [&](const auto& each) { return each.second == who; });
    if (latest != failed_.rend()) {
        failed_.erase(std::next(latest).base());
    }
}

// ---- the password

password_hash hash_password(std::string_view password) {
    password_hash made;
    made.salt = random_bytes(16);
    made.rounds = password_rounds;
    made.hash = stretch(password, made.salt, made.rounds);
    return made;
}

bool is_password(std::string_view password, const password_hash& stored) {
    return same_secret(stretch(password, stored.salt, stored.rounds), stored.hash);
}

// ---- the file

std::filesystem::path access_file::file_of(const std::filesystem::path& project) {
    std::filesystem::path file = project;
    return file.replace_extension(".access");
}

access_file::look access_file::look_at() const {
    struct stat facts {};
    if (stat(file_.c_str(), &facts) != 0) {
        return {};
    }
    return {static_cast<std::int64_t>(facts.st_mtim.tv_sec) * 1'000'000'000 + facts.st_mtim.tv_nsec,
            facts.st_ino, static_cast<std::int64_t>(facts.st_size), facts.st_mode & 0777U};
}

bool access_file::refresh() {
    const look now = look_at();
    if (now == seen_ || now == complained_) {
        return false;
    }
    complained_ = now;
    if (now == look{}) {
        // Nobody gets in who did not before, because somebody tidied up.
        throw std::runtime_error(
            file_.string() + ": the file of the web password is gone. The password and the API tokens go "
                             "on to hold until the host ends; to set another password, run: iomhost passwd");
    }
    if ((now.mode & 077U) != 0) {
        throw std::runtime_error(file_.string() +
                                 ": others than its owner have access to the file of the web "
                                 "password. Run: chmod 600 " +
                                 file_.string());
    }
    std::ifstream in(file_);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const json whole = json::parse(text, nullptr, false);
    try {
        std::optional<password_hash> read_password;
        if (whole.contains("password")) {
            const json& from = whole.at("password");
            read_password = password_hash{from_hex(from.at("salt").get<std::string>()),
                                          from_hex(from.at("hash").get<std::string>()),
                                          from.at("rounds").get<unsigned>()};
            if (read_password->hash.size() != 32) {
                throw std::runtime_error("hash");
            }
        }
        std::vector<token> read_tokens;
        for (const json& from : whole.value("tokens", json::array())) {
            token one;
            one.id = from.at("id").get<int>();
            one.name = from.at("name").get<std::string>();
            one.may = right_of(from.at("right").get<std::string>()).value();
            one.hash = from.at("hash").get<std::string>();
            one.created = from.at("created").get<std::int64_t>();
            one.expires = from.value("expires", std::int64_t{0});
            one.last_used = from.value("lastUsed", std::int64_t{0});
            read_tokens.push_back(std::move(one));
        }
        password = std::move(read_password);
        tokens = std::move(read_tokens);
        next_token = whole.value("nextToken", 1);
        // Where the file was made anew without them, those in use stay.
        if (whole.contains("key")) {
            key = from_hex(whole.at("key").get<std::string>());
        }
        if (whole.contains("certificate")) {
            certificate = {whole.at("certificate").get<std::string>(),
                           whole.value("certificateKey", std::string())};
            generated = whole.value("generated", false);
        }
    } catch (const std::exception&) {
        throw std::runtime_error(file_.string() +
                                 ": the file of the web password is damaged. Mend it, or remove it "
                                 "and set the password again with: iomhost passwd");
    }
    const bool first = seen_ == look{};
    seen_ = now;
    complained_.reset();
    return !first;
}

void access_file::save() {
    json whole = {{"nextToken", next_token}, {"tokens", json::array()}};
    if (password) {
        whole["password"] = {
            {"salt", to_hex(password->salt)}, {"hash", to_hex(password->hash)}, {"rounds", password->rounds}};
    }
    for (const token& each : tokens) {
        json one = {{"id", each.id},
                    {"name", each.name},
                    {"right", to_word(each.may)},
                    {"hash", each.hash},
                    {"created", each.created}};
        if (each.expires != 0) {
            one["expires"] = each.expires;
        }
        if (each.last_used != 0) {
            one["lastUsed"] = each.last_used;
        }
        whole["tokens"].push_back(std::move(one));
    }
    if (!key.empty()) {
        whole["key"] = to_hex(key);
    }
    if (!certificate.certificate.empty()) {
        whole["certificate"] = certificate.certificate;
        whole["certificateKey"] = certificate.key;
        whole["generated"] = generated;
    }
    const std::string text = whole.dump(2) + '\n';
    const std::string beside = file_.string() + ".new";
    unlink(beside.c_str());
    const int descriptor = open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        throw std::system_error(errno, std::generic_category(), beside + " cannot be written");
    }
    try {
        write_whole(descriptor, text);
    } catch (...) {
        close(descriptor);
        unlink(beside.c_str());
        throw;
    }
    const bool safe = fsync(descriptor) == 0;
    close(descriptor);
    if (!safe || rename(beside.c_str(), file_.c_str()) != 0) {
        const int error = errno;
        unlink(beside.c_str());
        throw std::system_error(error, std::generic_category(), file_.string() + " cannot be written");
    }
    std::filesystem::path folder = file_.parent_path();
    const int above = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above >= 0) {
        fsync(above);
        close(above);
    }
    seen_ = look_at();
    complained_.reset();
}

access_lock::access_lock(const std::filesystem::path& file) {
    constexpr int most_tries = 200;
    constexpr timespec pause{0, 10'000'000};
    const std::filesystem::path folder = file.parent_path();
    folder_ = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int tries = 0; folder_ >= 0 && flock(folder_, LOCK_EX | LOCK_NB) != 0; ++tries) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return; // a file system without locks: as good as it gets
        }
        if (tries >= most_tries) {
            close(folder_);
            throw std::runtime_error("another program has locked the folder of " + file.string() +
                                     "; end it, or try again");
        }
        nanosleep(&pause, nullptr);
    }
}

access_lock::~access_lock() {
    if (folder_ >= 0) {
        close(folder_); // and with it the lock
    }
}

// ---- sessions

std::string sessions::hash_of(std::string_view cookie) {
    return sha256(cookie);
}

std::string sessions::open(std::int64_t steady) {
    if (all_.size() >= most) {
        all_.erase(std::min_element(all_.begin(), all_.end(), [](const auto& left, const auto& right) {
            return left.second.used < right.second.used;
        }));
    }
    const std::string cookie = base64url(random_bytes(32));
    all_[hash_of(cookie)] = {steady, steady};
    return cookie;
}

bool sessions::holds(const std::string& hash, std::int64_t steady, bool used) {
    const auto found = all_.find(hash);
    if (found == all_.end()) {
        return false;
    }
    if (steady - found->second.began >= longest || steady - found->second.used >= idle) {
        all_.erase(found);
        return false;
    }
    if (used) {
        found->second.used = steady;
    }
    return true;
}

std::int64_t sessions::left(const std::string& hash, std::int64_t steady) const {
    const auto found = all_.find(hash);
    return found == all_.end() ? 0 : found->second.began + longest - steady;
}

void sessions::close_all_but(const std::string& hash) {
    for (auto each = all_.begin(); each != all_.end();) {
        each = each->first == hash ? std::next(each) : all_.erase(each);
    }
}

// ---- the front door

bool front_door::is_ours(std::string_view host) const {
    const std::string name = lower(name_of(host));
    in6_addr room{};
    if (inet_pton(AF_INET, name.c_str(), &room) == 1 ||
        (host.starts_with('[') && inet_pton(AF_INET6, name.c_str(), &room) == 1)) {
        return true;
    }
    // Browsers take this name for their own machine whatever a name server says.
    return names.contains(name) || (loopback && name == "localhost");
}

bool same_origin(std::string_view origin, std::string_view host, bool https) {
    const std::string_view scheme = https ? "https://" : "http://";
    if (!origin.starts_with(scheme)) {
        return false;
    }
    origin.remove_prefix(scheme.size());
    const std::string_view usual = https ? ":443" : ":80";
    const auto bare = [&](std::string_view text) {
        return lower(text.ends_with(usual) ? text.substr(0, text.size() - usual.size()) : text);
    };
    return bare(origin) == bare(host);
}

bool is_loopback(std::string_view address) {
    const std::string text(address);
    in_addr four{};
    in6_addr six{};
    if (inet_pton(AF_INET, text.c_str(), &four) == 1) {
        return ntohl(four.s_addr) >> 24U == 127;
    }
    return inet_pton(AF_INET6, text.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

} // namespace iom::host::web
