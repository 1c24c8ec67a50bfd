// Fires a trigger from a thread of its own instead of waking the host.

#include "sample.hpp"

#include <thread>

namespace {

class wrong final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t start(iom_text* why) override {
        const std::uint32_t result = sample::start(why);
        std::thread([this] {
            const iom_value title =
                iom::test::value_of(iom::test::ids::variable::started::title, "from a thread");
            host_->trigger(host_, iom::test::ids::trigger::started, &title, 1);
        }).join();
        return result;
    }
};

} // namespace

IOM_TEST_MODULE(wrong);
