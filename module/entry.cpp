#include "iom/iom.h"
#include "module/instance.hpp"
#include "module/values.hpp"

#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string_view>

/// What the contract calls an instance: the real one, and the sentence of last resort.
struct iom_instance {
    explicit iom_instance(const iom_host& table) : host(table), real(table, iom::ws::shared_link) {}

    const iom_host& host;
    iom::ws::instance real;
};

namespace {

constexpr std::string_view out_of_memory =
    "There is no memory left for this. End what is not needed, then try again.";

/// No exception crosses the C edge: what cannot be done for lack of memory is answered with `otherwise`.
template <class Result, class Work>
Result guarded(const iom_host& host, Result otherwise, Work&& work) noexcept {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        host.log(&host, IOM_LOG_ERROR, iom::ws::as_text(out_of_memory));
    } catch (const std::exception& problem) {
        host.log(&host, IOM_LOG_ERROR, iom::ws::as_text(problem.what()));
    }
    return otherwise;
}

template <class Work>
std::uint32_t answered(const iom_host& host, iom_text* why, Work&& work) noexcept {
    const std::uint32_t none = ~std::uint32_t{0};
    const std::uint32_t result = guarded(host, none, work);
    if (result != none) {
        return result;
    }
    *why = iom::ws::as_text(out_of_memory);
    return IOM_FAILED;
}

std::span<const iom_value> as_span(const iom_value* values, size_t count) {
    return count == 0 ? std::span<const iom_value>() : std::span(values, count);
}

const void* extension(iom_instance* /*self*/, const char* /*name*/) {
    return nullptr;
}

std::uint32_t set(iom_instance* self, const iom_value* settings, size_t count, iom_text* why) {
    return answered(self->host, why, [&] { return self->real.set(as_span(settings, count), why); });
}

std::uint32_t start(iom_instance* self, iom_text* why) {
    return answered(self->host, why, [&] { return self->real.start(why); });
}

std::uint32_t invoke(iom_instance* self, std::uint64_t call, std::uint32_t action, const iom_value* arguments,
                     size_t count, iom_text* why) {
    return answered(self->host, why,
                    [&] { return self->real.invoke(call, action, as_span(arguments, count), why); });
}

std::uint32_t service(iom_instance* self) {
    // What is left undone is tried again in the next round.
    return guarded(self->host, std::uint32_t{IOM_MORE}, [&] { return self->real.service(); });
}

void stop(iom_instance* self) {
    guarded(self->host, 0, [&] {
        self->real.stop();
        return 0;
    });
}

void destroy(iom_instance* self) {
    delete self;
}

constexpr iom_module functions{extension, set, start, invoke, service, stop, destroy};

std::uint32_t create(const iom_host* host, std::uint64_t token, iom_instance** made, iom_text* why) {
    *why = {};
    *made = nullptr;
    if (token != iom::ws::ids::token) {
        *why = iom::ws::as_text(
            "The manifest beside the module is of another version. Install websocket-client.so and "
            "websocket-client.xml together.");
        return IOM_TOKEN;
    }
    return answered(*host, why, [&] {
        *made = std::make_unique<iom_instance>(*host).release();
        return std::uint32_t{IOM_OK};
    });
}

} // namespace

extern "C" {
extern __attribute__((visibility("default"))) const struct iom_entry iom_entry;

const struct iom_entry iom_entry = {
    IOM_ABI, iom::ws::ids::module_id, iom::ws::ids::module_version, iom::ws::ids::token, &functions, create,
};
}
