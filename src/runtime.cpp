#include "runtime.hpp"

#include "files.hpp"
#include "host_manifest.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace iom::host {
namespace {

using manifest::mistake;

constexpr std::size_t most_dead = 32;
constexpr std::size_t explained_events = 20;
constexpr std::size_t most_generations = 16;       ///< of projects whose open calls still find their rules
constexpr time_us stop_patience = 10 * one_second; ///< then the log says what is waited for
constexpr double clock_tolerance = 0.2;            ///< seconds; less is ordinary keeping of time

std::string_view to_string(iom_outcome outcome) {
    return outcome == IOM_TIMED_OUT ? "timed out" : "failed";
}

std::string count_of(std::size_t count, const char* what) {
    return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

std::chrono::nanoseconds wall_clock_offset() {
    timespec wall{};
    timespec steady{};
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &steady);
    return std::chrono::seconds(wall.tv_sec - steady.tv_sec) +
           std::chrono::nanoseconds(wall.tv_nsec - steady.tv_nsec);
}

/// Equal for the module: matches by what they test, not by which object it is.
bool same_settings(const std::vector<setting_value>& left, const std::vector<setting_value>& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](const setting_value& a, const setting_value& b) {
                          if ((a.test == nullptr) != (b.test == nullptr) || a.number != b.number) {
                              return false;
                          }
                          return a.test != nullptr ? a.test->specs() == b.test->specs() : a.what == b.what;
                      });
}

/// Takes part in nothing: for instances that are only given settings.
class bystander final : public instance_owner {
public:
    explicit bystander(site& around) : around_(around) {}

    void wants_service(instance& /*who*/) noexcept override {}
    void triggered(instance& /*who*/, std::uint32_t /*trigger*/,
                   std::span<const value_view> /*values*/) override {}
    void call_ended(instance& /*who*/, const call_origin& /*origin*/, iom_outcome /*outcome*/,
                    std::string_view /*sentence*/) override {}
    void stopped(instance& /*who*/) override {}
    void condemned(instance& /*who*/, std::string_view /*sentence*/) override {}
    bool supply(instance& /*who*/, const reference& what, value_view& found, std::string& why) override {
        const std::string* given = nullptr;
        if (what.from == source::secret) {
            given = around_.secret(around_.symbols().name(what.index));
        } else if (what.from == source::environment) {
            given = around_.environment(around_.symbols().name(what.index));
        } else {
            found = {};
            return true;
        }
        if (given == nullptr) {
            why = around_.last_refusal();
            return false;
        }
        found = value_view::of(std::string_view(*given));
        return true;
    }

private:
    site& around_;
};

} // namespace

manifest::location place_of_sentence(const project& from, std::uint32_t index, std::string_view sentence) {
    const instance_plan& plan = from.instances[index];
    const setting_plan* best = nullptr;
    std::size_t best_at = std::string_view::npos;
    for (const setting_plan& each : plan.settings) {
        for (const std::string& name : {each.what->label, each.what->id}) {
            const std::size_t at = sentence.find(name);
            // The setting that is named first; of two that begin there, the longer name.
            if (at < best_at ||
                (at != std::string_view::npos && at == best_at && name.size() > best->what->label.size())) {
                best = &each;
                best_at = at;
            }
        }
    }
    return best != nullptr ? best->where : plan.where;
}

void try_settings(const std::shared_ptr<const project>& from, std::uint32_t index, site& around, log& journal,
                  call_watch& watch, redactor& known, std::vector<mistake>& mistakes) {
    const instance_plan& plan = from->instances[index];
    const loaded_module* const module = around.modules().load(from->modules[plan.module]->id, mistakes);
    if (module == nullptr) {
        return;
    }
    std::vector<mistake> own;
    const std::vector<setting_value> settings = settings_of(*from, index, around, own);
    mistakes.insert(mistakes.end(), own.begin(), own.end());
    if (any_wrong(own)) {
        return;
    }
    bystander nobody(around);
    instance trial(plan.name, *module, nobody, journal, watch, known);
    trial.place(from, index, around);
    module_answer said = trial.create();
    if (said.ok()) {
        said = trial.set(settings);
    }
    if (!said.ok()) {
        mistakes.push_back(
            {place_of_sentence(*from, index, said.sentence), known.redact(said.sentence), false});
    }
    trial.destroy("it was only a trial");
}

