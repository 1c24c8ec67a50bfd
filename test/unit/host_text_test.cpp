#include "text.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iom::host {
namespace {

/// Names a, b, … stand for the values given to it; `gone` is found, and then cannot be supplied.
class fake_values final : public naming, public scope {
public:
    explicit fake_values(std::map<std::string, value, std::less<>> known) : known_(std::move(known)) {}

    bool find(std::string_view name, reference& found, std::string& why) const override {
        found = {};
        found.from = name == "gone" ? source::secret : source::trigger;
        std::uint32_t index = 0;
        for (const auto& [id, what] : known_) {
            if (id == name) {
                found.index = index;
                found.harmless = what.kind == value_kind::integer;
                return true;
            }
            ++index;
        }
        why = "there is no '" + std::string{name} + "'.";
        return name == "gone";
    }

    bool supply(const reference& what, value_view& found, std::string& why) override {
        if (what.from == source::secret) {
            why = "the secret is gone.";
            return false;
        }
        found = std::next(known_.begin(), what.index)->second.view();
        return true;
    }

private:
    std::map<std::string, value, std::less<>> known_;
};

fake_values values() {
    return fake_values{{
        {"1", value{value_view::of(std::string_view{"say \"hi\"\n"})}},
        {"bytes", value{value_view::of_bytes(std::string_view{"\x00\xfe{", 3})}},
        {"count", value{value_view::of(std::int64_t{42})}},
        {"none", value{}},
        {"on", value{value_view::of(true)}},
        {"press/connection-status", value{value_view::of(std::string_view{"ready"})}},
        {"umlaut", value{value_view::of(std::string_view{"\xc3\xbc ?"})}},
    }};
}

struct parsed {
    text_template made;
    std::vector<std::string> mistakes;
    std::vector<std::string> warnings;
};

parsed parse(std::string_view written) {
    parsed all;
    const auto known = values();
    all.made = text_template::parse(written, known, all.mistakes, all.warnings);
    return all;
}

TEST(host_text, table_of_expansions) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"${count}", "42"},
        {"a${count}b${on}c", "a42btruec"},
        {"${none}", ""},
        {"[${1}]", "[say \"hi\"\n]"},
        {"${1|json}", "say \\\"hi\\\"\\n"},
        {"${1|url}", "say%20%22hi%22%0A"},
        {"${1|hex}", "736179202268692"
                     "20a"},
        {"${1|base64}", "c2F5ICJoaSIK"},
        {"${1|base64|url}", "c2F5ICJoaSIK"},
        {"${umlaut|url}", "%C3%BC%20%3F"},
        {"${umlaut|hex|base64}", "YzNiYzIwM2Y="},
        {"${bytes}", "00fe7b"},
        {"${bytes|hex}", "00fe7b"},
        {"${bytes|base64}", "AP57"},
        {"${bytes|json}", "00fe7b"},
        {"${bytes|url}", "00fe7b"},
        {"${count|base64}", "NDI="},
        {"${press/connection-status}!", "ready!"},
        {"$${count}", "${count}"},
        {"$$${count}", "$${count}"},
        {"$5 and $", "$5 and $"},
        {"$$", "$$"},
        {"100%}{", "100%}{"},
        {"x${char:1e}y${char:41}", "x\x1eyA"},
        {"${char:e9}${char:20AC}${char:1f600}", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"${char:22|json}", "\\\""},
    };
    auto known = values();
    std::string out = "left over from before";
    std::string why;
    for (const auto& [written, expected] : cases) {
        SCOPED_TRACE(written);
        const auto text = parse(written);
        EXPECT_TRUE(text.mistakes.empty());
        ASSERT_TRUE(text.made.expand(known, out, why)) << why;
        EXPECT_EQ(out, expected);
    }
}

