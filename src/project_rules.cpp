#include "project_rules.hpp"

#include "files.hpp"
#include "host_manifest.hpp"
#include "http/url.hpp"
#include "project_names.hpp"
#include "project_settings.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace iom::host {

namespace {

constexpr time_us shortest_interval = 10'000;

/// Reads one rule; the names of all rules are known already.
class rule_reader {
public:
    rule_reader(const manifest::element& at, rule& into, project& whole, surroundings& around,
                complaints& say)
        : at_(at), rule_(into), project_(whole), around_(around), say_(say) {}

    void read() {
        expect_attributes(at_, {"name", "enabled", "stop"}, say_);
        expect_children(at_, {"on", "when", "do"}, say_);
        expect_no_text(at_, say_);
        rule_.enabled = truth_attribute(at_, "enabled", true, say_);
        rule_.stop = truth_attribute(at_, "stop", false, say_);

        // What is inserted depends on what fires the rule, wherever that stands.
        std::uint32_t count = 0;
        for (const auto& child : at_.children)
            if (child.name == "on")
                read_on(child, count++);
        rule_names names{project_, around_, rule_, known_};
        for (const auto& child : at_.children) {
            names.address(host_instance);
            if (child.name == "when")
                read_when(child, names);
        }
        for (const auto& child : at_.children)
            if (child.name == "do")
                read_do(child, names);
    }

private:
    // ---- on ------------------------------------------------------------------------------------------

    void read_on(const manifest::element& at, std::uint32_t on) {
        expect_attributes(at, {"trigger", "interval"}, say_);
        expect_children(at, {"match"}, say_);
        expect_no_text(at, say_);

        const auto before = say_.mistakes();
        match_extras extras;
        auto test = read_matches(at, &extras, say_);
        bool good = say_.mistakes() == before;

        listening heard;
        heard.on = on;
        const auto first = rule_.listens.size();
        good = read_trigger(at, heard) && good;
        if (good && first < rule_.listens.size())
            good = complete(at, first, test, extras);
        known_ = known_ && good;
    }

    /// Finds what the <on> listens to and adds a listening for each module; false if that is not known.
    bool read_trigger(const manifest::element& at, listening& heard) {
        const auto* written = need_attribute(at, "trigger", say_);
        if (written == nullptr)
            return false;
        std::string_view owner;
        std::string_view id;
        if (!split_reference(*written, owner, id)) {
            say_.wrong(at.where, in_quotes(*written) + " is no trigger. Write instance/trigger, as in "
                                                       "press/message-received.");
            return false;
        }
        const auto interval = duration_attribute(at, "interval", say_);
        if (owner == "host") {
            heard.instance = host_instance;
            return add_listening(at, heard, host_manifest(), id) && check_interval(at, id, interval);
        }
        if (at.attribute("interval") != nullptr)
            say_.wrong(at.where, "interval belongs to the trigger host/every. Remove it.");
        if (owner == "*")
            return add_wildcard(at, heard, id);
        if (owner == "this") {
            say_.wrong(at.where,
                       "this/ means the instance that fired, so it cannot say which one fires. Write an "
                       "instance's name, or * for every one.");
            return false;
        }
        const auto instance = project_.find_instance(owner);
        if (!instance) {
            say_.wrong(at.where, "there is no instance " + in_quotes(owner) + "." +
                                     suggestion(owner, owners({"host"})));
            return false;
        }
        heard.instance = *instance;
        const auto module = project_.instances[*instance].module;
        return module != no_module && add_listening(at, heard, *project_.modules[module], id);
    }

    bool add_wildcard(const manifest::element& at, listening heard, std::string_view id) {
        heard.instance = any_instance;
        bool any = false;
        for (const auto& one : project_.instances)
            if (one.module == no_module)
                return false;
        std::vector<std::string> there;
        for (std::uint32_t which = 0; which < project_.modules.size(); ++which) {
            heard.module = which;
            const auto& module = *project_.modules[which];
            const auto ids = ids_of(module.triggers);
            there.insert(there.end(), ids.begin(), ids.end());
            if (module.find_trigger(id) != nullptr)
                any = add_listening(at, heard, module, id) || any;
        }
        if (project_.instances.empty())
            say_.wrong(at.where, "* means every instance, and there is none. Add an <instance>.");
        else if (!any)
            say_.wrong(at.where,
                       "no instance has the trigger " + in_quotes(id) + "." + suggestion(id, there));
        return any;
    }

