#include "module/link_vhosts.hpp"

#include <libwebsockets.h>

#include <array>
#include <cerrno>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace iom::ws {

namespace {

// Where distributions keep the authorities that they trust, in one file.
constexpr std::array<const char*, 6> system_stores{
    "/etc/ssl/certs/ca-certificates.crt",                // Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",                            // openSUSE
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL 7
    "/etc/ssl/cert.pem",                                 // Yocto, BSD
    "/usr/share/ssl/certs/ca-bundle.crt",
};

constexpr std::array<lws_extension, 2> extensions{{
    {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate; client_max_window_bits"},
    {nullptr, nullptr, nullptr},
}};

// What tells one state of a file from another, so that a renewed certificate is read.
struct stamp {
    ino_t inode = 0;
    off_t size = 0;
    timespec changed{};

    bool operator==(const stamp& other) const {
        return inode == other.inode && size == other.size && changed.tv_sec == other.changed.tv_sec &&
               changed.tv_nsec == other.changed.tv_nsec;
    }
};

stamp stamp_of(const std::string& path) {
    struct stat found {};
    stamp made;
    if (!path.empty() && stat(path.c_str(), &found) == 0) {
        made.inode = found.st_ino;
        made.size = found.st_size;
        made.changed = found.st_mtim;
    }
    return made;
}

struct key {
    bool secure = false;
    bool compression = false;
    std::optional<proxy_settings> proxy;
    tls_settings tls;
    std::array<stamp, 3> files;

    bool operator==(const key&) const = default;

    // The same settings, whose files say something else now.
    [[nodiscard]] bool renews(const key& other) const {
        return secure == other.secure && compression == other.compression && proxy == other.proxy &&
               tls == other.tls && files != other.files;
    }
};

std::string system_store() {
    for (const char* const path : system_stores) {
        if (access(path, R_OK) == 0) {
            return path;
        }
    }
    return {};
}

failure setting_failure(std::string code, std::string sentence) {
    failure found;
    found.where = layer::settings;
    found.code = std::move(code);
    found.detail = std::move(sentence);
    return found;
}

// Which of the files of TLS could not be used; libwebsockets names the part.
failure unusable_file(std::string_view part, const tls_settings& tls) {
    const auto sentence = [](std::string_view label, const std::string& path, std::string_view what) {
        return std::string(label) + ": " + path + " " + std::string(what);
    };
    const std::string& key_file = tls.key.empty() ? tls.certificate : tls.key;
    if (part == "certificate") {
        return setting_failure("tls-certificate",
                               sentence("Client certificate", tls.certificate,
                                        "cannot be read as a PEM certificate. Check the file."));
    }
    if (part == "key password") {
        return setting_failure(
            "tls-key-password",
            sentence("Client key password", key_file, "cannot be decrypted with it. Check the password."));
    }
    if (part == "key of another certificate") {
        return setting_failure(
            "tls-key",
            sentence("Client key", key_file, "does not belong to the client certificate. Check both files."));
    }
    if (part == "key") {
        return setting_failure("tls-key", sentence("Client key", key_file,
                                                   "cannot be read as a PEM private key. Check the file."));
    }
    return setting_failure("tls-ca",
                           sentence("CA certificates", tls.ca.empty() ? "the system's store" : tls.ca,
                                    "cannot be read as PEM certificates. Check the file."));
}

} // namespace

struct link_vhosts::hold::entry {
    key what;
    lws_vhost* vhost = nullptr;
    unsigned holders = 0;
    bool outdated = false;
};

link_vhosts::link_vhosts() = default;
link_vhosts::~link_vhosts() = default;

link_vhosts::hold::hold(entry* at) : at_(at) {
    ++at_->holders;
}

link_vhosts::hold::hold(hold&& other) noexcept : at_(std::exchange(other.at_, nullptr)) {}

link_vhosts::hold& link_vhosts::hold::operator=(hold&& other) noexcept {
    if (this != &other) {
        drop();
        at_ = std::exchange(other.at_, nullptr);
    }
    return *this;
}

link_vhosts::hold::~hold() {
    drop();
}

lws_vhost* link_vhosts::hold::get() const {
    return at_ == nullptr ? nullptr : at_->vhost;
}

void link_vhosts::hold::drop() {
    if (at_ != nullptr) {
        --at_->holders;
        at_ = nullptr;
    }
}

void link_vhosts::begin(lws_context* context, const lws_protocols* protocols) {
    context_ = context;
    protocols_ = protocols;
}

std::variant<link_vhosts::hold, failure> link_vhosts::for_settings(const settings& how, bool secure) {
    key wanted{.secure = secure, .compression = how.compression, .proxy = how.proxy, .tls = {}, .files = {}};
    std::string authorities;
    if (secure) {
        wanted.tls = how.tls;
        // Neither makes a context of its own: the name goes with each connection, the pins are ours to test.
        wanted.tls.server_name.clear();
        wanted.tls.pins.clear();
        if (how.tls.verify) {
            authorities = how.tls.ca.empty() ? system_store() : how.tls.ca;
            if (authorities.empty()) {
                return setting_failure(
                    "tls-ca", "CA certificates: this system has no store of its own. Set it to a PEM file.");
            }
        }
        wanted.files = {stamp_of(authorities), stamp_of(how.tls.certificate), stamp_of(how.tls.key)};
    }
    for (hold::entry& one : entries_) {
        if (one.what == wanted) {
            return hold(&one);
        }
    }

    const std::string name = "line-" + std::to_string(++made_);
    const char* unusable = "ca";
    lws_context_creation_info info{};
    info.vhost_name = name.c_str();
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols_;
    info.extensions = how.compression ? extensions.data() : nullptr;
    // An address that is given, even an empty one, keeps libwebsockets from taking one from the environment.
    info.http_proxy_address = "";
#if defined(LWS_WITH_SOCKS5)
    info.socks_proxy_address = "";
#endif
    info.timeout_secs = 3600; // deadlines are the session's
    info.connect_timeout_secs = 3600;
    if (secure) {
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.client_ssl_ca_filepath = authorities.empty() ? nullptr : authorities.c_str();
        if (!how.tls.certificate.empty()) {
            info.client_ssl_cert_filepath = how.tls.certificate.c_str();
            info.client_ssl_private_key_filepath =
                how.tls.key.empty() ? how.tls.certificate.c_str() : how.tls.key.c_str();
            info.client_ssl_private_key_password =
                how.tls.key_password.empty() ? nullptr : how.tls.key_password.c_str();
        }
#if defined(LWS_IOM_PATCHES)
        info.client_tls_min_version = how.tls.oldest == tls_version::tls_1_3 ? 0x0304 : 0x0303;
        info.client_tls_unusable = &unusable;
#else
        if (how.tls.oldest == tls_version::tls_1_3) {
            return setting_failure("tls-min",
                                   "Oldest TLS: this build's libwebsockets has no TLS 1.3. Set it to 1.2.");
        }
        if (!how.tls.key_password.empty()) {
            return setting_failure("tls-key-password",
                                   "Client key password: this build's libwebsockets cannot "
                                   "decrypt keys. Give it a key without password.");
        }
#endif
    }
    errno = 0;
    lws_vhost* const vhost = lws_create_vhost(context_, &info);
    if (vhost == nullptr) {
        if (errno == EMFILE || errno == ENOMEM) {
            failure scarce;
            scarce.code = errno == EMFILE ? "EMFILE" : "ENOMEM";
            return scarce;
        }
        return unusable_file(unusable, how.tls);
    }
    for (hold::entry& one : entries_) {
        if (wanted.renews(one.what)) {
            one.outdated = outdated_ = true;
        }
    }
    entries_.push_back({.what = std::move(wanted), .vhost = vhost});
    return hold(&entries_.back());
}

void link_vhosts::sweep_outdated() {
    if (!outdated_) {
        return;
    }
    outdated_ = false;
    for (auto one = entries_.begin(); one != entries_.end();) {
        if (one->outdated && one->holders == 0) {
            lws_vhost_destroy(one->vhost);
            one = entries_.erase(one);
        } else {
            outdated_ = outdated_ || one->outdated; // somebody is still connected by it
            ++one;
        }
    }
}

void link_vhosts::sweep() {
    for (auto one = entries_.begin(); one != entries_.end();) {
        if (one->holders == 0 && entries_.size() > 1) {
            lws_vhost_destroy(one->vhost);
            one = entries_.erase(one);
        } else {
            ++one;
        }
    }
}

} // namespace iom::ws
