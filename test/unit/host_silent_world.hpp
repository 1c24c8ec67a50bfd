#pragma once

#include "rules.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace iom::host {

/// A world that swallows everything.
class silent_world final : public effects, public trace_sink {
public:
    bool invoke(const invocation& what, std::string& /*why*/) override {
        for (const auto& one : what.arguments) {
            bytes += one.what.text.size();
        }
        ++invoked;
        return true;
    }
    value_view status(std::uint32_t, std::uint32_t) override {
        return value_view::of(std::string_view{"ready"});
    }
    std::string_view instance_name(std::uint32_t) override { return "press"; }
    session_values& session(std::uint32_t) override { return session_; }
    bool captured(std::uint32_t, std::uint32_t, value_view&, std::string&) override { return false; }
    bool secret(std::uint32_t, value_view&, std::string&) override { return false; }
    bool environment(std::uint32_t, value_view&, std::string&) override { return false; }
    std::string_view uuid() override { return "u"; }
    std::string_view now() override { return "n"; }

    void begin(cause, const event&, std::uint32_t, std::uint32_t, time_us) override {}
    void looked(std::uint32_t, verdict, std::uint32_t) override {}
    void acted(std::uint32_t, std::uint32_t, bool, time_us, std::string_view) override {}
    void end(std::uint32_t, std::uint32_t) override {}
    void complain(std::uint32_t, std::string_view) override {}

    std::size_t invoked = 0;
    std::size_t bytes = 0;

private:
    session_values session_;
};

} // namespace iom::host
