#include "trace.hpp"

#include "host_manifest.hpp"
#include "rule_trial.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ranges>

namespace iom::host {
namespace {

constexpr std::size_t most_chapters = 256;

/// Where the record of that number lies: the newest overwrites the oldest.
constexpr std::size_t place_of(std::uint64_t number) {
    return static_cast<std::size_t>(number % trace::capacity);
}

std::string seconds(time_us time) {
    std::array<char, 32> text{};
    const int size = std::snprintf(text.data(), text.size(), "%.3g s",
                                   static_cast<double>(time) / static_cast<double>(one_second));
    return {text.data(), static_cast<std::size_t>(size)};
}

} // namespace

template <std::size_t Size>
void trace::short_text<Size>::assign(std::string_view from) {
    std::size_t length = std::min(from.size(), Size);
    // Not in the middle of a character.
    while (length < from.size() && length > 0 &&
           (static_cast<unsigned char>(from[length]) & 0xC0U) == 0x80U) {
        --length;
    }
    if (length > 0) {
        std::memcpy(bytes.data(), from.data(), length);
    }
    size = static_cast<std::uint16_t>(length);
    cut = length < from.size();
}

trace::trace(log& journal, bool aloud) : journal_(journal), aloud_(aloud), records_(capacity) {
    open_.reserve(rule_engine::max_depth + 2);
}

void trace::use(std::shared_ptr<const project> current) {
    const std::uint64_t oldest = records_[place_of(last_ + 1)].number != 0
                                     ? records_[place_of(last_ + 1)].generation
                                     : 0; // still with room for more
    while (!chapters_.empty() &&
           (chapters_.front().generation < oldest || chapters_.size() >= most_chapters)) {
        chapters_.pop_front();
    }
    chapter next;
    next.generation = ++generation_;
    for (const rule& each : current->rules.rules) {
        chapter::told_rule told{each.name, {}, {}};
        for (const act& one : each.acts) {
            told.acts.push_back(one.written);
        }
        for (const condition& one : each.conditions) {
            told.conditions.push_back(one.written);
        }
        const std::size_t place = next.rules.size();
        const bool same = !chapters_.empty() && place < chapters_.back().rules.size() &&
                          *chapters_.back().rules[place] == told;
        next.rules.push_back(same ? chapters_.back().rules[place]
                                  : std::make_shared<const chapter::told_rule>(std::move(told)));
    }
    for (const instance_plan& each : current->instances) {
        next.instances.push_back({each.name, current->modules[each.module]});
    }
    if (!chapters_.empty()) {
        chapters_.back().whole.reset();
    }
    next.whole = std::move(current);
    chapters_.push_back(std::move(next));
}

trace::record* trace::find(std::uint64_t number) {
    record& at = records_[place_of(number)];
    return number != 0 && at.number == number ? &at : nullptr;
}

void trace::begin(cause why, const event& what, std::uint32_t by, std::uint32_t /*depth*/, time_us now) {
    const std::uint64_t number = ++last_;
    record& to = records_[place_of(number)];
    to.number = number;
    to.generation = generation_;
    to.time = now;
    to.why = why;
    to.instance = what.instance;
    to.trigger = what.trigger;
    to.by = by;
    to.listeners = 0;
    to.stopped_by = no_rule;
    to.omitted = 0;
    to.size = 0;
    to.sentence.assign({});
    to.message.assign({});
    to.binary = false;
    to.has_message = false;
    to.failed = no_rule;
    keep(to, what.variables);
    if (!what.variables.empty()) {
        const value_view& first = what.variables.front();
        if (first.kind == value_kind::text || first.kind == value_kind::bytes) {
            to.has_message = true;
            to.binary = first.kind == value_kind::bytes;
            to.message.assign(first.text);
        }
    }
    open_.push_back(number);
}

void trace::add(const entry& what) {
    record* const to = find(current());
    if (to == nullptr) {
        return;
    }
    if (to->size < most_entries) {
        to->entries[to->size++] = what;
    } else {
        ++to->omitted;
    }
}

void trace::looked(std::uint32_t rule, verdict said, std::uint32_t detail) {
    add({deed::looked, said, rule, detail, 0});
}

void trace::acted(std::uint32_t rule, std::uint32_t act, bool accepted, time_us delay,
                  std::string_view sentence) {
    const deed what = !accepted               ? deed::refused
                      : delay > 0             ? deed::put_off
                      : is_at_once(rule, act) ? deed::done
                                              : deed::begun;
    add({what, verdict::never, rule, act, delay});
    if (accepted) {
        return;
    }
    if (record* const to = find(current())) {
        to->sentence.assign(journal_.secrets().redact(sentence)); // before it is cut
        to->failed = to->size > 0 ? to->size - 1 : no_rule;
    }
    const chapter* const in = chapter_of(generation_);
    journal_.write_rule(ending_ ? log_level::debug : log_level::error,
                        in != nullptr ? in->rules[rule]->name : std::string(),
                        act_name(in, rule, act) + " was refused: " + std::string(sentence));
}

/// The host's own actions are over when they return.
bool trace::is_at_once(std::uint32_t rule, std::uint32_t act) const {
    const chapter* const in = chapter_of(generation_);
    if (in == nullptr) {
        return false;
    }
    const host::act& one = in->whole->rules.rules[rule].acts[act];
    // Of the host's own only host/http takes its time.
    return one.instance == host_instance && !one.targets.empty() && one.targets.front().what != nullptr &&
           one.targets.front().what->number != host_action::http;
}

void trace::end(std::uint32_t listeners, std::uint32_t stopped_by) {
    record* const to = find(current());
    if (!open_.empty()) {
        open_.pop_back();
    }
    if (to == nullptr) {
        return;
    }
    to->listeners = listeners;
    to->stopped_by = stopped_by;
    to->change = ++changes_;
    if (aloud_) {
        journal_.write(log_level::info, {}, "trace: " + describe(*to));
    }
}

void trace::complain(std::uint32_t rule, std::string_view sentence) {
    const chapter* const in = chapter_of(generation_);
    const bool known = in != nullptr && rule < in->rules.size();
    journal_.write_rule(log_level::error, known ? in->rules[rule]->name : std::string(), sentence);
}

void trace::finished(const call_origin& origin, iom_outcome outcome, std::string_view sentence) {
    record* const to = find(origin.event);
    if (to == nullptr) {
        return;
    }
    const deed what = outcome == IOM_DONE       ? deed::done
                      : outcome == IOM_GIVEN_UP ? deed::given_up
                                                : deed::timed_out;
    for (std::uint32_t at = 0; at < to->size; ++at) {
        entry& each = to->entries[at];
        if (each.what == deed::begun && each.rule == origin.rule && each.detail == origin.action) {
            each.what = what;
            if (outcome != IOM_DONE) {
                to->failed = at;
            }
            break;
        }
    }
    to->change = ++changes_;
    if (outcome != IOM_DONE) {
        to->sentence.assign(journal_.secrets().redact(sentence)); // before it is cut
    }
    if (aloud_) {
        const chapter* const in = chapter_of(to->generation);
        journal_.write(log_level::info, {},
                       "trace: event " + std::to_string(to->number) + ": " +
                           act_name(in, origin.rule, origin.action) +
                           (outcome == IOM_DONE       ? " is done"
                            : outcome == IOM_GIVEN_UP ? " was given up: "
                                                      : " timed out: ") +
                           std::string(sentence));
    }
}

const trace::chapter* trace::chapter_of(std::uint64_t generation) const {
    const auto found = std::ranges::lower_bound(chapters_, generation, {}, &chapter::generation);
    return found != chapters_.end() && found->generation == generation ? &*found : nullptr;
}

std::string trace::rule_name(const chapter* in, std::uint32_t rule) {
    return in != nullptr && rule < in->rules.size() ? in_quotes(in->rules[rule]->name)
                                                    : "number " + std::to_string(rule + 1);
}

std::string trace::act_name(const chapter* in, std::uint32_t rule, std::uint32_t act) {
    if (in != nullptr && rule < in->rules.size() && act < in->rules[rule]->acts.size()) {
        return in->rules[rule]->acts[act];
    }
    return "action " + std::to_string(act + 1);
}

std::string trace::trigger_name(const chapter* in, std::uint32_t instance, std::uint32_t trigger) {
    const manifest::module_manifest* described = nullptr;
    std::string name;
    if (instance == host_instance) {
        described = &host_manifest();
        name = "host";
    } else if (in != nullptr && instance < in->instances.size()) {
        described = in->instances[instance].module.get();
        name = in->instances[instance].name;
    }
    if (described != nullptr) {
        for (const manifest::trigger& each : described->triggers) {
            if (each.number == trigger) {
                return name + '/' + each.id;
            }
        }
    }
    return "trigger " + std::to_string(trigger);
}

/// `of`: the event, if it is still known.
std::string trace::explain(const chapter* in, std::uint32_t rule, verdict said, std::uint32_t detail,
                           const record* of) {
    switch (said) {
    case verdict::never:
        return "was not looked at yet";
    case verdict::fired:
        return "fired";
    case verdict::waiting:
        return "waits until it has been quiet for long enough (debounce)";
    case verdict::disabled:
        return "is not enabled";
    case verdict::no_match:
        if (in != nullptr && in->whole != nullptr && of != nullptr && of->whole && rule < in->rules.size()) {
            const std::vector<value> kept = kept_in(*of);
            std::vector<value_view> variables;
            for (const value& each : kept) {
                variables.push_back(each.view());
            }
            const std::string why =
                why_no_match(in->whole->rules, rule, {of->instance, of->trigger, variables});
            return "its match did not hold" + (why.empty() ? why : ": " + why);
        }
        return "its match did not hold";
    case verdict::condition:
        if (in != nullptr && rule < in->rules.size() && detail < in->rules[rule]->conditions.size()) {
            return "its condition did not hold: " + in->rules[rule]->conditions[detail];
        }
        return "condition " + std::to_string(detail + 1) + " did not hold";
    case verdict::unchanged:
        return "the captured value was the same as before (on-change)";
    case verdict::too_often:
        return "came more often than it may (at-most)";
    case verdict::stopped:
        return "was not reached, because rule " + rule_name(in, detail) + " ended the walk";
    case verdict::too_deep:
        return "too many rules had fired each other before it";
    case verdict::unsupplied:
        return "a condition needs a value that could not be supplied";
    }
    return "said what has no name";
}

std::string trace::describe(const record& of) const {
    const chapter* const in = chapter_of(of.generation);
    std::string out = "event " + std::to_string(of.number) + ": " + trigger_name(in, of.instance, of.trigger);
    switch (of.why) {
    case cause::trigger:
        break;
    case cause::rule:
        out += ", by rule " + rule_name(in, of.by);
        break;
    case cause::hand:
        out += ", by hand";
        break;
    case cause::debounce:
        out += ", after a quiet time";
        break;
    }
    if (of.has_message) {
        std::string shown;
        if (of.binary) {
            append_hex(of.message.view(), shown);
        } else {
            shown = of.message.view();
        }
        if (of.message.cut) {
            shown = journal_.secrets().redact_cut(shown);
        }
        out += ' ' + in_quotes(shown) + (of.message.cut ? " (cut)" : "");
    }
    out += ": " + std::to_string(of.listeners) + (of.listeners == 1 ? " rule listens" : " rules listen");
    for (std::uint32_t at = 0; at < of.size; ++at) {
        const entry& each = of.entries[at];
        if (each.what == deed::looked) {
            out += "; rule " + rule_name(in, each.rule) + ": " +
                   explain(in, each.rule, each.said, each.detail, &of);
            continue;
        }
        out += ", " + act_name(in, each.rule, each.detail);
        switch (each.what) {
        case deed::refused:
            out += " refused";
            break;
        case deed::put_off:
            out += " in " + seconds(each.delay);
            break;
        case deed::begun:
            out += " begun";
            break;
        case deed::done:
            out += " done";
            break;
        case deed::given_up:
            out += " given up";
            break;
        case deed::timed_out:
            out += " timed out";
            break;
        case deed::looked:
            break;
        }
    }
    if (of.omitted > 0) {
        out += "; and " + std::to_string(of.omitted) + " more";
    }
    if (of.stopped_by != no_rule) {
        out += "; rule " + rule_name(in, of.stopped_by) + " ended the walk";
    }
    if (of.sentence.size > 0) {
        out += "; " + std::string(of.sentence.view());
    }
    return out;
}

std::vector<std::string> trace::in_words(std::size_t most, time_us now) const {
    std::vector<std::string> lines;
    const std::uint64_t count = std::min<std::uint64_t>({most, last_, capacity});
    for (std::uint64_t number = last_ - count + 1; number <= last_; ++number) {
        const record& each = records_[place_of(number)];
        if (each.number == number) {
            const auto ago = std::chrono::microseconds(now - each.time);
            lines.push_back(format_time(std::chrono::system_clock::now() - ago) + ' ' + describe(each));
        }
    }
    return lines;
}

std::string trace::in_words(std::uint32_t rule, const rule_report& report, time_us now) const {
    const chapter* const in = chapter_of(generation_);
    std::string out = "rule " + rule_name(in, rule) + ": fired " + std::to_string(report.fired) +
                      (report.fired == 1 ? " time" : " times");
    if (!report.enabled) {
        out += "; it is not enabled";
    }
    out += report.last_looked ? "; last looked at " + seconds(now - *report.last_looked) + " ago"
                              : std::string("; never looked at");
    if (report.last_fired) {
        out += "; last fired " + seconds(now - *report.last_fired) + " ago";
    }
    if (report.last_no) {
        out += "; last said no " + seconds(now - *report.last_no) +
               " ago: " + in_words(rule, report.last_no_said, report.last_no_detail, *report.last_no);
    }
    return out;
}

// ---- for people, and to try an event again

/// Kind, size and bytes of each, until there is no more room.
void trace::keep(record& to, std::span<const value_view> variables) {
    to.kept_size = 0;
    to.whole = true;
    for (const value_view& each : variables) {
        const bool texts = each.kind == value_kind::text || each.kind == value_kind::bytes;
        std::string_view bytes = each.text;
        if (!texts) {
            bytes = {reinterpret_cast<const char*>(&each.integer), sizeof each.integer};
        }
        constexpr std::size_t head = 3;
        const std::size_t room = most_kept - to.kept_size;
        if (room < head || (!texts && room < head + bytes.size())) {
            to.whole = false;
            return;
        }
        if (bytes.size() > room - head) {
            bytes = bytes.substr(0, room - head);
            while (each.kind == value_kind::text && !bytes.empty() &&
                   (static_cast<unsigned char>(each.text[bytes.size()]) & 0xC0U) == 0x80U) {
                bytes.remove_suffix(1);
            }
            to.whole = false;
        }
        char* at = to.kept.data() + to.kept_size;
        *at++ = static_cast<char>(each.kind);
        *at++ = static_cast<char>(bytes.size() & 0xFFU);
        *at++ = static_cast<char>(bytes.size() >> 8U);
        if (!bytes.empty()) {
            std::memcpy(at, bytes.data(), bytes.size());
        }
        to.kept_size = static_cast<std::uint16_t>(to.kept_size + head + bytes.size());
    }
}

std::vector<value> trace::kept_in(const record& from) {
    std::vector<value> found;
    for (std::size_t at = 0; at + 3 <= from.kept_size;) {
        const char* const bytes = from.kept.data() + at;
        const std::size_t size = static_cast<unsigned char>(bytes[1]) |
                                 static_cast<std::size_t>(static_cast<unsigned char>(bytes[2])) << 8U;
        value_view one;
        one.kind = static_cast<value_kind>(bytes[0]);
        if (one.kind == value_kind::text || one.kind == value_kind::bytes) {
            one.text = {bytes + 3, size};
        } else {
            std::memcpy(&one.integer, bytes + 3, sizeof one.integer);
        }
        found.emplace_back(one);
        at += 3 + size;
    }
    return found;
}

std::vector<std::uint64_t> trace::changed_since(std::uint64_t change) const {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
    for (const record& each : records_) {
        if (each.number != 0 && each.change > change) {
            found.emplace_back(each.change, each.number);
        }
    }
    std::sort(found.begin(), found.end());
    std::vector<std::uint64_t> numbers;
    numbers.reserve(found.size());
    for (const auto& [when, number] : found) {
        numbers.push_back(number);
    }
    return numbers;
}

std::string trace::in_words(std::uint32_t rule, verdict said, std::uint32_t detail, time_us at) const {
    const chapter* const in = chapter_of(generation_);
    std::string sentence = explain(in, rule, said, detail, nullptr);
    if (said != verdict::no_match) {
        return sentence;
    }
    // Several events may have come at one time; what the rule did not listen to explains nothing.
    const std::uint64_t oldest = last_ - std::min<std::uint64_t>(last_, capacity) + 1;
    const auto numbers = std::views::iota(oldest, last_ + 1);
    const auto by_time = [this](std::uint64_t number) { return records_[place_of(number)].time; };
    for (const std::uint64_t number :
         std::ranges::equal_range(numbers, at, {}, by_time) | std::views::take(16)) {
        const record& each = records_[place_of(number)];
        if (each.generation == generation_) {
            std::string more = explain(in, rule, said, detail, &each);
            sentence = more.size() > sentence.size() ? std::move(more) : sentence;
        }
    }
    return sentence;
}

std::optional<trace_event> trace::tell(std::uint64_t number) const {
    const record& of = records_[place_of(number)];
    if (number == 0 || of.number != number) {
        return std::nullopt;
    }
    static constexpr std::string_view states[] = {"",     "refused",  "put-off",  "begun",
                                                  "done", "given-up", "timed-out"};
    const chapter* const in = chapter_of(of.generation);
    trace_event made;
    made.number = number;
    made.change = of.change;
    made.time = of.time;
    made.why = of.why;
    made.instance = of.instance;
    made.trigger_number = of.trigger;
    made.trigger = trigger_name(in, of.instance, of.trigger);
    made.by = of.by == no_rule || in == nullptr ? std::string() : in->rules[of.by]->name;
    made.whole = of.whole;
    made.listeners = of.listeners;
    made.omitted = of.omitted;
    if (of.stopped_by != no_rule && in != nullptr) {
        made.stopped_by = in->rules[of.stopped_by]->name;
    }
    const manifest::trigger* described = nullptr;
    if (of.instance == host_instance || (in != nullptr && of.instance < in->instances.size())) {
        const manifest::module_manifest& module =
            of.instance == host_instance ? host_manifest() : *in->instances[of.instance].module;
        for (const manifest::trigger& each : module.triggers) {
            described = each.number == of.trigger ? &each : described;
        }
    }
    std::vector<value> values = kept_in(of);
    for (std::size_t at = 0; at < values.size(); ++at) {
        const bool named = described != nullptr && at < described->variables.size();
        made.variables.emplace_back(named ? described->variables[at].id : std::to_string(at + 1),
                                    std::move(values[at]));
    }
    for (std::uint32_t at = 0; at < of.size; ++at) {
        const entry& each = of.entries[at];
        if (each.what == deed::looked) {
            trace_event::look look;
            look.rule = in != nullptr && each.rule < in->rules.size() ? in->rules[each.rule]->name
                                                                      : std::to_string(each.rule + 1);
            look.said = each.said;
            look.sentence = explain(in, each.rule, each.said, each.detail, &of);
            made.looks.push_back(std::move(look));
            continue;
        }
        if (made.looks.empty()) {
            continue; // of a look that was not kept
        }
        trace_event::act act;
        act.action = act_name(in, each.rule, each.detail);
        act.state = states[static_cast<std::size_t>(each.what)];
        act.delay = each.delay;
        if (of.failed == at) {
            act.sentence = of.sentence.view();
        }
        made.looks.back().acts.push_back(std::move(act));
    }
    return made;
}

} // namespace iom::host
