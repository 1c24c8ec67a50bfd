// The far end of every measurement: a WebSocket server that sends messages to echo clients and takes the time
// until they are back. It speaks only what a measurement needs, straight on the socket, so that it is never
// the bottleneck; it checks that what comes back has the right opcode and length.
//
//   bench_driver --size BYTES --in-flight N --seconds S [--warm-up S] [--sessions N] [--binary] [--deflate]
//                [--tls-cert F --tls-key F] [--text TAIL]
//
// Prints `ready PORT`, waits for its sessions, prints `measuring` after the warm-up, then one line of JSON;
// closes when its stdin ends, and exits 0.
// {"messages":…,"seconds":…,"rate":…,"driver":…,"cipher":…,"p50_us":…,"p99_us":…}: `driver` is the share of a
// core that this program took; `cipher` is empty without TLS; the percentiles come with one message in
// flight.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>
#include <zlib.h>

namespace {

using steady = std::chrono::steady_clock;

struct options {
    std::size_t size = 64;
    std::size_t in_flight = 1; ///< of each session
    std::size_t sessions = 1;
    double seconds = 1;
    double warm_up = 0.3;
    bool binary = false;
    bool deflate = false;
    std::string certificate;
    std::string key;
    std::string text; ///< what messages end in, for clients whose rules look for it
};

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what);
}

/// The line to one client, plain or TLS. A client that echoes before it reads on must not be able to lock
/// both of us in a write, so writing never blocks: what does not go out waits until there is room.
class wire {
public:
    wire(int socket, SSL_CTX* tls) : socket_(socket) {
        const int one = 1;
        setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (tls != nullptr) {
            ssl_.reset(SSL_new(tls));
            SSL_set_fd(ssl_.get(), socket_);
            SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
            if (SSL_accept(ssl_.get()) != 1) {
                fail("the TLS handshake failed");
            }
        }
    }
    ~wire() { close(socket_); }
    wire(const wire&) = delete;
    wire& operator=(const wire&) = delete;

    [[nodiscard]] int socket() const { return socket_; }

    /// What was negotiated, "" without TLS.
    [[nodiscard]] std::string cipher() const { return ssl_ ? SSL_get_cipher_name(ssl_.get()) : ""; }

    /// At least one byte; sends what waits meanwhile. Fails at the end of the line.
    std::size_t read(char* to, std::size_t room) {
        while (!waiting_.empty()) {
            if (ssl_ && SSL_pending(ssl_.get()) > 0) {
                break;
            }
            pollfd both{socket_, POLLIN | POLLOUT, 0};
            poll(&both, 1, -1);
            if ((both.revents & POLLIN) != 0) {
                break;
            }
            send_some();
        }
        for (;;) {
            const auto got = ssl_ ? SSL_read(ssl_.get(), to, static_cast<int>(room))
                                  : static_cast<int>(recv(socket_, to, room, 0));
            if (got > 0) {
                return static_cast<std::size_t>(got);
            }
            if (ssl_ || got == 0 || errno != EINTR) {
                fail("the client went away");
            }
        }
    }

    void write(std::string_view bytes) {
        if (!waiting_.empty()) {
            // Only large messages get here, and those are few.
            waiting_ += bytes;
            send_some();
            return;
        }
        bytes.remove_prefix(sent(bytes));
        waiting_ = bytes;
        gone_ = 0;
    }

private:
    struct ssl_free {
        void operator()(SSL* what) const { SSL_free(what); }
    };

    /// How many bytes went out.
    std::size_t sent(std::string_view bytes) {
        std::size_t out = 0;
        while (out < bytes.size()) {
            int put = 0;
            if (ssl_) {
                // The socket blocks, so a record is written only where all of it fits.
                pollfd room{socket_, POLLOUT, 0};
                if (poll(&room, 1, 0) == 1) {
                    const std::size_t record = std::min<std::size_t>(bytes.size() - out, 16384);
                    put = SSL_write(ssl_.get(), bytes.data() + out, static_cast<int>(record));
                    if (put <= 0) {
                        fail("the client takes nothing more");
                    }
                }
            } else {
                put = static_cast<int>(
                    send(socket_, bytes.data() + out, bytes.size() - out, MSG_NOSIGNAL | MSG_DONTWAIT));
                if (put < 0 && errno != EAGAIN) {
                    fail("the client takes nothing more");
                }
            }
            if (put <= 0) {
                break;
            }
            out += static_cast<std::size_t>(put);
        }
        return out;
    }

