#pragma once

#include "module/settings.hpp"
#include "module/terms.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string_view>

/// What lies between [control] and the network thread: for each instance, bounded queues of records.
/// Every queue has one producer thread and one consumer thread.
namespace iom::ws {

/// Writable bytes before the first part of every record, so that a frame's head and mask are written in
/// place.
inline constexpr std::size_t payload_room = 16;

inline constexpr std::size_t max_parts = 3;

enum class record_type : std::uint8_t {
    // ---- events: network thread to [control], in the order in which they happened -------------------

    /// detail: state; number: attempts since the last established session; real: seconds until the next
    /// attempt
    /// (waiting, faulted; negative: none will come); parts: how long each step of the attempt took.
    state,
    /// TCP is up. parts: remote address.
    connected,
    /// Upgraded. number: session, 1, 2, ... per attach; value: the certificate's end in seconds since 1970, 0
    /// = none; parts: subprotocol, TLS version and cipher (empty over ws), remote address (a redirect or
    /// another address of the name may have led elsewhere since connected).
    established,
    /// An attempt or a session failed. detail: layer; parts: code, sentence.
    error,
    /// As error; the failure is fatal. Once, until it changes or clears.
    faulted,
    /// As error; who we say we are was not accepted.
    credentials_rejected,
    /// Exactly once for each connected. detail: layer; flags: clean; real: seconds up (since established, 0
    /// if
    /// it never was); parts: code, sentence.
    disconnected,
    /// flags: binary; parts: the whole message.
    message,
    /// number: sequence of the newest send whose last byte the kernel has; all of this session's before it
    /// are
    /// sent too.
    sent,
    /// A send that will not arrive, or may not have; those of one loss in the order of their sequences.
    /// number:
    /// its sequence; flags: binary and own as they were given, unconfirmed (it was reported as sent); parts:
    /// reason (a word), message.
    dropped,
    /// Of connect, disconnect and ping. number: call; detail: iom_outcome; parts: sentence.
    call_ended,
    /// A pong of ours. real: milliseconds; number: sequence of the newest send that the kernel had when the
    /// ping
    /// went out.
    round_trip,
    /// An attempt needs it afresh (settings::identity_expands). number: attempt, never 0.
    identity_wanted,
    /// The time that the command alarm_at gave has come.
    alarm,
    /// The answer to stop, and the last event of all.
    closed,

    // ---- commands: [control] to network thread ------------------------------------------------------

    /// Who we are in the next attempts. number: attempt that asked for it, 0 = nobody did; parts: path and
    /// query, header lines (each "Name: value\r\n"), value of Authorization (or empty) and behind it `value`
    /// bytes of "user:password" for the proxy. Comes before each connect, unless settings::identity_expands:
    /// then only when asked.
    identity,
    /// The Connect action. number: call, 0 = nobody's; answered by call_ended at the end of the first
    /// attempt;
    /// while connected at once.
    connect,
    /// number: call, 0 = nobody's; value: close code, 0 = 1000; parts: reason. Sends given before it are
    /// flushed
    /// for 1 s at most, then Close; quiet until connect. Answered by call_ended.
    disconnect,
    /// number: call; answered by call_ended when the pong is there, the line lost or time over.
    ping,
    /// Greeting and ready-match are through. number: session.
    ready,
    /// [control] found the session to be no good: clean close, then as any failure of that layer. number:
    /// session, 0 = the attempt that waits for its identity; detail: layer; parts: code and detail, as in a
    /// ws::failure.
    fail,
    /// number: line::now() at which the event alarm is wanted, 0 = none; replaces the last one.
    alarm_at,
    /// As disconnect, without call; calls that are open are ended, then the event closed.
    stop,

    // ---- sends: [control] to network thread ---------------------------------------------------------

