#pragma once

#include "guard.hpp"
#include "loop.hpp"
#include "project.hpp"
#include "rules.hpp"
#include "text.hpp"
#include "value.hpp"
#include "variables.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace iom::host {

class instance;

/// Who runs instances: what they do arrives here.
class instance_owner {
public:
    instance_owner() = default;
    instance_owner(const instance_owner&) = delete;
    instance_owner& operator=(const instance_owner&) = delete;
    virtual ~instance_owner() = default;

    /// Service is wanted. [any thread]
    virtual void wants_service(instance& who) noexcept = 0;

    /// A trigger by its number, with its variables in the manifest's order; borrowed.
    virtual void triggered(instance& who, std::uint32_t trigger, std::span<const value_view> variables) = 0;

    /// Exactly once for each call that was accepted.
    virtual void call_ended(instance& who, const call_origin& origin, iom_outcome outcome,
                            std::string_view sentence) = 0;

    /// It has come to the end that stop asked for.
    virtual void stopped(instance& who) = 0;

    /// Its module broke the contract once too often: to be destroyed, and started again later.
    virtual void condemned(instance& who, std::string_view sentence) = 0;

    /// Supplies what a text of a setting refers to outside the instance itself: secrets, environment, host
    /// variables, other statuses, time and chance.
    virtual bool supply(instance& who, const reference& what, value_view& found, std::string& why) = 0;

    /// Statuses have changed; they have their new values already.
    virtual void status_changed(instance& /*who*/) noexcept {}
};

/// A status variable as it was last posted.
struct status_entry {
    value what;
    std::chrono::system_clock::time_point changed{};
};

/// One instance of a module with all that the host knows of it: statuses, session values, matches. [control]
class instance final : public serviced_by_loop, private module_listener {
public:
    instance(std::string name, const loaded_module& module, instance_owner& owner, log& journal,
             call_watch& watch, redactor& known, guard_limits limits = {});
    ~instance() override;

    /// The project that its texts are read with, and its place in it.
    void place(std::shared_ptr<const project> from, std::uint32_t index, surroundings& around);

    /// A fresh object of the module; for the first time, and again after it was condemned.
    module_answer create();

    /// Gives settings that `settings_of` made.
    module_answer set(std::span<const setting_value> settings);

    module_answer start();
    void stop();

    /// Begins an action, by its number.
    module_answer invoke(std::uint32_t action, std::span<const argument_view> arguments,
                         const call_origin& origin);

    /// Ends it at once; create may follow.
    void destroy(std::string_view reason);

    /// Puts service off, so that the module pauses reading its line: for an owner that cannot take more now.
    /// Whoever lets go asks for service.
    void hold(bool held) noexcept { held_ = held; }
    [[nodiscard]] bool held() const noexcept { return held_; }

    /// One bounded batch; tells the owner when it has come to its end.
    bool service_batch() override;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
    [[nodiscard]] const loaded_module& module() const noexcept { return module_; }
    [[nodiscard]] guarded::state now() const noexcept;
    [[nodiscard]] bool condemned() const noexcept { return guard_ != nullptr && guard_->condemned(); }
    [[nodiscard]] std::size_t open_calls() const noexcept {
        return guard_ != nullptr ? guard_->open_calls() : 0;
    }
    [[nodiscard]] const guard_counts& counts() const noexcept { return counts_; }

    /// In the manifest's order.
    [[nodiscard]] std::span<const status_entry> statuses() const noexcept { return statuses_; }
    [[nodiscard]] session_values& session() noexcept { return session_; }

    /// Expands a text of a setting as the module would have it expanded.
    bool expand(std::string_view written, std::string& expanded, std::string& why);

private:
    class setting_scope;

    void module_wakes() noexcept override;
    void module_status(std::span<const iom_value> values) override;
    void module_triggers(std::size_t trigger, std::span<const iom_value> variables) override;
    void module_done(const call_origin& origin, iom_outcome outcome, std::string_view sentence) override;
    bool module_tests(std::uint32_t match, const iom_value& message, bool capture, bool& holds) override;
    bool module_expands(std::string_view written, std::string_view& expanded) override;
    void module_begins_session() override;
    bool module_keeps(std::string_view what) override;
    std::string_view module_kept() override { return kept_; }
    void module_condemned(std::string_view sentence) override;

    void reset_statuses();
    std::uint32_t handle_of(const std::shared_ptr<const match>& test);

    struct known_match {
        std::shared_ptr<const match> test;
        std::vector<std::uint32_t> symbols; ///< of its captures' names; no_symbol where it has none
    };

    const std::string name_;
    const loaded_module& module_;
    instance_owner& owner_;
    log& journal_;
    call_watch& watch_;
    redactor& known_;
    const guard_limits limits_;

    std::shared_ptr<const project> project_;
    std::uint32_t index_ = 0;
    surroundings* around_ = nullptr;
    std::unique_ptr<naming> names_;

    std::unique_ptr<guarded> guard_;
    std::vector<std::unique_ptr<guarded>> dead_; ///< kept for late calls of their threads
    guard_counts counts_;
    bool held_ = false;

    std::vector<status_entry> statuses_;
    std::vector<std::uint32_t> status_places_; ///< by number
    std::vector<std::uint32_t> action_places_;
    session_values session_;
    std::string kept_; ///< for iom.keep/1; outlives the module's object

    std::vector<known_match> matches_; ///< a handle is the place + 1
    std::unordered_map<const match*, std::uint32_t> handles_;
    json_document json_;

    std::map<std::string, text_template, std::less<>> texts_; ///< of settings, read once
    std::set<std::string, std::less<>> secret_texts_;         ///< what they expand to is a secret
    std::string expanded_;
    std::string why_;
    std::vector<iom_value> arguments_;
    std::vector<value_view> variables_;
};

/// A borrowed value of the contract as one of the host's, and back; a match is none.
[[nodiscard]] value_view view_of(const iom_value& from) noexcept;
[[nodiscard]] iom_value contract_value(std::uint32_t number, value_view from) noexcept;

} // namespace iom::host
