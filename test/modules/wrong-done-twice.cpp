// Ends each call twice.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t service() override {
        const auto calls = calls_;
        const std::uint32_t result = sample::service();
        for (const auto& [call, action] : calls) {
            done(call, IOM_DONE, {});
        }
        return result;
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
