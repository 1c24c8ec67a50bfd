#pragma once

#include <chrono>
#include <thread>

/// What host and module both need and neither owns.
namespace iom {

/// Decides whether a thread should look out for what it waits for before it lets the kernel put it to sleep.
/// To be woken takes some ten microseconds, more than most answers; so where the last few waits were short,
/// the next one is spent awake, and one that was not short ends that. Who gets a message now and then never
/// waits awake.
class eager_wait {
public:
    using clock = std::chrono::steady_clock;

    /// Waits of less than `most` are short ones. On a single processor nothing comes while one looks.
    explicit eager_wait(std::chrono::microseconds most,
                        bool others_run_meanwhile = std::thread::hardware_concurrency() > 1) noexcept
        : most_(most), others_run_meanwhile_(others_run_meanwhile) {}

    /// Begins a wait.
    void begin() noexcept { began_ = clock::now(); }

    /// After begin(): true once `come()` is, or false when the wait is no short one any more, or was not
    /// expected to be. Calls it again and again meanwhile, and lets other threads have this processor.
    template <typename Come>
    bool comes(Come&& come) {
        if (short_ones_ < expected_after || !others_run_meanwhile_) {
            return false;
        }
        do {
            for (int look = 0; look < looks; ++look) {
                if (come()) {
                    return true;
                }
            }
            std::this_thread::yield();
        } while (clock::now() - began_ < most_);
        short_ones_ = 0;
        return false;
    }

    /// What was waited for is here, whoever noticed.
    void end() noexcept {
        const bool was_short = clock::now() - began_ < most_;
        short_ones_ = !was_short ? 0 : short_ones_ < expected_after ? short_ones_ + 1 : short_ones_;
    }

private:
    static constexpr int expected_after = 4;
    static constexpr int looks = 16;

    const std::chrono::microseconds most_;
    const bool others_run_meanwhile_;
    clock::time_point began_;
    int short_ones_ = 0; // in a row
};

} // namespace iom
