#include "xml_text.hpp"

#include "checks.hpp"
#include "utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace iom::host {

using manifest::element;
using manifest::extent;

namespace {

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_blank(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return is_blank(c); });
}

/// For text between tags. > is escaped too, so that no ]]> comes about; a carriage return would be read as a
/// line feed.
std::string escape_text(std::string_view text) {
    std::string made;
    made.reserve(text.size());
    for (const char c : text) {
        switch (c) {
        case '&':
            made += "&amp;";
            break;
        case '<':
            made += "&lt;";
            break;
        case '>':
            made += "&gt;";
            break;
        case '\r':
            made += "&#13;";
            break;
        default:
            made += c;
        }
    }
    return made;
}

/// For the value of an attribute, where white space would be read as a blank.
std::string escape_attribute(std::string_view text, char quote = '"') {
    std::string made;
    made.reserve(text.size());
    for (const char c : text) {
        if (c == '&')
            made += "&amp;";
        else if (c == '<')
            made += "&lt;";
        else if (c == '\n')
            made += "&#10;";
        else if (c == '\r')
            made += "&#13;";
        else if (c == '\t')
            made += "&#9;";
        else if (c == quote)
            made += quote == '"' ? "&quot;" : "&apos;";
        else
            made += c;
    }
    return made;
}

