#include "web/channel.hpp"

#include "web/json_text.hpp"
#include "web/shown.hpp"

#include <algorithm>

namespace iom::host::web {
namespace {

constexpr std::int64_t stream_pace = 100; ///< milliseconds
/// So long is nothing said, at most: a page that hears nothing for 10 s takes the host for gone.
constexpr std::int64_t longest_silence = 3000;
constexpr std::size_t first_lines = 500;
constexpr std::size_t first_frames = 200;
constexpr std::size_t first_events = 100;
constexpr std::size_t most_waiting = 32;

bool is_stream(std::string_view topic) {
    return topic == "log" || topic == "frames" || topic == "trace";
}

std::int64_t pace_of(std::string_view topic) {
    return topic == "instance" ? 100 : topic == "system" ? 1000 : 250;
}

/// Members that changed; null for one that went.
json difference(const json& before, const json& now) {
    json made = json::object();
    for (const auto& [name, value] : now.items()) {
        const auto known = before.find(name);
        if (known == before.end() || *known != value) {
            made[name] = value;
        }
    }
    for (const auto& [name, value] : before.items()) {
        if (!now.contains(name)) {
            made[name] = nullptr;
        }
    }
    return made;
}

json modules_change(const json& before, const json& now) {
    json made = json::object();
    for (const char* const part : {"order", "modules"}) {
        if (before.at(part) != now.at(part)) {
            made[part] = now.at(part);
        }
    }
    json instances = json::object();
    for (const auto& [name, summary] : now.at("instances").items()) {
        const auto known = before.at("instances").find(name);
        if (known == before.at("instances").end()) {
            instances[name] = summary;
            continue;
        }
        json changed = difference(*known, summary);
        if (!changed.empty()) {
            changed["name"] = name;
            instances[name] = std::move(changed);
        }
    }
    if (!instances.empty()) {
        made["instances"] = std::move(instances);
    }
    return made;
}

json instance_change(const json& before, const json& now) {
    if (before.is_null() || now.is_null()) {
        return before == now ? json::object() : json{{"instance", now}};
    }
    const bool same_frame = before.at("settings") == now.at("settings") &&
                            before.at("usedBy") == now.at("usedBy") &&
                            before.at("warnings") == now.at("warnings") &&
                            before.at("summary").at("revision") == now.at("summary").at("revision");
    if (!same_frame) {
        return {{"instance", now}};
    }
    const json changed = difference(before.at("statuses"), now.at("statuses"));
    return changed.empty() ? json::object() : json{{"statuses", changed}};
}

json rules_change(const json& before, const json& now) {
    const auto frame = [](const json& of) {
        json made = {of.at("revision")};
        for (const json& each : of.at("rules")) {
            made.push_back(
                {each.at("revision"), each.at("byHand"), each.at("enabled"), each.value("warnings", json())});
        }
        for (const json& each : of.at("variables")) {
            made.push_back({each.at("name"), each.at("type"), each.at("initial"), each.at("usedBy")});
        }
        return made;
    };
    if (frame(before) != frame(now)) {
        return {{"rules", now}};
    }
    json made = json::object();
    for (std::size_t at = 0; at < now.at("rules").size(); ++at) {
        const json& rule = now.at("rules").at(at);
        if (rule.at("report") != before.at("rules").at(at).at("report")) {
            made["reports"][rule.at("name").get<std::string>()] = rule.at("report");
        }
    }
    for (std::size_t at = 0; at < now.at("variables").size(); ++at) {
        const json& one = now.at("variables").at(at);
        if (one != before.at("variables").at(at)) {
            made["variables"][one.at("name").get<std::string>()] = {{"value", one.at("value")},
                                                                    {"at", one.at("at")}};
        }
    }
    return made;
}

} // namespace

channel::channel(web::body& host, visitor who, std::function<void()> write)
    : host_(host), who_(std::move(who)), write_(std::move(write)), spoken_(steady_ms()),
      allowed_at_(spoken_) {
    json rights = json::array();
    for (const right each : {right::read, right::operate, right::configure}) {
        if (who_.may >= each) {
            rights.push_back(to_word(each));
        }
    }
    say({{"type", "hello"},
         {"boot", host_.boot_},
         {"page", host_.page_},
         {"now", wall_now()},
         {"version", host_.options_.version},
         {"rights", std::move(rights)}});
    host_.channels_.insert(this);
}

channel::~channel() {
    *alive_ = false;
    while (!all_.empty()) {
        drop(all_.begin()->first);
    }
    host_.channels_.erase(this);
}

void channel::say(json what) {
    if (waiting_.size() < most_waiting) {
        waiting_.push_back(std::move(what));
        write_();
    }
}

void channel::complain(std::optional<std::int64_t> id, const char* error, const char* sentence) {
    json made = {{"type", "error"}, {"error", error}, {"sentence", sentence}};
    if (id) {
        made["id"] = *id;
    }
    say(std::move(made));
}

void channel::end(std::uint16_t code, std::string_view reason, std::string_view sentence) {
    if (code_ != 0) {
        return;
    }
    waiting_.clear();
    code_ = code;
    say({{"type", "bye"}, {"reason", reason}, {"sentence", sentence}});
}

/// What a page says costs the host work, so each has so much of it and no more.
bool channel::says_too_much() {
    const std::int64_t now = steady_ms();
    allowance_ = std::min(most_at_once * 1000, allowance_ + (now - allowed_at_) * most_a_second);
    allowed_at_ = now;
    if (allowance_ < 1000) {
        return true;
    }
    allowance_ -= 1000;
    return false;
}

bool channel::heard(std::string_view text) {
    if (code_ != 0) {
        return true; // the end is said, and what came in the meantime too late
    }
    if (says_too_much()) {
        end(4429, "too-fast",
            "This page said more than " + std::to_string(most_at_once) + " messages at once, or more than " +
                std::to_string(most_a_second) + " in a second. Open the channel again and say less.");
        return true;
    }
    const json what = parse_json(text);
    std::optional<std::int64_t> id;
    if (what.is_object() && what.contains("id") && what["id"].is_number_integer()) {
        id = what["id"].get<std::int64_t>();
    }
    const bool typed = what.is_object() && what.contains("type") && what["type"].is_string();
    if (typed && id && what["type"] == "unsubscribe") {
        drop(*id);
        return true;
    }
    const bool good = typed && id && *id >= 1 && what["type"] == "subscribe" && what.contains("topic") &&
                      what["topic"].is_string() && (!what.contains("filter") || what["filter"].is_object());
    bool filter_good = good;
    if (good && what.contains("filter")) {
        static constexpr std::string_view known[] = {"instance", "rule", "level", "search", "way"};
        for (const auto& [name, value] : what["filter"].items()) {
            filter_good = filter_good && value.is_string() &&
                          value.get_ref<const std::string&>().size() <= 1024 &&
                          std::find(std::begin(known), std::end(known), name) != std::end(known);
        }
    }
    static constexpr std::string_view topics[] = {"modules", "instance", "rules", "log",
                                                  "frames",  "trace",    "system"};
    if (!filter_good || std::find(std::begin(topics), std::end(topics),
                                  what["topic"].get_ref<const std::string&>()) == std::end(topics)) {
        complain(id, "bad-request", "This is no message that the host knows.");
        return ++nonsense_ < most_nonsense;
    }
    subscribe(what);
    return true;
}

void channel::subscribe(const json& from) {
    const std::int64_t id = from.at("id").get<std::int64_t>();
    if (!all_.contains(id) && all_.size() >= most_subscriptions) {
        complain(id, "too-many", "This channel has sixteen subscriptions already.");
        return;
    }
    if (!host_.still_may(who_, right::read)) {
        complain(id, "forbidden", "This takes the right read.");
        return;
    }
    drop(id);
    subscription& one = all_[id];
    one.id = id;
    one.topic = from.at("topic").get<std::string>();
    one.filter = from.value("filter", json::object());
    one.token = ++tokens_;
    if (one.topic == "trace") {
        fetch_next(steady_ms());
    } else if (!is_stream(one.topic)) {
        one.from = host_.subscribe(*this, one.topic,
                                   one.topic == "instance" ? one.filter.value("instance", std::string())
                                                           : std::string());
    }
    host_.pump();
    write_();
}

void channel::drop(std::int64_t id) {
    const auto found = all_.find(id);
    if (found == all_.end()) {
        return;
    }
    feed* const from = found->second.from;
    all_.erase(found);
    const bool others =
        std::any_of(all_.begin(), all_.end(), [&](const auto& each) { return each.second.from == from; });
    if (from != nullptr && !others) {
        host_.unsubscribe(*this, from);
    }
}

bool channel::listens_to_trace() const {
    return std::any_of(all_.begin(), all_.end(),
                       [](const auto& each) { return each.second.topic == "trace"; });
}

void channel::news_of_trace() noexcept {
    for (auto& [id, one] : all_) {
        one.stale = true;
    }
}

bool channel::wants_events(const subscription& one) const {
    return one.topic == "trace" && one.stale && !fetching_ && !one.ready;
}

/// In turn, from the one behind who was asked for last.
void channel::fetch_next(std::int64_t now) {
    auto at = all_.upper_bound(fetched_);
    for (std::size_t tried = 0; tried < all_.size(); ++tried, ++at) {
        if (at == all_.end()) {
            at = all_.begin();
        }
        if (wants_events(at->second) && now >= at->second.due) {
            fetched_ = at->first;
            fetch_events(at->second);
        }
    }
}

bool channel::has_something(const subscription& one, std::int64_t now) const {
    if (one.topic == "trace") {
        return one.ready;
    }
    if (is_stream(one.topic)) {
        return !one.told || (now >= one.due && host_.lines_.last() > one.last);
    }
    return one.from->now != nullptr && one.from->now != one.seen;
}

void channel::look(std::int64_t now) {
    if (!host_.still_may(who_, right::read)) {
        end(4401, "session-ended", "You are logged out. Log in again.");
        return;
    }
    if (waiting_.empty() && now - spoken_ >= longest_silence) {
        say({{"type", "alive"}, {"now", wall_now()}});
    }
    fetch_next(now);
    const bool any = !waiting_.empty() || std::any_of(all_.begin(), all_.end(), [&](const auto& each) {
        return has_something(each.second, now);
    });
    if (any) {
        write_();
    }
}

std::optional<std::int64_t> channel::next_due() const {
    std::optional<std::int64_t> next;
    for (const auto& [id, one] : all_) {
        const bool waits = one.topic == "trace"
                               ? wants_events(one)
                               : is_stream(one.topic) && one.told && host_.lines_.last() > one.last;
        if (waits && (!next || one.due < *next)) {
            next = one.due;
        }
    }
    return next;
}

std::optional<std::string> channel::next(std::uint16_t& code) {
    if (!waiting_.empty()) {
        const std::string text = waiting_.front().dump(-1, ' ', false, json::error_handler_t::replace);
        waiting_.pop_front();
        spoken_ = steady_ms();
        if (waiting_.empty()) {
            code = code_;
        }
        return text;
    }
    if (!host_.still_may(who_, right::read)) {
        end(4401, "session-ended", "You are logged out. Log in again.");
        return std::nullopt;
    }
    // In turn, from the one behind who was served last.
    const std::int64_t now = steady_ms();
    auto at = all_.upper_bound(turn_);
    for (std::size_t tried = 0; tried < all_.size(); ++tried, ++at) {
        if (at == all_.end()) {
            at = all_.begin();
        }
        if (!has_something(at->second, now)) {
            continue;
        }
        if (std::optional<json> made = compose(at->second)) {
            turn_ = at->first;
            spoken_ = now;
            return made->dump(-1, ' ', false, json::error_handler_t::replace);
        }
    }
    return std::nullopt;
}

std::optional<json> channel::compose(subscription& one) {
    std::optional<json> content = one.topic == "trace"   ? compose_events(one)
                                  : is_stream(one.topic) ? compose_lines(one)
                                                         : std::nullopt;
    if (!is_stream(one.topic)) {
        if (!one.told) {
            content = *one.from->now;
        } else {
            const json& before = *one.seen;
            const json& now = *one.from->now;
            json change = one.topic == "modules"    ? modules_change(before, now)
                          : one.topic == "instance" ? instance_change(before, now)
                          : one.topic == "rules"    ? rules_change(before, now)
                                                    : now;
            if (!change.empty()) {
                content = std::move(change);
            }
        }
        one.seen = one.from->now;
    }
    if (!content) {
        return std::nullopt;
    }
    json made = {{"type", one.told ? "change" : "full"},
                 {"topic", one.topic},
                 {"id", one.id},
                 {"seq", one.seq++},
                 {"now", wall_now()},
                 {"generation", host_.edition_.generation}};
    made[one.told ? "change" : "state"] = std::move(*content);
    one.told = true;
    return made;
}

std::optional<json> channel::compose_lines(subscription& one) {
    const bool frames = one.topic == "frames";
    const book::passes which = frames ? frame_filter(one.filter) : log_filter(one.filter);
    const book::page found =
        one.told ? host_.lines_.after(one.last, most_entries, frames, which)
                 : host_.lines_.newest(frames ? first_frames : first_lines, UINT64_MAX, frames, which);
    one.last = found.last;
    one.due = steady_ms() + stream_pace;
    host_.pump_within(stream_pace * 1000);
    json entries = json::array();
    for (const line& each : found.lines) {
        entries.push_back(frames ? frame_json(each) : line_json(each));
    }
    if (one.told && entries.empty() && found.skipped == 0) {
        return std::nullopt;
    }
    json made = {{frames ? "frames" : "records", std::move(entries)}};
    if (one.told) {
        made["skipped"] = found.skipped;
    } else {
        made["more"] = found.more;
    }
    return made;
}

/// Asks [control] for what happened since; the answer lies in the subscription until it is written.
void channel::fetch_events(subscription& one) {
    fetching_ = true;
    one.stale = false;
    const std::uint64_t token = one.token;
    const std::uint64_t since = one.last;
    const bool first = !one.told;
    struct haul {
        std::vector<std::uint64_t> numbers;
        std::size_t at = 0;
        bool begun = false;
        std::vector<json> events;
        std::uint64_t skipped = 0;
        std::uint64_t total = 0;
        std::uint64_t last = 0;
    };
    auto made = std::make_shared<haul>();
    const json filter = one.filter;
    const std::int64_t id = one.id;
    const bool taken = host_.post_control(
        [made, since, first, filter](desk& at) {
            const trace& all = at.controller().events();
            if (!made->begun) {
                made->begun = true;
                made->total = all.events();
                made->last = all.changes();
                made->numbers = all.changed_since(since);
                const std::size_t most = first ? trace::capacity : most_entries;
                if (made->numbers.size() > most) {
                    made->skipped = made->numbers.size() - most;
                    made->at = made->numbers.size() - most;
                }
            }
            for (int some = 0; some < 16 && made->at < made->numbers.size(); ++some) {
                if (const auto event = all.tell(made->numbers[made->at++])) {
                    json one_event = event_json(*event);
                    if (passes_trace(one_event, filter)) {
                        made->events.push_back(std::move(one_event));
                    }
                }
            }
            return made->at < made->numbers.size();
        },
        [this, alive = alive_, made, id, token] {
            if (!*alive) {
                return;
            }
            fetching_ = false;
            const auto found = all_.find(id);
            if (found == all_.end() || found->second.token != token) {
                fetch_next(steady_ms()); // whoever took its place has waited for this
                return;
            }
            subscription& to = found->second;
            to.ready = true;
            to.events = std::move(made->events);
            for (json& each : to.events) {
                hide_in_event(each, host_.known_);
            }
            to.skipped = made->skipped;
            to.total = made->total;
            to.last = made->last;
            write_();
            fetch_next(steady_ms());
        },
        desk::most_for_pages);
    if (!taken) {
        fetching_ = false;
        one.stale = true;
        host_.pump_within(stream_pace * 1000);
    }
}

std::optional<json> channel::compose_events(subscription& one) {
    one.ready = false;
    one.due = steady_ms() + stream_pace;
    host_.pump_within(stream_pace * 1000);
    json::array_t events = std::exchange(one.events, {});
    if (!one.told) {
        if (events.size() > first_events) {
            events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(first_events));
        }
        std::sort(events.begin(), events.end(), [](const json& left, const json& right) {
            return left.at("number").get<std::uint64_t>() > right.at("number").get<std::uint64_t>();
        });
        return json{{"events", std::move(events)}, {"total", one.total}};
    }
    if (events.empty() && one.skipped == 0) {
        return std::nullopt;
    }
    std::sort(events.begin(), events.end(), [](const json& left, const json& right) {
        return left.at("number").get<std::uint64_t>() < right.at("number").get<std::uint64_t>();
    });
    return json{{"events", std::move(events)}, {"skipped", one.skipped}};
}

