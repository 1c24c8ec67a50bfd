#include "guard.hpp"

#include "iom/keep.h"
#include "iom/match.h"
#include "iom/text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <utility>

namespace iom::host {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::uint32_t no_place = 0xffff'ffff;
constexpr std::size_t most_foreign = 32;
constexpr std::uint32_t slot_bits = 24;

/// Where a number from the manifest stands in it; the table is small, numbers are.
template <typename Item>
std::vector<std::uint32_t> places(const std::vector<Item>& items) {
    std::vector<std::uint32_t> table;
    for (std::uint32_t at = 0; at < items.size(); ++at) {
        const std::uint32_t number = items[at].number;
        if (number >= table.size()) {
            table.resize(number + 1, no_place);
        }
        table[number] = at;
    }
    return table;
}

std::uint32_t place(const std::vector<std::uint32_t>& table, std::uint32_t number) {
    return number < table.size() ? table[number] : no_place;
}

std::string_view kind_name(std::uint32_t kind) {
    switch (kind) {
    case IOM_BOOL:
        return "bool";
    case IOM_INT:
        return "int";
    case IOM_REAL:
        return "real";
    case IOM_TEXT:
        return "text";
    case IOM_BYTES:
        return "bytes";
    case IOM_MATCH:
        return "match";
    default:
        return "unknown";
    }
}

bool kind_fits(std::uint32_t kind, manifest::type type) {
    switch (type) {
    case manifest::type::boolean:
        return kind == IOM_BOOL;
    case manifest::type::integer:
        return kind == IOM_INT;
    case manifest::type::real:
        return kind == IOM_REAL;
    case manifest::type::text:
    case manifest::type::choice:
    case manifest::type::secret:
    case manifest::type::file:
        return kind == IOM_TEXT;
    case manifest::type::match:
        return kind == IOM_MATCH;
    case manifest::type::steps:
        return kind == IOM_TEXT || kind == IOM_BYTES || kind == IOM_MATCH;
    case manifest::type::data:
        return kind == IOM_TEXT || kind == IOM_BYTES;
    }
    return false;
}

/// Text or bytes that claim a size without a place.
bool dangles(const iom_value& value) {
    return (value.kind == IOM_TEXT && value.as.text.data == nullptr && value.as.text.size > 0) ||
           (value.kind == IOM_BYTES && value.as.bytes.data == nullptr && value.as.bytes.size > 0);
}

std::string_view view(const iom_text& text) {
    return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}

std::string milliseconds(steady::duration time) {
    std::array<char, 32> text{};
    const double value = std::chrono::duration<double, std::milli>(time).count();
    const int size = std::snprintf(text.data(), text.size(), "%.1f ms", value);
    return {text.data(), static_cast<std::size_t>(size)};
}

std::chrono::nanoseconds thread_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

} // namespace

std::string_view to_string(breach what) {
    switch (what) {
    case breach::thread:
        return "thread";
    case breach::state:
        return "state";
    case breach::reentry:
        return "re-entry";
    case breach::id:
        return "id";
    case breach::type:
        return "type";
    case breach::pointer:
        return "pointer";
    case breach::done:
        return "done";
    case breach::undone:
        return "undone";
    case breach::answer:
        return "answer";
    case breach::exception:
        return "exception";
    }
    return "unknown";
}

// ---------------------------------------------------------------------------------------------- call_watch

call_watch::call_watch(log& journal, std::chrono::milliseconds patience)
    : journal_(journal), patience_(patience), control_(pthread_self()) {
    watcher_ = std::thread([this] { watch(); });
    pthread_setname_np(watcher_.native_handle(), "watchdog");
}

call_watch::~call_watch() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    ends_.notify_one();
    watcher_.join();
}

void call_watch::enter(frame& call) {
    call.begun = steady::now();
    // One reading of the processor time a millisecond is enough: only calls that last longer are judged by
    // it.
    if (innermost_ == nullptr && call.begun - reading_at_ > 1ms) {
        reading_at_ = call.begun;
        reading_ = thread_time();
    }
    call.outer = std::exchange(innermost_, &call);
    owner_.store(call.owner, std::memory_order_relaxed);
    function_.store(call.function, std::memory_order_relaxed);
    changes_.fetch_add(1, std::memory_order_release);
}

