// What is done by hand: actions and how they end.

#include "web/body.hpp"

#include "web/drafts.hpp"

#include <algorithm>

namespace iom::host::web {
namespace {

/// An argument as it was given, typed as the manifest says; it lives until the call was begun.
struct given_argument {
    value what;
    std::shared_ptr<const match> test;
};

constexpr std::size_t most_matches = 64; ///< in all arguments of one call

/// An argument of type match.
struct given_matches {
    std::vector<match_spec> specs;
    std::shared_ptr<const match> test;
    std::string why; ///< it is none; empty: it is
};
using matches_by_argument = std::map<std::string, given_matches, std::less<>>;

void read_matches(const json& from, given_matches& to) {
    for (const json& each : from) {
        match_spec one;
        const auto kind = match_kind_of(each.at("kind").get<std::string>());
        if (!kind) {
            to.why = "There is no such kind of match.";
            return;
        }
        one.kind = *kind;
        one.text = each.at("text").get<std::string>();
        one.pointer = each.value("pointer", std::string());
        one.as = each.value("as", std::string());
        if (each.contains("op")) {
            const auto compare = json_comparison_of(each.at("op").get<std::string>());
            if (!compare) {
                to.why = "There is no such comparison.";
                return;
            }
            one.compare = *compare;
        }
        to.specs.push_back(std::move(one));
    }
}

/// Arguments that are lists: none but those of type match may be.
matches_by_argument read_all_matches(const json& arguments) {
    matches_by_argument found;
    for (const auto& [id, from] : arguments.items()) {
        if (from.is_array()) {
            read_matches(from, found[id]);
        }
    }
    return found;
}

/// Takes long where there are many regular expressions.
void compile(matches_by_argument& all) {
    for (auto& [id, one] : all) {
        if (one.why.empty()) {
            std::size_t which = 0;
            one.test = match::compile(one.specs, one.why, which);
        }
    }
}

/// What is wrong with it, or empty.
std::string read_argument(const manifest::field& field, const json& from, const matches_by_argument& matches,
                          given_argument& to) {
    std::string why;
    if (field.type == manifest::type::match) {
        const auto found = matches.find(field.id);
        if (found == matches.end()) {
            return field.id + " is a list of matches.";
        }
        to.test = found->second.test;
        return found->second.why;
    }
    if (!from.is_string()) {
        return field.id + " is given as a text.";
    }
    const std::string& text = from.get_ref<const std::string&>();
    if (field.type == manifest::type::secret && text.size() > redactor::longest_passing) {
        return too_long_secret(field.id, text.size());
    }
    to.what.assign(value_view::of(std::string_view(text)));
    // What the rules expand stands for itself here.
    const bool plain = field.type == manifest::type::text || field.type == manifest::type::data ||
                       field.type == manifest::type::secret;
    if (!plain || !has_insertion(text)) {
        why = manifest::judge(field, text);
    }
    if (!why.empty()) {
        return why;
    }
    bool fits = true;
    const value_view as_text = value_view::of(std::string_view(text));
    if (field.type == manifest::type::boolean) {
        fits = convert(as_text, variable_type::boolean, to.what);
    } else if (field.type == manifest::type::integer) {
        fits = convert(as_text, variable_type::integer, to.what);
    } else if (field.type == manifest::type::real) {
        fits = convert(as_text, variable_type::real, to.what);
    }
    return fits ? std::string() : field.id + " cannot be " + in_quotes(text) + ".";
}

/// Puts the value of a stored secret in the place of its name, if it `may` go to that instance; otherwise it
/// says why not.
std::string resolve(site& around, const secret_set& may, const std::string& instance, std::string& text) {
    constexpr std::string_view before = "${secret:";
    if (!text.starts_with(before)) {
        return "Environment variables are not given to an action by hand: write " + text +
               " into a setting or rule of the project's file instead, and reload it.";
    }
    const std::string name = text.substr(before.size(), text.size() - before.size() - 1);
    if (!may.contains(name)) {
        return "The secret " + name + " is not used where " + instance +
               " leads, so it is not sent there by its name. Type its value, use it in the settings of " +
               instance + ", or give it anew under its name first.";
    }
    const std::string* const value = around.secret(name);
    if (value == nullptr) {
        return around.last_refusal();
    }
    text = *value;
    return {};
}

/// Whether an argument may be meant as the name of a secret.
bool names_a_secret(const json& arguments) {
    return std::any_of(arguments.begin(), arguments.end(), [](const json& each) {
        return each.is_string() && is_reference(each.get_ref<const std::string&>());
    });
}

json argument_mistake(const std::string& sentence, const std::string& id) {
    return {{"mistakes", {{{"sentence", sentence}, {"warning", false}, {"at", "/arguments/" + id}}}}};
}

} // namespace

void web::body::call_action(const std::shared_ptr<asking>& from, reply to) {
    const std::string name = from->value("name");
    const std::string action = from->value("action");
    const json arguments = from->body.value("arguments", json::object());
    // A stored one goes only to where the project itself has it go, or who calls has just given it.
    const std::shared_ptr<const words> said = say();
    secret_set may_name;
    if (names_a_secret(arguments)) {
        may_name = secrets_used_at(said->xml(), name, said->modules());
        may_name.merge(given_.of(from->who, steady_ms()));
    }
    const double seconds = std::strtod(from->query("wait").c_str(), nullptr);
    const std::int64_t until = steady_ms() + static_cast<std::int64_t>(std::clamp(seconds, 0.0, 25.0) * 1000);
    auto matches = std::make_shared<matches_by_argument>(read_all_matches(arguments));
    std::size_t count = 0;
    for (const auto& [id, one] : *matches) {
        count += one.specs.size();
        if (count > most_matches) {
            to(mistake_at("/arguments/" + id, "A call takes " + std::to_string(most_matches) +
                                                  " matches at most, and these are more."));
            return;
        }
    }
    const auto begin = [=, this] {
        auto begun = std::make_shared<std::uint64_t>(0);
        on_control(
            [this, begun, until, to, asked = from->what](answer made) {
                if (*begun == 0) {
                    to(std::move(made));
                } else {
                    wait_for_call(asked, *begun, until, to, 202);
                }
            },
            [this, begun, name, action, arguments, matches, may_name,
             generation = said->generation()](desk& at) {
                runtime& controller = at.controller();
                if (!may_name.empty() && controller.generation() != generation) {
                    return problem(409, "conflict", "The project has been changed just now. Call it again.");
                }
                const auto index = controller.current().find_instance(name);
                if (!index) {
                    return no_such("instance \"" + name + '"');
                }
                const manifest::module_manifest& module = controller.at(*index).module().manifest;
                const manifest::action* const what = module.find_action(action);
                if (what == nullptr) {
                    return no_such("action \"" + action + '"');
                }
                for (const auto& [id, unused] : arguments.items()) {
                    if (what->find_argument(id) == nullptr) {
                        const std::string sentence = name + '/' + action + " has no argument " + id + '.';
                        return problem(422, "mistakes", sentence, argument_mistake(sentence, id));
                    }
                }
                std::vector<given_argument> given(what->arguments.size());
                std::vector<argument_view> views;
                for (std::size_t place = 0; place < what->arguments.size(); ++place) {
                    const manifest::field& field = what->arguments[place];
                    const auto found = arguments.find(field.id);
                    std::string wrong;
                    if (found == arguments.end() || *found == "") {
                        if (!field.required &&
                            (found == arguments.end() || field.type != manifest::type::text)) {
                            continue;
                        }
                        if (field.required && found == arguments.end()) {
                            wrong = name + '/' + action + " needs the argument " + field.id + '.';
                        }
                    }
                    json text = found == arguments.end() ? json("") : *found;
                    if (field.type == manifest::type::secret && text.is_string() &&
                        is_reference(text.get_ref<const std::string&>())) {
                        wrong = resolve(controller.around(), may_name, name, text.get_ref<std::string&>());
                    }
                    if (wrong.empty()) {
                        wrong = read_argument(field, text, *matches, given[place]);
                    }
                    if (!wrong.empty()) {
                        return problem(422, "mistakes", wrong, argument_mistake(wrong, field.id));
                    }
                    argument_view view{field.number, given[place].what.view(), nullptr};
                    if (field.type == manifest::type::match) {
                        view.test = &given[place].test;
                    }
                    views.push_back(view);
                }
                std::string why;
                const page_call* const call = at.call(*index, *what, views, why);
                if (call == nullptr) {
                    return problem(409, "conflict", known_.redact(why));
                }
                *begun = call->number;
                return answer{};
            });
    };
    if (count == 0) {
        begin();
        return;
    }
    on_trial(to, [this, matches, begin, to] {
        compile(*matches);
        back(to, begin);
        return answer_later();
    });
}

void web::body::get_call(const std::shared_ptr<asking>& from, reply to) {
    const double seconds = std::strtod(from->query("wait").c_str(), nullptr);
    const std::int64_t until = steady_ms() + static_cast<std::int64_t>(std::clamp(seconds, 0.0, 25.0) * 1000);
    wait_for_call(from->what, static_cast<std::uint64_t>(from->number("id").value_or(0)), until,
                  std::move(to), 200);
}

/// Answers with the call when it has ended, or when the time is over.
void web::body::wait_for_call(const std::shared_ptr<request>& asked, std::uint64_t number, std::int64_t until,
                              reply to, int running_status) {
    if (asked->gone) {
        return;
    }
    auto found = std::make_shared<json>();
    on_control(
        [this, asked, found, number, until, to, running_status](answer made) {
            if (found->is_null()) {
                to(made.status == 200 ? no_such("such call") : std::move(made));
                return;
            }
            const bool running = found->at("state") == "running";
            if (running && steady_ms() < until && waiters_.size() < most_waiters) {
                waiters_.push_back({asked, number, until, running_status, to});
                desk_->arm();
                pump_within(50'000);
                return;
            }
            if (found->contains("sentence")) {
                (*found)["sentence"] = known_.redact(found->at("sentence").get<std::string>());
            }
            to(json_answer(running ? running_status : 200, *found));
        },
        [found, number](desk& at) {
            if (const page_call* const call = at.find_call(number)) {
                *found = call_json(*call);
            }
            return answer{};
        });
}

} // namespace iom::host::web
