#include "project_edit.hpp"

#include "checks.hpp"
#include "project_mentions.hpp"
#include "xml_text.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace iom::host {

using manifest::element;
using manifest::extent;

namespace {

/// What the elements of a project file mean, as far as comparing them goes.
class project_vocabulary final : public vocabulary {
public:
    [[nodiscard]] bool is_keyed(std::string_view element) const override {
        return element == "set" || element == "arg";
    }

    [[nodiscard]] int rank(std::string_view element) const override {
        return element == "when" ? 1 : element == "do" ? 2 : 0;
    }

    [[nodiscard]] bool same_attribute(std::string_view element, std::string_view attribute,
                                      const std::string* left, const std::string* right) const override {
        if (left != nullptr && right != nullptr && *left == *right)
            return true;
        if (element == "rule" && (attribute == "enabled" || attribute == "stop")) {
            const bool otherwise = attribute == "enabled";
            const auto truth = [&](const std::string* written) {
                return written == nullptr ? std::optional{otherwise} : manifest::read_boolean(*written);
            };
            return truth(left) && truth(left) == truth(right);
        }
        const std::string_view otherwise = element == "match" && attribute == "kind"      ? "contains"
                                           : element == "send" && attribute == "encoding" ? "text"
                                                                                          : "";
        if (otherwise.empty())
            return left == nullptr && right == nullptr;
        return (left == nullptr ? otherwise : *left) == (right == nullptr ? otherwise : *right);
    }
};

edit refused(edit::refusal why, std::string sentence) {
    edit made;
    made.why = why;
    made.sentence = std::move(sentence);
    return made;
}

/// The file, read once, and what is to be changed in it.
class editor {
public:
    explicit editor(std::string_view xml) : to(xml) {
        std::vector<manifest::mistake> mistakes;
        root = manifest::parse_xml(xml, "", mistakes);
        if (!root.name.empty() && root.name != "project")
            mistakes.push_back({{}, "a project file begins with <project name=\"…\">.", false});
        if (!mistakes.empty())
            trouble = "the project file cannot be changed, as it cannot be read: " +
                      manifest::to_string(mistakes.front());
        how = layout::of(xml, root);
    }

    [[nodiscard]] std::string_view xml() const { return to.text(); }

    [[nodiscard]] std::optional<std::size_t> find(std::string_view kind, std::string_view name) const {
        for (std::size_t at = 0; at < root.children.size(); ++at) {
            const auto* known = root.children[at].attribute("name");
            if (root.children[at].name == kind && known != nullptr && *known == name)
                return at;
        }
        return std::nullopt;
    }

    [[nodiscard]] std::optional<std::size_t> last(std::string_view kind) const {
        std::optional<std::size_t> found;
        for (std::size_t at = 0; at < root.children.size(); ++at)
            if (root.children[at].name == kind)
                found = at;
        return found;
    }

    /// What children of the project are indented with.
    [[nodiscard]] std::string indentation() const { return indentation_in(xml(), root, how); }

    /// Behind the last of its kind. The first of its kind: variables at the beginning, instances before the
    /// rules, rules at the end.
    void add(std::string_view kind, std::string_view written) {
        const auto first_rule = std::find_if(root.children.begin(), root.children.end(),
                                             [](const element& child) { return child.name == "rule"; });
        if (const auto like = last(kind))
            insert_after(to, root, *like, written, how);
        else if (root.children.empty())
            insert_into_empty(to, root, written, how);
        else if (kind == "variable")
            insert_before(to, root, 0, written, how);
        else if (kind == "instance" && first_rule != root.children.end())
            insert_before(to, root, static_cast<std::size_t>(first_rule - root.children.begin()), written,
                          how);
        else
            insert_after(to, root, root.children.size() - 1, written, how);
    }

    /// Writes another name wherever that one stands; tells whose rules and settings were changed.
    void follow(named what, std::string_view from, std::string_view name, const element* only, edit& told) {
        const auto all = find_mentions(xml(), root);
        const element* last_user = nullptr;
        for (const auto& one : all) {
            if (one.what != what || one.name != from || (only != nullptr && one.user != only))
                continue;
            replace_name(to, one, name);
            if (one.user == last_user)
                continue;
            last_user = one.user;
            if (const auto* user = one.user->attribute("name"))
                (one.user->name == "rule" ? told.rules : told.instances).push_back(*user);
        }
    }

