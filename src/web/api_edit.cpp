// What changes the project: instances, rules, variables, secrets, files, the project as a whole.
//
// Every edit goes the same road: the text is changed (project_edit), judged as `check` would judge it, tried
// on instances that are never started, written where nobody waits (save), and loaded as SIGHUP would load it.

#include "web/body.hpp"

#include "checks.hpp"
#include "project_edit.hpp"
#include "project_secrets.hpp"
#include "save.hpp"
#include "secrets.hpp"
#include "secrets_text.hpp"
#include "web/draft_site.hpp"
#include "web/drafts.hpp"
#include "web/pack.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace iom::host::web {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_secrets_bytes = std::size_t{1} << 20U;

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

/// One edit on its road.
struct web::body::plan {
    std::shared_ptr<const std::string> source; ///< of the project that the edit was made in
    std::string text;                          ///< of the project, as it would be
    std::vector<named_secret> secrets;         ///< values to be kept beside it
    std::vector<std::string> touched;          ///< instances whose settings the modules are to judge
    std::vector<std::string> needs_secrets;
    bool environment = false;                            ///< and what needs them are not secrets alone
    std::string given;                                   ///< the text as it was sent; empty: as in `text`
    std::function<std::string(const spot& where)> place; ///< in the request's body; nothing: somewhere else
    std::function<std::string(const words& after)> revision;
    std::string name;               ///< to be told
    std::vector<std::string> rules; ///< changed along
    json mistakes = json::array();  ///< found already
    bool restarts = false;
    bool lines = false; ///< mistakes have line and column instead of a place
    bool check = false;
    int status = 200;
};

std::shared_ptr<web::body::plan> web::body::planned(const asking& from, const words& said) {
    auto made = std::make_shared<plan>();
    made->source = said.source();
    made->check = asks_check(from);
    return made;
}

/// Adds what would lead a secret to where it was not used before; true if an environment variable is among
/// it.
bool web::body::ask_for_led(std::string_view before, std::string_view after, const words& said,
                            std::vector<std::string>& asked) {
    bool environment = false;
    if (after.find("${secret:") == after.npos && after.find("${env:") == after.npos) {
        return environment;
    }
    const std::string moved = move_secrets(before, said.modules(), said.stored()).text;
    for (led_elsewhere& each : secrets_led_elsewhere(moved, after, said.modules(), given_anew())) {
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

std::set<std::string, std::less<>> web::body::given_anew() {
    std::erase_if(given_, [](const auto& each) { return steady_ms() - each.second > good_for; });
    std::set<std::string, std::less<>> names;
    for (const auto& [name, when] : given_) {
        names.insert(name);
    }
    return names;
}

// ---- the road

void web::body::in_turn(const reply& to, std::function<void(std::function<void()> done)> change) {
    if (edits_.size() >= most_edits) {
        to(problem(503, "busy", "Others are saving right now. Try again in a moment.", {{"retryAfter", 1}}));
        return;
    }
    edits_.emplace_back(to, std::move(change));
    if (edits_.size() == 1) {
        next_edit();
    }
}

void web::body::next_edit() {
    if (edits_.empty()) {
        return;
    }
    const auto [to, run] = edits_.front();
    // An edit goes over three threads, and all that waits in between holds its turn. Where that ends with an
    // exception the last who let go of it answers, so that those behind get theirs.
    struct turn {
        turn(body& host, reply to) : host_(host), to_(std::move(to)) {}
        ~turn() {
            if (over_ || host_.server_ == nullptr) {
                return;
            }
            try {
                host_.server_->post([&host = host_, to = to_] {
                    to(problem(500, "failed", "The host failed at this; its log says why."));
                    host.edits_.pop_front();
                    host.next_edit();
                });
            } catch (const std::exception&) {
                return; // no memory to say so either
            }
        }
        turn(const turn&) = delete;
        turn& operator=(const turn&) = delete;
        body& host_;
        const reply to_;
        bool over_ = false;
    };
    const auto mine = std::make_shared<turn>(*this, to);
    const auto done = [this, mine] {
        if (!std::exchange(mine->over_, true)) {
            edits_.pop_front();
            server_->post([this] { next_edit(); });
        }
    };
    // Whatever happens, those behind it get their turn.
    try {
        run(done);
    } catch (const json::exception&) {
        to(problem(400, "bad-request", "The body has not the form that this takes."));
        done();
    } catch (const std::exception& error) {
        journal_.write(log_level::error, {}, std::string("an edit in the web page failed: ") + error.what());
        to(problem(500, "failed", "The host failed at this; its log says why."));
        done();
    }
}

void web::body::judge_and_apply(std::shared_ptr<plan> what, reply to, std::function<void()> done) {
    const reply end = [to = std::move(to), done = std::move(done)](answer made) {
        to(std::move(made));
        done();
    };
    const runtime_options& made = controller_.made_with();
    const std::shared_ptr<const words> said = say();
    what->environment = ask_for_led(*what->source, what->given.empty() ? what->text : what->given, *said,
                                    what->needs_secrets);
    moved_secrets moved = move_secrets(what->text, said->modules(), said->stored());
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
        end(problem(503, "busy", "The controller has too much to do for the page right now.",
                    {{"retryAfter", 1}}));
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
        json one = mistake_json(each, at == "/" ? "" : at);
        if (what->lines && each.where.line != 0) {
            one["line"] = each.where.line;
            one["column"] = each.where.column;
        }
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
            reload_project([this, what, warnings, end](bool good) {
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
            });
        });
    });
    if (!taken) {
        end(problem(503, "busy", "Others are saving right now. Try again in a moment.", {{"retryAfter", 1}}));
    }
}