// ---- the host's side of it

std::optional<answer> web::body::admit_channel(request& what) {
    refresh_access();
    std::optional<answer> refused = at_the_door(what);
    if (!refused) {
        const contract::found route = contract_.find("GET", what.path);
        // A page opens its channel again by itself, and cannot say so: no use of a session.
        refused = refuse(what, route, visitor_of(what, false));
        constexpr std::size_t most_channels = 32;
        if (!refused && route.what->operation != "openChannel") {
            refused = problem(400, "bad-request", "This is no WebSocket.");
        } else if (!refused && what.subprotocols.find("iom.page.1") == std::string::npos) {
            refused = problem(400, "bad-request", "This WebSocket takes the subprotocol iom.page.1.");
        } else if (!refused && channels_.size() >= most_channels) {
            refused =
                problem(503, "busy", "Thirty-two pages are open already. Close one.", {{"retryAfter", 10}});
        }
    }
    if (refused) {
        return finish(std::move(*refused), what);
    }
    return std::nullopt;
}

std::unique_ptr<talker> web::body::open_channel(const request& what, std::function<void()> write) {
    const visitor who = visitor_of(what, false);
    if (who.may == right::none) {
        return nullptr;
    }
    pump_within(1'000'000); // one that listens to nothing ends with its right, too
    return std::make_unique<channel>(*this, who, std::move(write));
}