void runtime::judge_settings(const std::shared_ptr<const project>& from, std::uint32_t index, site& around,
                             std::vector<mistake>& mistakes) {
    redactor passing; // what is only tried is not to be known for ever
    const std::size_t before = mistakes.size();
    try_settings(from, index, around, journal_, watch_, passing, mistakes);
    for (std::size_t at = before; at < mistakes.size(); ++at) {
        known_.redact_in(mistakes[at].sentence);
    }
}

runtime::runtime(runtime_options options, log& journal, redactor& known)
    : options_(std::move(options)), journal_(journal), known_(known),
      site_(options_.project, options_.modules, options_.file_folders, known), watch_(journal),
      trace_(journal, options_.trace_aloud) {}

runtime::~runtime() {
    for (const auto* list : {&units_, &leaving_}) {
        for (const auto& each : *list) {
            bury(*each);
        }
    }
    if (clock_ >= 0) {
        loop_.unwatch(clock_);
        close(clock_);
    }
}

// ------------------------------------------------------------------------------------- loading and reloading

bool runtime::read(site& around, std::shared_ptr<const project>& read,
                   std::vector<std::vector<setting_value>>& settings, std::vector<mistake>& mistakes,
                   std::shared_ptr<const std::string> text) {
    read = around.read(options_.project, mistakes, std::move(text));
    if (read == nullptr) {
        return false;
    }
    for (std::uint32_t at = 0; at < read->instances.size(); ++at) {
        settings.push_back(settings_of(*read, at, around, mistakes));
    }
    return !any_wrong(mistakes);
}

std::unique_ptr<runtime::unit> runtime::make_unit(const project& from, std::uint32_t index) {
    std::vector<mistake> none;
    const instance_plan& wanted = from.instances[index];
    const loaded_module* const module = site_.modules().load(from.modules[wanted.module]->id, none);
    if (module == nullptr) {
        return nullptr;
    }
    auto made = std::make_unique<unit>();
    made->it = std::make_unique<instance>(wanted.name, *module, static_cast<instance_owner&>(*this), journal_,
                                          watch_, known_, options_.limits);
    return made;
}

bool runtime::load(std::vector<mistake>& mistakes) {
    candidate first;
    std::vector<std::vector<setting_value>> settings;
    if (!read(site_, first.read, settings, mistakes)) {
        return false;
    }
    const std::shared_ptr<const project>& read_now = first.read;
    bool good = true;
    for (std::uint32_t at = 0; at < read_now->instances.size(); ++at) {
        std::unique_ptr<unit> made = make_unit(*read_now, at);
        made->it->place(read_now, at, site_);
        module_answer said = made->it->create();
        if (said.ok()) {
            made->settings = std::move(settings[at]);
            said = made->it->set(made->settings);
        }
        if (!said.ok()) {
            good = false;
            mistakes.push_back(
                {place_of_sentence(*read_now, at, said.sentence), known_.redact(said.sentence), false});
        }
        units_.push_back(std::move(made));
    }
    if (!good) {
        for (const auto& each : units_) {
            bury(*each);
        }
        units_.clear();
        condemned_.clear();
        return false;
    }
    compile(first);
    use(first);
    return true;
}

/// Rules and variables of it, as they are before anything happens. [any thread]
void runtime::compile(candidate& what) {
    what.values = std::make_unique<variables>(what.read->variables);
    what.engine = std::make_unique<rule_engine>(what.read->rules, *what.values, static_cast<effects&>(*this),
                                                static_cast<trace_sink&>(trace_));
}

/// Afterwards `next` has what was in use before.
void runtime::use(candidate& next) {
    if (variables_ != nullptr) {
        next.values->adopt(*variables_);
    }
    std::swap(project_, next.read);
    std::swap(variables_, next.values);
    std::swap(engine_, next.engine);
    ++generation_;
    trace_.use(project_);
    if (onlooker_ != nullptr) {
        onlooker_->project_changed();
    }
}

void runtime::start() {
    for (const auto& each : units_) {
        start_unit(*each);
    }
    watch_clock();
    engine_->start(control_loop::now(), true);
}

runtime::candidate runtime::begin_reload() {
    candidate made;
    made.generation = generation_;
    made.around = site_.beside();
    made.symbols = site_.symbols().size();
    return made;
}

void runtime::prepare(candidate& what, std::shared_ptr<const std::string> text) {
    std::shared_ptr<const project> found;
    if (read(*what.around, found, what.settings, what.mistakes, std::move(text))) {
        what.read = std::move(found);
        compile(what);
    }
}

bool runtime::is_outdated(const candidate& what) const {
    return what.generation != generation_;
}

