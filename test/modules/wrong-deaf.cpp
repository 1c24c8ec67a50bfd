// Does not stop when it is asked to.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    void stop() override {}
};

} // namespace

IOM_TEST_MODULE(wrong);