/// What stands between & and ;, which the reader of the file has found good.
std::string referred(std::string_view name) {
    static constexpr std::pair<std::string_view, char> known[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (const auto& [word, character] : known)
        if (word == name)
            return std::string(1, character);
    std::string made;
    if (!name.starts_with('#'))
        return made;
    const bool hex = name.starts_with("#x");
    std::uint32_t code = 0;
    for (const char c : name.substr(hex ? 2 : 1)) {
        const auto digit = c >= '0' && c <= '9'   ? c - '0'
                           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                  : 0;
        code = code * (hex ? 16 : 10) + static_cast<std::uint32_t>(digit);
    }
    append_utf8(code, made);
    return made;
}

/// Goes through characters as they are written and appends what they read as.
class decoder {
public:
    decoder(std::string_view xml, written_text& into, bool attribute)
        : xml_(xml), into_(into), attribute_(attribute) {}

    void run(extent where) {
        for (auto at = where.begin; at < where.end;) {
            if (xml_[at] == '&') {
                const auto close = std::min(xml_.find(';', at), where.end - 1);
                put(referred(xml_.substr(at + 1, close - at - 1)), {at, close + 1});
                at = close + 1;
                continue;
            }
            at = character(at, where.end);
        }
    }

    void literally(extent where) {
        for (auto at = where.begin; at < where.end;)
            at = character(at, where.end);
    }

private:
    std::size_t character(std::size_t at, std::size_t end) {
        const bool two = xml_[at] == '\r' && at + 1 < end && xml_[at + 1] == '\n';
        const auto next = at + (two ? 2 : 1);
        char c = xml_[at] == '\r' ? '\n' : xml_[at];
        if (attribute_ && is_blank(c))
            c = ' ';
        put({&c, 1}, {at, next});
        return next;
    }

    void put(std::string_view text, extent from) {
        into_.text += text;
        into_.bytes.insert(into_.bytes.end(), text.size(), from);
    }

    std::string_view xml_;
    written_text& into_;
    bool attribute_;
};

/// The line break and blanks that end where `at` begins.
std::string_view lead_before(std::string_view xml, std::size_t at) {
    auto begin = at;
    while (begin > 0 && is_blank(xml[begin - 1]))
        --begin;
    return xml.substr(begin, at - begin);
}

std::string_view last_line(std::string_view lead) {
    const auto feed = lead.rfind('\n');
    return feed == lead.npos ? std::string_view{} : lead.substr(feed + 1);
}

std::size_t index_of(const element& of, std::string_view name) {
    for (std::size_t at = 0; at < of.attributes.size(); ++at)
        if (of.attributes[at].first == name)
            return at;
    return of.attributes.size();
}

/// Between the quotes.
extent value_extent(std::string_view xml, extent attribute) {
    return {xml.find_first_of("\"'", attribute.begin) + 1, attribute.end - 1};
}

bool is_closed_at_once(const element& what) {
    return what.inside.begin == what.source.end;
}

std::size_t end_of_start(const element& of) {
    return of.attribute_sources.empty() ? of.source.begin + 1 + of.name.size()
                                        : of.attribute_sources.back().end;
}

/// The end of the start tag's name and attributes, also those that are not told (xsi:…).
std::size_t before_slash(std::string_view xml, const element& of) {
    auto end = of.source.end - 2;
    while (is_blank(xml[end - 1]))
        --end;
    return end;
}

/// Gives an element what stands between its tags.
void fill(changes& to, const element& of, std::string inner) {
    if (is_closed_at_once(of))
        to.replace({before_slash(to.text(), of), of.source.end}, ">" + inner + "</" + of.name + ">");
    else
        to.replace(of.inside, std::move(inner));
}

/// Gives an element text of its own; comments and children stay.
void set_text(changes& to, const element& of, std::string_view text) {
    const auto present = own_text(to.text(), of);
    if (present.pieces.empty()) {
        if (is_closed_at_once(of))
            fill(to, of, escape_text(text));
        else
            to.insert(of.inside.end, escape_text(text));
        return;
    }
    auto first = std::find_if(present.pieces.begin(), present.pieces.end(),
                              [&](const extent& piece) { return !is_blank(piece.of(to.text())); });
    if (first == present.pieces.end())
        first = present.pieces.begin();
    for (const auto& piece : present.pieces)
        to.replace(piece, piece == *first ? escape_text(text) : std::string{});
}

/// The comments between `begin` and `end`, where no element stands.
void find_comments(std::string_view xml, extent where, std::vector<extent>& found) {
    for (auto at = where.begin; at < where.end;) {
        const auto rest = xml.substr(at, where.end - at);
        if (rest.starts_with("<!--")) {
            const auto end = xml.find("-->", at) + 3;
            found.push_back({at, end});
            at = end;
        } else if (rest.starts_with("<![CDATA[")) {
            at = xml.find("]]>", at) + 3;
        } else if (rest.starts_with("<?")) {
            at = xml.find("?>", at) + 2;
        } else {
            ++at;
        }
    }
}

/// The comments of an element's own.
std::vector<extent> comments_in(std::string_view xml, const element& of) {
    std::vector<extent> found;
    auto at = of.inside.begin;
    for (const auto& child : of.children) {
        find_comments(xml, {at, child.source.begin}, found);
        at = child.source.end;
    }
    find_comments(xml, {at, of.inside.end}, found);
    return found;
}

std::string inner_of(const element& what, std::string_view indent, const layout& how) {
    if (what.children.empty())
        return escape_text(what.text);
    std::string made;
    const std::string deeper = std::string{indent} + how.unit;
    // One small child fits on its parent's line, as people write it.
    static constexpr std::size_t short_line = 80;
    if (what.children.size() == 1 && what.children.front().children.empty() && what.name != "rule" &&
        what.name != "instance" && what.name != "project") {
        made = render(what.children.front(), deeper, how);
        if (made.size() <= short_line)
            return made;
        made.clear();
    }
    for (const auto& child : what.children)
        made += how.newline + deeper + render(child, deeper, how);
    return made + how.newline + std::string{indent};
}

/// Gives an element everything that stands between its tags anew; its own comments stay.
void rewrite(changes& to, const element& present, const element& wanted, const layout& how) {
    const auto xml = to.text();
    const auto indent = std::string{last_line(lead_before(xml, present.source.begin))};
    const auto comments = comments_in(xml, present);
    std::string inner;
    for (const auto& comment : comments)
        inner +=
            (wanted.children.empty() ? "" : how.newline + indent + how.unit) + std::string{comment.of(xml)};
    if (comments.empty() || wanted.children.empty())
        return fill(to, present, inner + inner_of(wanted, indent, how));
    for (const auto& child : wanted.children)
        inner += how.newline + indent + how.unit + render(child, indent + how.unit, how);
    fill(to, present, inner + how.newline + indent);
}

/// Which of `wanted` is which of `present`: a longest common subsequence, or only the beginnings and ends
/// that are alike where that would take too long.
template <typename same>
std::vector<std::optional<std::size_t>> aligned(std::size_t present, std::size_t wanted, const same& alike) {
    std::vector<std::optional<std::size_t>> found(wanted);
    std::size_t head = 0;
    while (head < present && head < wanted && alike(head, head)) {
        found[head] = head;
        ++head;
    }
    std::size_t tail = 0;
    while (tail < present - head && tail < wanted - head && alike(present - 1 - tail, wanted - 1 - tail)) {
        found[wanted - 1 - tail] = present - 1 - tail;
        ++tail;
    }
    const auto rows = present - head - tail;
    const auto columns = wanted - head - tail;
    static constexpr std::size_t most = 250'000;
    if (rows == 0 || columns == 0 || rows > most / columns)
        return found;
    std::vector<std::vector<std::uint32_t>> length(rows + 1, std::vector<std::uint32_t>(columns + 1));
    for (auto row = rows; row-- > 0;)
        for (auto column = columns; column-- > 0;)
            length[row][column] = alike(head + row, head + column)
                                      ? length[row + 1][column + 1] + 1
                                      : std::max(length[row + 1][column], length[row][column + 1]);
    for (std::size_t row = 0, column = 0; row < rows && column < columns;) {
        if (alike(head + row, head + column)) {
            found[head + column++] = head + row++;
        } else if (length[row + 1][column] >= length[row][column + 1]) {
            ++row;
        } else {
            ++column;
        }
    }
    return found;
}

/// Brings the children of an element into line with those that are wanted.
class child_merger {
public:
    child_merger(changes& to, const element& present, const element& wanted, const vocabulary& words,
                 const layout& how)
        : to_(to), present_(present), wanted_(wanted), words_(words), how_(how),
          partner_(present.children.size()) {}

    void merge_all() {
        std::vector<int> ranks;
        for (const auto* from : {&present_, &wanted_})
            for (const auto& child : from->children)
                ranks.push_back(words_.rank(child.name));
        std::sort(ranks.begin(), ranks.end());
        ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());

        for (const auto rank : ranks)
            align(rank);
        if (std::none_of(partner_.begin(), partner_.end(), [](const auto& one) { return one.has_value(); }))
            return start_over();
        for (std::size_t at = 0; at < partner_.size(); ++at)
            settle(at);
        for (const auto rank : ranks)
            insert(rank);
    }

private:
    struct place {
        std::size_t wanted = 0;
        bool whole = false; ///< takes the place of one that is something else
    };

    [[nodiscard]] bool alike(const element& left, const element& right) const {
        if (left.name != right.name)
            return false;
        if (!words_.is_keyed(left.name))
            return same_element(left, right, words_);
        const auto* one = left.attribute("name");
        const auto* other = right.attribute("name");
        return one != nullptr && other != nullptr && *one == *other;
    }

    static std::vector<std::size_t> of_rank(const element& parent, const vocabulary& words, int rank) {
        std::vector<std::size_t> found;
        for (std::size_t at = 0; at < parent.children.size(); ++at)
            if (words.rank(parent.children[at].name) == rank)
                found.push_back(at);
        return found;
    }

    void align(int rank) {
        const auto here = of_rank(present_, words_, rank);
        auto there = of_rank(wanted_, words_, rank);
        if (!here.empty() && words_.is_keyed(present_.children[here.front()].name))
            order_by_key(here, there);
        const auto found = aligned(here.size(), there.size(), [&](std::size_t left, std::size_t right) {
            return alike(present_.children[here[left]], wanted_.children[there[right]]);
        });
        // Between those that are alike, what went makes room for what came.
        std::size_t next_here = 0;
        std::size_t next_there = 0;
        for (std::size_t at = 0; at <= there.size(); ++at) {
            if (at < there.size() && !found[at])
                continue;
            const auto until = at < there.size() ? *found[at] : here.size();
            while (next_here < until && next_there < at) {
                const auto& old = present_.children[here[next_here]];
                const bool whole =
                    words_.is_keyed(old.name) || old.name != wanted_.children[there[next_there]].name;
                partner_[here[next_here++]] = place{there[next_there++], whole};
            }
            if (at < there.size()) {
                partner_[here[until]] = place{there[at], false};
                next_here = until + 1;
                next_there = at + 1;
            }
        }
        sequences_.emplace_back(rank, std::move(there));
    }

    /// Where order means nothing, the present one stays.
    void order_by_key(const std::vector<std::size_t>& here, std::vector<std::size_t>& there) const {
        const auto place_of = [&](std::size_t wanted) {
            for (std::size_t at = 0; at < here.size(); ++at)
                if (alike(present_.children[here[at]], wanted_.children[wanted]))
                    return at;
            return here.size();
        };
        std::vector<std::pair<std::size_t, std::size_t>> placed;
        placed.reserve(there.size());
        for (const auto one : there)
            placed.emplace_back(place_of(one), one);
        std::stable_sort(placed.begin(), placed.end(),
                         [](const auto& left, const auto& right) { return left.first < right.first; });
        std::transform(placed.begin(), placed.end(), there.begin(),
                       [](const auto& one) { return one.second; });
    }

    /// No present child stays.
    void start_over() {
        if (wanted_.children.empty()) {
            for (std::size_t at = 0; at < present_.children.size(); ++at)
                remove_child(to_, present_, at);
            return;
        }
        rewrite(to_, present_, wanted_, how_);
    }

    /// What becomes of a present child.
    void settle(std::size_t at) {
        if (!partner_[at])
            return remove_child(to_, present_, at);
        const auto& wanted = wanted_.children[partner_[at]->wanted];
        if (!partner_[at]->whole)
            return merge(to_, present_.children[at], wanted, words_, how_);
        const auto lead = lead_before(to_.text(), present_.children[at].source.begin);
        to_.replace(present_.children[at].source, render(wanted, last_line(lead), how_));
    }

    void insert(int rank) {
        const auto known = std::find_if(sequences_.begin(), sequences_.end(),
                                        [&](const auto& one) { return one.first == rank; });
        const auto indent = indentation_in(to_.text(), present_, how_);
        // Behind the last one that stays before it, or else before the first that stays.
        std::optional<std::size_t> first;
        std::optional<std::size_t> behind;
        std::vector<std::optional<std::size_t>> mine(wanted_.children.size());
        for (std::size_t at = 0; at < partner_.size(); ++at) {
            if (!partner_[at])
                continue;
            mine[partner_[at]->wanted] = at;
            first = first ? first : at;
            if (words_.rank(present_.children[at].name) < rank)
                behind = at;
        }
        for (const auto wanted : known->second) {
            if (mine[wanted]) {
                behind = mine[wanted];
                continue;
            }
            const auto written = render(wanted_.children[wanted], indent, how_);
            if (behind)
                insert_after(to_, present_, *behind, written, how_);
            else
                insert_before(to_, present_, first.value_or(0), written, how_);
        }
    }

    changes& to_;
    const element& present_;
    const element& wanted_;
    const vocabulary& words_;
    const layout& how_;
    std::vector<std::optional<place>> partner_; ///< of each present child; none: it goes
    std::vector<std::pair<int, std::vector<std::size_t>>> sequences_;
};

} // namespace

