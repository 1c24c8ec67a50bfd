#pragma once

#include "iom/iom.h"
#include "module/flights.hpp"
#include "module/lender.hpp"
#include "module/line.hpp"
#include "module/outbound.hpp"
#include "module/recipe.hpp"
#include "module/requests.hpp"
#include "module/statuses.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace iom::ws {

inline constexpr std::int64_t second = 1'000'000'000; ///< in the nanoseconds of line::now()
inline constexpr double nanoseconds_per_millisecond = 1e6;

/// One use of the module, as the contract sees it. Everything is called on [control]; the session at the
/// other end of the mailbox lives on the network thread.
class instance final : private recipe::means {
public:
    using line_source = std::function<std::shared_ptr<line>()>;

    /// `lines` gives the link at each start.
    instance(const iom_host& host, line_source lines);
    /// Also while running. The host is told nothing any more: calls that are open end with the instance.
    ~instance() override;
    instance(const instance&) = delete;
    instance& operator=(const instance&) = delete;

    // The functions of iom_module; each answers an iom_result.
    std::uint32_t set(std::span<const iom_value> values, iom_text* why);
    std::uint32_t start(iom_text* why);
    std::uint32_t invoke(std::uint64_t call, std::uint32_t action, std::span<const iom_value> arguments,
                         iom_text* why);
    void stop();

    /// Bits of IOM_MORE and IOM_STOPPED.
    std::uint32_t service();

private:
    /// A command that waits until the farewell is over.
    struct deferred_command {
        record_head head;
        std::string reason;
    };

    /// What is remembered of a message while it flies.
    struct departure {
        std::uint64_t call = 0;
        std::uint64_t order = 0;
        std::int64_t since = 0;
        bool binary = false;
        bool request = false;
        bool own = false;
        std::string_view key;
    };

    /// What rules answer to a message goes out before the next message is read, see held_back().
    struct gate {
        bool shut = false;   // more than the high mark waits to be sent, and not yet less than the low one
        bool lifted = false; // messages are read all the same, until one is answered
        bool slow = false;   // it was lifted at least once: the line takes long
        std::int64_t lift_at = 0; // while it is not lifted
        std::size_t before = 0;   // answered_ when it was lifted
        std::size_t answer = 0;   // bytes that were answered then
        std::size_t level = 0;    // what waited to be sent with them
    };

    struct ended_call {
        std::uint64_t call = 0;
        std::uint32_t outcome = IOM_DONE;
        std::string_view sentence; // constant
    };

    // ---- actions ------------------------------------------------------------------------------------
    std::uint32_t connect(std::uint64_t call, std::span<const iom_value> arguments);
    std::uint32_t disconnect(std::uint64_t call, std::span<const iom_value> arguments);
    std::uint32_t send_message(std::uint64_t call, std::span<const iom_value> arguments);
    std::uint32_t send_binary(std::uint64_t call, std::span<const iom_value> arguments);
    std::uint32_t request(std::uint64_t call, std::span<const iom_value> arguments);
    std::uint32_t ping(std::uint64_t call, std::span<const iom_value> arguments);
    std::uint32_t clear_queue(std::uint64_t call, std::span<const iom_value> arguments);
    std::uint32_t take_message(std::uint64_t call, std::string_view label, std::string_view payload,
                               bool binary, std::string_view key, bool is_request);
    std::uint32_t begin(std::uint64_t call, std::uint32_t action, std::span<const iom_value> arguments);
    std::uint32_t refuse(std::uint32_t result, std::string sentence);
    void remember_wish() const;
    void recall_wish();

    // ---- events -------------------------------------------------------------------------------------
    std::uint32_t read_events();
    bool held_back();
    void handle(const record& what);
    void handle_state(const record& what);
    void handle_established(const record& what);
    void handle_failure(const record& what);
    void handle_disconnected(const record& what);
    void handle_message(const record& what);
    void handle_sent(std::uint64_t sequence);
    void handle_dropped(const record& what);
    void handle_round_trip(const record& what);
    void handle_call_ended(const record& what);
    void hear(std::string_view message, bool binary);
    std::uint32_t finish();

