#pragma once

#include "guard.hpp"
#include "http/client.hpp"
#include "instance.hpp"
#include "log.hpp"
#include "loop.hpp"
#include "project.hpp"
#include "redact.hpp"
#include "rules.hpp"
#include "signals.hpp"
#include "site.hpp"
#include "trace.hpp"
#include "variables.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace iom::host {

struct runtime_options {
    std::filesystem::path project;
    std::filesystem::path modules;                   ///< folder
    std::vector<std::filesystem::path> file_folders; ///< besides the project's own
    bool trace_aloud = false;                        ///< log every event's trace
    guard_limits limits;

    /// How long instances may take to stop; each is bounded by its own settings, this bounds a module that
    /// does not keep to them.
    time_us stop_bound = 150 * one_second;
    time_us restart_first = one_second;     ///< after a module's fault; doubles each time …
    time_us restart_most = 60 * one_second; ///< … up to this
};

/// Tries settings on an instance of its own that is never started, so that the module's own sentences are
/// heard before anything is touched. Mistakes name the place of the setting that the sentence is about.
void try_settings(const std::shared_ptr<const project>& from, std::uint32_t index, site& around, log& journal,
                  call_watch& watch, redactor& known, std::vector<manifest::mistake>& mistakes);

/// Where in the project file a module's sentence about an instance's settings belongs.
[[nodiscard]] manifest::location place_of_sentence(const project& from, std::uint32_t index,
                                                   std::string_view sentence);

/// Who looks on, for people. All calls come on [control] and must return at once.
class onlooker {
public:
    onlooker() = default;
    onlooker(const onlooker&) = delete;
    onlooker& operator=(const onlooker&) = delete;
    virtual ~onlooker() = default;

    virtual void status_changed(std::uint32_t index, const instance& who) noexcept = 0;
    virtual void rules_walked() noexcept = 0; ///< or an action of theirs has ended
    virtual void project_changed() = 0;       ///< it is in use now: loaded, or loaded again
    /// What `runtime::call` began has ended.
    virtual void call_ended(std::uint64_t ticket, iom_outcome outcome, std::string_view sentence) = 0;
};

/// A project at work: instances and rules on the control loop. All functions are [control].
class runtime final : private instance_owner, private effects {
public:
    runtime(runtime_options options, log& journal, redactor& known);
    ~runtime() override;
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;

    /// Reads and checks the project, loads its modules and gives each instance its settings; nothing is
    /// started. False, and nothing left behind, if there is any mistake.
    bool load(std::vector<manifest::mistake>& mistakes);

    /// Starts every instance; then the rules are live.
    void start();

    /// Runs until a signal asks for the end and every instance has stopped.
    void run(signals& from_outside);

    // The parts of run, for tests.
    void turn(std::optional<time_us> deadline);
    void reload();

    /// The project as it will be, on its way into use; and after that, what was in use before.
    struct candidate {
        std::uint32_t generation = 0; ///< that it is to follow
        std::size_t symbols = 0;      ///< that were known then
        std::unique_ptr<site> around;
        std::shared_ptr<const project> read; ///< null: it has mistakes
        std::vector<std::vector<setting_value>> settings;
        std::vector<manifest::mistake> mistakes;
        std::unique_ptr<variables> values;
        std::unique_ptr<rule_engine> engine;
        std::vector<instance*> kept; ///< for each of its instances: the one that goes on, or null
        std::size_t judged = 0;      ///< instances whose settings were tried on the modules
    };
    // `reload` in parts, so that rules need not wait while the project is read and compiled.
    [[nodiscard]] candidate begin_reload();
    /// Takes long. `text`: what is in the file, where that is known already. [any thread]
    void prepare(candidate& what, std::shared_ptr<const std::string> text = nullptr);
    /// Has some of the changed settings judged by their modules; true if there are more.
    [[nodiscard]] bool judge_some(candidate& what);
    enum class reloaded : std::uint8_t {
        done,
        refused, ///< it has mistakes, and the log says which: everything goes on as before
        outdated ///< another one has come into use since `begin_reload`
    };
    [[nodiscard]] reloaded finish_reload(candidate& what);
    void ask_to_stop();
    [[nodiscard]] bool has_stopped() const;

    /// Logs why each rule last said no, and the newest events.
    void explain();

    [[nodiscard]] instance* find(std::string_view name);
    [[nodiscard]] rule_engine& engine() { return *engine_; }
    [[nodiscard]] trace& events() { return trace_; }
    [[nodiscard]] const project& current() const { return *project_; }
    [[nodiscard]] variables& values() { return *variables_; }
    [[nodiscard]] control_loop& loop() { return loop_; }

    enum class phase : std::uint8_t {
        idle, ///< has its settings, is not started
        running,
        leaving,    ///< stops for good
        restarting, ///< stops, to start with new settings
        broken,     ///< failed or condemned; is started again later
    };

    /// Null: nobody any more.
    void shown_to(onlooker* who) { onlooker_ = who; }
    [[nodiscard]] const std::shared_ptr<const project>& shared() const noexcept { return project_; }
    [[nodiscard]] std::uint32_t generation() const noexcept { return generation_; }
    [[nodiscard]] std::size_t instances() const noexcept { return units_.size(); }
    [[nodiscard]] const instance& at(std::uint32_t index) const { return *units_[index]->it; }
    [[nodiscard]] phase phase_of(std::uint32_t index) const { return units_[index]->now; }
    /// Why it is out of order; empty if it is not.
    [[nodiscard]] const std::string& trouble_of(std::uint32_t index) const { return units_[index]->trouble; }
    [[nodiscard]] const runtime_options& made_with() const noexcept { return options_; }
    [[nodiscard]] site& around() noexcept { return site_; }
    [[nodiscard]] call_watch& watcher() noexcept { return watch_; }

