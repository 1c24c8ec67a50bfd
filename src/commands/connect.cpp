#include "commands/connect.hpp"

#include "guard.hpp"
#include "instance.hpp"
#include "log.hpp"
#include "loop.hpp"
#include "project.hpp"
#include "redact.hpp"
#include "signals.hpp"
#include "site.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <memory>
#include <poll.h>
#include <string_view>
#include <sys/epoll.h>
#include <unistd.h>

namespace iom::host::commands {
namespace {

constexpr std::size_t most_output = std::size_t{1}
                                    << 20U; ///< waiting for stdout; then reading the line pauses
constexpr std::size_t least_output = std::size_t{1} << 17U; ///< and goes on
constexpr std::size_t most_waiting = 1024;                  ///< messages that wait to be taken by the module
constexpr std::size_t most_open = 1024; ///< messages that the module has taken and not sent
constexpr std::size_t longest_line = std::size_t{64} << 20U;
constexpr time_us output_patience =
    2 * one_second;                 ///< with a stdout that takes nothing, once the end is asked for
constexpr std::size_t piece = 4096; ///< a pipe that polls writable takes it whole (POSIX, PIPE_BUF)
constexpr time_us busy_pause = 2'000;

bool begins_with_no_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) {
               return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + ('a' - 'A')) : b);
           });
}

/// As XML content, where ${...} is not to be put in.
std::string plain(std::string_view text, bool literally = true) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char each = text[at];
        switch (each) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        case '$':
            out += literally && at + 1 < text.size() && text[at + 1] == '{' ? "$$" : "$";
            break;
        default:
            out += each;
            break;
        }
    }
    return out;
}

bool holds_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char each) {
        const auto byte = static_cast<unsigned char>(each);
        return byte < 0x20 || byte == 0x7F;
    });
}

void append_hex_line(std::string_view bytes, std::string& out) {
    append_hex(bytes, out);
    out += '\n';
}

/// One session: from the options to the exit code.
class session final : private instance_owner {
public:
    session(const connect_options& options, log& journal, site& around, redactor& known,
            signals& from_outside)
        : options_(options), journal_(journal), around_(around), known_(known), from_outside_(from_outside),
          watch_(journal) {}

    /// The exit code; 2 if the module does not take the settings.
    int run(const std::shared_ptr<const project>& what, const loaded_module& module);

private:
    enum class stage : std::uint8_t { connecting, open, closing, closed };
    enum class deed : std::uint32_t { connect, send, disconnect };

    struct message {
        bool binary = false;
        std::string content;
    };

    void wants_service(instance& who) noexcept override { loop_.ask(who); }
    void triggered(instance& who, std::uint32_t trigger, std::span<const value_view> variables) override;
    void call_ended(instance& who, const call_origin& origin, iom_outcome outcome,
                    std::string_view sentence) override;
    void stopped(instance& /*who*/) override { ended_ = true; }
    void condemned(instance& /*who*/, std::string_view sentence) override {
        fail(sentence);
        condemned_ = true;
    }
    bool supply(instance& who, const reference& what, value_view& found, std::string& why) override;

    bool invoke(deed what, std::string_view action_id,
                std::span<const std::pair<std::string_view, value_view>> arguments, iom_result& result);
    void received(std::span<const value_view> variables);
    bool send(bool binary, std::string_view content);
    void put_off(bool binary, std::string_view content);
    void send_waiting();
    void close_line();
    void fail(std::string_view sentence);
    void read_input();
    void watch_input();
    void write_output();
    void let_go();
    void take_signals();
    [[nodiscard]] bool input_is_wanted() const;
    [[nodiscard]] bool all_said() const;
    void finish_output();

    const connect_options& options_;
    log& journal_;
    site& around_;
    redactor& known_;
    signals& from_outside_;
    control_loop loop_;
    call_watch watch_;
    std::unique_ptr<instance> line_;

    stage now_ = stage::connecting;
    bool failed_ = false;
    bool clean_ = false;
    bool ended_ = false;
    bool condemned_ = false;
    bool asked_to_end_ = false; ///< by a signal
    time_us last_output_ = 0;   ///< when stdout last took something
    bool cut_ = false;
    time_us last_event_ = 0;

    std::deque<message> waiting_;
    std::size_t waiting_bytes_ = 0;
    std::size_t open_ = 0;
    bool busy_ = false;

