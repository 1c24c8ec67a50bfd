// `iomhost validate`: passes a good module, and names what each wrong one does.

#include "support/programs.hpp"

#include <filesystem>
#include <gmock/gmock.h>

namespace {

using iom::test::result;
using ::testing::HasSubstr;
using ::testing::Not;

result validate(const std::string& module) {
    return iom::test::run({iom::test::iomhost(), "validate",
                           (std::filesystem::path(IOM_TEST_MODULES_FOLDER) / (module + ".so")).string()});
}

TEST(Validate, PassesAGoodModule) {
    const result ended = validate("good");
    EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
    EXPECT_THAT(ended.out, Not(HasSubstr("BREACH")));
    EXPECT_THAT(ended.out, HasSubstr("0 of 10 tests found a breach of the contract"));
}

struct fault {
    const char* module;
    const char* words;
};

class ValidateFinds : public ::testing::TestWithParam<fault> {};

TEST_P(ValidateFinds, TheBreach) {
    const result ended = validate(GetParam().module);
    EXPECT_EQ(ended.exit_code, 1) << ended.out << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("BREACH  "));
    EXPECT_THAT(ended.out, HasSubstr(GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    Modules, ValidateFinds,
    ::testing::Values(
        fault{"wrong-abi", "BREACH  load: "}, fault{"wrong-token", "BREACH  load: "},
        fault{"wrong-exports", "BREACH  symbols: It exports "},
        fault{"wrong-crash", "BREACH  run: it brought the process down: Aborted"},
        fault{"wrong-start", "BREACH  start-needs-set: start was accepted before any set."},
        fault{"wrong-done-twice", "BREACH  actions: The module ended a call a second time (done)."},
        fault{"wrong-undone", "BREACH  actions: The module has stopped, but left 2 calls open (undone)."},
        fault{"wrong-silent", "BREACH  actions: The module refused invoke without a sentence"},
        fault{"wrong-thread", "from a thread that is not [control]"},
        fault{"wrong-leak", "BREACH  many: It left threads behind: "}),
    [](const auto& each) {
        std::string name = each.param.module;
        std::replace(name.begin(), name.end(), '-', '_');
        return name;
    });

TEST(Validate, SaysThatThereIsNoSuchModule) {
    const result ended = validate("not-there");
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.out, HasSubstr("not-there"));
}

TEST(Validate, NeedsAModule) {
    const result ended = iom::test::run({iom::test::iomhost(), "validate"});
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_FALSE(ended.err.empty());
}

} // namespace
