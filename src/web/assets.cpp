#include "web/assets.hpp"

#include "web/pack.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace iom::host::web {

const asset* find_asset(std::string_view path) {
    const auto all = all_assets();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const asset& each) { return each.path == path; });
    return found == all.end() ? nullptr : &*found;
}

std::string_view type_of(std::string_view path) {
    static constexpr std::pair<std::string_view, std::string_view> types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".json", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".txt", "text/plain; charset=utf-8"},
    };
    for (const auto& [ending, type] : types) {
        if (path.ends_with(ending)) {
            return type;
        }
    }
    return "application/octet-stream";
}

std::string openapi() {
    const asset* const found = find_asset("api/openapi.json");
    if (found == nullptr) {
        throw std::runtime_error("this program was built without the description of its web interface");
    }
    return gunzip(found->packed);
}

std::string page_token() {
    const asset* const page = find_asset("index.html");
    if (page == nullptr) {
        return "none";
    }
    const std::string html = gunzip(page->packed);
    constexpr std::string_view mark = "<meta name=\"page\" content=\"";
    const std::size_t at = html.find(mark);
    const std::size_t from = at == std::string::npos ? at : at + mark.size();
    const std::size_t end = from == std::string::npos ? from : html.find('"', from);
    return end == std::string::npos ? std::string(page->sum.substr(0, 12)) : html.substr(from, end - from);
}

} // namespace iom::host::web
