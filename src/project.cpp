#include "project.hpp"

#include "advice.hpp"
#include "checks.hpp"
#include "files.hpp"
#include "project_names.hpp"
#include "project_rules.hpp"
#include "project_settings.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace iom::host {

namespace fs = std::filesystem;

namespace {

using manifest::element;

class project_reader {
public:
    project_reader(project& into, surroundings& around, connector who, complaints& say)
        : project_(into), around_(around), who_(who), say_(say) {}

    void read(const element& root) {
        if (root.name != "project")
            return say_.wrong(root.where, "a project file begins with <project name=\"…\">, not with <" +
                                              root.name + ">.");
        expect_attributes(root, {"name"}, say_);
        expect_children(root, {"defaults", "variable", "instance", "rule"}, say_);
        expect_no_text(root, say_);
        if (const auto* name = need_attribute(root, "name", say_))
            project_.name = *name;

        for (const auto& child : root.children)
            if (child.name == "variable")
                read_variable(child);
        for (const auto& child : root.children)
            if (child.name == "defaults")
                read_defaults(child);
        for (const auto& child : root.children)
            if (child.name == "instance")
                read_instance(child);
        // Texts may name any instance and any variable, so they come when all are known.
        for (std::uint32_t which = 0; which < project_.instances.size(); ++which)
            read_texts(which);
        for (const auto& one : project_.instances)
            project_.rules.module_of.push_back(one.module);
        read_rules(root, project_, around_, say_);
        judge_settings();
        advise(project_, who_, say_);
    }

private:
    void read_variable(const element& at) {
        expect_attributes(at, {"name", "type", "value"}, say_);
        expect_children(at, {}, say_);
        expect_no_text(at, say_);
        const auto* name = need_attribute(at, "name", say_);
        const auto* type = need_attribute(at, "type", say_);
        if (name == nullptr)
            return;
        variable_declaration made;
        made.name = *name;
        if (auto wrong = name_trouble(*name, "a variable"); !wrong.empty())
            say_.wrong(at.where, std::move(wrong));
        for (const auto& known : project_.variables)
            if (known.name == *name)
                return say_.wrong(at.where, "there is a variable " + in_quotes(*name) +
                                                " already. Give each its own name.");
        if (type != nullptr) {
            const auto known = variable_type_of(*type);
            if (!known)
                say_.wrong(at.where, "there is no type " + in_quotes(*type) +
                                         " of variables. There are bool, int, real and text.");
            made.type = known.value_or(variable_type::text);
        }
        const auto* written = at.attribute("value");
        static const std::string first[] = {"false", "0", "0", ""};
        const auto& start = written == nullptr ? first[static_cast<std::size_t>(made.type)] : *written;
        if (!convert(value_view::of(std::string_view{start}), made.type, made.initial))
            say_.wrong(at.where, in_quotes(start) + " is no " + std::string{to_word(made.type)} +
                                     ", and so the variable " + made.name + " cannot begin with it.");
        project_.variables.push_back(std::move(made));
    }

    /// The module's place in the project; no_module with a mistake if it cannot be had.
    std::uint32_t find_module(const std::string& id, const manifest::location& where) {
        if (const auto known = modules_.find(id); known != modules_.end()) {
            if (known->second == no_module)
                say_.wrong(where, refusals_[id]);
            return known->second;
        }
        std::string why;
        auto loaded = around_.module(id, why);
        auto& place = modules_[id];
        if (loaded) {
            place = static_cast<std::uint32_t>(project_.modules.size());
            project_.modules.push_back(std::move(loaded));
        } else {
            place = no_module;
            refusals_[id] = why.empty() ? "there is no module " + in_quotes(id) + "." : why;
            say_.wrong(where, refusals_[id]);
        }
        return place;
    }