    bool input_ended_ = false;
    bool input_watched_ = false;
    bool input_always_ready_ = false; ///< a file
    std::string input_;

    std::string output_;
    std::size_t output_at_ = 0;
    bool output_watched_ = false;
    bool output_always_ready_ = false;
    bool output_broken_ = false;
};

bool session::invoke(deed what, std::string_view action_id,
                     std::span<const std::pair<std::string_view, value_view>> arguments, iom_result& result) {
    const manifest::action* const found = line_->module().manifest.find_action(action_id);
    result = IOM_FAILED;
    if (found == nullptr) {
        fail("The module has no action " + std::string(action_id) + ".");
        return false;
    }
    std::array<argument_view, 4> given;
    std::size_t count = 0;
    for (const auto& [id, content] : arguments) {
        for (const manifest::field& field : found->arguments) {
            if (field.id == id && count < given.size()) {
                given[count++] = {field.number, content, nullptr};
            }
        }
    }
    call_origin origin;
    origin.rule = 0;
    origin.action = static_cast<std::uint32_t>(what);
    const module_answer said = line_->invoke(found->number, {given.data(), count}, origin);
    result = said.result;
    if (!said.ok() && said.result != IOM_BUSY) {
        fail(said.sentence);
    }
    return said.ok();
}

void session::fail(std::string_view sentence) {
    failed_ = true;
    journal_.write(log_level::error, {}, sentence);
}

void session::triggered(instance& who, std::uint32_t trigger, std::span<const value_view> variables) {
    const auto& triggers = who.module().manifest.triggers;
    const auto found = std::find_if(triggers.begin(), triggers.end(),
                                    [&](const manifest::trigger& each) { return each.number == trigger; });
    if (found == triggers.end()) {
        return;
    }
    const auto variable = [&](std::string_view id) {
        for (std::size_t at = 0; at < found->variables.size() && at < variables.size(); ++at) {
            if (found->variables[at].id == id) {
                return variables[at];
            }
        }
        return value_view{};
    };
    if (found->id == "message-received") {
        received(variables);
    } else if (found->id == "ready") {
        if (now_ == stage::connecting) {
            now_ = stage::open;
            last_event_ = control_loop::now();
        }
    } else if (found->id == "error") {
        failed_ = true; // the module has logged why
    } else if (found->id == "disconnected") {
        const value_view clean = variable("clean");
        clean_ = clean.kind == value_kind::boolean && clean.boolean;
        if (!clean_ && !failed_) {
            fail("The connection did not end cleanly: " + to_text(variable("sentence")));
        }
        now_ = stage::closed;
    }
}

void session::call_ended(instance& /*who*/, const call_origin& origin, iom_outcome outcome,
                         std::string_view sentence) {
    const auto what = static_cast<deed>(origin.action);
    if (what == deed::send) {
        --open_;
        busy_ = false;
        if (outcome != IOM_DONE && now_ == stage::open) {
            fail("A message was not sent: " + std::string(sentence));
        }
        last_event_ = control_loop::now();
    } else if (what == deed::connect && outcome != IOM_DONE) {
        if (!failed_) {
            fail(sentence);
        }
        now_ = stage::closed;
    }
}

bool session::supply(instance& /*who*/, const reference& what, value_view& found, std::string& why) {
    const std::string* given = nullptr;
    if (what.from == source::environment) {
        given = around_.environment(around_.symbols().name(what.index));
    } else if (what.from == source::secret) {
        given = around_.secret(around_.symbols().name(what.index));
    } else {
        why = "There is no such value here.";
        return false;
    }
    if (given == nullptr) {
        why = around_.last_refusal();
        return false;
    }
    found = value_view::of(std::string_view(*given));
    return true;
}

void session::received(std::span<const value_view> variables) {
    if (variables.empty()) {
        return;
    }
    last_event_ = control_loop::now();
    const value_view& content = variables.front();
    const bool binary = content.kind == value_kind::bytes;
    if (options_.echo) {
        if (now_ == stage::open && waiting_.empty() && open_ < most_open && send(binary, content.text)) {
            return;
        }
        put_off(binary, content.text);
        if (waiting_.size() > most_waiting || waiting_bytes_ > most_output) {
            line_->hold(true);
        }
        return;
    }
    if (output_broken_ || cut_) {
        return;
    }
    if (!binary) {
        output_ += content.text;
        output_ += '\n';
    } else if (options_.raw) {
        output_ += content.text;
    } else {
        append_hex_line(content.text, output_);
    }
    if (output_.size() - output_at_ > most_output) {
        line_->hold(true);
    }
}

