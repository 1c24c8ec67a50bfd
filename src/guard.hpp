#pragma once

#include "iom/iom.h"
#include "loader.hpp"
#include "log.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <pthread.h>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

/// The contract's police: every call between host and module goes through here, in both directions.
namespace iom::host {

/// What a module can do against the contract.
enum class breach : std::uint8_t {
    thread,    ///< a [control] function called from another thread
    state,     ///< a call, or an answer, that this state does not allow
    reentry,   ///< status, trigger or done outside service, or from within another call
    id,        ///< a number that the manifest does not have
    type,      ///< a value of another type than the manifest says, or not as many as it says
    pointer,   ///< a null where there must be something
    done,      ///< done for a call that is not open: unknown, or ended before
    undone,    ///< stopped, but with calls still open
    answer,    ///< a result outside iom_result, or a refusal without a sentence
    exception, ///< an exception that left the module
};

[[nodiscard]] std::string_view to_string(breach what);

struct guard_limits {
    std::chrono::microseconds warned{2'000};   ///< processor time in one call, beyond which a line is logged
    std::chrono::microseconds counted{20'000}; ///< beyond which it is counted as much too slow
    unsigned tolerated =
        10; ///< breaches that did no harm because the guard caught them; the next is one too many
};

/// What the guard has seen of one instance, to be shown.
struct guard_counts {
    std::uint64_t breaches = 0;
    std::uint64_t slow_calls = 0;      ///< beyond `warned`
    std::uint64_t very_slow_calls = 0; ///< beyond `counted`
    std::chrono::microseconds longest{0};
    std::string last_breach; ///< sentence
};

/// Why a call was made; handed back when it ends.
struct call_origin {
    static constexpr std::uint32_t none = 0xffff'ffff;
    std::uint32_t rule = none;
    std::uint32_t action = none; ///< place in the rule
    std::uint64_t event = 0;
    std::uint64_t sequel = 0; ///< the caller's own
};

/// The host's side of one instance: what passes the guard arrives here.
class module_listener {
public:
    module_listener() = default;
    module_listener(const module_listener&) = delete;
    module_listener& operator=(const module_listener&) = delete;
    virtual ~module_listener() = default;

    /// Service is wanted. [any thread]
    virtual void module_wakes() noexcept = 0;

    /// New values, checked against the manifest; borrowed.
    virtual void module_status(std::span<const iom_value> values) = 0;

    /// A trigger by its place in the manifest, its variables checked; borrowed.
    virtual void module_triggers(std::size_t trigger, std::span<const iom_value> variables) = 0;

    /// Exactly once for each invoke that was accepted.
    virtual void module_done(const call_origin& origin, iom_outcome outcome, std::string_view sentence) = 0;

    /// The extension iom.match/1. False where there is no such match.
    virtual bool module_tests(std::uint32_t match, const iom_value& message, bool capture, bool& holds) = 0;

    /// The extension iom.text/1. `expanded` stays good until the next call; false: it holds a sentence.
    virtual bool module_expands(std::string_view written, std::string_view& expanded) = 0;
    virtual void module_begins_session() = 0;

    /// The extension iom.keep/1. What is kept stays good until the next call of module_keeps; false: it is
    /// too long, and nothing is kept.
    virtual bool module_keeps(std::string_view what) = 0;
    virtual std::string_view module_kept() = 0;

    /// One breach too many, or one that no going on is safe after: destroy the instance as soon as none of
    /// its calls is on the stack, and start it again later.
    virtual void module_condemned(std::string_view sentence) = 0;
};

/// Which module function the [control] thread is in, for all instances; a thread of its own names one that
/// never returns. Made on [control].
class call_watch {
public:
    explicit call_watch(log& journal, std::chrono::milliseconds patience = std::chrono::seconds(1));
    ~call_watch();

    call_watch(const call_watch&) = delete;
    call_watch& operator=(const call_watch&) = delete;

    [[nodiscard]] bool is_control() const noexcept { return pthread_equal(pthread_self(), control_) != 0; }

private:
    friend class guarded;

    /// One call into a module; they lie on the stack of [control], the innermost first.
    struct frame {
        class guarded* owner = nullptr;
        const char* function = "";
        frame* outer = nullptr;
        std::chrono::steady_clock::time_point begun;
        std::chrono::steady_clock::duration in_host{0}; ///< spent in what the host did for the module
    };

    void enter(frame& call);
    void leave(frame& call);
    void forget(const guarded& owner);
    [[nodiscard]] std::chrono::steady_clock::duration
    processor_time(const frame& call, std::chrono::steady_clock::duration passed);
    void watch();

    log& journal_;
    const std::chrono::milliseconds patience_;
    const pthread_t control_;

    // [control] alone.
    frame* innermost_ = nullptr;
    std::chrono::steady_clock::time_point reading_at_{};
    std::chrono::nanoseconds reading_{0}; ///< of the thread's processor time, then

    // What the watching thread looks at.
    std::atomic<std::uint64_t> changes_{0};
    std::atomic<const char*> function_{nullptr};
    std::atomic<const guarded*> owner_{nullptr};

    std::mutex mutex_;
    std::condition_variable ends_;
    bool ending_ = false;
    std::thread watcher_;
};

/// What an instance answered.
struct module_answer {
    iom_result result = IOM_OK;
    std::string sentence;

    [[nodiscard]] bool ok() const noexcept { return result == IOM_OK; }
};

/// One instance of a module, behind the guard. All functions are [control]. An object must outlive whatever
/// the module's threads could still call by mistake: keep it for a while after destroy.
class guarded {
public:
    enum class state : std::uint8_t { none, created, running, stopping, ended };

    guarded(const loaded_module& module, std::string name, module_listener& listener, log& journal,
            call_watch& watch, guard_limits limits = {});
    ~guarded();

    guarded(const guarded&) = delete;
    guarded& operator=(const guarded&) = delete;

    module_answer create();
    module_answer set(std::span<const iom_value> settings);
    module_answer start();

    /// `action` is its place in the manifest.
    module_answer invoke(std::size_t action, std::span<const iom_value> arguments, const call_origin& origin);

    /// What service answered. When the module has stopped, calls that it left open have been ended.
    struct serviced {
        bool more = false;
        bool stopped = false;
    };
    serviced service();

    void stop();

    /// Ends the instance, and every open call with it.
    void destroy(std::string_view reason);

    [[nodiscard]] state now() const noexcept { return state_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool running() const noexcept { return now() == state::running; }
    [[nodiscard]] bool condemned() const noexcept { return condemned_; }
    [[nodiscard]] bool on_stack() const noexcept; ///< one of its calls has not returned
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const guard_counts& counts() const noexcept { return counts_; }
    [[nodiscard]] std::size_t open_calls() const noexcept { return open_; }

private:
    enum class function : std::uint8_t { none, create, set, start, invoke, service, stop, destroy };
    struct call_slot {
        std::uint32_t generation = 0;
        bool open = false;
        call_origin origin;
    };
    class scope;

    // The host's functions, as the module sees them.
    static guarded& self(const iom_host* host) noexcept;
    static const void* host_extension(const iom_host* host, const char* name) noexcept;
    static void host_log(const iom_host* host, std::uint32_t level, iom_text line) noexcept;
    static void host_wake(const iom_host* host) noexcept;
    static void host_status(const iom_host* host, const iom_value* values, std::size_t count) noexcept;
    static void host_trigger(const iom_host* host, std::uint32_t trigger, const iom_value* variables,
                             std::size_t count) noexcept;
    static void host_done(const iom_host* host, std::uint64_t call, std::uint32_t outcome,
                          iom_text sentence) noexcept;
    static std::uint32_t match_test(const iom_host* host, std::uint32_t match,
                                    const iom_value* message) noexcept;
    static std::uint32_t match_capture(const iom_host* host, std::uint32_t match,
                                       const iom_value* message) noexcept;
    static std::uint32_t text_expand(const iom_host* host, iom_text written, iom_text* expanded) noexcept;
    static void text_begin_session(const iom_host* host) noexcept;
    static std::uint32_t keep_bytes(const iom_host* host, iom_bytes what) noexcept;
    static iom_bytes kept_bytes(const iom_host* host) noexcept;

    std::uint32_t test(std::uint32_t match, const iom_value* message, bool capture) noexcept;
    bool on_control(const char* what) noexcept;
    bool in_service(const char* what) noexcept;
    bool alive(const char* what) noexcept;
    bool fits(const iom_value& value, const manifest::field& field, const char* what);
    void breached(breach what, const std::string& sentence, bool harmless) noexcept;
    void settle(); ///< takes up breaches that happened on other threads
    void finish(call_slot& slot, iom_outcome outcome, std::string_view sentence);
    void finish_all(std::string_view sentence);
    module_answer answer(std::uint32_t result, const iom_text& why, const char* what, bool may_restart);
    template <typename Call>
    bool call(function which, const char* name, Call&& body);
    void judge_time(const char* name, std::chrono::steady_clock::duration used);
    template <typename Body>
    void in_host(const char* what, Body&& body) noexcept;

    iom_host host_{};
    const loaded_module& module_;
    const std::string name_;
    module_listener& listener_;
    log& journal_;
    call_watch& watch_;
    const guard_limits limits_;

    iom_instance* instance_ = nullptr;
    std::atomic<state> state_{state::none};
    function inside_ = function::none; ///< the innermost of this instance's calls
    bool was_set_ = false;
    bool condemned_ = false;
    guard_counts counts_;
    std::chrono::steady_clock::time_point told_of_time_{};
    std::atomic<unsigned> late_calls_{0}; ///< after destroy

    std::vector<std::uint32_t> status_places_; ///< by number
    std::vector<std::uint32_t> trigger_places_;

    std::vector<call_slot> slots_;
    std::vector<std::uint32_t> free_;
    std::size_t open_ = 0;

    std::mutex foreign_mutex_;
    std::vector<std::pair<breach, std::string>> foreign_; ///< bounded
    std::atomic<bool> any_foreign_{false};
};

} // namespace iom::host