    /// The modules' own judgement on an instance's settings, as `load` would have it; nothing is touched.
    void judge_settings(const std::shared_ptr<const project>& from, std::uint32_t index, site& around,
                        std::vector<manifest::mistake>& mistakes);

    /// Begins an action for a person; its end is told to the onlooker. False with a sentence if it is
    /// refused.
    bool call(std::uint32_t index, std::uint32_t action, std::span<const argument_view> arguments,
              std::uint64_t ticket, std::string& why);

private:
    struct unit {
        std::unique_ptr<instance> it;
        std::vector<setting_value> settings;
        phase now = phase::idle;
        time_us started = 0;
        time_us retry_at = 0;
        time_us retry_delay = 0;
        time_us stop_by = 0;
        bool told_of_stop = false;
        std::string trouble; ///< while broken
    };

    // instance_owner
    void wants_service(instance& who) noexcept override;
    void triggered(instance& who, std::uint32_t trigger, std::span<const value_view> variables) override;
    void call_ended(instance& who, const call_origin& origin, iom_outcome outcome,
                    std::string_view sentence) override;
    void stopped(instance& who) override;
    void condemned(instance& who, std::string_view sentence) override;
    bool supply(instance& who, const reference& what, value_view& found, std::string& why) override;
    void status_changed(instance& who) noexcept override;

    // effects
    bool invoke(const invocation& what, std::string& why) override;
    value_view status(std::uint32_t instance, std::uint32_t status) override;
    std::string_view instance_name(std::uint32_t instance) override;
    session_values& session(std::uint32_t instance) override;
    bool captured(std::uint32_t instance, std::uint32_t symbol, value_view& found, std::string& why) override;
    bool secret(std::uint32_t symbol, value_view& found, std::string& why) override;
    bool environment(std::uint32_t symbol, value_view& found, std::string& why) override;
    std::string_view uuid() override;
    std::string_view now() override;

    bool read(site& around, std::shared_ptr<const project>& read,
              std::vector<std::vector<setting_value>>& settings, std::vector<manifest::mistake>& mistakes,
              std::shared_ptr<const std::string> text = nullptr);
    std::unique_ptr<unit> make_unit(const project& from, std::uint32_t index);
    void compile(candidate& what);
    void use(candidate& next);
    [[nodiscard]] bool is_outdated(const candidate& what) const;
    void start_unit(unit& which);
    void stop_unit(unit& which, phase towards);
    void broke(unit& which, std::string_view sentence);
    void apply(unit& which, std::vector<setting_value> settings, std::size_t& live, std::size_t& restarted);
    void look_after_units();
    void bury(unit& which);
    unit* unit_of(const instance& who);
    [[nodiscard]] std::optional<time_us> next_deadline() const;
    [[nodiscard]] std::optional<time_us> next_of_units() const;
    bool invoke_host(const invocation& what, std::string& why);
    bool invoke_http(const invocation& what, std::string& why);
    void http_ended(const call_origin& origin, const std::string& request, const http_result& result);
    [[nodiscard]] call_origin origin_of(const invocation& what) const;
    [[nodiscard]] std::optional<std::uint32_t> rule_of(const call_origin& origin) const;
    void ended(const call_origin& origin, std::string_view instance, iom_outcome outcome,
               std::string_view sentence);
    void hand_over(const project& before, rule_engine& engine_before);
    time_us rules_time(time_us now) noexcept;
    void watch_clock();
    void clock_was_set();
    [[nodiscard]] bool says_mistakes(const std::vector<manifest::mistake>& mistakes);

    const runtime_options options_;
    log& journal_;
    redactor& known_;
    site site_;
    control_loop loop_;
    http_client http_{loop_};
    call_watch watch_;
    trace trace_;

    std::shared_ptr<const project> project_;
    std::uint32_t generation_ = 0;                              ///< of the project
    std::map<std::uint32_t, std::vector<std::uint32_t>> moved_; ///< by generation: where its rules stand now
    std::unique_ptr<variables> variables_;
    std::unique_ptr<rule_engine> engine_;
    std::vector<std::unique_ptr<unit>> units_;   ///< in the project's order
    std::vector<std::unique_ptr<unit>> leaving_; ///< no longer in the project, but not at their end
    std::vector<std::unique_ptr<unit>> dead_;    ///< kept for late calls of their modules' threads
    std::vector<std::pair<instance*, std::string>> condemned_; ///< and why
    bool units_changed_ = false;                               ///< something that look_after_units has to do
    std::optional<time_us> units_due_;                         ///< or when it will have
    time_us rules_time_ = 0;
    bool stopping_ = false;
    bool cut_ = false;
    onlooker* onlooker_ = nullptr;
    std::uint64_t trace_shown_ = 0; ///< up to which change

    std::string now_;
    std::string uuid_;
    std::array<unsigned char, 256> chance_{};
    std::size_t chance_left_ = 0;
    std::vector<argument_view> arguments_;
    session_values no_session_;
    int clock_ = -1; ///< tells when somebody sets the clock
    std::chrono::nanoseconds clock_offset_{0};
};

} // namespace iom::host
