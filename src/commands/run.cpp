#include "commands/run.hpp"

#include "redact.hpp"
#include "runtime.hpp"
#include "signals.hpp"
#include "web/web.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <sys/resource.h>
#include <vector>

namespace iom::host::commands {

namespace {

// A session takes a descriptor, and Debian's usual limit is 1024; what libraries keep per possible descriptor
// stays small at this one.
constexpr rlim_t enough_descriptors = 4096;

void allow_many_sessions() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < enough_descriptors) {
        limit.rlim_cur = std::min(limit.rlim_max, enough_descriptors);
        // Where it may not, sessions beyond the limit say so themselves.
        [[maybe_unused]] const int raised = setrlimit(RLIMIT_NOFILE, &limit);
    }
}

} // namespace

int run(const run_options& options) {
    allow_many_sessions();
    signals from_outside({SIGINT, SIGTERM, SIGHUP, SIGUSR1}); // before the first thread
    redactor known;
    log_options written;
    written.format = options.format;
    written.level = options.level;
    written.folder = options.log_folder;
    web::book lines; // outlives the log
    log journal(written, known);
    if (options.web) {
        journal.kept_by(&lines);
    }
    try {
        runtime_options wanted;
        wanted.project = options.project;
        wanted.modules = options.modules;
        wanted.file_folders = options.files;
        wanted.trace_aloud = options.trace;
        runtime controller(wanted, journal, known);

        std::vector<manifest::mistake> mistakes;
        const bool good = controller.load(mistakes);
        for (const manifest::mistake& each : mistakes) {
            journal.write(each.warning ? log_level::warning : log_level::error, {},
                          manifest::to_string(each));
        }
        if (!good) {
            journal.write(log_level::error, {}, "nothing was started: mend the mistakes above and run again");
            return 1;
        }
        std::unique_ptr<web::web> page;
        if (options.web) {
            web::web_options shown;
            std::string why;
            if (!web::read_address(options.web_address, shown, why)) {
                journal.write(log_level::error, {}, "--web: " + why);
                return 1;
            }
            shown.names = options.web_names;
            shown.plain = options.web_plain;
            shown.version = options.version;
            try {
                page = std::make_unique<web::web>(std::move(shown), controller, journal, known, lines);
            } catch (const std::exception& error) {
                // An address that is not there yet, or is taken, is no reason to leave the machine alone.
                journal.write(log_level::error, {},
                              error.what() + std::string(". Instances and rules run without the page."));
            }
        }
        controller.start();
        if (page != nullptr) {
            page->start();
            if (!page->code().empty()) {
                // On the console alone, never in the log: whoever reads it may set the first password.
                std::printf("no password is set yet; the page takes this code to set one: %s\n",
                            page->code().c_str());
            }
        }
        std::puts(page != nullptr ? ("ready " + page->url()).c_str() : "ready");
        std::fflush(stdout);
        controller.run(from_outside);
        return 0;
    } catch (const std::exception& error) {
        journal.write(log_level::error, {}, std::string("the host cannot go on: ") + error.what());
        return 1;
    }
}

} // namespace iom::host::commands
