#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iom::manifest {

/// A place in a file; line and column count from 1, 0 means the file as a whole.
struct location {
    std::string file;
    int line = 0;
    int column = 0;
};

/// One thing that is wrong, or (warning) that works badly: what, where, what next, in one sentence.
struct mistake {
    location where;
    std::string sentence;
    bool warning = false;
    std::string missing = {}; ///< the id of a setting or argument that this place lacks
};

/// `file:line:column: sentence`; without a line, `file: sentence`; warnings say so.
std::string to_string(const mistake& what);

/// Bytes of the text that was read: from `begin` up to, but without, `end`.
struct extent {
    std::size_t begin = 0;
    std::size_t end = 0;

    [[nodiscard]] std::size_t size() const { return end - begin; }
    [[nodiscard]] bool empty() const { return begin == end; }
    [[nodiscard]] std::string_view of(std::string_view text) const { return text.substr(begin, size()); }
    bool operator==(const extent&) const = default;
};

/// An XML element as plain values: children in order, text of its own joined and trimmed of nothing. What
/// ties a file to its schema (attributes xsi:... and xmlns:xsi) is left out. Its extents say where in the
/// text all this was written, for those who change it there.
struct element {
    std::string name;
    std::vector<std::pair<std::string, std::string>> attributes;
    std::string text;
    std::vector<element> children;
    location where;
    extent source;                         ///< from its < to behind its last >
    extent inside;                         ///< between its tags; of <a/> nothing, at source.end
    std::vector<extent> attribute_sources; ///< of each attribute, from its name to behind its last quote

    /// The value of an attribute, or null.
    [[nodiscard]] const std::string* attribute(std::string_view name) const;
};

/// Bounds on what is read; a file beyond them is refused, never half read.
struct xml_limits {
    std::size_t bytes = std::size_t{4} << 20;
    std::size_t elements = 100'000;
    std::size_t attributes = 64; ///< of one element
    int depth = 32;              ///< elements within elements; the root alone is 1
};

/// The root element, or (with mistakes appended, and an empty name) what is wrong with the file.
/// A document type declaration is refused, so no entity of a file's own is ever expanded.
element read_xml(const std::filesystem::path& file, std::vector<mistake>& mistakes, xml_limits limits = {});

/// The same; `text` is what was read.
element read_xml(const std::filesystem::path& file, std::vector<mistake>& mistakes, std::string& text,
                 xml_limits limits = {});

/// The same for a text in memory; `name` stands for the file in locations.
element parse_xml(std::string_view xml, const std::string& name, std::vector<mistake>& mistakes,
                  xml_limits limits = {});

/// Why no XML file can hold this text as a value (bytes that are no UTF-8, control characters), as a
/// sentence; empty if one can.
std::string xml_trouble(std::string_view text);

} // namespace iom::manifest