/// On the worker: empty, or what went wrong.
std::string web::body::save_secrets(const std::vector<named_secret>& values, const std::string& gone) {
    const fs::path file = secrets::file_of(controller_.made_with().project);
    std::string why;
    const std::optional<std::string> before = load_file(file, most_secrets_bytes, why);
    if (!why.empty()) {
        return why;
    }
    std::optional<std::string> after = with_secrets(before.value_or(std::string()), values, why);
    if (!after) {
        return why;
    }
    if (!gone.empty()) {
        after = without_secret(*after, gone);
    }
    return save_file(file, before ? std::optional<std::string_view>(*before) : std::nullopt, *after,
                     file_access::owner_only)
        .sentence;
}

void web::body::reload_project(std::function<void(bool)> then) {
    auto good = std::make_shared<bool>(false);
    const bool taken = post_control(
        [good](desk& at) {
            const std::uint32_t before = at.controller().generation();
            at.controller().reload();
            *good = at.controller().generation() != before;
            return false;
        },
        [this, good, then] {
            pump();
            then(*good);
        });
    if (!taken) {
        then(false);
    }
}

/// A secret that is given empty is taken away.
void web::body::drop_empty_secrets(const manifest::module_manifest* module, values_draft& settings) {
    std::erase_if(settings, [&](const auto& each) {
        const manifest::setting* const what = module == nullptr ? nullptr : module->find_setting(each.first);
        const auto* const text = std::get_if<std::string>(&each.second);
        return what != nullptr && what->type == manifest::type::secret && text != nullptr && text->empty();
    });
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

namespace {

std::string place_of_instance(const spot& where, const std::string& name) {
    if (where.what != spot::part::instance || where.name != name) {
        return {};
    }
    return where.pointer.empty() ? "/name" : where.pointer;
}

std::string place_of_rule(const spot& where, const std::string& name) {
    if (where.what != spot::part::rule || where.name != name) {
        return {};
    }
    return where.pointer.empty() ? "/" : where.pointer;
}

} // namespace

// ---- instances

void web::body::add_instance(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        auto what = planned(*from, *said);
        what->status = 201;
        edit made;
        if (from->body.contains("text")) {
            const std::string text = from->body.at("text").get<std::string>();
            made = paste_instance(said->xml(), text, from->body.value("name", std::string()));
            std::vector<manifest::mistake> none;
            const manifest::element element = manifest::parse_xml(text, "text", none);
            const std::string* const called = element.attribute("name");
            what->name = from->body.value("name", called == nullptr ? std::string() : *called);
        } else {
            instance_draft draft = instance_from(from->body);
            what->name = draft.name;
            drop_empty_secrets(said->module(draft.module), draft.settings);
            made = add_instances(said->xml(), std::span(&draft, 1));
        }
        const bool as_text = from->body.contains("text");
        if (!finish_edit(what, made, to, done, as_text ? "/text" : "/name")) {
            return;
        }
        what->touched = {what->name};
        what->place = [name = what->name, as_text](const spot& where) {
            const std::string at = place_of_instance(where, name);
            return at.empty() || !as_text ? at : std::string("/text");
        };
        what->revision = [name = what->name](const words& after) { return after.instance_revision(name); };
        judge_and_apply(what, to, done);
    });
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

