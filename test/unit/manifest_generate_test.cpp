// The header for modules: what iom-generate writes, and what it refuses.

#include "manifest/generate.hpp"
#include "support/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

using namespace iom::manifest;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::string ids(const module_manifest& of) {
    std::vector<mistake> mistakes;
    std::string made = generate_ids(of, "some::ids", mistakes);
    EXPECT_THAT(mistakes, IsEmpty());
    return made;
}

module_manifest with_setting(const std::string& id, type what, std::optional<std::string> written = {}) {
    module_manifest made;
    made.id = "sample";
    made.version = "1.2.3";
    setting& one = made.settings.emplace_back();
    one.id = id;
    one.label = "Label";
    one.number = 7;
    one.type = what;
    one.default_value = std::move(written);
    return made;
}

TEST(Generate, NamesTheModule) {
    module_manifest of = with_setting("delay", type::real);
    of.token = 0x123456789abcdef;
    const std::string header = ids(of);
    EXPECT_THAT(header, HasSubstr("namespace some::ids {"));
    EXPECT_THAT(header, HasSubstr("module_id[] = \"sample\";"));
    EXPECT_THAT(header, HasSubstr("module_version[] = \"1.2.3\";"));
    EXPECT_THAT(header, HasSubstr("token = 0x0123456789abcdef;"));
}

TEST(Generate, MakesNamesOfIds) {
    EXPECT_THAT(ids(with_setting("ping-interval", type::real)),
                HasSubstr("std::uint32_t ping_interval = 7;"));
    EXPECT_THAT(ids(with_setting("last-error.code", type::real)),
                HasSubstr("std::uint32_t last_error_code = 7;"));
    for (const std::string keyword :
         {"default", "delete", "new", "register", "switch", "xor", "iom", "std"}) {
        EXPECT_THAT(ids(with_setting(keyword, type::real)), HasSubstr("std::uint32_t " + keyword + "_ = 7;"));
    }
}

TEST(Generate, WritesDefaultsByType) {
    EXPECT_THAT(ids(with_setting("it", type::boolean, "on")), HasSubstr("constexpr bool it = true;"));
    EXPECT_THAT(ids(with_setting("it", type::integer, "-5")), HasSubstr("constexpr std::int64_t it = -5;"));
    EXPECT_THAT(ids(with_setting("it", type::real, "0.5")), HasSubstr("constexpr double it = 0.5;"));
    EXPECT_THAT(ids(with_setting("it", type::text, "a\"b\\c\n1ü")),
                HasSubstr("constexpr std::string_view it = \"a\\\"b\\\\c\\0121ü\";"));
    EXPECT_THAT(ids(with_setting("it", type::text)), Not(HasSubstr("setting_default")));
}

TEST(Generate, TellsWhereTwoIdsWouldBeOneName) {
    module_manifest of = with_setting("a.b", type::text);
    of.settings.push_back(of.settings.front());
    of.settings.back().id = "a-b";
    of.settings.back().where = {"m.xml", 4, 5};
    std::vector<mistake> mistakes;
    generate_ids(of, "some::ids", mistakes);
    ASSERT_THAT(mistakes, SizeIs(1));
    EXPECT_EQ(to_string(mistakes[0]),
              "m.xml:4:5: the ids a.b and a-b would both be a_b in the code. Rename one.");
}

TEST(Generate, KnowsNamespaces) {
    for (const std::string_view good : {"a", "iom::ws::ids", "a1::b_2"}) {
        EXPECT_TRUE(is_namespace(good)) << good;
    }
    for (const std::string_view bad : {"", "::", "a::", "::a", "a:b", "A", "1a", "a b", "a{", "a::1"}) {
        EXPECT_FALSE(is_namespace(bad)) << bad;
    }
}

// ---- the program ------------------------------------------------------------------------------------

class generate_program : public testing::Test {
public:
    generate_program() {
        std::string name = (std::filesystem::temp_directory_path() / "iom-generate-XXXXXX").string();
        folder_ = mkdtemp(name.data());
    }
    ~generate_program() override { std::filesystem::remove_all(folder_); }

protected:
    static iom::test::result generate(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), IOM_GENERATE);
        return iom::test::run(std::move(arguments));
    }

    std::filesystem::path folder_;
};

TEST_F(generate_program, WritesTheHeader) {
    const auto header = folder_ / "ids.h";
    const auto ended =
        generate({IOM_SOURCE_FOLDER "/manifest/websocket-client.xml", header.string(), "some::ids"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.out + ended.err, "");
    std::ifstream stream(header);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    EXPECT_THAT(text, HasSubstr("std::uint32_t hostname = 1;"));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(generate_program, WritesNothingFromABrokenManifest) {
    const std::string broken = IOM_SOURCE_FOLDER "/test/unit/manifest/broken/duplicate-numbers.xml";
    const auto header = folder_ / "ids.h";
    const auto ended = generate({broken, header.string(), "some::ids"});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.err, HasSubstr(broken + ":6:7: the number 1 is taken already"));
    EXPECT_THAT(ended.err, HasSubstr(broken + ":11:5: "));
    EXPECT_FALSE(std::filesystem::exists(header));
}

TEST_F(generate_program, SaysWhatItCannotReadOrWrite) {
    const auto none = generate({(folder_ / "none.xml").string(), (folder_ / "ids.h").string(), "a"});
    EXPECT_EQ(none.exit_code, 1);
    EXPECT_THAT(none.err, HasSubstr("none.xml: there is no such file."));
    const auto nowhere =
        generate({IOM_SOURCE_FOLDER "/manifest/websocket-client.xml", (folder_ / "no/ids.h").string(), "a"});
    EXPECT_EQ(nowhere.exit_code, 1);
    EXPECT_THAT(nowhere.err, HasSubstr("no/ids.h: the header cannot be written: No such file or directory."));
}

TEST_F(generate_program, ExplainsItself) {
    const std::vector<std::vector<std::string>> misuses{
        {}, {"a.xml"}, {"a.xml", "b.h"}, {"a.xml", "b.h", "C d"}, {"a.xml", "b.h", "c", "d"}};
    for (const auto& misuse : misuses) {
        const auto ended = generate(misuse);
        EXPECT_EQ(ended.exit_code, 2);
        EXPECT_THAT(ended.err, HasSubstr("usage: iom-generate MANIFEST.xml HEADER.h NAMESPACE"));
    }
}

} // namespace
