// Computes for 30 ms in service, during which nothing else runs.

#include "sample.hpp"

#include <ctime>

namespace {

long milliseconds_of_this_thread() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1'000'000L;
}

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t service() override {
        const long end = milliseconds_of_this_thread() + 30;
        while (milliseconds_of_this_thread() < end) {}
        return sample::service();
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
