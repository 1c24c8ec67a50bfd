#include "web/views.hpp"

#include "project_secrets.hpp"
#include "web/shown.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>

namespace iom::host::web {
namespace {

constexpr std::size_t most_shown = 4096; ///< bytes of a status

/// Cuts at the end of a character.
std::string_view beginning(std::string_view text, std::size_t most) {
    if (text.size() <= most) {
        return text;
    }
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) {
        --most;
    }
    return text.substr(0, most);
}

std::int64_t milliseconds(std::chrono::system_clock::time_point when) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
}

/// Other bytes than UTF-8 become U+FFFD, so that the JSON can be written.
std::string clean(std::string_view text) {
    const std::string dumped = json(std::string(text)).dump(-1, ' ', false, json::error_handler_t::replace);
    return json::parse(dumped).get<std::string>();
}

void put_number(json& to, const char* name, const std::optional<double>& what) {
    if (what) {
        // A bound is a whole number nearly always, and reads as one.
        if (std::floor(*what) == *what && std::abs(*what) < 9e15) {
            to[name] = static_cast<std::int64_t>(*what);
        } else {
            to[name] = *what;
        }
    }
}

json field_json(const manifest::field& of) {
    json made = {{"id", of.id},
                 {"number", of.number},
                 {"label", of.label},
                 {"help", of.help},
                 {"type", manifest::to_string(of.type)}};
    if (!of.unit.empty()) {
        made["unit"] = of.unit;
    }
    for (const manifest::choice& each : of.choices) {
        made["choices"].push_back({{"value", each.value}, {"label", each.label}, {"help", each.help}});
    }
    put_number(made, "min", of.min);
    put_number(made, "max", of.max);
    if (of.default_value) {
        made["default"] = *of.default_value;
    }
    if (of.required) {
        made["required"] = true;
    }
    if (of.list) {
        made["list"] = true;
    }
    if (of.original) {
        made["original"] = true;
    }
    return made;
}

json told_json(value_view what) {
    switch (what.kind) {
    case value_kind::none:
        return nullptr;
    case value_kind::boolean:
        return what.boolean;
    case value_kind::integer:
        return what.integer;
    case value_kind::real:
        return std::isfinite(what.real) ? json(what.real) : json(nullptr);
    case value_kind::text:
        return text_json(what.text, most_shown);
    case value_kind::bytes: {
        std::string hex;
        append_hex(what.text.substr(0, most_shown), hex);
        return hex;
    }
    }
    return nullptr;
}

} // namespace

json text_json(std::string_view text, std::size_t most) {
    return clean(beginning(text, most));
}

std::int64_t wall_now() {
    return milliseconds(std::chrono::system_clock::now());
}

std::int64_t wall_of(time_us steady) {
    // The same moment is always told as the same time, unless somebody has set the clock.
    static std::atomic<std::int64_t> kept{0};
    const std::int64_t offset = wall_now() - control_loop::now() / 1000;
    std::int64_t use = kept.load();
    if (use == 0 || std::abs(offset - use) > 50) {
        kept.store(offset);
        use = offset;
    }
    return use + steady / 1000;
}

