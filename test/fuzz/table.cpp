#include "table.hpp"

#include "project_edit.hpp"

#include "target.hpp"

#include <memory>

using namespace iom;
using namespace iom::host;

void fuzz(std::string_view input) {
    static const auto module = [] {
        std::vector<manifest::mistake> mistakes;
        return manifest::read_manifest(IOM_SOURCE_FOLDER "/manifest/websocket-client.xml", mistakes);
    }();
    const auto made = read_table(input, module);
    for (const auto& one : made.mistakes)
        require(!one.sentence.empty() && (one.row == table_mistake::no_row || one.row < made.rows.size()));
    if (!made.mistakes.empty())
        return;
    require(!made.rows.empty() && made.rows.size() <= 1'000);
    const auto added = add_instances("<project name=\"p\"/>", made.rows);
    if (!added.done())
        return;
    std::vector<manifest::mistake> mistakes;
    const auto root = manifest::parse_xml(added.text, "", mistakes);
    const auto now =
        read_instances(root, [&](std::string_view id) { return id == module.id ? &module : nullptr; });
    require(now.size() == made.rows.size());
    for (std::size_t at = 0; at < now.size(); ++at)
        require(now[at].name == made.rows[at].name &&
                now[at].settings.size() == made.rows[at].settings.size());
}