// ---- changes -----------------------------------------------------------------------------------------

void changes::replace(extent what, std::string with) {
    if (what.of(text_) != with)
        all_.push_back({what, std::move(with)});
}

std::string changes::made() const {
    std::vector<const change*> order;
    order.reserve(all_.size());
    for (const auto& one : all_)
        order.push_back(&one);
    std::stable_sort(order.begin(), order.end(), [](const change* left, const change* right) {
        return std::pair{left->what.begin, left->what.end} < std::pair{right->what.begin, right->what.end};
    });
    std::string result;
    std::size_t done = 0;
    for (const auto* one : order) {
        if (one->what.begin < done)
            continue;
        result += text_.substr(done, one->what.begin - done);
        result += one->with;
        done = one->what.end;
    }
    result += text_.substr(done);
    return result;
}

// ---- values ------------------------------------------------------------------------------------------

written_text own_text(std::string_view xml, const element& of) {
    written_text found;
    decoder read{xml, found, false};
    auto at = of.inside.begin;
    const auto segment = [&](std::size_t end) {
        while (at < end) {
            const auto skip = [&](std::string_view close) {
                at = std::min(xml.find(close, at), end - close.size()) + close.size();
            };
            const auto rest = xml.substr(at, end - at);
            if (rest.starts_with("<!--")) {
                skip("-->");
            } else if (rest.starts_with("<![CDATA[")) {
                const auto begin = at;
                skip("]]>");
                read.literally({begin + 9, at - 3});
                found.pieces.push_back({begin, at});
            } else if (rest.starts_with("<?")) {
                skip("?>");
            } else {
                const auto stop = at + std::min(rest.find('<'), rest.size());
                read.run({at, stop});
                found.pieces.push_back({at, stop});
                at = stop;
            }
        }
    };
    for (const auto& child : of.children) {
        segment(child.source.begin);
        at = child.source.end;
    }
    segment(of.inside.end);
    return found;
}