void call_watch::leave(frame& call) {
    innermost_ = call.outer;
    owner_.store(call.outer != nullptr ? call.outer->owner : nullptr, std::memory_order_relaxed);
    function_.store(call.outer != nullptr ? call.outer->function : nullptr, std::memory_order_relaxed);
    changes_.fetch_add(1, std::memory_order_release);
}

void call_watch::forget(const guarded& owner) {
    const std::lock_guard lock(mutex_);
    if (owner_.load() == &owner) {
        owner_.store(nullptr);
        function_.store(nullptr);
    }
}

steady::duration call_watch::processor_time(const frame& call, steady::duration passed) {
    const auto all = std::chrono::duration_cast<steady::duration>(thread_time() - reading_);
    return std::min(passed, all > call.in_host ? all - call.in_host : steady::duration::zero());
}

void call_watch::watch() {
    std::unique_lock lock(mutex_);
    std::uint64_t seen = 0;
    steady::time_point since = steady::now();
    steady::duration next = patience_;
    std::string stuck;
    while (!ends_.wait_for(lock, patience_ / 2, [&] { return ending_; })) {
        const std::uint64_t changes = changes_.load(std::memory_order_acquire);
        const char* const function = function_.load(std::memory_order_relaxed);
        const guarded* const owner = owner_.load(std::memory_order_relaxed);
        const steady::time_point now = steady::now();
        if (changes != seen || function == nullptr || owner == nullptr) {
            if (!stuck.empty()) {
                journal_.write(log_level::warning, {},
                               stuck + " has returned, after " + milliseconds(now - since));
                stuck.clear();
            }
            seen = changes;
            since = now;
            next = patience_;
            continue;
        }
        if (now - since >= next) {
            stuck = "the module's " + std::string(function) + " for instance \"" + owner->name() + "\"";
            journal_.write(
                log_level::error, owner->name(),
                stuck + " has not returned for " + milliseconds(now - since) +
                    "; the whole controller stands still until it does. This is a fault of the module");
            next *= 4;
        }
    }
}

// ------------------------------------------------------------------------------------------------- guarded

/// One call into the module: remembers which, measures it, and restores what was before.
class guarded::scope {
public:
    scope(guarded& owner, function which, const char* name) : owner_(owner), outer_(owner.inside_) {
        owner.inside_ = which;
        frame_.owner = &owner;
        frame_.function = name;
        owner.watch_.enter(frame_);
    }
    ~scope() {
        const steady::duration passed = steady::now() - frame_.begun - frame_.in_host;
        owner_.inside_ = outer_;
        owner_.watch_.leave(frame_);
        if (passed >= owner_.limits_.warned) {
            owner_.judge_time(frame_.function, owner_.watch_.processor_time(frame_, passed));
        }
    }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;

private:
    guarded& owner_;
    function outer_;
    call_watch::frame frame_;
};

guarded::guarded(const loaded_module& module, std::string name, module_listener& listener, log& journal,
                 call_watch& watch, guard_limits limits)
    : module_(module), name_(std::move(name)), listener_(listener), journal_(journal), watch_(watch),
      limits_(limits), status_places_(places(module.manifest.statuses)),
      trigger_places_(places(module.manifest.triggers)) {
    host_.data = this;
    host_.extension = host_extension;
    host_.log = host_log;
    host_.wake = host_wake;
    host_.status = host_status;
    host_.trigger = host_trigger;
    host_.done = host_done;
}

guarded::~guarded() {
    destroy("the host ends");
    watch_.forget(*this);
}

template <typename Call>
bool guarded::call(function which, const char* name, Call&& body) {
    try {
        const scope running(*this, which, name);
        body();
        return true;
    } catch (const std::exception& error) {
        breached(breach::exception, std::string("let an exception out of ") + name + ": " + error.what(),
                 false);
    } catch (...) {
        breached(breach::exception, std::string("let an exception out of ") + name, false);
    }
    return false;
}

