#include "manifest/generate.hpp"

#include "manifest/manifest.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <map>

namespace iom::manifest {

namespace {

/// Sorted, for a binary search: what no constant may be called.
constexpr std::array<std::string_view, 97> keywords{"alignas",
                                                    "alignof",
                                                    "and",
                                                    "and_eq",
                                                    "asm",
                                                    "auto",
                                                    "bitand",
                                                    "bitor",
                                                    "bool",
                                                    "break",
                                                    "case",
                                                    "catch",
                                                    "char",
                                                    "char16_t",
                                                    "char32_t",
                                                    "char8_t",
                                                    "class",
                                                    "co_await",
                                                    "co_return",
                                                    "co_yield",
                                                    "compl",
                                                    "concept",
                                                    "const",
                                                    "const_cast",
                                                    "consteval",
                                                    "constexpr",
                                                    "constinit",
                                                    "continue",
                                                    "decltype",
                                                    "default",
                                                    "delete",
                                                    "do",
                                                    "double",
                                                    "dynamic_cast",
                                                    "else",
                                                    "enum",
                                                    "errno",
                                                    "explicit",
                                                    "export",
                                                    "extern",
                                                    "false",
                                                    "float",
                                                    "for",
                                                    "friend",
                                                    "goto",
                                                    "if",
                                                    "inline",
                                                    "int",
                                                    "linux",
                                                    "long",
                                                    "mutable",
                                                    "namespace",
                                                    "new",
                                                    "noexcept",
                                                    "not",
                                                    "not_eq",
                                                    "nullptr",
                                                    "operator",
                                                    "or",
                                                    "or_eq",
                                                    "private",
                                                    "protected",
                                                    "public",
                                                    "register",
                                                    "reinterpret_cast",
                                                    "requires",
                                                    "return",
                                                    "short",
                                                    "signed",
                                                    "sizeof",
                                                    "static",
                                                    "static_assert",
                                                    "static_cast",
                                                    "struct",
                                                    "switch",
                                                    "template",
                                                    "this",
                                                    "thread_local",
                                                    "throw",
                                                    "true",
                                                    "try",
                                                    "typedef",
                                                    "typeid",
                                                    "typename",
                                                    "union",
                                                    "unix",
                                                    "unsigned",
                                                    "using",
                                                    "virtual",
                                                    "void",
                                                    "volatile",
                                                    "wchar_t",
                                                    "while",
                                                    "xor",
                                                    "xor_eq",
                                                    "std",
                                                    "iom"};

/// An id as a name of C++'s: last-error.code becomes last_error_code.
std::string identifier(std::string_view id) {
    std::string made(id);
    std::replace_if(
        made.begin(), made.end(), [](char c) { return c == '-' || c == '.'; }, '_');
    if (std::find(keywords.begin(), keywords.end(), made) != keywords.end()) {
        made += '_';
    }
    return made;
}

std::string literal(std::string_view text) {
    std::string made = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            made += '\\';
            made += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            std::array<char, 8> octal{};
            std::snprintf(octal.data(), octal.size(), "\\%03o", static_cast<unsigned>(c));
            made += octal.data();
        } else {
            made += c;
        }
    }
    return made + "\"";
}

std::string literal(bool flag) {
    return flag ? "true" : "false";
}

std::string literal(double number) {
    std::array<char, 400> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    return {digits.data(), end.ptr};
}

std::string literal(std::uint64_t number) {
    std::array<char, 32> digits{};
    std::snprintf(digits.data(), digits.size(), "0x%016llx", static_cast<unsigned long long>(number));
    return digits.data();
}

std::string_view type_name(type what) {
    switch (what) {
    case type::boolean:
        return "boolean";
    case type::integer:
        return "integer";
    default:
        return to_string(what);
    }
}

class header {
public:
    explicit header(std::vector<mistake>& mistakes) : mistakes_(mistakes) {}

    std::string write(const module_manifest& of, std::string_view name_space) {
        text_ = "// Made by iom-generate from the manifest of " + of.id + ". Change the manifest instead.\n" +
                std::string(preamble);
        text_ += "namespace " + std::string(name_space) + " {\n\n";
        text_ += "inline constexpr char module_id[] = " + literal(of.id) + ";\n";
        text_ += "inline constexpr char module_version[] = " + literal(of.version) + ";\n\n";
        text_ += "/// The interface token: a hash over all that module and host must agree on.\n";
        text_ += "inline constexpr std::uint64_t token = " + literal(of.token) + ";\n\n";
        text_ += row_type;
        numbers("setting", of.settings);
        rows("settings", of.settings);
        defaults("setting_default", of.settings);
        choices("setting_choices", of.settings);
        numbers("status", of.statuses);
        rows("statuses", of.statuses);
        choices("status_choices", of.statuses);
        numbers("trigger", of.triggers);
        for (const trigger& each : of.triggers) {
            numbers("variable::" + identifier(each.id), each.variables);
        }
        numbers("action", of.actions);
        for (const action& each : of.actions) {
            const std::string name = identifier(each.id);
            numbers("argument::" + name, each.arguments);
            rows("arguments_of_" + name, each.arguments);
            defaults("argument_default::" + name, each.arguments);
            choices("argument_choices::" + name, each.arguments);
        }
        text_ += "} // namespace " + std::string(name_space) + "\n";
        return std::move(text_);
    }

private:
    static constexpr std::string_view preamble = R"(#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

)";
    static constexpr std::string_view row_type = R"(enum class type : std::uint8_t {
    boolean,
    integer,
    real,
    text,
    choice,
    secret,
    file,
    match,
    steps,
    data,
};

