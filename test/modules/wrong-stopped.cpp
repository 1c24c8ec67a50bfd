// Reports that it has stopped, although nobody asked it to.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t service() override { return sample::service() | IOM_STOPPED; }
};

} // namespace

IOM_TEST_MODULE(wrong);
