// Needs a function that nobody has.

#include "sample.hpp"

extern "C" int iom_test_function_that_nobody_has();

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    void stop() override {
        iom_test_function_that_nobody_has();
        sample::stop();
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