/// What the manifest says of a setting, a status or an argument.
struct row {
    std::uint32_t number;
    std::string_view id;
    std::string_view label;
    type kind;
    bool list;
    bool required;
    bool live;
    double min; ///< minus infinity where there is none; of a text its length in bytes
    double max; ///< infinity where there is none
};

inline constexpr double no_min = -std::numeric_limits<double>::infinity();
inline constexpr double no_max = std::numeric_limits<double>::infinity();

)";

    template <typename items>
    void numbers(const std::string& name_space, const items& all) {
        if (all.empty()) {
            return;
        }
        std::map<std::string, std::string> seen;
        text_ += "namespace " + name_space + " {\n";
        for (const auto& each : all) {
            const std::string name = identifier(each.id);
            if (const auto [other, is_new] = seen.emplace(name, each.id); !is_new) {
                mistakes_.push_back({each.where,
                                     "the ids " + other->second + " and " + each.id + " would both be " +
                                         name + " in the code. Rename one.",
                                     false});
            }
            text_ += "inline constexpr std::uint32_t " + name + " = " + std::to_string(each.number) + ";\n";
        }
        text_ += "} // namespace " + name_space + "\n\n";
    }

    template <typename items>
    void rows(const std::string& name, const items& all) {
        if (all.empty()) {
            return;
        }
        text_ += "inline constexpr std::array<row, " + std::to_string(all.size()) + "> " + name + "{{\n";
        for (const auto& each : all) {
            text_ += "    {" + std::to_string(each.number) + ", " + literal(std::string_view(each.id)) +
                     ", " + literal(std::string_view(each.label)) +
                     ", type::" + std::string(type_name(each.type)) + ", " + literal(each.list) + ", " +
                     literal(each.required) + ", " + literal(is_live(each)) + ", " +
                     (each.min ? literal(*each.min) : "no_min") + ", " +
                     (each.max ? literal(*each.max) : "no_max") + "},\n";
        }
        text_ += "}};\n\n";
    }

    static bool is_live(const setting& what) { return what.live; }
    static bool is_live(const field&) { return false; }

    template <typename items>
    void defaults(const std::string& name_space, const items& all) {
        if (std::none_of(all.begin(), all.end(),
                         [](const auto& each) { return each.default_value.has_value(); })) {
            return;
        }
        text_ += "namespace " + name_space + " {\n";
        for (const auto& each : all) {
            if (!each.default_value) {
                continue;
            }
            const std::string name = identifier(each.id);
            const std::string& written = *each.default_value;
            switch (each.type) {
            case type::boolean:
                text_ +=
                    "inline constexpr bool " + name + " = " + literal(read_boolean(written).value()) + ";\n";
                break;
            case type::integer:
                text_ += "inline constexpr std::int64_t " + name + " = " +
                         std::to_string(read_integer(written).value()) + ";\n";
                break;
            case type::real:
                text_ +=
                    "inline constexpr double " + name + " = " + literal(read_real(written).value()) + ";\n";
                break;
            default:
                text_ += "inline constexpr std::string_view " + name + " = " +
                         literal(std::string_view(written)) + ";\n";
            }
        }
        text_ += "} // namespace " + name_space + "\n\n";
    }

    template <typename items>
    void choices(const std::string& name_space, const items& all) {
        if (std::all_of(all.begin(), all.end(), [](const auto& each) { return each.choices.empty(); })) {
            return;
        }
        text_ += "namespace " + name_space + " {\n";
        for (const auto& each : all) {
            if (each.choices.empty()) {
                continue;
            }
            text_ += "inline constexpr std::array<std::string_view, " + std::to_string(each.choices.size()) +
                     "> " + identifier(each.id) + "{\n";
            for (const choice& one : each.choices) {
                text_ += "    " + literal(std::string_view(one.value)) + ",\n";
            }
            text_ += "};\n";
        }
        text_ += "} // namespace " + name_space + "\n\n";
    }

    std::vector<mistake>& mistakes_;
    std::string text_;
};

} // namespace

bool is_namespace(std::string_view name) {
    while (true) {
        const std::size_t end = name.find("::");
        const std::string_view part = name.substr(0, end);
        const bool good = !part.empty() && part.front() >= 'a' && part.front() <= 'z' &&
                          std::all_of(part.begin(), part.end(), [](char c) {
                              return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
                          });
        if (!good || end == std::string_view::npos) {
            return good;
        }
        name.remove_prefix(end + 2);
    }
}

std::string generate_ids(const module_manifest& of, std::string_view name_space,
                         std::vector<mistake>& mistakes) {
    return header(mistakes).write(of, name_space);
}

} // namespace iom::manifest
