// What is only looked at: modules, instances, rules, trace, log, frames, system, metrics.

#include "web/body.hpp"

#include "host_manifest.hpp"
#include "web/drafts.hpp"
#include "web/shown.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/utsname.h>
#include <unistd.h>

namespace iom::host::web {
namespace {

std::size_t count_in(const char* folder) {
    std::size_t count = 0;
    std::error_code error;
    for (std::filesystem::directory_iterator each(folder, error), end; !error && each != end;
         each.increment(error)) {
        ++count;
    }
    return count;
}

std::int64_t kilobytes(const std::string& status, const char* name) {
    const std::size_t at = status.find(name);
    return at == std::string::npos
               ? 0
               : std::strtoll(status.c_str() + at + std::char_traits<char>::length(name), nullptr, 10) * 1024;
}

std::string read_whole(const char* file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
    return out;
}

/// As a label's value in Prometheus' text.
std::string label(std::string_view text) {
    std::string out;
    for (const char each : text) {
        if (each == '\\' || each == '"') {
            out += '\\';
        }
        out += each == '\n' ? std::string("\\n") : std::string(1, each);
    }
    return out;
}

} // namespace

book::passes log_filter(const json& filter) {
    const auto level = parse_log_level(filter.value("level", std::string("frame")));
    const log_level most = level.value_or(log_level::frame);
    const std::string instance = filter.value("instance", std::string());
    const std::string rule = filter.value("rule", std::string());
    const std::string search = lower(filter.value("search", std::string()));
    return [=](const line& each) {
        return each.level <= most && (instance.empty() || each.instance == instance) &&
               (rule.empty() || each.rule == rule) &&
               (search.empty() || lower(each.text).find(search) != std::string::npos);
    };
}

book::passes frame_filter(const json& filter) {
    const std::string instance = filter.value("instance", std::string());
    const std::string way = filter.value("way", std::string());
    const std::string search = lower(filter.value("search", std::string()));
    return [=](const line& each) {
        return (instance.empty() || each.instance == instance) &&
               (way.empty() || each.text.starts_with(way == "in" ? "in  " : "out ")) &&
               (search.empty() || lower(each.text).find(search) != std::string::npos);
    };
}

bool passes_trace(const json& event, const json& filter) {
    const std::string instance = filter.value("instance", std::string());
    const std::string rule = filter.value("rule", std::string());
    if (!instance.empty() && !event.at("trigger").get<std::string>().starts_with(instance + '/')) {
        return false;
    }
    return rule.empty() || std::any_of(event.at("looks").begin(), event.at("looks").end(),
                                       [&](const json& each) { return each.at("rule") == rule; });
}

// ---- the project as its file says it

std::shared_ptr<const words> web::body::say() {
    const desk::edition now = desk_->newest();
    if (words_ == nullptr || now.generation != edition_.generation) {
        const runtime_options& made = controller_.made_with();
        auto around = std::make_shared<site>(made.project, made.modules, made.file_folders, known_);
        words_ = std::make_shared<const words>(now.source, now.generation, made.project, std::move(around),
                                               access_.key, known_);
        edition_ = now;
    }
    return words_;
}

json web::body::module_json(const manifest::module_manifest& of) {
    json made = manifest_json(of);
    if (const values_draft defaults = say()->defaults_of(of.id); !defaults.empty()) {
        std::vector<const manifest::field*> fields = setting_fields(&of);
        made["defaults"] = to_json(defaults, fields);
    }
    made["token"] = to_hex(sha256(made.dump())).substr(0, 16);
    return made;
}

void web::body::list_modules(const std::shared_ptr<asking>& /*from*/, reply to) {
    const std::shared_ptr<const words> said = say();
    json all = json::array();
    json own = manifest_json(host_manifest());
    own["token"] = to_hex(sha256(own.dump())).substr(0, 16);
    own.erase("stateStatus");
    all.push_back(std::move(own));
    // Those of the folder, used or not: an instance of any of them can be added.
    std::set<std::string> ids;
    std::error_code error;
    for (std::filesystem::directory_iterator each(controller_.made_with().modules, error), end;
         !error && each != end; each.increment(error)) {
        if (each->path().extension() == ".so") {
            ids.insert(each->path().stem().string());
        }
    }
    for (const std::string& id : ids) {
        const manifest::module_manifest* const described = said->module(id);
        if (described != nullptr) {
            all.push_back(module_json(*described));
            continue;
        }
        std::vector<manifest::mistake> mistakes;
        site around(controller_.made_with().project, controller_.made_with().modules, {}, known_);
        around.modules().read(id, mistakes);
        all.push_back({{"id", id},
                       {"label", id},
                       {"version", ""},
                       {"help", ""},
                       {"token", "none"},
                       {"groups", json::array()},
                       {"statuses", json::array()},
                       {"triggers", json::array()},
                       {"actions", json::array()},
                       {"problem", mistakes.empty() ? "Its manifest cannot be read."
                                                    : manifest::to_string(mistakes.front())}});
    }
    answer made = json_answer(200, all);
    made.headers.emplace_back("etag", '"' + to_hex(sha256(made.body)).substr(0, 16) + '"');
    to(std::move(made));
}

json web::body::complete_instance(json live) {
    if (live.is_null()) {
        return live;
    }
    const std::shared_ptr<const words> said = say();
    const std::string name = live.at("summary").at("name").get<std::string>();
    const instance_draft* const draft = said->find_instance(name);
    if (draft == nullptr) {
        return nullptr;
    }
    said->add_to_summary(live["summary"]);
    hide_in_summary(live["summary"], known_);
    hide_in_statuses(live["statuses"], said->module(draft->module), known_);
    live["settings"] = said->settings_json(*draft);
    live["usedBy"] = rules_with(said->mentions(), named::instance, name);
    live["warnings"] = said->warnings_of(spot::part::instance, name);
    return live;
}

void web::body::list_instances(const std::shared_ptr<asking>& /*from*/, reply to) {
    auto all = std::make_shared<json>(json::array());
    on_control_each(
        std::move(to), [](desk& at) { return at.controller().instances(); },
        [all](desk& at, std::uint32_t index) { all->push_back(live_summary(at, index)); },
        [this, all] {
            for (json& each : *all) {
                say()->add_to_summary(each);
                hide_in_summary(each, known_);
            }
            return json_answer(200, *all);
        });
}

void web::body::get_instance(const std::shared_ptr<asking>& from, reply to) {
    const std::string name = from->value("name");
    auto found = std::make_shared<json>(nullptr);
    on_control(
        [this, found, name, to = std::move(to)](answer made) {
            if (made.status != 200) {
                to(std::move(made));
                return;
            }
            const json whole = complete_instance(*found);
            if (whole.is_null()) {
                to(no_such("instance \"" + name + '"'));
                return;
            }
            answer given = json_answer(200, whole);
            given.headers.emplace_back("etag",
                                       '"' + whole.at("summary").at("revision").get<std::string>() + '"');
            to(std::move(given));
        },
        [found, name](desk& at) {
            if (const auto index = at.controller().current().find_instance(name)) {
                *found = {{"summary", live_summary(at, *index)}, {"statuses", statuses_json(at, *index)}};
            }
            return answer{};
        });
}

void web::body::get_history(const std::shared_ptr<asking>& from, reply to) {
    const std::string name = from->value("name");
    const std::int64_t since = from->number("from").value_or(0);
    on_control(std::move(to), [name, since](desk& at) {
        const auto index = at.controller().current().find_instance(name);
        return index ? json_answer(200, history_json(at, *index, since))
                     : no_such("instance \"" + name + '"');
    });
}

// ---- rules

json web::body::complete_rules(const json& live) {
    const std::shared_ptr<const words> said = say();
    json made = {
        {"revision", said->rules_revision()}, {"rules", json::array()}, {"variables", json::array()}};
    for (const rule_draft& each : said->rules()) {
        const auto index = edition_.read->find_rule(each.name);
        json one = said->rule_json(each, index && edition_.read->rules.rules[*index].by_itself);
        const auto report = live.at("reports").find(each.name);
        one["report"] =
            report != live.at("reports").end() ? *report : json{{"fired", 0}, {"lastSaid", "never"}};
        hide_in_report(one["report"], known_);
        made["rules"].push_back(std::move(one));
    }
    json variables = live.at("variables");
    hide_in_variables(variables, known_);
    for (const variable_draft& each : said->variables()) {
        json value = nullptr;
        if (const auto found = variables.find(each.name); found != variables.end()) {
            value = *found;
        }
        auto& [seen, at] = variables_seen_.try_emplace(each.name, value, json(nullptr)).first->second;
        if (seen != value) {
            seen = value;
            at = wall_now();
        }
        made["variables"].push_back({{"name", each.name},
                                     {"type", each.type},
                                     {"initial", each.initial},
                                     {"value", value},
                                     {"at", at},
                                     {"usedBy", rules_with(said->mentions(), named::variable, each.name)},
                                     {"revision", said->variable_revision(each.name)}});
    }
    return made;
}

namespace {

/// Reports and variables, some at a time.
std::function<std::size_t(desk&)> count_rules() {
    return [](desk& at) { return at.controller().current().rules.rules.size(); };
}

} // namespace

void web::body::list_rules(const std::shared_ptr<asking>& /*from*/, reply to) {
    auto live = std::make_shared<json>(json{{"reports", json::object()}, {"variables", json::object()}});
    on_control_each(
        [this, live, to](answer /*unused*/) {
            on_control(
                [this, live, to](answer made) {
                    if (made.status != 200) {
                        to(std::move(made));
                        return;
                    }
                    const json whole = complete_rules(*live);
                    answer given = json_answer(200, whole);
                    given.headers.emplace_back("etag", '"' + whole.at("revision").get<std::string>() + '"');
                    to(std::move(given));
                },
                [live](desk& at) {
                    (*live)["variables"] = variables_json(at);
                    return answer{};
                });
        },
        count_rules(),
        [live](desk& at, std::uint32_t index) {
            (*live)["reports"][at.controller().current().rules.rules[index].name] = report_json(at, index);
        },
        [] { return answer{}; });
}

void web::body::get_rule(const std::shared_ptr<asking>& from, reply to) {
    const std::string name = from->value("name");
    auto report = std::make_shared<json>();
    on_control(
        [this, report, name, to = std::move(to)](answer made) {
            const std::shared_ptr<const words> said = say();
            const rule_draft* const draft = made.status == 200 ? said->find_rule(name) : nullptr;
            if (draft == nullptr) {
                to(made.status == 200 ? no_such("rule \"" + name + '"') : std::move(made));
                return;
            }
            const auto index = edition_.read->find_rule(name);
            json whole = said->rule_json(*draft, index && edition_.read->rules.rules[*index].by_itself);
            whole["report"] = *report;
            hide_in_report(whole["report"], known_);
            answer given = json_answer(200, whole);
            given.headers.emplace_back("etag", '"' + whole.at("revision").get<std::string>() + '"');
            to(std::move(given));
        },
        [report, name](desk& at) {
            const auto index = at.controller().current().find_rule(name);
            *report = index ? report_json(at, *index) : json{{"fired", 0}, {"lastSaid", "never"}};
            return answer{};
        });
}

namespace {

std::string what_it_did(const std::optional<trace_event>& event) {
    std::string acts;
    if (event && !event->looks.empty()) {
        for (const trace_event::act& each : event->looks.front().acts) {
            acts += (acts.empty() ? " " : ", ") + each.action + ' ' + std::string(each.state);
        }
    }
    return acts.empty() ? "It fired." : "It fired:" + acts + '.';
}

} // namespace

void web::body::fire_rule(const std::shared_ptr<asking>& from, reply to) {
    const std::string name = from->value("name");
    on_control(std::move(to), [this, name](desk& at) {
        runtime& controller = at.controller();
        const auto index = controller.current().find_rule(name);
        if (!index) {
            return no_such("rule \"" + name + '"');
        }
        std::string why;
        const bool by_itself = controller.current().rules.rules[*index].by_itself;
        const std::uint64_t before = controller.events().events();
        const bool fired = controller.engine().fire_by_hand(*index, control_loop::now(), why);
        if (!by_itself) {
            return problem(409, "conflict", known_.redact(why));
        }
        return json_answer(200,
                           {{"fired", fired},
                            {"sentence", text_json(fired ? what_it_did(controller.events().tell(before + 1))
                                                         : known_.redact(why))}});
    });
}

// ---- trace, log, frames

void web::body::list_trace(const std::shared_ptr<asking>& from, reply to) {
    const std::uint64_t before = static_cast<std::uint64_t>(from->number("before").value_or(INT64_MAX));
    const auto limit =
        static_cast<std::size_t>(std::clamp<std::int64_t>(from->number("limit").value_or(100), 1, 200));
    const json filter = {{"instance", from->query("instance")}, {"rule", from->query("rule")}};
    auto events = std::make_shared<json>(json::array());
    auto next = std::make_shared<std::uint64_t>(0);
    auto total = std::make_shared<std::uint64_t>(0);
    auto end = std::make_shared<std::uint64_t>(0);
    const bool taken = post_control(
        [=](desk& at) {
            const trace& all = at.controller().events();
            if (*total == 0) {
                *total = all.events();
                *next = std::min(before, *total + 1);
                *end = *total > trace::capacity ? *total - trace::capacity : 0;
            }
            for (int some = 0; some < 16; ++some) {
                if (*next <= *end + 1 || events->size() >= limit) {
                    return false;
                }
                if (const auto event = all.tell(--*next)) {
                    json one = event_json(*event);
                    if (passes_trace(one, filter)) {
                        events->push_back(std::move(one));
                    }
                }
            }
            return true;
        },
        [=, this] {
            for (json& each : *events) {
                hide_in_event(each, known_);
            }
            to(json_answer(200, {{"events", *events}, {"total", *total}}));
        });
    if (!taken) {
        to(controller_is_busy());
    }
}

void web::body::list_log(const std::shared_ptr<asking>& from, reply to) {
    json filter = json::object();
    for (const char* const name : {"level", "instance", "rule", "search"}) {
        if (const std::string given = from->query(name); !given.empty()) {
            filter[name] = given;
        }
    }
    const auto before = static_cast<std::uint64_t>(from->number("before").value_or(INT64_MAX));
    const auto limit =
        static_cast<std::size_t>(std::clamp<std::int64_t>(from->number("limit").value_or(500), 1, 1000));
    const book::page found = lines_.newest(limit, before, false, log_filter(filter));
    json records = json::array();
    for (const line& each : found.lines) {
        records.push_back(line_json(each));
    }
    to(json_answer(200, {{"records", records}, {"more", found.more}}));
}

void web::body::list_frames(const std::shared_ptr<asking>& from, reply to) {
    const json filter = {{"instance", from->query("instance")}};
    const auto before = static_cast<std::uint64_t>(from->number("before").value_or(INT64_MAX));
    const auto limit =
        static_cast<std::size_t>(std::clamp<std::int64_t>(from->number("limit").value_or(200), 1, 1000));
    const book::page found = lines_.newest(limit, before, true, frame_filter(filter));
    json frames = json::array();
    for (const line& each : found.lines) {
        frames.push_back(frame_json(each));
    }
    to(json_answer(200, {{"frames", frames}, {"more", found.more}}));
}

void web::body::download_log(const std::shared_ptr<asking>& from, reply to) {
    const bool as_json = from->query("format") == "json";
    const book::page found =
        lines_.newest(2 * book::most_lines, UINT64_MAX, false, [](const line&) { return true; });
    answer made;
    made.type = as_json ? "application/x-ndjson" : "text/plain; charset=utf-8";
    made.headers.emplace_back("content-disposition", as_json ? "attachment; filename=\"iomhost-log.jsonl\""
                                                             : "attachment; filename=\"iomhost-log.txt\"");
    for (const line& each : found.lines) {
        made.body += format_record(record_of(each), as_json ? log_format::json : log_format::text);
    }
    to(std::move(made));
}

// ---- the system

json web::body::system_json(const json& control) const {
    const std::string status = read_whole("/proc/self/status");
    utsname machine{};
    uname(&machine);
    const std::size_t threads = status.find("Threads:");
    json made = {
        {"version", options_.version},
        {"started", started_},
        {"memory", {{"resident", kilobytes(status, "VmRSS:")}, {"peak", kilobytes(status, "VmHWM:")}}},
        {"threads",
         threads == std::string::npos ? 0 : std::strtol(status.c_str() + threads + 8, nullptr, 10)},
        {"descriptors", count_in("/proc/self/fd")},
        {"loop", control.at("loop")},
        {"machine", std::string(machine.nodename) + ", " + machine.sysname + ' ' + machine.release + ", " +
                        machine.machine},
        {"log", {{"dropped", journal_.dropped()}}},
        {"web",
         {{"address", url_},
          {"https", https_},
          {"passwordSet", access_.password.has_value()},
          {"viewers", channels_.size()}}},
        {"project", control.at("project")}};
    if (!journal_.folder().empty()) {
        made["log"]["folder"] = journal_.folder().string();
    }
    return made;
}

namespace {

json control_part(desk& at) {
    const desk::load load = at.loop_load();
    runtime& controller = at.controller();
    return {{"loop", {{"busy", load.busy}, {"longest", load.longest}}},
            {"project",
             {{"generation", controller.generation()},
              {"instances", controller.instances()},
              {"rules", controller.current().rules.rules.size()}}}};
}

} // namespace

json web::body::complete_system(const json& live) {
    json control = live;
    const std::shared_ptr<const words> said = say();
    json& project = control["project"];
    project["name"] = said->project_name();
    project["file"] = project_file_;
    project["revision"] = said->project_revision();
    // Looked at by what the folder says of it first; the content only where that has changed.
    const std::filesystem::path& file = controller_.made_with().project;
    std::error_code error;
    const auto changed = std::filesystem::last_write_time(file, error);
    const auto size = error ? std::uintmax_t{0} : std::filesystem::file_size(file, error);
    const auto look = std::pair(error ? std::filesystem::file_time_type() : changed, size);
    if (error) {
        on_disk_ = "gone";
        disk_mistakes_ = json::array();
        disk_look_ = {};
        disk_generation_ = 0;
    } else if (look != disk_look_ || said->generation() != disk_generation_) {
        disk_look_ = look;
        disk_generation_ = said->generation();
        std::ifstream in(file, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        disk_mistakes_ = json::array();
        on_disk_ = "same";
        if (text != said->xml()) {
            std::vector<manifest::mistake> mistakes;
            const runtime_options& made = controller_.made_with();
            site around(made.project, made.modules, made.file_folders, known_);
            on_disk_ = parse_project(text, file, around, mistakes) != nullptr ? "changed" : "broken";
            for (const manifest::mistake& each : mistakes) {
                disk_mistakes_.push_back(file_mistake_json(each));
            }
        }
    }
    project["onDisk"] = on_disk_;
    if (!disk_mistakes_.empty()) {
        project["mistakes"] = disk_mistakes_;
    }
    return system_json(control);
}

void web::body::get_system(const std::shared_ptr<asking>& /*from*/, reply to) {
    auto live = std::make_shared<json>();
    on_control(
        [this, live, to = std::move(to)](answer made) {
            to(made.status == 200 ? json_answer(200, complete_system(*live)) : std::move(made));
        },
        [live](desk& at) {
            *live = control_part(at);
            return answer{};
        });
}

void web::body::get_metrics(const std::shared_ptr<asking>& /*from*/, reply to) {
    auto live = std::make_shared<json>(json::array());
    auto rules = std::make_shared<json>(json::array());
    auto control = std::make_shared<json>();
    const auto write = [this, live, rules, control, to](answer refused) {
        if (refused.status != 200) {
            to(std::move(refused));
            return;
        }
        const json system = complete_system(*control);
        answer made;
        made.type = "text/plain; version=0.0.4; charset=utf-8";
        std::string& out = made.body;
        const auto head = [&](const char* name, const char* type, const char* help) {
            out += std::string("# HELP ") + name + ' ' + help + "\n# TYPE " + name + ' ' + type + '\n';
        };
        head("iomhost_info", "gauge", "Version of the host.");
        out += "iomhost_info{version=\"" + label(options_.version) + "\"} 1\n";
        const auto plain = [&](const char* name, const char* type, const char* help, const json& value) {
            head(name, type, help);
            out += std::string(name) + ' ' + value.dump() + '\n';
        };
        plain("iomhost_start_time_seconds", "gauge", "When the host was started, since 1970.",
              static_cast<double>(started_) / 1000);
        plain("iomhost_resident_memory_bytes", "gauge", "Memory in use.", system["memory"]["resident"]);
        plain("iomhost_threads", "gauge", "Threads of the host and its modules.", system["threads"]);
        plain("iomhost_open_descriptors", "gauge", "Open file descriptors.", system["descriptors"]);
        plain("iomhost_loop_busy_ratio", "gauge",
              "Share of the last ten seconds in which the control loop was busy.", system["loop"]["busy"]);
        plain("iomhost_log_dropped_total", "counter", "Lines of the log that were dropped.",
              system["log"]["dropped"]);
        plain("iomhost_page_viewers", "gauge", "Open pages.", system["web"]["viewers"]);
        plain("iomhost_page_states_total", "counter", "States that were put together for open pages.",
              states_);
        plain("iomhost_loop_longest_seconds", "gauge",
              "The longest that the control loop worked without a pause, in the last minute.",
              system["loop"]["longest"].get<double>() / 1000);
        plain("iomhost_events_total", "counter", "Events that the rules were walked for.",
              (*control)["events"]);
        head("iomhost_rule_fired_total", "counter", "How often each rule has fired.");
        for (const json& each : *rules) {
            out += "iomhost_rule_fired_total{rule=\"" + label(each["name"].get<std::string>()) + "\"} " +
                   each["fired"].dump() + '\n';
        }
        head("iomhost_instance_state", "gauge", "1 for the state that each instance is in.");
        for (const json& each : *live) {
            if (each["state"].is_string()) {
                out += "iomhost_instance_state{instance=\"" + label(each["name"].get<std::string>()) +
                       "\",state=\"" + label(each["state"].get<std::string>()) + "\"} 1\n";
            }
        }
        head("iomhost_instance_status", "gauge",
             "Every status of each instance that is a number or a truth.");
        for (const json& each : *live) {
            for (const auto& [id, status] : each["statuses"].items()) {
                const json& value = status["value"];
                if (value.is_number() || value.is_boolean()) {
                    out += "iomhost_instance_status{instance=\"" + label(each["name"].get<std::string>()) +
                           "\",status=\"" + label(id) + "\"} " +
                           (value.is_boolean() ? std::string(value.get<bool>() ? "1" : "0") : value.dump()) +
                           '\n';
                }
            }
        }
        to(std::move(made));
    };
    on_control_each(
        [=, this](answer made) {
            if (made.status != 200) {
                write(std::move(made));
                return;
            }
            on_control(write, [=](desk& at) {
                *control = control_part(at);
                (*control)["events"] = at.controller().events().events();
                for (std::uint32_t rule = 0; rule < at.controller().current().rules.rules.size(); ++rule) {
                    rules->push_back({{"name", at.controller().current().rules.rules[rule].name},
                                      {"fired", at.controller().engine().report(rule).fired}});
                }
                return answer{};
            });
        },
        [](desk& at) { return at.controller().instances(); },
        [=](desk& at, std::uint32_t index) {
            json one = live_summary(at, index);
            one["statuses"] = statuses_json(at, index);
            live->push_back(std::move(one));
        },
        [] { return answer{}; });
}

// ---- what the channel's feeds ask of [control]

void web::body::compute(feed& which) {
    constexpr std::int64_t pace_when_busy = 100'000; // microseconds
    which.pending = true;
    which.stale = false;
    ++states_;
    const std::string key = which.topic + '/' + which.instance;
    auto made = std::make_shared<json>();
    auto next = std::make_shared<std::uint32_t>(0);
    const std::string topic = which.topic;
    const std::string instance = which.instance;
    constexpr std::uint32_t some = 16;
    const auto slice = [=](desk& at) {
        runtime& controller = at.controller();
        if (topic == "system") {
            *made = control_part(at);
            return false;
        }
        if (topic == "instance") {
            if (const auto index = controller.current().find_instance(instance)) {
                *made = {{"summary", live_summary(at, *index)}, {"statuses", statuses_json(at, *index)}};
            }
            return false;
        }
        const bool rules = topic == "rules";
        if (made->is_null()) {
            *made =
                rules ? json{{"reports", json::object()}, {"variables", variables_json(at)}} : json::array();
        }
        const std::size_t all = rules ? controller.current().rules.rules.size() : controller.instances();
        for (std::uint32_t done = 0; done < some && *next < all; ++done) {
            const std::uint32_t index = (*next)++;
            if (rules) {
                (*made)["reports"][controller.current().rules.rules[index].name] = report_json(at, index);
            } else {
                made->push_back(live_summary(at, index));
            }
        }
        return *next < all;
    };
    const auto end = [this, key, made] { computed(key, std::move(*made)); };
    if (!post_control(slice, end, desk::most_for_pages)) {
        which.pending = false;
        which.stale = true;
        pump_within(pace_when_busy);
    }
}

json web::body::complete_modules(const json& live) {
    const std::shared_ptr<const words> said = say();
    json made = {{"modules", json::object()}, {"order", json::array()}, {"instances", json::object()}};
    if (tokens_generation_ != said->generation()) {
        tokens_generation_ = said->generation();
        tokens_ = json::object();
        for (const instance_draft& each : said->instances()) {
            const manifest::module_manifest* const described = said->module(each.module);
            if (described != nullptr && !tokens_.contains(each.module)) {
                tokens_[each.module] = module_json(*described).at("token");
            }
        }
    }
    made["modules"] = tokens_;
    for (const json& each : live) {
        json one = each;
        said->add_to_summary(one);
        hide_in_summary(one, known_);
        const std::string name = one["name"].get<std::string>(); // the right side of = is worked out first
        made["order"].push_back(name);
        made["instances"][name] = std::move(one);
    }
    return made;
}

} // namespace iom::host::web
