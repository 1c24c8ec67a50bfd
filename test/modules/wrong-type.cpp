// Posts a status as text where the manifest says int, and a state that is none of its choices.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t service() override {
        const std::uint32_t result = sample::service();
        post(iom::test::value_of(iom::test::ids::status::count, "many"));
        post(iom::test::value_of(iom::test::ids::status::state, "flying"));
        return result;
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