/// What the host does while the module waits for it: not counted as the module's time, and nothing that goes
/// wrong in it passes through the module.
template <typename Body>
void guarded::in_host(const char* what, Body&& body) noexcept {
    call_watch::frame* const frame = watch_.innermost_;
    const steady::time_point begun = steady::now();
    try {
        body();
    } catch (const std::exception& error) {
        journal_.write(log_level::error, name_,
                       std::string("the host failed at ") + what + ": " + error.what());
    } catch (...) {
        journal_.write(log_level::error, name_, std::string("the host failed at ") + what);
    }
    if (frame != nullptr) {
        frame->in_host += steady::now() - begun;
    }
}

bool guarded::on_stack() const noexcept {
    return inside_ != function::none;
}

void guarded::judge_time(const char* name, steady::duration used) {
    if (used < limits_.warned) {
        return;
    }
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(used);
    ++counts_.slow_calls;
    counts_.longest = std::max(counts_.longest, microseconds);
    const bool very = used >= limits_.counted;
    if (very) {
        ++counts_.very_slow_calls;
    }
    const steady::time_point now = steady::now();
    // A module that is always slow must not fill the log as well.
    if (told_of_time_ == steady::time_point{} || now - told_of_time_ > 10s) {
        told_of_time_ = now;
        journal_.write(very ? log_level::warning : log_level::info, name_,
                       std::string("the module's ") + name + " took " + milliseconds(used) +
                           " of processor time, during which nothing else ran; " +
                           std::to_string(counts_.slow_calls) + " such calls so far, " +
                           std::to_string(counts_.very_slow_calls) + " of them beyond " +
                           milliseconds(limits_.counted));
    }
}

module_answer guarded::answer(std::uint32_t result, const iom_text& why, const char* what, bool may_restart) {
    if (result == IOM_OK) {
        return {};
    }
    if (result > IOM_FAILED || (result == IOM_RESTART && !may_restart)) {
        breached(breach::answer,
                 std::string("answered ") + what + " with " + std::to_string(result) +
                     ", which is no answer to it",
                 true);
        return {IOM_FAILED,
                std::string("The module gave an answer to ") + what + " that the contract does not know."};
    }
    if (result == IOM_RESTART) {
        return {IOM_RESTART, {}};
    }
    if (view(why).empty()) {
        breached(breach::answer, std::string("refused ") + what + " without a sentence", true);
        return {static_cast<iom_result>(result),
                std::string("The module refused ") + what + " and did not say why."};
    }
    return {static_cast<iom_result>(result), std::string(view(why))};
}

module_answer guarded::create() {
    if (now() != state::none) {
        return {IOM_STATE, "The instance exists already."};
    }
    std::uint32_t result = IOM_FAILED;
    iom_text why{nullptr, 0};
    iom_instance* made = nullptr;
    const bool returned = call(function::create, "create", [&] {
        result = module_.entry->create(&host_, module_.manifest.token, &made, &why);
    });
    if (!returned) {
        return {IOM_FAILED, "The module's create failed with an exception."};
    }
    module_answer said = answer(result, why, "create", false);
    if (said.ok() && made == nullptr) {
        breached(breach::pointer, "said that it had created an instance, but gave none", false);
        return {IOM_FAILED, "The module created no instance."};
    }
    if (said.ok()) {
        instance_ = made;
        state_.store(state::created);
    }
    return said;
}

module_answer guarded::set(std::span<const iom_value> settings) {
    const state before = now();
    if (before != state::created && before != state::running) {
        return {IOM_STATE, "Settings can be given only to an instance that is created or running."};
    }
    std::uint32_t result = IOM_FAILED;
    iom_text why{nullptr, 0};
    if (!call(function::set, "set", [&] {
            result = module_.entry->functions->set(instance_, settings.data(), settings.size(), &why);
        })) {
        return {IOM_FAILED, "The module's set failed with an exception."};
    }
    module_answer said = answer(result, why, "set", before == state::running);
    if (said.ok()) {
        was_set_ = true;
    }
    return said;
}

