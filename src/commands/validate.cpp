#include "commands/validate.hpp"

#include "guard.hpp"
#include "instance.hpp"
#include "iom/match.h"
#include "iom/text.h"
#include "loader.hpp"
#include "log.hpp"
#include "loop.hpp"
#include "match.hpp"
#include "redact.hpp"
#include "signals.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <link.h>
#include <memory>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace iom::host::commands {
namespace {

constexpr time_us quiet = 200'000;               ///< nothing for so long: the module has nothing to do now
constexpr time_us settle_bound = 3 * one_second; ///< for what may take a moment
constexpr time_us stop_bound = 30 * one_second;
constexpr int test_bound_ms = 90'000;
constexpr int many = 50;

/// A breach of the contract, in one sentence; ends the test.
struct breach_found {
    std::string sentence;
};

void demand(bool holds, const std::string& sentence) {
    if (!holds) {
        throw breach_found{sentence};
    }
}

std::size_t entries_of(const char* folder) {
    DIR* const open = opendir(folder);
    if (open == nullptr) {
        return 0;
    }
    std::size_t count = 0;
    while (readdir(open) != nullptr) {
        ++count;
    }
    closedir(open);
    return count;
}

/// What must be the same before and after.
struct footprint {
    std::size_t threads = entries_of("/proc/self/task");
    std::size_t descriptors = entries_of("/proc/self/fd");
};

/// Runs instances of the module under test.
class bench final : private instance_owner {
public:
    explicit bench(const loaded_module& module)
        : module_(module), silence_(::open("/dev/null", O_WRONLY | O_CLOEXEC)),
          journal_(quiet_log(silence_), known_), watch_(journal_) {}
    ~bench() override {
        instances_.clear();
        close(silence_);
    }
    bench(const bench&) = delete;
    bench& operator=(const bench&) = delete;

    instance& make() {
        instances_.push_back(std::make_unique<instance>(
            "under-test", module_, static_cast<instance_owner&>(*this), journal_, watch_, known_));
        instance& made = *instances_.back();
        must(made.create(), "create");
        return made;
    }

    void destroy(instance& which) {
        which.destroy("the test is over");
        loop_.forget(which);
        keeps(which);
    }

    /// The instance with every required setting, so that it can start without reaching anybody.
    [[nodiscard]] std::vector<setting_value> settings() const {
        std::vector<setting_value> made;
        for (const manifest::setting& each : module_.manifest.settings) {
            setting_value one;
            one.number = each.number;
            if (each.id == "port") {
                one.what.assign(value_view::of(std::int64_t{9})); // where nobody listens
            } else if (!each.required) {
                continue;
            } else if (each.default_value) {
                one.what.assign(value_view::of(std::string_view(*each.default_value)));
            } else if (each.type == manifest::type::text || each.type == manifest::type::secret) {
                one.what.assign(value_view::of(std::string_view("127.0.0.1")));
            } else {
                one.what = sample(each);
            }
            made.push_back(std::move(one));
        }
        return made;
    }

    /// Some value of the field's type.
    [[nodiscard]] static value sample(const manifest::field& field) {
        value made;
        const double least = field.min.value_or(1);
        switch (field.type) {
        case manifest::type::boolean:
            made.assign(value_view::of(true));
            break;
        case manifest::type::integer:
            made.assign(value_view::of(static_cast<std::int64_t>(least)));
            break;
        case manifest::type::real:
            made.assign(value_view::of(least));
            break;
        case manifest::type::choice:
            made.assign(
                value_view::of(std::string_view(field.choices.empty() ? "" : field.choices.front().value)));
            break;
        case manifest::type::data:
            made.assign(value_view::of_bytes("\x01\x02"));
            break;
        default:
            made.assign(value_view::of(std::string_view("x")));
            break;
        }
        return made;
    }

