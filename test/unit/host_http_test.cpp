// Requests over HTTP: addresses and headers, the answer's parser, and the client against servers that behave,
// lie, stall and redirect.

#include "http/answer.hpp"
#include "http/client.hpp"
#include "http/url.hpp"

#include "host_support.hpp"
#include "unit/counted_allocations.hpp"

#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <gmock/gmock.h>
#include <mutex>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace iom::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// ---- addresses and headers

TEST(HttpUrl, TakesUrlsApart) {
    struct sample {
        const char* written;
        const char* origin;
        const char* path;
    };
    for (const sample& each : {sample{"http://Server.example", "http://server.example", "/"},
                               sample{"https://a:443/x?y=1#z", "https://a", "/x?y=1"},
                               sample{"HTTP://127.0.0.1:8080?q", "http://127.0.0.1:8080", "/?q"},
                               sample{"https://[::1]:9001/t", "https://[::1]:9001", "/t"},
                               sample{"http://a_b-c.d:65535/%20", "http://a_b-c.d:65535", "/%20"}}) {
        std::string why;
        const auto read = parse_http_url(each.written, why);
        ASSERT_TRUE(read) << each.written << ": " << why;
        EXPECT_EQ(read->origin(), each.origin);
        EXPECT_EQ(read->path, each.path);
    }
}

TEST(HttpUrl, KnowsWhatNeverLeavesThisMachine) {
    for (const char* const each :
         {"localhost", "press.localhost", "127.0.0.1", "127.255.0.9", "::1", "[::1]"}) {
        EXPECT_TRUE(is_loopback_host(each)) << each;
    }
    for (const char* const each :
         {"127.example.com", "127.0.0.1.example.com", "127.", "127.0.0.1.", "127.0.0", "127.0.0.256",
          "128.0.0.1", "10.0.0.1", "localhost.example", "::2", ""}) {
        EXPECT_FALSE(is_loopback_host(each)) << each;
    }
}

TEST(HttpUrl, RefusesWhatIsNoneWithASentence) {
    for (const char* const each :
         {"", "server/path", "ws://a/", "ftp://a/", "http://", "http:///x", "http://user:pin@a/",
          "http://a:0/", "http://a:65536/", "http://a:x/", "http://[::1/", "http://[::1]x/", "http://a b/",
          "http://a/b c", "http://a/\r\nX: y", "http://a/\xc3\xa4", "http://a%00b/"}) {
        std::string why;
        EXPECT_FALSE(parse_http_url(each, why)) << each;
        EXPECT_THAT(why, StartsWith("url ")) << each;
        EXPECT_THAT(why, Not(HasSubstr("pin"))) << each;
    }
    std::string why;
    EXPECT_FALSE(parse_http_url("http://a/" + std::string(9000, 'x'), why));
    EXPECT_EQ(judge_http_url_beginning("htt"), "");
    EXPECT_EQ(judge_http_url_beginning("https://server:"), "");
    EXPECT_NE(judge_http_url_beginning("/token?for="), "");
}

TEST(HttpUrl, FollowsLocations) {
    std::string why;
    const http_url from = *parse_http_url("https://a:8443/one/two?x", why);
    for (const auto& [location, path] :
         {std::pair{"/t", "/t"}, std::pair{"t?q", "/one/t?q"}, std::pair{"?y", "/one/two?y"},
          std::pair{"https://a:8443/z", "/z"}, std::pair{" https://A:8443/z ", "/z"},
          std::pair{"//a:8443/q", "/q"}, std::pair{"/go?to=http://b/", "/go?to=http://b/"}}) {
        const auto to = http_url_from(from, location, why);
        ASSERT_TRUE(to) << location << why;
        EXPECT_TRUE(same_origin(from, *to)) << location;
        EXPECT_EQ(to->path, path) << location;
    }
    for (const char* const elsewhere :
         {"http://a:8443/", "https://a/", "https://b:8443/", "//b/", "https://a.b:8443/"}) {
        const auto to = http_url_from(from, elsewhere, why);
        ASSERT_TRUE(to) << elsewhere << why;
        EXPECT_FALSE(same_origin(from, *to)) << elsewhere;
    }
    EXPECT_FALSE(http_url_from(from, "/a b", why));
    EXPECT_FALSE(http_url_from(from, "javascript://x", why));
}