    /// The edit as it was collected, read again: it must be a file still.
    edit finish(edit made = {}) const {
        made.text = to.made();
        std::vector<manifest::mistake> mistakes;
        manifest::parse_xml(made.text, "", mistakes);
        if (!mistakes.empty()) {
            made.text.clear();
            made.why = edit::refusal::wrong;
            made.sentence =
                "with this the project could not be read any more: " + manifest::to_string(mistakes.front());
        }
        return made;
    }

    changes to;
    element root;
    layout how;
    std::string trouble; ///< empty if the file can be read
};

edit unreadable(const editor& in) {
    return refused(edit::refusal::unreadable, in.trouble);
}

std::string called(std::string_view kind, std::string_view name) {
    return std::string{kind} + " " + in_quotes(name);
}

edit missing(std::string_view kind, std::string_view name) {
    return refused(edit::refusal::not_found,
                   "there is no " + called(kind, name) + " (any more). Load the page's data anew.");
}

edit taken(std::string_view kind, std::string_view name) {
    return refused(edit::refusal::taken, "there is " + std::string{kind == "instance" ? "an " : "a "} +
                                             called(kind, name) + " already. Give each its own name.");
}

/// Why an instance cannot have that name; done if it can.
edit judge_instance_name(const editor& in, std::string_view name) {
    auto trouble = instance_name_trouble(name, {});
    if (!trouble.empty())
        return refused(edit::refusal::wrong, std::move(trouble));
    return in.find("instance", name) ? taken("instance", name) : edit{};
}

edit judge_rule_name(const editor& in, std::string_view name) {
    if (auto trouble = rule_name_trouble(name); !trouble.empty())
        return refused(edit::refusal::wrong, std::move(trouble));
    if (const auto trouble = manifest::xml_trouble(name); !trouble.empty())
        return refused(edit::refusal::wrong, "the name of the rule: " + trouble);
    return in.find("rule", name) ? taken("rule", name) : edit{};
}

edit judge(const element& wanted) {
    const auto trouble = draft_trouble(wanted);
    return trouble.empty() ? edit{} : refused(edit::refusal::wrong, trouble);
}

/// What stands there, in the place of a value that is to be kept.
void put_back_kept(values_draft& wanted, const element& present, std::string_view kind) {
    const auto present_value = [&](const std::string& id) -> const element* {
        for (const auto& child : present.children)
            if (const auto* name = child.attribute("name");
                child.name == kind && name != nullptr && *name == id)
                return &child;
        return nullptr;
    };
    for (auto at = wanted.begin(); at != wanted.end();) {
        if (!std::holds_alternative<kept_value>(at->second)) {
            ++at;
        } else if (const auto* known = present_value(at->first)) {
            at->second = read_value(*known, nullptr);
            ++at;
        } else {
            at = wanted.erase(at);
        }
    }
}

/// Arguments that are kept come from the action that has them: the one at the same place, or else the first
/// with the same name.
void put_back_kept(rule_draft& wanted, const element& present) {
    std::vector<const element*> acts;
    for (const auto& child : present.children)
        if (child.name == "do")
            acts.push_back(&child);
    for (std::size_t which = 0; which < wanted.act.size(); ++which) {
        auto& act = wanted.act[which];
        const auto same = [&](const element* one) {
            const auto* action = one->attribute("action");
            return action != nullptr && *action == act.action;
        };
        const element* from = which < acts.size() && same(acts[which]) ? acts[which] : nullptr;
        if (from == nullptr)
            if (const auto found = std::find_if(acts.begin(), acts.end(), same); found != acts.end())
                from = *found;
        static const element nothing;
        put_back_kept(act.arguments, from == nullptr ? nothing : *from, "arg");
    }
}

/// The <set> elements of an instance as they are wanted: those that read the same as they are written.
element wanted_settings(const element& present, const values_draft& settings,
                        const manifest::module_manifest* module) {
    element wanted = present;
    wanted.children.clear();
    for (const auto& [id, value] : settings) {
        const auto known = std::find_if(present.children.begin(), present.children.end(),
                                        [&, &key = id](const element& child) {
                                            const auto* name = child.attribute("name");
                                            return child.name == "set" && name != nullptr && *name == key;
                                        });
        const auto* field = module == nullptr ? nullptr : module->find_setting(id);
        const bool keeps = std::holds_alternative<kept_value>(value);
        if (known != present.children.end() && (keeps || read_value(*known, field) == value))
            wanted.children.push_back(*known);
        else if (!keeps)
            wanted.children.push_back(to_element("set", id, value));
    }
    return wanted;
}

std::string join(const std::vector<std::string>& rules, const std::vector<std::string>& instances) {
    std::vector<std::string> all;
    for (const auto& one : instances)
        all.push_back(one.starts_with('<') ? one : "the instance " + in_quotes(one));
    for (const auto& one : rules)
        all.push_back("the rule " + in_quotes(one));
    static constexpr std::size_t most = 8;
    if (all.size() > most) {
        const auto more = all.size() - most;
        all.resize(most);
        all.push_back(std::to_string(more) + " more");
    }
    return listed(all);
}

edit used(const std::string& what, std::vector<std::string> rules, std::vector<std::string> instances,
          std::string_view next) {
    auto made = refused(edit::refusal::used,
                        what + " is needed by " + join(rules, instances) + ". " + std::string{next});
    made.rules = std::move(rules);
    made.instances = std::move(instances);
    return made;
}

/// An element's bytes with the name that it gets, and with what in it speaks of itself.
std::string copy_of(const editor& in, std::size_t child, std::string_view name, named what) {
    changes to{in.xml()};
    const auto& from = in.root.children[child];
    set_attribute(to, from, "name", name);
    if (what == named::instance) {
        const auto* old = from.attribute("name");
        for (const auto& one : find_mentions(in.xml(), in.root))
            if (one.what == what && one.user == &from && one.name == *old)
                replace_name(to, one, name);
    }
    if (what == named::rule)
        set_attribute(to, from, "enabled", "false");
    const auto all = to.made();
    const auto tail = in.xml().size() - from.source.end;
    return all.substr(from.source.begin, all.size() - tail - from.source.begin);
}

std::optional<std::string> text_of(std::string_view xml, std::string_view kind, std::string_view name) {
    const editor in{xml};
    const auto found = in.find(kind, name);
    if (!in.trouble.empty() || !found)
        return std::nullopt;
    return std::string{in.root.children[*found].source.of(xml)};
}

} // namespace