bool runtime::judge_some(candidate& what) {
    constexpr int most_tried = 4;
    if (what.read == nullptr || stopping_ || is_outdated(what)) {
        return false;
    }
    if (what.kept.empty()) {
        std::map<std::string_view, instance*> known;
        for (const auto& each : units_) {
            known.emplace(each->it->name(), each->it.get());
        }
        for (const instance_plan& wanted : what.read->instances) {
            const auto found = known.find(wanted.name);
            const bool same = found != known.end() &&
                              found->second->module().manifest.id == what.read->modules[wanted.module]->id;
            what.kept.push_back(same ? found->second : nullptr);
        }
    }
    for (int tried = 0; what.judged < what.kept.size(); ++what.judged) {
        const auto at = static_cast<std::uint32_t>(what.judged);
        const unit* const same = what.kept[at] == nullptr ? nullptr : unit_of(*what.kept[at]);
        if (same == nullptr || !same_settings(same->settings, what.settings[at])) {
            if (tried++ == most_tried) {
                return true;
            }
            try_settings(what.read, at, *what.around, journal_, watch_, known_, what.mistakes);
        }
    }
    return false;
}

void runtime::reload() {
    if (stopping_) {
        return;
    }
    candidate next = begin_reload();
    prepare(next);
    while (judge_some(next)) {}
    [[maybe_unused]] const reloaded said = finish_reload(next); // nothing came between
}

runtime::reloaded runtime::finish_reload(candidate& to) {
    if (stopping_) {
        return reloaded::refused;
    }
    if (is_outdated(to) || !site_.take_symbols(*to.around, to.symbols)) {
        return reloaded::outdated;
    }
    const bool wrong = says_mistakes(to.mistakes);
    if (wrong || to.read == nullptr) {
        journal_.write(log_level::error, {},
                       "the project was not loaded again: " + options_.project.string() +
                           " has the mistakes above; everything goes on as before");
        return reloaded::refused;
    }
    // What ends from here on, until the new rules are there, is told to none.
    const std::shared_ptr<const project> next = to.read;
    std::unique_ptr<rule_engine> engine_before = std::move(engine_);
    std::vector<std::unique_ptr<unit>> before = std::move(units_);
    units_.clear();
    std::map<const instance*, std::size_t> places;
    for (std::size_t place = 0; place < before.size(); ++place) {
        places.emplace(before[place]->it.get(), place);
    }
    std::size_t untouched = 0;
    std::size_t live = 0;
    std::size_t restarted = 0;
    std::size_t added = 0;
    std::vector<unit*> fresh;
    for (std::uint32_t at = 0; at < next->instances.size(); ++at) {
        if (const auto kept = places.find(to.kept[at]); kept != places.end()) {
            units_.push_back(std::move(before[kept->second]));
            units_.back()->it->place(next, at, site_);
            if (same_settings(units_.back()->settings, to.settings[at])) {
                ++untouched;
            } else {
                apply(*units_.back(), std::move(to.settings[at]), live, restarted);
            }
            continue;
        }
        ++added;
        units_.push_back(make_unit(*next, at));
        unit& made = *units_.back();
        made.it->place(next, at, site_);
        made.settings = std::move(to.settings[at]);
        fresh.push_back(&made);
    }
    std::size_t removed = 0;
    for (auto& each : before) {
        if (each != nullptr) {
            ++removed;
            stop_unit(*each, phase::leaving);
            leaving_.push_back(std::move(each));
        }
    }
    use(to);
    to.engine = std::move(engine_before);
    hand_over(*to.read, *to.engine);
    for (unit* each : fresh) {
        module_answer said = each->it->create();
        if (said.ok()) {
            said = each->it->set(each->settings);
        }
        if (said.ok()) {
            start_unit(*each);
        } else {
            broke(*each, said.sentence);
        }
    }
    engine_->start(control_loop::now(), false);
    units_changed_ = true;
    journal_.write(log_level::info, {},
                   "the project was loaded again: " + count_of(untouched, "instance") + " untouched, " +
                       std::to_string(live) + " with new settings at once, " + std::to_string(restarted) +
                       " restarted, " + std::to_string(added) + " added, " + std::to_string(removed) +
                       " removed");
    return reloaded::done;
}

