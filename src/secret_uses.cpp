#include "secret_uses.hpp"

#include "http/url.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace iom::host {

using manifest::element;

namespace {

/// Scheme, host and port of a URL, as far as it is written out: nothing that is inserted behind them leads
/// elsewhere.
std::string place_of_url(std::string_view written) {
    const auto scheme = written.find("://");
    const auto host = scheme == written.npos ? 0 : scheme + 3;
    const auto end = std::min(written.find_first_of("/?#", host), written.size());
    std::string why;
    if (const auto read = parse_http_url(written.substr(0, end), why))
        return (read->secure ? "https " : "http ") + read->host + ' ' + std::to_string(read->port);
    return std::string{written.find("${") < end ? written : written.substr(0, end)};
}

/// `http://user:password@proxy:3128` without user and password.
std::string without_user(std::string_view proxy) {
    const auto at = proxy.rfind('@');
    const auto scheme = proxy.find("://");
    if (at == proxy.npos)
        return std::string{proxy};
    const auto keep = scheme == proxy.npos || scheme > at ? 0 : scheme + 3;
    return std::string{proxy.substr(0, keep)} + std::string{proxy.substr(at + 1)};
}

/// A reference, and towards where.
struct use {
    led_elsewhere what;
    std::string place;
};

class use_finder {
public:
    /// `whole_proxy`: with its user and password. They are inserted into it when host and port are read.
    use_finder(std::string_view xml, const manifest_lookup& modules, bool whole_proxy = true)
        : whole_proxy_(whole_proxy) {
        std::vector<manifest::mistake> mistakes;
        const auto root = manifest::parse_xml(xml, "", mistakes);
        if (!mistakes.empty())
            return; // that is said elsewhere
        for (const auto& child : root.children)
            if (const auto* id = child.attribute("module"); child.name == "defaults" && id != nullptr)
                defaults_[*id] = read_settings(child, modules(*id));
        instances_ = read_instances(root, modules);
        for (const auto& one : instances_)
            in_instance(one, modules(one.module));
        for (const auto& one : read_rule_drafts(root))
            in_rule(one);
    }

    [[nodiscard]] const std::string* place_of(std::string_view instance) const {
        const auto at = places_.find(instance);
        return at == places_.end() ? nullptr : &at->second;
    }

    std::vector<use> found;

private:
    void in_instance(const instance_draft& one, const manifest::module_manifest* module) {
        const auto& defaults = defaults_[one.module];
        std::string place = one.module;
        if (module == nullptr)
            place += '\n' + one.name;
        else
            for (const auto& setting : module->settings) {
                if (!asks_for_secrets(setting.id))
                    continue;
                const auto* value = effective_value(one.settings, defaults, setting.id);
                const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
                const auto leads = text == nullptr ? setting.default_value.value_or("") : *text;
                place += '\n' + (setting.id == "proxy" && !whole_proxy_ ? without_user(leads) : leads);
            }
        places_[one.name] = place;
        for (const auto& [id, value] : one.settings)
            in_value(value, id, place);
        for (const auto& [id, value] : defaults)
            if (find_value(one.settings, id) == nullptr)
                in_value(value, id, place);
    }

    void in_rule(const rule_draft& one) {
        const auto by = "rule " + one.name;
        for (const auto& each : one.when)
            in_condition(each, by, one);
        for (const auto& act : one.act) {
            const auto owner = act.action.substr(0, act.action.find('/'));
            if (owner == "host") {
                const auto place = place_of_act(act);
                for (const auto& [id, value] : act.arguments)
                    in_value(value, by, place);
                continue;
            }
            for (const auto& place : owner == "this" ? heard_from(one) : places_of(owner))
                for (const auto& [id, value] : act.arguments)
                    in_value(value, by, place);
        }
    }

    void in_condition(const when_draft& at, const std::string& by, const rule_draft& of) {
        std::string place = "when";
        if (at.status) {
            const auto slash = std::min(at.status->find('/'), at.status->size());
            for (const auto& one : places_of(at.status->substr(0, slash)))
                place += '\n' + one;
            place += at.status->substr(slash);
        }
        place += '\n' + at.variable.value_or("");
        for (const auto* text : {&at.value, &at.is, &at.is_not, &at.less, &at.greater, &at.contains})
            place += '\n' + text->value_or("") + (*text ? "." : "");
        // What it compares may come from whoever is heard.
        std::set<std::string> heard;
        for (const auto& each : of.on) {
            const auto slash = std::min(each.trigger.find('/'), each.trigger.size());
            for (const auto& one : places_of(each.trigger.substr(0, slash)))
                heard.insert(one + each.trigger.substr(slash));
        }
        for (const auto& one : heard)
            place += '\n' + one;
        for (const auto* text : {&at.value, &at.is, &at.is_not, &at.less, &at.greater, &at.contains})
            if (*text)
                in_text(**text, by, place);
    }