    /// Begins every action once, with each required argument; how many were accepted.
    std::size_t invoke_all(instance& on) {
        std::size_t accepted = 0;
        std::string why;
        std::size_t which = 0;
        const match_spec anything{match_kind::contains, "x", {}, json_comparison::exists, {}};
        const std::shared_ptr<const match> test = match::compile({&anything, 1}, why, which);
        for (const manifest::action& each : module_.manifest.actions) {
            std::vector<value> values;
            values.reserve(each.arguments.size());
            std::vector<argument_view> arguments;
            for (const manifest::field& field : each.arguments) {
                if (field.type == manifest::type::match) {
                    arguments.push_back({field.number, {}, &test});
                } else if (field.required || !field.choices.empty()) {
                    values.push_back(sample(field));
                    arguments.push_back({field.number, values.back().view(), nullptr});
                }
            }
            call_origin origin;
            origin.rule = 0;
            accepted += answered(on.invoke(each.number, arguments, origin), "invoke of " + each.id) ? 1U : 0U;
        }
        open_ += accepted;
        return accepted;
    }

    /// Services until the module has had nothing to do for a while.
    void let_work() {
        const time_us bound = control_loop::now() + settle_bound;
        time_us last = control_loop::now();
        while (control_loop::now() < bound && control_loop::now() - last < quiet) {
            const std::uint64_t before = wakes_.load();
            loop_.turn(last + quiet);
            if (wakes_.load() != before) {
                last = control_loop::now();
            }
        }
    }

    void stop(instance& which) {
        const std::size_t before = stopped_;
        which.stop();
        const time_us bound = control_loop::now() + stop_bound;
        while (stopped_ == before && control_loop::now() < bound) {
            loop_.turn(bound);
            keeps(which);
        }
        demand(stopped_ != before, "After stop, service did not report IOM_STOPPED within 30 s.");
        demand(which.open_calls() == 0, "It has stopped, but calls are still open.");
    }

    void must(const module_answer& said, const std::string& what) {
        demand(said.ok(), "It refused " + what + ": " + said.sentence);
        keeps_all();
    }

    /// A refusal is as good as an acceptance, if it is a proper one.
    bool answered(const module_answer& said, const std::string& what) {
        demand(said.ok() || said.result == IOM_RESTART || !said.sentence.empty(),
               "It refused " + what + " without a sentence.");
        keeps_all();
        return said.ok();
    }

    void keeps(const instance& which) {
        demand(which.counts().breaches == 0, which.counts().last_breach);
        demand(condemned_.empty(), condemned_);
    }
    void keeps_all() {
        for (const auto& each : instances_) {
            each->service_batch();
            keeps(*each);
        }
    }

    [[nodiscard]] std::size_t open_calls() const { return open_; }
    control_loop& loop() { return loop_; }

private:
    static log_options quiet_log(int descriptor) {
        log_options made;
        made.descriptor = descriptor;
        return made;
    }

    void wants_service(instance& who) noexcept override {
        wakes_.fetch_add(1);
        loop_.ask(who);
    }
    void triggered(instance& /*who*/, std::uint32_t /*trigger*/,
                   std::span<const value_view> /*values*/) override {}
    void call_ended(instance& /*who*/, const call_origin& /*origin*/, iom_outcome /*outcome*/,
                    std::string_view /*sentence*/) override {
        --open_;
    }
    void stopped(instance& /*who*/) override { ++stopped_; }
    void condemned(instance& /*who*/, std::string_view sentence) override { condemned_ = sentence; }
    bool supply(instance& /*who*/, const reference& /*what*/, value_view& found,
                std::string& /*why*/) override {
        found = {};
        return true;
    }

    const loaded_module& module_;
    int silence_;
    redactor known_;
    log journal_;
    control_loop loop_;
    call_watch watch_;
    std::vector<std::unique_ptr<instance>> instances_;
    std::atomic<std::uint64_t> wakes_{0};
    std::size_t open_ = 0;
    std::size_t stopped_ = 0;
    std::string condemned_;
};

// ---------------------------------------------------------------------------------------------- the tests

std::unique_ptr<loaded_module> load(const std::filesystem::path& object) {
    std::vector<manifest::mistake> mistakes;
    auto loaded = loader::load_file(object, mistakes);
    for (const manifest::mistake& each : mistakes) {
        demand(each.warning, manifest::to_string(each));
    }
    return loaded;
}

/// Names of the symbols that the object defines for others, read from its dynamic symbol table.
std::vector<std::string> exported(const std::filesystem::path& object) {
    std::ifstream in(object, std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(in), {}};
    const auto read = [&](std::size_t at, auto& into) {
        demand(at + sizeof into <= file.size(), "Its ELF file is cut short.");
        std::memcpy(&into, file.data() + at, sizeof into);
    };
    ElfW(Ehdr) head{};
    read(0, head);
    std::vector<std::string> names;
    for (std::size_t number = 0; number < head.e_shnum; ++number) {
        ElfW(Shdr) section{};
        read(head.e_shoff + number * head.e_shentsize, section);
        if (section.sh_type != SHT_DYNSYM || section.sh_entsize == 0) {
            continue;
        }
        ElfW(Shdr) texts{};
        read(head.e_shoff + std::size_t{section.sh_link} * head.e_shentsize, texts);
        for (std::size_t at = 0; at + section.sh_entsize <= section.sh_size; at += section.sh_entsize) {
            ElfW(Sym) symbol{};
            read(section.sh_offset + at, symbol);
            const unsigned binding = symbol.st_info >> 4U;
            if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS || binding == STB_LOCAL) {
                continue;
            }
            const std::size_t place = texts.sh_offset + symbol.st_name;
            demand(place < file.size(), "Its ELF file is cut short.");
            names.emplace_back(file.c_str() + place);
        }
    }
    return names;
}