/// What the old rules have begun goes on with those that are still the same; the rest is said.
void runtime::hand_over(const project& before, rule_engine& engine_before) {
    const succession kept = succession_of(before, *project_);
    for (auto& [generation, rules] : moved_) {
        for (std::uint32_t& each : rules) {
            each = each == no_rule ? no_rule : kept.rules[each];
        }
    }
    moved_[generation_ - 1] = kept.rules;
    while (moved_.size() > most_generations) {
        moved_.erase(moved_.begin());
    }
    const time_us now = control_loop::now();
    for (const lost_deed& each : engine_->adopt(engine_before, kept)) {
        char when[32];
        std::snprintf(when, sizeof when, "%.1f s",
                      static_cast<double>(std::max<time_us>(each.due - now, 0)) /
                          static_cast<double>(one_second));
        journal_.write_rule(log_level::warning, before.rules.rules[each.rule].name,
                            each.what + ", due in " + when +
                                ", will not come: this rule or what it names was changed or taken out");
    }
}

void runtime::apply(unit& which, std::vector<setting_value> settings, std::size_t& live,
                    std::size_t& restarted) {
    which.settings = std::move(settings);
    switch (which.now) {
    case phase::restarting:
    case phase::broken:
        ++restarted; // it takes them when it starts
        return;
    case phase::idle:
    case phase::leaving:
    case phase::running:
        break;
    }
    const module_answer said = which.it->set(which.settings);
    if (said.ok()) {
        ++live;
    } else if (said.result == IOM_RESTART) {
        ++restarted;
        stop_unit(which, phase::restarting);
    } else {
        broke(which, said.sentence);
    }
}

bool runtime::says_mistakes(const std::vector<mistake>& mistakes) {
    bool wrong = false;
    for (const mistake& each : mistakes) {
        wrong = wrong || !each.warning;
        journal_.write(each.warning ? log_level::warning : log_level::error, {}, manifest::to_string(each));
    }
    return wrong;
}

// -------------------------------------------------------------------------------------- the life of
// instances

void runtime::start_unit(unit& which) {
    const module_answer said = which.it->start();
    if (!said.ok()) {
        broke(which, said.sentence);
        return;
    }
    which.now = phase::running;
    which.trouble.clear();
    which.started = control_loop::now();
    loop_.ask(*which.it);
}

void runtime::stop_unit(unit& which, phase towards) {
    const bool was_running = which.it->now() == guarded::state::running;
    which.now = towards;
    which.stop_by = control_loop::now() + options_.stop_bound;
    which.told_of_stop = false;
    units_changed_ = true;
    if (was_running) {
        which.it->stop();
    }
}

void runtime::broke(unit& which, std::string_view sentence) {
    which.it->destroy("its module failed");
    if (which.now == phase::leaving) {
        units_changed_ = true;
        return;
    }
    const time_us now = control_loop::now();
    const bool held = which.started != 0 && now - which.started > options_.restart_most;
    which.retry_delay = which.retry_delay == 0 || held
                            ? options_.restart_first
                            : std::min(which.retry_delay * 2, options_.restart_most);
    which.retry_at = now + which.retry_delay;
    which.now = phase::broken;
    which.trouble = known_.redact(sentence);
    which.started = 0;
    units_changed_ = true;
    char delay[32];
    std::snprintf(delay, sizeof delay, "%.1f s",
                  static_cast<double>(which.retry_delay) / static_cast<double>(one_second));
    journal_.write(log_level::error, which.it->name(),
                   "the instance is out of order and will be started again in " + std::string(delay) + ": " +
                       std::string(sentence));
}

void runtime::bury(unit& which) {
    which.it->destroy("the host ends it");
    loop_.forget(*which.it);
}

runtime::unit* runtime::unit_of(const instance& who) {
    if (who.index() < units_.size() && units_[who.index()]->it.get() == &who) {
        return units_[who.index()].get();
    }
    for (const auto* list : {&units_, &leaving_}) {
        for (const auto& each : *list) {
            if (each->it.get() == &who) {
                return each.get();
            }
        }
    }
    return nullptr;
}

