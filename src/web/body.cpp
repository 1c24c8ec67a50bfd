#include "web/body.hpp"

#include "web/channel.hpp"
#include "web/pack.hpp"
#include "web/trial.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <chrono>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdexcept>
#include <unistd.h>

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

/// Twelve digits in groups, as people read them off a console.
std::string new_code() {
    const std::string bytes = random_bytes(12);
    std::string code;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        code += at > 0 && at % 4 == 0 ? "-" : "";
        code += static_cast<char>('0' + static_cast<unsigned char>(bytes[at]) % 10);
    }
    return code;
}

} // namespace

std::int64_t steady_ms() {
    return control_loop::now() / 1000;
}

std::optional<std::int64_t> asking::number(std::string_view name) const {
    const auto in_path = values.find(name);
    const std::string text = in_path != values.end() ? in_path->second : query(name);
    std::int64_t found = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), found);
    if (text.empty() || error != std::errc()) {
        return std::nullopt;
    }
    return found;
}

answer json_answer(int status, const json& body) {
    return {status, body.dump(-1, ' ', false, json::error_handler_t::replace), "application/json", {}};
}

answer problem(int status, std::string_view error, std::string_view sentence, json more) {
    more["error"] = error;
    more["sentence"] = sentence;
    answer made = json_answer(status, more);
    if (more.contains("retryAfter")) {
        made.headers.emplace_back("retry-after", std::to_string(more["retryAfter"].get<int>()));
    }
    return made;
}

answer no_such(std::string_view what) {
    return problem(404, "not-found", "There is no " + std::string(what) + " (any more).");
}

answer nothing_to_say() {
    return {204, {}, {}, {}};
}

bool read_address(const std::string& written, web_options& to, std::string& why) {
    const std::size_t colon = written.rfind(':');
    std::string address = written.substr(0, colon);
    const std::string port = colon == std::string::npos ? std::string() : written.substr(colon + 1);
    if (address.size() > 1 && address.front() == '[' && address.back() == ']') {
        address = address.substr(1, address.size() - 2);
    } else if (address.find(':') != std::string::npos) {
        address.clear();
    }
    in6_addr room{};
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if ((inet_pton(AF_INET, address.c_str(), &room) != 1 &&
         inet_pton(AF_INET6, address.c_str(), &room) != 1) ||
        port.empty() || error != std::errc() || end != port.data() + port.size() || number > 65535) {
        why = "'" + written + "' is no IP address and port. Write it as 127.0.0.1:8080, or [::1]:8080";
        return false;
    }
    char text[INET6_ADDRSTRLEN] = {};
    if (address.find(':') != std::string::npos && IN6_IS_ADDR_V4MAPPED(&room)) {
        inet_ntop(AF_INET, room.s6_addr + 12, text, sizeof text);
        why = "'" + written + "' is an IPv4 address in the dress of IPv6. Write it as " + text + ":" + port;
        return false;
    }
    if (address.find(':') != std::string::npos) {
        address = inet_ntop(AF_INET6, &room, text, sizeof text); // one address, one way to write it
    }
    to.address = address;
    to.port = static_cast<std::uint16_t>(number);
    return true;
}

web::body::body(web_options options, runtime& controller, log& journal, redactor& known, book& lines)
    : options_(std::move(options)), controller_(controller), journal_(journal), known_(known), lines_(lines),
      openapi_(openapi()), contract_(openapi_), page_(page_token()), boot_(base64url(random_bytes(9))),
      started_(wall_now()), access_(access_file::file_of(controller.made_with().project)) {
    const std::filesystem::path& file = controller.made_with().project;
    project_name_ = controller.current().name.empty() ? file.stem().string() : controller.current().name;
    project_file_ = file.filename().string();
    door_.loopback = is_loopback(options_.address);
    for (std::string name : options_.names) {
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
        door_.names.insert(std::move(name));
    }
    https_ = !door_.loopback && !options_.plain;
    access_.refresh();
    prepare_access();
    if (!access_.password && !door_.loopback) {
        code_ = new_code();
    }
    server_options wanted;
    wanted.address = options_.address;
    wanted.port = options_.port;
    if (https_) {
        wanted.tls = access_.certificate;
    }
    server_ = std::make_unique<server>(wanted, *this);
    const bool six = options_.address.find(':') != std::string::npos;
    url_ = std::string(https_ ? "https://" : "http://") + (six ? "[" : "") + options_.address +
           (six ? "]" : "") + ":" + std::to_string(server_->port()) + "/";
    desk_ = std::make_unique<desk>(controller);
    worker_ = std::make_unique<worker>();
}

