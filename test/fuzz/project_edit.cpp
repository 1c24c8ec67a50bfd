#include "project_edit.hpp"

#include "xml_text.hpp"

#include "target.hpp"

#include <algorithm>
#include <string>
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

// What edits count on: parse_project has accepted the file, so that names are there and stand once.
bool is_project(const element& root) {
    std::vector<std::pair<std::string, std::string>> names;
    for (const auto& child : root.children) {
        const auto* name = child.attribute(child.name == "defaults" ? "module" : "name");
        if (name == nullptr || name->empty())
            return false;
        for (const auto& inner : child.children)
            if ((inner.name == "set" && inner.attribute("name") == nullptr) || inner.name == child.name)
                return false;
        names.emplace_back(child.name, *name);
    }
    std::sort(names.begin(), names.end());
    return root.name == "project" && std::adjacent_find(names.begin(), names.end()) == names.end();
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
