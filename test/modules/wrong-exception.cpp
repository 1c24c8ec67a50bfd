// Lets an exception out of service.

#include "sample.hpp"

#include <stdexcept>

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t service() override { throw std::runtime_error("nobody caught me"); }
};

} // namespace

IOM_TEST_MODULE(wrong);
