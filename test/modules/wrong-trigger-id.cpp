// Fires a trigger that its manifest does not have.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t service() override {
        host_->trigger(host_, 999, nullptr, 0);
        return sample::service();
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