void web::body::save_instance(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        const std::string name = from->value("name");
        const instance_draft* const before = said->find_instance(name);
        if (has_moved_on(*from, *said, named::instance,
                         "Nothing of yours was saved; look at both and save again.", to, done)) {
            return;
        }
        auto what = planned(*from, *said);
        instance_draft draft = instance_from(from->body);
        const manifest::module_manifest* const module = said->module(before->module);
        if (module != nullptr) {
            what->needs_secrets = secrets_to_ask(before->settings, draft.settings,
                                                 said->defaults_of(before->module), *module, given_anew());
        }
        drop_empty_secrets(module, draft.settings);
        if (module != nullptr) {
            for (const manifest::setting& each : module->settings) {
                const value_draft* const left = find_value(before->settings, each.id);
                const value_draft* const right = find_value(draft.settings, each.id);
                const bool kept = right != nullptr && std::holds_alternative<kept_value>(*right);
                const bool same =
                    left == nullptr || right == nullptr ? left == right : kept || *left == *right;
                what->restarts = what->restarts || (!same && !each.live);
            }
        }
        const edit made = save_settings(said->xml(), name, draft.settings, said->modules());
        if (!finish_edit(what, made, to, done, "")) {
            return;
        }
        what->name = name;
        what->touched = {name};
        what->place = [name](const spot& where) {
            const std::string at = place_of_instance(where, name);
            return at == "/name" ? std::string("/") : at;
        };
        what->revision = [name](const words& after) { return after.instance_revision(name); };
        judge_and_apply(what, to, done);
    });
}

void web::body::remove_instance(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        const std::string name = from->value("name");
        if (has_moved_on(*from, *said, named::instance, "Nothing was removed.", to, done)) {
            return;
        }
        auto what = planned(*from, *said);
        const edit made = host::remove_instance(said->xml(), name, from->query("withRules") == "true");
        if (finish_edit(what, made, to, done, "")) {
            what->revision = [](const words& after) { return after.project_revision(); };
            judge_and_apply(what, to, done);
        }
    });
}

void web::body::rename_instance(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        const std::string name = from->value("name");
        const std::string next = from->body.at("name").get<std::string>();
        if (has_moved_on(*from, *said, named::instance, "Nothing was renamed.", to, done)) {
            return;
        }
        auto what = planned(*from, *said);
        what->name = next;
        what->restarts = true;
        if (finish_edit(what, host::rename_instance(said->xml(), name, next), to, done, "/name")) {
            what->place = [next](const spot& where) { return place_of_instance(where, next); };
            what->revision = [next](const words& after) { return after.instance_revision(next); };
            judge_and_apply(what, to, done);
        }
    });
}

void web::body::duplicate_instance(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        const std::string name = from->value("name");
        const std::string next = from->body.at("name").get<std::string>();
        auto what = planned(*from, *said);
        what->status = 201;
        what->name = next;
        if (finish_edit(what, host::duplicate_instance(said->xml(), name, next), to, done, "/name")) {
            what->place = [next](const spot& where) { return place_of_instance(where, next); };
            what->revision = [next](const words& after) { return after.instance_revision(next); };
            judge_and_apply(what, to, done);
        }
    });
}

void web::body::instance_as_text(const std::shared_ptr<asking>& from, reply to) {
    const std::optional<std::string> text = say()->instance_text(from->value("name"));
    to(text ? answer{200, *text, "application/xml", {}} : no_such("instance \"" + from->value("name") + '"'));
}

/// A row that leads elsewhere than the instance it is made like has to bring the secrets itself.
void web::body::ask_for_row(const instance_draft& pattern, const values_draft& given,
                            const manifest::module_manifest& module, std::vector<std::string>& asked) {
    values_draft wanted = given;
    for (const auto& [id, value] : pattern.settings) {
        if (find_value(given, id) == nullptr) {
            const manifest::setting* const what = module.find_setting(id);
            const bool secret = what != nullptr && what->type == manifest::type::secret;
            wanted.emplace_back(id, secret ? value_draft(kept_value{}) : value);
        }
    }
    for (std::string& each :
         secrets_to_ask(pattern.settings, wanted, say()->defaults_of(module.id), module, given_anew())) {
        if (std::find(asked.begin(), asked.end(), each) == asked.end()) {
            asked.push_back(std::move(each));
        }
    }
}

