// The certificate that HTTPS is served with.

#include "web/body.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

namespace iom::host::web {

std::vector<std::string> web::body::certificate_names() const {
    std::set<std::string> names(door_.names.begin(), door_.names.end());
    char name[256] = {};
    if (gethostname(name, sizeof name - 1) == 0 && name[0] != '\0') {
        names.insert(name);
    }
    if (options_.address != "0.0.0.0" && options_.address != "::") {
        names.insert(options_.address);
        return {names.begin(), names.end()};
    }
    ifaddrs* all = nullptr;
    if (getifaddrs(&all) == 0) {
        for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
            char text[INET6_ADDRSTRLEN] = {};
            if (each->ifa_addr == nullptr) {
                continue;
            }
            if (each->ifa_addr->sa_family == AF_INET) {
                inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr, text,
                          sizeof text);
            } else if (each->ifa_addr->sa_family == AF_INET6) {
                const in6_addr& six = reinterpret_cast<const sockaddr_in6*>(each->ifa_addr)->sin6_addr;
                if (!IN6_IS_ADDR_LINKLOCAL(&six)) { // those are in no URL, and come and go
                    inet_ntop(AF_INET6, &six, text, sizeof text);
                }
            }
            if (text[0] != '\0' && names.size() < 32) {
                names.insert(text);
            }
        }
        freeifaddrs(all);
    }
    return {names.begin(), names.end()};
}

json web::body::certificate_json() const {
    json made = {{"https", https_}};
    certificate_facts facts;
    std::string why;
    if (access_.certificate.certificate.empty() ||
        !read_certificate(access_.certificate.certificate, facts, why)) {
        return made;
    }
    made["generated"] = access_.generated;
    made["subject"] = facts.subject;
    made["issuer"] = facts.issuer;
    made["names"] = facts.names;
    made["notBefore"] = facts.not_before * 1000;
    made["notAfter"] = facts.not_after * 1000;
    made["fingerprint"] = facts.fingerprint;
    return made;
}

void web::body::get_certificate(const std::shared_ptr<asking>& /*from*/, reply to) {
    to(json_answer(200, certificate_json()));
}

void web::body::save_certificate(const std::shared_ptr<asking>& from, reply to) {
    key_and_certificate fresh{from->body.at("certificate").get<std::string>(),
                              from->body.at("key").get<std::string>()};
    std::string why;
    bool good = put_in_order(fresh, why);
    if (good && !server::can_serve(fresh)) {
        good = false;
        why = "HTTPS cannot be served with this certificate. Give one with a key on P-256, or an RSA key of "
              "2048 bits.";
    }
    if (!good) {
        const bool about_key = why.find("key") != std::string::npos;
        to(mistake_at(about_key ? "/key" : "/certificate", why));
        return;
    }
    const bool kept = keep_access(to, [&](access_file& all) {
        all.certificate = fresh;
        all.generated = false;
    });
    if (!kept) {
        return;
    }
    if (https_) {
        server_->use_certificate(fresh);
    }
    to(json_answer(200, certificate_json()));
}

void web::body::generate_certificate(const std::shared_ptr<asking>& /*from*/, reply to) {
    const bool kept = keep_access(to, [&](access_file& all) {
        all.certificate = make_certificate(certificate_names(), wall_now() / 1000);
        all.generated = true;
    });
    if (!kept) {
        return;
    }
    if (https_) {
        server_->use_certificate(access_.certificate);
    }
    to(json_answer(200, certificate_json()));
}

} // namespace iom::host::web