/// False if the module cannot take it now; a message that it refuses counts as dealt with.
bool session::send(bool binary, std::string_view content) {
    iom_result result = IOM_OK;
    bool accepted = false;
    if (binary) {
        const std::array<std::pair<std::string_view, value_view>, 2> arguments{
            {{"data", value_view::of_bytes(content)}, {"encoding", value_view::of(std::string_view("raw"))}}};
        accepted = invoke(deed::send, "send-binary", arguments, result);
    } else {
        const std::array<std::pair<std::string_view, value_view>, 1> arguments{
            {{"message", value_view::of(content)}}};
        accepted = invoke(deed::send, "send-message", arguments, result);
    }
    if (result == IOM_BUSY) {
        busy_ = true;
        return false;
    }
    open_ += accepted ? 1U : 0U;
    last_event_ = control_loop::now();
    return true;
}

void session::put_off(bool binary, std::string_view content) {
    waiting_.push_back({binary, std::string(content)});
    waiting_bytes_ += content.size();
}

void session::send_waiting() {
    busy_ = false;
    while (now_ == stage::open && !waiting_.empty() && open_ < most_open) {
        const message& next = waiting_.front();
        if (!send(next.binary, next.content)) {
            return;
        }
        waiting_bytes_ -= next.content.size();
        waiting_.pop_front();
    }
}

bool session::input_is_wanted() const {
    return !options_.echo && !input_ended_ && now_ == stage::open && waiting_.size() < most_waiting;
}

bool session::all_said() const {
    return input_ended_ && waiting_.empty() && open_ == 0;
}

void session::read_input() {
    std::array<char, std::size_t{64} << 10U> buffer;
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (got < 0) {
        fail(std::string("stdin cannot be read: ") + std::strerror(errno) + ".");
    }
    if (got <= 0) {
        input_ended_ = true;
        if (!input_.empty()) {
            put_off(false, input_);
            input_.clear();
        }
        last_event_ = control_loop::now();
        return;
    }
    std::string_view rest(buffer.data(), static_cast<std::size_t>(got));
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        input_ += rest.substr(0, end);
        put_off(false, input_);
        input_.clear();
        rest.remove_prefix(end + 1);
    }
    input_ += rest;
    if (input_.size() > longest_line) {
        fail("A line of stdin is longer than 64 MiB, more than a message can be.");
        input_.clear();
        input_ended_ = true;
    }
}

void session::watch_input() {
    const bool wanted = input_is_wanted();
    if (input_always_ready_) {
        if (wanted) {
            read_input();
        }
        return;
    }
    if (wanted == input_watched_) {
        return;
    }
    if (wanted) {
        // A terminal is shared with others, so it is never made non-blocking: it is read only when ready.
        input_watched_ = loop_.watch(STDIN_FILENO, EPOLLIN, [this](std::uint32_t /*events*/) {
            if (input_is_wanted()) {
                read_input();
            }
        });
        input_always_ready_ = !input_watched_;
    } else {
        loop_.unwatch(STDIN_FILENO);
        input_watched_ = false;
    }
}

void session::write_output() {
    while (output_at_ < output_.size() && !output_broken_) {
        pollfd waits{STDOUT_FILENO, POLLOUT, 0};
        if (!output_always_ready_ && poll(&waits, 1, 0) <= 0) {
            break;
        }
        const std::size_t size = std::min(piece, output_.size() - output_at_);
        const ssize_t written = ::write(STDOUT_FILENO, output_.data() + output_at_, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0 && errno == EAGAIN) {
            break;
        }
        if (written < 0) {
            output_broken_ = true;
            fail(std::string("stdout takes no more: ") + std::strerror(errno) + ".");
            close_line();
            break;
        }
        output_at_ += static_cast<std::size_t>(written);
        last_output_ = control_loop::now();
    }
    if (output_at_ == output_.size() || output_broken_) {
        output_.clear();
        output_at_ = 0;
    } else if (output_at_ > most_output) {
        output_.erase(0, output_at_);
        output_at_ = 0;
    }
    const bool wanted = output_at_ < output_.size();
    if (wanted != output_watched_ && !output_always_ready_) {
        if (wanted) {
            output_watched_ = loop_.watch(STDOUT_FILENO, EPOLLOUT, [](std::uint32_t /*events*/) {});
            output_always_ready_ = !output_watched_;
        } else {
            loop_.unwatch(STDOUT_FILENO);
            output_watched_ = false;
        }
    }
}