module_answer guarded::start() {
    if (now() != state::created || !was_set_) {
        return {IOM_STATE, "Only an instance that is created and has its settings can be started."};
    }
    std::uint32_t result = IOM_FAILED;
    iom_text why{nullptr, 0};
    if (!call(function::start, "start", [&] { result = module_.entry->functions->start(instance_, &why); })) {
        return {IOM_FAILED, "The module's start failed with an exception."};
    }
    module_answer said = answer(result, why, "start", false);
    if (said.ok()) {
        state_.store(state::running);
    }
    return said;
}

module_answer guarded::invoke(std::size_t action, std::span<const iom_value> arguments,
                              const call_origin& origin) {
    if (now() != state::running) {
        return {IOM_STATE,
                now() == state::stopping ? "The instance is stopping." : "The instance is not running."};
    }
    if (condemned_) {
        return {IOM_STATE, "The instance is in quarantine after a fault of its module."};
    }
    std::uint32_t at = 0;
    if (free_.empty()) {
        if (slots_.size() >= (std::size_t{1} << slot_bits)) {
            return {IOM_BUSY, "Too many calls of this instance are open."};
        }
        at = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
        free_.reserve(slots_.size());
    } else {
        at = free_.back();
        free_.pop_back();
    }
    const std::uint64_t number = (static_cast<std::uint64_t>(++slots_[at].generation) << slot_bits) | at;
    std::uint32_t result = IOM_FAILED;
    iom_text why{nullptr, 0};
    const bool returned = call(function::invoke, "invoke", [&] {
        result = module_.entry->functions->invoke(instance_, number, module_.manifest.actions[action].number,
                                                  arguments.data(), arguments.size(), &why);
    });
    if (returned && result == IOM_OK) {
        slots_[at].open = true;
        slots_[at].origin = origin;
        ++open_;
        return {};
    }
    free_.push_back(at);
    if (!returned) {
        return {IOM_FAILED, "The module's invoke failed with an exception."};
    }
    return answer(result, why, "invoke", false);
}

guarded::serviced guarded::service() {
    settle();
    const state before = now();
    if ((before != state::running && before != state::stopping) || condemned_) {
        return {};
    }
    std::uint32_t bits = 0;
    if (!call(function::service, "service", [&] { bits = module_.entry->functions->service(instance_); })) {
        return {};
    }
    if ((bits & ~(IOM_MORE | IOM_STOPPED)) != 0) {
        breached(breach::answer, "answered service with bits that the contract does not know", true);
    }
    serviced said{(bits & IOM_MORE) != 0, (bits & IOM_STOPPED) != 0};
    if (!said.stopped) {
        return said;
    }
    if (before != state::stopping) {
        breached(breach::state, "reported that it has stopped, but nobody asked it to", false);
        return {};
    }
    state_.store(state::created);
    if (open_ > 0) {
        breached(breach::undone, "has stopped, but left " + std::to_string(open_) + " calls open", true);
        finish_all("The module stopped without saying how this ended.");
    }
    return said;
}

void guarded::stop() {
    if (now() != state::running) {
        return;
    }
    state_.store(state::stopping);
    call(function::stop, "stop", [&] { module_.entry->functions->stop(instance_); });
}

void guarded::destroy(std::string_view reason) {
    const state before = now();
    if (before == state::none || before == state::ended || on_stack()) {
        return;
    }
    call(function::destroy, "destroy", [&] { module_.entry->functions->destroy(instance_); });
    state_.store(state::ended);
    instance_ = nullptr;
    finish_all("The instance was ended before this was done (" + std::string(reason) + ").");
}

void guarded::finish(call_slot& slot, iom_outcome outcome, std::string_view sentence) {
    const call_origin origin = slot.origin;
    slot.open = false;
    free_.push_back(static_cast<std::uint32_t>(&slot - slots_.data()));
    --open_;
    listener_.module_done(origin, outcome, sentence);
}