written_text attribute_text(std::string_view xml, const element& of, std::string_view name) {
    written_text found;
    const auto which = index_of(of, name);
    if (which == of.attributes.size())
        return found;
    const auto value = value_extent(xml, of.attribute_sources[which]);
    decoder{xml, found, true}.run(value);
    found.pieces.push_back(value);
    return found;
}

std::vector<extent> extents_of(const written_text& value, std::size_t begin, std::size_t end) {
    std::vector<extent> joined;
    for (auto at = begin; at < end; ++at) {
        const auto& one = value.bytes[at];
        if (!joined.empty() && (joined.back().end == one.begin || joined.back() == one))
            joined.back().end = one.end;
        else if (joined.empty() || joined.back().end < one.end)
            joined.push_back(one);
    }
    return joined;
}

std::string spelled(std::string_view value, bool in_cdata) {
    std::string made;
    if (!in_cdata) {
        for (const char c : escape_attribute(value))
            made += c == '>' ? "&gt;" : c == '\'' ? "&apos;" : std::string(1, c);
        return made;
    }
    // The end of a section cannot stand in one.
    for (const char c : value)
        made += c == '>' && made.ends_with("]]") ? "]]><![CDATA[>" : std::string(1, c);
    return made;
}

void set_attribute(changes& to, const element& of, std::string_view name, std::string_view value) {
    const auto which = index_of(of, name);
    if (which == of.attributes.size())
        return to.insert(end_of_start(of), " " + std::string{name} + "=\"" + escape_attribute(value) + "\"");
    if (of.attributes[which].second == value)
        return;
    const auto place = value_extent(to.text(), of.attribute_sources[which]);
    to.replace(place, escape_attribute(value, to.text()[place.end]));
}

