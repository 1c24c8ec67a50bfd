#pragma once

#include "iom/iom.h"
#include "module/mailbox.hpp"

#include <cstdint>
#include <memory>

namespace iom::ws {

/// The network thread as an instance sees it. All functions but now() are called on [control].
class line {
public:
    struct port; ///< the line's own

    virtual ~line() = default;

    /// Makes a session for an instance, in state stopped; it does nothing until a command comes. `box` and
    /// `host` (log and wake only) are used until detach returns. Throws std::system_error or std::bad_alloc.
    virtual port* attach(mailbox& box, const iom_host& host, std::shared_ptr<const settings> what) = 0;

    /// Commands, sends, settings or room are there for the session of this port.
    virtual void ring(port* at) noexcept = 0;

    /// Ends the session at once, with or without a stop before it; neither box nor host are touched any more.
    virtual void detach(port* at) noexcept = 0;

    /// Nanoseconds of a clock that only goes forward, never 0. [any]
    [[nodiscard]] virtual std::int64_t now() const noexcept = 0;
};

/// The one link of this module: thread and context begin with the first holder and end with the last.
/// Throws std::system_error where no thread can be had. Defined in link.cpp.
std::shared_ptr<line> shared_link();

} // namespace iom::ws
