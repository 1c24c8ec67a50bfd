// Log-in, password and API tokens.

#include "web/body.hpp"

#include <algorithm>
#include <iterator>

namespace iom::host::web {
namespace {

/// A code as it counts: people type blanks where they see dashes, and leave those out.
std::string bare_code(std::string_view written) {
    std::string bare;
    std::copy_if(written.begin(), written.end(), std::back_inserter(bare),
                 [](char c) { return c >= '0' && c <= '9'; });
    return bare;
}

} // namespace

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
        made["project"] = say()->project_name();
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

bool is_unfit(const std::string& password) {
    return password.size() < shortest_password || password.size() > longest_password;
}

answer unfit_password(const std::string& password) {
    return mistake_at("/password", password.size() < shortest_password
                                       ? "A password has at least " + std::to_string(shortest_password) +
                                             " characters. Take a longer one."
                                       : "A password has at most " + std::to_string(longest_password) +
                                             " characters. Take a shorter one.");
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
        if (code_.empty() ||
            !same_secret(bare_code(from->body.value("code", std::string())), bare_code(code_))) {
            to(problem(403, "forbidden",
                       "This is not the code that the console shows. It is printed anew at every start."));
            return;
        }
        attempts_.was_right(address);
    }
    if (is_unfit(password)) {
        to(unfit_password(password));
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
    if (is_unfit(password)) {
        to(unfit_password(password));
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
                to(mistake_at("/old", sentence));
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
        to(mistake_at(at, sentence));
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

} // namespace iom::host::web
