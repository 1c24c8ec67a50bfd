#pragma once

#include "redact.hpp"
#include "rule_trial.hpp"
#include "web/desk.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace iom::host::web {

/// What rules refer to, as it was at one moment: copied on [control], so that the rules can be tried where
/// nobody waits for them. One thread at a time.
class snapshot final : public trial_world {
public:
    /// For rules of `read`, whose symbols are those of `symbols`; `fired` is the event's instance. `symbols`
    /// is of no use any more when the last rule was taken.
    snapshot(std::shared_ptr<const project> read, symbol_table& symbols, std::uint32_t fired)
        : read_(std::move(read)), symbols_(symbols), fired_(fired) {}

    /// Copies what the rule refers to. [control]
    void take(desk& at, const rule& what);
    /// Takes secrets out of what was copied, before anything is compared with it.
    void hide(const redactor& known);
    /// From now on there is so much time for trials.
    void begin(time_us budget);

    value_view status(std::uint32_t index, std::uint32_t status) override;
    std::string_view instance_name(std::uint32_t index) override;
    std::optional<value_view> session(std::uint32_t index, std::uint32_t symbol) override;
    value_view variable(std::uint32_t which) override;
    std::string_view now() override;
    std::string symbol(std::uint32_t symbol) override;
    bool has_time() override;

private:
    void take(desk& at, const reference& what);
    instance* find(desk& at, std::uint32_t index) const;

    std::shared_ptr<const project> read_;
    symbol_table& symbols_;
    std::uint32_t fired_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, value> statuses_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, value> captures_; ///< those that there are
    std::map<std::uint32_t, value> variables_;
    std::map<std::uint32_t, std::string> names_; ///< of symbols
    std::string now_;
    time_us until_ = 0;
};

} // namespace iom::host::web