/// Goes on reading the line once what held it up has gone.
void session::let_go() {
    const bool room = output_.size() - output_at_ < least_output && waiting_.size() < most_waiting / 2 &&
                      waiting_bytes_ < most_output / 2;
    if (!output_.empty() || line_->held()) {
        last_event_ = control_loop::now(); // nothing has come because nothing could
    }
    if (line_->held() && (room || cut_ || now_ != stage::open)) {
        line_->hold(false);
        loop_.ask(*line_);
    }
}

void session::close_line() {
    if (now_ != stage::open && now_ != stage::connecting) {
        return;
    }
    now_ = stage::closing;
    line_->hold(false);
    loop_.ask(*line_);
    iom_result result = IOM_OK;
    if (!invoke(deed::disconnect, "disconnect", {}, result)) {
        now_ = stage::closed; // stop ends it all the same
    }
}

void session::take_signals() {
    for (int taken = from_outside_.take(); taken != 0; taken = from_outside_.take()) {
        if (now_ == stage::connecting) {
            fail("Ended before there was a session.");
            now_ = stage::closed;
        } else if (asked_to_end_) {
            cut_ = true; // a second time
        }
        asked_to_end_ = true;
        waiting_.clear();
        waiting_bytes_ = 0;
        close_line();
    }
}

void session::finish_output() {
    // A reader that is slow gets all the time it wants, until somebody asks for the end.
    std::optional<time_us> asked_at;
    while (output_at_ < output_.size() && !output_broken_ && !cut_) {
        write_output();
        if (output_at_ >= output_.size()) {
            return;
        }
        const time_us now = control_loop::now();
        if (asked_to_end_) {
            asked_at = asked_at.value_or(now);
            if (now - std::max(*asked_at, last_output_) >= output_patience) {
                output_broken_ = true;
                fail("Nobody reads stdout: " + std::to_string(output_.size() - output_at_) +
                     " bytes of what was received are not shown.");
                return;
            }
        }
        loop_.turn(now + one_second / 4);
    }
}

int session::run(const std::shared_ptr<const project>& what, const loaded_module& module) {
    line_ = std::make_unique<instance>(what->instances[0].name, module, static_cast<instance_owner&>(*this),
                                       journal_, watch_, known_);
    line_->place(what, 0, around_);
    std::vector<manifest::mistake> mistakes;
    const std::vector<setting_value> settings = settings_of(*what, 0, around_, mistakes);
    for (const manifest::mistake& each : mistakes) {
        journal_.write(each.warning ? log_level::warning : log_level::error, {}, each.sentence);
    }
    if (any_wrong(mistakes)) {
        return 2;
    }
    module_answer said = line_->create();
    if (said.ok()) {
        said = line_->set(settings);
        if (!said.ok()) {
            journal_.write(log_level::error, {}, said.sentence);
            return 2;
        }
        said = line_->start();
    }
    if (!said.ok()) {
        fail(said.sentence);
        return 1;
    }
    loop_.watch(from_outside_.descriptor(), EPOLLIN, [this](std::uint32_t /*events*/) { take_signals(); });
    for (const std::string& text : options_.send) {
        put_off(false, text);
    }
    last_event_ = control_loop::now();
    iom_result result = IOM_OK;
    if (!invoke(deed::connect, "connect", {}, result)) {
        now_ = stage::closed;
    }
    while (now_ != stage::closed && !condemned_ && !cut_) {
        watch_input();
        send_waiting();
        write_output();
        let_go();
        const bool lingers = now_ == stage::open && !options_.echo && all_said() && output_.empty();
        if (lingers && control_loop::now() - last_event_ >= options_.linger) {
            close_line();
        }
        std::optional<time_us> deadline;
        if (lingers) {
            deadline = last_event_ + options_.linger;
        }
        if (busy_) {
            deadline = control_loop::now() + busy_pause;
        }
        if ((input_always_ready_ && input_is_wanted()) || (output_always_ready_ && !output_.empty())) {
            deadline = control_loop::now();
        }
        loop_.turn(deadline);
    }
    finish_output();
    line_->hold(false);
    line_->stop();
    const time_us bound = control_loop::now() + 10 * one_second;
    while (!ended_ && !condemned_ && !cut_ && line_->now() == guarded::state::stopping &&
           control_loop::now() < bound) {
        loop_.turn(bound);
    }
    line_->destroy("the session is over");
    finish_output();
    return failed_ ? 1 : 0;
}