void remove_attribute(changes& to, const element& of, std::string_view name) {
    const auto which = index_of(of, name);
    if (which == of.attributes.size())
        return;
    auto place = of.attribute_sources[which];
    place.begin -= lead_before(to.text(), place.begin).size();
    to.replace(place, "");
}

// ---- layout ------------------------------------------------------------------------------------------

layout layout::of(std::string_view xml, const element& root) {
    layout found;
    const auto feed = xml.find('\n');
    if (feed != xml.npos && feed > 0 && xml[feed - 1] == '\r')
        found.newline = "\r\n";
    for (const auto& child : root.children) {
        const auto line = last_line(lead_before(xml, child.source.begin));
        if (!line.empty()) {
            found.unit = line;
            break;
        }
    }
    return found;
}

std::string render(const element& what, std::string_view indent, const layout& how) {
    std::string made = "<" + what.name;
    for (const auto& [name, value] : what.attributes)
        made += " " + name + "=\"" + escape_attribute(value) + "\"";
    const auto inner = inner_of(what, indent, how);
    return made + (inner.empty() ? "/>" : ">" + inner + "</" + what.name + ">");
}

extent with_comments(std::string_view xml, const element& parent, std::size_t child) {
    auto place = parent.children[child].source;
    const auto floor = child == 0 ? parent.inside.begin : parent.children[child - 1].source.end;
    const auto ceiling =
        child + 1 == parent.children.size() ? parent.inside.end : parent.children[child + 1].source.begin;
    const auto feeds = [&](std::size_t begin, std::size_t end) {
        return std::count(xml.begin() + static_cast<std::ptrdiff_t>(begin),
                          xml.begin() + static_cast<std::ptrdiff_t>(end), '\n');
    };

    // A comment behind it, on its own line.
    for (auto at = place.end; at < ceiling;) {
        if (xml[at] == ' ' || xml[at] == '\t') {
            ++at;
        } else if (xml.substr(at, ceiling - at).starts_with("<!--")) {
            at = xml.find("-->", at) + 3;
            place.end = at;
        } else {
            break;
        }
    }

    // Comments above it: found forwards, as only so it is known where one begins.
    std::vector<extent> comments;
    find_comments(xml, {floor, place.begin}, comments);
    for (auto one = comments.rbegin(); one != comments.rend(); ++one) {
        const auto gap = extent{one->end, place.begin};
        if (!is_blank(gap.of(xml)) || feeds(gap.begin, gap.end) > 1)
            break;
        // On the line of what stands before, it belongs to that.
        const auto before = lead_before(xml, one->begin);
        if (feeds(one->begin - before.size(), one->begin) == 0)
            break;
        place.begin = one->begin;
    }
    return place;
}

std::string indentation_in(std::string_view xml, const element& parent, const layout& how) {
    for (const auto& child : parent.children) {
        const auto lead = lead_before(xml, child.source.begin);
        if (lead.find('\n') != lead.npos)
            return std::string{last_line(lead)};
    }
    return std::string{last_line(lead_before(xml, parent.source.begin))} + how.unit;
}