TEST(host_text, says_what_is_wrong) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"${nobody}", "there is no 'nobody'"},
        {"${}", "there is no ''"},
        {"a ${count", "no closing brace"},
        {"${count|rot13}", "\"rot13\" in ${count|rot13} is no filter"},
        {"${count|}", "\"\" in ${count|} is no filter"},
        {"${char:}", "is no character"},
        {"${char:d800}", "is no character"},
        {"${char:110000}", "is no character"},
        {"${char:xyz}", "is no character"},
        {"${char:0000041}", "is no character"},
    };
    for (const auto& [written, piece] : cases) {
        SCOPED_TRACE(written);
        const auto text = parse(written);
        ASSERT_EQ(text.mistakes.size(), 1u);
        EXPECT_NE(text.mistakes.front().find(piece), std::string::npos) << text.mistakes.front();
    }
    EXPECT_EQ(parse("${a} ${b}").mistakes.size(), 2u);
}

TEST(host_text, warns_of_unescaped_insertions_in_json_only) {
    const std::pair<std::string_view, bool> cases[] = {
        {R"({"m":"${1}"})", true},
        {R"({"m":${1}})", true},
        {R"(["${1}", "${umlaut}"])", true},
        {R"({"m":"${1|json}"})", false},
        {R"({"m":"${1|hex}"})", false},
        {R"({"n":${count}})", false},
        {R"(${1})", false},
        {R"(no {"m":"${1}"})", false},
        {R"({${1}})", false},
        {R"("${1}")", false},
    };
    for (const auto& [written, warned] : cases)
        EXPECT_EQ(!parse(written).warnings.empty(), warned) << written;
    EXPECT_NE(parse(R"({"m":"${1}"})").warnings.front().find("${1|json}"), std::string::npos);
}

TEST(host_text, gives_single_values_with_their_type) {
    auto known = values();
    std::string scratch;
    std::string why;
    value_view found;
    ASSERT_TRUE(parse("${bytes}").made.evaluate(known, scratch, found, why));
    EXPECT_EQ(found.kind, value_kind::bytes);
    ASSERT_TRUE(parse("${count}").made.evaluate(known, scratch, found, why));
    EXPECT_EQ(found.integer, 42);
    ASSERT_TRUE(parse("${count} ").made.evaluate(known, scratch, found, why));
    EXPECT_EQ(found.text, "42 ");
    ASSERT_TRUE(parse("${bytes|hex}").made.evaluate(known, scratch, found, why));
    EXPECT_EQ(found.kind, value_kind::text);
    const auto literal = parse("literal");
    ASSERT_TRUE(literal.made.evaluate(known, scratch, found, why));
    EXPECT_EQ(found.text, "literal");
    EXPECT_NE(parse("${count}").made.sole(), nullptr);
    EXPECT_EQ(parse("x${count}").made.sole(), nullptr);
    EXPECT_TRUE(parse("$${count}").made.is_literal());
}

TEST(host_text, reports_what_cannot_be_supplied) {
    auto known = values();
    std::string out;
    std::string why;
    EXPECT_FALSE(parse("Bearer ${gone}").made.expand(known, out, why));
    EXPECT_EQ(why, "the secret is gone.");
    EXPECT_TRUE(parse("Bearer ${gone}").made.uses(source::secret));
    EXPECT_FALSE(parse("Bearer ${1}").made.uses(source::secret));
}

TEST(host_text, takes_any_text_without_harm) {
    // Every cut of a text that has all there is.
    static constexpr std::string_view all = "a$${b}${count|json|hex}${char:1e}$${${1}$";
    auto known = values();
    std::string out;
    std::string why;
    for (std::size_t begin = 0; begin <= all.size(); ++begin) {
        for (std::size_t size = 0; begin + size <= all.size(); ++size) {
            const auto text = parse(all.substr(begin, size));
            if (text.mistakes.empty()) {
                EXPECT_TRUE(text.made.expand(known, out, why));
            }
        }
    }
}

} // namespace
} // namespace iom::host
