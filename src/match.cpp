#include "match.hpp"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <unordered_map>
#include <utility>

namespace iom::host {

namespace {

/// Bounds on what a regular expression may take, in bytes: one alone, and all of a trigger together.
constexpr std::int64_t regex_memory = std::int64_t{2} << 20;
constexpr std::int64_t regex_set_memory = std::int64_t{32} << 20;

struct kind_word {
    std::string_view word;
    match_kind kind;
};
constexpr kind_word kind_words[] = {{"contains", match_kind::contains},
                                    {"equals", match_kind::equals},
                                    {"prefix", match_kind::prefix},
                                    {"regex", match_kind::regex},
                                    {"json", match_kind::json}};

struct comparison_word {
    std::string_view word;
    json_comparison compare;
};
constexpr comparison_word comparison_words[] = {
    {"", json_comparison::exists},     {"=", json_comparison::equal},    {"!=", json_comparison::not_equal},
    {"<", json_comparison::less},      {"<=", json_comparison::at_most}, {">", json_comparison::greater},
    {">=", json_comparison::at_least},
};

/// Whether `part` stands anywhere in `text`. Looking for its first byte is by far the quickest where that is
/// rare; where it is not, memmem goes on, whose time is linear whatever the texts are.
bool holds(std::string_view text, std::string_view part) {
    if (part.empty())
        return true;
    if (part.size() > text.size())
        return false;
    const auto* const begin = text.data();
    const auto* const end = begin + text.size();
    const auto* const last = end - part.size();
    std::ptrdiff_t hits = 0;
    for (const auto* at = begin; at <= last; ++at) {
        at = static_cast<const char*>(std::memchr(at, part.front(), static_cast<std::size_t>(last - at) + 1));
        if (at == nullptr)
            return false;
        if (std::memcmp(at, part.data(), part.size()) == 0)
            return true;
        if (++hits * 32 > at - begin + 256)
            return memmem(at, static_cast<std::size_t>(end - at), part.data(), part.size()) != nullptr;
    }
    return false;
}

re2::RE2::Options regex_options(bool latin1) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(regex_memory);
    options.set_encoding(latin1 ? re2::RE2::Options::EncodingLatin1 : re2::RE2::Options::EncodingUTF8);
    return options;
}

} // namespace

std::optional<match_kind> match_kind_of(std::string_view word) noexcept {
    for (const auto& [known, kind] : kind_words)
        if (known == word)
            return kind;
    return std::nullopt;
}

std::string_view to_word(match_kind kind) noexcept {
    return kind_words[static_cast<std::size_t>(kind)].word;
}

std::optional<json_comparison> json_comparison_of(std::string_view word) noexcept {
    for (const auto& [known, compare] : comparison_words)
        if (known == word)
            return compare;
    return std::nullopt;
}

std::string_view to_word(json_comparison compare) noexcept {
    return comparison_words[static_cast<std::size_t>(compare)].word;
}

// ---- message_view ------------------------------------------------------------------------------------

const json_document* message_view::json() {
    if (!parsed_) {
        parsed_ = true;
        is_json_ = scratch_.parse(content_);
    }
    return is_json_ ? &scratch_ : nullptr;
}

value_view message_view::part(std::string_view slice) const noexcept {
    return binary_ ? value_view::of_bytes(slice) : value_view::of(slice);
}

// ---- match -------------------------------------------------------------------------------------------

/// What a JSON value is compared with. A text that is no JSON stands for itself, as a string.
struct json_operand {
    json_kind kind = json_kind::string;
    bool truth = false;
    std::string text;
    number size;

    /// False if `written` is an array or an object: only single values can be compared.
    bool read(std::string_view written) {
        json_document parsed;
        text = written;
        if (!parsed.parse(written))
            return true;
        const auto& root = parsed.root();
        kind = root.kind;
        truth = root.truth;
        text = root.text;
        if (kind == json_kind::number)
            size = *number_of(root.text);
        return kind != json_kind::array && kind != json_kind::object;
    }

    [[nodiscard]] bool compare(const json_document::node& found, json_comparison how) const {
        if (how == json_comparison::exists)
            return true;
        const bool same_kind = found.kind == kind;
        std::optional<int> order; // none: cannot be put in order
        bool equal = false;
        if (same_kind && kind == json_kind::number) {
            order = compare_numbers(*number_of(found.text), size);
            equal = *order == 0;
        } else if (same_kind && kind == json_kind::string) {
            order = found.text.compare(text);
            equal = *order == 0;
        } else if (same_kind) {
            equal = found.truth == truth;
        }
        switch (how) {
        case json_comparison::equal:
            return equal;
        case json_comparison::not_equal:
            return !equal;
        case json_comparison::less:
            return order && *order < 0;
        case json_comparison::at_most:
            return order && *order <= 0;
        case json_comparison::greater:
            return order && *order > 0;
        case json_comparison::at_least:
            return order && *order >= 0;
        case json_comparison::exists:
            break;
        }
        return true;
    }
};

