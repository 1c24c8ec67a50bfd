#include "module/codec.hpp"
#include "module/instance.hpp"
#include "module/values.hpp"

#include <algorithm>
#include <utility>

/// The actions of an instance: what is accepted, what is refused with which sentence, and where it goes.
namespace iom::ws {

namespace {

namespace argument = ids::argument;
namespace status = ids::status;

// Beyond this much on its way to the line a send is refused, whatever the policy.
constexpr std::size_t too_much = 4 * mailbox::mark_high;
constexpr std::size_t largest_message = std::size_t{64} << 20;

/// What a client may tell in a Close frame (RFC 6455 section 7.4; 1005, 1006 and 1015 are never sent).
bool may_close_with(std::int64_t code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1011) || (code >= 3000 && code <= 4999);
}

} // namespace

std::uint32_t instance::invoke(std::uint64_t call, std::uint32_t action, std::span<const iom_value> arguments,
                               iom_text* why) {
    *why = {};
    std::uint32_t result = IOM_OK;
    if (port_ == nullptr || stopping_) {
        result = refuse(IOM_STATE, stopping_ ? "The instance is being stopped and takes no more actions."
                                             : "The instance is not running. Start it first.");
    } else {
        try {
            result = begin(call, action, arguments);
        } catch (...) {
            // Refused after all: no done may follow.
            std::erase(open_calls_, call);
            std::erase(connects_, call);
            requests_.remove(call);
            throw;
        }
    }
    if (result != IOM_OK) {
        *why = as_text(why_);
        return result;
    }
    if (!servicing_ && (!drops_.empty() || !ended_.empty() || !deferred_.empty())) {
        host_.wake(&host_); // what is told in service
    }
    return result;
}

std::uint32_t instance::begin(std::uint64_t call, std::uint32_t action,
                              std::span<const iom_value> arguments) {
    switch (action) {
    case ids::action::connect:
        return connect(call, arguments);
    case ids::action::disconnect:
        return disconnect(call, arguments);
    case ids::action::send_message:
        return send_message(call, arguments);
    case ids::action::send_binary:
        return send_binary(call, arguments);
    case ids::action::request:
        return request(call, arguments);
    case ids::action::ping:
        return ping(call, arguments);
    case ids::action::clear_queue:
        return clear_queue(call, arguments);
    default:
        return refuse(IOM_ARGUMENT, "There is no action " + std::to_string(action) +
                                        ". Use the manifest that came with this module.");
    }
}

std::uint32_t instance::connect(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values(ids::arguments_of_connect, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    const iom_value* given = find_value(arguments, argument::connect::bearer_token);
    std::optional<std::string> token;
    if (given != nullptr && given->as.text.size > 0) {
        token = std::string(bytes_of(*given));
        if (std::any_of(token->begin(), token->end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x21 || c == 0x7F; })) {
            return refuse(IOM_ARGUMENT,
                          "Bearer token: it has a space, line break or control character in it. Check the "
                          "answer that it was taken from.");
        }
    }
    open_calls_.push_back(call);
    connects_.push_back(call);
    wanted_ = true;
    token_ = std::move(token);
    remember_wish();
    if (!settings_->identity_expands) {
        send_identity(0);
    }
    const record_head command{.type = record_type::connect, .number = call};
    if (deferred_.empty()) {
        push_command(command);
    } else {
        deferred_.push_back({command, {}});
    }
    return IOM_OK;
}

