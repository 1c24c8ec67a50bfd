// Posts a status while it is given its settings.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t start(iom_text* why) override {
        post(iom::test::value_of(iom::test::ids::status::count, std::int64_t{7}));
        return sample::start(why);
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
