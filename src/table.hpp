#pragma once

#include "project.hpp"
#include "project_draft.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// Many instances at once, from a table that was copied out of a spreadsheet or typed. Pure.
namespace iom::host {

/// Something that is wrong with a table, or (warning) works badly.
struct table_mistake {
    std::size_t row = 0;  ///< of the instances, from 0; `no_row`: the table as a whole
    std::string pointer;  ///< in the row's draft, as in spot; /name is the name
    std::string sentence; ///< as check says it
    bool warning = false;

    static constexpr std::size_t no_row = static_cast<std::size_t>(-1);
};

struct table {
    std::vector<instance_draft> rows;
    std::vector<table_mistake> mistakes;
};

/// Reads text with a head line and one instance on each further line; cells are parted by tabs, semicolons or
/// commas, whichever the head line has most of, and may stand in double quotes (RFC 4180). A column is
/// `name`, or the id or label of a setting, in any case of letters; an empty cell leaves the setting at its
/// default. A list has one value on each line of its cell; a match takes the text that must be contained.
table read_table(std::string_view text, const manifest::module_manifest& module);

/// The rows on top of another instance's settings.
std::vector<instance_draft> on_top_of(const values_draft& like, std::vector<instance_draft> rows);

/// What check would say of each row if all were added to the project: `file` stands for its folder.
std::vector<table_mistake> check_rows(std::string_view xml, const std::filesystem::path& file,
                                      surroundings& around, const std::vector<instance_draft>& rows);

} // namespace iom::host
