#include "commands/describe.hpp"

#include "host_manifest.hpp"
#include "loader.hpp"

#include <cstdio>
#include <string_view>
#include <vector>

namespace iom::host::commands {
namespace {

constexpr std::size_t width = 100;

/// The words of `text`, broken into lines that begin at `indent`.
void append_wrapped(std::string& out, std::string_view text, std::size_t indent) {
    std::size_t column = 0;
    while (!text.empty()) {
        const std::size_t start = text.find_first_not_of(" \t\r\n");
        if (start == std::string_view::npos) {
            break;
        }
        text.remove_prefix(start);
        const std::string_view word = text.substr(0, text.find_first_of(" \t\r\n"));
        if (column != 0 && column + 1 + word.size() > width) {
            out += '\n';
            column = 0;
        }
        if (column == 0) {
            out.append(indent, ' ');
            column = indent;
        } else {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
        text.remove_prefix(word.size());
    }
    if (column != 0) {
        out += '\n';
    }
}

std::string_view type_name(manifest::type type) {
    switch (type) {
    case manifest::type::boolean:
        return "true or false";
    case manifest::type::integer:
        return "whole number";
    case manifest::type::real:
        return "number";
    case manifest::type::text:
        return "text";
    case manifest::type::choice:
        return "choice";
    case manifest::type::secret:
        return "secret text";
    case manifest::type::file:
        return "file";
    case manifest::type::match:
        return "match";
    case manifest::type::steps:
        return "steps: <send> and <await>";
    case manifest::type::data:
        return "text or binary data";
    }
    return "value";
}

std::string number(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.15g", value);
    return text;
}

/// Type, range, default and the like in one line.
std::string facts_of(const manifest::field& what) {
    std::string out;
    if (what.type == manifest::type::choice && !what.choices.empty()) {
        for (const manifest::choice& each : what.choices) {
            out += (out.empty() ? "" : " | ") + each.value;
        }
    } else {
        out += type_name(what.type);
    }
    if (what.list) {
        out = "list of items, each: " + out;
    }
    const bool measured = what.type == manifest::type::integer || what.type == manifest::type::real;
    const std::string unit =
        measured ? (what.unit.empty() ? "" : " " + what.unit) : std::string(" characters");
    if (what.min && what.max) {
        out += ", " + number(*what.min) + " to " + number(*what.max) + unit;
    } else if (what.min) {
        out += ", at least " + number(*what.min) + unit;
    } else if (what.max) {
        out += ", at most " + number(*what.max) + unit;
    } else if (measured) {
        out += unit.empty() ? "" : "," + unit;
    }
    if (what.required) {
        out += ", required";
    }
    if (what.default_value && !what.default_value->empty()) {
        out += ", default " + *what.default_value;
    }
    return out;
}

void append_field(std::string& out, const manifest::field& what, const std::string& more,
                  std::size_t indent) {
    out.append(indent, ' ');
    out += what.id;
    out += what.label.empty() ? "" : "  \"" + what.label + '"';
    out += '\n';
    append_wrapped(out, facts_of(what) + more, indent + 4);
    append_wrapped(out, what.help, indent + 4);
    for (const manifest::choice& each : what.choices) {
        if (!each.help.empty()) {
            append_wrapped(out, each.value + ": " + each.help, indent + 8);
        }
    }
}

void append_heading(std::string& out, std::string_view heading) {
    out += '\n';
    out += heading;
    out += '\n';
}

} // namespace

std::string manual_of(const manifest::module_manifest& described) {
    std::string out = described.label + " (" + described.id + ", version " + described.version + ")\n\n";
    append_wrapped(out, described.help, 0);

    if (!described.settings.empty()) {
        append_heading(out, "SETTINGS");
        append_wrapped(out,
                       "In a project: <instance name=\"NAME\" module=\"" + described.id +
                           "\"><set name=\"SETTING\">VALUE</set> … </instance>",
                       2);
    }
    std::string group;
    for (const manifest::setting& each : described.settings) {
        if (each.group != group) {
            group = each.group;
            out += "\n  " + group + "\n\n";
        }
        std::string more = each.live ? ", applies at once" : ", restarts the instance";
        more += each.expand == manifest::expansion::use ? ", ${...} is put in at each use" : "";
        append_field(out, each, more, 4);
    }

    if (!described.statuses.empty()) {
        append_heading(out, "STATUS VARIABLES");
        append_wrapped(out, "In conditions and texts: NAME/STATUS.", 2);
        out += '\n';
    }
    for (const manifest::status& each : described.statuses) {
        append_field(out, each, "", 4);
    }

    append_heading(out, "TRIGGERS");
    append_wrapped(
        out,
        "In a rule: <on trigger=\"NAME/TRIGGER\"/>; variables are ${1}, ${2}, … in this order, or by name.",
        2);
    out += '\n';
    for (const manifest::trigger& each : described.triggers) {
        out += "    " + each.id + (each.label.empty() ? "" : "  \"" + each.label + '"') + '\n';
        append_wrapped(out, each.help, 8);
        if (!each.match_variable.empty()) {
            append_wrapped(out, each.match_label + ": a <match> tests " + each.match_variable + ".", 8);
        }
        for (std::size_t at = 0; at < each.variables.size(); ++at) {
            const manifest::field& variable = each.variables[at];
            append_wrapped(out,
                           std::to_string(at + 1) + "  " + variable.id + " (" + facts_of(variable) + ") " +
                               variable.help,
                           8);
        }
    }

    append_heading(out, "ACTIONS");
    append_wrapped(out, "In a rule: <do action=\"NAME/ACTION\"><arg name=\"ARGUMENT\">VALUE</arg> … </do>",
                   2);
    out += '\n';
    for (const manifest::action& each : described.actions) {
        out += "    " + each.id + (each.label.empty() ? "" : "  \"" + each.label + '"') + '\n';
        append_wrapped(out, each.help, 8);
        for (const manifest::field& argument : each.arguments) {
            append_field(out, argument, "", 8);
        }
    }
    return out;
}

int describe(const std::string& module, const std::filesystem::path& modules) {
    std::vector<manifest::mistake> mistakes;
    manifest::module_manifest from_path;
    const manifest::module_manifest* described = nullptr;
    std::filesystem::path path(module);
    if (module == host_manifest().id) {
        described = &host_manifest();
    } else if (module.find('/') != std::string::npos || path.extension() == ".so" ||
               path.extension() == ".xml") {
        path.replace_extension(".xml");
        std::error_code error;
        if (!std::filesystem::exists(path, error)) {
            mistakes.push_back({{path.string(), 0, 0}, "There is no such manifest.", false});
        } else {
            from_path = manifest::read_manifest(path, mistakes);
            described = &from_path;
        }
    } else {
        loader from(modules);
        described = from.read(module, mistakes);
        if (described != nullptr) {
            from_path = *described;
            described = &from_path;
        }
    }
    bool wrong = false;
    for (const manifest::mistake& each : mistakes) {
        wrong = wrong || !each.warning;
        std::fprintf(stderr, "%s\n", manifest::to_string(each).c_str());
    }
    if (wrong || described == nullptr) {
        return 1;
    }
    const std::string manual = manual_of(*described);
    std::fwrite(manual.data(), 1, manual.size(), stdout);
    return std::fflush(stdout) == 0 ? 0 : 1;
}

} // namespace iom::host::commands