struct match::test_one {
    match_kind kind = match_kind::contains;
    std::string text;
    std::size_t captures = 0;

    // regex: for text, and for bytes (null where it can only mean text)
    std::unique_ptr<re2::RE2> regex;
    std::unique_ptr<re2::RE2> byte_regex;
    bool whole_hit = false; ///< capture the whole hit instead of the groups

    // json
    std::vector<std::string> tokens;
    json_comparison how = json_comparison::exists;
    json_operand operand;

    bool run(message_view& message, capture_list* out) const {
        const auto content = message.content();
        switch (kind) {
        case match_kind::contains:
            if (!holds(content, text))
                return false;
            if (out != nullptr && captures != 0)
                out->add(message.part(content));
            return true;
        case match_kind::equals:
            if (content != text)
                return false;
            if (out != nullptr && captures != 0)
                out->add(message.part(content));
            return true;
        case match_kind::prefix:
            if (!content.starts_with(text))
                return false;
            if (out != nullptr && captures != 0)
                out->add(message.part(content.substr(text.size())));
            return true;
        case match_kind::regex:
            return run_regex(message, out);
        case match_kind::json:
            return run_json(message, out);
        }
        return false;
    }

    bool run_regex(message_view& message, capture_list* out) const {
        const auto* expression = message.binary() ? byte_regex.get() : regex.get();
        if (expression == nullptr)
            return false;
        const re2::StringPiece content{message.content().data(), message.content().size()};
        std::array<re2::StringPiece, capture_list::capacity + 1> groups;
        const int wanted =
            out == nullptr || captures == 0 ? 0 : static_cast<int>(captures) + (whole_hit ? 0 : 1);
        if (!expression->Match(content, 0, content.size(), re2::RE2::UNANCHORED, groups.data(), wanted))
            return false;
        for (int group = whole_hit ? 0 : 1; group < wanted; ++group) {
            const auto& slice = groups[static_cast<std::size_t>(group)];
            out->add(message.part({slice.data() == nullptr ? "" : slice.data(), slice.size()}));
        }
        return true;
    }

    bool run_json(message_view& message, capture_list* out) const {
        const auto* parsed = message.json();
        const auto* found = parsed == nullptr ? nullptr : parsed->find(tokens);
        if (found == nullptr || !operand.compare(*found, how))
            return false;
        if (out != nullptr)
            out->add(value_view::of(found->text));
        return true;
    }
};

match::~match() = default;

std::shared_ptr<const match> match::compile(std::span<const match_spec> specs, std::string& why,
                                            std::size_t& which) {
    std::shared_ptr<match> made{new match};
    made->specs_.assign(specs.begin(), specs.end());
    for (which = 0; which < specs.size(); ++which) {
        const auto& spec = specs[which];
        auto test = std::make_unique<test_one>();
        test->kind = spec.kind;
        test->text = spec.text;
        std::vector<std::string> names;

        switch (spec.kind) {
        case match_kind::contains:
        case match_kind::equals:
        case match_kind::prefix:
            if (!spec.as.empty())
                names.push_back(spec.as);
            break;
        case match_kind::regex: {
            test->regex = std::make_unique<re2::RE2>(spec.text, regex_options(false));
            if (!test->regex->ok()) {
                why = "the regular expression " + in_quotes(spec.text) +
                      " cannot be read: " + test->regex->error() +
                      ". Mend it, or use the kind contains for a plain text.";
                return nullptr;
            }
            test->byte_regex = std::make_unique<re2::RE2>(spec.text, regex_options(true));
            if (!test->byte_regex->ok())
                test->byte_regex.reset();
            const auto groups = test->regex->NumberOfCapturingGroups();
            if (groups == 0 && !spec.as.empty()) {
                test->whole_hit = true;
                names.push_back(spec.as);
            }
            const auto& named = test->regex->CapturingGroupNames();
            for (int group = 1; group <= groups; ++group) {
                const auto own = named.find(group);
                names.push_back(own == named.end() ? std::string{} : own->second);
            }
            if (groups > 0 && !spec.as.empty()) {
                if (!names.front().empty() && names.front() != spec.as) {
                    why = "the first group of this regular expression is called both " +
                          in_quotes(names.front()) + " and, by as, " + in_quotes(spec.as) +
                          ". Give it one name.";
                    return nullptr;
                }
                names.front() = spec.as;
            }
            break;
        }
        case match_kind::json:
            if (!split_pointer(spec.pointer, test->tokens)) {
                why = in_quotes(spec.pointer) +
                      " is no JSON pointer. It begins with / and has one / before each "
                      "name (RFC 6901), as in /alarm/level.";
                return nullptr;
            }
            test->how = spec.compare;
            if (spec.compare != json_comparison::exists && !test->operand.read(spec.text)) {
                why = "a JSON value can be compared with a number, true, false, null or a text, not with an "
                      "array "
                      "or object. Point deeper, to a single value.";
                return nullptr;
            }
            names.push_back(spec.as);
            break;
        }

        test->captures = names.size();
        for (auto& name : names) {
            if (!name.empty() && made->find_capture(name)) {
                why =
                    "the capture " + in_quotes(name) + " stands twice. Give each capture a name of its own.";
                return nullptr;
            }
            made->names_.push_back(std::move(name));
        }
        if (made->names_.size() > capture_list::capacity) {
            why = "these matches capture more than " + std::to_string(capture_list::capacity) +
                  " values. Use (?:…) for groups that need not be captured.";
            return nullptr;
        }
        made->tests_.push_back(std::move(test));
    }
    return made;
}

