// What changes instances.

#include "web/plan.hpp"

#include "checks.hpp"
#include "web/drafts.hpp"

#include <algorithm>

namespace iom::host::web {

namespace {

std::string place_of_instance(const spot& where, const std::string& name) {
    if (where.what != spot::part::instance || where.name != name) {
        return {};
    }
    return where.pointer.empty() ? "/name" : where.pointer;
}

} // namespace

/// A secret that is given empty is taken away.
void web::body::drop_empty_secrets(const manifest::module_manifest* module, values_draft& settings) {
    std::erase_if(settings, [&](const auto& each) {
        const manifest::setting* const what = module == nullptr ? nullptr : module->find_setting(each.first);
        const auto* const text = std::get_if<std::string>(&each.second);
        return what != nullptr && what->type == manifest::type::secret && text != nullptr && text->empty();
    });
}

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
            what->needs_secrets =
                secrets_to_ask(before->settings, draft.settings, said->defaults_of(before->module), *module,
                               given_.of(from->who, steady_ms()));
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
void web::body::ask_for_row(const visitor& who, const instance_draft& pattern, const values_draft& given,
                            const manifest::module_manifest& module, std::vector<std::string>& asked) {
    values_draft wanted = given;
    for (const auto& [id, value] : pattern.settings) {
        if (find_value(given, id) == nullptr) {
            const manifest::setting* const what = module.find_setting(id);
            const bool secret = what != nullptr && what->type == manifest::type::secret;
            wanted.emplace_back(id, secret ? value_draft(kept_value{}) : value);
        }
    }
    for (std::string& each : secrets_to_ask(pattern.settings, wanted, say()->defaults_of(module.id), module,
                                            given_.of(who, steady_ms()))) {
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
            const manifest::module_manifest* const described = said->module(module);
            if (pattern != nullptr) {
                draft.settings = pattern->settings;
                if (described != nullptr) {
                    ask_for_row(from->who, *pattern, given, *described, what->needs_secrets);
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
            drop_empty_secrets(described, draft.settings); // only now: an empty one takes the pattern's away
            const std::size_t number = drafts.size();
            const bool taken = row_of.contains(draft.name) || said->find_instance(draft.name) != nullptr;
            if (taken || !is_name(draft.name) || is_taken_name(draft.name)) {
                const std::string sentence = taken ? "there is an instance " + in_quotes(draft.name) +
                                                         " already. Give each instance a name of its own."
                                                   : instance_name_trouble(draft.name, {});
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

} // namespace iom::host::web