    bool add_listening(const manifest::element& at, listening heard, const manifest::module_manifest& module,
                       std::string_view id) {
        const auto* trigger = module.find_trigger(id);
        if (trigger == nullptr) {
            say_.wrong(at.where, (module.id == "host" ? "the host" : "the module " + module.id) +
                                     " has no trigger " + in_quotes(id) + "." +
                                     suggestion(id, ids_of(module.triggers)));
            return false;
        }
        heard.trigger = trigger->number;
        for (std::uint32_t place = 0; place < trigger->variables.size(); ++place)
            if (trigger->variables[place].id == trigger->match_variable)
                heard.tested = place;
        const bool has_match = std::any_of(at.children.begin(), at.children.end(),
                                           [](const auto& child) { return child.name == "match"; });
        if (has_match && trigger->match_variable.empty()) {
            say_.wrong(at.where, "the trigger " + trigger->id +
                                     " brings no message that a match could look at. Use "
                                     "<when value=\"…\"> for its variables.");
            return false;
        }
        rule_.listens.push_back(std::move(heard));
        return true;
    }

    bool check_interval(const manifest::element& at, std::string_view id, std::optional<time_us> interval) {
        if (id != "every") {
            if (at.attribute("interval") == nullptr)
                return true;
            say_.wrong(at.where, "interval belongs to the trigger host/every. Remove it.");
            return false;
        }
        if (at.attribute("interval") == nullptr) {
            say_.wrong(at.where, "host/every lacks its interval. Add interval=\"5s\".");
            return false;
        }
        if (!interval)
            return false;
        if (*interval < shortest_interval) {
            say_.wrong(at.where, "the interval is too short. It is at least 10ms.");
            return false;
        }
        rule_.listens.back().interval = *interval;
        return true;
    }

    /// Gives each listening of this <on> its match.
    bool complete(const manifest::element& at, std::size_t first, const std::shared_ptr<const match>& test,
                  match_extras& extras) {
        if (!extras.on_change.empty()) {
            const auto capture = test ? test->find_capture(extras.on_change) : std::nullopt;
            if (!capture) {
                say_.wrong(extras.on_change_where,
                           "on-change names " + in_quotes(extras.on_change) +
                               ", and no match of this <on> captures that. Name a capture with "
                               "as=\"" +
                               extras.on_change + "\".");
                return false;
            }
            extras.gate.on_change = static_cast<std::uint32_t>(*capture);
        }
        if (test) {
            for (auto each = first; each < rule_.listens.size(); ++each) {
                const auto* trigger =
                    rule_names{project_, around_, rule_, true}.trigger_of(rule_.listens[each]);
                for (const auto& name : test->capture_names()) {
                    const bool taken = trigger != nullptr && trigger->find_variable(name) != nullptr;
                    if (!name.empty() && taken) {
                        say_.wrong(at.where,
                                   "a capture cannot be called " + in_quotes(name) +
                                       ", as the trigger has a variable of that name. Choose another name.");
                        return false;
                    }
                }
            }
        }
        for (auto each = first; each < rule_.listens.size(); ++each) {
            rule_.listens[each].test =
                test && !(test->always() && test->capture_names().empty()) ? test : nullptr;
            rule_.listens[each].gate = extras.gate;
        }
        return true;
    }

    // ---- when ----------------------------------------------------------------------------------------

