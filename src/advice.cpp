#include "advice.hpp"

#include "host_manifest.hpp"
#include "http/url.hpp"
#include "project_names.hpp"

#include <algorithm>

namespace iom::host {

namespace {

/// The settings of one instance, as they are written or by default.
class reading {
public:
    reading(const project& whole, const instance_plan& plan)
        : plan_(plan), module_(*whole.modules[plan.module]) {}

    [[nodiscard]] const setting_plan* find(std::string_view id) const {
        for (const auto& one : plan_.settings)
            if (one.what->id == id && !one.absent)
                return &one;
        return nullptr;
    }

    [[nodiscard]] std::string text(std::string_view id) const {
        if (const auto* given = find(id))
            return given->written;
        const auto* known = module_.find_setting(id);
        return known == nullptr ? std::string{} : known->default_value.value_or("");
    }

    [[nodiscard]] bool truth(std::string_view id) const {
        return manifest::read_boolean(text(id)).value_or(false);
    }

    /// 0 where none is written, or one that only secrets make.
    [[nodiscard]] double number(std::string_view id) const {
        return manifest::read_real(text(id)).value_or(0);
    }

    [[nodiscard]] manifest::location where(std::string_view id) const {
        const auto* given = find(id);
        return given == nullptr ? plan_.where : given->where;
    }