bool match::test(message_view& message) const {
    return std::all_of(tests_.begin(), tests_.end(),
                       [&](const auto& test) { return test->run(message, nullptr); });
}

std::optional<std::size_t> match::failing(message_view& message) const {
    for (std::size_t at = 0; at < tests_.size(); ++at) {
        if (!tests_[at]->run(message, nullptr)) {
            return at;
        }
    }
    return std::nullopt;
}

bool match::capture(message_view& message, capture_list& captures) const {
    captures.clear();
    for (const auto& test : tests_) {
        if (!test->run(message, &captures)) {
            captures.clear();
            return false;
        }
    }
    return true;
}

std::optional<std::size_t> match::find_capture(std::string_view name) const noexcept {
    const auto found = name.empty() ? names_.end() : std::find(names_.begin(), names_.end(), name);
    if (found == names_.end())
        return std::nullopt;
    return static_cast<std::size_t>(found - names_.begin());
}

bool match::always() const noexcept {
    return std::all_of(specs_.begin(), specs_.end(), [](const match_spec& spec) {
        return spec.text.empty() && (spec.kind == match_kind::contains || spec.kind == match_kind::prefix);
    });
}

// ---- match_index -------------------------------------------------------------------------------------

namespace {

using match_list = std::vector<std::uint32_t>;

struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>{}(text);
    }
};
using text_table = std::unordered_map<std::string, match_list, text_hash, std::equal_to<>>;

void mark(std::vector<std::uint64_t>& bits, std::uint32_t which) {
    bits[which / 64] |= std::uint64_t{1} << (which % 64);
}

void mark(std::vector<std::uint64_t>& bits, const match_list& which) {
    for (const auto one : which)
        mark(bits, one);
}

/// Texts that must stand somewhere in the message, each found by one piece of it, of `size` bytes: the piece
/// that the fewest other texts have.
template <std::size_t size>
class gram_table {
public:
    /// The text is the match's own.
    void add(std::string_view text, std::uint32_t which) { texts_.emplace_back(text, which); }

    void build() {
        std::unordered_map<std::uint32_t, std::uint32_t> frequency;
        for (const auto& [text, which] : texts_)
            for (std::size_t at = 0; at + size <= text.size(); ++at)
                ++frequency[load(text.data() + at)];

        const auto slots = std::bit_ceil(std::max<std::size_t>(texts_.size() * 16, 256));
        shift_ = 32 - std::countr_zero(slots);
        std::vector<std::vector<entry>> chains(slots);
        for (const auto& [text, which] : texts_) {
            std::size_t rarest = 0;
            for (std::size_t at = 0; at + size <= text.size(); ++at)
                if (frequency[load(text.data() + at)] < frequency[load(text.data() + rarest)])
                    rarest = at;
            chains[slot(load(text.data() + rarest))].push_back({text, rarest, which});
        }
        taken_.assign(slots / 64, 0);
        for (std::size_t here = 0; here < slots; ++here) {
            starts_.push_back(static_cast<std::uint32_t>(entries_.size()));
            entries_.insert(entries_.end(), chains[here].begin(), chains[here].end());
            if (!chains[here].empty())
                taken_[here / 64] |= std::uint64_t{1} << (here % 64);
        }
        starts_.push_back(static_cast<std::uint32_t>(entries_.size()));
        texts_.clear();
    }

