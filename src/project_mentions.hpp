#pragma once

#include "manifest/xml.hpp"
#include "xml_text.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Where a project file speaks of an instance, a rule, a variable or a secret. Pure.
namespace iom::host {

/// What is spoken of.
enum class named : std::uint8_t { instance, rule, variable, secret };

/// One place that names something, and who says so.
struct mention {
    named what = named::instance;
    std::string name;
    std::vector<manifest::extent> written;   ///< the name's own bytes in the file
    bool in_cdata = false;                   ///< there characters stand for themselves
    const manifest::element* user = nullptr; ///< the <instance>, <defaults> or <rule>
    bool compared = false; ///< the text that a condition compares the name of the instance or rule with
};

/// All of them, in the file's order; `root` was read from `xml` and must outlive the answer.
std::vector<mention> find_mentions(std::string_view xml, const manifest::element& root);

/// Writes another name in its place.
void replace_name(changes& to, const mention& where, std::string_view name);

/// Names of the rules, in order, that need it. A mere comparison with its name is no need.
std::vector<std::string> rules_with(const std::vector<mention>& all, named what, std::string_view name);

/// Names of the instances, in order, whose settings need it; `<defaults>` for these.
std::vector<std::string> instances_with(const std::vector<mention>& all, named what, std::string_view name);

} // namespace iom::host