/// What could not be done while calls of the modules were on the stack, and what time has made due.
void runtime::look_after_units() {
    const time_us now = control_loop::now();
    for (const auto& [each, why] : std::exchange(condemned_, {})) {
        if (unit* const which = unit_of(*each)) {
            broke(*which, why);
        }
    }
    for (const auto& each : units_) {
        if (each->now == phase::restarting &&
            (each->it->now() == guarded::state::created || each->it->now() == guarded::state::none)) {
            const module_answer said = each->it->set(each->settings);
            if (said.ok()) {
                start_unit(*each);
            } else {
                broke(*each, said.sentence);
            }
        }
        if (each->now == phase::broken && each->retry_at <= now && !stopping_) {
            module_answer said = each->it->create();
            if (said.ok()) {
                said = each->it->set(each->settings);
            }
            if (said.ok()) {
                start_unit(*each);
            } else {
                broke(*each, said.sentence);
            }
        }
    }
    for (const auto* list : {&units_, &leaving_}) {
        for (const auto& each : *list) {
            const bool ends = each->it->now() == guarded::state::stopping;
            if (ends && (cut_ || each->stop_by <= now)) {
                journal_.write(log_level::error, each->it->name(),
                               cut_ ? "the instance is ended at once, as asked"
                                    : "the module has not stopped within its time, and is ended");
                each->it->destroy("it did not stop in time");
            } else if (ends && !each->told_of_stop &&
                       each->stop_by - options_.stop_bound + stop_patience <= now) {
                each->told_of_stop = true;
                journal_.write(log_level::warning, each->it->name(), "the instance is still stopping");
            }
        }
    }
    for (auto& each : leaving_) {
        if (each->it->now() != guarded::state::stopping) {
            bury(*each);
            dead_.push_back(std::move(each));
        }
    }
    leaving_.erase(std::remove(leaving_.begin(), leaving_.end(), nullptr), leaving_.end());
    while (dead_.size() > most_dead) {
        dead_.erase(dead_.begin());
    }
}

void runtime::ask_to_stop() {
    if (std::exchange(stopping_, true)) {
        cut_ = true;
        units_changed_ = true;
        return;
    }
    trace_.end_begins();
    http_.give_up("The host stops before the answer has come.");
    for (const auto& each : units_) {
        stop_unit(*each, phase::leaving);
    }
}

bool runtime::has_stopped() const {
    return stopping_ && leaving_.empty() && std::none_of(units_.begin(), units_.end(), [](const auto& each) {
               return each->it->now() == guarded::state::running ||
                      each->it->now() == guarded::state::stopping;
           });
}

std::optional<time_us> runtime::next_of_units() const {
    std::optional<time_us> next;
    for (const auto* list : {&units_, &leaving_}) {
        for (const auto& each : *list) {
            std::optional<time_us> due;
            if (each->now == phase::broken && !stopping_) {
                due = each->retry_at;
            } else if (each->it->now() == guarded::state::stopping) {
                due =
                    each->told_of_stop ? each->stop_by : each->stop_by - options_.stop_bound + stop_patience;
            }
            if (due && (!next || *due < *next)) {
                next = due;
            }
        }
    }
    return next;
}

std::optional<time_us> runtime::next_deadline() const {
    if (units_changed_ || !condemned_.empty()) {
        return control_loop::now();
    }
    std::optional<time_us> next = units_due_;
    if (!stopping_ && engine_ != nullptr) {
        if (const auto due = engine_->next_deadline(); due && (!next || *due < *next)) {
            next = due;
        }
    }
    return next;
}

void runtime::turn(std::optional<time_us> deadline) {
    std::optional<time_us> due = next_deadline();
    if (deadline && (!due || *deadline < *due)) {
        due = deadline;
    }
    loop_.turn(due);
    const time_us now = control_loop::now();
    if (!stopping_ && engine_ != nullptr) {
        const auto rules_due = engine_->next_deadline();
        if (rules_due && *rules_due <= now) {
            engine_->advance(rules_time(now));
        }
    }
    if (std::exchange(units_changed_, false) || !condemned_.empty() || (units_due_ && *units_due_ <= now)) {
        look_after_units();
        units_due_ = next_of_units();
    }
    if (onlooker_ != nullptr && std::exchange(trace_shown_, trace_.changes()) != trace_.changes()) {
        onlooker_->rules_walked();
    }
}

void runtime::run(signals& from_outside) {
    loop_.watch(from_outside.descriptor(), EPOLLIN, [&](std::uint32_t /*events*/) {
        for (int taken = from_outside.take(); taken != 0; taken = from_outside.take()) {
            switch (taken) {
            case SIGHUP:
                reload();
                break;
            case SIGUSR1:
                explain();
                break;
            default:
                journal_.write(log_level::info, {},
                               stopping_ ? "asked again to stop: what has not ended is cut"
                                         : "asked to stop: every instance disconnects");
                ask_to_stop();
                break;
            }
        }
    });
    while (!has_stopped()) {
        turn(std::nullopt);
    }
    loop_.unwatch(from_outside.descriptor());
    journal_.write(log_level::info, {}, "everything has stopped");
}