void test_symbols(const std::filesystem::path& object) {
    for (const std::string& name : exported(object)) {
        demand(name == IOM_ENTRY_SYMBOL, "It exports " + name +
                                             ": only " IOM_ENTRY_SYMBOL
                                             " may be seen, or modules get in each other's way.");
    }
}

void test_load(const std::filesystem::path& object) {
    load(object);
}

/// A host that can hardly do anything, for calls that the guard would not let through.
iom_host bare_host() {
    static constexpr iom_match_host matches{[](const iom_host* /*self*/, std::uint32_t /*match*/,
                                               const iom_value* /*message*/) -> std::uint32_t { return 0; },
                                            [](const iom_host* /*self*/, std::uint32_t /*match*/,
                                               const iom_value* /*message*/) -> std::uint32_t { return 0; }};
    static constexpr iom_text_host texts{
        [](const iom_host* /*self*/, iom_text written, iom_text* expanded) -> std::uint32_t {
            *expanded = written;
            return IOM_OK;
        },
        [](const iom_host* /*self*/) {}};
    iom_host host{};
    host.extension = [](const iom_host* /*self*/, const char* name) -> const void* {
        return std::strcmp(name, IOM_MATCH_EXTENSION) == 0  ? static_cast<const void*>(&matches)
               : std::strcmp(name, IOM_TEXT_EXTENSION) == 0 ? &texts
                                                            : nullptr;
    };
    host.log = [](const iom_host* /*self*/, std::uint32_t /*level*/, iom_text /*line*/) {};
    host.wake = [](const iom_host* /*self*/) {};
    host.status = [](const iom_host* /*self*/, const iom_value* /*values*/, std::size_t /*count*/) {};
    host.trigger = [](const iom_host* /*self*/, std::uint32_t /*trigger*/, const iom_value* /*variables*/,
                      std::size_t /*count*/) {};
    host.done = [](const iom_host* /*self*/, std::uint64_t /*call*/, std::uint32_t /*outcome*/,
                   iom_text /*sentence*/) {};
    return host;
}

void test_token(const std::filesystem::path& object) {
    const auto module = load(object);
    const iom_host host = bare_host();
    iom_instance* made = nullptr;
    iom_text why{nullptr, 0};
    const std::uint32_t said = module->entry->create(&host, ~module->manifest.token, &made, &why);
    demand(said == IOM_TOKEN,
           "create with another interface token answered " + std::to_string(said) + " instead of IOM_TOKEN.");
    demand(why.data != nullptr && why.size > 0, "create refused another interface token without a sentence.");
}

void test_create(const std::filesystem::path& object) {
    const auto module = load(object);
    bench on(*module);
    for (int round = 0; round < 3; ++round) {
        on.destroy(on.make());
    }
}

void test_start_needs_set(const std::filesystem::path& object) {
    const auto module = load(object);
    const iom_host host = bare_host();
    iom_instance* made = nullptr;
    iom_text why{nullptr, 0};
    const std::uint32_t created = module->entry->create(&host, module->manifest.token, &made, &why);
    demand(created == IOM_OK && made != nullptr,
           "create was refused: " +
               std::string(why.data != nullptr ? std::string_view(why.data, why.size) : ""));
    why = {nullptr, 0};
    const std::uint32_t said = module->entry->functions->start(made, &why);
    demand(said != IOM_OK, "start was accepted before any set.");
    demand(why.data != nullptr && why.size > 0, "start before any set was refused without a sentence.");
    module->entry->functions->destroy(made);
}