TEST(HttpUrl, JudgesHeaders) {
    for (const char* const good :
         {"X-Site: 7", "Authorization: Bearer a.b-c", "X-Empty:", "X-Text: a\tb \xc3\xa4"}) {
        EXPECT_EQ(judge_http_header(good), "") << good;
    }
    for (const char* const bad : {"", "X-Site", ": 7", "X Site: 7", "X-Site: 7\r\nX-More: 8", "X: a\nb",
                                  "Host: other", "content-length: 5", "Transfer-Encoding: chunked"}) {
        EXPECT_THAT(judge_http_header(bad), StartsWith("headers: ")) << bad;
    }
    EXPECT_THAT(judge_http_header("X-Key: s3cret\r\n"), AllOf(HasSubstr("X-Key"), Not(HasSubstr("s3cret"))));
}

// ---- the parser

struct parsed {
    http_answer::state how = http_answer::state::reading;
    int status = 0;
    std::string body;
    std::string why;
};

/// Read in pieces of that size; then the connection ends.
parsed parse(std::string_view bytes, std::size_t size, bool bodiless = false, std::size_t most = 1000) {
    http_answer answer(most, bodiless);
    for (std::size_t at = 0; at < bytes.size(); at += size) {
        answer.take(bytes.substr(at, size));
    }
    answer.end();
    return {answer.now(), answer.status(), answer.body(), answer.why()};
}

TEST(HttpAnswer, ReadsWhatServersSendInAnyPieces) {
    struct sample {
        const char* bytes;
        int status;
        const char* body;
    };
    for (const sample& each :
         {sample{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and what is behind it", 200, "hello"},
          sample{"HTTP/1.0 200\r\n\r\nuntil the end", 200, "until the end"},
          sample{"HTTP/1.1 404 Not Found\ncontent-length:0\n\n", 404, ""},
          sample{"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", 204, ""},
          sample{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
                 "Content-Length: 2\r\n\r\nok",
                 200, "ok"},
          sample{"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 3\r\n\r\n"
                 "5;a=b\r\nhello\r\nA\r\n, to you \n\r\n0\r\nX-Trailer: y\r\n\r\n",
                 200, "hello, to you \n"},
          sample{"HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nContent-Length: 1\r\n\r\nx", 200, "x"}}) {
        for (const std::size_t size : {std::size_t{1}, std::size_t{3}, std::size_t{10000}}) {
            const parsed got = parse(each.bytes, size);
            EXPECT_EQ(got.how, http_answer::state::complete) << each.bytes << got.why;
            EXPECT_EQ(got.status, each.status);
            EXPECT_EQ(got.body, each.body);
        }
    }
    EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 7, true).how,
              http_answer::state::complete);
}

TEST(HttpAnswer, BreaksWhereAServerLies) {
    const std::string endless(40000, 'x');
    for (const std::string& each :
         {std::string(),
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"),
          std::string("HTTP/2 200\r\n\r\n"),
          std::string("SSH-2.0-OpenSSH\r\n\r\n"),
          std::string("HTTP/1.1 -20 OK\r\n\r\n"),
          std::string("HTTP/1.1 2000 OK\r\n\r\n"),
          std::string("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
          std::string("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx"),
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx"),
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy"),
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"),
          std::string("HTTP/1.1 200 OK\r\n\r\n") + std::string(1001, 'x'),
          std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
          std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), // cut short
          std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nx"),
          std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx"),
          std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx"),
          std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n"),
          std::string("HTTP/1.1 200 OK\r\nno header\r\n\r\n"),
          "HTTP/1.1 200 OK\r\nX: " + endless,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + endless,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + endless}) {
        for (const std::size_t size : {std::size_t{1}, std::size_t{100000}}) {
            const parsed got = parse(each, size);
            EXPECT_EQ(got.how, http_answer::state::broken) << each.substr(0, 200);
            EXPECT_NE(got.why, "") << each.substr(0, 200);
            EXPECT_EQ(got.body, "");
        }
    }
    std::string interim;
    for (unsigned count = 0; count <= http_answer::most_interim; ++count) {
        interim += "HTTP/1.1 102 Processing\r\n\r\n";
    }
    EXPECT_EQ(parse(interim, 5).how, http_answer::state::broken);
}

// ---- the client

/// A server on loopback that answers each connection as it is told, in a thread of its own for each.
class scripted_server {
public:
    /// Gets the whole request and a way to send; the connection ends when it returns.
    using script =
        std::function<void(const std::string& head, const std::function<void(std::string_view)>& send)>;

