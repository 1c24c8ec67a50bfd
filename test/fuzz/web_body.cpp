// What pages and scripts send as JSON: bodies of requests, and messages of the channel.

#include "web/drafts.hpp"
#include "web/json_text.hpp"

#include "target.hpp"

using namespace iom;
using namespace iom::host;
using namespace iom::host::web;

namespace {

/// Throws nothing but what says that the JSON has another form.
template <typename Read>
void reads(const json& from, Read read) {
    try {
        read(from);
    } catch (const json::exception&) {
        return;
    }
}

} // namespace

void fuzz(std::string_view input) {
    const json made = parse_json(input);
    if (made.is_discarded())
        return;
    const json copy = made; // recursive: what is too deep for it must not come so far
    require(copy == made);
    reads(made, [](const json& from) { (void)instance_from(from); });
    reads(made, [](const json& from) {
        const rule_draft rule = rule_from(from);
        const auto nobody = [](std::string_view) -> const manifest::module_manifest* { return nullptr; };
        require(rule_from(to_json(rule, nobody)) == rule);
    });
}
