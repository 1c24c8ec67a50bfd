// Gives a text that has a size and no place.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t service() override {
        const std::uint32_t result = sample::service();
        iom_value greeting = iom::test::value_of(iom::test::ids::status::greeting, "");
        greeting.as.text = {nullptr, 12};
        post(greeting);
        return result;
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