json manifest_json(const manifest::module_manifest& of) {
    json made = {{"id", of.id},
                 {"label", of.label},
                 {"version", of.version},
                 {"help", of.help},
                 {"groups", json::array()},
                 {"statuses", json::array()},
                 {"triggers", json::array()},
                 {"actions", json::array()}};
    for (const manifest::setting& each : of.settings) {
        json& groups = made["groups"];
        auto group = std::find_if(groups.begin(), groups.end(),
                                  [&](const json& one) { return one["label"] == each.group; });
        if (group == groups.end()) {
            groups.push_back({{"label", each.group}, {"settings", json::array()}});
            group = std::prev(groups.end());
        }
        json one = field_json(each);
        if (each.live) {
            one["live"] = true;
        }
        if (each.advanced) {
            one["advanced"] = true;
        }
        one["expand"] = each.expand == manifest::expansion::use ? "use" : "set";
        if (asks_for_secrets(each.id)) {
            one["asksForSecrets"] = true;
        }
        (*group)["settings"].push_back(std::move(one));
    }
    for (const manifest::status& each : of.statuses) {
        made["statuses"].push_back(field_json(each));
    }
    for (const manifest::trigger& each : of.triggers) {
        json one = {{"id", each.id},
                    {"number", each.number},
                    {"label", each.label},
                    {"help", each.help},
                    {"variables", json::array()}};
        if (each.original) {
            one["original"] = true;
        }
        for (const manifest::field& variable : each.variables) {
            one["variables"].push_back(field_json(variable));
        }
        if (!each.match_variable.empty()) {
            one["match"] = {{"variable", each.match_variable},
                            {"label", each.match_label.empty() ? "Match" : each.match_label}};
        }
        made["triggers"].push_back(std::move(one));
    }
    for (const manifest::action& each : of.actions) {
        json one = {{"id", each.id},
                    {"number", each.number},
                    {"label", each.label},
                    {"help", each.help},
                    {"arguments", json::array()}};
        if (each.original) {
            one["original"] = true;
        }
        for (const manifest::field& argument : each.arguments) {
            one["arguments"].push_back(field_json(argument));
        }
        made["actions"].push_back(std::move(one));
    }
    const known_statuses places(of);
    if (places.state != known_statuses::none) {
        made["stateStatus"] = of.statuses[places.state].id;
    }
    if (of.id == "websocket-client") {
        made["testable"] = true;
    }
    return made;
}

json line_json(const line& of) {
    json made = {{"number", of.number},
                 {"time", of.time},
                 {"level", to_string(of.level)},
                 {"text", text_json(of.text, 65536)}};
    if (!of.instance.empty()) {
        made["instance"] = of.instance;
    }
    if (!of.rule.empty()) {
        made["rule"] = text_json(of.rule);
    }
    return made;
}

json frame_json(const line& of) {
    const std::optional<frame_words> words = read_frame(of.text);
    if (!words) {
        return nullptr;
    }
    json made = {{"number", of.number},     {"time", of.time},
                 {"instance", of.instance}, {"way", words->in ? "in" : "out"},
                 {"opcode", words->opcode}, {"fin", words->fin},
                 {"length", words->length}, {"payload", text_json(words->payload, 2 * most_shown)}};
    if (words->hex) {
        made["hex"] = true;
    }
    if (words->cut) {
        made["cut"] = true;
    }
    return made;
}

json call_json(const page_call& of) {
    json made = {{"call", of.number},
                 {"instance", of.instance},
                 {"action", of.action},
                 {"state", of.state},
                 {"milliseconds", of.state == "running"
                                      ? static_cast<double>(control_loop::now() - of.began) / 1000.0
                                      : of.milliseconds}};
    if (!of.sentence.empty()) {
        made["sentence"] = text_json(of.sentence);
    }
    return made;
}

std::string_view to_contract(verdict what) noexcept {
    static constexpr std::string_view words[] = {"never",    "fired",     "waiting",   "disabled",
                                                 "no-match", "condition", "unchanged", "too-often",
                                                 "stopped",  "too-deep",  "unsupplied"};
    return words[static_cast<std::size_t>(what)];
}

// ---- of the controller

