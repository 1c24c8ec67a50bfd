// Fires a trigger from within invoke, also where a rule invokes it from within a trigger.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t invoke(std::uint64_t call, std::uint32_t action, std::span<const iom_value> arguments,
                         iom_text* why) override {
        const std::uint32_t result = sample::invoke(call, action, arguments, why);
        say("too early");
        return result;
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