std::optional<std::string> read_token(const std::filesystem::path& file, std::string& why) {
    std::ifstream in(file, std::ios::binary);
    std::string token{std::istreambuf_iterator<char>(in), {}};
    if (!in) {
        why = "--bearer-file: " + file.string() + " cannot be read.";
        return std::nullopt;
    }
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) {
        token.pop_back();
    }
    if (token.empty() || holds_control_character(token)) {
        why = "--bearer-file: " + file.string() + " does not hold one token in one line.";
        return std::nullopt;
    }
    return token;
}

} // namespace

std::optional<server_url> parse_url(const std::string& written, std::string& why) {
    server_url url;
    std::string_view rest = written;
    if (begins_with_no_case(rest, "wss://")) {
        url.secure = true;
        rest.remove_prefix(6);
    } else if (begins_with_no_case(rest, "ws://")) {
        rest.remove_prefix(5);
    } else {
        why = "\"" + written + "\" is no address of a WebSocket server: it begins with ws:// or wss://.";
        return std::nullopt;
    }
    if (holds_control_character(written) || written.find(' ') != std::string::npos) {
        why = "The address holds a blank or a control character: write it as %20 or the like.";
        return std::nullopt;
    }
    if (written.find('#') != std::string::npos) {
        why =
            "The address holds a fragment (#…), which WebSocket addresses cannot have (RFC 6455, section 3).";
        return std::nullopt;
    }
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    std::string_view authority = rest.substr(0, end);
    const std::string_view path = rest.substr(end);
    if (authority.find('@') != std::string_view::npos) {
        why = "The address holds a user name: give it with --set username=… and --set password=….";
        return std::nullopt;
    }
    std::string_view port;
    bool has_port = false;
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) {
            why = "The IPv6 address has no closing bracket.";
            return std::nullopt;
        }
        url.host = authority.substr(1, close - 1);
        authority.remove_prefix(close + 1);
        has_port = authority.starts_with(':');
        if (!authority.empty() && !has_port) {
            why = "Behind the closing bracket stands what is no port.";
            return std::nullopt;
        }
        port = has_port ? authority.substr(1) : std::string_view();
    } else {
        const std::size_t colon = authority.find(':');
        has_port = colon != std::string_view::npos;
        url.host = authority.substr(0, colon);
        port = has_port ? authority.substr(colon + 1) : std::string_view();
        if (port.find(':') != std::string_view::npos) {
            why = "An IPv6 address stands in brackets: ws://[::1]:9001/.";
            return std::nullopt;
        }
    }
    if (url.host.empty()) {
        why = "The address names no host.";
        return std::nullopt;
    }
    if (has_port) {
        const auto [stop, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
        if (error != std::errc() || stop != port.data() + port.size() || url.port < 1 || url.port > 65535) {
            why = "\"" + std::string(port) + "\" is no port: it is a number from 1 to 65535.";
            return std::nullopt;
        }
    }
    url.path = path;
    if (!url.path.starts_with('/')) {
        url.path.insert(0, 1, '/');
    }
    return url;
}

