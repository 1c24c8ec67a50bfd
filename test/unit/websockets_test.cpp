#include "support/programs.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <libwebsockets.h>
#include <string>

// Our patches to libwebsockets, where the module's own way of using it does not show them.

namespace {

using iom::test::patience;

// One connection to a far end, with a callback of the test's own.
class client {
public:
    using callback = std::function<int(lws*, lws_callback_reasons, const char*, std::size_t)>;

    client(const iom::test::peer& far_end, const char* path, callback heard) : heard_(std::move(heard)) {
        lws_set_log_level(0, nullptr);
        lws_context_creation_info info{};
        info.port = CONTEXT_PORT_NO_LISTEN;
        info.protocols = protocols_;
        info.pt_serv_buf_size = 4096;
        info.user = this;
        context_ = lws_create_context(&info);
        lws_client_connect_info how{};
        how.context = context_;
        how.address = "127.0.0.1";
        how.host = "127.0.0.1";
        how.port = far_end.port();
        how.path = path;
        how.local_protocol_name = "test";
        lws_client_connect_via_info(&how);
    }
    ~client() { lws_context_destroy(context_); }
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    bool until_closed() {
        const auto end = std::chrono::steady_clock::now() + patience;
        while (!closed_ && std::chrono::steady_clock::now() < end) {
            lws_service(context_, 0);
        }
        return closed_;
    }

private:
    static int called(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t size) {
        auto* const me = static_cast<client*>(lws_context_user(lws_get_context(wsi)));
        me->closed_ = me->closed_ || reason == LWS_CALLBACK_CLIENT_CLOSED ||
                      reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR;
        return me->heard_(wsi, reason, static_cast<const char*>(in), size);
    }

    callback heard_;
    bool closed_ = false;
    const lws_protocols protocols_[2] = {{"test", called, 0, 4096, 0, nullptr, 0}, LWS_PROTOCOL_LIST_TERM};
    lws_context* context_ = nullptr;
};

TEST(websockets, a_user_may_close_in_the_middle_of_a_frame) {
    const iom::test::peer far_end;
    bool asked = false;
    std::size_t more = 0;
    client me(far_end, "/big?size=100000&piece=3000",
              [&](lws* wsi, lws_callback_reasons reason, const char*, std::size_t size) {
                  if (reason != LWS_CALLBACK_CLIENT_RECEIVE) {
                      return 0;
                  }
                  more += asked ? size : 0;
                  asked = true;
                  std::string why = "enough";
                  lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE,
                                   reinterpret_cast<unsigned char*>(why.data()), why.size());
                  return -1;
              });
    ASSERT_TRUE(me.until_closed());
    EXPECT_TRUE(asked);
    EXPECT_EQ(more, 0U);
    ASSERT_TRUE(far_end.eventually("/closes", [](const auto& page) { return !page.empty(); }));
    EXPECT_EQ(far_end.get("/closes")[0]["code"], 1009);
    EXPECT_EQ(far_end.get("/closes")[0]["reason"], "enough");
}

} // namespace
