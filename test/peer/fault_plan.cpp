#include "fault_plan.hpp"

#include "wrong_frames.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace iom::peer {

namespace {

constexpr std::uint64_t one_day_ms = 86'400'000;
constexpr std::uint64_t largest = std::uint64_t{1} << 32;

moment milliseconds(const target& asked, std::string_view name, std::uint64_t otherwise,
                    std::uint64_t least = 0) {
    return moment{static_cast<moment::rep>(asked.number(name, otherwise, least, one_day_ms))};
}

cue cue_of(const target& asked) {
    const auto on = asked.text("on").value_or("upgrade");
    if (on != "upgrade" && on != "message") {
        throw bad_target("The parameter on of " + asked.path + " is '" + on + "'; give upgrade or message.");
    }
    return {.after = milliseconds(asked, "after", 0), .on_message = on == "message"};
}

fault_plan close(const target& asked) {
    close_act then{.when = cue_of(asked), .code = {}, .reason = asked.text("reason").value_or("")};
    if (asked.text("code")) {
        then.code = static_cast<std::uint16_t>(asked.number("code", 0, 0, 65535));
    } else if (!then.reason.empty()) {
        throw bad_target("A Close cannot carry a reason without a code; add code=1000.");
    }
    if (then.reason.size() > 123) {
        throw bad_target("The reason is " + std::to_string(then.reason.size()) +
                         " bytes; a Close carries at most 123.");
    }
    return {.reply = upgrade_answer{}, .then = then};
}

fault_plan no_pong(const target&) {
    return {.reply = upgrade_answer{}, .then = echo_act{.pong = false}};
}

fault_plan wrong_pong(const target&) {
    return {.reply = upgrade_answer{}, .then = echo_act{.wrong_pong = true}};
}

fault_plan no_close_echo(const target&) {
    return {.reply = upgrade_answer{}, .then = echo_act{.close_echo = false}};
}

fault_plan abort_on_ping(const target& asked) {
    return {.reply = upgrade_answer{},
            .then = echo_act{.abort_on_ping = true, .reset = asked.flag("reset", false)}};
}

fault_plan cut(const target& asked, bool reset) {
    const auto before = asked.text("before").value_or("");
    if (before == "upgrade") {
        return {.reply = cut_before_upgrade{.after = milliseconds(asked, "after", 0), .reset = reset},
                .then = echo_act{}};
    }
    if (!before.empty()) {
        throw bad_target("The parameter before of " + asked.path + " is '" + before +
                         "'; give upgrade or leave it.");
    }
    return {.reply = upgrade_answer{}, .then = cut_act{.when = cue_of(asked), .reset = reset}};
}

fault_plan reset(const target& asked) {
    return cut(asked, true);
}

fault_plan drop(const target& asked) {
    return cut(asked, false);
}

fault_plan half_open(const target&) {
    return {.reply = upgrade_answer{}, .then = hold_act{}};
}

fault_plan stop_reading(const target& asked) {
    return {.reply = upgrade_answer{},
            .then = hold_act{.messages = asked.number("messages", 0, 0, largest),
                             .every = milliseconds(asked, "every", 0)}};
}

fault_plan slow_upgrade(const target& asked) {
    return {.reply = upgrade_answer{.delay = milliseconds(asked, "ms", 1000)}, .then = echo_act{}};
}

fault_plan slow_bytes(const target& asked) {
    return {.reply = upgrade_answer{.drip = milliseconds(asked, "every", 100, 1)}, .then = echo_act{}};
}

fault_plan wrong_accept(const target&) {
    return {.reply = upgrade_answer{.wrong_accept = true}, .then = echo_act{}};
}

fault_plan wrong_subprotocol(const target&) {
    return {.reply = upgrade_answer{.wrong_subprotocol = true}, .then = echo_act{}};
}

fault_plan wrong_extension(const target&) {
    return {.reply = upgrade_answer{.wrong_extension = true}, .then = echo_act{}};
}

fault_plan endless(const target& asked) {
    return {.reply = endless_headers{.bytes = asked.number("bytes", 64 << 20, 1, largest)},
            .then = echo_act{}};
}

fault_plan redirect(const target& asked) {
    refusal reply{
        .status = static_cast<unsigned>(asked.number("status", 302, 300, 399)), .headers = {}, .body = {}};
    if (const auto to = asked.text("to")) {
        reply.headers.emplace_back("Location", *to);
    } else if (asked.flag("loop", false)) {
        reply.headers.emplace_back("Location", asked.path + "?loop=1");
    }
    return {.reply = reply, .then = echo_act{}};
}

fault_plan flood(const target& asked) {
    return {.reply = upgrade_answer{},
            .then = flood_act{.count = asked.number("count", 1000, 0, largest),
                              .size = asked.number("size", 64, 0, 64 << 20),
                              .binary = asked.flag("binary", false)}};
}

fault_plan big(const target& asked) {
    const auto size = asked.number("size", 1 << 20, 0, largest);
    return {.reply = upgrade_answer{},
            .then = big_act{.size = size,
                            .fragments = asked.number("fragments", 1, 1, 1'000'000),
                            .binary = asked.flag("binary", false),
                            .pings = asked.flag("pings", false),
                            .piece = asked.number("piece", 64 << 10, 1, 64 << 10),
                            .every = milliseconds(asked, "every", 0)}};
}

fault_plan bomb(const target& asked) {
    return {.reply = upgrade_answer{.compression = true},
            .then = bomb_act{.size = asked.number("size", 1 << 30, 1, largest)}};
}

fault_plan ping_me(const target& asked) {
    return {.reply = upgrade_answer{.compression = asked.flag("compression", false)},
            .then = ping_act{.every = milliseconds(asked, "every", 1000, 1),
                             .burst = asked.number("burst", 1, 1, 1000),
                             .size = asked.number("size", 0, 0, 100)}};
}

fault_plan status(const target& asked, std::string_view name) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size() || number < 200 || number > 599) {
        throw bad_target("The status '" + std::string(name) + "' is none to refuse with; give 200 to 599.");
    }
    refusal reply{.status = number, .headers = {}, .body = asked.text("body").value_or("")};
    if (!reply.body.empty() && (number == 204 || number == 304)) {
        throw bad_target("A " + std::to_string(number) + " answer has no body; leave body=.");
    }
    for (const auto& [parameter, header] :
         {std::pair{"retry-after", "Retry-After"}, std::pair{"www-authenticate", "WWW-Authenticate"},
          std::pair{"location", "Location"}}) {
        if (const auto value = asked.text(parameter)) {
            reply.headers.emplace_back(header, *value);
        }
    }
    return {.reply = reply, .then = echo_act{}};
}