    void read_defaults(const element& at) {
        expect_attributes(at, {"module"}, say_);
        expect_children(at, {"set"}, say_);
        expect_no_text(at, say_);
        const auto* id = need_attribute(at, "module", say_);
        if (id == nullptr)
            return;
        const auto module = find_module(*id, at.where);
        if (module == no_module)
            return;
        if (defaults_.contains(module))
            return say_.wrong(at.where, "there are <defaults> for " + *id + " already. Put all into one.");
        defaults_[module] = read_sets(at, *project_.modules[module], say_);
    }

    void read_instance(const element& at) {
        expect_attributes(at, {"name", "module"}, say_);
        expect_children(at, {"set"}, say_);
        expect_no_text(at, say_);
        const auto* name = need_attribute(at, "name", say_);
        const auto* id = need_attribute(at, "module", say_);
        instance_plan made;
        made.where = at.where;
        made.module = id == nullptr ? no_module : find_module(*id, at.where);
        if (name != nullptr) {
            made.name = *name;
            check_name(*name, at.where);
            project_.instance_index.emplace(*name, static_cast<std::uint32_t>(project_.instances.size()));
        }
        if (made.module != no_module)
            read_settings(at, made);
        project_.instances.push_back(std::move(made));
    }

    void check_name(const std::string& name, const manifest::location& where) {
        if (auto wrong = name_trouble(name, "an instance"); !wrong.empty())
            say_.wrong(where, std::move(wrong));
        if (is_taken_name(name))
            say_.wrong(where, "an instance cannot be called " + in_quotes(name) +
                                  ", which means something else in rules. Choose another name.");
        if (const auto known = project_.find_instance(name))
            say_.wrong(where, "there is an instance " + in_quotes(name) + " already, in line " +
                                  std::to_string(project_.instances[*known].where.line) +
                                  ". Give each its own name.");
    }

    void read_settings(const element& at, instance_plan& made) {
        const auto& module = *project_.modules[made.module];
        made.settings = read_sets(at, module, say_);
        const auto own = made.settings.size();
        for (const auto& one : defaults_[made.module]) {
            const auto end = made.settings.begin() + static_cast<std::ptrdiff_t>(own);
            const bool overridden = std::any_of(
                made.settings.begin(), end, [&](const setting_plan& mine) { return mine.what == one.what; });
            if (!overridden)
                made.settings.push_back(one);
        }
        for (const auto& setting : module.settings) {
            const bool given =
                std::any_of(made.settings.begin(), made.settings.end(),
                            [&](const setting_plan& one) { return one.what == &setting && !one.absent; });
            const bool written =
                std::any_of(at.children.begin(), at.children.end(), [&](const element& child) {
                    return child.attribute("name") != nullptr && *child.attribute("name") == setting.id;
                });
            if (setting.required && !given && !written)
                say_.wrong(at.where,
                           (made.name.empty() ? "this instance" : "the instance " + made.name) + " has no " +
                               setting.id + ". Add <set name=\"" + setting.id + "\">…</set>.",
                           setting.id);
        }
        for (const auto& one : made.settings)
            if (one.test)
                for (const auto& name : one.test->capture_names())
                    if (!name.empty())
                        made.session_names.push_back(name);
    }

    void read_texts(std::uint32_t which) {
        auto& instance = project_.instances[which];
        for (auto& one : instance.settings) {
            if (one.test || one.bytes || one.absent)
                continue;
            const setting_names names{project_, which, around_, one.what->expand == manifest::expansion::use};
            std::vector<std::string> mistakes;
            std::vector<std::string> warnings;
            one.text = text_template::parse(one.written, names, mistakes, warnings);
            if (!mistakes.empty())
                broken_texts_.emplace_back(one.where.line, one.where.column);
            for (auto& sentence : mistakes)
                say_.wrong(one.where, std::move(sentence));
            for (auto& sentence : warnings)
                say_.warn(one.where, std::move(sentence));
        }
    }

