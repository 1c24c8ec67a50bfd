#pragma once

#include <utility> // Boost 1.74's awaitable.hpp uses std::exchange without including it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <exception>

/// The names under which the rooms with sockets use Boost.Asio: one io_context, one thread, coroutines.
namespace iom::peer {

namespace net = boost::asio;
using boost::system::error_code;

using executor = net::io_context::executor_type;
using tcp_socket = net::basic_stream_socket<net::ip::tcp, executor>;
using timer = net::basic_waitable_timer<std::chrono::steady_clock,
                                        net::wait_traits<std::chrono::steady_clock>, executor>;

template <class Result = void>
using task = net::awaitable<Result, executor>;

// GCC 12 miscompiles a co_await inside a condition or with ?: among its arguments: give the result a name
// first.

/// Completion token: the awaiting coroutine goes on, and finds the outcome in `error`.
inline auto into(error_code& error) {
    return net::redirect_error(net::use_awaitable_t<executor>{}, error);
}

/// Runs a coroutine beside the present one. It has to deal with its errors itself: an exception that leaves
/// it is a defect and ends the process.
inline void start(const executor& where, task<> work) {
    net::co_spawn(where, std::move(work), [](const std::exception_ptr& escaped) {
        if (escaped) {
            std::rethrow_exception(escaped);
        }
    });
}

} // namespace iom::peer