    void read_when(const manifest::element& at, const rule_names& names) {
        expect_attributes(at, {"status", "variable", "value", "is", "is-not", "less", "greater", "contains"},
                          say_);
        expect_children(at, {}, say_);
        expect_no_text(at, say_);

        static constexpr std::array<std::string_view, 3> subjects{"status", "variable", "value"};
        std::string_view kind;
        const std::string* subject = nullptr;
        for (const auto name : subjects) {
            const auto* here = at.attribute(name);
            if (here == nullptr)
                continue;
            if (subject != nullptr)
                return say_.wrong(at.where, "<when> looks at one thing, and here are both " +
                                                std::string{kind} + " and " + std::string{name} +
                                                ". Write a <when> for each.");
            kind = name;
            subject = here;
        }
        if (subject == nullptr)
            return say_.wrong(at.where,
                              "<when> does not say what to look at. Add status=\"…\", variable=\"…\" or "
                              "value=\"…\".");

        condition made;
        const manifest::field* field = nullptr;
        std::optional<variable_type> type;
        if (!read_subject(at, kind, *subject, names, made.subject, field, type))
            return;

        bool any = false;
        for (const auto& [word, operand] : at.attributes) {
            const auto known = condition_word_of(word);
            if (!known)
                continue;
            any = true;
            made.word = *known;
            made.operand = read_text(operand, at.where, names);
            made.written = std::string{kind} + " " + *subject + " " + word + " " + operand;
            if (made.operand.is_literal())
                check_operand(at, *known, operand, field, type);
            rule_.conditions.push_back(made);
        }
        if (!any)
            say_.wrong(
                at.where,
                "<when> does not say what must hold. Add is=\"…\", is-not, less, greater or contains.");
    }

    bool read_subject(const manifest::element& at, std::string_view kind, const std::string& written,
                      const rule_names& names, text_template& subject, const manifest::field*& field,
                      std::optional<variable_type>& type) {
        std::string_view owner;
        std::string_view id;
        const auto before = say_.mistakes();
        if (kind == "status") {
            if (!split_reference(written, owner, id) || owner == "host" || owner == "session") {
                say_.wrong(at.where, in_quotes(written) + " is no status. Write instance/status, as in "
                                                          "press/connection-status.");
                return false;
            }
            subject = read_text("${" + written + "}", at.where, names);
            const auto* found = subject.sole();
            if (say_.mistakes() != before || found == nullptr)
                return false;
            const auto fired_by = names.firing_instances();
            const auto instance =
                found->owner == this_instance && !fired_by.empty() ? fired_by.front() : found->owner;
            const auto module =
                instance < project_.instances.size() ? project_.instances[instance].module : no_module;
            if (module != no_module)
                field = &project_.modules[module]->statuses[found->index];
            return true;
        }
        if (kind == "variable") {
            const auto name = std::string_view{written}.substr(written.starts_with("host/") ? 5 : 0);
            subject = read_text("${host/" + std::string{name} + "}", at.where, names);
            const auto* found = subject.sole();
            if (say_.mistakes() != before || found == nullptr)
                return false;
            type = project_.variables[found->index].type;
            return true;
        }
        subject = read_text(has_insertion(written) ? written : "${" + written + "}", at.where, names);
        return say_.mistakes() == before;
    }

    /// A comparison that could never hold is a slip of the pen.
    void check_operand(const manifest::element& at, condition_word word, const std::string& operand,
                       const manifest::field* field, std::optional<variable_type> type) {
        if (word == condition_word::contains)
            return;
        using manifest::type::boolean, manifest::type::integer, manifest::type::real, manifest::type::choice;
        const bool truth = (field != nullptr && field->type == boolean) || type == variable_type::boolean;
        const bool number = (field != nullptr && (field->type == integer || field->type == real)) ||
                            type == variable_type::integer || type == variable_type::real;
        if (truth && operand != "true" && operand != "false") {
            say_.wrong(at.where, "this is true or false, and never " + in_quotes(operand) +
                                     ". Compare it with one of the two.");
        } else if (number && !number_of(operand)) {
            say_.wrong(at.where,
                       "this is a number, and " + in_quotes(operand) + " is none. Compare it with a number.");
        } else if (field != nullptr && field->type == choice) {
            std::vector<std::string> values;
            for (const auto& one : field->choices)
                values.push_back(one.value);
            if (std::find(values.begin(), values.end(), operand) == values.end())
                say_.wrong(at.where,
                           field->id + " is never " + in_quotes(operand) + "." + suggestion(operand, values));
        }
    }

