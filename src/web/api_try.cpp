// Rules on trial: a draft against a sample, and an event of the trace against the rules as they now stand.

#include "web/body.hpp"

#include "host_manifest.hpp"
#include "project_edit.hpp"
#include "rule_trial.hpp"
#include "web/draft_site.hpp"
#include "web/drafts.hpp"
#include "web/shown.hpp"

#include <algorithm>

namespace iom::host::web {
namespace {

/// The controller as it is now, for rules of another reading of nearly the same project; with `known`, what
/// comes from it is without secrets before anything is compared with it. [control]
class live_world final : public trial_world {
public:
    live_world(desk& at, const project& read, symbol_table& symbols, const redactor* known = nullptr)
        : desk_(at), read_(read), symbols_(symbols), known_(known) {}

    value_view status(std::uint32_t index, std::uint32_t status) override {
        const instance* const found = named(index);
        return found != nullptr && status < found->statuses().size()
                   ? clean(found->statuses()[status].what.view())
                   : value_view{};
    }
    std::string_view instance_name(std::uint32_t index) override {
        return index < read_.instances.size() ? std::string_view(read_.instances[index].name) : "host";
    }
    std::optional<value_view> session(std::uint32_t index, std::uint32_t symbol) override {
        instance* const found =
            index < read_.instances.size() ? desk_.controller().find(read_.instances[index].name) : nullptr;
        const auto captured =
            found == nullptr
                ? std::nullopt
                : found->session().find(desk_.controller().around().symbols().intern(symbols_.name(symbol)));
        return captured ? std::optional(clean(*captured)) : std::nullopt;
    }
    value_view variable(std::uint32_t which) override {
        const variables& values = desk_.controller().values();
        for (std::uint32_t at = 0; at < values.size(); ++at) {
            if (values.declared(at).name == read_.variables[which].name) {
                return clean(values.get(at));
            }
        }
        return read_.variables[which].initial.view();
    }
    std::string_view now() override {
        now_ = format_time(std::chrono::system_clock::now());
        return now_;
    }
    std::string symbol(std::uint32_t symbol) override { return symbols_.name(symbol); }

private:
    instance* named(std::uint32_t index) {
        return index < read_.instances.size() ? desk_.controller().find(read_.instances[index].name)
                                              : nullptr;
    }
    value_view clean(value_view what) {
        if (known_ == nullptr || (what.kind != value_kind::text && what.kind != value_kind::bytes)) {
            return what;
        }
        clean_ = what.text.size() > most_whole ? known_->redact_cut(what.text) : known_->redact(what.text);
        return what.kind == value_kind::text ? value_view::of(std::string_view(clean_))
                                             : value_view::of_bytes(clean_);
    }