json live_summary(desk& from, std::uint32_t index) {
    runtime& controller = from.controller();
    const instance& who = controller.at(index);
    const known_statuses& at = from.places(index);
    const auto statuses = who.statuses();
    json made = {{"name", who.name()}, {"state", nullptr}, {"since", nullptr}};
    std::string state;
    if (at.state != known_statuses::none && statuses[at.state].what.kind != value_kind::none) {
        state = to_text(statuses[at.state].what.view());
        made["state"] = state;
        if (statuses[at.state].changed.time_since_epoch().count() != 0) {
            made["since"] = milliseconds(entered(statuses, at));
        }
    }
    const auto text_at = [&](std::uint32_t place) {
        return place == known_statuses::none ? std::string() : to_text(statuses[place].what.view());
    };
    // What is mended is past; the status itself keeps it.
    const hour& last_hour = from.last_hour(index);
    if (const std::string error = text_at(at.error);
        !error.empty() && !last_hour.recovered && state != "ready") {
        made["lastError"] = text_json(error);
        made["lastErrorLayer"] = text_json(text_at(at.error_layer));
        made["lastErrorCode"] = text_json(text_at(at.error_code));
        made["lastErrorAt"] = milliseconds(last_hour.error_at);
        made["lastErrorSince"] = milliseconds(last_hour.error_since);
    }
    if (at.next_retry != known_statuses::none) {
        const status_entry& retry = statuses[at.next_retry];
        if (retry.what.kind == value_kind::real && retry.what.real > 0 &&
            (state == "waiting" || state == "faulted")) {
            // The same delay once more is no change of its own; that it begins anew is.
            const auto begun =
                std::max(retry.changed,
                         at.attempt == known_statuses::none ? retry.changed : statuses[at.attempt].changed);
            made["nextRetryAt"] = milliseconds(begun) + std::llround(retry.what.real * 1000);
        }
    }
    if (at.attempt != known_statuses::none && statuses[at.attempt].what.kind == value_kind::integer &&
        statuses[at.attempt].what.integer > 0) {
        made["attempt"] = statuses[at.attempt].what.integer;
    }
    if (at.round_trip != known_statuses::none && statuses[at.round_trip].what.kind == value_kind::real &&
        state == "ready") {
        made["roundTrip"] = statuses[at.round_trip].what.real;
    }
    const auto [sent, received] = last_hour.rates();
    made["sentRate"] = std::round(sent * 10) / 10;
    made["receivedRate"] = std::round(received * 10) / 10;
    static constexpr const char* phases[] = {"idle", "running", "leaving", "restarting", "broken"};
    made["phase"] = phases[static_cast<std::size_t>(controller.phase_of(index))];
    if (!controller.trouble_of(index).empty()) {
        made["phaseSentence"] = text_json(controller.trouble_of(index));
    }
    if (const std::string& wanted = from.wanted(who.name()); !wanted.empty()) {
        made["wanted"] = wanted;
    }
    return made;
}

json statuses_json(desk& from, std::uint32_t index) {
    const instance& who = from.controller().at(index);
    json made = json::object();
    const auto& described = who.module().manifest.statuses;
    const auto statuses = who.statuses();
    for (std::size_t at = 0; at < described.size() && at < statuses.size(); ++at) {
        const status_entry& each = statuses[at];
        json one = {{"value", told_json(each.what.view())}, {"at", nullptr}};
        if (each.changed.time_since_epoch().count() != 0) {
            const known_statuses& known = from.places(index);
            one["at"] = milliseconds(at == known.state ? entered(statuses, known) : each.changed);
        }
        if (each.what.kind == value_kind::bytes) {
            one["hex"] = true;
        }
        // Its module may have cut it already.
        if ((each.what.kind == value_kind::bytes || each.what.kind == value_kind::text) &&
            each.what.text.size() > most_whole) {
            one["cut"] = true;
        }
        made[described[at].id] = std::move(one);
    }
    return made;
}

std::string as_sentence(std::string_view said) {
    static constexpr std::pair<std::string_view, std::string_view> openings[] = {
        {"its ", "Its "},
        {"a condition ", "Its condition "},
        {"condition ", "Its condition "},
        {"the captured ", "Its captured "},
        {"too many ", "It was left out: too many "},
    };
    for (const auto& [from, to] : openings) {
        if (said.starts_with(from)) {
            return std::string(to) + std::string(said.substr(from.size())) + '.';
        }
    }
    return "It " + std::string(said) + '.';
}

json report_json(desk& from, std::uint32_t rule) {
    runtime& controller = from.controller();
    const rule_report known = controller.engine().report(rule);
    json made = {{"fired", known.fired}, {"lastSaid", to_contract(known.last_said)}};
    if (known.last_fired) {
        made["lastFired"] = wall_of(*known.last_fired);
    }
    if (known.last_looked) {
        made["lastLooked"] = wall_of(*known.last_looked);
        made["sentence"] = text_json(as_sentence(
            controller.events().in_words(rule, known.last_said, known.detail, *known.last_looked)));
    }
    if (known.last_no) {
        made["lastNo"] = wall_of(*known.last_no);
        made["lastNoSaid"] = to_contract(known.last_no_said);
        made["lastNoSentence"] = text_json(as_sentence(
            controller.events().in_words(rule, known.last_no_said, known.last_no_detail, *known.last_no)));
    }
    return made;
}