std::uint32_t instance::disconnect(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values(ids::arguments_of_disconnect, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    const iom_value* code = find_value(arguments, argument::disconnect::code);
    const iom_value* reason = find_value(arguments, argument::disconnect::reason);
    const std::int64_t number = code != nullptr ? code->as.integer : ids::argument_default::disconnect::code;
    if (!may_close_with(number)) {
        return refuse(IOM_ARGUMENT,
                      "Code: " + std::to_string(number) +
                          " is no code that a client may close with. Use 1000, or one from 3000 to 4999.");
    }
    open_calls_.push_back(call);
    wanted_ = false;
    token_.reset();
    remember_wish();
    now_ = line_->now();
    close_with({.type = record_type::disconnect, .number = call, .value = static_cast<std::uint64_t>(number)},
               reason != nullptr ? bytes_of(*reason) : std::string_view());
    return IOM_OK;
}

std::uint32_t instance::send_message(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values(ids::arguments_of_send_message, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    const iom_value* key = find_value(arguments, argument::send_message::key);
    return take_message(call, "Send Message",
                        bytes_of(*find_value(arguments, argument::send_message::message)), false,
                        key != nullptr ? bytes_of(*key) : std::string_view(), false);
}

std::uint32_t instance::send_binary(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values(ids::arguments_of_send_binary, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    const iom_value& data = *find_value(arguments, argument::send_binary::data);
    const iom_value* encoding = find_value(arguments, argument::send_binary::encoding);
    const iom_value* key = find_value(arguments, argument::send_binary::key);
    const std::string_view written = bytes_of(data);
    const std::string_view how =
        encoding != nullptr ? bytes_of(*encoding) : ids::argument_default::send_binary::encoding;
    const std::string_view key_text = key != nullptr ? bytes_of(*key) : std::string_view();

    // Exactly one binary value comes as bytes. Written into text it would be its own hex, so hex takes it as
    // it is.
    if (how == "raw" || (how == "hex" && data.kind == IOM_BYTES)) {
        return take_message(call, "Send binary", written, true, key_text, false);
    }
    std::optional<std::string> bytes;
    if (how == "hex") {
        bytes = from_hex(written);
    } else if (how == "base64") {
        if (data.kind == IOM_BYTES) {
            return refuse(IOM_ARGUMENT, "Data: a binary message is not base64. Set Encoding to raw.");
        }
        bytes = from_base64(written);
    } else {
        return refuse(IOM_ARGUMENT, "Encoding: it takes hex, base64 or raw.");
    }
    if (!bytes) {
        return refuse(IOM_ARGUMENT,
                      how == "hex" ? "Data: it is not hex. Write two digits 0-9, a-f for each byte."
                                   : "Data: it is not base64. Check where it comes from, or set Encoding.");
    }
    return take_message(call, "Send binary", *bytes, true, key_text, false);
}

std::uint32_t instance::request(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values(ids::arguments_of_request, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    const iom_value* match = find_value(arguments, argument::request::match);
    if (match != nullptr && !lender_.has_match()) {
        return refuse(IOM_ARGUMENT,
                      "Answer: this host has no iom.match/1 to test messages with. Leave it empty.");
    }
    if (requests_.full()) {
        return refuse(IOM_BUSY, "Request: " + std::to_string(requests::most) +
                                    " requests wait for their answers already. Send fewer at a time, or give "
                                    "them a shorter Timeout.");
    }
    const iom_value* timeout = find_value(arguments, argument::request::timeout);
    double seconds = ids::argument_default::request::timeout;
    if (timeout != nullptr) {
        seconds = timeout->kind == IOM_INT ? static_cast<double>(timeout->as.integer) : timeout->as.real;
    }
    pending_request pending;
    pending.call = call;
    pending.timeout = static_cast<std::int64_t>(seconds * static_cast<double>(second));
    pending.message = bytes_of(*find_value(arguments, argument::request::message));
    if (match != nullptr) {
        pending.match = match->as.match;
    }
    requests_.add(std::move(pending));
    const std::uint32_t result = take_message(
        call, "Request", bytes_of(*find_value(arguments, argument::request::message)), false, {}, true);
    if (result != IOM_OK) {
        requests_.remove(call);
    }
    return result;
}

std::uint32_t instance::ping(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values({}, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    if (!open_) {
        return refuse(IOM_OFFLINE, "Ping: there is no session to send it in. Connect first.");
    }
    open_calls_.push_back(call);
    push_command({.type = record_type::ping, .number = call});
    return IOM_OK;
}

std::uint32_t instance::clear_queue(std::uint64_t call, std::span<const iom_value> arguments) {
    if (std::string wrong = judge_values({}, arguments); !wrong.empty()) {
        return refuse(IOM_ARGUMENT, std::move(wrong));
    }
    ended_.push_back({call, IOM_DONE, {}});
    outbound_.clear(drop_reason::cleared, drops_);
    statuses_.set(status::queue_depth, std::int64_t{0});
    return IOM_OK;
}

std::uint32_t instance::take_message(std::uint64_t call, std::string_view label, std::string_view payload,
                                     bool binary, std::string_view key, bool is_request) {
    if (payload.size() > largest_message) {
        return refuse(IOM_ARGUMENT, std::string(label) + ": the message has " +
                                        std::to_string(payload.size()) +
                                        " bytes, 64 MiB is the most. Send it in parts.");
    }
    const bool error_policy = settings_->offline_policy == offline_policy::error;
    if (error_policy && !open_) {
        refuse(IOM_OFFLINE,
               std::string(label) + ": there is no session (" + std::string(name_of(state_)) +
                   "), so the message was not sent. Connect first, or set When not established to queue.");
        log(IOM_LOG_ERROR, why_);
        return IOM_OFFLINE;
    }
    // With a queue messages wait for ready, and none overtakes those that wait.
    const bool direct =
        error_policy ? open_ : ready_ && open_ && outbound_.empty() && !box_->sends.full() && !gate_.shut;
    if (direct && gate_.slow && !servicing_) {
        return refuse(IOM_BUSY, std::string(label) +
                                    ": more is sent than the line carries, and what waits has to go out "
                                    "first. Send less, try again later, or set When not established to "
                                    "queue.");
    }
    if (direct && box_->sends.waiting() > too_much) {
        return refuse(IOM_BUSY, std::string(label) +
                                    ": more than 4 MiB wait to be sent, the line takes no more. Send less, "
                                    "or try again later.");
    }
    ++order_;
    if (servicing_) {
        answered_ += payload.size() + 1;
    }
    if (!direct) {
        waiting_message message;
        message.order = order_;
        message.call = call;
        message.since = line_->now();
        message.binary = binary;
        message.request = is_request;
        message.payload = payload;
        message.key = key;
        outbound_.add(std::move(message), drops_);
        statuses_.set(status::queue_depth, static_cast<std::int64_t>(outbound_.depth()));
        if (!servicing_) {
            host_.wake(&host_);
        }
        return IOM_OK;
    }
    statuses_.set_message(status::last_sent, payload, binary);
    // The time is looked at only if the message comes back to a queue.
    hand_over(payload, {.call = call,
                        .order = order_,
                        .since = error_policy ? 0 : line_->now(),
                        .binary = binary,
                        .request = is_request,
                        .key = key});
    return IOM_OK;
}

} // namespace iom::ws
