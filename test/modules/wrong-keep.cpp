// Keeps the message of each "say" through iom.keep/1, and breaks the contract at "fail": what was kept shows
// as the greeting of the object that is made after it.

#include "sample.hpp"

#include "iom/keep.h"

namespace {

class wrong final : public iom::test::sample {
public:
    explicit wrong(const iom_host* host)
        : sample(host), keep_(static_cast<const iom_keep_host*>(host->extension(host, IOM_KEEP_EXTENSION))) {}

    std::uint32_t start(iom_text* why) override {
        const iom_bytes kept = keep_->kept(host_);
        greeting_ = "kept:" + std::string(reinterpret_cast<const char*>(kept.data), kept.size);
        return sample::start(why);
    }

    std::uint32_t invoke(std::uint64_t call, std::uint32_t action, std::span<const iom_value> arguments,
                         iom_text* why) override {
        if (action == iom::test::ids::action::say && arguments.size() == 1) {
            const iom_text message = arguments[0].as.text;
            if (const std::uint32_t result =
                    keep_->keep(host_, {reinterpret_cast<const std::uint8_t*>(message.data), message.size});
                result != IOM_OK) {
                static constexpr std::string_view sentence = "It was not kept.";
                *why = {sentence.data(), sentence.size()};
                return result;
            }
        }
        wrong_ = wrong_ || action == iom::test::ids::action::fail;
        return sample::invoke(call, action, arguments, why);
    }

    std::uint32_t service() override {
        if (wrong_) {
            done(4711, IOM_DONE, {});
        }
        return sample::service();
    }

private:
    const iom_keep_host* keep_;
    bool wrong_ = false;
};

} // namespace

IOM_TEST_MODULE(wrong);
