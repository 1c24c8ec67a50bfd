// Stops, and leaves calls open.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    void stop() override {
        kept_.clear();
        sample::stop();
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