void runtime::explain() {
    const time_us now = control_loop::now();
    for (std::uint32_t at = 0; at < project_->rules.rules.size(); ++at) {
        journal_.write(log_level::info, {}, trace_.in_words(at, engine_->report(at), now));
    }
    for (const std::string& line : trace_.in_words(explained_events, now)) {
        journal_.write(log_level::info, {}, "trace: " + line);
    }
    for (const auto& each : units_) {
        const guard_counts& counts = each->it->counts();
        journal_.write(log_level::info, each->it->name(),
                       "guard: " + std::to_string(counts.breaches) + " breaches of the contract, " +
                           std::to_string(counts.slow_calls) + " slow calls, " +
                           std::to_string(counts.very_slow_calls) + " of them very slow; " +
                           std::to_string(each->it->open_calls()) + " calls open" +
                           (counts.last_breach.empty() ? "" : "; last breach: " + counts.last_breach));
    }
}

bool runtime::call(std::uint32_t index, std::uint32_t action, std::span<const argument_view> arguments,
                   std::uint64_t ticket, std::string& why) {
    call_origin origin;
    origin.sequel = ticket;
    module_answer said = units_[index]->it->invoke(action, arguments, origin);
    why = std::move(said.sentence);
    return said.ok();
}

instance* runtime::find(std::string_view name) {
    for (const auto& each : units_) {
        if (each->it->name() == name) {
            return each->it.get();
        }
    }
    return nullptr;
}

// -------------------------------------------------------------------------------------- what instances tell

void runtime::wants_service(instance& who) noexcept {
    loop_.ask(who);
}

void runtime::triggered(instance& who, std::uint32_t trigger, std::span<const value_view> values) {
    // One that has left the project has no rules any more.
    if (who.index() >= units_.size() || units_[who.index()]->it.get() != &who) {
        return;
    }
    engine_->fire({who.index(), trigger, values}, rules_time(loop_.service_time()));
}

void runtime::status_changed(instance& who) noexcept {
    if (onlooker_ != nullptr && who.index() < units_.size() && units_[who.index()]->it.get() == &who) {
        onlooker_->status_changed(who.index(), who);
    }
}

/// The engine's time never steps back, although events carry the time at which their batch began.
time_us runtime::rules_time(time_us now) noexcept {
    rules_time_ = std::max(rules_time_, now);
    return rules_time_;
}

void runtime::call_ended(instance& who, const call_origin& origin, iom_outcome outcome,
                         std::string_view sentence) {
    ended(origin, who.name(), outcome, sentence);
}

/// An accepted action has come to its end; `instance` is empty for one of the host's own.
void runtime::ended(const call_origin& origin, std::string_view instance, iom_outcome outcome,
                    std::string_view sentence) {
    if (origin.rule == call_origin::none) {
        if (onlooker_ != nullptr && origin.sequel != 0) {
            onlooker_->call_ended(origin.sequel, outcome, sentence);
        }
        return;
    }
    trace_.finished(origin, outcome, sentence);
    if (outcome == IOM_DONE) {
        return;
    }
    const std::optional<std::uint32_t> rule_now = rule_of(origin);
    if (!rule_now || engine_ == nullptr) {
        journal_.write(log_level::error, instance,
                       "an action of the rules before they were loaded again " +
                           std::string(to_string(outcome)) + ": " + std::string(sentence));
        return;
    }
    const rule& by = project_->rules.rules[*rule_now];
    journal_.write_rule(log_level::error, by.name,
                        by.acts[origin.action].written +
                            (instance.empty() ? " " : " of instance \"" + std::string(instance) + "\" ") +
                            std::string(to_string(outcome)) + ": " + std::string(sentence));
    engine_->action_failed({*rule_now, origin.action, static_cast<std::uint32_t>(origin.sequel)}, sentence,
                           rules_time(control_loop::now()));
}

/// Where the rule stands now; nothing if it was changed since, or is gone.
std::optional<std::uint32_t> runtime::rule_of(const call_origin& origin) const {
    const auto generation = static_cast<std::uint32_t>(origin.sequel >> 32U);
    if (generation == generation_) {
        return origin.rule;
    }
    const auto moved = moved_.find(generation);
    if (moved == moved_.end() || moved->second[origin.rule] == no_rule) {
        return std::nullopt;
    }
    return moved->second[origin.rule];
}

void runtime::stopped(instance& /*who*/) {
    units_changed_ = true;
}

void runtime::condemned(instance& who, std::string_view sentence) {
    condemned_.emplace_back(&who, sentence);
    units_changed_ = true;
}

