#pragma once

#include "log.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The last lines of the log and the last frames, for the page, in memory that has a bound. [any thread]
namespace iom::host::web {

struct line {
    std::uint64_t number = 0; ///< 1, 2, … over lines and frames together
    std::int64_t time = 0;    ///< milliseconds since 1970
    log_level level = log_level::info;
    std::string instance;
    std::string rule;
    std::string text;
};

/// As it was written; it points into the line.
[[nodiscard]] log_record record_of(const line& of);

/// A frame as Log Comms has written it: `in  text fin 5 bytes: hello`.
struct frame_words {
    bool in = false;
    std::string_view opcode;
    bool fin = false;
    std::uint64_t length = 0;
    std::string payload; ///< what the log had escaped is as it was
    bool hex = false;
    bool cut = false;
};
[[nodiscard]] std::optional<frame_words> read_frame(std::string_view line);

class book final : public log_keeper {
public:
    static constexpr std::size_t most_bytes = std::size_t{2} << 20U; ///< of lines, and again of frames
    static constexpr std::size_t most_lines = 10'000;

    void keep(const log_record& what) override;

    struct page {
        std::vector<line> lines;   ///< the oldest first
        std::uint64_t skipped = 0; ///< that would have passed, or are gone already
        std::uint64_t last = 0;    ///< up to which was looked
        bool more = false;         ///< there are older ones that pass
    };
    using passes = std::function<bool(const line&)>;

    /// The newest that pass and are older than `before`; lines with frames among
    /// them, or frames alone.
    [[nodiscard]] page newest(std::size_t most, std::uint64_t before, bool frames_only,
                              const passes& which) const;
    /// Those after a number, at most so many of them: the newest, and how many were left out.
    [[nodiscard]] page after(std::uint64_t number, std::size_t most, bool frames_only,
                             const passes& which) const;

    [[nodiscard]] std::uint64_t last() const;

    /// Is called, on whatever thread has written, after the first line since `expect`; must not log.
    void tell(std::function<void()> how);
    void expect();

private:
    struct shelf {
        std::deque<line> lines;
        std::size_t bytes = 0;
        std::uint64_t dropped = 0; ///< the newest number that has fallen out
        void add(line what);
    };
    mutable std::mutex mutex_;
    shelf lines_;
    shelf frames_;
    std::uint64_t last_ = 0;
    bool expected_ = false;
    std::function<void()> tell_;
};

} // namespace iom::host::web
