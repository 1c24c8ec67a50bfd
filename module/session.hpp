#pragma once

#include "module/identity.hpp"
#include "module/mailbox.hpp"
#include "module/redirect.hpp"
#include "module/resolver.hpp"
#include "module/retry.hpp"
#include "module/settings.hpp"
#include "module/terms.hpp"
#include "module/verdict.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// One instance's line to its server: states, deadlines and what is told to [control]. Lives on the network
/// thread; knows no socket and no clock, for time is an argument and the link is an interface.
namespace iom::ws {

using instant = std::int64_t; ///< nanoseconds, as line::now() gives them; 0 = never

/// One connection to be opened.
struct opening {
    std::string address;    ///< numeric: the server's, or the proxy's
    std::uint16_t port = 0; ///< at that address
    destination to;         ///< what is asked for there
    bool authorized = true; ///< false: the identity's credentials stay here, see without_credentials
};

struct tls_facts {
    std::string version;
    std::string cipher;
    std::int64_t expiry = 0; ///< of the certificate, seconds since 1970; 0 = unknown
};

enum class frame : std::uint8_t { text, binary, ping, close };

/// What a session asks of the link. All is answered by calls of the session, later or from within.
class transport {
public:
    virtual ~transport() = default;

    /// Answered by resolved(). Throws std::system_error where no thread can be had.
    virtual void resolve(const std::string& name) = 0;
    virtual void forget_resolution() = 0;

    /// The name still waits for its look-up to begin.
    virtual bool resolution_waits() = 0;

    /// Begins a connection; a failure at once is returned. Else follow tcp_up, secured (wss), asking,
    /// upgraded, or at any point failed.
    virtual std::optional<failure> open(const opening& what, const settings& how, const identity& who) = 0;

    /// Drops the connection, if there is one, at once. No event of it follows.
    virtual void cut() = 0;

    /// Gives a whole frame to the kernel, or what it does not take to a buffer: see stuck(). The payload has
    /// payload_room writable bytes before it, and is overwritten. False: the line is broken.
    virtual bool write(frame kind, char* payload, std::size_t size) = 0;

    /// Frames between these may go out together, at the latest with flush. False: the line is broken.
    virtual void gather() = 0;
    virtual bool flush() = 0;

    /// The kernel does not have all that was written. writable() is called when it has.
    virtual bool stuck() = 0;

    /// Whether write may be called now, outside writable().
    virtual bool may_write() = 0;

    /// Asks for a call of writable().
    virtual void want_write() = 0;

    /// Stops or goes on reading from the socket.
    virtual void read(bool on) = 0;

    /// Throws away what still comes: only the end of the connection is awaited (RFC 6455 §7.1.7).
    virtual void ignore_input() = 0;

    /// Bytes that TCP has not acknowledged, also just after a loss; and those it has, ever.
    virtual std::uint64_t unacknowledged() = 0;
    virtual std::uint64_t acknowledged() = 0;

    /// How long to wait before an attempt at this server, so that not all instances come at once.
    virtual span_of_time pace(span_of_time first_max) = 0;

    /// Uniform in [0, 1).
    virtual double random() = 0;

    /// Tells [control] that there are events, or room for sends.
    virtual void knock() = 0;

    /// A line for the log; `level` is an iom_level.
    virtual void log(std::uint32_t level, std::string_view text) = 0;
};

class session {
public:
    /// In state stopped. All references outlive the session.
    session(mailbox& box, transport& link, std::shared_ptr<const settings> what);

    /// There are commands, sends, settings or room in the mailbox.
    void attend(instant now);

    void resolved(instant now, const resolution& found);
    /// TCP is up; `remote` is the far end's address and port.
    void tcp_up(instant now, std::string_view remote);
    void secured(instant now, tls_facts facts);
    /// All is ready for the request, and it goes out next.
    void asking(instant now);
    /// The server answered with a redirect (3xx with a Location); the connection is gone.
    void redirected(instant now, std::string_view status, std::string_view location);
    void upgraded(instant now, std::string_view subprotocol);
    /// The connection failed or broke, and is gone.
    void failed(instant now, failure why);

