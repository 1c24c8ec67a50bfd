// The pure rooms under Google Benchmark. `allocations` is what one round asks of the heap in steady state.

#include "json.hpp"
#include "match.hpp"
#include "module/mailbox.hpp"
#include "module/retry.hpp"
#include "project.hpp"
#include "rules.hpp"
#include "unit/counted_allocations.hpp"
#include "unit/host_silent_world.hpp"
#include "unit/host_surroundings.hpp"

#include <array>
#include <benchmark/benchmark.h>
#include <mbedtls/gcm.h>
#include <stdexcept>
#include <vector>

namespace iom {
namespace {

using host::value_view;

/// Adds the counter to a benchmark when it goes.
class allocations_of {
public:
    explicit allocations_of(benchmark::State& state) : state_(state), before_(test::allocations()) {}
    ~allocations_of() {
        state_.counters["allocations"] = benchmark::Counter(
            static_cast<double>(test::allocations() - before_), benchmark::Counter::kAvgIterations);
    }
    allocations_of(const allocations_of&) = delete;
    allocations_of& operator=(const allocations_of&) = delete;

private:
    benchmark::State& state_;
    std::size_t before_;
};

std::shared_ptr<const host::match> compiled(host::match_spec spec) {
    std::string why;
    std::size_t which = 0;
    auto made = host::match::compile({&spec, 1}, why, which);
    if (made == nullptr) {
        throw std::invalid_argument(why);
    }
    return made;
}

void match(benchmark::State& state, const host::match_spec& spec, const std::string& message) {
    const auto test = compiled(spec);
    host::json_document scratch;
    host::capture_list captures;
    const auto once = [&] {
        host::message_view view(message, false, scratch);
        return test->capture(view, captures);
    };
    if (!once()) {
        state.SkipWithError("the match does not hold");
        return;
    }
    const allocations_of counted(state);
    for (auto _ : state) {
        benchmark::DoNotOptimize(once());
    }
}

const std::string alarm_json =
    R"({"type":"alarm","thing":"press-1","alarm":{"number":17,"level":3,"text":"pump \"A\" hot"}})";

BENCHMARK_CAPTURE(match, contains, {.kind = host::match_kind::contains, .text = "level 3"},
                  "ALARM 17 level 3 pump overheated");
BENCHMARK_CAPTURE(match, regex, {.kind = host::match_kind::regex, .text = R"(^ALARM (\d+) level (\d+))"},
                  "ALARM 17 level 3 pump overheated");
BENCHMARK_CAPTURE(match, json,
                  {.kind = host::match_kind::json,
                   .text = "2",
                   .pointer = "/alarm/level",
                   .compare = host::json_comparison::greater},
                  alarm_json);

void json(benchmark::State& state) {
    host::json_document document;
    if (!document.parse(alarm_json)) {
        state.SkipWithError("it is JSON");
        return;
    }
    const allocations_of counted(state);
    for (auto _ : state) {
        benchmark::DoNotOptimize(document.parse(alarm_json));
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(alarm_json.size()));
}
BENCHMARK(json);

/// One message through the engine of a project with these rules.
void fire(benchmark::State& state, const std::string& rules, const std::string& message) {
    host::fake_surroundings around;
    std::vector<manifest::mistake> mistakes;
    const auto loaded = host::parse_project(
        R"(<project name="B"><instance name="press" module="websocket-client"><set name="hostname">h</set></instance>)" +
            rules + "</project>",
        "b.xml", around, mistakes);
    if (loaded == nullptr) {
        throw std::invalid_argument(manifest::to_string(mistakes.front()));
    }
    host::variables values{loaded->variables};
    host::silent_world world;
    host::rule_engine engine{loaded->rules, values, world, world};
    const value_view given[] = {value_view::of(std::string_view{message}), value_view::of(false)};
    const host::event what{0, loaded->modules[0]->find_trigger("message-received")->number, given};
    host::time_us now = 0;
    for (; now < 10; ++now) {
        engine.fire(what, now);
    }
    if (world.invoked != 10) {
        state.SkipWithError("one rule is to act, once for each message");
        return;
    }
    const allocations_of counted(state);
    for (auto _ : state) {
        engine.fire(what, ++now);
    }
}

void rules(benchmark::State& state) {
    std::string many;
    const std::int64_t count = state.range(0);
    for (std::int64_t which = 1; which <= count; ++which) {
        const auto id = std::to_string(which);
        many += "<rule name=\"" + id + "\"><on trigger=\"press/message-received\"><match>text " + id +
                ";</match></on><do action=\"press/ping\"/></rule>";
    }
    fire(state, many, "a message of the usual length ends in its text " + std::to_string(count) + ";");
}
BENCHMARK(rules)->Arg(1)->Arg(10)->Arg(100)->Arg(1000);

void text(benchmark::State& state) {
    fire(
        state,
        R"(<rule name="r"><on trigger="press/message-received"><match kind="regex">^ALARM (\d+) level (\d+)</match></on>
            <do action="press/send-message"><arg name="message">{"ack":${3},"of":"${instance}","text":"${message|json}"}</arg>
            </do></rule>)",
        "ALARM 17 level 3 pump overheated");
}
BENCHMARK(text);

/// A message handed over, and read: both sides on one thread, so without what the hand-over itself costs.
void mailbox(benchmark::State& state) {
    ws::record_queue queue(ws::mailbox::mark_high, ws::mailbox::mark_low);
    const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
    const auto batch = [&] {
        for (int at = 0; at < 64; ++at) {
            queue.push({.type = ws::record_type::message}, {payload});
        }
        for (const ws::record* one = queue.next(); one != nullptr; one = queue.next()) {
            benchmark::DoNotOptimize(one->payload);
        }
        queue.settle();
    };
    batch();
    batch();
    const allocations_of counted(state);
    for (auto _ : state) {
        batch();
    }
    state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(mailbox)->Arg(64)->Arg(4096);

void retry(benchmark::State& state) {
    const ws::retry_policy policy;
    const ws::verdict given = ws::judge({.where = ws::layer::tcp,
                                         .code = "ECONNREFUSED",
                                         .place = "127.0.0.1:1",
                                         .detail = {},
                                         .retry_after = {}},
                                        0);
    ws::retry_history past;
    const allocations_of counted(state);
    for (auto _ : state) {
        benchmark::DoNotOptimize(ws::next_delay(past, given, {}, policy, 0.5));
    }
}
BENCHMARK(retry);

/// What TLS does to a record of so many bytes.
void gcm(benchmark::State& state) {
    const std::array<unsigned char, 16> key{};
    const std::array<unsigned char, 12> nonce{};
    std::array<unsigned char, 16> tag{};
    std::vector<unsigned char> record(static_cast<std::size_t>(state.range(0)));
    mbedtls_gcm_context context;
    mbedtls_gcm_init(&context);
    mbedtls_gcm_setkey(&context, MBEDTLS_CIPHER_ID_AES, key.data(), 8 * key.size());
    {
        const allocations_of counted(state);
        for (auto _ : state) {
            mbedtls_gcm_crypt_and_tag(&context, MBEDTLS_GCM_ENCRYPT, record.size(), nonce.data(),
                                      nonce.size(), nullptr, 0, record.data(), record.data(), tag.size(),
                                      tag.data());
        }
    }
    mbedtls_gcm_free(&context);
}
BENCHMARK(gcm)->Arg(64)->Arg(4096)->Arg(16384);

} // namespace
} // namespace iom

BENCHMARK_MAIN();