void guarded::finish_all(std::string_view sentence) {
    // What the listener does may invoke again, which is refused now, but could move the slots.
    for (std::size_t at = 0; at < slots_.size(); ++at) {
        if (slots_[at].open) {
            finish(slots_[at], IOM_GIVEN_UP, sentence);
        }
    }
}

void guarded::breached(breach what, const std::string& sentence, bool harmless) noexcept {
    ++counts_.breaches;
    counts_.last_breach = "The module " + sentence + " (" + std::string(to_string(what)) + ").";
    const bool condemns = !condemned_ && (!harmless || counts_.breaches > limits_.tolerated);
    if (counts_.breaches <= 20 || counts_.breaches % 1000 == 0 || condemns) {
        journal_.write(log_level::error, name_,
                       "the module broke the contract (" + std::string(to_string(what)) + "): it " +
                           sentence + "; " + std::to_string(counts_.breaches) + " breaches so far");
    }
    if (condemns) {
        condemned_ = true;
        listener_.module_condemned(counts_.last_breach);
    }
}

void guarded::settle() {
    if (!any_foreign_.exchange(false)) {
        return;
    }
    std::vector<std::pair<breach, std::string>> taken;
    {
        const std::lock_guard lock(foreign_mutex_);
        taken.swap(foreign_);
    }
    for (const auto& [what, sentence] : taken) {
        breached(what, sentence, false);
    }
}

// ---------------------------------------------------------------------- the host's functions for the module

guarded& guarded::self(const iom_host* host) noexcept {
    return *static_cast<guarded*>(host->data);
}

bool guarded::alive(const char* what) noexcept {
    const state current = now();
    if (current != state::ended) {
        return true;
    }
    if (late_calls_.fetch_add(1) >= 5) {
        return false;
    }
    journal_.write(log_level::error, name_,
                   std::string("the module broke the contract (state): it called ") + what +
                       " after its destroy had returned");
    return false;
}

bool guarded::on_control(const char* what) noexcept {
    if (watch_.is_control()) {
        return alive(what);
    }
    if (!alive(what)) {
        return false;
    }
    {
        const std::lock_guard lock(foreign_mutex_);
        if (foreign_.size() < most_foreign) {
            foreign_.emplace_back(breach::thread,
                                  std::string("called ") + what + " from a thread that is not [control]");
        }
    }
    any_foreign_.store(true);
    listener_.module_wakes();
    return false;
}

bool guarded::in_service(const char* what) noexcept {
    if (!on_control(what)) {
        return false;
    }
    if (condemned_) {
        return false; // what comes from it counts no more
    }
    const bool innermost = watch_.innermost_ != nullptr && watch_.innermost_->owner == this;
    if (inside_ == function::service && innermost) {
        return true;
    }
    breached(breach::reentry, std::string("called ") + what + " outside its service", false);
    return false;
}

bool guarded::fits(const iom_value& value, const manifest::field& field, const char* what) {
    if (!kind_fits(value.kind, field.type)) {
        breached(breach::type,
                 std::string("gave ") + what + " \"" + field.id + "\" a value of kind " +
                     std::string(kind_name(value.kind)) + ", which the manifest does not say",
                 true);
        return false;
    }
    if (dangles(value)) {
        breached(breach::pointer,
                 std::string("gave ") + what + " \"" + field.id + "\" a size without a place", true);
        return false;
    }
    if (field.type == manifest::type::choice && !field.choices.empty()) {
        const std::string_view chosen = view(value.as.text);
        const bool known = std::any_of(field.choices.begin(), field.choices.end(),
                                       [&](const manifest::choice& each) { return each.value == chosen; });
        if (!known) {
            breached(breach::type,
                     std::string("gave ") + what + " \"" + field.id + "\" the value \"" +
                         std::string(chosen.substr(0, 64)) + "\", which is none of its choices",
                     true);
            return false;
        }
    }
    return true;
}