// ---- instances ---------------------------------------------------------------------------------------

edit save_settings(std::string_view xml, std::string_view instance, const values_draft& settings,
                   const manifest_lookup& modules) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    const auto found = in.find("instance", instance);
    if (!found)
        return missing("instance", instance);
    const auto& present = in.root.children[*found];
    const auto* id = present.attribute("module");
    const auto* module = modules && id != nullptr ? modules(*id) : nullptr;
    const auto wanted = wanted_settings(present, settings, module);
    if (auto wrong = judge(wanted); !wrong.done())
        return wrong;
    merge(in.to, present, wanted, project_vocabulary{}, in.how);
    return in.finish();
}

edit change_settings(std::string_view xml, std::string_view instance,
                     std::span<const std::pair<std::string, std::optional<value_draft>>> settings,
                     const manifest_lookup& modules) {
    const editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    const auto found = in.find("instance", instance);
    if (!found)
        return missing("instance", instance);
    auto all = read_instance(in.root.children[*found], modules).settings;
    for (const auto& [id, value] : settings) {
        const auto known = std::find_if(all.begin(), all.end(),
                                        [&, &key = id](const auto& one) { return one.first == key; });
        if (known != all.end() && value)
            known->second = *value;
        else if (known != all.end())
            all.erase(known);
        else if (value)
            all.emplace_back(id, *value);
    }
    return save_settings(xml, instance, all, modules);
}

std::string instance_name_trouble(std::string_view name, const std::set<std::string, std::less<>>& present) {
    if (auto wrong = name_trouble(name, "an instance"); !wrong.empty())
        return wrong;
    if (is_taken_name(name))
        return "an instance cannot be called " + in_quotes(name) +
               ", which means something else in rules. Choose another name.";
    return present.contains(name) ? taken("instance", name).sentence : std::string{};
}

edit add_instances(std::string_view xml, std::span<const instance_draft> added) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    std::set<std::string_view> names;
    std::string written;
    const auto indent = in.indentation();
    for (const auto& one : added) {
        if (auto wrong = judge_instance_name(in, one.name); !wrong.done())
            return wrong;
        if (!names.insert(one.name).second)
            return taken("instance", one.name);
        const auto made = to_element(one);
        if (auto wrong = judge(made); !wrong.done())
            return wrong;
        written += (written.empty() ? "" : in.how.newline + indent) + render(made, indent, in.how);
    }
    if (!written.empty())
        in.add("instance", written);
    return in.finish();
}

