#pragma once

#include <initializer_list>

namespace iom::host {

/// Signals as something to read: from here on they no longer interrupt, they wait to be taken. To be made
/// before the first thread, which inherits what is blocked.
class signals {
public:
    explicit signals(std::initializer_list<int> taken);
    ~signals();
    signals(const signals&) = delete;
    signals& operator=(const signals&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    /// The next one, or 0 if none waits.
    int take();

private:
    int descriptor_ = -1;
};

} // namespace iom::host