    // ---- do ------------------------------------------------------------------------------------------

    void read_do(const manifest::element& at, rule_names& names) {
        expect_attributes(at, {"action", "after"}, say_);
        expect_children(at, {"arg"}, say_);
        expect_no_text(at, say_);
        act made;
        made.where = at.where;
        made.after = duration_attribute(at, "after", say_).value_or(0);
        const auto* written = need_attribute(at, "action", say_);
        if (written == nullptr)
            return;
        made.written = *written;
        std::string_view owner;
        std::string_view id;
        if (!split_reference(*written, owner, id))
            return say_.wrong(at.where, in_quotes(*written) + " is no action. Write instance/action, as in "
                                                              "press/send-message.");
        if (!find_targets(at, owner, id, made, names))
            return;
        names.address(made.instance);
        read_arguments(at, made, names);
        rule_.acts.push_back(std::move(made));
    }

    /// False with a mistake, or without one where an instance's module is not known.
    bool find_targets(const manifest::element& at, std::string_view owner, std::string_view id, act& made,
                      const rule_names& names) {
        if (owner == "host") {
            made.instance = host_instance;
            return add_target(at, host_instance, host_manifest(), nullptr, id, made);
        }
        if (owner == "this") {
            rule_.by_itself = false;
            made.instance = this_instance;
            if (!known_)
                return false;
            const auto instances = names.firing_instances();
            if (instances.empty()) {
                say_.wrong(
                    at.where,
                    "this/ means the instance that fired, and this rule is not fired by one. Write the "
                    "instance's name.");
                return false;
            }
            for (const auto instance : instances) {
                const auto module = project_.instances[instance].module;
                if (module == no_module)
                    return false;
                const bool there =
                    std::any_of(made.targets.begin(), made.targets.end(),
                                [&](const action_target& one) { return one.module == module; });
                if (!there &&
                    !add_target(at, module, *project_.modules[module], project_.modules[module], id, made))
                    return false;
            }
            return true;
        }
        if (owner == "*") {
            say_.wrong(at.where, "an action goes to one instance, not to all. Write a <do> for each.");
            return false;
        }
        const auto instance = project_.find_instance(owner);
        if (!instance) {
            say_.wrong(at.where, "there is no instance " + in_quotes(owner) + "." +
                                     suggestion(owner, owners({"this", "host"})));
            return false;
        }
        made.instance = *instance;
        const auto module = project_.instances[*instance].module;
        return module != no_module &&
               add_target(at, module, *project_.modules[module], project_.modules[module], id, made);
    }

    bool add_target(const manifest::element& at, std::uint32_t index, const manifest::module_manifest& module,
                    std::shared_ptr<const manifest::module_manifest> keep, std::string_view id, act& made) {
        const auto* action = module.find_action(id);
        if (action == nullptr) {
            say_.wrong(at.where, (index == host_instance ? "the host" : "the module " + module.id) +
                                     " has no action " + in_quotes(id) + "." +
                                     suggestion(id, ids_of(module.actions)));
            return false;
        }
        made.targets.push_back({index, action, {}, std::move(keep)});
        return true;
    }

