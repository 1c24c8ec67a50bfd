#pragma once

#include "iom/match.h"
#include "iom/text.h"
#include "module/instance.hpp"
#include "module/values.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// A host and a line in place of the real ones, for tests of an instance without network and without a clock.
namespace iom::ws {

inline std::string to_text(const iom_value& value) {
    switch (value.kind) {
    case IOM_BOOL:
        return value.as.boolean != 0 ? "true" : "false";
    case IOM_INT:
        return std::to_string(value.as.integer);
    case IOM_REAL: {
        std::string text = std::to_string(value.as.real);
        text.erase(text.find_last_not_of('0') + 1);
        return text.ends_with('.') ? text + '0' : text;
    }
    case IOM_TEXT:
        return std::string(bytes_of(value));
    case IOM_BYTES:
        return "<" + std::string(bytes_of(value)) + ">";
    default:
        return "match";
    }
}

/// Writes down what it is told: "trigger(values)", "done(call outcome sentence)". Texts ${NAME} come from
/// `texts`, matches are texts to be contained.
class fake_host {
public:
    fake_host() {
        table.data = this;
        table.extension = [](const iom_host* self, const char* name) -> const void* {
            const auto& host = *static_cast<const fake_host*>(self->data);
            if (!host.lends) {
                return nullptr;
            }
            return std::string_view(name) == IOM_MATCH_EXTENSION  ? static_cast<const void*>(&match_table())
                   : std::string_view(name) == IOM_TEXT_EXTENSION ? static_cast<const void*>(&text_table())
                   : std::string_view(name) == IOM_KEEP_EXTENSION ? static_cast<const void*>(&keep_table())
                                                                  : nullptr;
        };
        table.log = [](const iom_host* self, std::uint32_t level, iom_text line) {
            of(self).logged.push_back(std::to_string(level) + " " + std::string(line.data, line.size));
        };
        table.wake = [](const iom_host* self) { ++of(self).wakes; };
        table.status = [](const iom_host* self, const iom_value* values, std::size_t count) {
            ++of(self).posts;
            for (std::size_t index = 0; index < count && !of(self).quiet; ++index) {
                of(self).statuses[values[index].id] = to_text(values[index]);
            }
        };
        table.trigger = [](const iom_host* self, std::uint32_t trigger, const iom_value* variables,
                           std::size_t count) {
            fake_host& host = of(self);
            if (host.quiet) {
                ++host.triggers;
            } else {
                std::string text = names().at(trigger) + "(";
                for (std::size_t index = 0; index < count; ++index) {
                    EXPECT_EQ(variables[index].id, index + 1) << "variables stand in the manifest's order";
                    text += (index == 0 ? "" : ", ") + to_text(variables[index]);
                }
                host.told.push_back(text + ")");
            }
            if (host.on_trigger) {
                host.on_trigger(trigger, variables, count);
            }
        };
        table.done = [](const iom_host* self, std::uint64_t call, std::uint32_t outcome, iom_text sentence) {
            fake_host& host = of(self);
            if (host.quiet) {
                ++host.dones;
                return;
            }
            ++host.ended[call];
            static constexpr const char* outcomes[] = {"done", "given up", "timed out"};
            host.told.push_back("done(" + std::to_string(call) + " " + outcomes[outcome] + ")");
            host.sentences[call] = sentence.size == 0 ? "" : std::string(sentence.data, sentence.size);
        };
    }

    /// What was told since the last call, as one line.
    std::string take() {
        std::string text;
        for (const std::string& line : told) {
            text += (text.empty() ? "" : " ") + line;
        }
        told.clear();
        return text;
    }

    iom_host table{};
    bool lends = true;
    bool quiet = false; ///< count only
    std::string kept;   ///< through iom.keep/1
    std::size_t triggers = 0;
    std::size_t dones = 0;
    std::vector<std::string> told;
    std::vector<std::string> logged;
    std::map<std::uint32_t, std::string> statuses;
    std::map<std::uint64_t, int> ended; ///< how often each call was
    std::map<std::uint64_t, std::string> sentences;
    std::map<std::string, std::string> texts;
    std::map<std::uint32_t, std::string> matches;
    std::vector<std::string> captured;
    int sessions = 0;
    int posts = 0;
    int wakes = 0;
    std::function<void(std::uint32_t, const iom_value*, std::size_t)> on_trigger;
    void* user = nullptr; ///< the test's own

private:
    static fake_host& of(const iom_host* self) { return *static_cast<fake_host*>(self->data); }

    static const std::map<std::uint32_t, std::string>& names() {
        namespace t = ids::trigger;
        static const std::map<std::uint32_t, std::string> table{
            {t::connected, "connected"},
            {t::websocket_established, "websocket-established"},
            {t::disconnected, "disconnected"},
            {t::message_received, "message-received"},
            {t::ready, "ready"},
            {t::error, "error"},
            {t::faulted, "faulted"},
            {t::credentials_rejected, "credentials-rejected"},
            {t::silence, "silence"},
            {t::message_dropped, "message-dropped"},
            {t::reply_received, "reply-received"},
            {t::request_timeout, "request-timeout"},
        };
        return table;
    }