void web::body::add_table(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        auto what = planned(*from, *said);
        what->status = 201;
        const std::string module = from->body.at("module").get<std::string>();
        const std::string like = from->body.value("like", std::string());
        const instance_draft* const pattern = like.empty() ? nullptr : said->find_instance(like);
        if (!like.empty() && pattern == nullptr) {
            to(problem(409, "conflict", "There is no instance \"" + like + "\" (any more)."));
            done();
            return;
        }
        constexpr std::size_t most_rows = 1000;
        std::vector<instance_draft> drafts;
        std::map<std::string, std::size_t> row_of;
        const json& rows = from->body.at("rows");
        if (rows.empty() || rows.size() > most_rows) {
            to(problem(422, "mistakes", "A table has 1 to 1000 rows."));
            done();
            return;
        }
        for (const json& row : rows) {
            instance_draft draft;
            draft.name = row.at("name").get<std::string>();
            draft.module = module;
            values_draft given = values_from(row.at("settings"));
            drop_empty_secrets(said->module(module), given);
            const manifest::module_manifest* const described = said->module(module);
            if (pattern != nullptr) {
                draft.settings = pattern->settings;
                if (described != nullptr) {
                    ask_for_row(*pattern, given, *described, what->needs_secrets);
                }
            }
            for (auto& [id, value] : given) {
                const auto known = std::find_if(draft.settings.begin(), draft.settings.end(),
                                                [&](const auto& each) { return each.first == id; });
                if (known != draft.settings.end()) {
                    known->second = std::move(value);
                } else {
                    draft.settings.emplace_back(id, std::move(value));
                }
            }
            const std::size_t number = drafts.size();
            const bool taken = row_of.contains(draft.name) || said->find_instance(draft.name) != nullptr;
            if (taken || !is_name(draft.name) || is_taken_name(draft.name)) {
                const std::string sentence =
                    taken ? "there is an instance " + in_quotes(draft.name) +
                                " already. Give each instance a name of its own."
                          : in_quotes(draft.name) +
                                " cannot be the name of an instance. Use letters, digits, - and _.";
                what->mistakes.push_back({{"sentence", sentence},
                                          {"warning", false},
                                          {"at", "/rows/" + std::to_string(number) + "/name"}});
            }
            row_of.emplace(draft.name, number);
            what->touched.push_back(draft.name);
            drafts.push_back(std::move(draft));
        }
        if (!what->mistakes.empty()) { // without good names there is no text to judge
            to(what->check
                   ? json_answer(200, {{"ok", false}, {"mistakes", what->mistakes}})
                   : problem(422, "mistakes", what->mistakes.front().at("sentence").get<std::string>(),
                             {{"mistakes", what->mistakes}}));
            done();
            return;
        }
        if (!finish_edit(what, add_instances(said->xml(), drafts), to, done, "")) {
            return;
        }
        what->place = [row_of](const spot& where) {
            const auto row = where.what == spot::part::instance ? row_of.find(where.name) : row_of.end();
            return row == row_of.end() ? std::string()
                                       : "/rows/" + std::to_string(row->second) +
                                             (where.pointer.empty() ? "/name" : where.pointer);
        };
        judge_and_apply(what, to, done);
    });
}

// ---- rules

void web::body::add_rule(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        auto what = planned(*from, *said);
        what->status = 201;
        rule_draft draft = rule_from(from->body);
        const std::string before = from->body.value("before", std::string());
        what->name = draft.name;
        const edit made = host::add_rule(
            said->xml(), draft, before.empty() ? std::nullopt : std::optional<std::string_view>(before));
        if (finish_edit(what, made, to, done, "/name")) {
            what->place = [name = draft.name](const spot& where) { return place_of_rule(where, name); };
            what->revision = [name = draft.name](const words& after) { return after.rule_revision(name); };
            judge_and_apply(what, to, done);
        }
    });
}

void web::body::save_rule(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        const std::string name = from->value("name");
        if (has_moved_on(*from, *said, named::rule,
                         "Nothing of yours was saved; look at both and save again.", to, done)) {
            return;
        }
        auto what = planned(*from, *said);
        rule_draft draft = rule_from(from->body);
        what->name = draft.name;
        if (finish_edit(what, host::save_rule(said->xml(), name, draft), to, done, "/name")) {
            what->place = [next = draft.name](const spot& where) { return place_of_rule(where, next); };
            what->revision = [next = draft.name](const words& after) { return after.rule_revision(next); };
            judge_and_apply(what, to, done);
        }
    });
}