void insert_after(changes& to, const element& parent, std::size_t child, std::string_view written,
                  const layout& how) {
    const auto xml = to.text();
    const auto place = with_comments(xml, parent, child);
    auto lead = lead_before(xml, place.begin);
    // In a row of elements on one line, or below its like with the same distance.
    const bool broken = lead.find('\n') != lead.npos;
    const bool first = child == 0;
    std::string between;
    if (broken && !first)
        between = lead;
    else if (broken)
        between = how.newline + std::string{last_line(lead)};
    to.insert(place.end, between + std::string{written});
}

void insert_before(changes& to, const element& parent, std::size_t child, std::string_view written,
                   const layout& how) {
    const auto xml = to.text();
    const auto place = with_comments(xml, parent, child);
    const auto lead = lead_before(xml, place.begin);
    const bool broken = lead.find('\n') != lead.npos;
    std::string between;
    if (broken)
        between = child == 0 ? how.newline + std::string{last_line(lead)} : std::string{lead};
    to.insert(place.begin, std::string{written} + between);
}

void insert_into_empty(changes& to, const element& parent, std::string_view written, const layout& how) {
    const auto xml = to.text();
    const auto outer = std::string{last_line(lead_before(xml, parent.source.begin))};
    const auto inner = how.newline + outer + how.unit + std::string{written};
    if (is_closed_at_once(parent))
        return fill(to, parent, inner + how.newline + outer);
    auto end = parent.inside.end;
    while (end > parent.inside.begin && is_blank(xml[end - 1]))
        --end;
    const auto rest = extent{end, parent.inside.end}.of(xml);
    to.insert(end, inner + (rest.find('\n') == rest.npos ? how.newline + outer : std::string{}));
}

void remove_child(changes& to, const element& parent, std::size_t child) {
    const auto xml = to.text();
    auto place = parent.children[child].source;
    auto begin = place.begin;
    while (begin > parent.inside.begin && (xml[begin - 1] == ' ' || xml[begin - 1] == '\t'))
        --begin;
    auto end = place.end;
    while (end < parent.inside.end && (xml[end] == ' ' || xml[end] == '\t' || xml[end] == '\r'))
        ++end;
    const bool alone =
        begin > parent.inside.begin && xml[begin - 1] == '\n' && end < parent.inside.end && xml[end] == '\n';
    if (!alone)
        return to.replace(place, "");
    place = {begin, end + 1};
    // Of an empty line above and one below, one is enough.
    const auto above = lead_before(xml, place.begin);
    const auto empty_above = std::count(above.begin(), above.end(), '\n') > 1;
    const auto next = xml.find_first_not_of(" \t\r", place.end);
    const bool empty_below = next != xml.npos && next < parent.inside.end && xml[next] == '\n';
    if (empty_above && empty_below)
        place.end = next + 1;
    to.replace(place, "");
}

// ---- merging -----------------------------------------------------------------------------------------

namespace {

bool same_own_text(const element& left, const element& right) {
    if (left.text == right.text)
        return true;
    // Between elements white space is layout.
    return !(left.children.empty() && right.children.empty()) && trimmed(left.text) == trimmed(right.text);
}

bool same_attributes(const element& left, const element& right, const vocabulary& words) {
    const auto covers = [&](const element& one, const element& other) {
        return std::all_of(one.attributes.begin(), one.attributes.end(), [&](const auto& attribute) {
            return words.same_attribute(one.name, attribute.first, &attribute.second,
                                        other.attribute(attribute.first));
        });
    };
    return covers(left, right) && covers(right, left);
}

} // namespace

bool same_element(const element& left, const element& right, const vocabulary& words) {
    return left.name == right.name && same_own_text(left, right) && same_attributes(left, right, words) &&
           left.children.size() == right.children.size() &&
           std::equal(
               left.children.begin(), left.children.end(), right.children.begin(),
               [&](const element& one, const element& other) { return same_element(one, other, words); });
}

void merge(changes& to, const element& present, const element& wanted, const vocabulary& words,
           const layout& how) {
    for (const auto& [name, value] : wanted.attributes)
        if (!words.same_attribute(present.name, name, present.attribute(name), &value))
            set_attribute(to, present, name, value);
    for (const auto& [name, value] : present.attributes)
        if (wanted.attribute(name) == nullptr && !words.same_attribute(present.name, name, &value, nullptr))
            remove_attribute(to, present, name);
    if (!same_own_text(present, wanted)) {
        if (!present.children.empty() || !wanted.children.empty())
            return rewrite(to, present, wanted, how);
        set_text(to, present, wanted.text);
    }
    if (!present.children.empty() || !wanted.children.empty())
        child_merger{to, present, wanted, words, how}.merge_all();
}

} // namespace iom::host
