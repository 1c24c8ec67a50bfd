// Brings the process down as soon as it starts.

#include "sample.hpp"

#include <cstdlib>

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t start(iom_text* /*why*/) override { std::abort(); }
};

} // namespace

IOM_TEST_MODULE(wrong);