    desk& desk_;
    const project& read_;
    symbol_table& symbols_;
    const redactor* known_;
    std::string clean_;
    std::string now_;
};

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

} // namespace

void web::body::try_draft(const std::shared_ptr<asking>& from, reply to) {
    rule_draft draft = rule_from(from->body.at("rule"));
    draft.enabled = true;
    const json sample = from->body.at("sample");
    const std::string trigger = sample.at("trigger").get<std::string>();
    const std::shared_ptr<const words> said = say();
    const rule_draft* const before = said->find_rule(draft.name);
    const edit made = before == nullptr ? host::add_rule(said->xml(), draft)
                                        : host::save_rule(said->xml(), draft.name, draft);
    if (!made.done()) {
        to(mistake_at("/rule", made.sentence));
        return;
    }
    const runtime_options& with = controller_.made_with();
    const std::vector<std::string> names = stored_secrets();
    const std::shared_ptr<site> around = std::make_shared<draft_site>(
        with, known_,
        accept_upload(made.text, said->xml(), said->modules(), {names.begin(), names.end()}).values);
    std::vector<manifest::mistake> mistakes;
    const std::shared_ptr<const project> read = parse_project(made.text, with.project, *around, mistakes);
    const auto rule = read == nullptr ? std::nullopt : read->find_rule(draft.name);
    const found_trigger fired = read == nullptr ? found_trigger{} : find_trigger(*read, trigger);
    if (!rule || fired.what == nullptr) {
        std::vector<manifest::mistake> none;
        const manifest::element root = manifest::parse_xml(made.text, with.project.string(), none);
        json all = json::array();
        std::string first;
        for (const manifest::mistake& each : mistakes) {
            if (!each.warning) {
                const spot where = find_spot(root, each);
                first = first.empty() ? each.sentence : first;
                all.push_back(mistake_json(each, where.what == spot::part::rule && where.name == draft.name
                                                     ? "/rule" + where.pointer
                                                     : ""));
            }
        }
        if (all.empty()) {
            first = "There is no trigger " + in_quotes(trigger) + ".";
            all.push_back({{"sentence", first}, {"warning", false}, {"at", "/sample/trigger"}});
        }
        to(problem(422, "mistakes", first, {{"mistakes", all}}));
        return;
    }
    auto values = std::make_shared<std::vector<value>>();
    const json given = sample.value("variables", json::object());
    for (const manifest::field& each : fired.what->variables) {
        const bool hex = sample.value("hex", false) && each.id == fired.what->match_variable;
        values->push_back(given.contains(each.id) ? typed(each, given.at(each.id), hex) : value());
    }
    on_control(std::move(to), [this, read, around, rule = *rule, fired, values, name = draft.name](desk& at) {
        std::vector<value_view> views;
        for (const value& each : *values) {
            views.push_back(each.view());
        }
        live_world world(at, *read, around->symbols(), &known_);
        const event what{fired.instance, fired.what->number, views};
        const bool by_hand = fired.instance == host_instance && fired.what->number == host_trigger::manual &&
                             read->rules.rules[rule].by_itself;
        return json_answer(200, tried_json(name, try_rule(read->rules, rule, what, by_hand, world), nullptr));
    });
}

void web::body::replay_event(const std::shared_ptr<asking>& from, reply to) {
    const auto number = static_cast<std::uint64_t>(from->number("number").value_or(0));
    auto made = std::make_shared<json>();
    auto next = std::make_shared<std::uint32_t>(0);
    auto event_told = std::make_shared<std::optional<trace_event>>();
    const bool taken = post_control(
        [this, made, next, event_told, number](desk& at) {
            runtime& controller = at.controller();
            const std::shared_ptr<const project> read = controller.shared();
            if (made->is_null()) {
                *event_told = controller.events().tell(number);
                if (!*event_told) {
                    return false;
                }
                *made = {{"number", number}, {"whole", (*event_told)->whole}, {"rules", json::array()}};
            }
            const trace_event& told = **event_told;
            const found_trigger fired = find_trigger(*read, told.trigger);
            if (fired.what == nullptr) {
                return false; // its instance has gone: nobody listens
            }
            std::vector<value_view> views;
            for (const auto& [id, what] : told.variables) {
                views.push_back(what.view());
            }
            live_world world(at, *read, controller.around().symbols());
            const event what{fired.instance, fired.what->number, views};
            for (int some = 0; some < 8 && *next < read->rules.rules.size(); ++some) {
                const std::uint32_t index = (*next)++;
                const rule& each = read->rules.rules[index];
                const bool alone =
                    told.why != cause::trigger && !told.looks.empty() && told.looks.front().rule == each.name;
                rule_trial trial =
                    try_rule(read->rules, index, what, alone && told.why != cause::debounce, world);
                if (!trial.listens) {
                    continue;
                }
                if (made->contains("stoppedBy")) {
                    trial.said = verdict::stopped;
                    trial.sentence = "was not reached, because rule " +
                                     in_quotes((*made)["stoppedBy"].get<std::string>()) + " ended the walk";
                    trial.would.clear();
                } else if (trial.said == verdict::fired && each.stop) {
                    (*made)["stoppedBy"] = each.name;
                }
                (*made)["rules"].push_back(tried_json(each.name, trial, &known_, !told.whole));
            }
            return *next < read->rules.rules.size();
        },
        [made, to] {
            to(made->is_null()
                   ? problem(404, "not-found", "There is no such event: only the last 1,000 are kept.")
                   : json_answer(200, *made));
        });
    if (!taken) {
        to(controller_is_busy());
    }
}

} // namespace iom::host::web