    static std::string place_of_act(const do_draft& act) {
        if (act.action != "host/http")
            return act.action;
        const auto text = [&](std::string_view id) {
            const auto* value = find_value(act.arguments, id);
            const auto* written = value == nullptr ? nullptr : std::get_if<std::string>(value);
            return written == nullptr ? std::string{} : *written;
        };
        const auto verify = text("tls-verify");
        const bool checks = verify.empty() || manifest::read_boolean(verify).value_or(false);
        return act.action + '\n' + place_of_url(text("url")) + (checks ? "" : "\n" + verify);
    }

    [[nodiscard]] std::set<std::string> heard_from(const rule_draft& one) const {
        std::set<std::string> all;
        for (const auto& each : one.on)
            all.merge(places_of(each.trigger.substr(0, each.trigger.find('/'))));
        return all;
    }

    /// Of an instance, or of every instance of a module.
    [[nodiscard]] std::set<std::string> places_of(const std::string& owner) const {
        std::set<std::string> all;
        for (const auto& one : instances_)
            if (one.name == owner || one.module == owner)
                all.insert(places_.at(one.name));
        if (all.empty())
            all.insert(host_);
        return all;
    }

    void in_value(const value_draft& value, const std::string& by, const std::string& place) {
        const auto in = [&](const std::string& text) { in_text(text, by, place); };
        if (const auto* text = std::get_if<std::string>(&value))
            in(*text);
        if (const auto* list = std::get_if<std::vector<std::string>>(&value))
            std::for_each(list->begin(), list->end(), in);
        if (const auto* all = std::get_if<std::vector<match_draft>>(&value))
            for (const auto& each : *all)
                in(each.text);
        if (const auto* steps = std::get_if<std::vector<step_draft>>(&value))
            for (const auto& step : *steps) {
                in(step.send);
                for (const auto& each : step.await)
                    in(each.text);
            }
    }

    void in_text(std::string_view text, const std::string& by, const std::string& place) {
        for (const auto* mark : {"${secret:", "${env:"}) {
            const std::string_view begin = mark;
            for (auto at = text.find(begin); at != text.npos; at = text.find(begin, at + 1)) {
                const auto rest = text.substr(at + begin.size());
                const auto name = rest.substr(0, rest.find_first_of("|}"));
                found.push_back({{by, std::string{name}, begin == "${env:"}, place});
            }
        }
    }

    const std::string host_ = "host";
    const bool whole_proxy_;
    std::map<std::string, values_draft> defaults_;
    std::vector<instance_draft> instances_;
    std::map<std::string, std::string, std::less<>> places_;
};

} // namespace

std::vector<led_elsewhere> secrets_led_elsewhere(std::string_view before, std::string_view after,
                                                 const manifest_lookup& modules, const secret_set& anew) {
    std::vector<led_elsewhere> led;
    auto wanted = use_finder{after, modules}.found;
    if (wanted.empty())
        return led;
    std::set<std::tuple<bool, std::string, std::string>> known;
    for (auto& one : use_finder{before, modules}.found)
        known.emplace(one.what.environment, std::move(one.what.name), std::move(one.place));
    for (auto& one : wanted) {
        const bool given = !one.what.environment && anew.contains(one.what.name);
        if (!given && !known.contains({one.what.environment, one.what.name, one.place}))
            led.push_back(std::move(one.what));
    }
    return led;
}

std::vector<led_elsewhere> secrets_led_by_value(std::string_view xml, const std::string& name,
                                                const manifest_lookup& modules, const secret_set& anew) {
    std::vector<led_elsewhere> led;
    for (auto& one : use_finder{xml, modules, false}.found) {
        const bool given = !one.what.environment && (one.what.name == name || anew.contains(one.what.name));
        const bool leads = one.place.find("${secret:" + name + '}') != one.place.npos ||
                           one.place.find("${secret:" + name + '|') != one.place.npos;
        if (!given && leads && !one.place.starts_with("when\n"))
            led.push_back(std::move(one.what));
    }
    return led;
}

secret_set secrets_used_at(std::string_view xml, std::string_view instance, const manifest_lookup& modules) {
    const use_finder uses{xml, modules};
    secret_set names;
    const auto* place = uses.place_of(instance);
    for (const auto& one : uses.found)
        if (place != nullptr && !one.what.environment && one.place == *place)
            names.insert(one.what.name);
    return names;
}

} // namespace iom::host
