#include "commands/run.hpp"

#include "redact.hpp"
#include "runtime.hpp"
#include "signals.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <vector>

namespace iom::host::commands {

int run(const run_options& options) {
    signals from_outside({SIGINT, SIGTERM, SIGHUP, SIGUSR1}); // before the first thread
    redactor known;
    log_options written;
    written.format = options.format;
    written.level = options.level;
    written.folder = options.log_folder;
    log journal(written, known);
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
        if (options.web) {
            journal.write(log_level::info, {},
                          "this build has no web page; --no-web says so without this line");
        }
        controller.start();
        std::puts("ready");
        std::fflush(stdout);
        controller.run(from_outside);
        return 0;
    } catch (const std::exception& error) {
        journal.write(log_level::error, {}, std::string("the host cannot go on: ") + error.what());
        return 1;
    }
}

} // namespace iom::host::commands
