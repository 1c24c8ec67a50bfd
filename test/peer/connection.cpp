#include "connection.hpp"

#include "digest.hpp"
#include "fault_plan.hpp"
#include "fault_session.hpp"
#include "http.hpp"
#include "pages.hpp"
#include "session.hpp"
#include "wire.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <nlohmann/json.hpp>

namespace iom::peer {

namespace {

constexpr std::chrono::seconds handshake_time{30};
constexpr std::chrono::seconds request_time{60};
constexpr std::uint32_t largest_head = 64U << 10; // bytes
constexpr std::uint64_t largest_body = 1U << 20;  // bytes
constexpr std::size_t read_buffer = 256U << 10;   // bytes; a head and what an eager client sends behind it

class connection {
public:
    connection(peer_state& state, tcp_socket socket, net::ssl::context* tls)
        : state_{state}, wire_{std::make_shared<wire>(std::move(socket), tls)} {}

    task<> run();

private:
    task<bool> serve_request();
    task<> upgrade(http_request request, const target& asked);
    task<bool> answer(const http_request& request, http_response response);
    task<> refuse(const http_request& request, http_response response);
    std::optional<http_response> denial(const http_request& request, const target& asked,
                                        session_plan& plan) const;
    upgrade_record record_of(const http_request& request) const;

    peer_state& state_;
    std::shared_ptr<wire> wire_;
    boost::beast::flat_buffer buffer_{read_buffer};
};

task<> connection::run() {
    error_code error;
    {
        const deadline cut{wire_, handshake_time};
        co_await wire_->open(error);
    }
    if (error) {
        ++state_.diary.count.tls_failures;
        state_.log.write("tls-failed", {{"reason", error.message()}});
        co_return;
    }
    for (bool more = true; more;) {
        more = co_await serve_request();
    }
}

/// True when another request may follow on this connection.
task<bool> connection::serve_request() {
    http::request_parser<http::string_body> parser;
    parser.header_limit(largest_head);
    parser.body_limit(largest_body);
    error_code error;
    {
        const deadline cut{wire_, request_time};
        co_await http::async_read(*wire_, buffer_, parser, into(error));
    }
    if (error == http::error::end_of_stream || (error && !parser.got_some())) {
        co_await finish(wire_);
        co_return false;
    }
    if (error) {
        auto response =
            error_page(http::status::bad_request, "The request cannot be read: " + error.message() + ".");
        http_request closing;
        closing.keep_alive(false);
        co_return co_await answer(closing, std::move(response));
    }
    auto request = parser.release();
    std::optional<http_response> mistake;
    try {
        const auto asked = parse_target(view(request.target()));
        const bool is_fault = plan_fault(asked).has_value();
        if (boost::beast::websocket::is_upgrade(request) || is_fault) {
            co_await upgrade(std::move(request), asked);
            co_return false;
        }
        co_return co_await answer(request, answer_page(state_, request, asked));
    } catch (const bad_target& error_in_target) {
        mistake = error_page(http::status::bad_request, error_in_target.what());
    }
    co_return co_await answer(request, std::move(*mistake));
}

task<> connection::upgrade(http_request request, const target& asked) {
    ++state_.diary.count.upgrades;
    auto record = record_of(request);
    auto plan = plan_fault(asked);
    if (plan && plan->times > 0 && state_.diary.plays(record.target) >= plan->times) {
        plan.reset();
    }
    const bool is_upgrade = boost::beast::websocket::is_upgrade(request);
    if (plan && (is_upgrade || std::holds_alternative<refusal>(plan->reply))) {
        const auto early = buffer_.cdata();
        co_await run_fault(state_, wire_, std::move(request),
                           std::string(static_cast<const char*>(early.data()), early.size()),
                           std::move(record), asked.path, std::move(*plan));
        co_return;
    }
    if (!is_upgrade) {
        auto response =
            error_page(http::status::upgrade_required, asked.path + " needs a WebSocket upgrade request.");
        response.set(http::field::upgrade, "websocket");
        co_await refuse(request, std::move(response));
        co_return;
    }
    session_plan session{.path = asked.path, .kind = session_kind::echo, .ends = {}};
    if (auto refused = denial(request, asked, session)) {
        record.status = refused->result_int();
        state_.diary.add(std::move(record));
        co_await refuse(request, std::move(*refused));
        co_return;
    }
    co_await run_session(state_, wire_, std::move(request), std::move(record), std::move(session));
}

/// Why the upgrade is refused, or nothing; then `plan` is what the session does.
std::optional<http_response> connection::denial(const http_request& request, const target& asked,
                                                session_plan& plan) const {
    const auto authorization = view(request[http::field::authorization]);
    if (asked.path == "/auth") {
        const auto ends = state_.tokens.valid_until(bearer_of(authorization), state_.clock.now());
        if (!ends) {
            auto response = error_page(
                http::status::unauthorized,
                authorization.empty() ? "/auth needs Authorization: Bearer TOKEN; POST /token issues one."
                                      : "The token is unknown or has expired; POST /token issues a new one.");
            response.set(http::field::www_authenticate, "Bearer realm=\"iompeer\", error=\"invalid_token\"");
            return response;
        }
        if (asked.flag("enforce", false)) {
            plan.ends = ends;
        }
    } else if (asked.path == "/basic") {
        if (authorization != "Basic " + base64(state_.settings.basic)) {
            auto response =
                error_page(http::status::unauthorized, "/basic needs the user name and password of --basic.");
            response.set(http::field::www_authenticate, "Basic realm=\"iompeer\", charset=\"UTF-8\"");
            return response;
        }
    } else if (asked.path.starts_with("/broadcast/")) {
        plan.kind = session_kind::broadcast;
    } else if (asked.path == "/press" || asked.path == "/machine") {
        plan.kind = session_kind::machine;
    }
    return std::nullopt;
}

task<bool> connection::answer(const http_request& request, http_response response) {
    response.version(11);
    response.set(http::field::server, "iompeer");
    response.keep_alive(request.keep_alive());
    response.prepare_payload();
    const auto text = to_text(response);
    error_code error;
    {
        const deadline cut{wire_, request_time};
        co_await wire_->write(text, error);
    }
    if (!error && !response.keep_alive()) {
        co_await finish(wire_);
    }
    co_return !error && response.keep_alive();
}

task<> connection::refuse(const http_request& request, http_response response) {
    auto last = http_request{request.base()};
    last.keep_alive(false);
    co_await answer(last, std::move(response));
}

upgrade_record connection::record_of(const http_request& request) const {
    upgrade_record record;
    record.when = state_.clock.now();
    record.target = view(request.target());
    for (const auto& field : request) {
        record.headers.emplace_back(view(field.name_string()), view(field.value()));
    }
    error_code error;
    const auto remote = wire_->socket().remote_endpoint(error);
    if (!error) {
        record.remote_address = remote.address().to_string();
        record.remote_port = remote.port();
    }
    const auto facts = wire_->facts();
    record.tls_version = facts.version;
    record.cipher = facts.cipher;
    record.client_certificate = facts.client_certificate;
    return record;
}

} // namespace

task<> serve(peer_state& state, tcp_socket socket, net::ssl::context* tls) {
    connection accepted{state, std::move(socket), tls};
    co_await accepted.run();
}

} // namespace iom::peer
