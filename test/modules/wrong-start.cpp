// Starts without settings.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t start(iom_text* why) override {
        title_ = "made up";
        return sample::start(why);
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
