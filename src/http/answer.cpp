#include "http/answer.hpp"

#include "http/url.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace iom::host {

namespace {

std::string size_of(std::size_t bytes) {
    return bytes % 1024 != 0                     ? std::to_string(bytes) + " bytes"
           : bytes % (std::size_t{1} << 20) != 0 ? std::to_string(bytes >> 10U) + " KiB"
                                                 : std::to_string(bytes >> 20U) + " MiB";
}

} // namespace

bool http_answer::broken(std::string sentence) {
    state_ = state::broken;
    why_ = std::move(sentence);
    body_.clear();
    return false;
}

http_answer::state http_answer::take(std::string_view bytes) {
    while (state_ == state::reading && !bytes.empty()) {
        begun_ = true;
        if (part_ == part::body || part_ == part::chunk) {
            const auto size = left_ ? static_cast<std::size_t>(std::min<std::uint64_t>(*left_, bytes.size()))
                                    : bytes.size();
            if (!keep(bytes.substr(0, size)))
                break;
            bytes.remove_prefix(size);
            if (left_)
                *left_ -= size;
            if (left_ && *left_ == 0) {
                if (part_ == part::chunk)
                    part_ = part::chunk_end;
                else
                    state_ = state::complete;
            }
            continue;
        }
        const auto end = bytes.find('\n');
        const auto piece = bytes.substr(0, end);
        head_ += piece.size() + 1;
        // Of chunks there may be many: their lines count as much as a sixteenth of the body may hold.
        if (head_ > most_head + (part_ >= part::chunk_size ? most_body_ / 16 : 0)) {
            broken("sent more than " + size_of(most_head) + " before its answer's body");
            break;
        }
        line_ += piece;
        if (end == bytes.npos)
            break;
        bytes.remove_prefix(end + 1);
        if (line_.ends_with('\r'))
            line_.pop_back();
        const auto whole = std::exchange(line_, {});
        if (!line(whole))
            break;
    }
    return state_;
}

http_answer::state http_answer::end() {
    if (state_ != state::reading)
        return state_;
    if (part_ == part::body && !left_)
        state_ = state::complete;
    else
        broken(begun_ ? "closed the connection in the middle of its answer"
                      : "closed the connection without an answer");
    return state_;
}

bool http_answer::line(std::string_view text) {
    switch (part_) {
    case part::status_line:
        return status_line(text);
    case part::headers:
        if (text.empty())
            return end_of_head();
        if ((text.front() == ' ' || text.front() == '\t') && !headers_.empty()) {
            headers_.back() += ' ';
            headers_.back() += text.substr(1); // a folded line (RFC 9112 §5.2)
            return true;
        }
        if (const auto colon = text.find(':'); colon == text.npos || colon == 0)
            return broken("sent a header that is none");
        headers_.emplace_back(text);
        return true;
    case part::chunk_size:
        return chunk_size(text);
    case part::chunk_end:
        if (!text.empty())
            return broken("sent a chunk that is longer than it had said");
        part_ = part::chunk_size;
        return true;
    case part::trailers:
        if (text.empty())
            state_ = state::complete;
        return true;
    case part::body:
    case part::chunk:
        break;
    }
    return true;
}

bool http_answer::status_line(std::string_view text) {
    const bool right = text.size() >= 12 &&
                       (text.starts_with("HTTP/1.1 ") || text.starts_with("HTTP/1.0 ")) &&
                       (text.size() == 12 || text[12] == ' ');
    const auto number = right ? text.substr(9, 3) : std::string_view{};
    const auto read = std::from_chars(number.data(), number.data() + number.size(), status_);
    if (!right || read.ec != std::errc{} || read.ptr != number.data() + number.size() || status_ < 100 ||
        status_ > 599)
        return broken("sent no HTTP/1.1 answer. Is it a web server, and the port right?");
    part_ = part::headers;
    return true;
}

bool http_answer::end_of_head() {
    if (status_ == 101)
        return broken("switched to another protocol, which nobody had asked it for");
    if (status_ < 200) {
        if (++interim_ > most_interim)
            return broken("sent nothing but answers that announce another");
        headers_.clear();
        part_ = part::status_line;
        return true;
    }
    if (bodiless_ || status_ == 204 || status_ == 304) {
        state_ = state::complete;
        return true;
    }
    return length_of_body();
}

/// RFC 9112 §6.3.
bool http_answer::length_of_body() {
    if (const auto coding = find_http_header(headers_, "Transfer-Encoding")) {
        if (!equal_ignoring_case(*coding, "chunked"))
            return broken("sent its body in a coding that this host does not know");
        part_ = part::chunk_size;
        return true;
    }
    part_ = part::body;
    for (const auto& header : headers_) {
        const auto written = find_http_header({&header, 1}, "Content-Length");
        if (!written)
            continue;
        std::uint64_t length = 0;
        const auto read = std::from_chars(written->data(), written->data() + written->size(), length);
        if (written->empty() || read.ec != std::errc{} || read.ptr != written->data() + written->size() ||
            (left_ && *left_ != length))
            return broken("sent a Content-Length that is none");
        left_ = length;
    }
    if (left_ && *left_ > most_body_)
        return broken("answered with more than " + size_of(most_body_) + ", which is the most that is taken");
    if (left_ && *left_ == 0)
        state_ = state::complete;
    return true;
}

bool http_answer::chunk_size(std::string_view text) {
    const auto digits = text.substr(0, text.find_first_of("; \t"));
    std::uint64_t size = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
    if (digits.empty() || read.ec != std::errc{} || read.ptr != digits.data() + digits.size())
        return broken("sent a chunk whose length is none");
    if (size > most_body_ - std::min(most_body_, body_.size()))
        return broken("answered with more than " + size_of(most_body_) + ", which is the most that is taken");
    left_ = size;
    part_ = size == 0 ? part::trailers : part::chunk;
    return true;
}

bool http_answer::keep(std::string_view bytes) {
    if (body_.size() + bytes.size() > most_body_)
        return broken("answered with more than " + size_of(most_body_) + ", which is the most that is taken");
    body_ += bytes;
    return true;
}

} // namespace iom::host