bool runtime::supply(instance& /*who*/, const reference& what, value_view& found, std::string& why) {
    switch (what.from) {
    case source::secret:
        return secret(what.index, found, why);
    case source::environment:
        return environment(what.index, found, why);
    case source::variable:
        found = variables_ != nullptr ? variables_->get(what.index) : value_view{};
        return true;
    case source::status:
        found = status(what.owner, what.index);
        return true;
    case source::uuid:
        found = value_view::of(uuid());
        return true;
    case source::now:
        found = value_view::of(now());
        return true;
    case source::trigger:
    case source::instance:
    case source::session:
    case source::seq:
        break;
    }
    why = "There is no such value here.";
    return false;
}

// -------------------------------------------------------------------------------------- what rules ask for

bool runtime::invoke(const invocation& what, std::string& why) {
    if (what.instance == host_instance) {
        return invoke_host(what, why);
    }
    if (what.instance >= units_.size()) {
        why = "There is no such instance.";
        return false;
    }
    module_answer said = units_[what.instance]->it->invoke(what.action, what.arguments, origin_of(what));
    if (said.ok()) {
        return true;
    }
    why = std::move(said.sentence);
    return false;
}

call_origin runtime::origin_of(const invocation& what) const {
    return {what.from.rule, what.from.act, trace_.current(),
            (static_cast<std::uint64_t>(generation_) << 32U) | what.from.depth};
}

bool runtime::invoke_http(const invocation& what, std::string& why) {
    if (stopping_) {
        why = "The host is stopping.";
        return false;
    }
    http_request asked;
    asked.method = "GET";
    std::string request = project_->rules.rules[what.from.rule].name;
    std::string url;
    for (const argument_view& each : what.arguments) {
        const std::string_view text = each.what.text;
        switch (each.number) {
        case host_argument::http_method:
            asked.method = text;
            break;
        case host_argument::http_url:
            url = text;
            break;
        case host_argument::http_headers:
            if (why = judge_http_header(text); !why.empty()) {
                return false;
            }
            asked.headers.emplace_back(text);
            break;
        case host_argument::http_body:
            asked.body = text;
            break;
        case host_argument::http_timeout:
            asked.timeout = std::llround(each.what.real * static_cast<double>(one_second));
            break;
        case host_argument::http_request:
            if (!text.empty()) {
                request = text;
            }
            break;
        case host_argument::http_tls_verify:
            asked.verify = each.what.boolean;
            break;
        case host_argument::http_tls_ca:
            if (!text.empty()) {
                const auto file = find_file(text, file_folders_of(*project_, site_), why);
                if (!file) {
                    why = "tls-ca: " + why;
                    return false;
                }
                asked.authorities = file->string();
            }
            break;
        default:
            break;
        }
    }
    auto parsed = parse_http_url(url, why);
    if (!parsed) {
        return false;
    }
    asked.url = std::move(*parsed);
    // A token that a rule has put together of captures is a secret like one from the file.
    if (const auto credentials = find_http_header(asked.headers, "Authorization")) {
        const std::string_view token = std::string_view(*credentials).substr(credentials->find(' ') + 1);
        if (token.size() > redactor::longest_passing) {
            why = too_long_secret("Authorization", token.size());
            return false;
        }
        known_.add(token, redactor::stay::passing);
    }
    if (!asked.body.empty() && !find_http_header(asked.headers, "Content-Type")) {
        asked.headers.emplace_back("Content-Type: application/json");
    }
    return http_.ask(
        std::move(asked),
        [this, origin = origin_of(what), request](const http_result& result) {
            http_ended(origin, request, result);
        },
        why);
}

void runtime::http_ended(const call_origin& origin, const std::string& request, const http_result& result) {
    if (!result.answered) {
        ended(origin, {}, result.timed_out ? IOM_TIMED_OUT : IOM_GIVEN_UP, result.sentence);
        return;
    }
    if (engine_ != nullptr) {
        const std::string_view body = result.body;
        const value_view variables[] = {value_view::of(std::string_view(request)),
                                        value_view::of(std::int64_t{result.status}),
                                        is_utf8(body) ? value_view::of(body) : value_view::of_bytes(body),
                                        value_view::of(result.milliseconds)};
        engine_->fire({host_instance, host_trigger::http_answered, variables},
                      rules_time(control_loop::now()));
    }
    ended(origin, {}, IOM_DONE, {});
}