std::string project_of(const connect_options& options, const server_url& url,
                       const manifest::module_manifest& module) {
    std::string out = "<project name=\"connect\"><instance name=\"connect\" module=\"" + module.id + "\">";
    const auto set = [&](std::string_view id, std::string_view value, bool literally = true) {
        const manifest::setting* const setting = module.find_setting(id);
        std::string content = plain(value, literally);
        if (setting != nullptr && setting->type == manifest::type::match) {
            content = "<match>" + content + "</match>";
        } else if (setting != nullptr && setting->type == manifest::type::file && !value.empty()) {
            std::error_code error;
            content = plain(std::filesystem::absolute(std::string(value), error).lexically_normal().string(),
                            literally);
        }
        out += "<set name=\"" + plain(id) + "\">" + content + "</set>";
    };
    const auto set_list = [&](std::string_view id, const std::vector<std::string>& items, bool literally) {
        out += "<set name=\"" + std::string(id) + "\">";
        for (const std::string& each : items) {
            out += "<item>" + plain(each, literally) + "</item>";
        }
        out += "</set>";
    };
    set("hostname", url.host);
    set("path", url.path);
    set("protocol", url.secure ? "wss" : "ws");
    set("port", std::to_string(url.port));
    set("connect-at-startup", "false");
    set("auto-reconnect", "false");
    std::vector<std::string> headers;
    for (const std::string& each : options.headers) {
        headers.push_back(each);
    }
    if (!headers.empty()) {
        set_list("headers", headers, true);
    }
    if (options.bearer) {
        set("bearer-token", *options.bearer);
    }
    if (options.ca) {
        set("tls-ca", options.ca->string());
    }
    if (options.insecure) {
        set("tls-verify", "false");
    }
    // Several for one list are its items.
    std::vector<std::string> seen;
    for (const auto& [id, value] : options.settings) {
        const manifest::setting* const setting = module.find_setting(id);
        if (setting == nullptr || !setting->list) {
            set(id, value, false);
            continue;
        }
        if (std::find(seen.begin(), seen.end(), id) != seen.end()) {
            continue;
        }
        seen.push_back(id);
        std::vector<std::string> items;
        for (const auto& [other, item] : options.settings) {
            if (other == id) {
                items.push_back(item);
            }
        }
        set_list(id, items, false);
    }
    return out + "</instance></project>";
}

int connect(const connect_options& given) {
    signals from_outside({SIGINT, SIGTERM, SIGHUP}); // before the first thread
    redactor known;
    connect_options options = given;
    log_options written;
    const bool wants_all =
        options.verbose ||
        std::any_of(options.settings.begin(), options.settings.end(), [](const auto& each) {
            return each.first == "extended-logging" || each.first == "log-comms";
        });
    written.level = wants_all ? std::optional<log_level>() : std::optional<log_level>(log_level::warning);
    log journal(written, known);
    const auto misused = [&](const std::string& sentence) {
        journal.write(log_level::error, {}, sentence);
        return 2;
    };
    std::string why;
    const std::optional<server_url> url = parse_url(options.url, why);
    if (!url) {
        return misused(why);
    }
    if (options.bearer && options.bearer_file) {
        return misused("--bearer and --bearer-file both give a token: use one of them.");
    }
    if (options.bearer_file) {
        options.bearer = read_token(*options.bearer_file, why);
        if (!options.bearer) {
            return misused(why);
        }
    }
    for (const auto& [id, value] : options.settings) {
        if (id == "auto-reconnect" || id == "connect-at-startup") {
            return misused("--set " + id +
                           ": this command makes one connection, now, and never a second one.");
        }
        if (holds_control_character(value)) {
            return misused("--set " + id + ": the value holds a control character.");
        }
    }
    for (const std::string& each : options.headers) {
        if (holds_control_character(each)) {
            return misused("--header: it holds a control character.");
        }
    }
    if (options.bearer && holds_control_character(*options.bearer)) {
        return misused("--bearer: it holds a control character.");
    }
    if (options.bearer) {
        known.add(*options.bearer, redactor::stay::lasting);
    }
    site around("connect.xml", options.modules, {"/"}, known);
    std::vector<manifest::mistake> mistakes;
    const loaded_module* const module = around.modules().load("websocket-client", mistakes);
    if (module == nullptr) {
        for (const manifest::mistake& each : mistakes) {
            journal.write(log_level::error, {}, manifest::to_string(each));
        }
        return 1;
    }
    const auto read = parse_project(project_of(options, *url, module->manifest), "connect.xml", around,
                                    mistakes, connector::program);
    for (const manifest::mistake& each : mistakes) {
        journal.write(each.warning ? log_level::warning : log_level::error, {}, each.sentence);
    }
    if (read == nullptr || any_wrong(mistakes)) {
        return 2;
    }
    session one(options, journal, around, known, from_outside);
    return one.run(read, *module);
}

} // namespace iom::host::commands