    void find(std::string_view content, std::vector<std::uint64_t>& candidates) const {
        if (entries_.empty() || content.size() < size)
            return;
        // Nearly every place ends at the one look into `taken_`, which fits into the nearest cache.
        const auto* const taken = taken_.data();
        const auto* const begin = content.data();
        const auto places = content.size() - size + 1;
        for (std::size_t at = 0; at < places; ++at) {
            const auto here = slot(load(begin + at));
            if ((taken[here / 64] >> (here % 64) & 1) != 0)
                check(content, at, here, candidates);
        }
    }

private:
    struct entry {
        std::string_view text;
        std::size_t offset; ///< of the piece in the text
        std::uint32_t which;
    };

    void check(std::string_view content, std::size_t at, std::size_t here,
               std::vector<std::uint64_t>& candidates) const {
        for (auto next = starts_[here]; next < starts_[here + 1]; ++next) {
            const auto& one = entries_[next];
            if (at >= one.offset && content.substr(at - one.offset, one.text.size()) == one.text)
                mark(candidates, one.which);
        }
    }

    [[nodiscard]] static std::uint32_t load(const char* from) noexcept {
        std::uint32_t piece = 0;
        std::memcpy(&piece, from, size);
        return piece;
    }

    [[nodiscard]] std::size_t slot(std::uint32_t piece) const noexcept {
        return (piece * 0x9e3779b1u) >> shift_;
    }

    int shift_ = 0;
    std::vector<std::pair<std::string_view, std::uint32_t>> texts_;
    std::vector<std::uint64_t> taken_;
    std::vector<std::uint32_t> starts_;
    std::vector<entry> entries_;
};

/// The same for texts of any length; the longer the piece, the rarer it is.
class text_finder {
public:
    void add(std::string_view text, std::uint32_t which) {
        switch (text.size()) {
        case 0:
            return;
        case 1:
            return one_.add(text, which);
        case 2:
            return two_.add(text, which);
        case 3:
            return three_.add(text, which);
        default:
            return four_.add(text, which);
        }
    }

    void build() {
        one_.build();
        two_.build();
        three_.build();
        four_.build();
    }

    void find(std::string_view content, std::vector<std::uint64_t>& candidates) const {
        one_.find(content, candidates);
        two_.find(content, candidates);
        three_.find(content, candidates);
        four_.find(content, candidates);
    }

private:
    gram_table<1> one_;
    gram_table<2> two_;
    gram_table<3> three_;
    gram_table<4> four_;
};

/// Matches that look at the same place of a JSON message.
struct pointer_group {
    std::vector<std::string> tokens;
    text_table strings;                             ///< must equal this string
    std::unordered_map<double, match_list> numbers; ///< must equal this number
    match_list others;                              ///< must be tested if there is anything
};

/// Fewer than these are as quick to test as to look up.
constexpr std::size_t worth_an_index = 4;
/// Of at most so many regular expressions, each is tried; of more, RE2 is asked once more which ones hold.
constexpr std::size_t worth_a_regex_set = 16;

} // namespace

struct match_index::body {
    std::vector<std::uint64_t> always;
    text_table equals;
    text_table prefixes;
    std::vector<std::size_t> prefix_sizes;
    text_finder texts;
    std::vector<pointer_group> pointers;
    match_list regexes;
    std::unique_ptr<re2::RE2::Set> regex_set;
    mutable std::vector<int> hits; // only between the lines of find

    void add_pointer(const match::test_one& test, std::uint32_t which) {
        auto group = std::find_if(pointers.begin(), pointers.end(),
                                  [&](const pointer_group& known) { return known.tokens == test.tokens; });
        if (group == pointers.end())
            group = pointers.insert(pointers.end(), pointer_group{.tokens = test.tokens});
        if (test.how == json_comparison::equal && test.operand.kind == json_kind::string)
            group->strings[test.operand.text].push_back(which);
        else if (test.how == json_comparison::equal && test.operand.kind == json_kind::number)
            group->numbers[test.operand.size.real].push_back(which);
        else
            group->others.push_back(which);
    }

    void find_regexes(std::string_view content, std::vector<std::uint64_t>& candidates) const {
        const re2::StringPiece text{content.data(), content.size()};
        re2::RE2::Set::ErrorInfo error;
        // Without a list of hits this allocates nothing, and mostly there is none.
        if (!regex_set->Match(text, nullptr, &error)) {
            if (error.kind != re2::RE2::Set::kNoError)
                mark(candidates, regexes);
            return;
        }
        hits.clear();
        if (regexes.size() <= worth_a_regex_set || !regex_set->Match(text, &hits, &error)) {
            mark(candidates, regexes);
            return;
        }
        for (const auto hit : hits)
            mark(candidates, regexes[static_cast<std::size_t>(hit)]);
    }
};

