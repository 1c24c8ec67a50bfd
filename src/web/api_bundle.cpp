// The support bundle: all that helps from afar, and no secret.

#include "web/body.hpp"

#include "web/pack.hpp"
#include "web/shown.hpp"

#include <string>

namespace iom::host::web {

void web::body::support_bundle(const std::shared_ptr<asking>& /*from*/, reply to) {
    auto statuses = std::make_shared<json>(json::array());
    auto rules = std::make_shared<json>(json::object());
    auto events = std::make_shared<std::vector<json>>();
    auto step = std::make_shared<std::uint64_t>(0);
    const std::string project = say()->without_secrets();
    const json facts = {
        {"version", options_.version},       {"address", url_},   {"https", https_}, {"started", started_},
        {"generation", say()->generation()}, {"made", wall_now()}};
    const bool taken = post_control(
        [=](desk& at) {
            runtime& controller = at.controller();
            for (int some = 0; some < 16; ++some, ++*step) {
                const std::uint64_t number = *step;
                if (number < controller.instances()) {
                    const auto index = static_cast<std::uint32_t>(number);
                    json one = live_summary(at, index);
                    one["statuses"] = statuses_json(at, index);
                    one["history"] = history_json(at, index, 0);
                    statuses->push_back(std::move(one));
                    continue;
                }
                const std::uint64_t rule = number - controller.instances();
                if (rule < controller.current().rules.rules.size()) {
                    const auto index = static_cast<std::uint32_t>(rule);
                    (*rules)[controller.current().rules.rules[index].name] = report_json(at, index);
                    continue;
                }
                const std::uint64_t back = rule - controller.current().rules.rules.size();
                const std::uint64_t last = controller.events().events();
                if (back >= std::min<std::uint64_t>(last, trace::capacity)) {
                    return false;
                }
                if (const auto event = controller.events().tell(last - back)) {
                    events->push_back(event_json(*event));
                }
            }
            return true;
        },
        [=, this] {
            const bool begun = worker_->ask([=, this] {
                const long long now = wall_now() / 1000;
                std::string log;
                for (const line& each :
                     lines_.newest(2 * book::most_lines, UINT64_MAX, false, [](const line&) { return true; })
                         .lines) {
                    log += format_record(record_of(each), log_format::text);
                }
                std::string trace_text;
                for (auto each = events->rbegin(); each != events->rend(); ++each) {
                    hide_in_event(*each, known_);
                    trace_text += each->dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
                }
                for (json& each : *statuses) {
                    hide_in_statuses(each["statuses"], nullptr, known_);
                }
                const auto clean = [&](const std::string& text) { return known_.redact(text); };
                const auto written = [](const json& what) {
                    return what.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
                };
                const std::string packed = gzip(tar_file("host.json", clean(written(facts)), now) +
                                                tar_file("project.xml", clean(project), now) +
                                                tar_file("instances.json", clean(written(*statuses)), now) +
                                                tar_file("rules.json", clean(written(*rules)), now) +
                                                tar_file("trace.jsonl", clean(trace_text), now) +
                                                tar_file("log.txt", clean(log), now) + tar_end());
                server_->post([packed, to] {
                    answer made{200, packed, "application/gzip", {}};
                    made.headers.emplace_back("content-disposition",
                                              "attachment; filename=\"iomhost-support.tar.gz\"");
                    to(std::move(made));
                });
            });
            if (!begun) {
                to(problem(503, "busy", "The host is busy with others. Try again in a moment.",
                           {{"retryAfter", 2}}));
            }
        });
    if (!taken) {
        to(controller_is_busy());
    }
}

} // namespace iom::host::web
