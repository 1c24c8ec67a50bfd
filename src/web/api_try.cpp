// Rules on trial: a draft against a sample, and an event of the trace against the rules as they now stand.

#include "web/body.hpp"

#include "host_manifest.hpp"
#include "project_edit.hpp"
#include "rule_trial.hpp"
#include "web/draft_site.hpp"
#include "web/drafts.hpp"
#include "web/snapshot.hpp"

#include <algorithm>

namespace iom::host::web {
namespace {

// Bounds on one trial, so that others get their turn.
constexpr time_us trial_time = one_second;
constexpr time_us replay_time = 2 * one_second;
constexpr std::size_t longest_sample = std::size_t{256} << 10U; ///< bytes
constexpr std::size_t most_tested = std::size_t{8} << 20U;      ///< bytes of the sample, times matches
constexpr std::size_t most_matches = 100;

/// `press/message-received` in a project.
struct found_trigger {
    std::uint32_t instance = host_instance;
    const manifest::trigger* what = nullptr;
};

found_trigger find_trigger(const project& in, std::string_view written) {
    found_trigger found;
    const std::size_t slash = written.find('/');
    if (slash == std::string_view::npos) {
        return found;
    }
    const std::string_view owner = written.substr(0, slash);
    const std::string_view id = written.substr(slash + 1);
    if (owner == "host") {
        found.what = host_manifest().find_trigger(id);
        return found;
    }
    if (const auto index = in.find_instance(owner)) {
        found.instance = *index;
        found.what = in.modules[in.instances[*index].module]->find_trigger(id);
    }
    return found;
}

std::string unhex(std::string_view digits) {
    return from_hex(digits);
}

value typed(const manifest::field& field, const json& given, bool hex) {
    value made;
    if (given.is_boolean()) {
        made.assign(value_view::of(given.get<bool>()));
    } else if (given.is_number_integer()) {
        made.assign(value_view::of(given.get<std::int64_t>()));
    } else if (given.is_number()) {
        made.assign(value_view::of(given.get<double>()));
    } else if (given.is_string()) {
        const std::string text = hex ? unhex(given.get<std::string>()) : given.get<std::string>();
        made.assign(hex ? value_view::of_bytes(text) : value_view::of(std::string_view(text)));
        value converted;
        if (!hex && field.type == manifest::type::boolean &&
            convert(made.view(), variable_type::boolean, converted)) {
            made = converted;
        } else if (!hex && field.type == manifest::type::integer &&
                   convert(made.view(), variable_type::integer, converted)) {
            made = converted;
        }
    }
    return made;
}

/// Without `known` as it is: whoever tries a text of their own learns nothing from what is taken out of it.
/// `cut`: of an event that was not kept whole.
json tried_json(const std::string& name, const rule_trial& of, const redactor* known, bool cut = false) {
    const auto shown = [&](const std::string& text) {
        return text_json(known == nullptr ? text : known->redact(text));
    };
    const auto taken = [&](const std::string& text) { // from the event
        return known != nullptr && cut ? text_json(known->redact_cut(text)) : shown(text);
    };
    json made = {{"rule", text_json(name)},
                 {"said", of.listens ? json(to_contract(of.said)) : json("other-trigger")},
                 {"sentence", shown(as_sentence(of.listens ? of.sentence : "listens to another trigger"))},
                 {"matches", json::array()},
                 {"captures", json::array()},
                 {"conditions", json::array()},
                 {"would", json::array()}};
    if (of.on) {
        made["on"] = *of.on;
    }
    for (const auto& each : of.matches) {
        made["matches"].push_back({{"holds", each.holds}, {"sentence", shown(each.sentence)}});
    }
    for (const auto& each : of.captures) {
        json one = {{"number", each.number}, {"value", taken(each.value)}};
        if (!each.name.empty()) {
            one["name"] = each.name;
        }
        made["captures"].push_back(std::move(one));
    }
    for (const auto& each : of.conditions) {
        made["conditions"].push_back({{"written", shown(each.written)},
                                      {"holds", each.holds},
                                      {"found", taken(each.found)},
                                      {"sentence", taken(each.sentence)}});
    }
    for (const auto& each : of.would) {
        json one = {{"action", text_json(each.action)}, {"arguments", json::object()}};
        for (const auto& [id, text] : each.arguments) {
            one["arguments"][id] = taken(text);
        }
        if (each.after > 0) {
            one["after"] = std::to_string(each.after / 1000) + "ms";
        }
        if (!each.sentence.empty()) {
            one["sentence"] = shown(each.sentence);
        }
        made["would"].push_back(std::move(one));
    }
    return made;
}

/// What is too much of it to be tried; empty if nothing is.
std::optional<answer> too_much(const rule_draft& draft, const json& sample) {
    std::size_t matches = 0;
    for (const on_draft& each : draft.on) {
        matches += each.match.size();
    }
    if (matches > most_matches) {
        return mistake_at("/rule/on", "A rule with more than " + std::to_string(most_matches) +
                                          " matches cannot be tried: try its parts.");
    }
    const std::size_t size = sample.value("variables", json::object()).dump().size();
    if (size > longest_sample || size * matches > most_tested) {
        return mistake_at("/sample/variables",
                          "This sample is too long to be tried: it may have " +
                              std::to_string(std::min(longest_sample, most_tested / (matches + 1)) >> 10U) +
                              " KiB with so many matches.");
    }
    return std::nullopt;
}

/// A draft on its way from thread to thread.
struct draft_trial {
    std::string text; ///< of the project, with the draft in it
    std::string name;
    std::string trigger;
    json given; ///< variables of the sample
    bool hex = false;

