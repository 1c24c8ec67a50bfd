// libwebsockets of our own build as a bare echo client, one thread:  libwebsockets_echo URL [--ca F]
// [--deflate]

#include "arguments.hpp"

#include <cstdio>
#include <cstring>
#include <deque>
#include <libwebsockets.h>
#include <string>
#include <vector>

namespace {

constexpr unsigned service_buffer = 65536;

struct message {
    std::vector<unsigned char> bytes; ///< LWS_PRE, then the payload
    bool binary = false;
};

struct echo {
    message coming;
    std::deque<message> waiting;
    std::vector<message> spare; ///< buffers to be used again
    bool over = false;
    bool failed = false;
};

void received(echo& it, lws* session, const void* in, std::size_t size) {
    if (lws_is_first_fragment(session) != 0) {
        if (!it.spare.empty()) {
            it.coming = std::move(it.spare.back());
            it.spare.pop_back();
        }
        it.coming.bytes.resize(LWS_PRE);
        it.coming.binary = lws_frame_is_binary(session) != 0;
    }
    const auto* const bytes = static_cast<const unsigned char*>(in);
    it.coming.bytes.insert(it.coming.bytes.end(), bytes, bytes + size);
    if (lws_is_final_fragment(session) != 0) {
        it.waiting.push_back(std::move(it.coming));
        lws_callback_on_writable(session);
    }
}

int write(echo& it, lws* session) {
    do {
        if (it.waiting.empty()) {
            return 0;
        }
        message& first = it.waiting.front();
        if (lws_write(session, first.bytes.data() + LWS_PRE, first.bytes.size() - LWS_PRE,
                      first.binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT) < 0) {
            return -1;
        }
        it.spare.push_back(std::move(first));
        it.waiting.pop_front();
    } while (lws_send_pipe_choked(session) == 0);
    lws_callback_on_writable(session);
    return 0;
}

int callback(lws* session, lws_callback_reasons reason, void*, void* in, std::size_t size) {
    echo& it = *static_cast<echo*>(lws_context_user(lws_get_context(session)));
    switch (reason) {
    case LWS_CALLBACK_CLIENT_RECEIVE:
        received(it, session, in, size);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write(it, session);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        std::fprintf(stderr, "libwebsockets_echo: %s\n", in == nullptr ? "" : static_cast<const char*>(in));
        it.failed = true;
        it.over = true;
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        it.over = true;
        return 0;
    default:
        return 0;
    }
}

int run(const bench::arguments& how) {
    lws_set_log_level(0, nullptr);
    const lws_protocols protocols[] = {{"echo", callback, 0, service_buffer, 0, nullptr, 0},
                                       LWS_PROTOCOL_LIST_TERM};
    const lws_extension extensions[] = {
        {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate"},
        {nullptr, nullptr, nullptr}};
    echo it;
    lws_context_creation_info info{};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.extensions = how.deflate ? extensions : nullptr;
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_VALIDATE_UTF8;
    info.pt_serv_buf_size = service_buffer;
    info.client_ssl_ca_filepath = how.ca.empty() ? nullptr : how.ca.c_str();
    info.user = &it;
    lws_context* const context = lws_create_context(&info);
    if (context == nullptr) {
        std::fprintf(stderr, "libwebsockets_echo: no context\n");
        return 1;
    }
    const std::string host = "127.0.0.1:" + how.port;
    lws_client_connect_info to{};
    to.context = context;
    to.address = "127.0.0.1";
    to.port = how.port_number();
    to.path = "/";
    to.host = host.c_str();
    to.ssl_connection = how.secure ? LCCSCF_USE_SSL : 0;
    to.local_protocol_name = "echo";
    if (lws_client_connect_via_info(&to) == nullptr) {
        it.over = it.failed = true;
    }
    while (!it.over && lws_service(context, 0) >= 0) {}
    lws_context_destroy(context);
    return it.failed ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(bench::arguments(argc, argv));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "libwebsockets_echo: %s\n", error.what());
        return 1;
    }
}