    explicit scripted_server(script what)
        : what_(std::move(what)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        auto* const generic = static_cast<sockaddr*>(static_cast<void*>(&at));
        if (bind(listener_, generic, size) != 0 || listen(listener_, 64) != 0 ||
            getsockname(listener_, generic, &size) != 0) {
            throw std::runtime_error("no server on loopback");
        }
        port_ = ntohs(at.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    ~scripted_server() {
        release();
        shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        for (std::thread& each : sessions_) {
            each.join();
        }
        close(listener_);
    }
    scripted_server(const scripted_server&) = delete;
    scripted_server& operator=(const scripted_server&) = delete;

    [[nodiscard]] std::string url(std::string_view path = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] unsigned served() const { return served_; }

    /// For scripts that never answer: waits until the test is through with them.
    void hang() {
        std::unique_lock lock(mutex_);
        released_.wait(lock, [&] { return through_; });
    }
    void release() {
        const std::lock_guard lock(mutex_);
        through_ = true;
        released_.notify_all();
    }

private:
    static bool is_whole(const std::string& request) {
        const std::size_t end = request.find("\r\n\r\n");
        const std::size_t length = request.find("Content-Length: ");
        return end != std::string::npos &&
               (length == std::string::npos ||
                request.size() - end - 4 >= std::stoul(request.substr(length + 16)));
    }

    void accept_all() {
        for (int line = 0; (line = accept(listener_, nullptr, nullptr)) >= 0;) {
            sessions_.emplace_back([this, line] {
                std::string head;
                std::array<char, 4096> buffer{};
                while (!is_whole(head)) {
                    const ssize_t got = recv(line, buffer.data(), buffer.size(), 0);
                    if (got <= 0) {
                        break;
                    }
                    head.append(buffer.data(), static_cast<std::size_t>(got));
                }
                ++served_;
                what_(head, [line](std::string_view bytes) {
                    while (!bytes.empty()) {
                        const ssize_t sent = ::send(line, bytes.data(), bytes.size(), MSG_NOSIGNAL);
                        if (sent <= 0) {
                            return;
                        }
                        bytes.remove_prefix(static_cast<std::size_t>(sent));
                    }
                });
                shutdown(line, SHUT_WR);
                while (recv(line, buffer.data(), buffer.size(), 0) > 0) {}
                close(line);
            });
        }
    }

    script what_;
    int listener_;
    std::uint16_t port_ = 0;
    std::atomic<unsigned> served_{0};
    std::mutex mutex_;
    std::condition_variable released_;
    bool through_ = false;
    std::vector<std::thread> sessions_;
    std::thread acceptor_;
};

std::string answer_with(std::string_view body, std::string_view more = {}) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(more) +
           "\r\n" + std::string(body);
}

class HttpClient : public ::testing::Test {
protected:
    static http_request request(const std::string& url, const std::string& method = "GET") {
        http_request made;
        made.method = method;
        std::string why;
        const auto parsed = parse_http_url(url, why);
        EXPECT_TRUE(parsed) << why;
        made.url = *parsed;
        return made;
    }

    /// Begins it; the result is added to results_ when it comes.
    bool ask(http_request what) {
        return client_->ask(
            std::move(what), [this](http_result got) { results_.push_back(std::move(got)); }, why_);
    }

    /// Turns until so many results are there.
    bool until(std::size_t count) {
        const time_us bound = control_loop::now() + 30 * one_second;
        while (results_.size() < count && control_loop::now() < bound) {
            loop_.turn(control_loop::now() + one_second);
        }
        return results_.size() >= count;
    }

    http_result result_of(http_request what) {
        results_.clear();
        EXPECT_TRUE(ask(std::move(what))) << why_;
        EXPECT_TRUE(until(1));
        return results_.empty() ? http_result{} : results_.front();
    }

    control_loop loop_;
    std::unique_ptr<http_client> client_ = std::make_unique<http_client>(loop_);
    std::vector<http_result> results_;
    std::string why_;
};

TEST_F(HttpClient, SendsARequestAndBringsTheAnswer) {
    std::string seen;
    scripted_server server([&](const std::string& head, const auto& send) {
        seen = head;
        send(answer_with(R"({"token":"t"})"));
    });
    http_request what = request(server.url("/token?for=press"), "POST");
    what.headers = {"X-Site: 7"};
    what.body = "{}";
    const http_result got = result_of(std::move(what));
    EXPECT_TRUE(got.answered) << got.sentence;
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, R"({"token":"t"})");
    EXPECT_GT(got.milliseconds, 0);
    EXPECT_THAT(seen, StartsWith("POST /token?for=press HTTP/1.1\r\nHost: 127.0.0.1:"));
    EXPECT_THAT(seen, AllOf(HasSubstr("\r\nX-Site: 7\r\n"), HasSubstr("\r\nContent-Length: 2\r\n")));
}

