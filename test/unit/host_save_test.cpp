#include "save.hpp"

#include "unit/host_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace iom::host {
namespace {

namespace fs = std::filesystem;
using kind = save_outcome::kind;
using test::content_of;
using testing::HasSubstr;
using testing::IsEmpty;

mode_t mode_of(const fs::path& file) {
    struct stat facts {};
    EXPECT_EQ(stat(file.c_str(), &facts), 0);
    return facts.st_mode & 07777U;
}

std::size_t files_in(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator{folder}, fs::directory_iterator{}));
}

/// For a while no file of this process may become larger: to a program it is what a full disk is.
class full_disk {
public:
    explicit full_disk(rlim_t bytes) {
        getrlimit(RLIMIT_FSIZE, &before_);
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        const rlimit now{bytes, before_.rlim_max};
        EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &now), 0);
    }
    ~full_disk() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    full_disk(const full_disk&) = delete;
    full_disk& operator=(const full_disk&) = delete;

private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

TEST(host_save, replaces_the_content_and_keeps_mode_and_link) {
    const test::folder place;
    const auto file = place.write("p.xml", "old");
    fs::permissions(file, fs::perms{0640});
    fs::create_directory(place.path() / "links");
    fs::create_symlink("../p.xml", place.path() / "links/line.xml");
    const std::string large(300'000, 'x');
    const auto outcome =
        save_file(place.path() / "links/line.xml", "old", large, file_access::everybody_reads);
    EXPECT_TRUE(outcome.saved()) << outcome.sentence;
    EXPECT_THAT(outcome.sentence, IsEmpty());
    EXPECT_EQ(content_of(file), large);
    EXPECT_EQ(mode_of(file), 0640U);
    EXPECT_TRUE(fs::is_symlink(place.path() / "links/line.xml"));
    EXPECT_EQ(files_in(place.path()), 2u);
}

TEST(host_save, keeps_the_owner) {
    if (geteuid() != 0) {
        // Only root can make files of others; then there is nothing to keep but one's own.
        const test::folder place;
        const auto file = place.write("p.xml", "old");
        EXPECT_TRUE(save_file(file, "old", "new", file_access::everybody_reads).saved());
        return;
    }
    const test::folder place;
    const auto file = place.write("p.xml", "old");
    ASSERT_EQ(chown(file.c_str(), 12345, 23456), 0);
    EXPECT_TRUE(save_file(file, "old", "new", file_access::everybody_reads).saved());
    struct stat facts {};
    ASSERT_EQ(stat(file.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_uid, 12345U);
    EXPECT_EQ(facts.st_gid, 23456U);
}

TEST(host_save, new_secrets_are_the_owners_alone) {
    const test::folder place;
    const auto file = place.path() / "p.secrets";
    EXPECT_TRUE(save_file(file, std::nullopt, "pin=1\n", file_access::owner_only).saved());
    EXPECT_EQ(mode_of(file), 0600U);
    EXPECT_EQ(content_of(file), "pin=1\n");
    EXPECT_EQ(save_file(file, std::nullopt, "pin=2\n", file_access::owner_only).what, kind::changed);
    EXPECT_EQ(content_of(file), "pin=1\n");
}

TEST(host_save, what_somebody_else_wrote_is_not_overwritten) {
    const test::folder place;
    const auto file = place.write("p.xml", "by hand");
    for (const auto* expected : {"old", "by hand, longer", "by"}) {
        const auto outcome = save_file(file, expected, "new", file_access::everybody_reads);
        EXPECT_EQ(outcome.what, kind::changed);
        EXPECT_THAT(outcome.sentence, HasSubstr("changed by somebody else"));
        EXPECT_EQ(content_of(file), "by hand");
    }
    fs::remove(file);
    EXPECT_EQ(save_file(file, "by hand", "new", file_access::everybody_reads).what, kind::changed);
    EXPECT_EQ(files_in(place.path()), 0u);
}

TEST(host_save, of_two_browsers_one_is_told) {
    const test::folder place;
    const auto file = place.write("p.xml", "0");
    std::vector<save_outcome> outcomes(8);
    std::vector<std::thread> browsers;
    for (std::size_t at = 0; at < outcomes.size(); ++at)
        browsers.emplace_back([&, at] {
            outcomes[at] = save_file(file, "0", std::to_string(at + 1), file_access::everybody_reads);
        });
    for (auto& one : browsers)
        one.join();
    std::size_t saved = 0;
    for (std::size_t at = 0; at < outcomes.size(); ++at) {
        if (outcomes[at].saved()) {
            ++saved;
            EXPECT_EQ(content_of(file), std::to_string(at + 1));
        } else {
            EXPECT_EQ(outcomes[at].what, kind::changed);
        }
    }
    EXPECT_EQ(saved, 1u);
    EXPECT_EQ(files_in(place.path()), 1u);
}

TEST(host_save, a_full_disk_leaves_the_old_file) {
    const test::folder place;
    const auto file = place.write("p.xml", "old");
    save_outcome outcome;
    {
        const full_disk now{1000};
        outcome = save_file(file, "old", std::string(5000, 'n'), file_access::everybody_reads);
    }
    EXPECT_EQ(outcome.what, kind::failed);
    EXPECT_THAT(outcome.sentence, HasSubstr(file.string() + " was not saved and is as it was"));
    EXPECT_THAT(outcome.sentence, HasSubstr("free some"));
    EXPECT_EQ(content_of(file), "old");
    EXPECT_EQ(files_in(place.path()), 1u);
    EXPECT_TRUE(save_file(file, "old", "new", file_access::everybody_reads).saved());
}

TEST(host_save, a_folder_that_is_not_there_is_said) {
    const test::folder place;
    const auto outcome =
        save_file(place.path() / "none/p.xml", std::nullopt, "x", file_access::everybody_reads);
    EXPECT_EQ(outcome.what, kind::failed);
    EXPECT_THAT(outcome.sentence, HasSubstr("no file can be made beside it"));
    EXPECT_EQ(save_file(place.path(), "x", "y", file_access::everybody_reads).what, kind::failed);
}

TEST(host_save, secrets_go_along_with_their_project_or_not_at_all) {
    const test::folder place;
    const auto project = place.write("p.xml", "old");
    const auto secrets = place.path() / "p.secrets";
    const std::vector<named_secret> first{{"a-password", "geheim"}};
    EXPECT_TRUE(save_project(project, "old", "new", secrets, first).saved());
    EXPECT_EQ(content_of(project), "new");
    EXPECT_EQ(content_of(secrets), "a-password=geheim\n");
    EXPECT_EQ(mode_of(secrets), 0600U);

    const std::vector<named_secret> second{{"a-password", "anders"}};
    EXPECT_EQ(save_project(project, "old", "newer", secrets, second).what, kind::changed);
    EXPECT_EQ(content_of(secrets), "a-password=geheim\n");
    {
        const full_disk now{1000};
        const auto outcome = save_project(project, "new", std::string(5000, 'n'), secrets, second);
        EXPECT_EQ(outcome.what, kind::failed);
        EXPECT_THAT(outcome.sentence, HasSubstr(project.string() + " was not saved"));
    }
    EXPECT_EQ(content_of(project), "new");
    EXPECT_EQ(content_of(secrets), "a-password=geheim\n");

    const std::vector<named_secret> broken{{"a-password", "an\nders"}};
    EXPECT_EQ(save_project(project, "new", "newer", secrets, broken).what, kind::failed);
    EXPECT_EQ(content_of(project), "new");
    EXPECT_EQ(files_in(place.path()), 2u);
}

TEST(host_save, loads_within_bounds) {
    const test::folder place;
    const auto file = place.write("a", "12345");
    std::string why;
    EXPECT_EQ(load_file(file, 5, why), "12345");
    EXPECT_EQ(load_file(file, 4, why), std::nullopt);
    EXPECT_THAT(why, HasSubstr("larger than 4 bytes"));
    EXPECT_EQ(load_file(place.path() / "none", 4, why), std::nullopt);
    EXPECT_THAT(why, IsEmpty());
    EXPECT_EQ(load_file(place.path(), 4, why), std::nullopt);
    EXPECT_THAT(why, HasSubstr("not a file"));
}

} // namespace
} // namespace iom::host