void web::body::remove_rule(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        const std::string name = from->value("name");
        if (has_moved_on(*from, *said, named::rule, "Nothing was removed.", to, done)) {
            return;
        }
        auto what = planned(*from, *said);
        if (finish_edit(what, host::remove_rule(said->xml(), name), to, done, "")) {
            what->revision = [](const words& after) { return after.rules_revision(); };
            judge_and_apply(what, to, done);
        }
    });
}

void web::body::duplicate_rule(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        const std::string next = from->body.at("name").get<std::string>();
        auto what = std::make_shared<plan>();
        what->source = said->source();
        what->status = 201;
        what->name = next;
        if (finish_edit(what, host::duplicate_rule(said->xml(), from->value("name"), next), to, done,
                        "/name")) {
            what->place = [next](const spot& where) { return place_of_rule(where, next); };
            what->revision = [next](const words& after) { return after.rule_revision(next); };
            judge_and_apply(what, to, done);
        }
    });
}

void web::body::enable_rule(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        const std::string name = from->value("name");
        auto what = std::make_shared<plan>();
        what->source = said->source();
        what->name = name;
        if (finish_edit(what, host::enable_rule(said->xml(), name, from->body.at("enabled").get<bool>()), to,
                        done, "")) {
            what->revision = [name](const words& after) { return after.rule_revision(name); };
            judge_and_apply(what, to, done);
        }
    });
}

void web::body::order_rules(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        if (auto refused =
                revision_trouble(*from, said->rules_revision(),
                                 "Somebody else has changed the rules since. The order is as it was.")) {
            to(std::move(*refused));
            done();
            return;
        }
        auto what = std::make_shared<plan>();
        what->source = said->source();
        const auto names = from->body.at("names").get<std::vector<std::string>>();
        if (finish_edit(what, host::order_rules(said->xml(), names), to, done, "/names")) {
            what->revision = [](const words& after) { return after.rules_revision(); };
            judge_and_apply(what, to, done);
        }
    });
}

// ---- variables

void web::body::save_variable(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        const std::string name = from->value("name");
        const bool is_new = said->find_variable(name) == nullptr;
        if (!is_new || !from->what->if_match.empty()) {
            if (auto refused = revision_trouble(*from, said->variable_revision(name),
                                                is_new ? "Somebody else has removed this variable since you "
                                                         "opened it. Nothing of yours was saved."
                                                       : "Somebody else has changed this variable since you "
                                                         "opened it. Nothing of yours was saved.")) {
                to(std::move(*refused));
                done();
                return;
            }
        }
        const variable_draft draft{name, from->body.at("type").get<std::string>(),
                                   from->body.at("initial").get<std::string>()};
        auto what = planned(*from, *said);
        what->name = name;
        if (finish_edit(what, host::save_variable(said->xml(), draft), to, done, "/name")) {
            what->place = [name](const spot& where) {
                return where.what == spot::part::variable && where.name == name ? std::string("/initial")
                                                                                : std::string();
            };
            what->revision = [name](const words& after) { return after.variable_revision(name); };
            judge_and_apply(what, to, done);
        }
    });
}

void web::body::remove_variable(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        auto what = planned(*from, *said);
        if (finish_edit(what, host::remove_variable(said->xml(), from->value("name")), to, done, "")) {
            judge_and_apply(what, to, done);
        }
    });
}

// ---- the project as a whole

void web::body::download_project(const std::shared_ptr<asking>& /*from*/, reply to) {
    answer made{200, say()->without_secrets(), "application/xml", {}};
    made.headers.emplace_back("etag", '"' + say()->project_revision() + '"');
    made.headers.emplace_back("content-disposition", "attachment; filename=\"project.xml\"");
    to(std::move(made));
}

