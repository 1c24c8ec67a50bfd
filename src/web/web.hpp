#pragma once

#include "log.hpp"
#include "redact.hpp"
#include "runtime.hpp"
#include "web/book.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// The web interface of a controller at work.
namespace iom::host::web {

struct web_options {
    std::string address = "127.0.0.1"; ///< an IP address
    std::uint16_t port = 8080;         ///< 0: any free one
    std::vector<std::string> names;    ///< that Host headers may have besides IP addresses
    bool plain = false;                ///< no HTTPS, wherever it listens
    std::string version;
};

/// `127.0.0.1:8080`, `[::1]:8080`; false with a sentence if it is neither.
bool read_address(const std::string& written, web_options& to, std::string& why);

class web {
public:
    /// Listens, answers nothing yet. Throws std::exception with a sentence if it cannot. [control]
    web(web_options options, runtime& controller, log& journal, redactor& known, book& lines);
    ~web(); ///< says good-bye to open channels, and ends its thread
    web(const web&) = delete;
    web& operator=(const web&) = delete;

    void start();

    [[nodiscard]] const std::string& url() const noexcept;
    /// Where no password is set and one is needed: what sets the first one. Empty otherwise.
    [[nodiscard]] const std::string& code() const noexcept;

    class body; ///< body.hpp, private to src/web

private:
    std::unique_ptr<body> body_;
};

} // namespace iom::host::web