edit paste_instance(std::string_view xml, std::string_view fragment, std::string_view name) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    std::vector<manifest::mistake> mistakes;
    const auto pasted = manifest::parse_xml(fragment, "the text", mistakes);
    if (!mistakes.empty())
        return refused(edit::refusal::unreadable, manifest::to_string(mistakes.front()));
    if (pasted.name != "instance")
        return refused(edit::refusal::unreadable,
                       "the text is not an <instance name=\"…\" module=\"…\"> but <" + pasted.name +
                           ">. Copy an instance as text first.");
    const auto* own = pasted.attribute("name");
    const std::string wanted{name.empty() && own != nullptr ? std::string_view{*own} : name};
    if (auto wrong = judge_instance_name(in, wanted); !wrong.done())
        return wrong;
    changes to{fragment};
    set_attribute(to, pasted, "name", wanted);
    if (own != nullptr) {
        element around;
        around.name = "project";
        around.children.push_back(pasted);
        for (const auto& one : find_mentions(fragment, around))
            if (one.what == named::instance && one.name == *own)
                replace_name(to, one, wanted);
    }
    const auto all = to.made();
    const auto tail = fragment.size() - pasted.source.end;
    in.add("instance", all.substr(pasted.source.begin, all.size() - tail - pasted.source.begin));
    return in.finish();
}

edit remove_instance(std::string_view xml, std::string_view instance, bool with_rules) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    const auto found = in.find("instance", instance);
    if (!found)
        return missing("instance", instance);
    const auto mentions = find_mentions(xml, in.root);
    auto rules = rules_with(mentions, named::instance, instance);
    auto others = instances_with(mentions, named::instance, instance);
    others.erase(std::remove(others.begin(), others.end(), instance), others.end());
    if (!others.empty())
        return used(called("the instance", instance), std::move(rules), std::move(others),
                    "Change their settings first.");
    if (!rules.empty() && !with_rules)
        return used(called("the instance", instance), std::move(rules), {},
                    "Remove them too, or let them use another instance first.");
    remove_child(in.to, in.root, *found);
    for (const auto& rule : rules)
        if (const auto at = in.find("rule", rule))
            remove_child(in.to, in.root, *at);
    edit made;
    made.rules = std::move(rules);
    return in.finish(std::move(made));
}

edit rename_instance(std::string_view xml, std::string_view from, std::string_view to) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    const auto found = in.find("instance", from);
    if (!found)
        return missing("instance", from);
    edit made;
    if (from == to)
        return in.finish(std::move(made));
    if (auto wrong = judge_instance_name(in, to); !wrong.done())
        return wrong;
    set_attribute(in.to, in.root.children[*found], "name", to);
    in.follow(named::instance, from, to, nullptr, made);
    return in.finish(std::move(made));
}

edit duplicate_instance(std::string_view xml, std::string_view from, std::string_view to) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    const auto found = in.find("instance", from);
    if (!found)
        return missing("instance", from);
    if (auto wrong = judge_instance_name(in, to); !wrong.done())
        return wrong;
    insert_after(in.to, in.root, *found, copy_of(in, *found, to, named::instance), in.how);
    return in.finish();
}

// ---- rules -------------------------------------------------------------------------------------------

edit add_rule(std::string_view xml, const rule_draft& added, std::optional<std::string_view> before) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    if (auto wrong = judge_rule_name(in, added.name); !wrong.done())
        return wrong;
    const auto made = to_element(added);
    if (auto wrong = judge(made); !wrong.done())
        return wrong;
    const auto written = render(made, in.indentation(), in.how);
    if (!before) {
        in.add("rule", written);
    } else {
        const auto found = in.find("rule", *before);
        if (!found)
            return missing("rule", *before);
        insert_before(in.to, in.root, *found, written, in.how);
    }
    return in.finish();
}

edit save_rule(std::string_view xml, std::string_view rule, const rule_draft& wanted) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    const auto found = in.find("rule", rule);
    if (!found)
        return missing("rule", rule);
    if (wanted.name != rule)
        if (auto wrong = judge_rule_name(in, wanted.name); !wrong.done())
            return wrong;
    const auto& present = in.root.children[*found];
    auto draft = wanted;
    put_back_kept(draft, present);
    const auto made = to_element(draft);
    if (auto wrong = judge(made); !wrong.done())
        return wrong;
    merge(in.to, present, made, project_vocabulary{}, in.how);
    if (wanted.name == rule)
        return in.finish();
    auto renamed = in.finish();
    if (!renamed.done())
        return renamed;
    // The others follow in the text as it is now: the rule may speak of itself where it was just changed.
    const auto between = std::move(renamed.text);
    editor after{between};
    edit told;
    after.follow(named::rule, rule, wanted.name, nullptr, told);
    told.rules.erase(std::remove(told.rules.begin(), told.rules.end(), wanted.name), told.rules.end());
    return after.finish(std::move(told));
}