    /// number: sequence, 1, 2, ... per attach, without gap; value: session that it is meant for (if that is
    /// over
    /// it comes back as dropped); flags: binary, own (of the session's recipe, not of an action), asks;
    /// parts:
    /// payload.
    send,
};

inline constexpr std::uint16_t flag_binary = 1;
inline constexpr std::uint16_t flag_clean = 2;
inline constexpr std::uint16_t flag_unconfirmed = 4;
inline constexpr std::uint16_t flag_own = 8;
inline constexpr std::uint16_t flag_wordless = 16; // a dropped message whose text nobody has any more
inline constexpr std::uint16_t flag_asks = 32;     // a send whose answer has a deadline

/// The fixed part of a record; what its members mean stands with each record_type.
struct record_head {
    record_type type{};
    std::uint8_t detail = 0;
    std::uint16_t flags = 0;
    std::uint64_t number = 0;
    std::uint64_t value = 0;
    double real = 0;
};

/// A record as its consumer sees it. Its bytes stay where they are until record_queue::next begins another
/// batch (record_queue::batch_ends tells), or trim is called; so the payloads of one batch can be held
/// together.
struct record : record_head {
    std::array<std::string_view, max_parts> parts;
    /// The first part, writable, with payload_room writable bytes before it.
    char* payload = nullptr;
};

/// One direction: records packed one behind another into two buffers, one being filled, one being read.
/// A buffer grows as needed, is used again and again, and costs nothing while it has never been used.
class record_queue {
public:
    /// The producer should pause above `high` bytes waiting and go on at `low` or less. Neither refuses
    /// anything.
    record_queue(std::size_t high, std::size_t low) noexcept : high_(high), low_(low) {}
    ~record_queue();
    record_queue(const record_queue&) = delete;
    record_queue& operator=(const record_queue&) = delete;

    // ---- producer -----------------------------------------------------------------------------------

    /// Appends a record; the parts are copied. True if the consumer may not know yet that there is something
    /// to read: ring its doorbell. Throws std::bad_alloc, and then nothing was appended.
    bool push(const record_head& head, std::initializer_list<std::string_view> parts = {});

    /// True if more bytes wait than the high mark.
    [[nodiscard]] bool full() const noexcept { return waiting() > high_; }

    /// Asks to be told by settle() when there is room. False if there is already: do not pause.
    bool wait_for_room() noexcept;

    // ---- consumer -----------------------------------------------------------------------------------

    /// Takes the next record out, or null if there is none.
    record* next() noexcept;

    /// True if the next call of next() ends the batch: the bytes of all records taken so far are gone then.
    [[nodiscard]] bool batch_ends() const noexcept { return read_ == front_.used; }

    /// True if next() would give a record. Does not disturb the current one.
    [[nodiscard]] bool more() const noexcept;

    /// To be called after each batch: publishes how far the consumer has read. True, once, if the producer
    /// waits for room and there is some: ring its doorbell.
    bool settle() noexcept;

    /// Now and then, between batches: gives back buffers that are empty and far larger than was needed since
    /// the last trim.
    void trim() noexcept;

    // ---- both ---------------------------------------------------------------------------------------

    /// Bytes that wait, heads included; may be older than the last settle() of the other side.
    [[nodiscard]] std::size_t waiting() const noexcept;

private:
    struct buffer {
        std::unique_ptr<char[]> bytes;
        std::size_t capacity = 0;
        std::size_t used = 0;
    };

    char* room_for(std::size_t size);
    bool turn() noexcept;

    const std::size_t high_;
    const std::size_t low_;

    mutable std::mutex mutex_; // guards back_; held for a copy or a swap only
    buffer back_;
    std::atomic<std::size_t> back_used_{0};
    std::atomic<std::size_t> front_left_{0};
    std::atomic<bool> producer_waits_{false};

    // The consumer's own.
    buffer front_;
    std::size_t read_ = 0;
    std::size_t peak_ = 0; // largest batch since the last trim
    record current_;
};

/// All that the two threads share about one instance.
struct mailbox {
    static constexpr std::size_t mark_high = std::size_t{1} << 20;
    static constexpr std::size_t mark_low = std::size_t{256} << 10;

    /// Network thread to [control]. Doorbell: iom_host::wake. While it is full the session pauses reading;
    /// the answer to wait_for_room() is a ring of the line's doorbell.
    record_queue events{mark_high, mark_low};

    /// [control] to network thread, apart from the sends so that a stuck line cannot hold them up. Sends that
    /// were given before a command are in `sends` when the command is seen, so read commands first, then
    /// sends.
    record_queue commands{mark_high, mark_low};

    /// [control] to network thread: messages. Answer to wait_for_room(): iom_host::wake. A session takes the
    /// next one only when the one before is with the kernel (or copied into a batch), so that full() tells.
    record_queue sends{mark_high, mark_low};

    /// line::now() at which bytes of an unfinished message last came, or paused reading went on, or TCP took
    /// bytes up to the newest send that asks to the far end: deadlines for answers count from there. Written
    /// by the network thread.
    std::atomic<std::int64_t> stirred{0};

    /// New live settings for the session: offered on [control], taken on the network thread at each doorbell;
    /// null if there are none newer than the last taken.
    void offer(std::shared_ptr<const settings> fresh) noexcept;
    std::shared_ptr<const settings> take() noexcept;

private:
    std::mutex mutex_; // guards fresh_
    std::shared_ptr<const settings> fresh_;
    std::atomic<bool> offered_{false};
};

} // namespace iom::ws
