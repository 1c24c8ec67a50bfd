#pragma once

#include "web/body.hpp"

#include <deque>
#include <map>

namespace iom::host::web {

/// One open page: its subscriptions, and what it has been told. Web thread.
class channel final : public talker {
public:
    static constexpr std::size_t most_subscriptions = 16;
    static constexpr std::size_t most_nonsense = 10;
    static constexpr std::size_t most_entries = 200;  ///< of a stream, in one message
    static constexpr std::int64_t most_at_once = 128; ///< messages from a page; what is over …
    static constexpr std::int64_t most_a_second = 20; ///< … is given back at this pace

    channel(web::body& host, visitor who, std::function<void()> write);
    ~channel() override;

    bool heard(std::string_view text) override;
    std::optional<std::string> next(std::uint16_t& code) override;

    /// Something may be there to be said; asks the socket. Looks whether the right still holds.
    void look(std::int64_t now);
    void news_of_trace() noexcept;
    void end(std::uint16_t code, std::string_view reason, std::string_view sentence);
    [[nodiscard]] bool listens_to_trace() const;
    /// When something that waits for its pace will be due.
    [[nodiscard]] std::optional<std::int64_t> next_due() const;

private:
    struct subscription {
        std::int64_t id = 0;
        std::string topic;
        json filter;
        std::uint64_t seq = 0;
        bool told = false; ///< full has gone out
        feed* from = nullptr;
        std::shared_ptr<const json> seen;

        // of a stream
        std::uint64_t last = 0;
        std::int64_t due = 0;
        bool stale = true;  ///< of the trace: something has happened since it was last asked for
        bool ready = false; ///< what was fetched is complete
        std::vector<json> events;
        std::uint64_t skipped = 0;
        std::uint64_t total = 0;
        std::uint64_t token = 0; ///< tells late answers from those that are waited for
    };

    void say(json what);
    void complain(std::optional<std::int64_t> id, const char* error, const char* sentence);
    void subscribe(const json& from);
    void drop(std::int64_t id);
    [[nodiscard]] bool has_something(const subscription& one, std::int64_t now) const;
    std::optional<json> compose(subscription& one);
    std::optional<json> compose_lines(subscription& one);
    std::optional<json> compose_events(subscription& one);
    void fetch_events(subscription& one);
    void fetch_next(std::int64_t now);
    [[nodiscard]] bool wants_events(const subscription& one) const;
    [[nodiscard]] bool says_too_much();

    web::body& host_;
    visitor who_;
    std::function<void()> write_;
    std::map<std::int64_t, subscription> all_;
    std::int64_t turn_ = 0;    ///< who was last served
    std::int64_t fetched_ = 0; ///< who was last asked for
    std::int64_t spoken_ = 0;  ///< when a message was last handed to the socket
    std::deque<json> waiting_; ///< hello and complaints
    std::size_t nonsense_ = 0;
    std::int64_t allowance_ = most_at_once * 1000; ///< thousandths of a message …
    std::int64_t allowed_at_ = 0;                  ///< … and when it was worked out
    std::uint16_t code_ = 0;
    bool fetching_ = false; ///< [control] is asked for the trace: by each channel once at a time
    std::uint64_t tokens_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace iom::host::web
