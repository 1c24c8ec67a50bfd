#include "web/body.hpp"

#include "web/channel.hpp"
#include "web/trial.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <stdexcept>

namespace iom::host::web {

namespace {

/// Twelve digits in groups, as people read them off a console.
std::string new_code() {
    const std::string bytes = random_bytes(12);
    std::string code;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        code += at > 0 && at % 4 == 0 ? "-" : "";
        code += static_cast<char>('0' + static_cast<unsigned char>(bytes[at]) % 10);
    }
    return code;
}

} // namespace

std::int64_t steady_ms() {
    return control_loop::now() / 1000;
}

std::optional<std::int64_t> asking::number(std::string_view name) const {
    const auto in_path = values.find(name);
    const std::string text = in_path != values.end() ? in_path->second : query(name);
    std::int64_t found = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), found);
    if (text.empty() || error != std::errc()) {
        return std::nullopt;
    }
    return found;
}

web::body::body(web_options options, runtime& controller, log& journal, redactor& known, book& lines)
    : options_(std::move(options)), controller_(controller), journal_(journal), known_(known), lines_(lines),
      openapi_(openapi()), contract_(openapi_), page_(page_token()), boot_(base64url(random_bytes(9))),
      started_(wall_now()), access_(access_file::file_of(controller.made_with().project)),
      edits_(
          [this](std::function<void()> what) {
              if (server_ != nullptr) { // it goes first, and what waits in it lets go of its turns
                  server_->post(std::move(what));
              }
          },
          [this](const reply& to, const std::exception_ptr& why) { apologise(to, why); }) {
    const std::filesystem::path& file = controller.made_with().project;
    project_file_ = file.filename().string();
    door_.loopback = is_loopback(options_.address);
    for (std::string name : options_.names) {
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
        door_.names.insert(std::move(name));
    }
    https_ = !door_.loopback && !options_.plain;
    access_.refresh();
    prepare_access();
    if (!access_.password && !door_.loopback) {
        code_ = new_code();
    }
    server_options wanted;
    wanted.address = options_.address;
    wanted.port = options_.port;
    if (https_) {
        wanted.tls = access_.certificate;
    }
    server_ = std::make_unique<server>(wanted, *this);
    const bool six = options_.address.find(':') != std::string::npos;
    url_ = std::string(https_ ? "https://" : "http://") + (six ? "[" : "") + options_.address +
           (six ? "]" : "") + ":" + std::to_string(server_->port()) + "/";
    desk_ = std::make_unique<desk>(controller);
    worker_ = std::make_unique<worker>();
    trier_ = std::make_unique<worker>();
}

web::body::~body() {
    server_->post([this] {
        for (channel* const each : channels_) {
            each->end(1001, "shutdown", "The host is being shut down.");
        }
    });
    // Before the threads part: nobody may be told any more.
    lines_.tell({});
    desk_->tell({});
    server_->stop();
    worker_.reset(); // not while anybody can still ask it
    trier_.reset();
    server_.reset();
    trials_.clear();
    desk_.reset();
}

void web::body::start() {
    desk_->tell([this] { server_->post([this] { pump(); }); });
    lines_.tell([this] { server_->post([this] { pump(); }); });
    server_->start();
}

/// At the start: what is needed and not there yet, or does no longer. Rules must not stand still for want of
/// a page, so whatever of it cannot be served or kept is no reason to end.
void web::body::prepare_access() {
    bool changed = false;
    if (access_.key.empty()) {
        access_.key = random_bytes(32);
        changed = true;
    }
    if (https_) {
        const std::vector<std::string> names = certificate_names();
        certificate_facts facts;
        std::string unfit;
        std::string why = "there was none";
        if (!access_.certificate.certificate.empty()) {
            if (!put_in_order(access_.certificate, unfit) || !server::can_serve(access_.certificate) ||
                !read_certificate(access_.certificate.certificate, facts, unfit)) {
                why = "the one before cannot be served";
                journal_.write(
                    log_level::error, {},
                    "the certificate of the web page cannot be served" +
                        (unfit.empty() ? std::string(".") : ": " + unfit) +
                        " The host makes one of its own instead; replace it in the page, under System");
            } else {
                why = access_.generated ? why_anew(facts, names, wall_now() / 1000) : std::string();
            }
        }
        if (!why.empty()) {
            access_.certificate = make_certificate(names, wall_now() / 1000);
            access_.generated = true;
            changed = true;
            read_certificate(access_.certificate.certificate, facts, unfit);
            journal_.write(log_level::info, {},
                           "a certificate was made for the web page, because " + why +
                               "; its SHA-256 fingerprint is " + facts.fingerprint);
        }
    }
    if (changed) {
        try {
            const access_lock lock(access_.file());
            access_.save();
        } catch (const std::exception& error) {
            journal_.write(
                log_level::error, {},
                std::string("the web page's keys hold until the host ends, because they cannot be kept: ") +
                    error.what());
        }
    }
}

