// Ends a call that was never made.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t service() override {
        done(4711, IOM_DONE, {});
        return sample::service();
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