    /// Bytes of a message; `remaining` are those of the same frame that are still to come.
    void received(instant now, std::string_view bytes, bool first, bool last, bool binary,
                  std::uint64_t remaining);
    void ponged(instant now, std::string_view payload);
    /// The server's Close, code 1005 where it has none; the link answers it and then drops the connection.
    /// True if it is the answer to our own.
    bool close_received(instant now, unsigned code, std::string_view reason);
    /// The far end broke the protocol; the link has told it so with a Close, and waits for the end.
    void violated(instant now, failure why);
    /// All that was written is with the kernel, and more may be written.
    void writable(instant now);

    /// The earliest time at which tick is wanted, 0 if none.
    [[nodiscard]] instant next() const;
    void tick(instant now);

    [[nodiscard]] const settings& what() const { return *what_; }

private:
    enum class phase : std::uint8_t {
        idle,      // stopped
        resting,   // waiting or faulted, due_ says until when (0: for good)
        pacing,    // waiting for the pacer
        resolving, // and for our identity
        opening,   // TCP to upgrade
        open,      // established
        flushing,  // our Close is wanted, but sends go first
        closing,   // our Close is out
        answering, // the server's Close is being answered
    };

    // A send's place in the bytes that went to the kernel, or that of a run of them.
    struct mark {
        std::uint64_t sequence; // of the last
        std::uint64_t end;
        std::uint64_t at; // in kept_, counted from the session's first byte there
        std::uint32_t size;
        std::uint32_t count;
        std::uint16_t flags; // of its record
        bool kept;           // its payload is there
    };

    struct ping_out {
        std::uint32_t id;
        instant since;          // its last byte was with the kernel; 0 = not yet
        std::uint64_t sequence; // newest send that the kernel had by then
        std::uint64_t call;     // of the ping action, or 0
        instant counted;        // from when its deadline runs
        std::uint64_t end;      // of the bytes that TCP had been given by then, as acknowledged() counts
    };

    // What [control] has still to hear of an attempt or a session that is over. Memory may run out at any
    // word of it; what was not told then is told a little later.
    struct ending {
        failure why;
        bool clean = false;
        bool was_open = false;
        double seconds_up = 0;
        std::uint64_t safe = 0;         // acknowledged bytes of the sends
        std::size_t lost_mark = 0;      // next of marks_ to tell of
        std::uint32_t lost_of_mark = 0; // sends of it that were told
        verdict given;
        state shown = state::stopped; // what comes next
        instant due = 0;
        unsigned steps = 0; // that are done
    };

    void take_settings(instant now);
    void obey(instant now, const record& command);
    void obey_connect(instant now, std::uint64_t call);
    void obey_disconnect(instant now, const record& command, bool stop);
    void obey_ping(instant now, std::uint64_t call);
    void obey_fail(instant now, const record& command);

    void rest_until(instant now, instant due, state shown);
    void begin(instant now);
    void attempt(instant now);
    void next_address(instant now);
    void address_failed(instant now, failure why);
    [[nodiscard]] failure timed_out() const;
    [[nodiscard]] std::string place() const;

    void over(instant now, failure why, bool clean);
    void finish(instant now);
    void tell_ending(instant now);
    void plan_next(instant now);
    void report_lost_sends();
    const record* next_send();
    std::uint64_t acknowledged_bytes();
    void lost(instant now, std::string detail);
    void close_with(instant now, unsigned code, std::string_view reason, failure why);
    void send_close(instant now);
    void deliver(instant now, std::string_view bytes, bool binary);
    void resume_reading(instant now);
    void stir(instant now);

    bool send_ping(instant now, std::uint64_t call);
    void flushed(instant now);
    void remember(const record& send);
    void forget_acknowledged();
    void merge_marks();
    void trim_kept();
    void refuse_sends();
    [[nodiscard]] span_of_time progress_step() const;
    void check_progress(instant now);
    void thaw(instant now, instant due);
    [[nodiscard]] instant pong_deadline() const;

