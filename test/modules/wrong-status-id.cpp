// Posts a status that its manifest does not have, among others that are right.

#include "sample.hpp"

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t service() override {
        const std::uint32_t result = sample::service();
        const iom_value statuses[] = {iom::test::value_of(iom::test::ids::status::count, std::int64_t{41}),
                                      iom::test::value_of(999, std::int64_t{7}),
                                      iom::test::value_of(iom::test::ids::status::count, std::int64_t{42})};
        host_->status(host_, statuses, 3);
        return result;
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