feed* web::body::subscribe(channel& who, const std::string& topic, const std::string& instance) {
    std::unique_ptr<feed>& at = feeds_[topic + '/' + instance];
    if (at == nullptr) {
        at = std::make_unique<feed>();
        at->topic = topic;
        at->instance = instance;
    }
    at->listeners.insert(&who);
    return at.get();
}

void web::body::unsubscribe(channel& who, feed* from) {
    from->listeners.erase(&who);
    if (from->listeners.empty()) {
        feeds_.erase(from->topic + '/' + from->instance);
    }
}

void web::body::computed(const std::string& key, json state) {
    const auto found = feeds_.find(key);
    if (found == feeds_.end()) {
        return; // nobody listens any more
    }
    feed& to = *found->second;
    to.pending = false;
    to.due = steady_ms() + pace_of(to.topic);
    state = to.topic == "modules"    ? complete_modules(state)
            : to.topic == "instance" ? complete_instance(std::move(state))
            : to.topic == "rules"    ? complete_rules(state)
                                     : complete_system(state);
    if (to.now == nullptr || *to.now != state) {
        to.now = std::make_shared<const json>(std::move(state));
        for (channel* const each : to.listeners) {
            each->look(steady_ms());
        }
    }
    if (to.stale || to.topic == "system") {
        pump_within(pace_of(to.topic) * 1000);
    }
}