void test_settings(const std::filesystem::path& object) {
    const auto module = load(object);
    bench on(*module);
    instance& it = on.make();
    on.answered(it.set({}), "an empty set");
    for (const manifest::setting& each : module->manifest.settings) {
        // One of another type, one far out of range, each among good ones.
        std::vector<setting_value> given = on.settings();
        given.erase(std::remove_if(given.begin(), given.end(),
                                   [&](const auto& one) { return one.number == each.number; }),
                    given.end());
        setting_value wrong;
        wrong.number = each.number;
        const bool numeric = each.type == manifest::type::integer || each.type == manifest::type::real;
        wrong.what.assign(numeric ? value_view::of(std::string_view("x")) : value_view::of(std::int64_t{-1}));
        given.push_back(wrong);
        demand(!on.answered(it.set(given), "a value of another type for " + each.id),
               "It took a value of another type for the setting " + each.id + ".");
        if (numeric && each.max) {
            given.back().what.assign(each.type == manifest::type::integer
                                         ? value_view::of(static_cast<std::int64_t>(*each.max) + 1)
                                         : value_view::of(*each.max * 2 + 1));
            demand(!on.answered(it.set(given), "a value out of range for " + each.id),
                   "It took a value out of range for the setting " + each.id + ".");
        }
    }
    std::vector<setting_value> unknown = on.settings();
    setting_value strange;
    strange.number = 0x7fff'ffff;
    strange.what.assign(value_view::of(true));
    unknown.push_back(strange);
    demand(!on.answered(it.set(unknown), "an unknown setting"),
           "It took a setting that its manifest does not have.");
    on.must(it.set(on.settings()), "good settings after wrong ones");
    on.destroy(it);
}

void test_run(const std::filesystem::path& object) {
    const auto module = load(object);
    bench on(*module);
    instance& it = on.make();
    for (int round = 0; round < 2; ++round) {
        on.must(it.set(on.settings()), "its settings");
        on.must(it.start(), "start");
        on.let_work();
        on.keeps(it);
        on.must(it.set(on.settings()), "the same settings again while running");
        on.stop(it);
    }
    on.destroy(it);
}

void test_actions(const std::filesystem::path& object) {
    const auto module = load(object);
    bench on(*module);
    instance& it = on.make();
    on.must(it.set(on.settings()), "its settings");
    on.must(it.start(), "start");
    on.invoke_all(it);
    on.let_work();
    on.invoke_all(it);
    on.stop(it);
    demand(on.open_calls() == 0,
           "After stop, " + std::to_string(on.open_calls()) + " accepted calls had no done.");
    on.destroy(it);
}

void test_destroy_running(const std::filesystem::path& object) {
    const auto module = load(object);
    bench on(*module);
    for (int round = 0; round < 5; ++round) {
        instance& it = on.make();
        on.must(it.set(on.settings()), "its settings");
        on.must(it.start(), "start");
        on.invoke_all(it);
        if (round % 2 == 1) {
            on.let_work();
        }
        on.destroy(it);
    }
}

void test_many(const std::filesystem::path& object) {
    const auto module = load(object);
    bench on(*module);
    const auto round = [&] {
        std::vector<instance*> made;
        for (int at = 0; at < many; ++at) {
            instance& it = on.make();
            made.push_back(&it);
            on.must(it.set(on.settings()), "its settings");
            on.must(it.start(), "start");
        }
        on.let_work();
        for (instance* const each : made) {
            on.stop(*each);
            on.destroy(*each);
        }
    };
    round(); // what is made once for all stays
    const footprint before;
    round();
    footprint after;
    // A thread that was told to end may need a moment.
    const time_us bound = control_loop::now() + settle_bound;
    while ((after.threads > before.threads || after.descriptors > before.descriptors) &&
           control_loop::now() < bound) {
        on.loop().turn(control_loop::now() + quiet / 4);
        after = {};
    }
    demand(after.threads <= before.threads, "It left threads behind: " + std::to_string(before.threads) +
                                                " before, " + std::to_string(after.threads) + " after.");
    demand(after.descriptors <= before.descriptors,
           "It left file descriptors open: " + std::to_string(before.descriptors) + " before, " +
               std::to_string(after.descriptors) + " after.");
}