bool runtime::invoke_host(const invocation& what, std::string& why) {
    if (what.action == host_action::http) {
        return invoke_http(what, why);
    }
    const auto argument = [&](std::uint32_t number) {
        for (const argument_view& each : what.arguments) {
            if (each.number == number) {
                return to_text(each.what);
            }
        }
        return std::string();
    };
    if (what.action == host_action::log) {
        const auto level = parse_log_level(argument(host_argument::log_level));
        journal_.write_rule(level.value_or(log_level::info), project_->rules.rules[what.from.rule].name,
                            argument(host_argument::log_message));
        return true;
    }
    why = "This host has no such action.";
    return false;
}

value_view runtime::status(std::uint32_t instance, std::uint32_t status) {
    if (instance >= units_.size()) {
        return {};
    }
    const auto statuses = units_[instance]->it->statuses();
    return status < statuses.size() ? statuses[status].what.view() : value_view{};
}

std::string_view runtime::instance_name(std::uint32_t instance) {
    return instance < units_.size() ? std::string_view(units_[instance]->it->name())
                                    : std::string_view("host");
}

session_values& runtime::session(std::uint32_t instance) {
    return instance < units_.size() ? units_[instance]->it->session() : no_session_;
}

bool runtime::captured(std::uint32_t instance, std::uint32_t symbol, value_view& found, std::string& why) {
    const auto known = session(instance).find(symbol);
    if (!known) {
        why = not_captured(site_.symbols().name(symbol));
        return false;
    }
    found = *known;
    return true;
}

bool runtime::secret(std::uint32_t symbol, value_view& found, std::string& why) {
    const std::string* const given = site_.secret(site_.symbols().name(symbol));
    if (given == nullptr) {
        why = site_.last_refusal();
        return false;
    }
    found = value_view::of(std::string_view(*given));
    return true;
}

bool runtime::environment(std::uint32_t symbol, value_view& found, std::string& why) {
    const std::string* const given = site_.environment(site_.symbols().name(symbol));
    if (given == nullptr) {
        why = site_.last_refusal();
        return false;
    }
    found = value_view::of(std::string_view(*given));
    return true;
}

std::string_view runtime::uuid() {
    constexpr std::size_t size = 16;
    if (chance_left_ < size) {
        std::size_t filled = 0;
        while (filled < chance_.size()) {
            const ssize_t got = getrandom(chance_.data() + filled, chance_.size() - filled, 0);
            if (got < 0 && errno != EINTR) {
                throw std::system_error(errno, std::generic_category(), "the system gives no random numbers");
            }
            filled += got > 0 ? static_cast<std::size_t>(got) : 0;
        }
        chance_left_ = chance_.size();
    }
    std::array<unsigned char, size> bytes{};
    std::copy_n(chance_.begin() + static_cast<std::ptrdiff_t>(chance_.size() - chance_left_), size,
                bytes.begin());
    chance_left_ -= size;
    // RFC 9562, section 5.4: version 4, variant 10.
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
    uuid_.clear();
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t at = 0; at < size; ++at) {
        if (at == 4 || at == 6 || at == 8 || at == 10) {
            uuid_ += '-';
        }
        uuid_ += digits[bytes[at] >> 4U];
        uuid_ += digits[bytes[at] & 15U];
    }
    return uuid_;
}

std::string_view runtime::now() {
    now_ = format_time(std::chrono::system_clock::now());
    return now_;
}

// -------------------------------------------------------------------------------------- the clock on the
// wall

void runtime::watch_clock() {
    clock_ = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (clock_ < 0) {
        return; // then steps go unreported; nothing else depends on it
    }
    clock_offset_ = wall_clock_offset();
    clock_was_set();
    loop_.watch(clock_, EPOLLIN, [this](std::uint32_t /*events*/) {
        std::uint64_t expired = 0;
        [[maybe_unused]] const ssize_t got = ::read(clock_, &expired, sizeof expired);
        clock_was_set();
    });
}

/// Says by how much, and waits for the next time.
void runtime::clock_was_set() {
    const std::chrono::nanoseconds offset = wall_clock_offset();
    const double step = std::chrono::duration<double>(offset - clock_offset_).count();
    clock_offset_ = offset;
    if (std::abs(step) > clock_tolerance) {
        char text[64];
        std::snprintf(text, sizeof text, "the clock was set %s by %.1f s", step > 0 ? "forward" : "back",
                      std::abs(step));
        journal_.write(log_level::warning, {}, text);
    }
    itimerspec never{};
    never.it_value.tv_sec =
        std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + std::chrono::hours(24 * 365));
    timerfd_settime(clock_, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr);
}

} // namespace iom::host
