// Test connection, layer by layer.

#include "web/body.hpp"

#include "project_edit.hpp"
#include "project_secrets.hpp"
#include "web/draft_site.hpp"
#include "web/drafts.hpp"
#include "web/trial.hpp"

#include <algorithm>

namespace iom::host::web {
namespace {

constexpr std::size_t most_kept = 16;
constexpr std::size_t most_running = 4;

} // namespace

void web::body::test_connection(const std::shared_ptr<asking>& from, reply to) {
    const std::string name = from->value("name");
    const std::shared_ptr<const words> said = say();
    const instance_draft* const present = said->find_instance(name);
    if (present == nullptr) {
        to(no_such("instance \"" + name + '"'));
        return;
    }
    const manifest::module_manifest* const module = said->module(present->module);
    if (module == nullptr || module->id != "websocket-client") {
        to(problem(409, "conflict", "This module has no connection that could be tested."));
        return;
    }
    std::string text = said->xml();
    std::vector<named_secret> secrets;
    if (from->body.contains("settings")) {
        if (from->who.may < right::configure) {
            to(problem(403, "forbidden", "To try other settings takes the right configure."));
            return;
        }
        values_draft draft = values_from(from->body.at("settings"));
        const std::vector<std::string> asked =
            secrets_to_ask(present->settings, draft, said->defaults_of(present->module), *module,
                           given_.of(from->who, steady_ms()));
        if (!asked.empty()) {
            to(problem(422, "mistakes", asks_anew(asked), {{"needsSecrets", asked}}));
            return;
        }
        drop_empty_secrets(module, draft);
        const edit made = save_settings(text, name, draft, said->modules());
        if (!made.done()) {
            to(problem(422, "mistakes", made.sentence));
            return;
        }
        std::vector<std::string> led;
        const bool environment = ask_for_led(from->who, text, made.text, *said, led);
        if (!led.empty()) {
            to(problem(422, "mistakes", asks_anew(led, environment), {{"needsSecrets", led}}));
            return;
        }
        const std::vector<std::string> names = stored_secrets();
        moved_secrets moved = accept_upload(made.text, text, said->modules(), {names.begin(), names.end()});
        text = std::move(moved.text);
        secrets = std::move(moved.values);
    }
    // One attempt, now, whatever is saved.
    const std::pair<std::string, std::optional<value_draft>> once[] = {{"connect-at-startup", "true"},
                                                                       {"auto-reconnect", "false"}};
    const edit made = change_settings(text, name, once, said->modules());
    const runtime_options& with = controller_.made_with();
    auto around = std::make_shared<draft_site>(with, known_, std::move(secrets));
    std::vector<manifest::mistake> mistakes;
    const std::shared_ptr<const project> read =
        made.done() ? parse_project(made.text, with.project, *around, mistakes) : nullptr;
    const auto index = read == nullptr ? std::nullopt : read->find_instance(name);
    if (!index) {
        std::vector<manifest::mistake> none;
        const manifest::element root = manifest::parse_xml(made.text, with.project.string(), none);
        json all = json::array();
        for (const manifest::mistake& each : mistakes) {
            if (!each.warning) {
                const spot where = find_spot(root, each);
                all.push_back(mistake_json(
                    each, where.what == spot::part::instance && where.name == name ? where.pointer : ""));
            }
        }
        to(problem(422, "mistakes",
                   all.empty() ? made.sentence : all.front().at("sentence").get<std::string>(),
                   {{"mistakes", all}}));
        return;
    }
    on_control(std::move(to), [this, read, around, index = *index, name](desk& at) {
        const auto running = [](const auto& each) { return !each->ended(); };
        const bool busy = std::any_of(trials_.begin(), trials_.end(), [&](const auto& each) {
            return running(each) && each->name() == name;
        });
        if (busy) {
            return problem(409, "conflict", "A test of this instance is under way already.");
        }
        if (static_cast<std::size_t>(std::count_if(trials_.begin(), trials_.end(), running)) >=
            most_running) {
            return problem(503, "busy", "Four tests are under way already. Wait for one.",
                           {{"retryAfter", 5}});
        }
        trials_.push_back(
            std::make_unique<connection_trial>(at, ++last_trial_, read, index, around, journal_, known_));
        while (trials_.size() > most_kept && trials_.front()->at_rest()) {
            trials_.pop_front();
        }
        desk_->look_after([this](time_us now) {
            bool any = false;
            for (const auto& each : trials_) {
                each->tick(now);
                any = any || !each->at_rest();
            }
            return any;
        });
        return json_answer(202, trials_.back()->to_json());
    });
}

void web::body::get_test(const std::shared_ptr<asking>& from, reply to) {
    const auto number = static_cast<std::uint64_t>(from->number("id").value_or(0));
    const std::int64_t after = from->number("after").value_or(-1);
    const double seconds = std::strtod(from->query("wait").c_str(), nullptr);
    wait_for_test(from->what, number, after,
                  steady_ms() + static_cast<std::int64_t>(std::clamp(seconds, 0.0, 25.0) * 1000),
                  std::move(to));
}

void web::body::wait_for_test(const std::shared_ptr<request>& asked, std::uint64_t number, std::int64_t after,
                              std::int64_t until, reply to) {
    if (asked->gone) {
        return;
    }
    auto found = std::make_shared<json>();
    on_control(
        [this, asked, found, number, after, until, to](answer made) {
            if (found->is_null()) {
                to(made.status == 200 ? no_such("such test") : std::move(made));
                return;
            }
            if (!found->at("ended").get<bool>() && found->at("step").get<std::int64_t>() <= after &&
                steady_ms() < until && test_waiters_ < most_waiters) {
                ++test_waiters_;
                server_->after(100'000, [this, asked, number, after, until, to] {
                    --test_waiters_;
                    wait_for_test(asked, number, after, until, to);
                });
                return;
            }
            to(json_answer(200, *found));
        },
        [this, found, number](desk& /*at*/) {
            for (const auto& each : trials_) {
                if (each->number() == number) {
                    *found = each->to_json();
                }
            }
            return answer{};
        });
}

} // namespace iom::host::web
