#include "project_edit.hpp"

#include "xml_text.hpp"

#include "target.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace iom;
using namespace iom::host;
using manifest::element;

namespace {

element read(std::string_view xml) {
    std::vector<manifest::mistake> mistakes;
    return manifest::parse_xml(xml, "", mistakes);
}

// Where the text of a file was written is found by another way than what it reads.
void require_same_texts(std::string_view xml, const element& at) {
    require(own_text(xml, at).text == at.text);
    for (const auto& [name, value] : at.attributes) {
        const auto written = attribute_text(xml, at, name);
        require(written.text == value && written.bytes.size() == value.size());
    }
    for (const auto& child : at.children)
        require_same_texts(xml, child);
}

// Elements only where they belong, and nothing given twice or without its name.
bool is_in_order(const element& at) {
    static const std::map<std::string_view, std::set<std::string_view>> known{
        {"project", {"defaults", "variable", "instance", "rule"}},
        {"defaults", {"set"}},
        {"instance", {"set"}},
        {"set", {"item", "match", "send", "await"}},
        {"await", {"match"}},
        {"rule", {"on", "when", "do"}},
        {"on", {"match"}},
        {"do", {"arg"}},
        {"arg", {"item", "match"}},
    };
    static const std::set<std::string_view> named{"defaults", "variable", "instance", "rule", "set", "arg"};
    const auto belong = known.find(at.name);
    std::set<std::pair<std::string_view, std::string_view>> names;
    return std::all_of(at.children.begin(), at.children.end(), [&](const element& child) {
        if (belong == known.end() || !belong->second.contains(child.name))
            return false;
        const auto* name = child.attribute(child.name == "defaults" ? "module" : "name");
        if (named.contains(child.name) &&
            (name == nullptr || name->empty() || !names.emplace(child.name, *name).second))
            return false;
        return is_in_order(child);
    });
}

// What edits count on, as parse_project has accepted the file.
bool is_project(const element& root) {
    return root.name == "project" && is_in_order(root);
}

} // namespace

void fuzz(std::string_view input) {
    const auto root = read(input);
    if (root.name.empty())
        return;
    require_same_texts(input, root);
    if (!is_project(root))
        return;
    const auto instances = read_instances(root, {});
    const auto rules = read_rule_drafts(root);

    for (const auto& one : instances) {
        // Whether this can be written again at all.
        if (!draft_trouble(to_element(one)).empty())
            continue;
        const auto same = save_settings(input, one.name, one.settings, {});
        require(same.done() && same.text == input);
        const auto renamed = rename_instance(input, one.name, "fresh-name");
        if (renamed.done()) {
            const auto now = read_instances(read(renamed.text), {});
            require(now.size() == instances.size());
            const auto back = rename_instance(renamed.text, "fresh-name", one.name);
            require(!back.done() || read_instances(read(back.text), {}) == instances);
        }
        const auto copied = duplicate_instance(input, one.name, "fresh-copy");
        require(!copied.done() || read_instances(read(copied.text), {}).size() == instances.size() + 1);
        const auto removed = remove_instance(input, one.name, true);
        require(!removed.done() || read_instances(read(removed.text), {}).size() + 1 == instances.size());
        auto fewer = one.settings;
        if (!fewer.empty())
            fewer.erase(fewer.begin());
        fewer.emplace_back("fresh", std::vector<std::string>{"<a>", "&", "]]>"});
        const auto changed = save_settings(input, one.name, fewer, {});
        if (changed.done())
            for (const auto& now : read_instances(read(changed.text), {}))
                require(now.name != one.name || now.settings == fewer);
    }

    std::vector<std::string> names;
    for (const auto& one : rules) {
        names.push_back(one.name);
        if (!draft_trouble(to_element(one)).empty())
            continue;
        auto wanted = one;
        std::reverse(wanted.on.begin(), wanted.on.end());
        std::reverse(wanted.when.begin(), wanted.when.end());
        std::reverse(wanted.act.begin(), wanted.act.end());
        wanted.enabled = !wanted.enabled;
        const auto changed = save_rule(input, one.name, wanted);
        require(changed.done());
        for (const auto& now : read_rule_drafts(read(changed.text)))
            require(now.name != one.name || now == wanted);
    }
    std::reverse(names.begin(), names.end());
    const auto ordered = order_rules(input, names);
    require(ordered.done());
    auto now = read_rule_drafts(read(ordered.text));
    std::reverse(now.begin(), now.end());
    require(now == rules);
}