match_index::match_index(std::span<const match* const> matches) : body_(std::make_unique<body>()) {
    body_->always.assign((matches.size() + 63) / 64, 0);

    // Of the tests of a match, all of which must hold, the one that leaves out the most decides.
    const auto rank = [](const match::test_one& test) -> std::size_t {
        switch (test.kind) {
        case match_kind::equals:
            return 1'000'000;
        case match_kind::prefix:
            return test.text.empty() ? 0 : 100'000 + test.text.size();
        case match_kind::contains:
            return test.text.empty() ? 0 : 1'000 + test.text.size();
        case match_kind::json:
            return 2;
        case match_kind::regex:
            return 1;
        }
        return 0;
    };
    std::array<std::size_t, 5> counts{};
    std::vector<const match::test_one*> deciding;
    for (const auto* one : matches) {
        const match::test_one* best = nullptr;
        if (one != nullptr)
            for (const auto& test : one->tests_)
                if (rank(*test) > (best == nullptr ? 0 : rank(*best)))
                    best = test.get();
        deciding.push_back(best);
        if (best != nullptr)
            ++counts[static_cast<std::size_t>(best->kind)];
    }

    std::vector<const match::test_one*> regex_tests;
    for (std::uint32_t which = 0; which < deciding.size(); ++which) {
        const auto* test = deciding[which];
        if (test == nullptr || counts[static_cast<std::size_t>(test->kind)] < worth_an_index) {
            mark(body_->always, which);
            continue;
        }
        switch (test->kind) {
        case match_kind::equals:
            body_->equals[test->text].push_back(which);
            break;
        case match_kind::prefix:
            body_->prefixes[test->text].push_back(which);
            body_->prefix_sizes.push_back(test->text.size());
            break;
        case match_kind::contains:
            body_->texts.add(test->text, which);
            break;
        case match_kind::json:
            body_->add_pointer(*test, which);
            break;
        case match_kind::regex:
            body_->regexes.push_back(which);
            regex_tests.push_back(test);
            break;
        }
    }

    auto& sizes = body_->prefix_sizes;
    std::sort(sizes.begin(), sizes.end());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    body_->texts.build();

    if (regex_tests.empty())
        return;
    auto options = regex_options(false);
    options.set_max_mem(regex_set_memory);
    auto set = std::make_unique<re2::RE2::Set>(options, re2::RE2::UNANCHORED);
    const bool added = std::all_of(regex_tests.begin(), regex_tests.end(),
                                   [&](const auto* test) { return set->Add(test->text, nullptr) >= 0; });
    if (added && set->Compile())
        body_->regex_set = std::move(set);
    else
        mark(body_->always, std::exchange(body_->regexes, {}));
}

match_index::~match_index() = default;
match_index::match_index(match_index&&) noexcept = default;
match_index& match_index::operator=(match_index&&) noexcept = default;

void match_index::find(message_view& message, std::vector<std::uint64_t>& candidates) const {
    const auto content = message.content();
    candidates = body_->always;

    if (!body_->equals.empty())
        if (const auto found = body_->equals.find(content); found != body_->equals.end())
            mark(candidates, found->second);

    for (const auto size : body_->prefix_sizes) {
        if (size > content.size())
            break;
        if (const auto found = body_->prefixes.find(content.substr(0, size)); found != body_->prefixes.end())
            mark(candidates, found->second);
    }

    body_->texts.find(content, candidates);

    if (body_->regex_set) {
        if (message.binary())
            mark(candidates, body_->regexes);
        else
            body_->find_regexes(content, candidates);
    }

    if (body_->pointers.empty())
        return;
    const auto* parsed = message.json();
    if (parsed == nullptr)
        return;
    for (const auto& group : body_->pointers) {
        const auto* found = parsed->find(group.tokens);
        if (found == nullptr)
            continue;
        mark(candidates, group.others);
        if (found->kind == json_kind::string) {
            if (const auto same = group.strings.find(found->text); same != group.strings.end())
                mark(candidates, same->second);
        } else if (found->kind == json_kind::number) {
            if (const auto same = group.numbers.find(number_of(found->text)->real);
                same != group.numbers.end())
                mark(candidates, same->second);
        }
    }
}

} // namespace iom::host