void web::body::upload_project(const std::shared_ptr<asking>& from, reply to) {
    in_turn(to, [this, from, to](const std::function<void()>& done) {
        const std::shared_ptr<const words> said = say();
        if (auto refused =
                revision_trouble(*from, said->project_revision(),
                                 "The project was changed since you looked at it. Nothing was replaced.")) {
            to(std::move(*refused));
            done();
            return;
        }
        auto what = planned(*from, *said);
        what->lines = true;
        what->text = from->what->body;
        what->given = what->text;
        std::string why;
        const std::vector<std::string> names =
            secret_names(load_file(secrets::file_of(controller_.made_with().project), most_secrets_bytes, why)
                             .value_or(std::string()));
        moved_secrets taken =
            accept_upload(what->text, said->xml(), said->modules(), {names.begin(), names.end()});
        what->text = std::move(taken.text);
        what->secrets = std::move(taken.values);
        std::vector<manifest::mistake> none;
        const manifest::element root = manifest::parse_xml(what->text, "project", none);
        for (const manifest::element& each : root.children) {
            if (const std::string* const name = each.attribute("name");
                each.name == "instance" && name != nullptr) {
                what->touched.push_back(*name);
            }
        }
        judge_and_apply(what, to, done);
    });
}

void web::body::reload_from_disk(const std::shared_ptr<asking>& /*from*/, reply to) {
    in_turn(to, [this, to](const std::function<void()>& done) {
        const runtime_options& made = controller_.made_with();
        std::vector<manifest::mistake> mistakes;
        site around(made.project, made.modules, made.file_folders, known_);
        if (read_project(made.project, around, mistakes) == nullptr) {
            json all = json::array();
            for (const manifest::mistake& each : mistakes) {
                json one = mistake_json(each, "");
                if (each.where.line != 0) {
                    one["line"] = each.where.line;
                    one["column"] = each.where.column;
                }
                all.push_back(std::move(one));
            }
            to(problem(422, "mistakes", "The file has mistakes; everything goes on as before.",
                       {{"mistakes", all}}));
            done();
            return;
        }
        reload_project([this, to, done](bool good) {
            to(good ? json_answer(
                          200, {{"revision", say()->project_revision()}, {"generation", say()->generation()}})
                    : problem(422, "mistakes",
                              "The file has mistakes that the modules found; the log says which. "
                              "Everything goes on as before."));
            done();
        });
    });
}

// ---- secrets and files

void web::body::list_secrets(const std::shared_ptr<asking>& /*from*/, reply to) {
    std::string why;
    const std::optional<std::string> text =
        load_file(secrets::file_of(controller_.made_with().project), most_secrets_bytes, why);
    json all = json::array();
    for (const std::string& name : secret_names(text.value_or(std::string()))) {
        all.push_back({{"name", name}, {"usedBy", users_of_secret(name)}});
    }
    to(json_answer(200, all));
}

json web::body::users_of_secret(const std::string& name) {
    json users = json::array();
    for (const std::string& each : instances_with(say()->mentions(), named::secret, name)) {
        users.push_back(each);
    }
    for (const std::string& each : rules_with(say()->mentions(), named::secret, name)) {
        users.push_back('"' + each + '"');
    }
    return users;
}

void web::body::save_secret(const std::shared_ptr<asking>& from, reply to) {
    const std::string name = from->value("name");
    const std::string value = from->body.at("value").get<std::string>();
    if (!is_name(name) || value.empty()) {
        const std::string sentence =
            value.empty() ? "A secret has a value. To take it away, remove it."
                          : in_quotes(name) + " cannot be a name. Use letters, digits, - and _.";
        to(problem(
            422, "mistakes", sentence,
            {{"mistakes",
              {{{"sentence", sentence}, {"warning", false}, {"at", value.empty() ? "/value" : "/name"}}}}}));
        return;
    }
    in_turn(to, [this, name, value, to](const std::function<void()>& done) {
        change_secrets({{name, value}}, {}, to, done);
    });
}

void web::body::remove_secret(const std::shared_ptr<asking>& from, reply to) {
    const std::string name = from->value("name");
    in_turn(to, [this, name, to](const std::function<void()>& done) {
        std::string why;
        const std::optional<std::string> text =
            load_file(secrets::file_of(controller_.made_with().project), most_secrets_bytes, why);
        const std::vector<std::string> names = secret_names(text.value_or(std::string()));
        const json users = users_of_secret(name);
        if (std::find(names.begin(), names.end(), name) == names.end() || !users.empty()) {
            to(users.empty()
                   ? no_such("secret \"" + name + '"')
                   : problem(409, "conflict",
                             "The secret " + name + " is used by " +
                                 listed(users.get<std::vector<std::string>>()) + ". Change them first."));
            done();
            return;
        }
        change_secrets({}, name, to, done);
    });
}

