// The secrets file: its form, who may read it, and that it is read anew.

#include "secrets.hpp"

#include "host_support.hpp"

#include <cstdlib>
#include <gmock/gmock.h>
#include <sys/stat.h>

namespace iom::host {
namespace {

using test::folder;
using ::testing::HasSubstr;

class Secrets : public ::testing::Test {
protected:
    void write(std::string_view content, mode_t mode = 0600) {
        file_ = place_.write("line.secrets", content);
        ASSERT_EQ(chmod(file_.c_str(), mode), 0);
    }

    std::string sentence_for(std::string_view name) {
        std::string why;
        EXPECT_FALSE(named_.find(name, why).has_value()) << name;
        return why;
    }

    std::string value_of(std::string_view name) {
        std::string why;
        return named_.find(name, why).value_or("NONE: " + why);
    }

    folder place_;
    std::filesystem::path file_;
    redactor known_;
    secrets named_{place_.path() / "line.secrets", known_};
};

TEST_F(Secrets, LieBesideTheProject) {
    EXPECT_EQ(secrets::file_of("/srv/line3.xml"), "/srv/line3.secrets");
    EXPECT_EQ(secrets::file_of("line3"), "line3.secrets");
}

TEST_F(Secrets, AreOneOnALine) {
    write("# comment\n\npin=1234\n token = a=b c \r\nquoted=\"  x \"\nempty=\nlast=9");
    EXPECT_EQ(value_of("pin"), "1234");
    EXPECT_EQ(value_of("token"), "a=b c");
    EXPECT_EQ(value_of("quoted"), "  x ");
    EXPECT_EQ(value_of("empty"), "");
    EXPECT_EQ(value_of("last"), "9");
    EXPECT_THAT(sentence_for("other"), HasSubstr("There is no secret \"other\" in"));
}

TEST_F(Secrets, AreRefusedWhereOthersMayRead) {
    for (const mode_t mode : {0640U, 0604U, 0660U, 0601U, 0777U}) {
        write("pin=1234\n", mode);
        EXPECT_THAT(sentence_for("pin"), HasSubstr("run chmod 600 on it")) << mode;
        EXPECT_THAT(named_.trouble(), HasSubstr("run chmod 600 on it"));
    }
    write("pin=1234\n", 0400);
    EXPECT_EQ(value_of("pin"), "1234");
}

TEST_F(Secrets, AreReadAnew) {
    EXPECT_THAT(sentence_for("pin"), HasSubstr("There is no file"));
    EXPECT_EQ(named_.trouble(), "");
    write("pin=1234\n");
    EXPECT_EQ(value_of("pin"), "1234");
    write("pin=12345\n");
    EXPECT_EQ(value_of("pin"), "12345");
    std::filesystem::remove(file_);
    EXPECT_THAT(sentence_for("pin"), HasSubstr("There is no file"));
}

TEST_F(Secrets, MistakesNameTheLineAndNotTheSecret) {
    write("pin=1234\nhunter2 without a name\n");
    const std::string why = sentence_for("pin");
    EXPECT_THAT(why, HasSubstr("line.secrets:2:1: "));
    EXPECT_THAT(why, ::testing::Not(HasSubstr("hunter2")));
    write("a=1\na=2\n");
    EXPECT_THAT(sentence_for("a"), HasSubstr("line.secrets:2:1: "));
    write("two words=1\n");
    EXPECT_THAT(sentence_for("a"), HasSubstr("line.secrets:1:1: "));
}

TEST_F(Secrets, AreReadFromPlainFilesAlone) {
    std::filesystem::create_directory(place_.path() / "line.secrets");
    EXPECT_THAT(sentence_for("pin"), HasSubstr("is no plain file"));
    std::filesystem::remove(place_.path() / "line.secrets");
    ASSERT_EQ(mkfifo((place_.path() / "line.secrets").c_str(), 0600), 0);
    EXPECT_THAT(sentence_for("pin"), HasSubstr("is no plain file")); // and does not wait for a writer
}

TEST_F(Secrets, AreKnownToTheRedactor) {
    write("pin=1234567\n");
    EXPECT_EQ(value_of("pin"), "1234567");
    EXPECT_EQ(known_.redact("it is 1234567."), "it is ***.");
}

TEST(Redactor, KnowsWhatIsOnlyTriedAsLongAsItIsHeld) {
    redactor known;
    {
        held_secrets one{known};
        one.add("needle");
        one.add("given");
        {
            held_secrets other{known};
            other.add("needle");
        }
        EXPECT_EQ(known.redact("a needle, given"), "a ***, ***");
        known.add("given", redactor::stay::passing);
        for (int number = 0; number < 300; ++number)
            known.add("passing-" + std::to_string(number) + "-by", redactor::stay::passing);
        EXPECT_EQ(known.redact("given"), "***"); // crowded out, but held
    }
    EXPECT_EQ(known.redact("a needle, given"), "a needle, given");
    held_secrets again{known};
    again.add("needle");
    known.add("needle"); // saved
    EXPECT_EQ(known.redact("needle"), "***");
}

TEST(Redactor, KeepsWhatWasSavedWhileItWasHeld) {
    redactor known;
    {
        held_secrets one{known};
        one.add("needle");
        known.add("needle");
    }
    EXPECT_EQ(known.redact("needle"), "***");
}

TEST_F(Secrets, EnvironmentIsGivenUnderItsOwnNamesOnly) {
    ASSERT_EQ(setenv("IOM_TEST_SITE", "hall-7", 1), 0);
    ASSERT_EQ(unsetenv("IOM_TEST_NOTHING"), 0);
    std::string why;
    EXPECT_EQ(named_.environment("IOM_TEST_SITE", why), "hall-7");
    EXPECT_EQ(known_.redact("at hall-7"), "at ***");
    EXPECT_FALSE(named_.environment("IOM_TEST_NOTHING", why).has_value());
    EXPECT_THAT(why, HasSubstr("is not set"));
    EXPECT_FALSE(named_.environment("HOME", why).has_value());
    EXPECT_THAT(why, HasSubstr("only names that begin with IOM_"));
}

} // namespace
} // namespace iom::host
