// Leaves a thread and a descriptor behind with each instance.

#include "sample.hpp"

#include <thread>
#include <unistd.h>

namespace {

class wrong final : public iom::test::sample {
public:
    explicit wrong(const iom_host* host) : sample(host) {
        [[maybe_unused]] const int left_open = dup(0);
        std::thread([] { pause(); }).detach();
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