    std::shared_ptr<site> around;
    std::shared_ptr<const project> read;
    std::uint32_t rule = 0;
    found_trigger fired;
    std::vector<value> values;
    std::optional<snapshot> world;

    /// Nothing if it can be tried; otherwise what to answer.
    std::optional<answer> prepare(const std::filesystem::path& file);
    [[nodiscard]] answer run();
};

std::optional<answer> draft_trial::prepare(const std::filesystem::path& file) {
    std::vector<manifest::mistake> mistakes;
    read = parse_project(text, file, *around, mistakes);
    const auto found = read == nullptr ? std::nullopt : read->find_rule(name);
    fired = read == nullptr ? found_trigger{} : find_trigger(*read, trigger);
    if (found && fired.what != nullptr) {
        rule = *found;
        for (const manifest::field& each : fired.what->variables) {
            const bool bytes = hex && each.id == fired.what->match_variable;
            values.push_back(given.contains(each.id) ? typed(each, given.at(each.id), bytes) : value());
        }
        world.emplace(read, around->symbols(), fired.instance);
        return std::nullopt;
    }
    std::vector<manifest::mistake> none;
    const manifest::element root = manifest::parse_xml(text, file.string(), none);
    json all = json::array();
    std::string first;
    for (const manifest::mistake& each : mistakes) {
        if (!each.warning) {
            const spot where = find_spot(root, each);
            first = first.empty() ? each.sentence : first;
            all.push_back(mistake_json(
                each, where.what == spot::part::rule && where.name == name ? "/rule" + where.pointer : ""));
        }
    }
    if (all.empty()) {
        first = "There is no trigger " + in_quotes(trigger) + ".";
        all.push_back({{"sentence", first}, {"warning", false}, {"at", "/sample/trigger"}});
    }
    return problem(422, "mistakes", first, {{"mistakes", all}});
}

answer draft_trial::run() {
    std::vector<value_view> views;
    for (const value& each : values) {
        views.push_back(each.view());
    }
    const event what{fired.instance, fired.what->number, views};
    const bool by_hand = fired.instance == host_instance && fired.what->number == host_trigger::manual &&
                         read->rules.rules[rule].by_itself;
    world->begin(trial_time);
    try {
        return json_answer(200,
                           tried_json(name, try_rule(read->rules, rule, what, by_hand, *world), nullptr));
    } catch (const trial_out_of_time&) {
        return mistake_at("/rule", "This took longer than " + std::to_string(trial_time / one_second) +
                                       " s to try: take a shorter sample, or simpler expressions.");
    }
}

/// An event of the trace on its way from thread to thread.
struct replay {
    std::shared_ptr<const project> read;
    trace_event told;
    found_trigger fired;
    std::vector<value_view> views;
    std::uint32_t next = 0;
    std::vector<std::uint32_t> rules; ///< that listen to it, or were fired alone
    std::optional<snapshot> world;

