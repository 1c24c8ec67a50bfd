#pragma once

#include "iom/iom.h"
#include "iom/keep.h"
#include "iom/match.h"
#include "iom/text.h"

#include <cstdint>
#include <string_view>

namespace iom::ws {

/// What the host lends: its matches and its texts. All functions are [control].
class lender {
public:
    explicit lender(const iom_host& host);

    [[nodiscard]] bool has_match() const { return match_ != nullptr; }

    /// True if the message holds the match.
    [[nodiscard]] bool test(std::uint32_t match, const iom_value& message) const;

    /// The same; its captures become ${session/NAME}.
    [[nodiscard]] bool capture(std::uint32_t match, const iom_value& message) const;

    /// Puts in what ${...} stands for. False, and a sentence in `expanded`, if that cannot be. The view holds
    /// until the next call.
    [[nodiscard]] bool expand(std::string_view written, std::string_view& expanded) const;

    /// Captures and ${seq} of the last session are over.
    void forget_session() const;

    /// Has the host remember this for the object that comes after this one, if this one should fail. False if
    /// the host does not; it is no failure that a host lends no memory at all.
    [[nodiscard]] bool keep(std::string_view what) const;

    /// What was kept last; empty if nothing. Holds until the next keep, or until destroy.
    [[nodiscard]] std::string_view kept() const;

private:
    const iom_host& host_;
    const iom_match_host* match_;
    const iom_text_host* text_;
    const iom_keep_host* keep_;
};

} // namespace iom::ws