web::body::~body() {
    server_->post([this] {
        for (channel* const each : channels_) {
            each->end(1001, "shutdown", "The host is being shut down.");
        }
    });
    // Before the threads part: nobody may be told any more.
    lines_.tell({});
    desk_->tell({});
    server_->stop();
    worker_.reset(); // not while anybody can still ask it
    server_.reset();
    trials_.clear();
    desk_.reset();
}

void web::body::start() {
    desk_->tell([this] { server_->post([this] { pump(); }); });
    lines_.tell([this] { server_->post([this] { pump(); }); });
    server_->start();
}

/// At the start: what is needed and not there yet, or does no longer. Rules must not stand still for want of
/// a page, so whatever of it cannot be served or kept is no reason to end.
void web::body::prepare_access() {
    bool changed = false;
    if (access_.key.empty()) {
        access_.key = random_bytes(32);
        changed = true;
    }
    if (https_) {
        const std::vector<std::string> names = certificate_names();
        certificate_facts facts;
        std::string unfit;
        std::string why = "there was none";
        if (!access_.certificate.certificate.empty()) {
            if (!put_in_order(access_.certificate, unfit) || !server::can_serve(access_.certificate) ||
                !read_certificate(access_.certificate.certificate, facts, unfit)) {
                why = "the one before cannot be served";
                journal_.write(
                    log_level::error, {},
                    "the certificate of the web page cannot be served" +
                        (unfit.empty() ? std::string(".") : ": " + unfit) +
                        " The host makes one of its own instead; replace it in the page, under System");
            } else {
                why = access_.generated ? why_anew(facts, names, wall_now() / 1000) : std::string();
            }
        }
        if (!why.empty()) {
            access_.certificate = make_certificate(names, wall_now() / 1000);
            access_.generated = true;
            changed = true;
            read_certificate(access_.certificate.certificate, facts, unfit);
            journal_.write(log_level::info, {},
                           "a certificate was made for the web page, because " + why +
                               "; its SHA-256 fingerprint is " + facts.fingerprint);
        }
    }
    if (changed) {
        try {
            access_.save();
        } catch (const std::exception& error) {
            journal_.write(
                log_level::error, {},
                std::string("the web page's keys hold until the host ends, because they cannot be kept: ") +
                    error.what());
        }
    }
}

bool web::body::keep_access(const reply& to, const std::function<void(access_file&)>& change) {
    access_file next = access_;
    change(next);
    try {
        next.save();
    } catch (const std::exception& error) {
        journal_.write(log_level::error, {},
                       std::string("the web password, tokens and certificate cannot be kept: ") +
                           error.what());
        to(problem(500, "failed",
                   std::string("This cannot be kept, so nothing was changed: ") + error.what() + "."));
        return false;
    }
    access_ = std::move(next);
    return true;
}

void web::body::guarded(const reply& to, const std::function<void()>& what) {
    try {
        what();
    } catch (const std::exception& error) {
        failed(error.what());
        to(problem(500, "failed", "The host failed at this; its log says why."));
    }
}

void web::body::back(reply to, std::function<void()> what) {
    server_->post([this, to = std::move(to), what = std::move(what)] { guarded(to, what); });
}

bool web::body::slowly(reply to, std::function<void()> what) {
    return worker_->ask([this, to = std::move(to), what = std::move(what)] {
        try {
            what();
        } catch (const std::exception& error) {
            back(to, [why = std::string(error.what())] { throw std::runtime_error(why); });
        }
    });
}

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

