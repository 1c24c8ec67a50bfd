// The loader: what is refused, and with which words.

#include "loader.hpp"

#include "host_support.hpp"

#include <gmock/gmock.h>

namespace iom::host {
namespace {

using manifest::mistake;
using test::folder;
using ::testing::HasSubstr;

const std::filesystem::path modules = IOM_TEST_MODULES_FOLDER;

std::string all_of(const std::vector<mistake>& mistakes) {
    std::string out;
    for (const mistake& each : mistakes) {
        out += manifest::to_string(each) + '\n';
    }
    return out;
}

TEST(Loader, LoadsAModuleOnce) {
    loader from(modules);
    std::vector<mistake> mistakes;
    const loaded_module* const first = from.load("good", mistakes);
    ASSERT_NE(first, nullptr) << all_of(mistakes);
    EXPECT_TRUE(mistakes.empty()) << all_of(mistakes);
    EXPECT_EQ(first->manifest.id, "good");
    EXPECT_STREQ(first->entry->id, "good");
    EXPECT_EQ(first->entry->token, first->manifest.token);
    EXPECT_EQ(from.load("good", mistakes), first);
}

struct refusal {
    const char* module;
    std::vector<const char*> words;
};

class LoaderRefuses : public ::testing::TestWithParam<refusal> {};

TEST_P(LoaderRefuses, InOneSentence) {
    loader from(modules);
    std::vector<mistake> mistakes;
    EXPECT_EQ(from.load(GetParam().module, mistakes), nullptr);
    ASSERT_EQ(mistakes.size(), 1U) << all_of(mistakes);
    const std::string said = manifest::to_string(mistakes.front());
    for (const char* const word : GetParam().words) {
        EXPECT_THAT(said, HasSubstr(word));
    }
    EXPECT_EQ(said.back(), '.') << said;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LoaderRefuses,
    ::testing::Values(refusal{"wrong-abi", {"wrong-abi.so", "contract number 42", "this host has number 1"}},
                      refusal{"wrong-id", {"wrong-id.so", "\"somebody-else\"", "\"wrong-id\""}},
                      refusal{"wrong-token", {"wrong-token.so", "interface token", "wrong-token.xml has"}},
                      refusal{"wrong-entry", {"wrong-entry.so", "no symbol iom_entry"}},
                      refusal{"wrong-needs", {"wrong-needs.so", "iom_test_function_that_nobody_has"}},
                      refusal{"wrong-table", {"wrong-table.so", "A function is missing"}},
                      refusal{"not-there",
                              {"not-there.so", "There is no module \"not-there\" in", "--modules"}},
                      refusal{"../good", {"is no name of a module"}},
                      refusal{"", {"is no name of a module"}}),
    [](const auto& each) {
        std::string name;
        for (const char* at = each.param.module; *at != '\0'; ++at) {
            name += (*at >= 'a' && *at <= 'z') ? *at : '_';
        }
        return name.empty() ? std::string("empty") : name;
    });

class LoaderFiles : public ::testing::Test {
protected:
    void copy(const char* from, const char* to) {
        std::filesystem::copy_file(modules / from, place_.path() / to,
                                   std::filesystem::copy_options::overwrite_existing);
    }

    std::string load(std::string_view id) {
        std::vector<mistake> mistakes;
        loader from(place_.path());
        EXPECT_EQ(from.load(id, mistakes), nullptr);
        return all_of(mistakes);
    }

    folder place_;
};

TEST_F(LoaderFiles, BothTokensAreNamed) {
    loader from(modules);
    std::vector<mistake> mistakes;
    const manifest::module_manifest* const read = from.read("wrong-token", mistakes);
    ASSERT_NE(read, nullptr);
    EXPECT_EQ(from.load("wrong-token", mistakes), nullptr);
    char own[17];
    char other[17];
    std::snprintf(own, sizeof own, "%016llx", static_cast<unsigned long long>(read->token));
    std::snprintf(other, sizeof other, "%016llx", static_cast<unsigned long long>(read->token + 1));
    EXPECT_THAT(all_of(mistakes), HasSubstr(own));
    EXPECT_THAT(all_of(mistakes), HasSubstr(other));
}

TEST_F(LoaderFiles, WhatIsNoSharedObject) {
    copy("good.xml", "good.xml");
    EXPECT_THAT(load("good"), HasSubstr("There is no such file"));
    place_.write("good.so", "");
    EXPECT_THAT(load("good"), HasSubstr("no shared object"));
    place_.write("good.so",
                 "#!/bin/sh\necho this is a script of more than sixty-four bytes, and no module\n");
    EXPECT_THAT(load("good"), HasSubstr("no shared object"));
    std::string elf = test::content_of(modules / "good.so");
    place_.write("good.so", elf.substr(0, 20));
    EXPECT_THAT(load("good"), HasSubstr("cut short"));
    place_.write("good.so", elf.substr(0, 100));
    EXPECT_THAT(load("good"), HasSubstr("cut short"));
    place_.write("good.so", elf.substr(0, 5000));
    EXPECT_THAT(load("good"), HasSubstr("cut short"));
    std::string other = elf;
    other[18] = '\x08'; // MIPS
    other[19] = '\0';
    place_.write("good.so", other);
    EXPECT_THAT(load("good"), HasSubstr("for another machine (ELF machine 8"));
    std::string program = elf;
    program[16] = '\x02'; // an executable
    place_.write("good.so", program);
    EXPECT_THAT(load("good"), HasSubstr("no shared object (type 2)"));
    std::filesystem::remove(place_.path() / "good.so");
    std::filesystem::create_directory(place_.path() / "good.so");
    EXPECT_THAT(load("good"), HasSubstr("no shared object"));
}

TEST_F(LoaderFiles, WithoutManifestOrWithAnother) {
    copy("good.so", "good.so");
    EXPECT_THAT(load("good"), HasSubstr("There is no such manifest"));
    copy("wrong-id.xml", "good.xml");
    EXPECT_THAT(load("good"), HasSubstr("This manifest describes \"wrong-id\""));
    place_.write("good.xml", "<module id=\"good\"");
    EXPECT_THAT(load("good"), HasSubstr("good.xml:1:"));
}

TEST_F(LoaderFiles, WhatWasRefusedIsLookedAtAgain) {
    loader from(place_.path());
    copy("good.xml", "good.xml");
    place_.write("good.so", "nothing yet");
    std::vector<mistake> mistakes;
    EXPECT_EQ(from.load("good", mistakes), nullptr);
    copy("good.so", "good.so");
    mistakes.clear();
    EXPECT_NE(from.load("good", mistakes), nullptr) << all_of(mistakes);
}

} // namespace
} // namespace iom::host
