// Fires a trigger with too few variables, and with those of another.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t service() override {
        const iom_value message = iom::test::value_of(iom::test::ids::variable::said::message, "alone");
        host_->trigger(host_, iom::test::ids::trigger::said, &message, 1);
        const iom_value other[] = {message, iom::test::value_of(77, true)};
        host_->trigger(host_, iom::test::ids::trigger::said, other, 2);
        return sample::service();
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
