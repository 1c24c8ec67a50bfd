// Refuses without a sentence.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t invoke(std::uint64_t /*call*/, std::uint32_t /*action*/,
                         std::span<const iom_value> /*arguments*/, iom_text* /*why*/) override {
        return IOM_OFFLINE;
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
