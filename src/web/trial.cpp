#include "web/trial.hpp"

#include <algorithm>
#include <map>

namespace iom::host::web {
namespace {

constexpr time_us extra_time = 5 * one_second; ///< beyond what the settings allow

constexpr const char* unencrypted = "ws is not encrypted";

std::string_view to_word(connection_trial::state what) {
    static constexpr std::string_view words[] = {"waiting", "running", "passed", "failed", "skipped"};
    return words[static_cast<std::size_t>(what)];
}

} // namespace

connection_trial::connection_trial(desk& at, std::uint64_t number, std::shared_ptr<const project> read,
                                   std::uint32_t index, std::shared_ptr<draft_site> around, log& journal,
                                   redactor& known)
    : desk_(at), number_(number), read_(std::move(read)), index_(index), around_(std::move(around)),
      journal_(journal), known_(known), name_(read_->instances[index].name),
      places_(*read_->modules[read_->instances[index].module]) {
    steps_ = {
        {"settings", "Settings", state::running, {}, {}, {}}, {"dns", "Name", state::waiting, {}, {}, {}},
        {"tcp", "TCP", state::waiting, {}, {}, {}},           {"tls", "TLS", state::waiting, {}, {}, {}},
        {"upgrade", "Upgrade", state::waiting, {}, {}, {}},   {"ready", "Ready", state::waiting, {}, {}, {}},
        {"pong", "First pong", state::waiting, {}, {}, {}}};
    began_ = entered_ = control_loop::now();
    begin();
}

connection_trial::~connection_trial() {
    if (unit_ != nullptr) {
        unit_->destroy("the test is over");
        desk_.controller().loop().forget(*unit_);
    }
}

void connection_trial::begin() {
    const instance_plan& plan = read_->instances[index_];
    std::vector<manifest::mistake> mistakes;
    const loaded_module* const module = around_->modules().load(read_->modules[plan.module]->id, mistakes);
    const std::vector<setting_value> settings = settings_of(*read_, index_, *around_, mistakes);
    if (module == nullptr || any_wrong(mistakes)) {
        fail("settings", mistakes.empty() ? "The module cannot be loaded." : mistakes.front().sentence);
        return;
    }
    double seconds = 10 + 10; // connect-timeout and ready-timeout, as the manifest has them
    plain_ = true;            // the default
    for (const setting_plan& each : plan.settings) {
        if ((each.what->id == "connect-timeout" || each.what->id == "ready-timeout") &&
            each.text.is_literal()) {
            seconds += manifest::read_real(each.text.literal()).value_or(0);
        }
        if (each.what->id == "protocol") {
            plain_ = each.text.is_literal() && each.text.literal() == "ws";
        }
    }
    deadline_ = began_ + static_cast<time_us>(seconds * static_cast<double>(one_second)) + extra_time;
    unit_ = std::make_unique<instance>(name_ + " (test)", *module, static_cast<instance_owner&>(*this),
                                       journal_, desk_.controller().watcher(), tried_);
    unit_->place(read_, index_, *around_);
    module_answer said = unit_->create();
    if (said.ok()) {
        said = unit_->set(settings);
    }
    if (said.ok()) {
        said = unit_->start();
    }
    if (!said.ok()) {
        fail("settings", said.sentence);
        return;
    }
    pass_until(1);
    desk_.controller().loop().ask(*unit_);
}

std::string connection_trial::text_of(std::uint32_t place) const {
    return place == known_statuses::none || unit_ == nullptr || place >= unit_->statuses().size()
               ? std::string()
               : to_text(unit_->statuses()[place].what.view());
}

std::size_t connection_trial::place_of(std::string_view layer) const {
    if (layer == "http" || layer == "proxy" || layer == "protocol") {
        layer = layer == "proxy" ? "tcp" : "upgrade";
    }
    if (layer == "close" || layer == "local") {
        return current_;
    }
    if (layer == "liveness") {
        layer = "pong";
    }
    for (std::size_t at = 0; at < steps_.size(); ++at) {
        if (steps_[at].layer == layer) {
            return at;
        }
    }
    return current_;
}

/// Everything before `place` is passed; that one runs. What was never seen at work went by too quickly, save
/// for TLS, which may not be there.
void connection_trial::pass_until(std::size_t place) {
    const time_us now = control_loop::now();
    while (current_ < place && current_ < steps_.size()) {
        step& each = steps_[current_];
        if (each.now == state::running) {
            each.milliseconds = static_cast<double>(now - entered_) / 1000.0;
            each.now = state::passed;
        } else {
            each.now = each.layer == std::string_view("tls") ? state::skipped : state::passed;
        }
        ++current_;
        entered_ = now;
        ++changes_;
    }
    if (current_ < steps_.size()) {
        steps_[current_].now = state::running;
    }
}

/// The module's own clock sees what goes by between two looks: "dns 0.31 ms, tcp 0.10 ms, tls 4.20 ms". A
/// step that was taken more than once counts with all its time.
void connection_trial::take_times(std::string_view told) {
    std::map<std::size_t, double> took;
    while (!told.empty()) {
        const std::string_view one = told.substr(0, told.find(", "));
        told.remove_prefix(std::min(told.size(), one.size() + 2));
        const std::size_t space = one.find(' ');
        const std::size_t end = one.rfind(" ms");
        if (space < end && end != one.npos) {
            const auto number = manifest::read_real(one.substr(space + 1, end - space - 1));
            took[place_of(one.substr(0, space))] += number.value_or(0);
        }
    }
    for (const auto& [place, milliseconds] : took) {
        step& each = steps_[place];
        if (place < current_) {
            each.now = state::passed;
            each.milliseconds = milliseconds;
        }
    }
}

void connection_trial::fail(const std::string& layer, const std::string& sentence) {
    if (ended_) {
        return;
    }
    const std::size_t place = std::max(place_of(layer), current_);
    pass_until(place);
    step& failed = steps_[std::min(place, steps_.size() - 1)];
    failed.now = state::failed;
    failed.milliseconds = static_cast<double>(control_loop::now() - entered_) / 1000.0;
    failed.sentence = known_.redact(sentence);
    for (std::size_t at = place + 1; at < steps_.size(); ++at) {
        steps_[at].now = state::skipped;
    }
    if (plain_) {
        steps_[place_of("tls")].detail = unencrypted;
    }
    end(false, failed.sentence);
}

void connection_trial::end(bool passed, std::string sentence) {
    ended_ = true;
    passed_ = passed;
    sentence_ = std::move(sentence);
    ended_at_ = control_loop::now();
    ++changes_;
}

void connection_trial::status_changed(instance& /*who*/) noexcept {
    try {
        follow();
    } catch (const std::exception&) {
        ended_ = true;
    }
}

/// Which layer is at work, by the module's own words for its state.
void connection_trial::follow() {
    if (ended_ || unit_ == nullptr) {
        return;
    }
    static constexpr std::pair<std::string_view, std::string_view> layers[] = {
        {"resolving", "dns"},     {"connecting", "tcp"},    {"securing", "tls"},
        {"upgrading", "upgrade"}, {"established", "ready"}, {"ready", "pong"}};
    const std::string now = text_of(places_.state);
    const auto named = [&](std::string_view id) {
        for (std::uint32_t at = 0; at < unit_->module().manifest.statuses.size(); ++at) {
            if (unit_->module().manifest.statuses[at].id == id) {
                return known_.redact(text_of(at));
            }
        }
        return std::string();
    };
    for (const auto& [word, layer] : layers) {
        if (now != word) {
            continue;
        }
        const std::size_t place = place_of(layer);
        if (place > current_) {
            pass_until(place);
        }
        steps_[place_of("tcp")].detail = named("remote-address");
        steps_[place_of("tls")].detail = plain_ ? unencrypted : named("tls-session");
        steps_[place_of("upgrade")].detail = named("subprotocol");
        take_times(named("attempt-times"));
        if (now == "ready" && !pinging_) {
            const manifest::action* const ping = unit_->module().manifest.find_action("ping");
            pinging_ = true;
            if (ping == nullptr) {
                pass_until(steps_.size());
                end(true, "The connection is ready.");
            }
        }
    }
    const bool over = now == "waiting" || now == "faulted" || now == "stopped";
    const std::string error = text_of(places_.error);
    if (over && !error.empty()) {
        fail(text_of(places_.error_layer), error);
    }
}

void connection_trial::tick(time_us now) {
    if (unit_ == nullptr) {
        around_->let_go();
        return;
    }
    if (!ended_ && pinging_ && steps_.back().now == state::running && unit_->open_calls() == 0 &&
        changes_ != 0) {
        const manifest::action* const ping = unit_->module().manifest.find_action("ping");
        if (places_.round_trip != known_statuses::none &&
            unit_->statuses()[places_.round_trip].what.kind == value_kind::real) {
            pass_until(steps_.size());
            steps_.back().milliseconds = unit_->statuses()[places_.round_trip].what.view().real;
            end(true, "Everything works: the server answers.");
        } else if (ping != nullptr && !asked_) {
            asked_ = true;
            const module_answer said = unit_->invoke(ping->number, {}, call_origin{});
            if (!said.ok()) {
                fail("pong", said.sentence);
            }
        }
    }
    if (!ended_ && now >= deadline_) {
        fail(steps_[std::min(current_, steps_.size() - 1)].layer,
             "It took too long: no answer came in time.");
    }
    if (ended_ && !stopping_) {
        stopping_ = true;
        if (unit_->now() == guarded::state::running) {
            unit_->stop();
            stop_by_ = now + 20 * one_second;
        }
    }
    if (stopping_ && !resting_ && (unit_->now() != guarded::state::stopping || now >= stop_by_)) {
        resting_ = true;
        const bool still = unit_->now() == guarded::state::stopping;
        unit_->destroy("the test is over"); // it is kept for late calls of its module's thread
        if (!still) {
            around_->let_go();
        }
    }
}

json connection_trial::to_json() const {
    json made = {
        {"test", number_},
        {"instance", name_},
        {"ended", ended_},
        {"step", changes_},
        {"steps", json::array()},
        {"milliseconds", static_cast<double>((ended_ ? ended_at_ : control_loop::now()) - began_) / 1000.0}};
    if (ended_) {
        made["passed"] = passed_;
        made["sentence"] = text_json(sentence_);
    }
    for (const step& each : steps_) {
        json one = {{"layer", each.layer}, {"label", each.label}, {"state", to_word(each.now)}};
        if (each.milliseconds && (each.now == state::passed || each.now == state::failed)) {
            one["milliseconds"] = *each.milliseconds;
        }
        if (!each.detail.empty()) {
            one["detail"] = text_json(each.detail);
        }
        if (!each.sentence.empty()) {
            one["sentence"] = text_json(each.sentence);
        }
        made["steps"].push_back(std::move(one));
    }
    return made;
}

// ---- the instance's owner

void connection_trial::wants_service(instance& who) noexcept {
    desk_.controller().loop().ask(who);
}

void connection_trial::call_ended(instance& /*who*/, const call_origin& /*origin*/, iom_outcome outcome,
                                  std::string_view sentence) {
    if (outcome != IOM_DONE && pinging_) {
        fail("pong", std::string(sentence));
    }
}

void connection_trial::stopped(instance& /*who*/) {
    if (!ended_) {
        fail("local", "It stopped by itself.");
    }
}

void connection_trial::condemned(instance& /*who*/, std::string_view sentence) {
    fail("local", std::string(sentence));
}

bool connection_trial::supply(instance& /*who*/, const reference& what, value_view& found, std::string& why) {
    found = {};
    if (what.from != source::secret && what.from != source::environment) {
        return true;
    }
    const std::string name = around_->symbols().name(what.index);
    const std::string* const given =
        what.from == source::secret ? around_->secret(name) : around_->environment(name);
    if (given == nullptr) {
        why = around_->last_refusal();
        return false;
    }
    supplied_ = *given;
    found = value_view::of(std::string_view(supplied_));
    return true;
}

} // namespace iom::host::web
