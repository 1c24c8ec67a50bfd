#pragma once

#include "manifest/xml.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Changing an XML file as text, so that whatever is not changed stays byte for byte: comments, order,
/// indentation, line ends, the way a character was written. Pure. The elements come from
/// manifest::parse_xml of the very text that is changed.
namespace iom::host {

/// Changes to a text, collected first and made at once, so that every extent means the text as it was.
class changes {
public:
    explicit changes(std::string_view text) : text_(text) {}

    void replace(manifest::extent what, std::string with);
    void insert(std::size_t at, std::string what) { replace({at, at}, std::move(what)); }

    [[nodiscard]] std::string_view text() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }

    /// The text with all changes, those at one place in the order in which they came. A change inside of
    /// what another one replaces is lost with it.
    [[nodiscard]] std::string made() const;

private:
    struct change {
        manifest::extent what;
        std::string with;
    };

    std::string_view text_;
    std::vector<change> all_;
};

/// A value as it reads, and where each of its bytes is written. Several bytes may share an extent (&#8364;).
struct written_text {
    std::string text;
    std::vector<manifest::extent> bytes;  ///< as many as the text has bytes
    std::vector<manifest::extent> pieces; ///< runs of characters and CDATA sections, without comments
};

/// The text of an element's own: joined, as in manifest::element::text.
written_text own_text(std::string_view xml, const manifest::element& of);

/// The value of an attribute, which must be there.
written_text attribute_text(std::string_view xml, const manifest::element& of, std::string_view name);

/// Where the bytes from `begin` to `end` of the value are written; what lies next to each other joined.
std::vector<manifest::extent> extents_of(const written_text& value, std::size_t begin, std::size_t end);

/// A value as it can be written in any text or attribute, or else in a CDATA section.
std::string spelled(std::string_view value, bool in_cdata);

/// The attribute gets that value; it is added behind the others if it was not there.
void set_attribute(changes& to, const manifest::element& of, std::string_view name, std::string_view value);
void remove_attribute(changes& to, const manifest::element& of, std::string_view name);

/// How a file is laid out: what new lines in it should look like.
struct layout {
    std::string newline = "\n";
    std::string unit = "  "; ///< one step of indentation

    static layout of(std::string_view xml, const manifest::element& root);
};

/// The element as new text, its first line not indented, further ones as children of `indent` would be.
std::string render(const manifest::element& what, std::string_view indent, const layout& how);

/// Where an element stands together with the comments that belong to it: directly above it, and behind it on
/// its line. `parent` has it as its child of that number.
manifest::extent with_comments(std::string_view xml, const manifest::element& parent, std::size_t child);

/// Puts an element behind a child, before one, or as the only one into a parent that has none; laid out as
/// its neighbours are. Several at one place come in the order of the calls; `written` goes in as it is.
void insert_after(changes& to, const manifest::element& parent, std::size_t child, std::string_view written,
                  const layout& how);
void insert_before(changes& to, const manifest::element& parent, std::size_t child, std::string_view written,
                   const layout& how);
void insert_into_empty(changes& to, const manifest::element& parent, std::string_view written,
                       const layout& how);

/// What the children of `parent` are indented with: as they are, or as they would be.
std::string indentation_in(std::string_view xml, const manifest::element& parent, const layout& how);

/// Takes an element away, and with it its line if nothing else stands there. Comments around it stay.
void remove_child(changes& to, const manifest::element& parent, std::size_t child);

/// What `merge` has to know of the elements that it compares.
class vocabulary {
public:
    virtual ~vocabulary() = default;

    /// Children with such a name are found by their attribute `name`, and their order means nothing.
    [[nodiscard]] virtual bool is_keyed(std::string_view element) const = 0;

    /// Children of one rank are one sequence; new ones of a lower rank go before those of a higher.
    [[nodiscard]] virtual int rank(std::string_view element) const = 0;

    /// Whether both values of an attribute mean the same; null is an attribute that is not there.
    [[nodiscard]] virtual bool same_attribute(std::string_view element, std::string_view attribute,
                                              const std::string* left, const std::string* right) const = 0;
};

/// Whether both read the same.
bool same_element(const manifest::element& left, const manifest::element& right, const vocabulary& words);

/// Makes the element read as `wanted`, and changes nothing in it that reads so already.
void merge(changes& to, const manifest::element& present, const manifest::element& wanted,
           const vocabulary& words, const layout& how);

} // namespace iom::host
