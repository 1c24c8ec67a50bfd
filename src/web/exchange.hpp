#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Requests and answers as plain values, between the server and those who answer. All of it on the web
/// thread.
namespace iom::host::web {

struct request {
    std::string method;
    std::string path; ///< decoded
    std::map<std::string, std::string, std::less<>> query;
    std::string address; ///< whose it is
    std::string host;
    std::string origin;
    std::string cookie;
    std::string authorization;
    std::string content_type;
    std::string if_match;
    std::string if_none_match;
    std::string subprotocols;
    bool forwarded = false; ///< carries Forwarded, X-Forwarded-* or Via
    bool by_itself = false; ///< X-Iom-Idle: sent by the page, not by a person
    bool takes_gzip = false;
    std::optional<std::size_t> length; ///< of the body, as announced
    std::string body;
    bool gone = false; ///< nobody waits for the answer any more
};

struct answer {
    int status = 200;
    std::string body;
    std::string type = "application/json";
    std::vector<std::pair<std::string, std::string>> headers; ///< names in lower case
};

using reply = std::function<void(answer)>; ///< once, on the web thread

/// One open channel.
class talker {
public:
    talker() = default;
    talker(const talker&) = delete;
    talker& operator=(const talker&) = delete;
    virtual ~talker() = default;

    /// A whole text message came; false: close with 1008.
    virtual bool heard(std::string_view text) = 0;

    /// The socket takes more: the next message, composed now, or nothing. Where `code` is set, the channel is
    /// closed with it after this message.
    virtual std::optional<std::string> next(std::uint16_t& code) = 0;
};

/// Who answers what the server gets.
class front {
public:
    front() = default;
    front(const front&) = delete;
    front& operator=(const front&) = delete;
    virtual ~front() = default;

    /// The head of a request is there: nothing if its body (at most `limit` bytes) is to be read, otherwise
    /// what to answer at once.
    virtual std::optional<answer> admit(request& what, std::size_t& limit) = 0;
    virtual void serve(const std::shared_ptr<request>& what, reply to) = 0;

    /// Wants a channel: nothing if it may have one, otherwise what to answer.
    virtual std::optional<answer> admit_channel(request& what) = 0;
    /// `write`: asks for `next`, any number of times, as long as the talker lives.
    virtual std::unique_ptr<talker> open_channel(const request& what, std::function<void()> write) = 0;

    /// Something that was to be done on the web thread ended with an exception; who waits for it waits on.
    virtual void failed(std::string_view why) noexcept = 0;
};

} // namespace iom::host::web