    void send_some() {
        gone_ += sent(std::string_view(waiting_).substr(gone_));
        if (gone_ == waiting_.size()) {
            waiting_.clear();
        }
    }

    int socket_;
    std::unique_ptr<SSL, ssl_free> ssl_;
    std::string waiting_;
    std::size_t gone_ = 0; ///< bytes of `waiting_` that are out
};

std::string accept_of(const std::string& key) {
    const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
    std::array<unsigned char, 64> encoded{};
    const int size = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
    return {encoded.begin(), encoded.begin() + size};
}

std::string header(const std::string& head, std::string_view name) {
    std::string lower = head;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::size_t at = lower.find("\r\n" + std::string(name) + ":");
    if (at == std::string::npos) {
        return {};
    }
    std::size_t begin = at + name.size() + 3;
    while (head[begin] == ' ') {
        ++begin;
    }
    return head.substr(begin, head.find('\r', begin) - begin);
}

/// The upgrade of RFC 6455 §4.2.2; answers whether permessage-deflate was agreed on.
bool upgrade(wire& line, bool deflate) {
    std::string head;
    std::array<char, 4096> buffer{};
    while (head.find("\r\n\r\n") == std::string::npos) {
        head.append(buffer.data(), line.read(buffer.data(), buffer.size()));
    }
    const std::string key = header(head, "sec-websocket-key");
    if (key.empty()) {
        fail("the client sent no upgrade");
    }
    const bool agreed =
        deflate && header(head, "sec-websocket-extensions").find("permessage-deflate") != std::string::npos;
    std::string answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: " +
                         accept_of(key) + "\r\n";
    if (agreed) {
        // One compressed message serves for all then; and what comes back need not be inflated to be counted.
        answer += "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                  "client_no_context_takeover\r\n";
    }
    line.write(answer + "\r\n");
    return agreed;
}

std::string deflated(const std::string& content) {
    z_stream stream{};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        fail("zlib does not start");
    }
    std::string in = content;
    std::string out(content.size() + 64, '\0');
    stream.next_in = static_cast<Bytef*>(static_cast<void*>(in.data()));
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = static_cast<Bytef*>(static_cast<void*>(out.data()));
    stream.avail_out = static_cast<uInt>(out.size());
    ::deflate(&stream, Z_SYNC_FLUSH);
    out.resize(out.size() - stream.avail_out - 4); // without the tail 00 00 ff ff (RFC 7692 §7.2.1)
    deflateEnd(&stream);
    return out;
}

/// One whole message as it goes over the line.
std::string frame(const options& how, bool compressed) {
    std::string content;
    // Text that compresses about as well as telegrams do.
    for (unsigned i = 0; content.size() < how.size; ++i) {
        content += "value " + std::to_string(i * 7919U % 10007U) + ' ';
    }
    content.resize(how.size);
    if (how.text.size() <= content.size()) {
        content.replace(content.size() - how.text.size(), how.text.size(), how.text);
    }
    const std::string payload = compressed ? deflated(content) : content;
    std::string whole;
    whole += static_cast<char>(0x80U | (compressed ? 0x40U : 0U) | (how.binary ? 2U : 1U));
    if (payload.size() < 126) {
        whole += static_cast<char>(payload.size());
    } else {
        const int bytes = payload.size() < 65536 ? 2 : 8;
        whole += static_cast<char>(bytes == 2 ? 126 : 127);
        for (int i = bytes - 1; i >= 0; --i) {
            whole += static_cast<char>(payload.size() >> (8 * i) & 0xffU);
        }
    }
    return whole + payload;
}

/// Counts the messages that come back, whatever frames they come in.
class reader {
public:
    reader(wire& line, const options& how, bool compressed)
        : line_(line), size_(compressed ? 0 : how.size), compressed_(compressed),
          opcode_(how.binary ? 2U : 1U), buffer_(how.sessions == 1 ? 1U << 18U : 1U << 14U) {}

