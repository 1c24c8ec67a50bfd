// A stranger's module: an energy meter that always answers, drawn by the page from its manifest alone.

#include "sample.hpp"

namespace {

namespace ids = iom::test::ids;

class meter final : public iom::test::sample {
public:
    using sample::sample;

    std::uint32_t set(std::span<const iom_value> settings, iom_text* why) override {
        std::string address;
        std::string model;
        std::int64_t unit = 1;
        for (const iom_value& each : settings) {
            if (each.id == ids::setting::address) {
                address.assign(each.as.text.data, each.as.text.size);
            } else if (each.id == ids::setting::model) {
                model.assign(each.as.text.data, each.as.text.size);
            } else if (each.id == ids::setting::unit) {
                unit = each.as.integer;
            } else if (each.id == ids::setting::limit) {
                limit_ = each.as.real;
            }
        }
        if (address.empty()) {
            return refuse(IOM_SETTING, "Address must be there.", why);
        }
        if (running_ && (address != address_ || model != model_ || unit != unit_)) {
            return IOM_RESTART;
        }
        address_ = address;
        model_ = model;
        unit_ = unit;
        return IOM_OK;
    }

    std::uint32_t start(iom_text* why) override {
        if (address_.empty()) {
            return refuse(IOM_STATE, "It has no address yet.", why);
        }
        running_ = true;
        stopping_ = false;
        wake();
        return IOM_OK;
    }

    std::uint32_t invoke(std::uint64_t call, std::uint32_t action, std::span<const iom_value> arguments,
                         iom_text* why) override {
        if (action != ids::action::read_now && action != ids::action::reset) {
            return refuse(IOM_ARGUMENT, "There is no action " + std::to_string(action) + ".", why);
        }
        request order{call, action, 0, false};
        for (const iom_value& each : arguments) {
            if (each.id == ids::argument::reset::to) {
                order.to = each.as.real;
            } else if (each.id == ids::argument::reset::sure) {
                order.sure = each.as.boolean != 0;
            }
        }
        orders_.push_back(order);
        wake();
        return IOM_OK;
    }

    std::uint32_t service() override {
        if (!orders_.empty()) {
            const request order = orders_.front();
            orders_.pop_front();
            const bool refused = order.action == ids::action::reset && !order.sure;
            if (order.action == ids::action::reset && order.sure) {
                energy_ = order.to;
            }
            done(order.call, refused ? IOM_GIVEN_UP : IOM_DONE,
                 refused ? "Nothing was reset: I am sure is not set." : "");
        }
        post(iom::test::value_of(ids::status::polling, stopping_ ? "off" : "good"));
        post(real(ids::status::power, power_));
        post(real(ids::status::energy, energy_));
        post(iom::test::value_of(ids::status::over, power_ > limit_));
        if (!orders_.empty()) {
            return IOM_MORE;
        }
        if (stopping_) {
            running_ = false;
            return IOM_STOPPED;
        }
        return 0;
    }

private:
    struct request {
        std::uint64_t call;
        std::uint32_t action;
        double to;
        bool sure;
    };

    static iom_value real(std::uint32_t id, double value) {
        iom_value made{};
        made.id = id;
        made.kind = IOM_REAL;
        made.as.real = value;
        return made;
    }

    std::deque<request> orders_;
    std::string address_;
    std::string model_;
    std::int64_t unit_ = 1;
    double limit_ = 40; // kW
    double power_ = 31.4;
    double energy_ = 20'417.6;
};

} // namespace

IOM_TEST_MODULE(meter);