fault_plan invalid(const target& asked, std::string_view name) {
    auto bytes = wrong_bytes(name, asked);
    if (!bytes) {
        std::string known;
        for (const auto each : wrong_names()) {
            known += known.empty() ? "" : ", ";
            known += each;
        }
        throw bad_target("There is no /invalid/" + std::string(name) + "; choose one of " + known + ".");
    }
    return {.reply = upgrade_answer{.compression = asked.flag("compression", false)},
            .then = wrong_act{
                .when = cue_of(asked), .bytes = std::move(*bytes), .stay = asked.flag("stay", false)}};
}

struct by_path {
    std::string_view path;
    fault_plan (*plan)(const target&);
};

constexpr std::array paths{
    by_path{"/close", close},
    by_path{"/no-pong", no_pong},
    by_path{"/wrong-pong", wrong_pong},
    by_path{"/no-close-echo", no_close_echo},
    by_path{"/abort-on-ping", abort_on_ping},
    by_path{"/rst", reset},
    by_path{"/drop", drop},
    by_path{"/half-open", half_open},
    by_path{"/stop-reading", stop_reading},
    by_path{"/slow-upgrade", slow_upgrade},
    by_path{"/slow-bytes", slow_bytes},
    by_path{"/bad-accept", wrong_accept},
    by_path{"/bad-subprotocol", wrong_subprotocol},
    by_path{"/bad-extension", wrong_extension},
    by_path{"/endless-headers", endless},
    by_path{"/redirect", redirect},
    by_path{"/flood", flood},
    by_path{"/big", big},
    by_path{"/bomb", bomb},
    by_path{"/ping-me", ping_me},
};

struct by_folder {
    std::string_view prefix;
    fault_plan (*plan)(const target&, std::string_view name);
};

constexpr std::array folders{
    by_folder{"/status/", status},
    by_folder{"/invalid/", invalid},
};

std::optional<fault_plan> plan_by_path(const target& asked) {
    if (const auto found = std::ranges::find(paths, asked.path, &by_path::path); found != paths.end()) {
        return found->plan(asked);
    }
    for (const auto& folder : folders) {
        if (asked.path.starts_with(folder.prefix)) {
            return folder.plan(asked, std::string_view(asked.path).substr(folder.prefix.size()));
        }
    }
    return std::nullopt;
}

} // namespace

std::optional<fault_plan> plan_fault(const target& asked) {
    auto plan = plan_by_path(asked);
    if (plan) {
        plan->times = asked.number("times", 0, 0, largest);
    }
    return plan;
}

} // namespace iom::peer
