#include "options.hpp"

#include <CLI/CLI.hpp>

#include <cmath>
#include <map>

namespace iom::peer {

namespace {

moment from_seconds(double seconds) {
    return moment{static_cast<moment::rep>(std::llround(seconds * 1000))};
}

double to_seconds(moment value) {
    return static_cast<double>(value.count()) / 1000;
}

std::string tls_mistake(const tls_options& tls) {
    if (tls.certificate.empty() != tls.key.empty()) {
        return "--tls-cert and --tls-key belong together; give both or neither.";
    }
    if (tls.certificate.empty() && !tls.client_ca.empty()) {
        return "--tls-client-ca needs TLS; give --tls-cert and --tls-key as well.";
    }
    if (tls.oldest > tls.newest) {
        return "--tls-min is newer than --tls-max; no client could connect.";
    }
    return {};
}

} // namespace

std::variant<options, leave> read_options(int argc, const char* const* argv) {
    options read;
    double idle_timeout = to_seconds(read.idle_timeout);
    double alarm_every = to_seconds(read.alarm_every);
    double token_lifetime = to_seconds(read.token_lifetime);
    constexpr double longest = 1'000'000; // seconds

    CLI::App app{
        "iompeer: the reference far end for websocket-client. Echoes messages, keeps presence, plays "
        "faults by path.\nPrints 'ready PORT' when it listens; GET / lists the paths; events go to stderr "
        "as JSON lines.",
        "iompeer"};
    const std::map<std::string, tls_version> versions{
        {"1.1", tls_version::v1_1}, {"1.2", tls_version::v1_2}, {"1.3", tls_version::v1_3}};
    const CLI::IsMember known_version({"1.1", "1.2", "1.3"});
    std::string oldest = "1.2";
    std::string newest = "1.3";

    app.add_option("--address", read.address, "IP address to listen on")->capture_default_str();
    app.add_option("--port", read.port, "0 picks a free one")->capture_default_str();
    app.add_option("--tls-cert", read.tls.certificate, "PEM file: TLS with this certificate (chain)");
    app.add_option("--tls-key", read.tls.key, "PEM file: its key");
    app.add_option("--tls-client-ca", read.tls.client_ca,
                   "PEM file: clients must show a certificate it signed");
    app.add_option("--tls-min", oldest, "oldest TLS")->check(known_version)->capture_default_str();
    app.add_option("--tls-max", newest, "newest TLS")->check(known_version)->capture_default_str();
    app.add_option("--idle-timeout", idle_timeout,
                   "seconds without ping and message after which a client is closed; 0 = never")
        ->check(CLI::Range(0.0, longest).description(""))
        ->capture_default_str();
    app.add_option("--subprotocol", read.subprotocols, "accept this subprotocol (repeatable)")
        ->allow_extra_args(false);
    app.add_option("--max-message", read.max_message, "largest message, bytes")
        ->check(CLI::Range(std::uint64_t{125}, std::uint64_t{1} << 32).description(""))
        ->capture_default_str();
    app.add_flag("--deflate", read.deflate, "accept permessage-deflate");
    app.add_flag("--deflate-forget", read.deflate_forget,
                 "with --deflate: neither side keeps its dictionary between messages (no context takeover)");
    app.add_option("--deflate-window", read.deflate_window,
                   "with --deflate: bits of this side's window, and of the client's if it offers to choose")
        ->check(CLI::Range(9, 15).description(""))
        ->capture_default_str();
    app.add_flag("--log", read.log, "an event for every message");
    app.add_option("--alarm-every", alarm_every, "seconds between two alarms on /press and /machine")
        ->check(CLI::Range(0.001, longest).description(""))
        ->capture_default_str();
    app.add_option("--token-lifetime", token_lifetime, "seconds a token of POST /token is good for /auth")
        ->check(CLI::Range(0.0, longest).description(""))
        ->capture_default_str();
    app.add_option("--basic", read.basic, "user:password that /basic takes")->capture_default_str();

    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return leave{0, app.help()};
    } catch (const CLI::ParseError& error) {
        return leave{2, std::string("iompeer: ") + error.what() + " (iompeer --help lists the options)"};
    }
    read.tls.oldest = versions.at(oldest);
    read.tls.newest = versions.at(newest);
    if (const auto mistake = tls_mistake(read.tls); !mistake.empty()) {
        return leave{2, "iompeer: " + mistake};
    }
    if (read.basic.find(':') == std::string::npos) {
        return leave{2, "iompeer: --basic '" + read.basic + "' has no colon; give USER:PASSWORD."};
    }
    read.idle_timeout = from_seconds(idle_timeout);
    read.alarm_every = from_seconds(alarm_every);
    read.token_lifetime = from_seconds(token_lifetime);
    return read;
}

} // namespace iom::peer
