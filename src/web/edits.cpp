// The road that every change of the project goes: its text is changed (project_edit), judged as `check` would
// judge it, tried on instances that are never started, written where nobody waits (save), and loaded as
// SIGHUP would load it. What is changed stands in api_instances, api_rules, api_project, api_keeping.

#include "web/plan.hpp"

#include "checks.hpp"
#include "save.hpp"
#include "secrets.hpp"
#include "web/draft_site.hpp"

#include <algorithm>
#include <filesystem>

namespace iom::host::web {

namespace {

namespace fs = std::filesystem;

bool asks_check(const asking& from) {
    return from.query("check") == "true";
}

std::string revision_given(const request& what) {
    std::string_view given = what.if_match;
    if (given.size() < 2 || given.front() != '"' || given.back() != '"') {
        return {};
    }
    return std::string(given.substr(1, given.size() - 2));
}

answer refused_edit(const edit& made) {
    switch (made.why) {
    case edit::refusal::not_found:
        return problem(404, "not-found", made.sentence);
    case edit::refusal::used:
        return problem(409, "conflict", made.sentence);
    case edit::refusal::unreadable:
        return problem(409, "conflict", made.sentence);
    default:
        return problem(422, "mistakes", made.sentence,
                       {{"mistakes", {{{"sentence", made.sentence}, {"warning", false}}}}});
    }
}

} // namespace

std::shared_ptr<web::body::plan> web::body::planned(const asking& from, const words& said) {
    auto made = std::make_shared<plan>();
    made->who = from.who;
    made->source = said.source();
    made->check = asks_check(from);
    return made;
}

/// Adds what would lead a secret to where it was not used before; true if an environment variable is among
/// it.
bool web::body::ask_for_led(const visitor& who, std::string_view before, std::string_view after,
                            const words& said, std::vector<std::string>& asked) {
    bool environment = false;
    if (after.find("${secret:") == after.npos && after.find("${env:") == after.npos) {
        return environment;
    }
    const std::string moved = move_secrets(before, said.modules(), said.stored()).text;
    for (led_elsewhere& each :
         secrets_led_elsewhere(moved, after, said.modules(), given_.of(who, steady_ms()))) {
        environment = environment || each.environment;
        if (std::find(asked.begin(), asked.end(), each.by) == asked.end()) {
            asked.push_back(std::move(each.by));
        }
    }
    return environment;
}

std::string web::body::asks_anew(const std::vector<std::string>& settings, bool environment) {
    return (environment ? "Environment variables go nowhere else from here: write ${env:NAME} into the file "
                          "itself and reload it. "
                        : std::string()) +
           "Where the line leads has changed, so its secrets are asked for again: " + listed(settings) +
           ". Type each once more; one that is inserted as ${secret:NAME} is given anew under its name.";
}

// ---- the road

void web::body::in_turn(const reply& to, edit_queue::change change) {
    if (!edits_.add(to, std::move(change))) {
        to(others_are_saving());
    }
}

void web::body::apologise(const reply& to, const std::exception_ptr& why) {
    try {
        if (why) {
            std::rethrow_exception(why);
        }
        to(problem(500, "failed", "The host failed at this; its log says why."));
    } catch (const json::exception&) {
        to(problem(400, "bad-request", "The body has not the form that this takes."));
    } catch (const std::exception& error) {
        journal_.write(log_level::error, {}, std::string("an edit in the web page failed: ") + error.what());
        to(problem(500, "failed", "The host failed at this; its log says why."));
    }
}

void web::body::judge_and_apply(std::shared_ptr<plan> what, reply to, std::function<void()> done) {
    const reply end = [to = std::move(to), done = std::move(done)](answer made) {
        to(std::move(made));
        done();
    };
    const runtime_options& made = controller_.made_with();
    const std::shared_ptr<const words> said = say();
    what->environment = ask_for_led(what->who, *what->source, what->text, *said, what->needs_secrets);
    // What is shown as a reference may stand in the file itself still, and comes back as a reference.
    const std::vector<std::string> names = stored_secrets();
    moved_secrets moved =
        accept_upload(what->text, *what->source, said->modules(), {names.begin(), names.end()});
    what->text = std::move(moved.text);
    what->secrets.insert(what->secrets.end(), moved.values.begin(), moved.values.end());
    auto around = std::make_shared<draft_site>(made, known_, what->secrets);
    auto mistakes = std::make_shared<std::vector<manifest::mistake>>();
    std::shared_ptr<const project> read = parse_project(what->text, made.project, *around, *mistakes);
    auto indexes = std::make_shared<std::vector<std::uint32_t>>();
    if (read != nullptr) {
        for (const std::string& each : what->touched) {
            if (const auto index = read->find_instance(each)) {
                settings_of(*read, *index, *around, *mistakes);
                indexes->push_back(*index);
            }
        }
    }
    if (read == nullptr || any_wrong(*mistakes) || indexes->empty()) {
        judged(what, *mistakes, end);
        return;
    }
    // The modules' own sentences; they are heard on [control], one instance in each slice.
    auto next = std::make_shared<std::size_t>(0);
    const bool taken = post_control(
        [=](desk& at) {
            at.controller().judge_settings(read, (*indexes)[(*next)++], *around, *mistakes);
            return *next < indexes->size();
        },
        [this, what, mistakes, end, around] { judged(what, *mistakes, end); });
    if (!taken) {
        end(controller_is_busy());
    }
}

void web::body::judged(const std::shared_ptr<plan>& what, const std::vector<manifest::mistake>& mistakes,
                       const reply& end) {
    std::vector<manifest::mistake> none;
    const manifest::element root =
        manifest::parse_xml(what->text, controller_.made_with().project.string(), none);
    bool good = true;
    for (const json& each : what->mistakes) {
        good = good && each.at("warning").get<bool>();
    }
    json warnings = json::array();
    for (const manifest::mistake& each : mistakes) {
        const std::string at =
            what->place && each.where.line != 0 ? what->place(find_spot(root, each)) : std::string();
        if (each.warning && at.empty() && !what->lines) {
            continue; // it was there before, and is about something else
        }
        json one = what->lines ? file_mistake_json(each) : mistake_json(each, at == "/" ? "" : at);
        good = good && each.warning;
        if (each.warning) {
            warnings.push_back(one);
        }
        if (what->mistakes.size() < 100) {
            what->mistakes.push_back(std::move(one));
        }
    }
    if (what->check) {
        json made = {{"ok", good && what->needs_secrets.empty()},
                     {"mistakes", what->mistakes},
                     {"restarts", what->restarts}};
        if (!what->needs_secrets.empty()) {
            made["needsSecrets"] = what->needs_secrets;
        }
        if (!what->rules.empty()) {
            made["rules"] = what->rules;
        }
        end(json_answer(200, made));
        return;
    }
    if (!what->needs_secrets.empty()) {
        end(problem(422, "mistakes", asks_anew(what->needs_secrets, what->environment),
                    {{"needsSecrets", what->needs_secrets}, {"mistakes", what->mistakes}}));
        return;
    }
    if (!good) {
        std::string first;
        for (const json& each : what->mistakes) {
            if (first.empty() && !each.at("warning").get<bool>()) {
                first = each.at("sentence").get<std::string>();
            }
        }
        end(problem(422, "mistakes", first, {{"mistakes", what->mistakes}}));
        return;
    }
    apply(what, std::move(warnings), end);
}

void web::body::apply(const std::shared_ptr<plan>& what, json warnings, const reply& end) {
    const fs::path file = controller_.made_with().project;
    const bool taken = worker_->ask([this, what, warnings, end, file] {
        const save_outcome saved =
            save_project(file, *what->source, what->text, secrets::file_of(file), what->secrets);
        if (!saved.saved()) {
            server_->post([saved, end] {
                const bool changed = saved.what == save_outcome::kind::changed;
                end(problem(changed ? 409 : 500, changed ? "conflict" : "failed", saved.sentence));
            });
            return;
        }
        server_->post([this, what, warnings, end] {
            reload_project(
                [this, what, warnings, end](bool good) {
                    if (!good) {
                        end(problem(500, "failed",
                                    "It was saved, but the host could not load it; its log says why."));
                        return;
                    }
                    json made = {
                        {"revision", what->revision ? what->revision(*say()) : say()->project_revision()},
                        {"generation", say()->generation()}};
                    if (!what->name.empty()) {
                        made["name"] = what->name;
                    }
                    if (!what->rules.empty()) {
                        made["rules"] = what->rules;
                    }
                    if (!warnings.empty()) {
                        made["warnings"] = warnings;
                    }
                    end(json_answer(what->status, made));
                },
                std::make_shared<const std::string>(what->text));
        });
    });
    if (!taken) {
        end(others_are_saving());
    }
}

std::optional<answer> web::body::revision_trouble(const asking& from, const std::string& now,
                                                  std::string_view sentence) {
    if (asks_check(from)) {
        return std::nullopt;
    }
    if (from.what->if_match.empty()) {
        return problem(428, "revision-missing", "If-Match is missing: say which revision you have seen.");
    }
    return revision_given(*from.what) == now
               ? std::nullopt
               : std::optional(problem(412, "changed", sentence, {{"revision", now}}));
}

/// Answers, and ends the edit, where the instance or rule in the path is gone or no longer what the asker has
/// seen; `kept` says what that means for the edit.
bool web::body::has_moved_on(const asking& from, const words& said, named kind, const char* kept,
                             const reply& to, const std::function<void()>& done) {
    const bool is_instance = kind == named::instance;
    const char* const what = is_instance ? "instance" : "rule";
    const std::string& name = from.value("name");
    std::optional<answer> refused;
    if (is_instance ? said.find_instance(name) == nullptr : said.find_rule(name) == nullptr) {
        refused = no_such(std::string(what) + " \"" + name + '"');
    } else {
        refused = revision_trouble(
            from, is_instance ? said.instance_revision(name) : said.rule_revision(name),
            std::string("Somebody else has changed this ") + what + " since you opened it. " + kept);
    }
    if (!refused) {
        return false;
    }
    tell_changed(what, name, std::move(*refused), to);
    done();
    return true;
}

/// With the instance or rule as it stands now, where the problem is that somebody else has changed it.
void web::body::tell_changed(const char* what, const std::string& name, answer refused, const reply& to) {
    if (refused.status != 412) {
        to(std::move(refused));
        return;
    }
    auto from = std::make_shared<asking>();
    from->values["name"] = name;
    const reply with = [refused, what, to](answer whole) {
        json made = json::parse(refused.body);
        if (whole.status == 200) {
            made[what] = json::parse(whole.body);
        }
        answer given = json_answer(412, made);
        to(std::move(given));
    };
    if (std::string_view(what) == "instance") {
        get_instance(from, with);
    } else {
        get_rule(from, with);
    }
}

/// False if the edit could not be made; then it is answered: as a mistake of the check, or as what it is.
bool web::body::finish_edit(const std::shared_ptr<plan>& what, const edit& made, const reply& to,
                            const std::function<void()>& done, const std::string& at) {
    what->text = made.text;
    if (what->rules.empty()) {
        what->rules = made.rules;
    }
    if (made.done()) {
        return true;
    }
    const bool is_mistake = made.why == edit::refusal::taken || made.why == edit::refusal::wrong ||
                            (made.why == edit::refusal::unreadable && at == "/text");
    if (is_mistake || (what->check && made.why == edit::refusal::used)) {
        const json mistakes = {{{"sentence", made.sentence}, {"warning", false}, {"at", at}}};
        json check = {{"ok", false}, {"mistakes", mistakes}};
        if (!made.rules.empty()) {
            check["rules"] = made.rules;
        }
        to(what->check ? json_answer(200, check)
                       : problem(422, "mistakes", made.sentence, {{"mistakes", mistakes}}));
    } else {
        to(refused_edit(made));
    }
    done();
    return false;
}

} // namespace iom::host::web