void web::body::pump_within(std::int64_t microseconds) {
    const std::int64_t at = control_loop::now() + microseconds;
    if (pump_at_ && *pump_at_ <= at) {
        return;
    }
    pump_at_ = at;
    server_->after(microseconds, [this, at] {
        if (pump_at_ == at) {
            pump_at_.reset();
            pump();
        }
    });
}

/// Looks what has changed, asks for what is due, and wakes those who have something to say. Where nobody
/// listens it costs nothing, and nothing comes after it.
void web::body::pump() {
    // However much happens, so often is enough; the first after quiet is never held back.
    constexpr std::int64_t least_pause = 20;
    if (const std::int64_t since = steady_ms() - pumped_; since < least_pause) {
        pump_within((least_pause - since) * 1000);
        return;
    }
    pumped_ = steady_ms();
    const unsigned news = channels_.empty() && waiters_.empty() ? 0 : desk_->take_news();
    const std::int64_t now = steady_ms();
    if ((news & desk::calls) != 0 || !waiters_.empty()) {
        for (auto each = waiters_.begin(); each != waiters_.end();) {
            const waiter one = *each;
            each = waiters_.erase(each);
            wait_for_call(one.asked, one.call, one.until, one.to, one.running_status);
        }
    }
    if (channels_.empty()) {
        return;
    }
    if (now - access_looked_ >= 1000) {
        access_looked_ = now;
        refresh_access(); // `iomhost passwd` ends what is open, too
    }
    lines_.expect();
    for (const auto& [key, each] : feeds_) {
        const bool touched = each->topic == "rules"    ? (news & (desk::rules | desk::structure)) != 0
                             : each->topic == "system" ? true
                                                       : (news & (desk::statuses | desk::structure)) != 0;
        each->stale = each->stale || touched;
        if (!each->stale || each->pending) {
            continue;
        }
        if (each->now == nullptr || now >= each->due) {
            compute(*each);
        } else {
            pump_within((each->due - now) * 1000);
        }
    }
    const std::set<channel*> all = channels_;
    for (channel* const each : all) {
        if ((news & (desk::rules | desk::structure)) != 0) {
            each->news_of_trace();
        }
        each->look(now);
        if (const auto due = each->next_due()) {
            pump_within(std::max<std::int64_t>(*due - now, 1) * 1000);
        }
    }
    // Sessions end, tokens expire: somebody has to look although nothing happens.
    pump_within(1'000'000);
}

} // namespace iom::host::web