    [[nodiscard]] const instance_plan& plan() const { return plan_; }

private:
    const instance_plan& plan_;
    const manifest::module_manifest& module_;
};

/// What stands in Hostname besides the name, and which settings it belongs into; empty if nothing.
std::string judge_hostname(std::string_view typed) {
    if (has_insertion(typed))
        return {};
    std::string belongs;
    const auto belong = [&](std::string_view setting, std::string_view value) {
        belongs += (belongs.empty() ? "" : ", ") + std::string{setting} + " " + in_quotes(value);
    };
    auto rest = typed;
    if (const auto scheme = rest.find("://"); scheme != rest.npos) {
        const auto name = rest.substr(0, scheme);
        belong("Protocol", name == "https" ? "wss" : name == "http" ? "ws" : name);
        rest.remove_prefix(scheme + 3);
    }
    const auto path_at = rest.find_first_of("/?#");
    const auto path = path_at == rest.npos ? std::string_view{} : rest.substr(path_at);
    rest = rest.substr(0, path_at);
    std::string_view port;
    const auto bracket = rest.find(']');
    if (rest.starts_with('[') && bracket != rest.npos) {
        if (rest.substr(bracket + 1).starts_with(':'))
            port = rest.substr(bracket + 2);
        rest = rest.substr(0, bracket + 1);
    } else if (const auto colon = rest.find(':');
               colon != rest.npos && rest.find(':', colon + 1) == rest.npos) {
        port = rest.substr(colon + 1);
        rest = rest.substr(0, colon);
    }
    if (rest.size() == typed.size())
        return {};
    belong("Hostname", rest);
    if (!port.empty())
        belong("Port", port);
    if (!path.empty())
        belong("Path", path);
    return "Hostname takes only the server's name or address, not " + in_quotes(typed) +
           ". Use these settings instead: " + belongs + ".";
}

/// What is said on the line can be read by anyone on the way.
bool is_in_the_open(const reading& given) {
    return given.text("protocol") == "ws" && !is_loopback_host(given.text("hostname"));
}

constexpr std::string_view read_by_anyone =
    "not encrypted: anyone on the way can read them. Set protocol to wss.";

/// The first setting that brings credentials along, or null.
const setting_plan* credentials_of(const reading& given) {
    for (const std::string_view id : {"bearer-token", "password", "username"})
        if (const auto* sent = given.find(id))
            return sent;
    for (const auto& one : given.plan().settings) {
        const auto name = std::string_view{one.written}.substr(0, one.written.find(':'));
        if (one.what->id == "headers" && equal_ignoring_case(name, "authorization"))
            return &one;
        const bool said = one.what->id == "headers" || one.what->id == "path" || one.what->id == "greeting" ||
                          one.what->id == "heartbeat-message" || one.what->id == "farewell";
        if (said && one.text.uses(source::secret))
            return &one;
    }
    return nullptr;
}

void advise_on_credentials(const reading& given, complaints& say) {
    if (const auto* sent = credentials_of(given); sent != nullptr && is_in_the_open(given))
        say.warn(sent->where, "these credentials go over ws, which is " + std::string{read_by_anyone});
    if (given.text("protocol") == "wss" && !given.truth("tls-verify"))
        say.warn(given.where("tls-verify"),
                 "the server's certificate is not verified: anyone on the way can read and "
                 "change everything. Give tls-ca the server's authority instead.");
    if (given.find("bearer-token") != nullptr && given.find("username") != nullptr)
        say.warn(given.where("username"),
                 "this user name is not used, as there is a bearer token too. Remove one of the two.");
    else if (given.find("password") != nullptr && given.find("username") == nullptr)
        say.warn(given.where("password"), "this password is not used, as there is no username. Set it.");
    if (given.text("protocol") == "ws")
        for (const std::string_view id :
             {"tls-ca", "tls-certificate", "tls-key", "tls-server-name", "tls-pins", "tls-min"})
            if (const auto* unused = given.find(id))
                say.warn(unused->where,
                         std::string{id} + " has no effect on ws. Set protocol to wss, or remove it.");
}

void advise_on_liveness(const reading& given, complaints& say) {
    const bool pings = given.truth("send-keep-alive");
    const bool beats = !given.text("heartbeat-message").empty() && given.number("heartbeat-interval") > 0;
    constexpr double longest = 50;
    if (pings && given.number("ping-interval") > longest)
        say.warn(given.where("ping-interval"),
                 "with more than 50 s between pings, proxies that cut idle connections at "
                 "60 s cut this one. Stay at 50 s or below.");
    if (!pings && beats && given.number("heartbeat-interval") > longest)
        say.warn(given.where("heartbeat-interval"),
                 "with more than 50 s between messages and no pings, proxies that cut idle connections at "
                 "60 s cut this one. Stay at 50 s or below.");
    if (!pings && !beats && given.number("silence-timeout") == 0)
        say.warn(given.where("send-keep-alive"),
                 "without pings a server that hangs is never noticed. Set heartbeat-message and "
                 "heartbeat-interval, or silence-timeout and a rule on the trigger silence.");
    if (!given.text("heartbeat-message").empty() && given.number("heartbeat-interval") == 0)
        say.warn(given.where("heartbeat-message"),
                 "this heartbeat is never sent, as heartbeat-interval is 0. Set it.");
    if (given.text("heartbeat-message").empty()) {
        for (const std::string_view id : {"heartbeat-interval", "heartbeat-match"})
            if (const auto* unused = given.find(id); unused != nullptr && unused->written != "0")
                say.warn(unused->where,
                         std::string{id} + " has no effect, as there is no heartbeat-message. Set it.");
    }
    if (given.find("farewell-match") != nullptr && given.find("farewell") == nullptr)
        say.warn(given.where("farewell-match"),
                 "this answer is never waited for, as there is no farewell. Set it.");
}

void advise_on_pace(const reading& given, complaints& say) {
    if (given.number("reconnect-min") > given.number("reconnect-max"))
        say.warn(given.where("reconnect-max"),
                 "reconnect-max is shorter than reconnect-min, so retries never slow down. Make it longer.");
    if (given.number("stable-after") == 0 && given.number("reconnect-first-max") == 0)
        say.warn(
            given.where("reconnect-first-max"),
            "a server that accepts and closes at once is connected to without a pause. Set stable-after or "
            "reconnect-first-max above 0.");
    if (given.text("offline-policy") == "error") {
        for (const std::string_view id : {"queue-messages", "queue-bytes", "queue-ttl"})
            if (const auto* unused = given.find(id))
                return say.warn(unused->where,
                                std::string{id} +
                                    " has no effect, as nothing is queued. Set offline-policy to "
                                    "queue or latest.");
    } else if (const double age = given.number("queue-ttl");
               age > 0 && age < given.number("reconnect-first-max")) {
        say.warn(given.where("queue-ttl"),
                 "what is queued may be too old before the first retry comes (reconnect-first-max). Make "
                 "queue-ttl longer.");
    }
}

void advise_instance(const reading& given, complaints& say) {
    advise_on_credentials(given, say);
    advise_on_liveness(given, say);
    advise_on_pace(given, say);
}

bool is_line(const project& whole, std::uint32_t instance) {
    const auto module = whole.instances[instance].module;
    return module != no_module && whole.modules[module]->id == "websocket-client";
}

bool hears(const project& whole, const listening& heard, std::uint32_t instance, std::string_view trigger) {
    const auto module = whole.instances[instance].module;
    const auto* known = whole.modules[module]->find_trigger(trigger);
    return known != nullptr && known->number == heard.trigger &&
           (heard.instance == instance || (heard.instance == any_instance && heard.module == module));
}

/// The action that connects the instance, of this rule or of one that it fires; null if there is none.
const act* connecting(const project& whole, std::uint32_t which, std::uint32_t instance, bool of_firing,
                      std::vector<bool>& seen) {
    if (seen[which])
        return nullptr;
    seen[which] = true;
    for (const auto& what : whole.rules.rules[which].acts) {
        if (what.targets.empty())
            continue;
        const auto& id = what.targets.front().what->id;
        if (id == "connect" && (what.instance == instance || (of_firing && what.instance == this_instance)))
            return &what;
        const bool fires =
            what.instance == host_instance && id == "fire" && what.place < whole.rules.rules.size();
        if (fires && connecting(whole, what.place, instance, false, seen) != nullptr)
            return &what;
    }
    return nullptr;
}

/// Whether some rule can connect it.
bool is_connected_by_rule(const project& whole, std::uint32_t instance) {
    for (const auto& one : whole.rules.rules)
        for (const auto& what : one.acts)
            if (!what.targets.empty() && what.targets.front().what->id == "connect" &&
                (what.instance == instance || what.instance == this_instance))
                return true;
    return false;
}

void advise_on_connecting(const project& whole, std::uint32_t instance, complaints& say) {
    const reading given{whole, whole.instances[instance]};
    if (given.truth("auto-reconnect")) {
        for (std::uint32_t which = 0; which < whole.rules.rules.size(); ++which) {
            const auto& listens = whole.rules.rules[which].listens;
            const bool on_loss = std::any_of(listens.begin(), listens.end(), [&](const listening& heard) {
                return hears(whole, heard, instance, "disconnected");
            });
            std::vector<bool> seen(whole.rules.rules.size());
            if (!on_loss)
                continue;
            if (const auto* what = connecting(whole, which, instance, true, seen))
                say.warn(what->where,
                         "Connect on Disconnected, while Auto-Reconnect of " + given.plan().name +
                             " is on: it reconnects by itself, and at the right pace. Take this out, or "
                             "turn Auto-Reconnect off.");
        }
    }
    if (is_connected_by_rule(whole, instance))
        return;
    if (!given.truth("connect-at-startup"))
        say.warn(given.where("connect-at-startup"),
                 "nothing connects " + given.plan().name +
                     ": it does not connect at startup, and no rule connects it. Only people can, by hand.");
    else if (given.truth("auto-reconnect") && given.number("fault-retry") == 0)
        say.warn(given.where("fault-retry"),
                 "after a fault " + given.plan().name +
                     " stays down for good, as fault-retry is 0 and no rule connects "
                     "it. Set it, or add a rule on the trigger faulted.");
}

/// Credentials that an action sends where anyone can read them.
void advise_on_action(const project& whole, const act& what, complaints& say) {
    if (what.targets.empty())
        return;
    const auto& target = what.targets.front();
    const auto argument = [&](std::uint32_t number) -> const argument_plan* {
        for (std::size_t at = 0; at < target.arguments.size(); ++at)
            if (target.arguments[at].what->number == number)
                return &what.arguments[at];
        return nullptr;
    };
    if (what.instance < whole.instances.size()) {
        const bool shows =
            std::any_of(target.arguments.begin(), target.arguments.end(),
                        [](const auto& slot) { return slot.what->type == manifest::type::secret; });
        if (shows && is_line(whole, what.instance) &&
            is_in_the_open(reading{whole, whole.instances[what.instance]}))
            say.warn(what.where, "these credentials go over ws, which is " + std::string{read_by_anyone});
        return;
    }
    if (what.instance != host_instance || target.what->number != host_action::http)
        return;
    const auto* verify = argument(host_argument::http_tls_verify);
    if (verify != nullptr && verify->text.is_literal() &&
        !manifest::read_boolean(verify->text.literal()).value_or(true))
        say.warn(what.where,
                 "the server's certificate is not verified: anyone on the way can read and change "
                 "everything. Give tls-ca the server's authority instead.");
    const auto* address = argument(host_argument::http_url);
    std::string why;
    // With insertions left out it is still known where it leads.
    const auto url = address == nullptr ? std::nullopt : parse_http_url(address->text.literal(), why);
    if (!url || url->secure || is_loopback_host(url->host))
        return;
    for (std::size_t at = 0; at < target.arguments.size(); ++at) {
        const auto& text = what.arguments[at].text;
        const auto name = text.literal().substr(0, text.literal().find(':'));
        const bool login = target.arguments[at].what->number == host_argument::http_headers &&
                           equal_ignoring_case(name, "authorization");
        if (login || text.uses(source::secret))
            return say.warn(what.where,
                            "these credentials go over http, which is not encrypted: anyone on the way "
                            "can read them. Use https.");
    }
}

} // namespace

void advise(const project& whole, connector who, complaints& say) {
    for (std::uint32_t which = 0; which < whole.instances.size(); ++which) {
        if (!is_line(whole, which))
            continue;
        const reading given{whole, whole.instances[which]};
        if (const auto sentence = judge_hostname(given.text("hostname")); !sentence.empty())
            say.wrong(given.where("hostname"), sentence);
    }
    // What would work badly is of interest when it works at all.
    if (say.mistakes() != 0)
        return;
    for (std::uint32_t which = 0; which < whole.instances.size(); ++which) {
        if (!is_line(whole, which))
            continue;
        advise_instance(reading{whole, whole.instances[which]}, say);
        if (who == connector::project)
            advise_on_connecting(whole, which, say);
    }
    for (const auto& one : whole.rules.rules)
        for (const auto& what : one.acts)
            advise_on_action(whole, what, say);
}

} // namespace iom::host
