#include "commands/check.hpp"

#include "guard.hpp"
#include "log.hpp"
#include "redact.hpp"
#include "runtime.hpp"
#include "site.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

namespace iom::host::commands {
namespace {

std::string count_of(std::size_t count, const char* what) {
    return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

} // namespace

int check(const check_options& options) {
    redactor known;
    log_options written;
    written.level = log_level::error;
    log journal(written, known);
    site around(options.project, options.modules, options.files, known);
    std::vector<manifest::mistake> mistakes;
    const std::shared_ptr<const project> read = around.read(options.project, mistakes);
    if (read != nullptr) {
        call_watch watch(journal);
        for (std::uint32_t at = 0; at < read->instances.size(); ++at) {
            try_settings(read, at, around, journal, watch, known, mistakes);
        }
    }
    std::stable_sort(
        mistakes.begin(), mistakes.end(), [](const manifest::mistake& a, const manifest::mistake& b) {
            return a.where.file == b.where.file && a.where.line != b.where.line ? a.where.line < b.where.line
                                                                                : a.where.file < b.where.file;
        });
    for (const manifest::mistake& each : mistakes) {
        std::printf("%s\n", known.redact(manifest::to_string(each)).c_str());
    }
    if (any_wrong(mistakes)) {
        return 1;
    }
    std::printf("%s: %s, %s, no mistake%s\n", options.project.c_str(),
                count_of(read->instances.size(), "instance").c_str(),
                count_of(read->rules.rules.size(), "rule").c_str(),
                mistakes.empty() ? "" : (", " + count_of(mistakes.size(), "warning")).c_str());
    return 0;
}

} // namespace iom::host::commands
