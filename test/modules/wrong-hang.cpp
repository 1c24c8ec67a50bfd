// Waits in service until a file named by the title is there; a test makes it when it has seen enough.

#include "sample.hpp"

#include <unistd.h>

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t service() override {
        while (access(title_.c_str(), F_OK) != 0) {
            usleep(10'000);
        }
        return sample::service();
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
