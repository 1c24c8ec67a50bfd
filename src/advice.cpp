#include "advice.hpp"

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

    [[nodiscard]] manifest::location where(std::string_view id) const {
        const auto* given = find(id);
        return given == nullptr ? plan_.where : given->where;
    }

    [[nodiscard]] const instance_plan& plan() const { return plan_; }

private:
    const instance_plan& plan_;
    const manifest::module_manifest& module_;
};

bool is_loopback(std::string_view host) {
    return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "::1" ||
           host == "[::1]";
}

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

void advise_instance(const reading& given, complaints& say) {
    if (const auto sentence = judge_hostname(given.text("hostname")); !sentence.empty())
        say.wrong(given.where("hostname"), sentence);

    const auto interval = manifest::read_real(given.text("ping-interval"));
    if (interval && *interval > 50 && given.truth("send-keep-alive"))
        say.warn(given.where("ping-interval"),
                 "with more than 50 s between pings, proxies that cut idle connections at "
                 "60 s cut this one. Stay at 50 s or below.");

    if (given.text("protocol") == "ws" && !is_loopback(given.text("hostname"))) {
        static constexpr std::string_view credentials[] = {"bearer-token", "password", "username"};
        const auto* first = std::find_if(std::begin(credentials), std::end(credentials),
                                         [&](std::string_view id) { return given.find(id) != nullptr; });
        const setting_plan* sent = first == std::end(credentials) ? nullptr : given.find(*first);
        for (const auto& one : given.plan().settings) {
            auto name = one.written.substr(0, one.written.find(':'));
            std::transform(name.begin(), name.end(), name.begin(), [](char c) {
                return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            });
            if (sent == nullptr && one.what->id == "headers" &&
                (name == "authorization" || one.text.uses(source::secret)))
                sent = &one;
        }
        if (sent != nullptr)
            say.warn(sent->where,
                     "these credentials go over ws, which is not encrypted: anyone on the way can read them. "
                     "Set protocol to wss.");
    }
    if (given.text("protocol") == "wss" && !given.truth("tls-verify"))
        say.warn(given.where("tls-verify"),
                 "the server's certificate is not verified: anyone on the way can read and "
                 "change everything. Give tls-ca the server's authority instead.");
    if (!given.text("heartbeat-message").empty() &&
        manifest::read_real(given.text("heartbeat-interval")) == 0.0)
        say.warn(given.where("heartbeat-message"),
                 "this heartbeat is never sent, as heartbeat-interval is 0. Set it.");
}

/// A rule that connects on Disconnected, though the instance does so by itself.
void advise_rule(const project& whole, const rule& one, complaints& say) {
    for (const auto& heard : one.listens) {
        for (std::uint32_t which = 0; which < whole.instances.size(); ++which) {
            const auto module = whole.instances[which].module;
            const bool hears =
                heard.instance == which || (heard.instance == any_instance && heard.module == module);
            if (!hears || whole.modules[module]->id != "websocket-client")
                continue;
            const auto* trigger = whole.modules[module]->find_trigger("disconnected");
            if (trigger == nullptr || trigger->number != heard.trigger ||
                !reading{whole, whole.instances[which]}.truth("auto-reconnect"))
                continue;
            for (const auto& what : one.acts) {
                const bool same = what.instance == which || what.instance == this_instance;
                if (same && !what.targets.empty() && what.targets.front().what->id == "connect")
                    say.warn(what.where,
                             "Connect on Disconnected, while Auto-Reconnect of " +
                                 whole.instances[which].name +
                                 " is on: it reconnects by itself, and at the right pace. Take this out, or "
                                 "turn Auto-Reconnect off.");
            }
        }
    }
}

} // namespace

void advise(const project& whole, complaints& say) {
    for (const auto& one : whole.instances)
        if (one.module != no_module && whole.modules[one.module]->id == "websocket-client")
            advise_instance(reading{whole, one}, say);
    for (const auto& one : whole.rules.rules)
        advise_rule(whole, one, say);
}

} // namespace iom::host
