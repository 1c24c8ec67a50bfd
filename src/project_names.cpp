#include "project_names.hpp"

#include "checks.hpp"
#include "host_manifest.hpp"

#include <algorithm>

namespace iom::host {

namespace {

constexpr std::string_view reserved[] = {"instance", "seq", "uuid", "now", "this", "host", "session"};

reference make(source from, std::uint32_t index, bool harmless = false, std::uint32_t owner = this_instance) {
    reference made;
    made.from = from;
    made.index = index;
    made.harmless = harmless;
    made.owner = owner;
    return made;
}

} // namespace

bool is_reserved_name(std::string_view name) noexcept {
    return std::find(std::begin(reserved), std::end(reserved), name) != std::end(reserved);
}

bool is_harmless(const manifest::field& what) noexcept {
    using manifest::type;
    return what.type == type::boolean || what.type == type::integer || what.type == type::real ||
           what.type == type::choice;
}

common_names::answer common_names::find_common(std::string_view name, reference& found,
                                               std::string& why) const {
    if (name.empty()) {
        why = "there is no name between the braces. Write one, or $${ for a literal ${.";
        return answer::wrong;
    }
    if (name.starts_with("secret:")) {
        const auto which = name.substr(7);
        if (around_.secret(which) == nullptr) {
            why = "there is no secret " + in_quotes(which) + ". Add the line " + std::string{which} +
                  "=… to the project's secrets file.";
            return answer::wrong;
        }
        found = make(source::secret, around_.symbols().intern(which));
        return answer::found;
    }
    if (name.starts_with("env:")) {
        const auto which = name.substr(4);
        if (!which.starts_with("IOM_")) {
            why = "only environment variables that begin with IOM_ can be used. Call it IOM_" +
                  std::string{which} + ".";
            return answer::wrong;
        }
        if (around_.environment(which) == nullptr) {
            why =
                "the environment has no variable " + std::string{which} + ". Set it before the host starts.";
            return answer::wrong;
        }
        found = make(source::environment, around_.symbols().intern(which));
        return answer::found;
    }
    if (name == "uuid") {
        found = make(source::uuid, 0, true);
        return answer::found;
    }
    if (name == "now") {
        found = make(source::now, 0, true);
        return answer::found;
    }

    std::string_view owner;
    std::string_view id;
    if (!split_reference(name, owner, id))
        return answer::other;
    if (owner == "host") {
        for (std::uint32_t which = 0; which < from_.variables.size(); ++which) {
            const auto& variable = from_.variables[which];
            if (variable.name == id) {
                found = make(source::variable, which, variable.type != variable_type::text);
                return answer::found;
            }
        }
        std::vector<std::string> names;
        for (const auto& variable : from_.variables)
            names.push_back(variable.name);
        why = "there is no variable " + in_quotes(id) + "." + suggestion(id, names);
        return answer::wrong;
    }
    if (owner == "session" || owner == "this")
        return answer::other;
    const auto instance = from_.find_instance(owner);
    if (!instance) {
        std::vector<std::string> names{"host", "this", "session"};
        for (const auto& one : from_.instances)
            names.push_back(one.name);
        why = "there is no instance " + in_quotes(owner) + "." + suggestion(owner, names);
        return answer::wrong;
    }
    return find_status(from_.instances[*instance].module, id, *instance, found, why) ? answer::found
                                                                                     : answer::wrong;
}

bool common_names::find_status(std::uint32_t module, std::string_view id, std::uint32_t owner,
                               reference& found, std::string& why) const {
    if (module == no_module) {
        found = make(source::status, 0, true, owner);
        return true;
    }
    const auto& statuses = from_.modules[module]->statuses;
    for (std::uint32_t which = 0; which < statuses.size(); ++which) {
        if (statuses[which].id == id) {
            found = make(source::status, which, is_harmless(statuses[which]), owner);
            return true;
        }
    }
    why = "the module " + from_.modules[module]->id + " has no status " + in_quotes(id) + "." +
          suggestion(id, ids_of(statuses));
    return false;
}

bool common_names::captures_in_session(std::uint32_t instance, std::string_view name) const {
    const auto& one = from_.instances[instance];
    return one.module == no_module ||
           std::find(one.session_names.begin(), one.session_names.end(), name) != one.session_names.end();
}

// ---- settings ----------------------------------------------------------------------------------------

bool setting_names::find(std::string_view name, reference& found, std::string& why) const {
    if (!at_use_ && !name.starts_with("secret:") && !name.starts_with("env:")) {
        why = "in this setting only ${secret:NAME} and ${env:IOM_NAME} can be used.";
        return false;
    }
    const auto common = find_common(name, found, why);
    if (common != answer::other)
        return common == answer::found;
    if (name == "instance") {
        found = make(source::instance, 0, true);
        return true;
    }
    if (name == "seq") {
        found = make(source::seq, 0, true);
        return true;
    }
    if (name.starts_with("session/")) {
        const auto capture = name.substr(8);
        if (!captures_in_session(instance_, capture)) {
            why = "no match in the settings of " + from_.instances[instance_].name + " captures " +
                  in_quotes(capture) + ". Name one with as=\"" + std::string{capture} +
                  "\", in an <await> of its greeting.";
            return false;
        }
        found = make(source::session, around_.symbols().intern(capture));
        return true;
    }
    if (name.starts_with("this/"))
        return find_status(from_.instances[instance_].module, name.substr(5), this_instance, found, why);
    why = "this name means nothing in a setting. There are secret:NAME, env:IOM_NAME, session/NAME, "
          "host/variable, "
          "instance/status, this/status, instance, seq, uuid, now and char:1e.";
    return false;
}

// ---- rules -------------------------------------------------------------------------------------------

const manifest::trigger* rule_names::trigger_of(const listening& heard) const {
    const auto& among = heard.instance == host_instance ? host_manifest().triggers
                        : heard.instance == any_instance
                            ? from_.modules[heard.module]->triggers
                            : from_.modules[from_.instances[heard.instance].module]->triggers;
    const auto found = std::find_if(among.begin(), among.end(), [&](const manifest::trigger& one) {
        return one.number == heard.trigger;
    });
    return found == among.end() ? nullptr : &*found;
}

std::vector<std::uint32_t> rule_names::firing_instances() const {
    std::vector<std::uint32_t> all;
    for (const auto& heard : rule_.listens) {
        if (heard.instance == host_instance)
            return {};
        if (heard.instance != any_instance) {
            all.push_back(heard.instance);
            continue;
        }
        for (std::uint32_t which = 0; which < from_.instances.size(); ++which)
            if (from_.instances[which].module == heard.module)
                all.push_back(which);
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

bool rule_names::find(std::string_view name, reference& found, std::string& why) const {
    const auto common = find_common(name, found, why);
    if (common != answer::other)
        return common == answer::found;

    if (name == "instance") {
        rule_.by_itself = false;
        found = make(source::instance, 0, true);
        if (!known_ || !firing_instances().empty())
            return true;
        why = "this rule is not fired by an instance, so there is none to name. Write the name itself.";
        return false;
    }
    if (name == "seq") {
        found = make(source::seq, 0, true);
        if (!known_ || !session_instances().empty())
            return true;
        why = "messages are counted in the session of an instance, and here none is addressed. Use it in a "
              "message "
              "that an instance sends.";
        return false;
    }
    if (name.starts_with("session/"))
        return find_session(name.substr(8), found, why);
    if (name.starts_with("this/"))
        return find_this(name.substr(5), found, why);
    return find_in_trigger(name, found, why);
}

std::vector<std::uint32_t> rule_names::session_instances() const {
    if (addressed_ == host_instance || addressed_ == this_instance) {
        rule_.by_itself = false;
        return firing_instances();
    }
    return {addressed_};
}

bool rule_names::find_session(std::string_view name, reference& found, std::string& why) const {
    found = make(source::session, around_.symbols().intern(name));
    const auto instances = session_instances();
    if (instances.empty()) {
        why = "this rule is not fired by an instance, so there is no session. Use it in a message that an "
              "instance "
              "sends.";
        return !known_;
    }
    for (const auto instance : instances) {
        if (!captures_in_session(instance, name)) {
            why = "no match in the settings of " + from_.instances[instance].name + " captures " +
                  in_quotes(name) + ". Name one with as=\"" + std::string{name} +
                  "\", in an <await> of its greeting.";
            return false;
        }
    }
    return true;
}

bool rule_names::find_this(std::string_view id, reference& found, std::string& why) const {
    rule_.by_itself = false;
    const auto instances = firing_instances();
    if (instances.empty()) {
        why = "this rule is not fired by an instance, so this/ means nothing. Write the instance's name.";
        found = make(source::status, 0, true);
        return !known_;
    }
    std::optional<reference> all;
    for (const auto instance : instances) {
        reference one;
        if (!find_status(from_.instances[instance].module, id, this_instance, one, why))
            return false;
        if (all && all->index != one.index) {
            why = "this rule is fired by instances of different modules, which know the status differently. "
                  "Write a "
                  "rule for each.";
            return false;
        }
        all = one;
    }
    found = *all;
    return true;
}

std::optional<name_position> rule_names::position_in(const listening& heard, std::string_view name,
                                                     bool& harmless) const {
    const auto* trigger = trigger_of(heard);
    if (trigger == nullptr)
        return std::nullopt;
    const auto& variables = trigger->variables;
    const auto captures = heard.test ? heard.test->capture_names().size() : 0;

    harmless = false;
    if (const auto number = number_of(name); number && name.front() != '+' && name.front() != '-') {
        if (!number->whole || number->integer < 1)
            return std::nullopt;
        const auto place = static_cast<std::uint64_t>(number->integer) - 1;
        if (place < variables.size()) {
            harmless = is_harmless(variables[static_cast<std::size_t>(place)]);
            return name_position{false, static_cast<std::uint32_t>(place)};
        }
        if (place - variables.size() < captures)
            return name_position{true, static_cast<std::uint32_t>(place - variables.size())};
        return std::nullopt;
    }
    for (std::uint32_t place = 0; place < variables.size(); ++place) {
        if (variables[place].id == name) {
            harmless = is_harmless(variables[static_cast<std::size_t>(place)]);
            return name_position{false, place};
        }
    }
    if (heard.test)
        if (const auto capture = heard.test->find_capture(name))
            return name_position{true, static_cast<std::uint32_t>(*capture)};
    return std::nullopt;
}

bool rule_names::find_in_trigger(std::string_view name, reference& found, std::string& why) const {
    rule_.by_itself = false;
    found = make(source::trigger, 0);
    if (!known_)
        return true;

    std::vector<name_position> positions;
    bool all_harmless = true;
    for (const auto& heard : rule_.listens) {
        bool harmless = false;
        const auto position = position_in(heard, name, harmless);
        if (!position) {
            const auto* trigger = trigger_of(heard);
            auto there = trigger == nullptr ? std::vector<std::string>{} : ids_of(trigger->variables);
            if (heard.test)
                for (const auto& capture : heard.test->capture_names())
                    if (!capture.empty())
                        there.push_back(capture);
            why =
                (trigger == nullptr ? std::string{"the trigger"} : "the trigger " + trigger->id) +
                " supplies no " + in_quotes(name) + "." +
                (there.empty() ? " It has no variables, and nothing is captured." : suggestion(name, there));
            return false;
        }
        all_harmless = all_harmless && harmless;
        positions.push_back(*position);
    }
    if (rule_.listens.empty()) {
        why = "this rule has no <on>, so no trigger supplies " + in_quotes(name) + ".";
        return false;
    }

    const auto known = std::find(rule_.names.begin(), rule_.names.end(), name);
    found.index = static_cast<std::uint32_t>(known - rule_.names.begin());
    found.harmless = all_harmless;
    if (known == rule_.names.end()) {
        rule_.names.emplace_back(name);
        for (std::size_t at = 0; at < positions.size(); ++at)
            rule_.listens[at].positions.push_back(positions[at]);
    }
    return true;
}

} // namespace iom::host