    void push(const record_head& head, std::initializer_list<std::string_view> parts = {});
    void push_quietly(instant now, const record_head& head);
    void push_failure(record_type type, const failure& why, std::string_view sentence);
    void show(state shown, double seconds = 0);
    void passed(instant now, std::string_view step);
    void end_calls(std::vector<std::uint64_t>& calls, iom_outcome outcome, std::string_view sentence);
    void end_call(std::uint64_t call, iom_outcome outcome, std::string_view sentence);
    void note(std::string_view text); // for Extended Logging

    mailbox& box_;
    transport& link_;
    std::shared_ptr<const settings> what_;
    identity who_;

    // What is wanted
    bool wanted_ = false;   // a connection, and after a loss the next one
    bool stopping_ = false; // the event closed is owed
    bool connect_after_close_ = false;
    std::vector<std::uint64_t> connect_calls_;
    std::vector<std::uint64_t> disconnect_calls_;
    instant alarm_ = 0;
    instant knock_due_ = 0; // events wait that [control] has not been told of

    // Attempts
    phase phase_ = phase::idle;
    state shown_ = state::stopped;
    retry_history history_;
    std::optional<ending> ending_; // is still to be told; the phase is resting meanwhile
    std::string faulted_for_;      // layer and code of the last event faulted
    std::uint64_t attempts_ = 0;   // since the last established session
    std::uint64_t attempt_id_ = 0; // ever
    instant last_attempt_ = 0;
    instant turn_ = 0; // that the pacer gave
    instant due_ = 0;  // end of resting and pacing, deadline of all other phases
    instant address_due_ = 0;
    bool identity_missing_ = false;
    bool announced_ = false; // event connected
    std::vector<std::string> addresses_;
    std::size_t next_address_ = 0;
    destination to_;
    bool authorized_ = true;
    unsigned redirects_ = 0;
    std::optional<failure> best_failure_; // of the addresses tried
    std::string address_;                 // being tried, with port
    std::string remote_;                  // as the socket has it
    state stage_ = state::connecting;     // how far the connection at this address came
    std::string times_;                   // that the steps of the attempt took, for people
    instant step_began_ = 0;
    tls_facts tls_;

    // The session
    std::uint64_t session_ = 0;
    instant established_at_ = 0;
    std::string partial_; // of a message
    bool partial_binary_ = false;
    bool paused_ = false;
    instant stirred_at_ = 0;
    instant frame_began_ = 0; // that is not whole yet
    instant last_message_at_ = 0;
    unsigned close_code_ = 1000;
    std::string close_reason_;
    std::optional<failure> closing_for_; // why we close; nothing: it was asked for
    bool close_answered_ = false;

    // Pings
    std::uint32_t ping_id_ = 0;
    std::uint32_t ping_salt_ = 0;
    std::vector<ping_out> pings_; // that wait for their pong
    instant next_ping_ = 0;
    bool ping_due_ = false;
    bool pong_seen_ = false; // in this session
    bool looked_ = false;    // what had come by a deadline was read after it
    unsigned thaws_ = 0;     // since the last pong
    std::vector<std::uint64_t> pings_asked_;

    // Sends
    const record* send_ = nullptr; // taken out of the mailbox, neither written nor refused yet
    std::uint64_t written_ = 0;    // newest sequence that was written
    std::uint64_t in_kernel_ = 0;
    std::uint64_t reported_ = 0;  // as sent
    std::uint64_t bytes_out_ = 0; // of sends, in this session
    std::uint64_t bytes_in_kernel_ = 0;
    std::vector<mark> marks_; // of sends that TCP may not have acknowledged
    std::size_t marks_limit_ = 0;
    std::string kept_; // payloads of them: of those in the kernel only as far as they are not too large
    std::uint64_t kept_begin_ = 0;
    instant progress_check_ = 0;
    instant progress_at_ = 0;
    std::uint64_t progress_seen_ = 0;
    bool asks_ = false;           // among what the kernel does not have yet is a send that asks
    std::uint64_t asked_end_ = 0; // of the bytes that TCP had been given with the newest such send
};

} // namespace iom::ws