    [[nodiscard]] event what() const { return {fired.instance, fired.what->number, views}; }
    [[nodiscard]] bool alone(const rule& one) const {
        return told.why != cause::trigger && !told.looks.empty() && told.looks.front().rule == one.name;
    }
    /// A part of what there is to be copied; true if there is more. [control]
    bool take(desk& at);
    [[nodiscard]] answer run(const redactor& known);
};

bool replay::take(desk& at) {
    if (read == nullptr) {
        read = at.controller().shared();
        fired = find_trigger(*read, told.trigger);
        if (fired.what == nullptr) {
            return false; // its instance has gone: nobody listens
        }
        for (const auto& [id, what] : told.variables) {
            views.push_back(what.view());
        }
        world.emplace(read, at.controller().around().symbols(), fired.instance);
    }
    for (int some = 0; some < 32 && next < read->rules.rules.size(); ++some, ++next) {
        const rule& each = read->rules.rules[next];
        if (alone(each) || listens_to(read->rules, next, what())) {
            world->take(at, each);
            rules.push_back(next);
        }
    }
    return next < read->rules.rules.size();
}

answer replay::run(const redactor& known) {
    json made = {{"number", told.number}, {"whole", told.whole}, {"rules", json::array()}};
    if (world) {
        world->begin(replay_time);
    }
    for (const std::uint32_t index : rules) {
        const rule& each = read->rules.rules[index];
        rule_trial trial =
            try_rule(read->rules, index, what(), alone(each) && told.why != cause::debounce, *world);
        if (!trial.listens) {
            continue;
        }
        if (made.contains("stoppedBy")) {
            trial.said = verdict::stopped;
            trial.sentence = "was not reached, because rule " +
                             in_quotes(made["stoppedBy"].get<std::string>()) + " ended the walk";
            trial.would.clear();
        } else if (trial.said == verdict::fired && each.stop) {
            made["stoppedBy"] = each.name;
        }
        made["rules"].push_back(tried_json(each.name, trial, &known, !told.whole));
    }
    return json_answer(200, made);
}

} // namespace

void web::body::on_trial(const reply& to, std::function<answer()> what) {
    const bool taken = trier_->ask([this, to, what = std::move(what)] {
        answer made = problem(500, "failed", "The host failed at this; its log says why.");
        try {
            made = what();
        } catch (const trial_out_of_time&) {
            made = problem(503, "busy", "There was no time to try all of it. Try again in a moment.",
                           {{"retryAfter", 5}});
        } catch (const std::exception& error) {
            failed(error.what());
        }
        if (made.status != 0) {
            back(to, [to, made = std::move(made)] { to(made); });
        }
    });
    if (!taken) {
        to(problem(503, "busy", "Others are trying rules right now. Try again in a moment.",
                   {{"retryAfter", 1}}));
    }
}

void web::body::try_draft(const std::shared_ptr<asking>& from, reply to) {
    rule_draft draft = rule_from(from->body.at("rule"));
    draft.enabled = true;
    const json sample = from->body.at("sample");
    if (std::optional<answer> refused = too_much(draft, sample)) {
        to(std::move(*refused));
        return;
    }
    auto trial = std::make_shared<draft_trial>();
    trial->trigger = sample.at("trigger").get<std::string>();
    trial->given = sample.value("variables", json::object());
    trial->hex = sample.value("hex", false);
    trial->name = draft.name;
    const std::shared_ptr<const words> said = say();
    const bool there = said->find_rule(draft.name) != nullptr;
    const std::vector<std::string> names = stored_secrets();
    // Read where nobody waits; of [control] is asked what the rule refers to, and nothing is tried there.
    on_trial(to, [this, said, there, names, draft, trial, to]() -> answer {
        const edit made =
            there ? host::save_rule(said->xml(), draft.name, draft) : host::add_rule(said->xml(), draft);
        if (!made.done()) {
            return mistake_at("/rule", made.sentence);
        }
        const runtime_options& with = controller_.made_with();
        trial->text = made.text;
        trial->around = std::make_shared<draft_site>(
            with, known_,
            accept_upload(made.text, said->xml(), said->modules(), {names.begin(), names.end()}).values);
        if (std::optional<answer> refused = trial->prepare(with.project)) {
            return std::move(*refused);
        }
        const bool taken = post_control(
            [trial](desk& at) {
                trial->world->take(at, trial->read->rules.rules[trial->rule]);
                return false;
            },
            [this, trial, to] {
                on_trial(to, [this, trial] {
                    trial->world->hide(known_);
                    return trial->run();
                });
            });
        return taken ? answer_later() : controller_is_busy();
    });
}

void web::body::replay_event(const std::shared_ptr<asking>& from, reply to) {
    const auto number = static_cast<std::uint64_t>(from->number("number").value_or(0));
    auto one = std::make_shared<std::optional<replay>>();
    const bool taken = post_control(
        [one, number](desk& at) {
            if (!*one) {
                std::optional<trace_event> told = at.controller().events().tell(number);
                if (!told) {
                    return false;
                }
                one->emplace().told = std::move(*told);
            }
            return (*one)->take(at);
        },
        [this, one, to] {
            if (!*one) {
                to(problem(404, "not-found", "There is no such event: only the last 1,000 are kept."));
                return;
            }
            on_trial(to, [this, one] { return (*one)->run(known_); });
        });
    if (!taken) {
        to(controller_is_busy());
    }
}

} // namespace iom::host::web