json variables_json(desk& from) {
    json made = json::object();
    const variables& values = from.controller().values();
    for (std::uint32_t at = 0; at < values.size(); ++at) {
        made[values.declared(at).name] = told_json(values.get(at));
    }
    return made;
}

json event_json(const trace_event& of) {
    static constexpr std::string_view causes[] = {"trigger", "rule", "hand", "debounce"};
    json made = {{"number", of.number},
                 {"time", wall_of(of.time)},
                 {"cause", causes[static_cast<std::size_t>(of.why)]},
                 {"trigger", of.trigger},
                 {"listeners", of.listeners},
                 {"looks", json::array()},
                 {"omitted", of.omitted}};
    if (!of.whole) {
        made["cutSomewhere"] = true; // until hide_in_event
    }
    if (!of.by.empty()) {
        made["by"] = text_json(of.by);
    }
    if (!of.stopped_by.empty()) {
        made["stoppedBy"] = text_json(of.stopped_by);
    }
    for (std::size_t at = 0; at < of.variables.size(); ++at) {
        const auto& [id, what] = of.variables[at];
        if (at == 0 && (what.kind == value_kind::text || what.kind == value_kind::bytes)) {
            std::string hex;
            if (what.kind == value_kind::bytes) {
                append_hex(what.text, hex);
            }
            made["message"] = {{"text", what.kind == value_kind::bytes ? json(hex) : text_json(what.text)}};
            if (what.kind == value_kind::bytes) {
                made["message"]["hex"] = true;
            }
            if (!of.whole) {
                made["message"]["cut"] = true;
            }
        } else {
            made["variables"][id] = text_json(to_text(what.view()));
        }
    }
    for (const trace_event::look& each : of.looks) {
        json look = {{"rule", text_json(each.rule)},
                     {"said", to_contract(each.said)},
                     {"sentence", text_json(as_sentence(each.sentence))},
                     {"acts", json::array()}};
        for (const trace_event::act& one : each.acts) {
            json act = {{"action", text_json(one.action)}, {"state", one.state}};
            if (!one.sentence.empty()) {
                act["sentence"] = text_json(one.sentence);
            }
            if (one.delay > 0) {
                act["milliseconds"] = one.delay / 1000;
            }
            look["acts"].push_back(std::move(act));
        }
        made["looks"].push_back(std::move(look));
    }
    return made;
}

json history_json(desk& from, std::uint32_t index, std::int64_t since) {
    const hour& of = from.last_hour(index);
    const std::int64_t now = wall_now() / hour::step;
    const std::int64_t first =
        std::max(now - static_cast<std::int64_t>(hour::buckets) + 1, since / hour::step);
    json made = {{"name", from.controller().at(index).name()},
                 {"from", first * hour::step},
                 {"step", hour::step},
                 {"roundTrip", json::array()},
                 {"sent", json::array()},
                 {"received", json::array()},
                 {"states", json::array()}};
    constexpr double seconds = static_cast<double>(hour::step) / 1000.0;
    for (std::int64_t number = first; number <= now; ++number) {
        const hour::bucket& each = of.all[static_cast<std::size_t>(number) % hour::buckets];
        const bool there = each.number == number;
        made["roundTrip"].push_back(
            there && each.pings > 0
                ? json(std::round(static_cast<double>(each.round_trip) / each.pings * 1000) / 1000)
                : json(nullptr));
        made["sent"].push_back(there ? json(each.sent / seconds) : json(nullptr));
        made["received"].push_back(there ? json(each.received / seconds) : json(nullptr));
    }
    json before = nullptr;
    json later = json::array();
    for (const hour::change& each : of.states) {
        if (each.at <= first * hour::step) {
            before = each.state;
        } else {
            later.push_back({{"at", each.at}, {"state", each.state}});
        }
    }
    made["states"].push_back({{"at", first * hour::step}, {"state", before}});
    made["states"].insert(made["states"].end(), later.begin(), later.end());
    return made;
}

} // namespace iom::host::web