struct test {
    const char* name;
    const char* what;
    void (*run)(const std::filesystem::path& object);
};

constexpr std::array<test, 10> tests{{
    {"symbols", "exports iom_entry and nothing else", test_symbols},
    {"load", "loads, and agrees with its manifest", test_load},
    {"token", "refuses another interface token", test_token},
    {"create", "is created and destroyed again and again", test_create},
    {"start-needs-set", "does not start without settings", test_start_needs_set},
    {"settings", "refuses wrong settings with a sentence, and takes good ones", test_settings},
    {"run", "starts, runs, takes settings while running, stops, and starts again", test_run},
    {"actions", "ends every accepted call exactly once", test_actions},
    {"destroy-running", "can be destroyed at any moment, and is silent afterwards", test_destroy_running},
    {"many", "leaves no thread and no descriptor behind", test_many},
}};

/// Runs the test in a child; empty if the module keeps the contract, otherwise what it did.
std::string in_child(const std::filesystem::path& object, const char* name) {
    std::array<int, 2> pipe_ends{};
    if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) {
        return std::string("the test could not be run: ") + std::strerror(errno);
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    std::array<std::string, 5> words{"iomhost", "validate", object.string(), "--only", name};
    std::array<char*, 6> arguments{words[0].data(), words[1].data(), words[2].data(),
                                   words[3].data(), words[4].data(), nullptr};
    pid_t child = -1;
    const int error = posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    if (error != 0) {
        close(pipe_ends[0]);
        return std::string("the test could not be run: ") + std::strerror(error);
    }
    std::string said;
    bool late = false;
    const time_us end = control_loop::now() + time_us{test_bound_ms} * 1000;
    for (;;) {
        pollfd waits{pipe_ends[0], POLLIN, 0};
        const time_us left = end - control_loop::now();
        const int ready = left > 0 ? poll(&waits, 1, static_cast<int>(left / 1000) + 1) : 0;
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            late = true;
            kill(child, SIGKILL);
            break;
        }
        std::array<char, 4096> piece{};
        const ssize_t got = ::read(pipe_ends[0], piece.data(), piece.size());
        if (got <= 0) {
            break;
        }
        said.append(piece.data(), static_cast<std::size_t>(got));
    }
    close(pipe_ends[0]);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    while (!said.empty() && said.back() == '\n') {
        said.pop_back();
    }
    if (late) {
        return "a call of it did not return within " + std::to_string(test_bound_ms / 1000) + " s";
    }
    if (WIFSIGNALED(status)) {
        return std::string("it brought the process down: ") + strsignal(WTERMSIG(status));
    }
    if (WEXITSTATUS(status) == 0) {
        return {};
    }
    return said.empty() ? "it ended the process with code " + std::to_string(WEXITSTATUS(status)) : said;
}

} // namespace

int validate_one(const std::filesystem::path& object, const std::string& name) {
    std::signal(SIGPIPE, SIG_IGN);
    for (const test& each : tests) {
        if (each.name != name) {
            continue;
        }
        try {
            each.run(object);
            return 0;
        } catch (const breach_found& found) {
            std::printf("%s\n", found.sentence.c_str());
            return 1;
        }
    }
    std::fprintf(stderr, "iomhost: there is no test \"%s\".\n", name.c_str());
    return 2;
}

int validate(const std::filesystem::path& object) {
    std::size_t breaches = 0;
    for (const test& each : tests) {
        const std::string breach = in_child(object, each.name);
        if (breach.empty()) {
            std::printf("ok      %s: it %s\n", each.name, each.what);
        } else {
            ++breaches;
            std::printf("BREACH  %s: %s\n", each.name, breach.c_str());
        }
        std::fflush(stdout);
        if (!breach.empty() && std::string_view(each.name) == "load") {
            std::printf("the other tests need a module that loads\n");
            break;
        }
    }
    std::printf("%s: %zu of %zu tests found a breach of the contract\n", object.c_str(), breaches,
                tests.size());
    return breaches == 0 ? 0 : 1;
}

} // namespace iom::host::commands
