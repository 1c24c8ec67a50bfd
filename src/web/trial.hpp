#pragma once

#include "instance.hpp"
#include "web/desk.hpp"
#include "web/draft_site.hpp"
#include "web/views.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Test connection: an instance of its own beside the live one, watched layer by layer. [control]
namespace iom::host::web {

class connection_trial final : private instance_owner {
public:
    enum class state : std::uint8_t { waiting, running, passed, failed, skipped };
    struct step {
        const char* layer;
        const char* label;
        state now = state::waiting;
        std::optional<double> milliseconds; ///< unknown where it went by between two looks
        std::string detail;
        std::string sentence;
    };

    /// `read` holds the instance with the settings to try; `around` is what it was read with.
    connection_trial(desk& at, std::uint64_t number, std::shared_ptr<const project> read, std::uint32_t index,
                     std::shared_ptr<draft_site> around, log& journal, redactor& known);
    ~connection_trial() override;

    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    /// It is over and its instance has stopped: it may be taken apart.
    [[nodiscard]] bool at_rest() const noexcept { return ended_ && (resting_ || unit_ == nullptr); }
    [[nodiscard]] json to_json() const;
    /// Looks at the clock.
    void tick(time_us now);

private:
    // instance_owner
    void wants_service(instance& who) noexcept override;
    void triggered(instance&, std::uint32_t, std::span<const value_view>) override {}
    void call_ended(instance& who, const call_origin& origin, iom_outcome outcome,
                    std::string_view sentence) override;
    void stopped(instance& who) override;
    void condemned(instance& who, std::string_view sentence) override;
    bool supply(instance& who, const reference& what, value_view& found, std::string& why) override;
    void status_changed(instance& who) noexcept override;

    void begin();
    void follow();
    void pass_until(std::size_t place);
    void take_times(std::string_view told);
    void fail(const std::string& layer, const std::string& sentence);
    void end(bool passed, std::string sentence);
    [[nodiscard]] std::string text_of(std::uint32_t place) const;
    [[nodiscard]] std::size_t place_of(std::string_view layer) const;

    desk& desk_;
    const std::uint64_t number_;
    const std::shared_ptr<const project> read_;
    const std::uint32_t index_;
    const std::shared_ptr<draft_site> around_;
    log& journal_;
    redactor& known_;
    redactor tried_; ///< what the instance itself finds to be secret: not for ever, as it is only tried
    const std::string name_;
    known_statuses places_;
    std::unique_ptr<instance> unit_;
    std::vector<step> steps_;
    std::size_t current_ = 0;
    time_us began_ = 0;
    time_us entered_ = 0;
    time_us ended_at_ = 0;
    time_us deadline_ = 0;
    std::uint64_t changes_ = 0;
    bool ended_ = false;
    bool passed_ = false;
    bool pinging_ = false;
    bool asked_ = false; ///< for the ping
    bool plain_ = false; ///< ws: no TLS would ever come
    bool stopping_ = false;
    bool resting_ = false;
    time_us stop_by_ = 0;
    std::string sentence_;
    std::string supplied_;
};

} // namespace iom::host::web