    bool holds(std::uint32_t match, const iom_value* message) const {
        return bytes_of(*message).find(matches.at(match)) != std::string_view::npos;
    }

    static const iom_match_host& match_table() {
        static const iom_match_host table{
            [](const iom_host* self, std::uint32_t match, const iom_value* message) -> std::uint32_t {
                return of(self).holds(match, message) ? 1 : 0;
            },
            [](const iom_host* self, std::uint32_t match, const iom_value* message) -> std::uint32_t {
                if (!of(self).holds(match, message)) {
                    return 0;
                }
                of(self).captured.push_back(to_text(*message));
                return 1;
            },
        };
        return table;
    }

    static const iom_keep_host& keep_table() {
        static const iom_keep_host table{
            [](const iom_host* self, iom_bytes what) -> std::uint32_t {
                const bool fits = what.size <= 65536;
                of(self).kept.assign(reinterpret_cast<const char*>(what.data), fits ? what.size : 0);
                return fits ? IOM_OK : IOM_ARGUMENT;
            },
            [](const iom_host* self) -> iom_bytes {
                const std::string& kept = of(self).kept;
                return {reinterpret_cast<const std::uint8_t*>(kept.data()), kept.size()};
            },
        };
        return table;
    }

    static const iom_text_host& text_table() {
        static const iom_text_host table{
            [](const iom_host* self, iom_text written, iom_text* expanded) -> std::uint32_t {
                fake_host& host = of(self);
                host.expanded_ = std::string(written.data, written.size);
                for (std::size_t at = 0; (at = host.expanded_.find("${")) != std::string::npos;) {
                    const std::size_t end = host.expanded_.find('}', at);
                    const auto found = host.texts.find(host.expanded_.substr(at + 2, end - at - 2));
                    if (found == host.texts.end()) {
                        host.expanded_ = "there is no such text.";
                        *expanded = {host.expanded_.data(), host.expanded_.size()};
                        return IOM_FAILED;
                    }
                    host.expanded_.replace(at, end + 1 - at, found->second);
                }
                *expanded = {host.expanded_.data(), host.expanded_.size()};
                return IOM_OK;
            },
            [](const iom_host* self) { ++of(self).sessions; },
        };
        return table;
    }

    std::string expanded_;
};

/// The network thread's end of the mailbox, played by the test.
class fake_line final : public line {
public:
    port* attach(mailbox& with, const iom_host& /*host*/, std::shared_ptr<const settings> /*what*/) override {
        if (fails) {
            throw std::bad_alloc();
        }
        ++attached;
        box = &with;
        return reinterpret_cast<port*>(this);
    }
    void ring(port* /*at*/) noexcept override { ++rings; }
    void detach(port* /*at*/) noexcept override {
        --attached;
        box = nullptr;
    }
    [[nodiscard]] std::int64_t now() const noexcept override { return time; }

    /// The commands since the last call but alarms, as one line; the alarm is kept.
    std::string commands() {
        std::string text;
        while (const record* what = box->commands.next()) {
            const std::string parts = std::string(what->parts[0]) + "|" + std::string(what->parts[1]) + "|" +
                                      std::string(what->parts[2]);
            std::string command;
            switch (what->type) {
            case record_type::identity:
                command = "identity(" + std::to_string(what->number) + " " + parts + ")";
                break;
            case record_type::connect:
                command = "connect(" + std::to_string(what->number) + ")";
                break;
            case record_type::disconnect:
                command = "disconnect(" + std::to_string(what->number) + " " + std::to_string(what->value) +
                          " " + std::string(what->parts[0]) + ")";
                break;
            case record_type::ping:
                command = "ping(" + std::to_string(what->number) + ")";
                break;
            case record_type::ready:
                command = "ready(" + std::to_string(what->number) + ")";
                break;
            case record_type::fail:
                command = "fail(" + std::to_string(what->number) + " " +
                          std::string(name_of(static_cast<layer>(what->detail))) + " " +
                          std::string(what->parts[0]) + " " + std::string(what->parts[1]) + ")";
                break;
            case record_type::alarm_at:
                alarm = static_cast<std::int64_t>(what->number);
                continue;
            case record_type::stop:
                command = "stop";
                break;
            default:
                command = "unexpected";
                break;
            }
            text += (text.empty() ? "" : " ") + command;
        }
        box->commands.settle();
        return text;
    }

    /// The sends since the last call: "sequence:payload@session", <payload> where binary, (own) behind the
    /// recipe's.
    std::string sends() {
        std::string text;
        while (const record* what = box->sends.next()) {
            const bool binary = (what->flags & flag_binary) != 0;
            text += (text.empty() ? "" : " ") + std::to_string(what->number) + ":" + (binary ? "<" : "") +
                    std::string(what->parts[0]) + (binary ? ">" : "") + "@" + std::to_string(what->value) +
                    ((what->flags & flag_own) != 0 ? "(own)" : "");
        }
        box->sends.settle();
        return text;
    }

    mailbox* box = nullptr;
    std::int64_t time = 1'000'000'000;
    std::int64_t alarm = 0;
    int attached = 0;
    int rings = 0;
    bool fails = false;
};

} // namespace iom::ws
