// Tests with a match that it was never given.

#include "sample.hpp"

#include "iom/match.h"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t service() override {
        const auto* const matches =
            static_cast<const iom_match_host*>(host_->extension(host_, IOM_MATCH_EXTENSION));
        const iom_value message = iom::test::value_of(0, "anything");
        matches->test(host_, 12345, &message);
        return sample::service();
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