const void* guarded::host_extension(const iom_host* /*host*/, const char* name) noexcept {
    static constexpr iom_match_host matches{match_test, match_capture};
    static constexpr iom_text_host texts{text_expand, text_begin_session};
    static constexpr iom_keep_host keeps{keep_bytes, kept_bytes};
    if (name == nullptr) {
        return nullptr;
    }
    if (std::strcmp(name, IOM_MATCH_EXTENSION) == 0) {
        return &matches;
    }
    if (std::strcmp(name, IOM_TEXT_EXTENSION) == 0) {
        return &texts;
    }
    if (std::strcmp(name, IOM_KEEP_EXTENSION) == 0) {
        return &keeps;
    }
    return nullptr;
}

void guarded::host_log(const iom_host* host, std::uint32_t level, iom_text line) noexcept {
    guarded& it = self(host);
    if (!it.alive("log")) {
        return;
    }
    const bool known = level >= IOM_LOG_ERROR && level <= IOM_LOG_FRAME;
    it.journal_.write_module(known ? static_cast<log_level>(level) : log_level::error, it.name_, view(line));
}

void guarded::host_wake(const iom_host* host) noexcept {
    guarded& it = self(host);
    if (it.alive("wake")) {
        it.listener_.module_wakes();
    }
}

void guarded::host_status(const iom_host* host, const iom_value* values, std::size_t count) noexcept {
    guarded& it = self(host);
    if (!it.in_service("status")) {
        return;
    }
    it.in_host("a status", [&] {
        if (values == nullptr && count > 0) {
            it.breached(breach::pointer, "gave statuses without a place", true);
            return;
        }
        // Good ones pass, up to the first that does not; then the rest one by one.
        std::size_t first = 0;
        for (std::size_t at = 0; at < count; ++at) {
            const std::uint32_t found = place(it.status_places_, values[at].id);
            bool good = found != no_place;
            if (!good) {
                it.breached(breach::id,
                            "gave status " + std::to_string(values[at].id) +
                                ", which its manifest does not have",
                            true);
            } else {
                good = it.fits(values[at], it.module_.manifest.statuses[found], "the status");
            }
            if (!good) {
                if (at > first) {
                    it.listener_.module_status({values + first, at - first});
                }
                first = at + 1;
            }
        }
        if (count > first) {
            it.listener_.module_status({values + first, count - first});
        }
    });
}

void guarded::host_trigger(const iom_host* host, std::uint32_t trigger, const iom_value* variables,
                           std::size_t count) noexcept {
    guarded& it = self(host);
    if (!it.in_service("trigger")) {
        return;
    }
    it.in_host("a trigger", [&] {
        const std::uint32_t found = place(it.trigger_places_, trigger);
        if (found == no_place) {
            it.breached(breach::id,
                        "fired trigger " + std::to_string(trigger) + ", which its manifest does not have",
                        true);
            return;
        }
        const manifest::trigger& described = it.module_.manifest.triggers[found];
        if (count != described.variables.size() || (variables == nullptr && count > 0)) {
            it.breached(breach::type,
                        "fired \"" + described.id + "\" with " + std::to_string(count) +
                            " variables instead of " + std::to_string(described.variables.size()),
                        true);
            return;
        }
        for (std::size_t at = 0; at < count; ++at) {
            if (variables[at].id != described.variables[at].number) {
                it.breached(breach::id,
                            "fired \"" + described.id + "\" with variable " +
                                std::to_string(variables[at].id) + " where the manifest has \"" +
                                described.variables[at].id + "\"",
                            true);
                return;
            }
            if (!it.fits(variables[at], described.variables[at], "the variable")) {
                return;
            }
        }
        it.listener_.module_triggers(found, {variables, count});
    });
}