    void read_arguments(const manifest::element& at, act& made, const rule_names& names) {
        std::vector<std::string_view> taken;
        for (const auto& child : at.children) {
            if (child.name != "arg")
                continue;
            expect_attributes(child, {"name"}, say_);
            const auto* name = need_attribute(child, "name", say_);
            if (name == nullptr)
                continue;
            if (std::find(taken.begin(), taken.end(), *name) != taken.end()) {
                say_.wrong(child.where, "the argument " + *name + " stands twice here. Remove one.");
                continue;
            }
            taken.push_back(*name);

            std::vector<const manifest::field*> fields;
            for (const auto& target : made.targets) {
                const auto* field = target.what->find_argument(*name);
                if (field == nullptr) {
                    say_.wrong(child.where, "the action " + target.what->id + " has no argument " +
                                                in_quotes(*name) + "." +
                                                suggestion(*name, ids_of(target.what->arguments)));
                    break;
                }
                if (!fields.empty() &&
                    (field->type != fields.front()->type || field->list != fields.front()->list)) {
                    say_.wrong(child.where, "the modules that this/ can lead to take different kinds of " +
                                                *name + ". Write a rule for each.");
                    break;
                }
                fields.push_back(field);
            }
            if (fields.size() == made.targets.size())
                read_argument(child, made, fields, names);
        }
        for (const auto& target : made.targets)
            for (const auto& field : target.what->arguments)
                if (field.required && std::find(taken.begin(), taken.end(), field.id) == taken.end())
                    say_.wrong(at.where,
                               made.written + " lacks its argument " + field.id + ". Add <arg name=\"" +
                                   field.id + "\">…</arg>.",
                               field.id);
        if (is_host(made, host_action::add) &&
            std::find(taken.begin(), taken.end(), "value") == taken.end() &&
            made.place < project_.variables.size() &&
            project_.variables[made.place].type == variable_type::text)
            say_.wrong(at.where, made.written + " lacks its argument value: what to append to the text.",
                       "value");
    }

    static bool is_host(const act& made, std::uint32_t action) {
        return made.instance == host_instance && made.targets.front().what->number == action;
    }

    void read_argument(const manifest::element& at, act& made,
                       const std::vector<const manifest::field*>& fields, const rule_names& names) {
        using manifest::type;
        const auto& field = *fields.front();
        if (field.type == type::match) {
            expect_children(at, {"match"}, say_);
            if (const auto text = trimmed(at.text); !text.empty())
                return say_.wrong(at.where, field.id + " takes <match> elements, not a text. Write <match>" +
                                                std::string{text} + "</match>.");
            if (auto test = read_matches(at, nullptr, say_))
                add_argument(made, fields, {{}, std::move(test)});
            return;
        }
        if (read_place(at, made, field))
            return;
        if (field.list) {
            expect_children(at, {"item"}, say_);
            if (!trimmed(at.text).empty())
                read_value(at, made, fields, names);
            for (const auto& child : at.children)
                if (child.name == "item")
                    read_value(child, made, fields, names);
            return;
        }
        for (const auto& child : at.children)
            say_.wrong(child.where,
                       field.id + " takes a text, not <" + child.name + ">. Write the value itself.");
        read_value(at, made, fields, names);
    }

    void read_value(const manifest::element& at, act& made, const std::vector<const manifest::field*>& fields,
                    const rule_names& names) {
        using manifest::type;
        const auto kind = fields.front()->type;
        const bool exact = kind == type::text || kind == type::secret || kind == type::data;
        const auto written = exact ? std::string_view{at.text} : trimmed(at.text);
        argument_plan plan;
        plan.text = read_text(written, at.where, names);
        if (is_host(made, host_action::http))
            check_http(at, *fields.front(), plan.text, written);
        if (plan.text.is_literal()) {
            for (const auto* field : fields)
                if (const auto sentence = manifest::judge(*field, plan.text.literal()); !sentence.empty())
                    say_.wrong(at.where, sentence);
            check_variable_value(at, made, *fields.front(), plan.text.literal());
        }
        add_argument(made, fields, std::move(plan));
    }

    static void add_argument(act& made, const std::vector<const manifest::field*>& fields,
                             argument_plan plan) {
        made.arguments.push_back(std::move(plan));
        for (std::size_t which = 0; which < made.targets.size(); ++which)
            made.targets[which].arguments.push_back({fields[which]});
    }

