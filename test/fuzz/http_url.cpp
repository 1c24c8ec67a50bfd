#include "http/url.hpp"

#include "target.hpp"

#include <algorithm>

using namespace iom::host;

namespace {

bool is_clean(std::string_view text) {
    return text.find_first_of(" \r\n\t#") == text.npos;
}

} // namespace

// A URL on the first line; the rest is a Location that came in its answer, and a header.
void fuzz(std::string_view input) {
    const auto line = std::min(input.find('\n'), input.size());
    const std::string_view rest = input.substr(std::min(line + 1, input.size()));
    std::string why;
    const auto url = parse_http_url(input.substr(0, line), why);
    require(url.has_value() == why.empty());
    if (url) {
        require(url->port != 0 && url->path.starts_with('/'));
        require(is_clean(url->path) && is_clean(url->authority()));
        // What is put together again is the same.
        const auto again = parse_http_url(url->origin() + url->path, why);
        require(again && *again == *url);
        require(judge_http_url_beginning(input.substr(0, line)).empty());
        if (const auto to = http_url_from(*url, rest, why)) {
            require(to->port != 0 && to->path.starts_with('/') && is_clean(to->path));
            require(same_origin(*url, *to) == (to->origin() == url->origin()));
        }
    }
    if (judge_http_header(rest).empty()) {
        require(rest.find_first_of("\r\n") == rest.npos && rest.find(':') != rest.npos);
    }
}