edit remove_rule(std::string_view xml, std::string_view rule) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    const auto found = in.find("rule", rule);
    if (!found)
        return missing("rule", rule);
    auto rules = rules_with(find_mentions(xml, in.root), named::rule, rule);
    rules.erase(std::remove(rules.begin(), rules.end(), rule), rules.end());
    if (!rules.empty())
        return used(called("the rule", rule), std::move(rules), {}, "Take host/fire out of them first.");
    remove_child(in.to, in.root, *found);
    return in.finish();
}

edit duplicate_rule(std::string_view xml, std::string_view from, std::string_view to) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    const auto found = in.find("rule", from);
    if (!found)
        return missing("rule", from);
    if (auto wrong = judge_rule_name(in, to); !wrong.done())
        return wrong;
    insert_after(in.to, in.root, *found, copy_of(in, *found, to, named::rule), in.how);
    return in.finish();
}

edit enable_rule(std::string_view xml, std::string_view rule, bool enabled) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    const auto found = in.find("rule", rule);
    if (!found)
        return missing("rule", rule);
    const auto& present = in.root.children[*found];
    const auto* written = present.attribute("enabled");
    if (written == nullptr ? !enabled : manifest::read_boolean(*written) != enabled)
        set_attribute(in.to, present, "enabled", enabled ? "true" : "false");
    return in.finish();
}

edit order_rules(std::string_view xml, std::span<const std::string> names) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    std::vector<std::size_t> places;
    std::map<std::string_view, std::size_t> by_name;
    for (std::size_t at = 0; at < in.root.children.size(); ++at) {
        const auto* name = in.root.children[at].attribute("name");
        if (in.root.children[at].name != "rule" || name == nullptr)
            continue;
        places.push_back(at);
        by_name.emplace(*name, at);
    }
    std::vector<std::size_t> wanted;
    for (const auto& name : names) {
        const auto known = by_name.find(name);
        if (known == by_name.end())
            return missing("rule", name);
        wanted.push_back(known->second);
        by_name.erase(known);
    }
    if (wanted.size() != places.size())
        return refused(edit::refusal::wrong, "the order leaves out the rule " +
                                                 in_quotes(by_name.begin()->first) +
                                                 ". Name every rule exactly once.");
    for (std::size_t at = 0; at < places.size(); ++at)
        if (places[at] != wanted[at])
            in.to.replace(with_comments(xml, in.root, places[at]),
                          std::string{with_comments(xml, in.root, wanted[at]).of(xml)});
    return in.finish();
}

// ---- variables ---------------------------------------------------------------------------------------

edit save_variable(std::string_view xml, const variable_draft& wanted) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    const auto made = to_element(wanted);
    if (auto wrong = judge(made); !wrong.done())
        return wrong;
    const auto found = in.find("variable", wanted.name);
    if (!found)
        in.add("variable", render(made, in.indentation(), in.how));
    else if (!(read_variable(in.root.children[*found]) == wanted))
        merge(in.to, in.root.children[*found], made, project_vocabulary{}, in.how);
    return in.finish();
}

edit remove_variable(std::string_view xml, std::string_view variable) {
    editor in{xml};
    if (!in.trouble.empty())
        return unreadable(in);
    const auto found = in.find("variable", variable);
    if (!found)
        return missing("variable", variable);
    const auto mentions = find_mentions(xml, in.root);
    auto rules = rules_with(mentions, named::variable, variable);
    auto instances = instances_with(mentions, named::variable, variable);
    if (!rules.empty() || !instances.empty())
        return used(called("the variable", variable), std::move(rules), std::move(instances),
                    "Take it out of them first.");
    remove_child(in.to, in.root, *found);
    return in.finish();
}

// ---- as text -----------------------------------------------------------------------------------------

std::optional<std::string> instance_text(std::string_view xml, std::string_view instance) {
    return text_of(xml, "instance", instance);
}

std::optional<std::string> rule_text(std::string_view xml, std::string_view rule) {
    return text_of(xml, "rule", rule);
}

} // namespace iom::host
