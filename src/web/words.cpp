#include "web/words.hpp"

#include "project_secrets.hpp"
#include "web/crypto.hpp"
#include "web/drafts.hpp"

#include <algorithm>

namespace iom::host::web {

json mistake_json(const manifest::mistake& what, const std::string& at) {
    json made = {{"sentence", what.sentence}, {"warning", what.warning}};
    if (!at.empty()) {
        made["at"] = at;
    }
    return made;
}

json file_mistake_json(const manifest::mistake& what) {
    json made = mistake_json(what, {});
    if (what.where.line != 0) {
        made["line"] = what.where.line;
        made["column"] = what.where.column;
    }
    return made;
}

words::words(std::shared_ptr<const std::string> xml, std::uint32_t generation,
             const std::filesystem::path& file, std::shared_ptr<site> around, std::string key,
             redactor& known)
    : xml_(std::move(xml)), generation_(generation), around_(std::move(around)), key_(std::move(key)),
      file_name_(file.stem().string()) {
    std::vector<manifest::mistake> mistakes;
    root_ = manifest::parse_xml(*xml_, file.string(), mistakes);
    mentions_ = find_mentions(*xml_, root_);
    const moved_secrets moved = move_secrets(*xml_, modules(), stored());
    for (const auto& [name, value] : moved.values) {
        known.add(value, redactor::stay::rotating);
    }
    masked_ = with_comments(moved.text, [&](std::string_view comment) { return known.redact(comment); });
    mistakes.clear();
    masked_root_ = manifest::parse_xml(masked_, file.string(), mistakes);
    instances_ = read_instances(masked_root_, modules());
    rules_ = read_rule_drafts(masked_root_);
    variables_ = read_variables(root_);
    mistakes.clear();
    parse_project(*xml_, file, *around_, mistakes);
    for (manifest::mistake& each : mistakes) {
        if (each.where.line != 0) {
            warnings_.emplace_back(find_spot(root_, each.where), std::move(each));
        }
    }
}

std::string words::project_name() const {
    const std::string* const name = root_.attribute("name");
    return name == nullptr || name->empty() ? file_name_ : *name;
}

const manifest::module_manifest* words::module(std::string_view id) const {
    std::vector<manifest::mistake> mistakes;
    return around_->modules().read(id, mistakes);
}

manifest_lookup words::modules() const {
    return [this](std::string_view id) { return module(id); };
}

manifest_lookup words::modules_of_instances() const {
    return [this](std::string_view name) -> const manifest::module_manifest* {
        const instance_draft* const found = find_instance(name);
        return found == nullptr ? nullptr : module(found->module);
    };
}

const instance_draft* words::find_instance(std::string_view name) const {
    const auto found = std::find_if(instances_.begin(), instances_.end(),
                                    [&](const auto& each) { return each.name == name; });
    return found == instances_.end() ? nullptr : &*found;
}

const rule_draft* words::find_rule(std::string_view name) const {
    const auto found =
        std::find_if(rules_.begin(), rules_.end(), [&](const auto& each) { return each.name == name; });
    return found == rules_.end() ? nullptr : &*found;
}

const variable_draft* words::find_variable(std::string_view name) const {
    const auto found = std::find_if(variables_.begin(), variables_.end(),
                                    [&](const auto& each) { return each.name == name; });
    return found == variables_.end() ? nullptr : &*found;
}

const manifest::element* words::element_of(std::string_view element, std::string_view name) const {
    for (const manifest::element& each : root_.children) {
        const std::string* const called = each.attribute("name");
        if (each.name == element && called != nullptr && *called == name) {
            return &each;
        }
    }
    return nullptr;
}

values_draft words::defaults_of(std::string_view id) const {
    for (const manifest::element& each : masked_root_.children) {
        const std::string* const of = each.attribute("module");
        if (each.name == "defaults" && of != nullptr && *of == id) {
            return read_settings(each, module(id));
        }
    }
    return {};
}

std::string words::setting(const instance_draft& of, std::string_view id) const {
    const values_draft defaults = defaults_of(of.module);
    for (const values_draft* among : {&of.settings, &defaults}) {
        const value_draft* const found = find_value(*among, id);
        if (found != nullptr && std::holds_alternative<std::string>(*found)) {
            return std::get<std::string>(*found);
        }
    }
    const manifest::module_manifest* const described = module(of.module);
    const manifest::setting* const what = described == nullptr ? nullptr : described->find_setting(id);
    return what != nullptr && what->default_value ? *what->default_value : std::string();
}

// ---- revisions

std::string words::revision_of(std::string_view written) const {
    std::string hashed(written);
    constexpr std::string_view mark = "${secret:";
    for (std::size_t at = written.find(mark); at != std::string_view::npos; at = written.find(mark, at + 1)) {
        const std::size_t from = at + mark.size();
        const std::string_view name = written.substr(from, written.find_first_of("}|", from) - from);
        const std::string* const value = around_->secret(name);
        hashed += '\0';
        hashed += value != nullptr ? *value : std::string();
    }
    return base64url(hmac_sha256(key_, hashed)).substr(0, 16);
}

std::string words::instance_revision(std::string_view name) const {
    const manifest::element* const found = element_of("instance", name);
    return found == nullptr ? std::string() : revision_of(found->source.of(*xml_));
}

std::string words::rule_revision(std::string_view name) const {
    const manifest::element* const found = element_of("rule", name);
    return found == nullptr ? std::string() : revision_of(found->source.of(*xml_));
}

std::string words::variable_revision(std::string_view name) const {
    const manifest::element* const found = element_of("variable", name);
    return found == nullptr ? std::string() : revision_of(found->source.of(*xml_));
}

std::string words::rules_revision() const {
    std::string all = "rules";
    for (const manifest::element& each : root_.children) {
        if (each.name == "rule") {
            all += '\0';
            all += each.source.of(*xml_);
        }
    }
    return revision_of(all);
}

std::string words::project_revision() const {
    return revision_of(*xml_);
}

// ---- as JSON

json words::warnings_of(spot::part what, std::string_view name) const {
    json made = json::array();
    for (const auto& [where, mistake] : warnings_) {
        if (where.what != what || where.name != name || !mistake.warning) {
            continue;
        }
        json one = mistake_json(mistake, where.pointer);
        constexpr std::string_view settings = "/settings/";
        if (where.pointer.starts_with(settings)) {
            const std::string rest = where.pointer.substr(settings.size());
            one["setting"] = rest.substr(0, rest.find('/'));
        }
        made.push_back(std::move(one));
    }
    return made;
}

void words::add_to_summary(json& summary) const {
    const std::string name = summary.at("name").get<std::string>();
    const instance_draft* const found = find_instance(name);
    summary["revision"] = instance_revision(name);
    if (found == nullptr) {
        summary["module"] = "";
        return;
    }
    summary["module"] = found->module;
    const std::string hostname = setting(*found, "hostname");
    if (!hostname.empty()) {
        const std::string port = setting(*found, "port");
        const bool six = hostname.find(':') != std::string::npos && hostname.front() != '[';
        summary["address"] = setting(*found, "protocol") + "://" + (six ? "[" : "") + hostname +
                             (six ? "]" : "") + (port.empty() || port == "0" ? "" : ":" + port) +
                             setting(*found, "path");
    } else if (const std::string address = setting(*found, "address"); !address.empty()) {
        summary["address"] = address;
    }
    json badges = json::array();
    for (const char* const id : {"extended-logging", "log-comms"}) {
        if (manifest::read_boolean(setting(*found, id)).value_or(false)) {
            badges.push_back(id);
        }
    }
    if (!badges.empty()) {
        summary["badges"] = badges;
    }
    if (const std::size_t count = warnings_of(spot::part::instance, name).size(); count > 0) {
        summary["warnings"] = count;
    }
}

json words::settings_json(const instance_draft& of) const {
    return to_json(of.settings, setting_fields(module(of.module)));
}

json words::rule_json(const rule_draft& of, bool by_hand) const {
    json made = to_json(of, modules_of_instances());
    made["revision"] = rule_revision(of.name);
    made["byHand"] = by_hand;
    if (json warnings = warnings_of(spot::part::rule, of.name); !warnings.empty()) {
        made["warnings"] = std::move(warnings);
    }
    return made;
}

// ---- without secrets

stored_lookup words::stored() const {
    return [this](std::string_view name) {
        const bool mentioned = std::any_of(mentions_.begin(), mentions_.end(), [&](const mention& each) {
            return each.what == named::secret && each.name == name;
        });
        return !mentioned && around_->secret(name) != nullptr;
    };
}

std::optional<std::string> words::instance_text(std::string_view name) const {
    const manifest::element* const found = element_of("instance", name);
    if (found == nullptr) {
        return std::nullopt;
    }
    // What stands before it may have another length there.
    for (const manifest::element& each : masked_root_.children) {
        const std::string* const called = each.attribute("name");
        if (each.name == "instance" && called != nullptr && *called == name) {
            return std::string(each.source.of(masked_)) + '\n';
        }
    }
    return std::nullopt;
}

} // namespace iom::host::web