    /// What each instance will be given, with secrets put in, as the manifest sees it.
    void judge_settings() {
        for (std::uint32_t which = 0; which < project_.instances.size(); ++which) {
            const auto& instance = project_.instances[which];
            if (instance.module == no_module)
                continue;
            std::vector<manifest::mistake> found;
            settings_of(project_, which, around_, found);
            for (auto& one : found) {
                const std::pair place{one.where.line, one.where.column};
                // What a text that could not be read would be, nobody knows.
                if (std::find(broken_texts_.begin(), broken_texts_.end(), place) == broken_texts_.end())
                    say_.wrong(one.where, std::move(one.sentence));
            }
        }
    }

    project& project_;
    surroundings& around_;
    connector who_;
    complaints& say_;
    std::map<std::string, std::uint32_t> modules_;
    std::map<std::string, std::string> refusals_;
    std::map<std::uint32_t, std::vector<setting_plan>> defaults_;
    std::vector<std::pair<int, int>> broken_texts_; ///< line and column
};

std::shared_ptr<project> read_root(const element& root, const fs::path& file, surroundings& around,
                                   std::vector<manifest::mistake>& mistakes, connector who) {
    if (root.name.empty())
        return nullptr; // what is wrong with it has been said
    complaints say{mistakes};
    auto made = std::make_shared<project>();
    made->file = file;
    project_reader{*made, around, who, say}.read(root);
    say.finish(root.where.file);
    return say.mistakes() == 0 ? made : nullptr;
}

/// Secrets and environment variables; the only names in settings that the host itself puts in.
class setting_scope final : public scope {
public:
    explicit setting_scope(surroundings& around) : around_(around) {}

    bool supply(const reference& what, value_view& found, std::string& why) override {
        const auto& name = around_.symbols().name(what.index);
        const bool is_secret = what.from == source::secret;
        const auto* value = is_secret ? around_.secret(name) : around_.environment(name);
        if (value == nullptr) {
            why = is_secret ? "there is no secret " + in_quotes(name) +
                                  " any more. Add it to the project's secrets file."
                            : "the environment has no variable " + name + ".";
            return false;
        }
        found = value_view::of(std::string_view{*value});
        return true;
    }

private:
    surroundings& around_;
};

} // namespace

std::vector<fs::path> file_folders_of(const project& from, surroundings& around) {
    std::vector<fs::path> folders{fs::absolute(from.file).parent_path() / "files"};
    const auto& more = around.file_folders();
    folders.insert(folders.end(), more.begin(), more.end());
    return folders;
}

bool setting_plan::same_as(const setting_plan& other) const {
    const bool same_test = (test == nullptr) == (other.test == nullptr) &&
                           (test == nullptr || test->specs() == other.test->specs());
    return what->number == other.what->number && written == other.written && bytes == other.bytes &&
           absent == other.absent && same_test;
}

std::optional<std::uint32_t> project::find_instance(std::string_view wanted) const {
    const auto found = instance_index.find(wanted);
    return found == instance_index.end() ? std::nullopt : std::optional{found->second};
}

std::optional<std::uint32_t> project::find_rule(std::string_view wanted) const {
    const auto found = rule_index.find(wanted);
    return found == rule_index.end() ? std::nullopt : std::optional{found->second};
}

std::shared_ptr<const project> read_project(const fs::path& file, surroundings& around,
                                            std::vector<manifest::mistake>& mistakes) {
    auto text = std::make_shared<std::string>();
    const auto root = manifest::read_xml(file, mistakes, *text);
    auto made = read_root(root, file, around, mistakes, connector::project);
    if (made != nullptr)
        made->source = std::move(text);
    return made;
}

std::shared_ptr<const project> read_project(std::shared_ptr<const std::string> text, const fs::path& file,
                                            surroundings& around, std::vector<manifest::mistake>& mistakes) {
    auto made = read_root(manifest::parse_xml(*text, file.string(), mistakes), file, around, mistakes,
                          connector::project);
    if (made != nullptr)
        made->source = std::move(text);
    return made;
}

