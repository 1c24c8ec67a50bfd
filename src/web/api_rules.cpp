// What changes rules and variables.

#include "web/plan.hpp"

#include "web/drafts.hpp"

#include <string>

namespace iom::host::web {

namespace {

std::string place_of_rule(const spot& where, const std::string& name) {
    if (where.what != spot::part::rule || where.name != name) {
        return {};
    }
    return where.pointer.empty() ? "/" : where.pointer;
}

} // namespace

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
        // Who saves a rule without a word of it has not switched it: that has a route of its own.
        if (const rule_draft* const present = said->find_rule(name);
            present != nullptr && !from->body.contains("enabled")) {
            draft.enabled = present->enabled;
        }
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
        auto what = planned(*from, *said);
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
        if (has_moved_on(*from, *said, named::rule, "It was not switched; look at it first.", to, done)) {
            return;
        }
        auto what = planned(*from, *said);
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
        auto what = planned(*from, *said);
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
        const std::string name = from->value("name");
        if (said->find_variable(name) != nullptr) {
            if (auto refused =
                    revision_trouble(*from, said->variable_revision(name),
                                     "Somebody else has changed this variable since you opened it. "
                                     "Nothing was removed.")) {
                to(std::move(*refused));
                done();
                return;
            }
        }
        auto what = planned(*from, *said);
        if (finish_edit(what, host::remove_variable(said->xml(), name), to, done, "")) {
            judge_and_apply(what, to, done);
        }
    });
}

} // namespace iom::host::web