    // ---- within a session ---------------------------------------------------------------------------
    void act(recipe::outcome what);
    void become_ready();
    void fail(layer where, std::string_view code, std::string_view detail);
    void close_with(const record_head& command, std::string_view reason);
    void push_deferred();
    void send_identity(std::uint64_t attempt);
    void flush_queue();
    void launch(const waiting_message& message);
    std::uint64_t hand_over(std::string_view payload, const departure& what);

    // ---- recipe::means ------------------------------------------------------------------------------
    std::uint64_t say(std::string_view written, bool binary, std::string& mistake) override;
    bool test(std::uint32_t match, const iom_value& message) override;
    bool capture(std::uint32_t match, const iom_value& message) override;

    // ---- time ---------------------------------------------------------------------------------------
    void elapse();
    void count_down();
    [[nodiscard]] std::optional<std::int64_t> next_deadline() const;
    void arm_alarm();

    // ---- toward the host ----------------------------------------------------------------------------
    void fire(std::uint32_t trigger, std::span<const iom_value> variables);
    void done(std::uint64_t call, std::uint32_t outcome, std::string_view sentence);
    void give_up(std::uint64_t call, bool is_request, std::string_view message, bool binary,
                 std::string_view reason, std::string_view sentence);
    void end_pending();
    void show_state();
    void keep_last_received();
    void post_statuses();
    void give_up_wish();
    void log(iom_level level, std::string_view line) const;
    void trace(std::string_view line) const; // extended logging

    // ---- toward the network thread ------------------------------------------------------------------
    void push_command(const record_head& head, std::initializer_list<std::string_view> parts = {});
    void ring_later(bool wanted);
    void ring_for_part(std::size_t bytes);

    const iom_host& host_;
    line_source lines_;
    lender lender_;
    std::string why_;

    // The wish, kept over stop and start.
    std::shared_ptr<const settings> settings_;
    bool started_before_ = false;
    bool wanted_ = false;
    std::optional<std::string> token_;

    // While running.
    std::shared_ptr<line> line_;
    std::unique_ptr<mailbox> box_;
    line::port* port_ = nullptr;
    bool servicing_ = false;
    bool stopping_ = false;
    bool closed_ = false;
    bool ring_ = false;
    std::size_t part_ = 0; // what was sent since the network thread was last rung, by cost
    gate gate_;
    std::size_t answered_ = 0; // bytes of sends that were given within service, ever
    std::int64_t now_ = 0;
    std::int64_t alarm_ = 0; // what the network thread was last told; 0: none

    // The session.
    recipe recipe_;
    state state_ = state::stopped;
    std::uint64_t session_ = 0; // its number; 0: none
    bool open_ = false;         // messages can be sent
    bool ready_ = false;
    bool was_ready_ = false;
    std::int64_t retry_at_ = 0;   // 0: none planned
    std::int64_t retry_tick_ = 0; // when the seconds left change
    std::string delimiter_;
    std::int64_t last_heard_ = 0;
    bool silent_ = false;
    std::uint64_t sessions_ = 0;
    std::uint64_t newest_sent_ = 0; // sequence
    std::uint64_t confirmed_ = 0;   // sequence
    std::int64_t round_trips_ = 0;
    double round_trip_sum_ = 0;
    double round_trip_min_ = 0;
    double round_trip_max_ = 0;
    std::vector<deferred_command> deferred_;

    // Messages and calls.
    outbound outbound_;
    flights flights_;
    requests requests_;
    std::uint64_t order_ = 0;
    std::vector<std::uint64_t> open_calls_; // connect, disconnect, ping
    std::vector<std::uint64_t> connects_;   // those of them that are Connect
    std::vector<dropped_message> drops_;    // to be reported in service
    std::vector<ended_call> ended_;         // likewise
    std::string scratch_;

    // Statuses.
    statuses statuses_;
    std::int64_t fast_posted_ = 0;
    std::string_view last_received_; // in the mailbox still; see keep_last_received
    bool last_received_binary_ = false;
    bool last_received_new_ = false;
    bool heard_since_ping_ = false;
    bool trim_ = false;
};

} // namespace iom::ws