void web::body::change_secrets(std::vector<named_secret> values, std::string gone, const reply& to,
                               const std::function<void()>& done) {
    const bool taken = worker_->ask([this, values = std::move(values), gone = std::move(gone), to, done] {
        const std::string trouble = save_secrets(values, gone);
        server_->post([this, trouble, values, to, done] {
            if (!trouble.empty()) {
                to(problem(422, "mistakes", trouble,
                           {{"mistakes", {{{"sentence", trouble}, {"warning", false}, {"at", "/value"}}}}}));
                done();
                return;
            }
            for (const auto& [name, value] : values) {
                given_[name] = steady_ms();
            }
            reload_project(
                [to, done](bool /*good*/) { // who uses it gets it; what does not load goes on as before
                    to(nothing_to_say());
                    done();
                });
        });
    });
    if (!taken) {
        to(problem(503, "busy", "Others are saving right now. Try again in a moment.", {{"retryAfter", 1}}));
        done();
    }
}

namespace {

bool is_file_name(std::string_view name) {
    return !name.empty() && name.size() <= 128 && name.front() != '.' &&
           std::all_of(name.begin(), name.end(), [](unsigned char each) {
               return std::isalnum(each) != 0 || each == '.' || each == '-' || each == '_';
           });
}

answer bad_file_name(const std::string& name) {
    const std::string sentence =
        in_quotes(name) +
        " cannot be the name of a file here. Use letters, digits, . - and _, not beginning with a dot.";
    return problem(422, "mistakes", sentence,
                   {{"mistakes", {{{"sentence", sentence}, {"warning", false}, {"at", "/name"}}}}});
}

} // namespace

fs::path web::body::files_folder() const {
    return fs::absolute(controller_.made_with().project).parent_path() / "files";
}

json web::body::users_of_file(const std::string& name) {
    const std::shared_ptr<const words> said = say();
    json users = json::array();
    for (const instance_draft& each : said->instances()) {
        const manifest::module_manifest* const module = said->module(each.module);
        for (const auto& [id, value] : each.settings) {
            const manifest::setting* const what = module == nullptr ? nullptr : module->find_setting(id);
            const auto* const text = std::get_if<std::string>(&value);
            if (what != nullptr && what->type == manifest::type::file && text != nullptr && *text == name) {
                users.push_back(each.name);
                break;
            }
        }
    }
    return users;
}

void web::body::list_files(const std::shared_ptr<asking>& /*from*/, reply to) {
    json all = json::array();
    std::error_code error;
    std::set<fs::path> found;
    for (fs::directory_iterator each(files_folder(), error), end;
         !error && each != end && found.size() < 1000; each.increment(error)) {
        if (each->is_regular_file(error) && is_file_name(each->path().filename().string())) {
            found.insert(each->path());
        }
    }
    for (const fs::path& each : found) {
        const auto changed = fs::last_write_time(each, error);
        const auto wall = std::chrono::file_clock::to_sys(changed).time_since_epoch();
        all.push_back({{"name", each.filename().string()},
                       {"size", fs::file_size(each, error)},
                       {"changed", std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()},
                       {"usedBy", users_of_file(each.filename().string())}});
    }
    to(json_answer(200, all));
}

void web::body::save_file_of_project(const std::shared_ptr<asking>& from, reply to) {
    const std::string name = from->value("name");
    std::error_code error;
    const fs::path file = files_folder() / name;
    if (!is_file_name(name) || fs::is_symlink(file, error)) {
        to(bad_file_name(name));
        return;
    }
    in_turn(to, [this, file, from, to](const std::function<void()>& done) {
        const bool taken = worker_->ask([this, file, from, to, done] {
            std::error_code trouble;
            fs::create_directories(file.parent_path(), trouble);
            std::string why;
            constexpr std::size_t most = std::size_t{16} << 20U;
            const std::optional<std::string> before = load_file(file, most, why);
            const save_outcome saved =
                save_file(file, before ? std::optional<std::string_view>(*before) : std::nullopt,
                          from->what->body, file_access::owner_only);
            server_->post([this, saved, to, done] {
                if (!saved.saved()) {
                    to(problem(500, "failed", saved.sentence));
                    done();
                    return;
                }
                reload_project([to, done](bool /*good*/) {
                    to(nothing_to_say());
                    done();
                });
            });
        });
        if (!taken) {
            to(problem(503, "busy", "Others are saving right now. Try again in a moment.",
                       {{"retryAfter", 1}}));
            done();
        }
    });
}