    /// Waits until something comes, and answers how many messages are whole by it.
    std::size_t some() {
        // What is left is the beginning of a head, a few bytes.
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        end_ += line_.read(buffer_.data() + end_, buffer_.size() - end_);
        return take();
    }

private:
    std::size_t take() {
        std::size_t whole = 0;
        for (;;) {
            const std::size_t skipped = std::min(skip_, end_ - begin_);
            begin_ += skipped;
            skip_ -= skipped;
            if (skip_ > 0) {
                return whole;
            }
            if (in_last_) {
                ++whole;
                in_last_ = false;
            }
            const auto byte = [&](std::size_t at) {
                return static_cast<unsigned char>(buffer_[begin_ + at]);
            };
            if (end_ - begin_ < 2) {
                return whole;
            }
            std::size_t length = byte(1) & 0x7fU;
            const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
            if (end_ - begin_ < 2 + extended) {
                return whole;
            }
            if (extended > 0) {
                length = 0;
                for (std::size_t i = 0; i < extended; ++i) {
                    length = length << 8U | byte(2 + i);
                }
            }
            head(byte(0), length);
            begin_ += 2 + extended;
            skip_ = length + 4; // and the mask of a client's frame
        }
    }

    void head(unsigned first, std::size_t length) {
        const unsigned opcode = first & 0x0fU;
        if (opcode == 8) {
            fail("the client closed");
        }
        if (opcode > 8) {
            return; // its pings and pongs are not our business
        }
        if (opcode != 0 && opcode != opcode_) {
            fail("a message came back with another opcode");
        }
        if (compressed_ && opcode != 0 && (first & 0x40U) == 0) {
            fail("permessage-deflate is agreed on, and a message came back uncompressed (without RSV1): let "
                 "the "
                 "client compress messages of this size too");
        }
        so_far_ += length;
        if ((first & 0x80U) != 0) {
            if (size_ != 0 && so_far_ != size_) {
                fail("a message came back with another length");
            }
            so_far_ = 0;
            in_last_ = true;
        }
    }

    wire& line_;
    std::size_t size_;
    bool compressed_;
    unsigned opcode_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t skip_ = 0;
    std::size_t so_far_ = 0;
    bool in_last_ = false;
};

struct session {
    session(int socket, SSL_CTX* tls, const options& how)
        : line(socket, tls), compressed(upgrade(line, how.deflate)), back(line, how, compressed) {
        if (how.deflate && !compressed) {
            fail("the client does not offer permessage-deflate");
        }
    }

    wire line;
    bool compressed;
    reader back;
    std::size_t out = 0; ///< messages under way
};

using sessions = std::vector<std::unique_ptr<session>>;

/// Whose turn it is: the only session, or those that epoll names.
class turns {
public:
    explicit turns(const sessions& all) : all_(all), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
        for (std::size_t at = 0; at < all.size(); ++at) {
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u64 = at;
            epoll_ctl(epoll_, EPOLL_CTL_ADD, all[at]->line.socket(), &event);
        }
    }
    ~turns() { close(epoll_); }
    turns(const turns&) = delete;
    turns& operator=(const turns&) = delete;

    template <class Do>
    void next(Do what) {
        if (all_.size() == 1) {
            what(*all_.front());
            return;
        }
        std::array<epoll_event, 64> events{};
        const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
        for (int at = 0; at < count; ++at) {
            what(*all_[events[static_cast<std::size_t>(at)].data.u64]);
        }
    }

private:
    const sessions& all_;
    int epoll_;
};

/// Sends and waits until the time is over and all are back; answers how many came, and fills `times` with
/// what each took, where one is in flight.
std::size_t rounds(const sessions& all, turns& order, const std::string& message, std::size_t in_flight,
                   double seconds, std::vector<double>* times) {
    const auto end =
        steady::now() + std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(seconds));
    std::string burst;
    for (std::size_t i = 0; i < in_flight; ++i) {
        burst += message;
    }
    auto sent = steady::now();
    for (const auto& each : all) {
        each->line.write(burst);
        each->out = in_flight;
    }
    std::size_t out = all.size() * in_flight;
    std::size_t done = 0;
    while (out > 0) {
        order.next([&](session& one) {
            const std::size_t came = one.back.some();
            if (came > one.out) {
                fail("more came back than was sent");
            }
            if (came == 0) {
                return;
            }
            const auto now = steady::now();
            if (times != nullptr) {
                times->push_back(std::chrono::duration<double, std::micro>(now - sent).count());
            }
            one.out -= came;
            out -= came;
            done += came;
            if (now < end) {
                one.out += came;
                out += came;
                sent = now;
                one.line.write(std::string_view(burst).substr(0, came * message.size()));
            }
        });
    }
    return done;
}

double percentile(const std::vector<double>& sorted, double part) {
    return sorted[std::min(sorted.size() - 1,
                           static_cast<std::size_t>(part * static_cast<double>(sorted.size())))];
}