std::shared_ptr<const project> parse_project(std::string_view xml, const fs::path& file, surroundings& around,
                                             std::vector<manifest::mistake>& mistakes, connector who) {
    return read_root(manifest::parse_xml(xml, file.string(), mistakes), file, around, mistakes, who);
}

std::vector<setting_value> settings_of(const project& from, std::uint32_t instance, surroundings& around,
                                       std::vector<manifest::mistake>& mistakes) {
    using manifest::type;
    std::vector<setting_value> values;
    setting_scope scope{around};
    const auto folders = file_folders_of(from, around);
    for (const auto& one : from.instances[instance].settings) {
        const auto& what = *one.what;
        setting_value made;
        made.number = what.number;
        made.secret =
            what.type == type::secret || one.text.uses(source::secret) || one.text.uses(source::environment);
        const auto wrong = [&](std::string sentence) {
            mistakes.push_back({one.where, std::move(sentence), false});
        };
        if (one.absent)
            continue;
        if (one.test) {
            made.test = one.test;
        } else if (one.bytes) {
            made.what.assign(value_view::of_bytes(one.written));
        } else if (what.expand == manifest::expansion::use) {
            if (const auto sentence = manifest::judge(what, one.written); !sentence.empty()) {
                wrong(sentence);
                continue;
            }
            made.what.assign(value_view::of(std::string_view{one.written}));
        } else {
            std::string text;
            std::string why;
            if (!one.text.expand(scope, text, why)) {
                wrong(why);
                continue;
            }
            if (why = manifest::judge(what, text); !why.empty()) {
                wrong(why);
                continue;
            }
            const auto view = value_view::of(std::string_view{text});
            bool fits = true;
            if (what.type == type::boolean) {
                fits = convert(view, variable_type::boolean, made.what);
            } else if (what.type == type::integer) {
                fits = convert(view, variable_type::integer, made.what);
            } else if (what.type == type::real) {
                fits = convert(view, variable_type::real, made.what);
            } else if (what.type == type::file && !text.empty()) {
                const auto path = find_file(text, folders, why);
                if (!path) {
                    wrong(what.id + ": " + why);
                    continue;
                }
                made.what.assign(value_view::of(std::string_view{path->native()}));
            } else {
                made.what.assign(view);
            }
            if (!fits) {
                wrong(what.id + " cannot be " + in_quotes(text) + ".");
                continue;
            }
        }
        values.push_back(std::move(made));
    }
    return values;
}

bool same_instance(const project& left, std::uint32_t left_instance, const project& right,
                   std::uint32_t right_instance) {
    const auto& one = left.instances[left_instance];
    const auto& other = right.instances[right_instance];
    return one.name == other.name && left.modules[one.module]->id == right.modules[other.module]->id &&
           std::equal(one.settings.begin(), one.settings.end(), other.settings.begin(), other.settings.end(),
                      [](const setting_plan& a, const setting_plan& b) { return a.same_as(b); });
}

succession succession_of(const project& before, const project& after) {
    succession made;
    for (const auto& one : before.rules.rules) {
        const auto found = after.find_rule(one.name);
        made.rules.push_back(found && after.rules.rules[*found].written == one.written ? *found : no_rule);
        made.named.push_back(found.value_or(no_rule));
    }
    for (const auto& one : before.modules) {
        const auto found = std::find_if(after.modules.begin(), after.modules.end(),
                                        [&](const auto& each) { return each->id == one->id; });
        made.modules.push_back(found == after.modules.end()
                                   ? no_rule
                                   : static_cast<std::uint32_t>(found - after.modules.begin()));
    }
    for (const auto& one : before.instances) {
        const auto found = after.find_instance(one.name);
        const bool same = found && after.instances[*found].module == made.modules[one.module];
        made.instances.push_back(same ? *found : no_rule);
    }
    return made;
}

std::unique_ptr<naming> names_for_settings(const project& from, std::uint32_t instance,
                                           surroundings& around) {
    return std::make_unique<setting_names>(from, instance, around, true);
}

} // namespace iom::host
