// Calls the host of an instance that was destroyed, while the next one is created.

#include "sample.hpp"

namespace {

const iom_host* dead = nullptr;

class wrong final : public iom::test::sample {
public:
    explicit wrong(const iom_host* host) : sample(host) {
        if (dead != nullptr) {
            dead->wake(dead);
            dead->log(dead, IOM_LOG_INFO, iom::test::text_of("a ghost speaks"));
        }
    }
    ~wrong() override { dead = host_; }
};

} // namespace

IOM_TEST_MODULE(wrong);
