#include "table.hpp"

#include "checks.hpp"
#include "project_edit.hpp"

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <optional>
#include <set>

namespace iom::host {

namespace {

constexpr std::size_t most_rows = 1'000;

using cells = std::vector<std::string>;

std::string lower(std::string_view text) {
    std::string made{text};
    std::transform(made.begin(), made.end(), made.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return made;
}

/// Which of the three parts the head line into most cells.
char separator_of(std::string_view text) {
    std::size_t tabs = 0;
    std::size_t semicolons = 0;
    std::size_t commas = 0;
    bool quoted = false;
    for (const char c : text) {
        if (c == '"')
            quoted = !quoted;
        else if (c == '\n' && !quoted)
            break;
        else if (!quoted) {
            tabs += c == '\t' ? 1 : 0;
            semicolons += c == ';' ? 1 : 0;
            commas += c == ',' ? 1 : 0;
        }
    }
    if (tabs > 0 && tabs >= semicolons && tabs >= commas)
        return '\t';
    return semicolons > 0 && semicolons >= commas ? ';' : ',';
}

/// RFC 4180, with any line end; lines without any cell that holds something are left out. False if a quote is
/// never closed.
bool read_cells(std::string_view text, std::vector<cells>& lines) {
    const char separator = separator_of(text);
    cells line;
    std::string cell;
    bool quoted = false;
    bool was_quoted = false;
    const auto end_cell = [&] {
        line.push_back(was_quoted ? cell : std::string{trimmed(cell)});
        cell.clear();
        was_quoted = false;
    };
    const auto end_line = [&] {
        end_cell();
        if (std::any_of(line.begin(), line.end(), [](const auto& one) { return !one.empty(); }))
            lines.push_back(line);
        line.clear();
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (quoted) {
            if (c != '"')
                cell += c;
            else if (at + 1 < text.size() && text[at + 1] == '"')
                cell += text[++at];
            else
                quoted = false;
        } else if (c == '"' && trimmed(cell).empty() && !was_quoted) {
            cell.clear();
            quoted = was_quoted = true;
        } else if (c == separator) {
            end_cell();
        } else if (c == '\n') {
            end_line();
        } else if (!was_quoted || (c != ' ' && c != '\r' && c != '\t')) {
            cell += c;
        }
    }
    end_line();
    return !quoted;
}

/// A column's setting; null is the name, nothing a column that means nothing.
std::optional<const manifest::setting*> column_of(std::string_view head,
                                                  const manifest::module_manifest& module) {
    const auto wanted = lower(head);
    if (wanted == "name")
        return nullptr;
    for (const auto& one : module.settings)
        if (one.id == wanted)
            return &one;
    for (const auto& one : module.settings)
        if (lower(one.label) == wanted)
            return &one;
    return std::nullopt;
}

value_draft value_of(const manifest::setting& what, const std::string& cell) {
    if (what.type == manifest::type::match) {
        match_draft one;
        one.text = cell;
        return std::vector<match_draft>{one};
    }
    if (!what.list)
        return cell;
    std::vector<std::string> items;
    for (std::string_view rest = cell; !rest.empty();) {
        const auto feed = rest.find('\n');
        if (const auto item = trimmed(rest.substr(0, feed)); !item.empty())
            items.emplace_back(item);
        rest = feed == rest.npos ? std::string_view{} : rest.substr(feed + 1);
    }
    return items;
}

/// Names that the rows can have in a file in which they are judged, whatever is wrong with their own.
std::string stand_in(std::size_t row, const std::set<std::string, std::less<>>& taken) {
    auto name = "row-" + std::to_string(row + 1);
    while (taken.contains(name))
        name += "-";
    return name;
}

} // namespace

table read_table(std::string_view text, const manifest::module_manifest& module) {
    table made;
    const auto wrong = [&](std::size_t row, std::string pointer, std::string sentence) {
        made.mistakes.push_back({row, std::move(pointer), std::move(sentence), false});
    };
    if (text.starts_with("\xEF\xBB\xBF"))
        text.remove_prefix(3);
    std::vector<cells> lines;
    if (!read_cells(text, lines)) {
        wrong(table_mistake::no_row, "",
              "a double quote in this table is never closed. Close it, or write two of them.");
        return made;
    }
    if (lines.empty()) {
        wrong(table_mistake::no_row, "",
              "there is nothing in this table. Begin with a line of headings: name, hostname, path …");
        return made;
    }

    std::vector<std::optional<const manifest::setting*>> columns;
    std::set<const manifest::setting*> seen;
    for (const auto& head : lines.front()) {
        auto column = head.empty() ? std::nullopt : column_of(head, module);
        if (!column && !head.empty()) {
            auto known = ids_of(module.settings);
            known.insert(known.begin(), "name");
            wrong(table_mistake::no_row, "",
                  "the column " + in_quotes(head) + " is no setting of the module " + module.id + "." +
                      suggestion(lower(head), known));
        } else if (column && !seen.insert(*column).second) {
            wrong(table_mistake::no_row, "", "the column " + in_quotes(head) + " stands twice. Remove one.");
        } else if (column && *column != nullptr && (*column)->type == manifest::type::steps) {
            wrong(table_mistake::no_row, "",
                  (*column)->id + " takes steps, which no cell can hold. Take them from another instance.");
        }
        columns.push_back(column);
    }
    if (!seen.contains(nullptr))
        wrong(table_mistake::no_row, "",
              "no column has the heading name. Each instance needs a name of its own.");
    if (lines.size() - 1 > most_rows)
        wrong(table_mistake::no_row, "",
              "there are " + std::to_string(lines.size() - 1) + " rows. Paste at most " +
                  std::to_string(most_rows) + " at once.");
    if (lines.size() == 1)
        wrong(table_mistake::no_row, "",
              "there are headings in this table and no rows. Add a line for each instance.");
    if (!made.mistakes.empty())
        return made;

    for (std::size_t at = 1; at < lines.size(); ++at) {
        const auto row = at - 1;
        instance_draft one;
        one.module = module.id;
        for (std::size_t column = 0; column < lines[at].size(); ++column) {
            const auto& cell = lines[at][column];
            if (cell.empty())
                continue;
            if (column >= columns.size() || !columns[column])
                wrong(row, "",
                      in_quotes(cell) + " stands in a column without a heading. Give it one, or remove it.");
            else if (*columns[column] == nullptr)
                one.name = cell;
            else
                one.settings.emplace_back((*columns[column])->id, value_of(**columns[column], cell));
        }
        made.rows.push_back(std::move(one));
    }
    return made;
}

std::vector<instance_draft> on_top_of(const values_draft& like, std::vector<instance_draft> rows) {
    for (auto& row : rows) {
        auto all = like;
        for (auto& [id, value] : row.settings) {
            const auto known = std::find_if(all.begin(), all.end(),
                                            [&, &key = id](const auto& one) { return one.first == key; });
            if (known == all.end())
                all.emplace_back(id, std::move(value));
            else
                known->second = std::move(value);
        }
        row.settings = std::move(all);
    }
    return rows;
}

std::vector<table_mistake> check_rows(std::string_view xml, const std::filesystem::path& file,
                                      surroundings& around, const std::vector<instance_draft>& rows) {
    std::vector<table_mistake> found;
    std::vector<manifest::mistake> unreadable;
    std::set<std::string, std::less<>> names;
    for (const auto& one : read_instances(manifest::parse_xml(xml, "", unreadable), {}))
        names.insert(one.name);
    auto taken = names;
    for (const auto& row : rows)
        taken.insert(row.name);

    // Every row is judged, also where another is wrong; so rows that cannot be added get another name, and
    // those that cannot be written stay out.
    std::map<std::string, std::size_t, std::less<>> row_of;
    std::vector<instance_draft> added;
    for (std::size_t at = 0; at < rows.size(); ++at) {
        auto row = rows[at];
        auto trouble = instance_name_trouble(row.name, names);
        if (const auto earlier = row_of.find(row.name); trouble.empty() && earlier != row_of.end())
            trouble = "the row " + std::to_string(earlier->second + 1) + " has the name " +
                      in_quotes(row.name) + " already. Give each its own name.";
        if (!trouble.empty()) {
            found.push_back({at, "/name", std::move(trouble), false});
            row.name = stand_in(at, taken);
            taken.insert(row.name);
        }
        if (auto unwritable = draft_trouble(to_element(row)); !unwritable.empty()) {
            found.push_back({at, "", std::move(unwritable), false});
            continue;
        }
        row_of.emplace(row.name, at);
        added.push_back(std::move(row));
    }

    const auto made = add_instances(xml, added);
    if (!made.done()) {
        found.push_back({table_mistake::no_row, "", made.sentence, false});
        return found;
    }
    std::vector<manifest::mistake> mistakes;
    parse_project(made.text, file, around, mistakes);
    const auto root = manifest::parse_xml(made.text, file.string(), unreadable);
    for (auto& one : mistakes) {
        const auto where = find_spot(root, one);
        const auto row = where.what == spot::part::instance ? row_of.find(where.name) : row_of.end();
        // What is wrong elsewhere was so before, or comes of a row and is told without one.
        if (row != row_of.end())
            found.push_back({row->second, where.pointer, std::move(one.sentence), one.warning});
        else if (!one.warning)
            found.push_back({table_mistake::no_row, "", std::move(one.sentence), one.warning});
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& left, const auto& right) { return left.row + 1 < right.row + 1; });
    return found;
}

} // namespace iom::host
