#pragma once

#include SAMPLE_IDS

#include "iom/iom.h"

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>

/// A module that keeps the contract and does very little. The wrong ones derive from it, and do one thing
/// wrong.
namespace iom::test {

inline iom_text text_of(std::string_view text) {
    return {text.data(), text.size()};
}

inline iom_value value_of(std::uint32_t id, std::string_view text) {
    iom_value made{};
    made.id = id;
    made.kind = IOM_TEXT;
    made.as.text = text_of(text);
    return made;
}

inline iom_value value_of(std::uint32_t id, const char* text) {
    return value_of(id, std::string_view(text));
}

inline iom_value value_of(std::uint32_t id, std::int64_t integer) {
    iom_value made{};
    made.id = id;
    made.kind = IOM_INT;
    made.as.integer = integer;
    return made;
}

inline iom_value value_of(std::uint32_t id, bool truth) {
    iom_value made{};
    made.id = id;
    made.kind = IOM_BOOL;
    made.as.boolean = truth ? 1 : 0;
    return made;
}

class sample {
public:
    explicit sample(const iom_host* host);
    virtual ~sample() = default;
    sample(const sample&) = delete;
    sample& operator=(const sample&) = delete;

    virtual std::uint32_t set(std::span<const iom_value> settings, iom_text* why);
    virtual std::uint32_t start(iom_text* why);
    virtual std::uint32_t invoke(std::uint64_t call, std::uint32_t action,
                                 std::span<const iom_value> arguments, iom_text* why);
    virtual std::uint32_t service();
    virtual void stop();

protected:
    std::uint32_t refuse(std::uint32_t result, std::string sentence, iom_text* why);
    void log(iom_level level, std::string_view line) const { host_->log(host_, level, text_of(line)); }
    void wake() const { host_->wake(host_); }
    void post(const iom_value& status) const { host_->status(host_, &status, 1); }
    void done(std::uint64_t call, std::uint32_t outcome, std::string_view sentence) const {
        host_->done(host_, call, outcome, text_of(sentence));
    }
    void say(const std::string& message);
    std::string expand(const std::string& written);

    const iom_host* host_;
    std::deque<std::pair<std::uint64_t, std::uint32_t>> calls_; ///< accepted: number and action
    std::deque<std::string> messages_;                          ///< of "say", in the same order
    std::deque<std::uint64_t> kept_;
    bool running_ = false;
    bool stopping_ = false;
    bool told_start_ = false;
    std::string title_;
    std::string greeting_;
    std::string key_;
    std::uint32_t match_ = 0;
    std::int64_t count_ = 0;
    std::int64_t starts_ = 0;
    std::string why_;
};

/// The functions of a module whose instances are of this type.
template <typename Module>
struct functions_of {
    static sample& self(iom_instance* instance) {
        return *static_cast<sample*>(static_cast<void*>(instance));
    }

    static const void* extension(iom_instance* /*instance*/, const char* /*name*/) { return nullptr; }
    static std::uint32_t set(iom_instance* instance, const iom_value* settings, std::size_t count,
                             iom_text* why) {
        return self(instance).set({settings, count}, why);
    }
    static std::uint32_t start(iom_instance* instance, iom_text* why) { return self(instance).start(why); }
    static std::uint32_t invoke(iom_instance* instance, std::uint64_t call, std::uint32_t action,
                                const iom_value* arguments, std::size_t count, iom_text* why) {
        return self(instance).invoke(call, action, {arguments, count}, why);
    }
    static std::uint32_t service(iom_instance* instance) { return self(instance).service(); }
    static void stop(iom_instance* instance) { self(instance).stop(); }
    static void destroy(iom_instance* instance) { delete &self(instance); }

    static std::uint32_t create(const iom_host* host, std::uint64_t token, iom_instance** instance,
                                iom_text* why) {
        if (token != ids::token) {
            *why = text_of("It was made for another manifest.");
            return IOM_TOKEN;
        }
        sample* const made = new Module(host);
        *instance = static_cast<iom_instance*>(static_cast<void*>(made));
        return IOM_OK;
    }

    static constexpr iom_module table{extension, set, start, invoke, service, stop, destroy};
    static constexpr iom_entry entry{IOM_ABI,    ids::module_id, ids::module_version,
                                     ids::token, &table,         create};
};

} // namespace iom::test

/// The one symbol of a module.
#define IOM_TEST_ENTRY(content)                                                                              \
    extern "C" __attribute__((visibility("default")))                                                        \
    const iom_entry iom_entry_symbol __asm__(IOM_ENTRY_SYMBOL);                                              \
    const iom_entry iom_entry_symbol = content

#define IOM_TEST_MODULE(type) IOM_TEST_ENTRY(::iom::test::functions_of<type>::entry)
