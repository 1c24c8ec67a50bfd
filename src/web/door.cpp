// Who comes in, and what they ask for: every request passes here first.

#include "web/body.hpp"

#include "web/json_text.hpp"
#include "web/pack.hpp"

#include <algorithm>
#include <stdexcept>

namespace iom::host::web {

namespace {

constexpr std::size_t least_body = 4096; ///< of routes that take none: what a client may send without harm

std::string media_type(std::string_view header) {
    std::string type(header.substr(0, header.find(';')));
    while (!type.empty() && type.back() == ' ') {
        type.pop_back();
    }
    std::transform(type.begin(), type.end(), type.begin(),
                   [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
    return type;
}

std::string_view cookie_in(std::string_view header, std::string_view name) {
    while (!header.empty()) {
        const std::size_t end = header.find(';');
        std::string_view one = header.substr(0, end);
        header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
        while (one.starts_with(' ')) {
            one.remove_prefix(1);
        }
        if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=') {
            return one.substr(name.size() + 1);
        }
    }
    return {};
}

bool is_api(std::string_view path) {
    return path == "/api" || path.starts_with("/api/") || path == "/metrics";
}

} // namespace

/// True if the file was changed by somebody else: then no session goes on.
bool web::body::refresh_access() {
    try {
        if (!access_.refresh()) {
            return false;
        }
    } catch (const std::exception& error) {
        journal_.write(log_level::error, {}, error.what());
        return false; // what was known goes on to hold
    }
    if (access_.password) {
        code_.clear();
    }
    sessions_.close_all_but({});
    return true;
}

visitor web::body::visitor_of(const request& what, bool used) {
    visitor found;
    if (!what.authorization.empty()) {
        found.stranger = true;
        std::string_view shown = what.authorization;
        constexpr std::string_view scheme = "bearer ";
        if (media_type(shown.substr(0, scheme.size())) != "bearer") {
            return found;
        }
        shown.remove_prefix(std::min(scheme.size(), shown.size()));
        const std::string hash = to_hex(sha256(shown));
        for (token& each : access_.tokens) {
            if (same_secret(each.hash, hash) && (each.expires == 0 || each.expires > wall_now())) {
                found.stranger = false;
                found.may = each.may;
                found.token = each.id;
                each.last_used = wall_now();
            }
        }
        return found;
    }
    if (is_open()) {
        found.may = right::configure;
        return found;
    }
    const std::string_view shown = cookie_in(what.cookie, "iom-session");
    if (!shown.empty()) {
        const std::string hash = sessions::hash_of(shown);
        if (sessions_.holds(hash, steady_ms(), used && !what.by_itself)) {
            found.may = right::configure;
            found.session = hash;
        }
    }
    return found;
}

bool web::body::still_may(const visitor& who, right needs) {
    if (who.token != 0) {
        return std::any_of(access_.tokens.begin(), access_.tokens.end(), [&](const token& each) {
            return each.id == who.token && each.may >= needs &&
                   (each.expires == 0 || each.expires > wall_now());
        });
    }
    if (!who.session.empty()) {
        return sessions_.holds(who.session, steady_ms(), false);
    }
    return is_open() && who.may >= needs;
}

std::optional<answer> web::body::at_the_door(const request& what) {
    if (!door_.is_ours(what.host)) {
        return problem(
            403, "forbidden",
            "This host does not answer to that name. Use its IP address, or start it with --web-name NAME.");
    }
    if (what.forwarded && !access_.password) {
        return problem(
            403, "forbidden",
            "This request came through a proxy, and no password is set. Set one with: iomhost passwd "
            "PROJECT");
    }
    return std::nullopt;
}

std::optional<answer> web::body::refuse(const request& what, const contract::found& route,
                                        const visitor& who) {
    const bool open_route = route.what != nullptr && route.what->open;
    if (!open_route && who.may == right::none) {
        answer made = problem(401, "unauthorised", "Log in first.");
        made.headers.emplace_back("www-authenticate", "Bearer");
        return made;
    }
    if (route.what == nullptr) {
        return route.other_method ? problem(405, "method", "This cannot be done here.")
                                  : problem(404, "not-found", "There is nothing here.");
    }
    if (!open_route && who.may < route.what->needs) {
        return problem(403, "forbidden",
                       "This takes the right " + std::string(to_word(route.what->needs)) +
                           ", and this token has " + std::string(to_word(who.may)) + ".");
    }
    const bool writes = what.method != "GET";
    // Behind a proxy the page may have come over HTTPS where we were asked over HTTP.
    if (!what.origin.empty() && !same_origin(what.origin, what.host, https_) &&
        !(what.forwarded && same_origin(what.origin, what.host, true))) {
        return problem(403, "forbidden", "This request comes from another page.");
    }
    if (what.origin.empty() && !who.session.empty() && (writes || route.what->operation == "openChannel")) {
        return problem(403, "forbidden", "This request does not say which page it comes from (Origin).");
    }
    return std::nullopt;
}

std::optional<answer> web::body::admit(request& what, std::size_t& limit) {
    refresh_access();
    std::optional<answer> refused = at_the_door(what);
    if (!refused && !is_api(what.path)) {
        limit = 0;
        if (what.method != "GET") {
            refused = problem(405, "method", "This cannot be done here.");
        }
    } else if (!refused) {
        const contract::found route = contract_.find(what.method, what.path);
        refused = refuse(what, route, visitor_of(what, false));
        if (!refused) {
            limit = std::max(route.what->body_limit, least_body);
            if (!route.what->body_type.empty() && media_type(what.content_type) != route.what->body_type) {
                refused = problem(415, "media-type", "The body must be " + route.what->body_type + ".");
            }
        }
    }
    if (refused) {
        return finish(std::move(*refused), what);
    }
    return std::nullopt;
}

answer web::body::finish(answer made, const request& what) const {
    const bool has_cache = std::any_of(made.headers.begin(), made.headers.end(),
                                       [](const auto& each) { return each.first == "cache-control"; });
    if (!has_cache) {
        made.headers.emplace_back("cache-control", "no-store");
    }
    // Not with a certificate of our own: a name can have other pages, on other ports, that come over HTTP.
    if (https_ && !access_.generated) {
        made.headers.emplace_back("strict-transport-security", "max-age=31536000");
    }
    // Long texts go faster packed; downloads that are packed already do not.
    constexpr std::size_t worth_it = 4096;
    if (what.takes_gzip && made.body.size() > worth_it && made.type == "application/json") {
        made.body = gzip(made.body);
        made.headers.emplace_back("content-encoding", "gzip");
        made.headers.emplace_back("vary", "accept-encoding");
    }
    return made;
}

answer web::body::page_file(const request& what) const {
    const std::string_view name = what.path == "/" ? "index.html" : std::string_view(what.path).substr(1);
    // A look-up by name in what the program holds: no path leads anywhere else.
    const asset* const found = is_api("/" + std::string(name)) ? nullptr : find_asset(name);
    if (found == nullptr) {
        return name == "index.html"
                   ? problem(
                         501, "failed",
                         "This program was built without its page. Build webui first, then build it again.")
                   : problem(404, "not-found", "There is nothing here.");
    }
    answer made;
    made.type = type_of(found->path);
    const std::string tag = '"' + std::string(found->sum.substr(0, 32)) + '"';
    const bool named_by_content = found->path.starts_with("assets/");
    made.headers.emplace_back("etag", tag);
    made.headers.emplace_back("cache-control", named_by_content ? "max-age=31536000, immutable" : "no-cache");
    made.headers.emplace_back("vary", "accept-encoding");
    if (what.if_none_match.find(tag) != std::string::npos) {
        made.status = 304;
        return made;
    }
    if (what.takes_gzip) {
        made.body = found->packed;
        made.headers.emplace_back("content-encoding", "gzip");
    } else {
        made.body = gunzip(found->packed);
    }
    return made;
}

void web::body::serve(const std::shared_ptr<request>& what, reply to) {
    const reply finished = [this, what, to = std::move(to),
                            given = std::make_shared<bool>(false)](answer made) {
        if (*given) {
            return; // something failed after it had answered
        }
        answer whole = finish(std::move(made), *what);
        *given = true;
        to(std::move(whole));
    };
    if (!is_api(what->path)) {
        finished(page_file(*what));
        return;
    }
    contract::found route = contract_.find(what->method, what->path);
    auto from = std::make_shared<asking>();
    // Again, because a body may take its time: and the password may be another one by now.
    refresh_access();
    from->who = visitor_of(*what, true);
    if (std::optional<answer> refused = refuse(*what, route, from->who)) {
        finished(std::move(*refused));
        return;
    }
    from->what = what;
    from->where = route.what;
    from->values = std::move(route.values);
    // Whoever misspells it, or asks it of what cannot be judged beforehand, must not find that it was done.
    if (what->query.contains("check") && !(route.what->checks && from->query("check") == "true")) {
        finished(problem(400, "bad-request",
                         route.what->checks ? "check is true, or it is left out; nothing was done."
                                            : "This cannot be checked beforehand; nothing was done."));
        return;
    }
    if (route.what->body_type == "application/json") {
        from->body = parse_json(what->body);
        if (!from->body.is_object()) {
            finished(problem(400, "bad-request",
                             "The body is no JSON object, or holds more in each other than 64 of them."));
            return;
        }
    }
    const auto found = operations().find(route.what->operation);
    if (found == operations().end()) {
        finished(problem(501, "failed", "This build of the host cannot do this yet."));
        return;
    }
    try {
        (this->*found->second)(from, finished);
    } catch (const json::exception&) {
        finished(problem(400, "bad-request", "The body has not the form that this takes."));
    } catch (const std::exception& error) {
        journal_.write(log_level::error, {},
                       std::string("the web page asked for what failed: ") + error.what());
        finished(problem(500, "failed", "The host failed at this; its log says why."));
    }
}

const std::map<std::string_view, web::body::operation>& web::body::operations() {
    static const std::map<std::string_view, operation> all = {
        {"getSession", &body::get_session},
        {"logIn", &body::log_in},
        {"logOut", &body::log_out},
        {"setFirstPassword", &body::set_first_password},
        {"setPassword", &body::set_password},
        {"listTokens", &body::list_tokens},
        {"createToken", &body::create_token},
        {"revokeToken", &body::revoke_token},
        {"listModules", &body::list_modules},
        {"listInstances", &body::list_instances},
        {"getInstance", &body::get_instance},
        {"callAction", &body::call_action},
        {"getCall", &body::get_call},
        {"getHistory", &body::get_history},
        {"listFrames", &body::list_frames},
        {"listRules", &body::list_rules},
        {"getRule", &body::get_rule},
        {"fireRule", &body::fire_rule},
        {"listTrace", &body::list_trace},
        {"listLog", &body::list_log},
        {"downloadLog", &body::download_log},
        {"getSystem", &body::get_system},
        {"getCertificate", &body::get_certificate},
        {"saveCertificate", &body::save_certificate},
        {"generateCertificate", &body::generate_certificate},
        {"getContract", &body::get_contract},
        {"getMetrics", &body::get_metrics},
        {"openChannel", &body::open_channel_plainly},
        {"testConnection", &body::test_connection},
        {"getTest", &body::get_test},
        {"tryRule", &body::try_draft},
        {"replayEvent", &body::replay_event},
        {"addInstance", &body::add_instance},
        {"saveInstance", &body::save_instance},
        {"removeInstance", &body::remove_instance},
        {"renameInstance", &body::rename_instance},
        {"duplicateInstance", &body::duplicate_instance},
        {"instanceAsText", &body::instance_as_text},
        {"addTable", &body::add_table},
        {"addRule", &body::add_rule},
        {"saveRule", &body::save_rule},
        {"removeRule", &body::remove_rule},
        {"duplicateRule", &body::duplicate_rule},
        {"enableRule", &body::enable_rule},
        {"orderRules", &body::order_rules},
        {"saveVariable", &body::save_variable},
        {"removeVariable", &body::remove_variable},
        {"downloadProject", &body::download_project},
        {"uploadProject", &body::upload_project},
        {"reloadProject", &body::reload_from_disk},
        {"supportBundle", &body::support_bundle},
        {"listSecrets", &body::list_secrets},
        {"saveSecret", &body::save_secret},
        {"removeSecret", &body::remove_secret},
        {"listFiles", &body::list_files},
        {"saveFile", &body::save_file_of_project},
        {"removeFile", &body::remove_file},
    };
    return all;
}

} // namespace iom::host::web