bool web::body::keep_access(const reply& to, const std::function<void(access_file&)>& change) {
    access_file next = access_;
    try {
        const access_lock lock(access_.file());
        if (refresh_access()) {
            // Who asked may not be who may any more.
            to(problem(409, "conflict",
                       "The password or a token was changed by another program at this moment, so nothing "
                       "was changed here. Log in again and ask once more."));
            return false;
        }
        change(next);
        next.save();
    } catch (const std::exception& error) {
        journal_.write(log_level::error, {},
                       std::string("the web password, tokens and certificate cannot be kept: ") +
                           error.what());
        to(problem(500, "failed",
                   std::string("This cannot be kept, so nothing was changed: ") + error.what() + "."));
        return false;
    }
    access_ = std::move(next);
    return true;
}

void web::body::guarded(const reply& to, const std::function<void()>& what) {
    try {
        what();
    } catch (const std::exception& error) {
        failed(error.what());
        to(problem(500, "failed", "The host failed at this; its log says why."));
    }
}

void web::body::back(reply to, std::function<void()> what) {
    server_->post([this, to = std::move(to), what = std::move(what)] { guarded(to, what); });
}

bool web::body::slowly(reply to, std::function<void()> what) {
    return worker_->ask([this, to = std::move(to), what = std::move(what)] {
        try {
            what();
        } catch (const std::exception& error) {
            back(to, [why = std::string(error.what())] { throw std::runtime_error(why); });
        }
    });
}

void web::body::failed(std::string_view why) noexcept {
    try {
        journal_.write(log_level::error, {}, "the web page failed at something: " + std::string(why));
    } catch (const std::exception&) {
        return; // no memory to say so either
    }
}

// ---- asking [control]

bool web::body::post_control(std::function<bool(desk&)> slice, std::function<void()> end, std::size_t most) {
    desk* const at = desk_.get();
    server* const back = server_.get();
    return desk_->ask(
        [at, back, slice = std::move(slice), end = std::move(end)] {
            bool more = false;
            try {
                more = slice(*at);
            } catch (const std::exception&) {
                more = false; // nothing of the page's may end the controller
            }
            if (more) {
                return true;
            }
            back->post(end);
            return false;
        },
        most);
}

void web::body::on_control(reply to, std::function<answer(desk&)> work) {
    auto made = std::make_shared<answer>();
    const bool taken = post_control(
        [made, work = std::move(work)](desk& at) {
            try {
                *made = work(at);
            } catch (const json::exception&) {
                *made = problem(400, "bad-request", "The body has not the form that this takes.");
            } catch (const std::exception&) {
                *made = problem(500, "failed", "The host failed at this.");
            }
            return false;
        },
        [made, to] { to(std::move(*made)); });
    if (!taken) {
        to(controller_is_busy());
    }
}

void web::body::on_control_each(reply to, std::function<std::size_t(desk&)> count,
                                std::function<void(desk&, std::uint32_t)> each, std::function<answer()> end) {
    auto next = std::make_shared<std::uint32_t>(0);
    constexpr std::uint32_t some = 16;
    const bool taken = post_control(
        [=](desk& at) {
            const std::size_t all = count(at); // anew each time: a reload may come in between
            for (std::uint32_t done = 0; done < some && *next < all; ++done) {
                each(at, (*next)++);
            }
            return *next < all;
        },
        [=, this] { guarded(to, [&] { to(end()); }); });
    if (!taken) {
        to(controller_is_busy());
    }
}

void web::body::get_contract(const std::shared_ptr<asking>& /*from*/, reply to) {
    to({200, openapi_, "application/json", {}});
}

void web::body::open_channel_plainly(const std::shared_ptr<asking>& /*from*/, reply to) {
    to(problem(400, "bad-request",
               "This is a WebSocket: ask for an upgrade, with the subprotocol iom.page.1."));
}

// ---- the face

web::web(web_options options, runtime& controller, log& journal, redactor& known, book& lines)
    : body_(std::make_unique<body>(std::move(options), controller, journal, known, lines)) {}
web::~web() = default;

void web::start() {
    body_->start();
}
const std::string& web::url() const noexcept {
    return body_->url();
}
const std::string& web::code() const noexcept {
    return body_->code();
}

} // namespace iom::host::web
