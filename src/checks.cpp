#include "checks.hpp"

#include <algorithm>
#include <utility>

namespace iom::host {

namespace {

/// Letters to change, add or take away (Levenshtein); words are short.
std::size_t distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> row(right.size() + 1);
    for (std::size_t at = 0; at < row.size(); ++at)
        row[at] = at;
    for (std::size_t i = 0; i < left.size(); ++i) {
        auto diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < right.size(); ++j) {
            const auto change = diagonal + (left[i] == right[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({row[j + 1] + 1, row[j] + 1, change});
        }
    }
    return row.back();
}

bool among(std::string_view word, std::initializer_list<std::string_view> known) {
    return std::find(known.begin(), known.end(), word) != known.end();
}

std::vector<std::string> words(std::initializer_list<std::string_view> known) {
    return {known.begin(), known.end()};
}

constexpr bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

} // namespace

void complaints::add(manifest::mistake what) {
    const auto same = [&](const manifest::mistake& known) {
        return known.where.line == what.where.line && known.where.column == what.where.column &&
               known.sentence == what.sentence;
    };
    if (std::any_of(into_.begin(), into_.end(), same))
        return;
    mistakes_ += what.warning ? 0 : 1;
    if (into_.size() - before_ < most)
        into_.push_back(std::move(what));
    else
        ++untold_;
}

void complaints::finish(const std::string& file) {
    std::stable_sort(into_.begin() + static_cast<std::ptrdiff_t>(before_), into_.end(),
                     [](const auto& left, const auto& right) {
                         return std::pair{left.where.line, left.where.column} <
                                std::pair{right.where.line, right.where.column};
                     });
    if (untold_ > 0)
        into_.push_back({{file, 0, 0},
                         "there are " + std::to_string(untold_) + " more mistakes. Mend these first.",
                         mistakes_ == 0});
}

std::string listed(std::span<const std::string> words, std::string_view last) {
    std::string all;
    for (std::size_t at = 0; at < words.size(); ++at) {
        if (at > 0)
            all += at + 1 == words.size() ? last : ", ";
        all += words[at];
    }
    return all;
}

std::string suggestion(std::string_view typed, std::span<const std::string> known) {
    if (known.empty())
        return " There is none here.";
    if (typed.size() <= 64) {
        const std::string* nearest = nullptr;
        auto nearest_distance = std::max<std::size_t>(2, typed.size() / 3) + 1;
        for (const auto& word : known) {
            const auto here = word.size() > 64 ? nearest_distance : distance(typed, word);
            if (here < nearest_distance) {
                nearest = &word;
                nearest_distance = here;
            }
        }
        if (nearest != nullptr)
            return " Perhaps " + in_quotes(*nearest) + " is meant.";
    }
    static constexpr std::size_t most = 12;
    if (known.size() > most)
        return " Known are " + listed(known.first(most), ", ") + " and " +
               std::to_string(known.size() - most) + " more.";
    return known.size() == 1 ? " Known is only " + known.front() + "." : " Known are " + listed(known) + ".";
}

void expect_attributes(const manifest::element& at, std::initializer_list<std::string_view> known,
                       complaints& say) {
    for (const auto& [name, value] : at.attributes) {
        if (among(name, known))
            continue;
        if (known.size() == 0)
            say.wrong(at.where, "<" + at.name + "> takes no attributes, but here is " + in_quotes(name) +
                                    ". Remove it.");
        else
            say.wrong(at.where, "<" + at.name + "> has no attribute " + in_quotes(name) + "." +
                                    suggestion(name, words(known)));
    }
}

void expect_children(const manifest::element& at, std::initializer_list<std::string_view> known,
                     complaints& say) {
    for (const auto& child : at.children) {
        if (among(child.name, known))
            continue;
        if (known.size() == 0)
            say.wrong(child.where,
                      "<" + at.name + "> takes no elements, but here is <" + child.name + ">. Remove it.");
        else
            say.wrong(child.where, "<" + child.name + "> does not belong into <" + at.name + ">." +
                                       suggestion(child.name, words(known)));
    }
}

void expect_no_text(const manifest::element& at, complaints& say) {
    if (const auto text = trimmed(at.text); !text.empty())
        say.wrong(at.where,
                  "<" + at.name + "> takes no text, but here stands " + in_quotes(text) + ". Remove it.");
}

const std::string* need_attribute(const manifest::element& at, std::string_view name, complaints& say) {
    const auto* found = at.attribute(name);
    if (found == nullptr)
        say.wrong(at.where, "<" + at.name + "> lacks the attribute " + std::string{name} + ". Add " +
                                std::string{name} + "=\"…\".");
    else if (found->empty())
        say.wrong(at.where, "the attribute " + std::string{name} + " of <" + at.name +
                                "> is empty. Write something into it.");
    else
        return found;
    return nullptr;
}

bool truth_attribute(const manifest::element& at, std::string_view name, bool otherwise, complaints& say) {
    const auto* written = at.attribute(name);
    if (written == nullptr)
        return otherwise;
    const auto truth = manifest::read_boolean(*written);
    if (!truth)
        say.wrong(at.where, std::string{name} + " takes true or false, not " + in_quotes(*written) + ".");
    return truth.value_or(otherwise);
}

std::optional<time_us> duration_attribute(const manifest::element& at, std::string_view name,
                                          complaints& say) {
    const auto* written = at.attribute(name);
    if (written == nullptr)
        return std::nullopt;
    const auto found = duration_of(*written);
    if (!found)
        say.wrong(at.where, std::string{name} +
                                " takes a length of time with its unit (ms, s, min, h), as in 250ms or 2s, "
                                "not " +
                                in_quotes(*written) + ".");
    return found;
}

namespace {

constexpr std::size_t longest_name = 64;

bool is_letter_or_digit(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

} // namespace

bool is_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= longest_name && is_letter_or_digit(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [&](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; });
}

std::string name_trouble(std::string_view name, std::string_view what) {
    if (is_name(name)) {
        return {};
    }
    const std::string of{what};
    if (name.size() > longest_name && is_name(name.substr(0, longest_name))) {
        return in_quotes(std::string(name.substr(0, 24)) + "…") + " has " + std::to_string(name.size()) +
               " characters, too many for the name of " + of + ". Use at most " +
               std::to_string(longest_name) + '.';
    }
    const bool begins_wrong = !name.empty() && !is_letter_or_digit(name.front());
    return in_quotes(name) + " cannot be the name of " + of + ". Use letters, digits, - and _" +
           (begins_wrong ? ", beginning with a letter or a digit." : ".");
}

namespace {

bool is_rule_name(std::string_view text) noexcept {
    const bool controls = std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
    if (text.empty() || controls)
        return false;
    std::size_t parts = 0;
    for (;;) {
        const auto slash = text.find('/');
        const auto part = text.substr(0, slash);
        if (part.empty() || part == "." || part == "..")
            return false;
        ++parts;
        if (slash == text.npos) // what can be done with a rule stands behind its name
            return parts == 1 || !among(part, {"duplicate", "enabled", "fire"});
        text.remove_prefix(slash + 1);
    }
}

} // namespace

std::string rule_name_trouble(std::string_view name) {
    if (name.empty())
        return "a rule needs a name. Say in a few words what it does.";
    if (!is_rule_name(name))
        return in_quotes(name) +
               " cannot be the name of a rule, because no address in the web page could mean "
               "it. Leave out line breaks, and / and dots where they stand.";
    return {};
}

bool is_taken_name(std::string_view text) noexcept {
    return among(text, {"host", "this", "session"});
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

bool split_reference(std::string_view written, std::string_view& left, std::string_view& right) noexcept {
    const auto slash = written.find('/');
    if (slash == written.npos)
        return false;
    left = written.substr(0, slash);
    right = written.substr(slash + 1);
    return !left.empty() && !right.empty();
}

} // namespace iom::host
