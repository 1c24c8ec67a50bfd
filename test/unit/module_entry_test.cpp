#include "unit/module_instance_fakes.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <condition_variable>
#include <dlfcn.h>
#include <mutex>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace iom::ws {
namespace {

/// The module as a host has it: loaded from its file.
class module_file : public testing::Test {
protected:
    module_file() : library_(dlopen(IOM_MODULE_FILE, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) {
        if (library_ == nullptr) {
            throw std::runtime_error(dlerror());
        }
        entry = static_cast<const struct iom_entry*>(dlsym(library_, IOM_ENTRY_SYMBOL));
        host.quiet = true;
        host.table.wake = [](const iom_host* self) {
            module_file& test = *static_cast<module_file*>(static_cast<fake_host*>(self->data)->user);
            const std::lock_guard lock(test.mutex_);
            test.woken_ = true;
            test.signal_.notify_one();
        };
        host.table.log = [](const iom_host*, std::uint32_t, iom_text) {};
        host.user = this;
    }
    ~module_file() override { dlclose(library_); }

    iom_instance* create() {
        iom_instance* made = nullptr;
        iom_text why{};
        EXPECT_EQ(entry->create(&host.table, entry->token, &made, &why), IOM_OK);
        return made;
    }

    std::uint32_t set(iom_instance* it, std::vector<iom_value> values) {
        iom_text why{};
        const std::uint32_t result = entry->functions->set(it, values.data(), values.size(), &why);
        sentence = why.size == 0 ? "" : std::string(why.data, why.size);
        return result;
    }

    /// Waits for the next wake, then serves.
    std::uint32_t serve(iom_instance* it) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(signal_.wait_for(lock, std::chrono::seconds(20), [this] { return woken_; }));
        woken_ = false;
        lock.unlock();
        std::uint32_t bits = IOM_MORE;
        while ((bits & IOM_MORE) != 0) {
            bits = entry->functions->service(it);
        }
        return bits;
    }

    const struct iom_entry* entry = nullptr;
    fake_host host;
    std::string sentence;

private:
    void* library_;
    std::mutex mutex_;
    std::condition_variable signal_;
    bool woken_ = false;
};

/// A port of the loopback on which nobody listens, for as long as this lives.
class dead_port {
public:
    dead_port() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* plain = reinterpret_cast<sockaddr*>(&address);
        if (bind(socket_, plain, size) != 0 || getsockname(socket_, plain, &size) != 0) {
            throw std::runtime_error("no port");
        }
        number = ntohs(address.sin_port);
    }
    ~dead_port() { close(socket_); }
    dead_port(const dead_port&) = delete;
    dead_port& operator=(const dead_port&) = delete;

    std::int64_t number = 0;

private:
    int socket_;
};

std::vector<iom_value> at(const dead_port& port) {
    // Retries come soon, so that there is always something to wait for.
    return {text_value(ids::setting::hostname, "127.0.0.1"), int_value(ids::setting::port, port.number),
            real_value(ids::setting::reconnect_first_max, 0), real_value(ids::setting::reconnect_min, 0.1),
            real_value(ids::setting::reconnect_max, 0.1)};
}

TEST_F(module_file, names_itself) {
    EXPECT_EQ(entry->abi, IOM_ABI);
    EXPECT_STREQ(entry->id, ids::module_id);
    EXPECT_STREQ(entry->version, ids::module_version);
    EXPECT_EQ(entry->token, ids::token);
    EXPECT_EQ(entry->functions->extension(nullptr, "iom.none/1"), nullptr);
}

TEST_F(module_file, refuses_another_manifest) {
    iom_instance* made = nullptr;
    iom_text why{};
    EXPECT_EQ(entry->create(&host.table, entry->token + 1, &made, &why), IOM_TOKEN);
    EXPECT_EQ(made, nullptr);
    EXPECT_GT(why.size, 20U);
}

TEST_F(module_file, judges_settings_without_being_started) {
    iom_instance* it = create();
    EXPECT_EQ(set(it, {text_value(ids::setting::hostname, "wss://host")}), IOM_SETTING);
    EXPECT_EQ(sentence, "Hostname: \"wss://host\" is more than a name or address. Instead set Hostname to "
                        "host, Protocol to wss.");
    EXPECT_EQ(set(it, {text_value(ids::setting::hostname, "host")}), IOM_OK);
    entry->functions->destroy(it);
}

TEST_F(module_file, tries_and_tells_and_stops) {
    const dead_port nobody;
    iom_instance* it = create();
    ASSERT_EQ(set(it, at(nobody)), IOM_OK) << sentence;
    iom_text why{};
    ASSERT_EQ(entry->functions->start(it, &why), IOM_OK);
    std::string failed;
    host.on_trigger = [&](std::uint32_t trigger, const iom_value* variables, std::size_t) {
        if (trigger == ids::trigger::error) {
            failed = to_text(variables[0]) + " " + to_text(variables[1]);
        }
    };
    while (failed.empty() && !HasFailure()) {
        serve(it);
    }
    EXPECT_EQ(failed, "tcp ECONNREFUSED");
    entry->functions->stop(it);
    while ((serve(it) & IOM_STOPPED) == 0 && !HasFailure()) {}
    // And again.
    ASSERT_EQ(entry->functions->start(it, &why), IOM_OK);
    entry->functions->stop(it);
    while ((serve(it) & IOM_STOPPED) == 0 && !HasFailure()) {}
    entry->functions->destroy(it);
}

TEST_F(module_file, can_be_destroyed_at_any_moment) {
    const dead_port nobody;
    for (int round = 0; round < 24; ++round) {
        iom_instance* it = create();
        ASSERT_EQ(set(it, at(nobody)), IOM_OK) << sentence;
        iom_text why{};
        ASSERT_EQ(entry->functions->start(it, &why), IOM_OK);
        for (int served = 0; served < round % 4; ++served) {
            serve(it);
        }
        if (round % 3 == 0) {
            entry->functions->stop(it);
        }
        entry->functions->destroy(it);
    }
}

} // namespace
} // namespace iom::ws