    /// Arguments of host actions that name a variable or a rule; true if this is one.
    bool read_place(const manifest::element& at, act& made, const manifest::field& field) {
        const bool names_variable = (is_host(made, host_action::set) || is_host(made, host_action::add)) &&
                                    field.number == host_argument::variable;
        const bool names_rule = is_host(made, host_action::fire) && field.number == host_argument::rule;
        if (!names_variable && !names_rule)
            return false;
        made.place = no_place;
        const auto name = trimmed(at.text);
        if (has_insertion(name)) {
            say_.wrong(at.where,
                       field.id +
                           " takes the name itself, so that it can be checked; ${…} cannot be used here.");
        } else if (names_variable) {
            std::vector<std::string> known;
            for (const auto& one : project_.variables)
                known.push_back(one.name);
            const auto found = std::find(known.begin(), known.end(), name);
            if (found == known.end())
                say_.wrong(at.where,
                           "there is no variable " + in_quotes(name) + "." + suggestion(name, known));
            else
                made.place = static_cast<std::uint32_t>(found - known.begin());
        } else if (const auto found = project_.find_rule(name)) {
            made.place = *found;
        } else {
            std::vector<std::string> known;
            for (const auto& one : project_.rules.rules)
                known.push_back(one.name);
            say_.wrong(at.where, "there is no rule " + in_quotes(name) + "." + suggestion(name, known));
        }
        return true;
    }

    /// host/set and host/add with a value that their variable cannot take. The variable's name may stand
    /// behind the value, so it is looked for anew.
    void check_variable_value(const manifest::element& at, const act& made, const manifest::field& field,
                              std::string_view literal) {
        const bool sets = is_host(made, host_action::set) || is_host(made, host_action::add);
        if (!sets || field.number != host_argument::value || made.place >= project_.variables.size())
            return;
        const auto& variable = project_.variables[made.place];
        value unused;
        if (!convert(value_view::of(literal), variable.type, unused))
            say_.wrong(at.where, in_quotes(literal) + " is no " + std::string{to_word(variable.type)} +
                                     ", and that is what the variable " + variable.name + " holds.");
    }

    /// What can be said of an argument of host/http before anything is inserted.
    void check_http(const manifest::element& at, const manifest::field& field, const text_template& text,
                    std::string_view written) {
        std::string why;
        const auto beginning = written.substr(0, written.find("${"));
        switch (field.number) {
        case host_argument::http_url:
            if (text.is_literal())
                parse_http_url(text.literal(), why);
            else
                why = judge_http_url_beginning(beginning);
            break;
        case host_argument::http_headers:
            if (text.is_literal())
                why = judge_http_header(text.literal());
            else if (beginning.find(':') != beginning.npos)
                why = judge_http_header(beginning);
            break;
        case host_argument::http_tls_ca:
            if (text.is_literal() && !text.literal().empty() &&
                !find_file(text.literal(), file_folders_of(project_, around_), why))
                why = field.id + ": " + why;
            break;
        default:
            break;
        }
        if (!why.empty())
            say_.wrong(at.where, std::move(why));
    }

    // ---- texts ---------------------------------------------------------------------------------------

    text_template read_text(std::string_view written, const manifest::location& where,
                            const rule_names& names) {
        std::vector<std::string> mistakes;
        std::vector<std::string> warnings;
        auto made = text_template::parse(written, names, mistakes, warnings);
        for (auto& sentence : mistakes)
            say_.wrong(where, std::move(sentence));
        for (auto& sentence : warnings)
            say_.warn(where, std::move(sentence));
        return made;
    }

    std::vector<std::string> owners(std::initializer_list<const char*> more) const {
        std::vector<std::string> all{more.begin(), more.end()};
        for (const auto& one : project_.instances)
            all.push_back(one.name);
        return all;
    }

    static constexpr std::uint32_t no_place = 0xffff'ffff;

    const manifest::element& at_;
    rule& rule_;
    project& project_;
    surroundings& around_;
    complaints& say_;
    bool known_ = true; ///< every <on> could be read
};

/// All that an element says, so that equal texts mean equal elements. Lengths keep parts apart.
void write_down(const manifest::element& at, std::string& into) {
    const auto part = [&](char kind, std::string_view text) {
        into += kind;
        into += std::to_string(text.size());
        into += ':';
        into += text;
    };
    part('<', at.name);
    for (const auto& [name, written] : at.attributes) {
        part('@', name);
        part('=', written);
    }
    part('"', at.text);
    for (const auto& child : at.children)
        write_down(child, into);
    into += '>';
}

/// Rules that fire each other in a circle would never end; one that waits (after) breaks it.
class circle_finder {
public:
    circle_finder(const std::vector<rule>& rules, complaints& say)
        : rules_(rules), say_(say), seen_(rules.size()) {}

