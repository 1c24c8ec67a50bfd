#pragma once

#include "module/cause.hpp"
#include "module/frame_log.hpp"
#include "module/line.hpp"
#include "module/link_vhosts.hpp"
#include "module/pacer.hpp"
#include "module/resolver.hpp"
#include "module/session.hpp"

#include <libwebsockets.h>

#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <unordered_map>

namespace iom::ws {

/// What the ports of a link share; used on the network thread only.
struct link_common {
    lws_context* context = nullptr;
    link_vhosts vhosts;
    std::unique_ptr<resolver> names;
    std::unordered_map<std::uint64_t, line::port*> asked; ///< by the resolver's ticket
    pacer attempts;
    bool knocked = false; ///< some port told [control] of something in this round
    std::minstd_rand dice{std::random_device{}()};
};

instant steady_now() noexcept;

constexpr std::size_t service_buffer = std::size_t{64} << 10;

/// One instance's place on the link: its session, and the connection that it has or wants.
///
/// The network thread holds the lock for as long as it is in the session. detach takes it to end all that:
/// after it neither mailbox nor host is touched, whatever libwebsockets still has to say.
struct line::port final : transport {
    port(link_common& common, mailbox& box, const iom_host& host, std::shared_ptr<const settings> what);
    ~port() override;

    // ---- on [control] ----
    void end() noexcept;

    // ---- on the network thread ----
    void doorbell();
    void answer(const resolution& found);
    int callback(lws* wsi, lws_callback_reasons reason, void* in, std::size_t size);
    void tick();
    void leave(); ///< to be called before the destructor

    // ---- transport ----
    void resolve(const std::string& name) override;
    void forget_resolution() override;
    bool resolution_waits() override;
    std::optional<failure> open(const opening& what, const settings& how, const identity& who) override;
    void cut() override;
    bool write(frame kind, char* payload, std::size_t size) override;
    void gather() override;
    bool flush() override;
    bool stuck() override;
    bool may_write() override;
    void want_write() override;
    void read(bool on) override;
    void ignore_input() override;
    std::uint64_t unacknowledged() override;
    std::uint64_t acknowledged() override;
    span_of_time pace(span_of_time first_max) override;
    double random() override;
    void knock() override;
    void log(std::uint32_t level, std::string_view text) override;

    // ---- guarded by the link ----
    port* next_rung = nullptr;
    port* next_gone = nullptr;
    bool rung = false;

private:
    struct timer;

    template <typename Work>
    void guarded(Work&& work);
    void give_up(std::string code, std::string detail);
    int on_callback(lws* wsi, lws_callback_reasons reason, void* in, std::size_t size);
    int on_request(lws* wsi, char** at, std::size_t room);
    int on_answer(lws* wsi);
    int on_message(lws* wsi, instant now, std::string_view bytes);
    int on_close(lws* wsi, std::string_view bytes);
    [[nodiscard]] std::string words_for_error(lws* wsi, std::string_view text) const;
    void on_error(std::string_view text);
    void on_closed(lws* wsi);
    void lose(failure why);
    void settle();
    void arm();
    void log_in_frame(lws* wsi, std::string_view bytes, bool first, bool last, bool binary,
                      std::uint64_t remaining);
    void log_control(direction way, std::string_view opcode, std::string_view payload);
    [[nodiscard]] bool logs_frames() const { return session_.what().log_comms; }
    [[nodiscard]] bool logs_heads() const {
        return session_.what().log_comms || session_.what().extended_logging;
    }
    [[nodiscard]] int socket() const;

    link_common& common_;
    std::recursive_mutex lock_; // a connection may call back from within the call that opens it
    bool ended_ = false;        // guarded by lock_
    const iom_host& host_;
    pacer::key pace_key_;
    bool paced_ = false;
    session session_;

    // The connection
    lws* wsi_ = nullptr;
    lws* inside_ = nullptr; // whose callback we are in
    link_vhosts::hold vhost_;
    opening opening_;
    std::string request_headers_;
    std::string sent_subprotocols_;
    std::string subprotocol_;
    bool opening_now_ = false;
    bool compressed_ = false;
    bool wrote_ = false; // compressed: one message per writable()
    reached stage_ = reached::nothing;
    std::optional<failure> refusal_; // found by ourselves, goes before what the library says
    std::string redirect_status_;
    std::string redirect_location_;
    std::uint64_t unacknowledged_ = 0; // when the connection was lost
    std::uint64_t ticket_ = 0;

    // What the timer has to tell the session, outside of callbacks
    std::optional<failure> lost_;

    // The frame that comes in, for the log
    std::string frame_beginning_;
    std::uint64_t frame_length_ = 0;
    bool message_begun_ = false;

    struct timer {
        lws_sorted_usec_list_t sul{};
        port* owner = nullptr;
    } timer_;
    instant timer_due_ = 0;
};

} // namespace iom::ws