void guarded::host_done(const iom_host* host, std::uint64_t number, std::uint32_t outcome,
                        iom_text sentence) noexcept {
    guarded& it = self(host);
    if (!it.in_service("done")) {
        return;
    }
    it.in_host("the end of a call", [&] {
        const std::size_t at = number & ((std::uint64_t{1} << slot_bits) - 1);
        const auto generation = static_cast<std::uint32_t>(number >> slot_bits);
        const bool known = at < it.slots_.size() && generation != 0 && generation <= it.slots_[at].generation;
        if (!known || generation != it.slots_[at].generation || !it.slots_[at].open) {
            it.breached(breach::done,
                        known ? std::string("ended a call a second time")
                              : std::string("ended a call that was never made"),
                        false);
            return;
        }
        if (outcome > IOM_TIMED_OUT) {
            it.breached(breach::answer,
                        "ended a call with outcome " + std::to_string(outcome) + ", which there is not",
                        true);
            outcome = IOM_GIVEN_UP;
        }
        std::string_view said = view(sentence);
        if (outcome != IOM_DONE && said.empty()) {
            it.breached(breach::answer, "gave up a call without a sentence", true);
            said = "The module did not say why.";
        }
        it.finish(it.slots_[at], static_cast<iom_outcome>(outcome), said);
    });
}

std::uint32_t guarded::test(std::uint32_t match, const iom_value* message, bool capture) noexcept {
    bool holds = false;
    if (!on_control("iom.match/1")) {
        return 0;
    }
    in_host("a match", [&] {
        if (message == nullptr || dangles(*message)) {
            breached(breach::pointer, "had a match test a message without a place", true);
            return;
        }
        if (message->kind != IOM_TEXT && message->kind != IOM_BYTES) {
            breached(breach::type, "had a match test what is neither text nor bytes", true);
            return;
        }
        if (!listener_.module_tests(match, *message, capture, holds)) {
            holds = false;
            breached(breach::id, "asked for match " + std::to_string(match) + ", which it was never given",
                     true);
        }
    });
    return holds ? 1 : 0;
}

std::uint32_t guarded::match_test(const iom_host* host, std::uint32_t match,
                                  const iom_value* message) noexcept {
    return self(host).test(match, message, false);
}

std::uint32_t guarded::match_capture(const iom_host* host, std::uint32_t match,
                                     const iom_value* message) noexcept {
    return self(host).test(match, message, true);
}

std::uint32_t guarded::text_expand(const iom_host* host, iom_text written, iom_text* expanded) noexcept {
    guarded& it = self(host);
    static constexpr std::string_view wrong = "The module asked for it in a way that the contract forbids.";
    iom_text given{wrong.data(), wrong.size()};
    bool good = false;
    if (it.on_control("iom.text/1")) {
        it.in_host("an expansion", [&] {
            if (expanded == nullptr || (written.data == nullptr && written.size > 0)) {
                it.breached(breach::pointer, "asked for an expansion without a place", true);
                return;
            }
            std::string_view found;
            good = it.listener_.module_expands(view(written), found);
            given = {found.data(), found.size()};
        });
    }
    if (expanded != nullptr) {
        *expanded = given;
    }
    return good ? IOM_OK : IOM_FAILED;
}

void guarded::text_begin_session(const iom_host* host) noexcept {
    guarded& it = self(host);
    if (it.on_control("iom.text/1")) {
        it.in_host("the begin of a session", [&] { it.listener_.module_begins_session(); });
    }
}

std::uint32_t guarded::keep_bytes(const iom_host* host, iom_bytes what) noexcept {
    guarded& it = self(host);
    std::uint32_t result = IOM_FAILED;
    if (!it.on_control("iom.keep/1")) {
        return result;
    }
    it.in_host("what is kept", [&] {
        if (what.data == nullptr && what.size > 0) {
            it.breached(breach::pointer, "gave something to keep without a place", true);
            return;
        }
        const bool kept = it.listener_.module_keeps(
            what.size == 0
                ? std::string_view()
                : std::string_view(static_cast<const char*>(static_cast<const void*>(what.data)), what.size));
        result = kept ? IOM_OK : IOM_ARGUMENT;
    });
    return result;
}

iom_bytes guarded::kept_bytes(const iom_host* host) noexcept {
    guarded& it = self(host);
    iom_bytes given{nullptr, 0};
    if (it.on_control("iom.keep/1")) {
        it.in_host("what is kept", [&] {
            const std::string_view kept = it.listener_.module_kept();
            given = {static_cast<const std::uint8_t*>(static_cast<const void*>(kept.data())), kept.size()};
        });
    }
    return given;
}

} // namespace iom::host