    void find() {
        for (std::uint32_t which = 0; which < rules_.size(); ++which)
            if (seen_[which] == state::never)
                follow(which);
    }

private:
    enum class state : std::uint8_t { never, on_path, done };
    struct step {
        std::uint32_t rule;
        std::size_t next_act = 0;
    };

    void follow(std::uint32_t from) {
        std::vector<step> path{{from}};
        seen_[from] = state::on_path;
        while (!path.empty()) {
            auto& here = path.back();
            const auto& acts = rules_[here.rule].acts;
            if (here.next_act == acts.size()) {
                seen_[here.rule] = state::done;
                path.pop_back();
                continue;
            }
            const auto& what = acts[here.next_act++];
            const bool fires = what.instance == host_instance && what.after == 0 && !what.targets.empty() &&
                               what.targets.front().what->number == host_action::fire &&
                               what.place < rules_.size();
            if (!fires)
                continue;
            if (seen_[what.place] == state::on_path) {
                tell(path, what);
            } else if (seen_[what.place] == state::never) {
                seen_[what.place] = state::on_path;
                path.push_back({what.place});
            }
        }
    }

    void tell(const std::vector<step>& path, const act& last) {
        std::string circle;
        bool inside = false;
        for (const auto& one : path) {
            inside = inside || one.rule == last.place;
            if (inside)
                circle += in_quotes(rules_[one.rule].name) + " → ";
        }
        say_.wrong(last.where, "rules fire each other in a circle that never ends: " + circle +
                                   in_quotes(rules_[last.place].name) +
                                   ". Take one of these out, or let it wait with "
                                   "after=\"…\".");
    }

    const std::vector<rule>& rules_;
    complaints& say_;
    std::vector<state> seen_;
};

/// What host/fire asks of the rule that it names.
void check_fired_rules(const std::vector<rule>& rules, complaints& say) {
    std::vector<bool> fired(rules.size());
    for (const auto& one : rules) {
        for (const auto& what : one.acts) {
            const bool fires = what.instance == host_instance && !what.targets.empty() &&
                               what.targets.front().what->number == host_action::fire;
            if (!fires || what.place >= rules.size())
                continue;
            fired[what.place] = true;
            if (!rules[what.place].by_itself)
                say.wrong(what.where,
                          "the rule " + in_quotes(rules[what.place].name) +
                              " uses values of its trigger, which are not there when a rule fires it. Pass "
                              "them in a variable (host/set).");
        }
    }
    for (std::size_t which = 0; which < rules.size(); ++which)
        if (rules[which].listens.empty() && !fired[which])
            say.warn(rules[which].where,
                     "nothing fires this rule: it has no <on>, and no other rule fires it. Only "
                     "people can, by hand.");
}

} // namespace

void read_rules(const manifest::element& root, project& into, surroundings& around, complaints& say) {
    auto& rules = into.rules.rules;
    std::vector<const manifest::element*> places;
    for (const auto& child : root.children) {
        if (child.name != "rule")
            continue;
        rule made;
        made.where = child.where;
        write_down(child, made.written);
        if (const auto* name = need_attribute(child, "name", say)) {
            const auto [known, is_new] =
                into.rule_index.emplace(*name, static_cast<std::uint32_t>(rules.size()));
            if (!is_new)
                say.wrong(child.where, "there is a rule " + in_quotes(*name) + " already, in line " +
                                           std::to_string(rules[known->second].where.line) +
                                           ". Give each rule a name of its own.");
            if (auto trouble = rule_name_trouble(*name); !trouble.empty() && !name->empty())
                say.wrong(child.where, std::move(trouble));
            made.name = *name;
        }
        rules.push_back(std::move(made));
        places.push_back(&child);
    }
    for (std::size_t which = 0; which < rules.size(); ++which)
        rule_reader{*places[which], rules[which], into, around, say}.read();
    circle_finder{rules, say}.find();
    // A rule that has mistakes may only seem to have no <on>.
    if (say.mistakes() == 0)
        check_fired_rules(rules, say);
}

} // namespace iom::host