void web::body::remove_file(const std::shared_ptr<asking>& from, reply to) {
    const std::string name = from->value("name");
    std::error_code error;
    const fs::path file = files_folder() / name;
    if (!is_file_name(name) || !fs::is_regular_file(fs::symlink_status(file, error))) {
        to(no_such("file \"" + name + '"'));
        return;
    }
    const json users = users_of_file(name);
    if (!users.empty()) {
        to(problem(409, "conflict",
                   "The file " + name + " is used by " + listed(users.get<std::vector<std::string>>()) +
                       ". Change them first."));
        return;
    }
    if (!fs::remove(file, error)) {
        to(problem(500, "failed", "The file " + name + " cannot be removed: " + error.message() + "."));
        return;
    }
    to(nothing_to_say());
}

// ---- the support bundle

void web::body::support_bundle(const std::shared_ptr<asking>& /*from*/, reply to) {
    auto statuses = std::make_shared<json>(json::array());
    auto rules = std::make_shared<json>(json::object());
    auto events = std::make_shared<std::vector<std::string>>();
    auto step = std::make_shared<std::uint64_t>(0);
    const std::string project = say()->without_secrets();
    const json facts = {
        {"version", options_.version},       {"address", url_},   {"https", https_}, {"started", started_},
        {"generation", say()->generation()}, {"made", wall_now()}};
    const bool taken = post_control(
        [=](desk& at) {
            runtime& controller = at.controller();
            for (int some = 0; some < 16; ++some, ++*step) {
                const std::uint64_t number = *step;
                if (number < controller.instances()) {
                    const auto index = static_cast<std::uint32_t>(number);
                    json one = live_summary(at, index);
                    one["statuses"] = statuses_json(at, index);
                    one["history"] = history_json(at, index, 0);
                    statuses->push_back(std::move(one));
                    continue;
                }
                const std::uint64_t rule = number - controller.instances();
                if (rule < controller.current().rules.rules.size()) {
                    const auto index = static_cast<std::uint32_t>(rule);
                    (*rules)[controller.current().rules.rules[index].name] = report_json(at, index);
                    continue;
                }
                const std::uint64_t back = rule - controller.current().rules.rules.size();
                const std::uint64_t last = controller.events().events();
                if (back >= std::min<std::uint64_t>(last, trace::capacity)) {
                    return false;
                }
                if (const auto event = controller.events().tell(last - back)) {
                    events->push_back(
                        event_json(*event).dump(-1, ' ', false, json::error_handler_t::replace));
                }
            }
            return true;
        },
        [=, this] {
            const bool begun = worker_->ask([=, this] {
                const long long now = wall_now() / 1000;
                std::string log;
                for (const line& each :
                     lines_.newest(2 * book::most_lines, UINT64_MAX, false, [](const line&) { return true; })
                         .lines) {
                    log_record record;
                    record.time = std::chrono::system_clock::time_point(std::chrono::milliseconds(each.time));
                    record.level = each.level;
                    record.instance = each.instance;
                    record.rule = each.rule;
                    record.message = each.text;
                    log += format_record(record, log_format::text);
                }
                std::string trace_text;
                for (auto each = events->rbegin(); each != events->rend(); ++each) {
                    trace_text += *each + '\n';
                }
                const auto clean = [&](const std::string& text) { return known_.redact(text); };
                const auto written = [](const json& what) {
                    return what.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
                };
                const std::string packed = gzip(tar_file("host.json", clean(written(facts)), now) +
                                                tar_file("project.xml", clean(project), now) +
                                                tar_file("instances.json", clean(written(*statuses)), now) +
                                                tar_file("rules.json", clean(written(*rules)), now) +
                                                tar_file("trace.jsonl", clean(trace_text), now) +
                                                tar_file("log.txt", clean(log), now) + tar_end());
                server_->post([packed, to] {
                    answer made{200, packed, "application/gzip", {}};
                    made.headers.emplace_back("content-disposition",
                                              "attachment; filename=\"iomhost-support.tar.gz\"");
                    to(std::move(made));
                });
            });
            if (!begun) {
                to(problem(503, "busy", "The host is busy with others. Try again in a moment.",
                           {{"retryAfter", 2}}));
            }
        });
    if (!taken) {
        to(problem(503, "busy", "The controller has too much to do for the page right now.",
                   {{"retryAfter", 1}}));
    }
}

} // namespace iom::host::web
