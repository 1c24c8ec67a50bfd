#include "manifest/xml.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <optional>
#include <system_error>

namespace iom::manifest {

namespace {

/// Something wrong at a byte of the text.
struct fault {
    std::size_t offset = 0;
    std::string sentence;
};

/// Turns byte offsets into lines and columns; columns count characters, not bytes. Quick as long as the
/// offsets that are asked for grow.
class ruler {
public:
    ruler(std::string_view text, const std::string& file) : text_(text), file_(file) {}

    location at(std::size_t offset) {
        if (offset < offset_) {
            offset_ = 0;
            line_ = 1;
            column_ = 1;
        }
        for (; offset_ < offset && offset_ < text_.size(); ++offset_) {
            const auto byte = static_cast<unsigned char>(text_[offset_]);
            if (byte == '\n') {
                ++line_;
                column_ = 1;
            } else if ((byte & 0xC0U) != 0x80U) {
                ++column_;
            }
        }
        return {file_, line_, column_};
    }

private:
    std::string_view text_;
    const std::string& file_;
    std::size_t offset_ = 0;
    int line_ = 1;
    int column_ = 1;
};

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool begins_name(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' || byte == ':' ||
           byte >= 0x80;
}

bool continues_name(char c) {
    return begins_name(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/// Whether XML 1.0 can hold this character (section 2.2).
bool is_xml_character(std::uint32_t code) {
    if (code < 0x20) {
        return code == '\t' || code == '\n' || code == '\r';
    }
    return code <= 0xD7FF || (code >= 0xE000 && code <= 0xFFFD) || (code >= 0x10000 && code <= 0x10FFFF);
}

/// The first byte that is no UTF-8 (RFC 3629), or that belongs to a character that XML cannot hold.
std::optional<fault> find_bad_character(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<unsigned char>(text[at]);
        const std::size_t size = lead < 0x80                    ? 1
                                 : lead >= 0xC2 && lead <= 0xDF ? 2
                                 : lead >= 0xE0 && lead <= 0xEF ? 3
                                 : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                                : 0;
        std::uint32_t code = size == 1 ? lead : lead & (0x7FU >> size);
        bool good = size != 0 && at + size <= text.size();
        for (std::size_t i = 1; good && i < size; ++i) {
            const auto byte = static_cast<unsigned char>(text[at + i]);
            good = (byte & 0xC0U) == 0x80U;
            code = (code << 6U) | (byte & 0x3FU);
        }
        constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
        if (!good || code < smallest[size] || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) {
            return fault{at, "this is not UTF-8. Save the file as UTF-8."};
        }
        if (!is_xml_character(code)) {
            return fault{at, "XML cannot hold this control character. In a message write it as ${char:1e}."};
        }
        at += size;
    }
    return std::nullopt;
}

/// Where in the text an element is written; see `element`.
struct place {
    extent source;
    extent inside;
    std::vector<extent> attributes;
};

/// Walks the text once before pugixml does, for what pugixml forgives (entities, attributes given twice, a
/// second root, text beside it) and for the bounds, so that it never builds what is too large or too deep.
/// Finds where everything is written, which pugixml does not tell.
class scout {
public:
    scout(std::string_view text, const xml_limits& limits, ruler& lines)
        : text_(text), limits_(limits), lines_(lines) {}

    std::optional<fault> walk() {
        while (!fault_ && at_ < text_.size()) {
            if (text_[at_] == '<') {
                markup();
            } else {
                characters();
            }
        }
        if (!fault_ && !open_.empty()) {
            fail(open_.back().offset, "<" + shortened(open_.back().name) + "> is never closed. Write </" +
                                          shortened(open_.back().name) + "> where it ends.");
        }
        if (!fault_ && elements_ == 0) {
            fail(0, "there is no element in this file.");
        }
        return std::move(fault_);
    }

    /// Of each element, in the order in which they begin.
    [[nodiscard]] const std::vector<place>& places() const { return places_; }

private:
    struct tag {
        std::string_view name;
        std::size_t offset = 0;
        std::size_t place = 0;
    };

    void fail(std::size_t offset, std::string sentence) {
        if (!fault_) {
            fault_ = fault{offset, std::move(sentence)};
        }
    }

    /// A piece of the text for a sentence, cut where it is long.
    static std::string shortened(std::string_view piece) {
        constexpr std::size_t longest = 40;
        if (piece.size() <= longest) {
            return std::string(piece);
        }
        std::size_t end = longest;
        while (end > 0 && (static_cast<unsigned char>(piece[end]) & 0xC0U) == 0x80U) {
            --end;
        }
        return std::string(piece.substr(0, end)) + "…";
    }

    [[nodiscard]] bool sees(std::string_view what) const { return text_.substr(at_).starts_with(what); }

    void skip_space() {
        while (at_ < text_.size() && is_space(text_[at_])) {
            ++at_;
        }
    }

    std::string_view name() {
        const std::size_t begin = at_;
        if (at_ < text_.size() && begins_name(text_[at_])) {
            while (at_ < text_.size() && continues_name(text_[at_])) {
                ++at_;
            }
        }
        return text_.substr(begin, at_ - begin);
    }

    void characters() {
        for (; at_ < text_.size() && text_[at_] != '<' && !fault_; ++at_) {
            if (open_.empty() && !is_space(text_[at_])) {
                return fail(at_, elements_ == 0
                                     ? "text stands before the first element. Remove it."
                                     : "text stands after the end of the root element. Remove it.");
            }
            if (text_[at_] == '&') {
                reference();
            } else if (sees("]]>")) {
                fail(at_, "]]> stands in a text. Write ]]&gt; instead.");
            }
        }
    }

    /// Stands on &; leaves on the semicolon.
    void reference() {
        const std::size_t begin = at_;
        const std::size_t end = text_.substr(0, std::min(text_.size(), begin + 16)).find(';', begin);
        if (end != std::string_view::npos) {
            const std::string_view what = text_.substr(begin + 1, end - begin - 1);
            if (what == "amp" || what == "lt" || what == "gt" || what == "quot" || what == "apos") {
                at_ = end;
                return;
            }
            if (what.starts_with('#')) {
                return numeric(what.substr(1), begin, end);
            }
        }
        fail(begin, "& begins no character reference of XML's here. Write &amp; for the character itself.");
    }

    void numeric(std::string_view digits, std::size_t begin, std::size_t end) {
        const std::uint32_t base = digits.starts_with('x') ? 16 : 10;
        if (base == 16) {
            digits.remove_prefix(1);
        }
        std::uint32_t code = 0;
        bool good = !digits.empty() && digits.size() <= 8;
        for (const char c : digits) {
            const auto byte = static_cast<unsigned char>(c);
            good = good && (base == 16 ? std::isxdigit(byte) : std::isdigit(byte)) != 0;
            if (!good) {
                break;
            }
            const std::uint32_t digit = std::isdigit(byte) != 0 ? byte - std::uint32_t{'0'}
                                                                : (byte | 0x20U) - std::uint32_t{'a'} + 10;
            code = code * base + digit;
        }
        if (!good) {
            return fail(begin, "this character reference has no proper number. Write it as &#10; or &#xA;.");
        }
        if (!is_xml_character(code)) {
            return fail(begin, "XML cannot hold the character of this reference. In a message write it as "
                               "${char:1e}.");
        }
        at_ = end;
    }

    void markup() {
        if (sees("<!--")) {
            comment();
        } else if (sees("<![CDATA[")) {
            if (open_.empty()) {
                return fail(at_, "a CDATA section stands outside the root element. Remove it.");
            }
            enclosed("]]>", "CDATA section");
        } else if (sees("<!")) {
            fail(at_, "a document type declaration is not accepted here, nor are entities of its own. "
                      "Remove it.");
        } else if (sees("<?")) {
            instruction();
        } else if (sees("</")) {
            end_tag();
        } else {
            start_tag();
        }
    }

    void enclosed(std::string_view end, std::string_view what) {
        const std::size_t found = text_.find(end, at_ + 2);
        if (found == std::string_view::npos) {
            return fail(at_,
                        "this " + std::string(what) + " never ends. Close it with " + std::string(end) + ".");
        }
        at_ = found + end.size();
    }

    void comment() {
        const std::size_t inside = at_ + 4;
        const std::size_t dashes = text_.find("--", inside);
        if (dashes == std::string_view::npos) {
            return fail(at_, "this comment never ends. Close it with -->.");
        }
        if (!text_.substr(dashes).starts_with("-->")) {
            return fail(dashes, "XML allows no -- inside a comment. Write it otherwise.");
        }
        at_ = dashes + 3;
    }

    void instruction() {
        const std::size_t begin = at_;
        at_ += 2;
        const std::string_view target = name();
        if (target.empty()) {
            return fail(begin, "<? is followed by no name. Remove it.");
        }
        at_ = begin;
        enclosed("?>", "processing instruction");
        if (fault_ || target != "xml") {
            return;
        }
        if (begin != 0) {
            return fail(begin,
                        "the XML declaration stands at the very beginning of a file, or nowhere. Move it.");
        }
        std::string declaration(text_.substr(0, at_));
        std::transform(declaration.begin(), declaration.end(), declaration.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const std::size_t encoding = declaration.find("encoding");
        if (encoding != std::string::npos && declaration.find("utf-8", encoding) == std::string::npos &&
            declaration.find("us-ascii", encoding) == std::string::npos) {
            fail(begin, "the file declares an encoding other than UTF-8. Save it as UTF-8.");
        }
    }

    void end_tag() {
        const std::size_t begin = at_;
        at_ += 2;
        const std::string_view closed = name();
        skip_space();
        if (closed.empty() || !sees(">")) {
            return fail(begin, "this end tag is broken. Write it as </name>.");
        }
        ++at_;
        if (open_.empty()) {
            return fail(begin, "</" + shortened(closed) + "> closes nothing. Remove it.");
        }
        if (open_.back().name != closed) {
            const location opened = lines_.at(open_.back().offset);
            return fail(begin, "</" + shortened(closed) + "> stands here, but <" +
                                   shortened(open_.back().name) + "> from line " +
                                   std::to_string(opened.line) + " is still open.");
        }
        places_[open_.back().place].inside.end = begin;
        places_[open_.back().place].source.end = at_;
        open_.pop_back();
    }

    void start_tag() {
        const std::size_t begin = at_;
        ++at_;
        const std::string_view opened = name();
        if (opened.empty()) {
            return fail(begin, "< begins no tag here. Write &lt; for the character itself.");
        }
        if (open_.empty() && elements_ != 0) {
            return fail(begin, "<" + shortened(opened) + "> is a second root element. A file has only one.");
        }
        if (++elements_ > limits_.elements) {
            return fail(begin, "the file has more than " + std::to_string(limits_.elements) +
                                   " elements. Divide it.");
        }
        if (open_.size() >= static_cast<std::size_t>(limits_.depth)) {
            return fail(begin,
                        "elements are nested more than " + std::to_string(limits_.depth) + " deep here.");
        }
        open_.push_back({opened, begin, places_.size()});
        places_.push_back({{begin, begin}, {}, {}});
        attributes(opened, begin);
    }

    void attributes(std::string_view element, std::size_t begin) {
        std::vector<std::string_view> names;
        while (!fault_) {
            const std::size_t before = at_;
            skip_space();
            if (at_ == text_.size()) {
                return fail(begin, "the tag <" + shortened(element) + " never ends. Close it with >.");
            }
            if (sees("/>")) {
                at_ += 2;
                place& closed = places_[open_.back().place];
                closed.source.end = at_;
                closed.inside = {at_, at_};
                open_.pop_back();
                return;
            }
            if (sees(">")) {
                ++at_;
                places_[open_.back().place].inside = {at_, at_};
                return;
            }
            const std::size_t attribute_begin = at_;
            const std::string_view attribute = name();
            if (attribute.empty() || attribute_begin == before) {
                return fail(attribute_begin, "the tag <" + shortened(element) +
                                                 "> goes wrong here. It takes attributes as name=\"value\".");
            }
            if (std::find(names.begin(), names.end(), attribute) != names.end()) {
                return fail(attribute_begin, "the attribute " + shortened(attribute) + " stands twice in <" +
                                                 shortened(element) + ">. Remove one.");
            }
            if (names.size() == limits_.attributes) {
                return fail(attribute_begin, "<" + shortened(element) + "> has more than " +
                                                 std::to_string(limits_.attributes) + " attributes.");
            }
            names.push_back(attribute);
            value(attribute);
            places_[open_.back().place].attributes.push_back({attribute_begin, at_});
        }
    }

    void value(std::string_view attribute) {
        skip_space();
        const bool assigned = sees("=");
        at_ += assigned ? 1 : 0;
        skip_space();
        if (!assigned || (!sees("\"") && !sees("'"))) {
            return fail(at_, "the attribute " + shortened(attribute) + " has no value in quotes. Write " +
                                 shortened(attribute) + "=\"...\".");
        }
        const std::size_t begin = at_;
        const char quote = text_[at_];
        for (++at_; at_ < text_.size() && text_[at_] != quote && !fault_; ++at_) {
            if (text_[at_] == '<') {
                fail(at_, "< stands inside the value of the attribute " + shortened(attribute) +
                              ". Write &lt;, or close the value before.");
            } else if (text_[at_] == '&') {
                reference();
            }
        }
        if (at_ >= text_.size()) {
            return fail(begin, "the value of the attribute " + shortened(attribute) +
                                   " never ends. Close it with " + std::string(1, quote) + ".");
        }
        ++at_;
    }

    std::string_view text_;
    const xml_limits& limits_;
    ruler& lines_;
    std::size_t at_ = 0;
    std::size_t elements_ = 0;
    std::vector<tag> open_;
    std::vector<place> places_;
    std::optional<fault> fault_;
};

bool ties_to_schema(std::string_view attribute) {
    return attribute == "xmlns:xsi" || attribute.starts_with("xsi:");
}

/// What pugixml built, together with where the scout found it; both go through the text in order.
class builder {
public:
    /// `mark` stands before the text: a byte order mark that was skipped.
    builder(const std::vector<place>& places, std::size_t mark, ruler& lines)
        : places_(places), mark_(mark), lines_(lines) {}

    /// As deep as xml_limits::depth, which the scout has seen to.
    element build(const pugi::xml_node& node) {
        const place& here = places_[next_++];
        element made;
        made.name = node.name();
        made.where = lines_.at(here.source.begin);
        made.source = moved(here.source);
        made.inside = moved(here.inside);
        std::size_t number = 0;
        for (const pugi::xml_attribute& attribute : node.attributes()) {
            if (!ties_to_schema(attribute.name())) {
                made.attributes.emplace_back(attribute.name(), attribute.value());
                made.attribute_sources.push_back(moved(here.attributes[number]));
            }
            ++number;
        }
        for (const pugi::xml_node& child : node.children()) {
            if (child.type() == pugi::node_element) {
                made.children.push_back(build(child));
            } else if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
                made.text += child.value();
            }
        }
        return made;
    }

private:
    [[nodiscard]] extent moved(extent what) const { return {what.begin + mark_, what.end + mark_}; }

    const std::vector<place>& places_;
    std::size_t mark_;
    ruler& lines_;
    std::size_t next_ = 0;
};

} // namespace

std::string to_string(const mistake& what) {
    std::string line = what.where.file;
    if (what.where.line > 0) {
        line += ':' + std::to_string(what.where.line);
        if (what.where.column > 0) {
            line += ':' + std::to_string(what.where.column);
        }
    }
    if (!line.empty()) {
        line += ": ";
    }
    return line + (what.warning ? "warning: " : "") + what.sentence;
}

const std::string* element::attribute(std::string_view wanted) const {
    for (const auto& [attribute_name, value] : attributes) {
        if (attribute_name == wanted) {
            return &value;
        }
    }
    return nullptr;
}

element parse_xml(std::string_view xml, const std::string& name, std::vector<mistake>& mistakes,
                  xml_limits limits) {
    const auto refuse = [&](std::string sentence) {
        mistakes.push_back({{name, 0, 0}, std::move(sentence), false});
        return element{};
    };
    if (xml.size() > limits.bytes) {
        return refuse("the file is larger than " + std::to_string(limits.bytes) + " bytes. Divide it.");
    }
    if (xml.starts_with("\xFE\xFF") || xml.starts_with("\xFF\xFE")) {
        return refuse("the file is UTF-16. Save it as UTF-8.");
    }
    const std::size_t mark = xml.starts_with("\xEF\xBB\xBF") ? 3 : 0;
    xml.remove_prefix(mark);

    ruler lines(xml, name);
    std::optional<fault> found = find_bad_character(xml);
    scout ahead(xml, limits, lines);
    if (!found) {
        found = ahead.walk();
    }
    if (found) {
        mistakes.push_back({lines.at(found->offset), std::move(found->sentence), false});
        return {};
    }

    pugi::xml_document document;
    constexpr unsigned how = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol |
                             pugi::parse_wconv_attribute | pugi::parse_ws_pcdata;
    const pugi::xml_parse_result result =
        document.load_buffer(xml.data(), xml.size(), how, pugi::encoding_utf8);
    if (!result) {
        mistakes.push_back({lines.at(static_cast<std::size_t>(std::max<std::ptrdiff_t>(result.offset, 0))),
                            "this is not XML: " + std::string(result.description()) + ".", false});
        return {};
    }
    return builder(ahead.places(), mark, lines).build(document.document_element());
}

std::string xml_trouble(std::string_view text) {
    const std::optional<fault> found = find_bad_character(text);
    return found ? found->sentence : std::string();
}

element read_xml(const std::filesystem::path& file, std::vector<mistake>& mistakes, xml_limits limits) {
    std::string text;
    return read_xml(file, mistakes, text, limits);
}

element read_xml(const std::filesystem::path& file, std::vector<mistake>& mistakes, std::string& text,
                 xml_limits limits) {
    const auto refuse = [&](std::string sentence) {
        mistakes.push_back({{file.string(), 0, 0}, std::move(sentence), false});
        return element{};
    };
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::status(file, error);
    if (!std::filesystem::exists(status)) {
        return refuse(error && error != std::errc::no_such_file_or_directory
                          ? "the file cannot be looked at: " + error.message() + "."
                          : "there is no such file.");
    }
    // A pipe or a device might never end.
    if (!std::filesystem::is_regular_file(status)) {
        return refuse("this is not a file, but a folder or a device.");
    }
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
        return refuse("the file cannot be opened. Check who may read it.");
    }
    // One byte more than allowed is enough to know that there are too many.
    text.assign(limits.bytes + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad()) {
        return refuse("the file cannot be read.");
    }
    text.resize(static_cast<std::size_t>(stream.gcount()));
    text.shrink_to_fit();
    return parse_xml(text, file.string(), mistakes, limits);
}

} // namespace iom::manifest