// ---- the door

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
    from->who = visitor_of(*what, true);
    // Again, because a body may take its time.
    if (std::optional<answer> refused = refuse(*what, route, from->who)) {
        finished(std::move(*refused));
        return;
    }
    from->what = what;
    from->where = route.what;
    from->values = std::move(route.values);
    if (route.what->body_type == "application/json") {
        from->body = json::parse(what->body, nullptr, false);
        if (!from->body.is_object()) {
            finished(problem(400, "bad-request", "The body is no JSON object."));
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

void web::body::failed(std::string_view why) noexcept {
    try {
        journal_.write(log_level::error, {}, "the web page failed at something: " + std::string(why));
    } catch (const std::exception&) {
        return; // no memory to say so either
    }
}

// ---- asking [control]

bool web::body::post_control(std::function<bool(desk&)> slice, std::function<void()> end) {
    desk* const at = desk_.get();
    server* const back = server_.get();
    return desk_->ask([at, back, slice = std::move(slice), end = std::move(end)] {
        bool more = false;
        try {
            more = slice(*at);
        } catch (const std::exception&) {
            more = false; // nothing of the page's may end the controller
        }
        if (more) {
            return true;
        }
        back->post(end);
        return false;
    });
}

void web::body::on_control(reply to, std::function<answer(desk&)> work) {
    auto made = std::make_shared<answer>();
    const bool taken = post_control(
        [made, work = std::move(work)](desk& at) {
            try {
                *made = work(at);
            } catch (const json::exception&) {
                *made = problem(400, "bad-request", "The body has not the form that this takes.");
            } catch (const std::exception&) {
                *made = problem(500, "failed", "The host failed at this.");
            }
            return false;
        },
        [made, to] { to(std::move(*made)); });
    if (!taken) {
        to(problem(503, "busy", "The controller has too much to do for the page right now.",
                   {{"retryAfter", 1}}));
    }
}

void web::body::on_control_each(reply to, std::function<std::size_t(desk&)> count,
                                std::function<void(desk&, std::uint32_t)> each, std::function<answer()> end) {
    auto next = std::make_shared<std::uint32_t>(0);
    constexpr std::uint32_t some = 16;
    const bool taken = post_control(
        [=](desk& at) {
            const std::size_t all = count(at); // anew each time: a reload may come in between
            for (std::uint32_t done = 0; done < some && *next < all; ++done) {
                each(at, (*next)++);
            }
            return *next < all;
        },
        [=, this] { guarded(to, [&] { to(end()); }); });
    if (!taken) {
        to(problem(503, "busy", "The controller has too much to do for the page right now.",
                   {{"retryAfter", 1}}));
    }
}

// ---- sessions, password, tokens

std::string web::body::cookie(std::string_view value, std::int64_t seconds) const {
    return "iom-session=" + std::string(value) +
           "; HttpOnly; SameSite=Strict; Path=/; Max-Age=" + std::to_string(seconds) +
           (https_ ? "; Secure" : "");
}

json web::body::session_json(const visitor& who) {
    json made;
    json rights = json::array();
    for (const right each : {right::read, right::operate, right::configure}) {
        if (who.may >= each) {
            rights.push_back(to_word(each));
        }
    }
    made["rights"] = rights;
    made["state"] = who.may != right::none && is_open()    ? "open"
                    : who.may != right::none               ? "in"
                    : !access_.password && !door_.loopback ? "first-password"
                                                           : "log-in";
    if (!access_.password) {
        made["codeNeeded"] = !door_.loopback;
    }
    if (!who.session.empty()) {
        made["endsAt"] = wall_now() + sessions_.left(who.session, steady_ms());
        made["idleMinutes"] = sessions::idle / 60'000;
    }
    if (who.may != right::none) {
        made["project"] = project_name_;
    }
    return made;
}

void web::body::get_session(const std::shared_ptr<asking>& from, reply to) {
    to(json_answer(200, session_json(from->who)));
}

namespace {

answer too_often(unsigned seconds) {
    return problem(429, "too-often",
                   "Too many attempts. Wait " + std::to_string(seconds) + " seconds, then try again.",
                   {{"retryAfter", seconds}});
}

answer short_password() {
    const std::string sentence =
        "A password has at least " + std::to_string(shortest_password) + " characters. Take a longer one.";
    return problem(422, "mistakes", sentence,
                   {{"mistakes", {{{"sentence", sentence}, {"warning", false}, {"at", "/password"}}}}});
}

answer busy() {
    return problem(429, "too-often", "Others are logging in right now. Try again in a moment.",
                   {{"retryAfter", 2}});
}

} // namespace

void web::body::log_in(const std::shared_ptr<asking>& from, reply to) {
    const std::string password = from->body.at("password").get<std::string>();
    const std::string address = from->what->address;
    if (const unsigned wait = attempts_.wait(address, steady_ms()); wait > 0) {
        to(too_often(wait));
        return;
    }
    if (!access_.password || password.size() > longest_password) {
        to(problem(401, "unauthorised", "This is not the password."));
        return;
    }
    attempts_.begin(address, steady_ms());
    const password_hash stored = *access_.password;
    const bool taken = slowly(to, [this, to, password, stored, address] {
        const bool right_one = is_password(password, stored);
        back(to, [this, to, right_one, stored, address] {
            // Whoever changed it meanwhile has made this one a wrong one.
            if (!right_one || !access_.password || !same_secret(access_.password->hash, stored.hash)) {
                journal_.write(log_level::warning, {}, "a wrong password for the web page, from " + address);
                to(problem(401, "unauthorised", "This is not the password."));
                return;
            }
            attempts_.was_right(address);
            const std::string fresh = sessions_.open(steady_ms());
            visitor who;
            who.may = right::configure;
            who.session = sessions::hash_of(fresh);
            answer made = json_answer(200, session_json(who));
            made.headers.emplace_back("set-cookie", cookie(fresh, sessions::longest / 1000));
            to(std::move(made));
        });
    });
    if (!taken) {
        attempts_.was_right(address);
        to(busy());
    }
}

void web::body::log_out(const std::shared_ptr<asking>& from, reply to) {
    if (!from->who.session.empty()) {
        sessions_.close(from->who.session);
        pump();
    }
    answer made = nothing_to_say();
    made.headers.emplace_back("set-cookie", cookie("", 0));
    to(std::move(made));
}

void web::body::set_first_password(const std::shared_ptr<asking>& from, reply to) {
    const std::string password = from->body.at("password").get<std::string>();
    const std::string address = from->what->address;
    if (access_.password) {
        to(problem(409, "conflict", "A password is set already. Log in with it."));
        return;
    }
    if (!door_.loopback) {
        if (const unsigned wait = attempts_.wait(address, steady_ms()); wait > 0) {
            to(too_often(wait));
            return;
        }
        attempts_.begin(address, steady_ms());
        if (code_.empty() || !same_secret(from->body.value("code", std::string()), code_)) {
            to(problem(403, "forbidden",
                       "This is not the code that the console shows. It is printed anew at every start."));
            return;
        }
        attempts_.was_right(address);
    }
    if (password.size() < shortest_password || password.size() > longest_password) {
        to(short_password());
        return;
    }
    const bool taken = slowly(to, [this, to, password] {
        const password_hash made = hash_password(password);
        back(to, [this, to, made] {
            refresh_access();
            if (access_.password) {
                to(problem(409, "conflict", "A password is set already. Log in with it."));
                return;
            }
            if (!keep_access(to, [&](access_file& kept) { kept.password = made; })) {
                return;
            }
            code_.clear();
            journal_.write(log_level::info, {}, "the web password was set in the page");
            const std::string fresh = sessions_.open(steady_ms());
            visitor who;
            who.may = right::configure;
            who.session = sessions::hash_of(fresh);
            answer given = json_answer(200, session_json(who));
            given.headers.emplace_back("set-cookie", cookie(fresh, sessions::longest / 1000));
            to(std::move(given));
            pump(); // who looked on without one sees the log-in
        });
    });
    if (!taken) {
        to(busy());
    }
}

void web::body::set_password(const std::shared_ptr<asking>& from, reply to) {
    const std::string password = from->body.at("password").get<std::string>();
    const std::string old = from->body.at("old").get<std::string>();
    const std::string address = from->what->address;
    if (password.size() < shortest_password || password.size() > longest_password) {
        to(short_password());
        return;
    }
    if (const unsigned wait = attempts_.wait(address, steady_ms()); wait > 0) {
        to(too_often(wait));
        return;
    }
    attempts_.begin(address, steady_ms());
    const std::optional<password_hash> stored = access_.password;
    const std::string session = from->who.session;
    const bool taken = slowly(to, [this, to, password, old, stored, address, session] {
        const bool right_one = !stored || is_password(old, *stored);
        const password_hash made = right_one ? hash_password(password) : password_hash{};
        back(to, [this, to, right_one, made, stored, address, session] {
            if (!right_one) {
                const char* const sentence = "The old password is not right.";
                to(problem(422, "mistakes", sentence,
                           {{"mistakes", {{{"sentence", sentence}, {"warning", false}, {"at", "/old"}}}}}));
                return;
            }
            attempts_.was_right(address);
            refresh_access();
            if (access_.password.has_value() != stored.has_value() ||
                (stored && !same_secret(access_.password->hash, stored->hash))) {
                to(problem(409, "conflict", "The password was changed meanwhile. Log in with the new one."));
                return;
            }
            if (!keep_access(to, [&](access_file& kept) { kept.password = made; })) {
                return;
            }
            code_.clear();
            sessions_.close_all_but(session);
            journal_.write(log_level::info, {}, "the web password was changed");
            to(nothing_to_say());
            pump();
        });
    });
    if (!taken) {
        attempts_.was_right(address);
        to(busy());
    }
}

namespace {

json token_json(const token& of) {
    json made = {{"id", of.id}, {"name", of.name}, {"right", to_word(of.may)}, {"created", of.created}};
    if (of.expires != 0) {
        made["expires"] = of.expires;
    }
    if (of.last_used != 0) {
        made["lastUsed"] = of.last_used;
    }
    return made;
}

} // namespace

void web::body::list_tokens(const std::shared_ptr<asking>& /*from*/, reply to) {
    json all = json::array();
    for (const token& each : access_.tokens) {
        all.push_back(token_json(each));
    }
    to(json_answer(200, all));
}

void web::body::create_token(const std::shared_ptr<asking>& from, reply to) {
    token made;
    made.name = from->body.at("name").get<std::string>();
    const auto may = right_of(from->body.at("right").get<std::string>());
    const double days = from->body.value("days", 0.0);
    std::string sentence;
    std::string at;
    if (made.name.empty() || made.name.size() > 64) {
        sentence = "A token's name has 1 to 64 characters.";
        at = "/name";
    } else if (!may) {
        sentence = "A token's right is read, operate or configure.";
        at = "/right";
    } else if (from->body.contains("days") && !(days >= 1 && days <= 3650)) {
        sentence = "A token is good for 1 to 3650 days.";
        at = "/days";
    }
    if (!sentence.empty()) {
        to(problem(422, "mistakes", sentence,
                   {{"mistakes", {{{"sentence", sentence}, {"warning", false}, {"at", at}}}}}));
        return;
    }
    constexpr std::size_t most = 64;
    const bool named = std::any_of(access_.tokens.begin(), access_.tokens.end(),
                                   [&](const token& each) { return each.name == made.name; });
    if (named || access_.tokens.size() >= most) {
        to(problem(409, "conflict",
                   named ? "There is a token of that name already. Give each a name of its own."
                         : "There are 64 tokens already. Revoke one first."));
        return;
    }
    const std::string secret = "iom_" + base64url(random_bytes(32));
    made.may = *may;
    made.id = access_.next_token;
    made.created = wall_now();
    made.expires = days > 0 ? made.created + static_cast<std::int64_t>(days * 86'400'000.0) : 0;
    made.hash = to_hex(sha256(secret));
    const bool kept = keep_access(to, [&](access_file& all) {
        all.tokens.push_back(made);
        ++all.next_token;
    });
    if (!kept) {
        return;
    }
    journal_.write(log_level::info, {}, "the API token \"" + made.name + "\" was made");
    to(json_answer(201, {{"token", secret}, {"info", token_json(made)}}));
}

void web::body::revoke_token(const std::shared_ptr<asking>& from, reply to) {
    const auto id = from->number("id");
    const auto found = std::find_if(access_.tokens.begin(), access_.tokens.end(),
                                    [&](const token& each) { return each.id == id; });
    if (found == access_.tokens.end()) {
        to(no_such("such token"));
        return;
    }
    const std::string name = found->name;
    const auto index = found - access_.tokens.begin();
    if (!keep_access(to, [&](access_file& kept) { kept.tokens.erase(kept.tokens.begin() + index); })) {
        return;
    }
    journal_.write(log_level::info, {}, "the API token \"" + name + "\" was revoked");
    to(nothing_to_say());
    pump();
}

// ---- the certificate

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
        to(problem(
            422, "mistakes", why,
            {{"mistakes",
              {{{"sentence", why}, {"warning", false}, {"at", about_key ? "/key" : "/certificate"}}}}}));
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

void web::body::get_contract(const std::shared_ptr<asking>& /*from*/, reply to) {
    to({200, openapi_, "application/json", {}});
}

void web::body::open_channel_plainly(const std::shared_ptr<asking>& /*from*/, reply to) {
    to(problem(400, "bad-request",
               "This is a WebSocket: ask for an upgrade, with the subprotocol iom.page.1."));
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

// ---- the face

web::web(web_options options, runtime& controller, log& journal, redactor& known, book& lines)
    : body_(std::make_unique<body>(std::move(options), controller, journal, known, lines)) {}
web::~web() = default;

void web::start() {
    body_->start();
}
const std::string& web::url() const noexcept {
    return body_->url();
}
const std::string& web::code() const noexcept {
    return body_->code();
}

} // namespace iom::host::web