TEST_F(HttpClient, EndsWithASentenceWhateverTheServerDoes) {
    struct sample {
        std::string bytes;
        const char* says;
    };
    for (const sample& each :
         {sample{"", "closed the connection without an answer"},
          sample{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "in the middle of its answer"},
          sample{"220 smtp.example\r\n", "sent no HTTP/1.1 answer"},
          sample{"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", "more than 1 MiB"},
          sample{"HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'), "more than 32 KiB before"},
          sample{"HTTP/1.1 200 OK\r\n\r\n" + std::string((1U << 20U) + 1, 'x'), "more than 1 MiB"}}) {
        scripted_server server([&](const std::string&, const auto& send) { send(each.bytes); });
        const http_result got = result_of(request(server.url("/secret-path?pin=1234")));
        EXPECT_FALSE(got.answered);
        EXPECT_FALSE(got.timed_out);
        EXPECT_THAT(got.sentence, AllOf(StartsWith("GET http://127.0.0.1:"), HasSubstr(each.says)));
        EXPECT_THAT(got.sentence, Not(HasSubstr("1234")));
    }
}

TEST_F(HttpClient, OneDeadlineCoversEverything) {
    scripted_server* self = nullptr;
    scripted_server silent([&](const std::string&, const auto&) { self->hang(); });
    self = &silent;
    http_request what = request(silent.url());
    what.timeout = one_second / 5;
    http_result got = result_of(std::move(what));
    EXPECT_TRUE(got.timed_out);
    EXPECT_THAT(got.sentence, HasSubstr("the server had not answered"));
    silent.release();

    // A server that goes on dripping bytes wins no time.
    std::atomic<bool> through{false};
    scripted_server dripping([&](const std::string&, const auto& send) {
        send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while (!through) {
            send("x");
            usleep(1000);
        }
    });
    what = request(dripping.url());
    what.timeout = one_second / 5;
    got = result_of(std::move(what));
    through = true;
    EXPECT_TRUE(got.timed_out);
    EXPECT_THAT(got.sentence, HasSubstr("the answer was coming in"));
}

TEST_F(HttpClient, SaysWhereNothingListensAndTriesEachAddress) {
    std::uint16_t free = 0;
    {
        const scripted_server gone([](const std::string&, const auto&) {});
        free = gone.port();
    }
    const http_result got = result_of(request("http://127.0.0.1:" + std::to_string(free) + "/"));
    EXPECT_THAT(got.sentence, HasSubstr("nothing listens at 127.0.0.1:" + std::to_string(free)));

    scripted_server server([&](const std::string&, const auto& send) { send(answer_with("second")); });
    client_ = std::make_unique<http_client>(loop_, [](const std::string& name) {
        EXPECT_EQ(name, "two.example");
        return http_names::answer{0, {}, {"127.0.0.2", "127.0.0.1"}};
    });
    EXPECT_EQ(result_of(request("http://two.example:" + std::to_string(server.port()) + "/")).body, "second");
}

TEST_F(HttpClient, ANameServerThatIsSilentHoldsUpNobodyElse) {
    struct silence {
        std::mutex mutex;
        std::condition_variable released;
        bool through = false;
    };
    const auto held = std::make_shared<silence>(); // the look-ups' threads outlive the test
    client_ = std::make_unique<http_client>(loop_, [held](const std::string& name) {
        if (name == "silent.example") {
            std::unique_lock lock(held->mutex);
            held->released.wait(lock, [&] { return held->through; });
        }
        return http_names::answer{0, {}, {"127.0.0.1"}};
    });
    scripted_server server([&](const std::string&, const auto& send) { send(answer_with("here")); });
    const std::string port = ":" + std::to_string(server.port()) + "/";
    http_request never = request("http://silent.example" + port);
    never.timeout = 60 * one_second;
    ASSERT_TRUE(ask(std::move(never)));
    ASSERT_TRUE(ask(request("http://quick.example" + port)));
    ASSERT_TRUE(until(1));
    EXPECT_EQ(results_.front().body, "here");
    http_request late = request("http://silent.example" + port);
    late.timeout = one_second / 10;
    ASSERT_TRUE(ask(std::move(late)));
    ASSERT_TRUE(until(2));
    EXPECT_THAT(results_.back().sentence, HasSubstr("its name was being looked up"));
    // The one that still waits ends with the client, which does not wait for the name server.
    client_->give_up("The host stops.");
    ASSERT_EQ(results_.size(), 3U);
    EXPECT_EQ(results_.back().sentence, "The host stops.");
    client_.reset();
    const std::lock_guard lock(held->mutex);
    held->through = true;
    held->released.notify_all();
}

TEST_F(HttpClient, FollowsRedirectsOnTheSameServerOnly) {
    std::string last;
    scripted_server server([&](const std::string& head, const auto& send) {
        last = head;
        if (head.find(" /again ") != std::string::npos) {
            send("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
        } else if (head.find(" /there ") != std::string::npos) {
            send(answer_with("there"));
        } else if (head.find(" /other ") != std::string::npos) {
            send("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://localhost:1/steal\r\n\r\n");
        } else {
            send("HTTP/1.1 303 See Other\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
        }
    });
    http_request what = request(server.url("/first"), "POST");
    what.headers = {"Authorization: Bearer t", "Content-Type: application/json"};
    what.body = "{}";
    EXPECT_EQ(result_of(what).body, "there");
    EXPECT_THAT(last, AllOf(StartsWith("GET /there "), HasSubstr("Bearer t"), Not(HasSubstr("Content-"))));

    what = request(server.url("/other"), "POST");
    http_result got = result_of(what);
    EXPECT_FALSE(got.answered);
    EXPECT_THAT(got.sentence, AllOf(HasSubstr("redirects to http://localhost:1"), Not(HasSubstr("steal"))));

    const unsigned before = server.served();
    got = result_of(request(server.url("/again")));
    EXPECT_THAT(got.sentence, HasSubstr("redirects again and again"));
    EXPECT_EQ(server.served() - before, http_client::most_redirects + 1);
}

TEST_F(HttpClient, IsBounded) {
    scripted_server* self = nullptr;
    std::atomic<unsigned> at_once{0};
    scripted_server server([&](const std::string&, const auto& send) {
        ++at_once;
        self->hang();
        send(answer_with("at last"));
    });
    self = &server;
    const std::size_t most = http_client::most_at_once + http_client::most_waiting;
    for (std::size_t count = 0; count < most; ++count) {
        http_request what = request(server.url());
        what.timeout = 60 * one_second;
        ASSERT_TRUE(ask(std::move(what))) << why_;
    }
    EXPECT_FALSE(ask(request(server.url())));
    EXPECT_THAT(why_, HasSubstr("80 requests are open already"));
    EXPECT_TRUE(test::eventually([&] { return at_once == http_client::most_at_once; }));
    EXPECT_EQ(at_once, http_client::most_at_once);
    server.release();
    ASSERT_TRUE(until(most));
    for (const http_result& each : results_) {
        EXPECT_EQ(each.body, "at last") << each.sentence;
    }
    EXPECT_EQ(client_->open(), 0U);
}

TEST_F(HttpClient, WantOfMemoryFailsTheOneRequestAndNoOther) {
    const std::string large(std::size_t{1} << 19U, 'b');
    scripted_server* self = nullptr;
    scripted_server server([&](const std::string& head, const auto& send) {
        if (head.starts_with("GET /waits")) {
            self->hang(); // is under way while the others fail
        }
        send(answer_with(head.starts_with("GET /large") ? large : "small"));
    });
    self = &server;
    http_request waits = request(server.url("/waits"));
    waits.timeout = 60 * one_second;
    ASSERT_TRUE(ask(std::move(waits))) << why_;
    iom::test::deny_memory("http", large.size() / 2);
    ASSERT_TRUE(ask(request(server.url("/large")))) << why_;
    ASSERT_TRUE(until(1));
    iom::test::deny_memory("http", 0);
    EXPECT_FALSE(results_[0].answered);
    EXPECT_EQ(results_[0].sentence, "GET " + request(server.url()).url.origin() +
                                        ": the host has too little memory for it. Free some, and ask again.");
    server.release();
    ASSERT_TRUE(until(2));
    EXPECT_EQ(results_[1].body, "small") << results_[1].sentence;
    EXPECT_EQ(result_of(request(server.url("/large"))).body, large);
    EXPECT_EQ(client_->open(), 0U);
}

TEST_F(HttpClient, SendsALargeBodyWhole) {
    const std::string body(std::size_t{1} << 20U, 'b');
    scripted_server server([&](const std::string& whole, const auto& send) {
        send(answer_with(whole.ends_with("\r\n\r\n" + body) ? "whole" : "not whole"));
    });
    http_request what = request(server.url(), "PUT");
    what.body = body;
    EXPECT_EQ(result_of(std::move(what)).body, "whole");
}

} // namespace
} // namespace iom::host
