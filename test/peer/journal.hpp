#pragma once

#include "presence.hpp"
#include "timeline.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace iom::peer {

struct upgrade_record {
    moment when{};
    std::string target;
    std::vector<std::pair<std::string, std::string>> headers; ///< in order, as sent
    std::string remote_address;
    std::uint16_t remote_port = 0;
    std::string tls_version; ///< empty: plain
    std::string cipher;
    std::string client_certificate; ///< subject, RFC 2253; empty: none shown
    unsigned status = 0;            ///< what was answered
    session_id session = 0;         ///< 0: none came of it
};

struct close_record {
    moment when{};
    session_id session = 0;
    std::string path;
    std::uint16_t code = 1006; ///< received; 1005: a Close without code; 1006: lost without Close
    std::string reason;
    bool clean = false; ///< a Close was received
};

/// A text from a machine's client that is neither presence nor an acknowledgement.
struct report_record {
    moment when{};
    session_id session = 0;
    std::string path;
    std::string text;
};

struct counters {
    std::uint64_t connections = 0; ///< TCP connections accepted
    std::uint64_t tls_failures = 0;
    std::uint64_t upgrades = 0; ///< upgrade requests read, refused ones too
    std::uint64_t sessions = 0; ///< upgrades answered 101
    std::uint64_t pings_received = 0;
    std::uint64_t pings_sent = 0;
    std::uint64_t pongs_received = 0;
    std::uint64_t messages_received = 0;
    std::uint64_t messages_sent = 0;
    std::uint64_t bytes_received = 0; ///< message payload
    std::uint64_t bytes_sent = 0;
    std::uint64_t most_arrivals_per_second = 0; ///< connections within any one second
};

/// What tests read back: counters and the last records of each kind, in bounded memory. Pure.
class journal {
public:
    static constexpr std::size_t most_records = 100;
    static constexpr std::size_t most_targets = 1'000;

    counters count;

    void arrived(moment now);
    void add(upgrade_record record);
    void add(close_record record);
    void add(report_record record);

    /// How often this target was asked for before; counts this one.
    std::uint64_t plays(const std::string& target);

    const std::deque<upgrade_record>& upgrades() const { return upgrades_; }
    const std::deque<close_record>& closes() const { return closes_; }
    const std::deque<report_record>& reports() const { return reports_; }

    /// Everything back to nothing.
    void clear() { *this = journal{}; }

private:
    std::deque<upgrade_record> upgrades_;
    std::deque<close_record> closes_;
    std::deque<report_record> reports_;
    std::map<std::string, std::uint64_t> plays_;
    std::deque<moment> arrivals_; ///< of the last second
};

} // namespace iom::peer