double processor_seconds() {
    timespec spent{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

void measure(const options& how, const sessions& all) {
    turns order(all);
    const std::string message = frame(how, all.front()->compressed);
    rounds(all, order, message, how.in_flight, how.warm_up, nullptr);
    std::printf("measuring\n");
    std::fflush(stdout);
    std::vector<double> times;
    times.reserve(1U << 20U);
    const bool one_by_one = how.in_flight == 1 && all.size() == 1;
    const double spent = processor_seconds();
    const auto begin = steady::now();
    const std::size_t done =
        rounds(all, order, message, how.in_flight, how.seconds, one_by_one ? &times : nullptr);
    const double took = std::chrono::duration<double>(steady::now() - begin).count();
    std::printf(R"({"messages":%zu,"seconds":%.3f,"rate":%.1f,"driver":%.2f,"cipher":"%s")", done, took,
                static_cast<double>(done) / took, (processor_seconds() - spent) / took,
                all.front()->line.cipher().c_str());
    if (!times.empty()) {
        std::sort(times.begin(), times.end());
        std::printf(R"(,"p50_us":%.2f,"p99_us":%.2f)", percentile(times, 0.5), percentile(times, 0.99));
    }
    std::printf("}\n");
    std::fflush(stdout);
    // Whoever asked may still want to look at the client: it lives until our stdin ends.
    while (std::getchar() != EOF) {}
    for (const auto& each : all) {
        each->line.write(std::string("\x88\x02\x03\xe8", 4)); // Close 1000
    }
}

int listen_on_loopback(std::uint16_t& port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = static_cast<sockaddr*>(static_cast<void*>(&address));
    if (socket < 0 || bind(socket, generic, size) != 0 || listen(socket, SOMAXCONN) != 0 ||
        getsockname(socket, generic, &size) != 0) {
        fail(std::string("no port on loopback: ") + std::strerror(errno));
    }
    port = ntohs(address.sin_port);
    return socket;
}

void serve(const options& how) {
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls(nullptr, SSL_CTX_free);
    if (!how.certificate.empty()) {
        tls.reset(SSL_CTX_new(TLS_server_method()));
        if (SSL_CTX_use_certificate_chain_file(tls.get(), how.certificate.c_str()) != 1 ||
            SSL_CTX_use_PrivateKey_file(tls.get(), how.key.c_str(), SSL_FILETYPE_PEM) != 1) {
            fail("the certificate or its key cannot be read");
        }
        // One cipher for all, whatever each would rather have: what is compared is the programs.
        if (SSL_CTX_set_min_proto_version(tls.get(), TLS1_3_VERSION) != 1 ||
            SSL_CTX_set_ciphersuites(tls.get(), "TLS_AES_128_GCM_SHA256") != 1) {
            fail("OpenSSL offers no TLS 1.3 with TLS_AES_128_GCM_SHA256");
        }
    }
    std::uint16_t port = 0;
    const int listening = listen_on_loopback(port);
    std::printf("ready %u\n", static_cast<unsigned>(port));
    std::fflush(stdout);
    sessions all;
    while (all.size() < how.sessions) {
        const int socket = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) {
            fail(std::string("no session: ") + std::strerror(errno));
        }
        all.push_back(std::make_unique<session>(socket, tls.get(), how));
    }
    close(listening);
    measure(how, all);
}

} // namespace

int main(int argc, char** argv) {
    options how;
    CLI::App app("Measures WebSocket echo clients");
    app.add_option("--size", how.size, "Bytes of a message")->check(CLI::Range(1, 1 << 26));
    app.add_option("--in-flight", how.in_flight, "Messages of each session under way at once")
        ->check(CLI::Range(1, 100000));
    app.add_option("--sessions", how.sessions, "Clients to wait for")->check(CLI::Range(1, 10000));
    app.add_option("--seconds", how.seconds, "How long to measure")->check(CLI::Range(0.01, 60.0));
    app.add_option("--warm-up", how.warm_up, "How long to run before")->check(CLI::Range(0.0, 60.0));
    app.add_option("--text", how.text, "What each message ends in");
    app.add_flag("--binary", how.binary, "Binary messages");
    app.add_flag("--deflate", how.deflate, "With permessage-deflate");
    app.add_option("--tls-cert", how.certificate, "PEM file");
    app.add_option("--tls-key", how.key, "PEM file")->needs("--tls-cert");
    CLI11_PARSE(app, argc, argv);
    std::signal(SIGPIPE, SIG_IGN);
    try {
        serve(how);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_driver: %s\n", error.what());
        return 1;
    }
}
