#include "web/contract.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace iom::host::web {
namespace {

constexpr std::pair<right, std::string_view> right_words[] = {
    {right::read, "read"}, {right::operate, "operate"}, {right::configure, "configure"}};

bool is_value(std::string_view segment) {
    return segment.size() > 2 && segment.front() == '{';
}

std::vector<std::string> split(std::string_view path) {
    std::vector<std::string> segments;
    path.remove_prefix(path.starts_with('/') ? 1 : 0);
    for (;;) {
        const std::size_t slash = path.find('/');
        segments.emplace_back(path.substr(0, slash));
        if (slash == std::string_view::npos) {
            return segments;
        }
        path.remove_prefix(slash + 1);
    }
}

std::ptrdiff_t values_in(const route& what) {
    return std::count_if(what.segments.begin(), what.segments.end(),
                         [](const std::string& each) { return is_value(each); });
}

/// Matches pattern[from…] against path[at…]; the last {…} takes what is left over.
bool fits(const std::vector<std::string>& pattern, std::size_t from, const std::vector<std::string>& path,
          std::size_t at, std::map<std::string, std::string, std::less<>>& values) {
    if (from == pattern.size()) {
        return at == path.size();
    }
    if (!is_value(pattern[from])) {
        return at < path.size() && pattern[from] == path[at] && fits(pattern, from + 1, path, at + 1, values);
    }
    const std::string name = pattern[from].substr(1, pattern[from].size() - 2);
    std::string value;
    for (std::size_t end = at; end < path.size(); ++end) {
        value += (end > at ? "/" : "") + path[end];
        if (fits(pattern, from + 1, path, end + 1, values)) {
            if (value.empty()) {
                return false;
            }
            values[name] = value;
            return true;
        }
    }
    return false;
}

} // namespace

std::optional<right> right_of(std::string_view word) noexcept {
    for (const auto& [what, name] : right_words) {
        if (name == word) {
            return what;
        }
    }
    return std::nullopt;
}

std::string_view to_word(right what) noexcept {
    for (const auto& [each, name] : right_words) {
        if (each == what) {
            return name;
        }
    }
    return "none";
}

contract::contract(std::string_view openapi) {
    const nlohmann::json whole = nlohmann::json::parse(openapi, nullptr, false);
    if (!whole.is_object() || !whole.contains("paths")) {
        throw std::runtime_error("the description of the web interface in this program cannot be read");
    }
    for (const auto& [path, methods] : whole["paths"].items()) {
        for (const auto& [method, operation] : methods.items()) {
            route made;
            made.method = method;
            std::transform(made.method.begin(), made.method.end(), made.method.begin(),
                           [](char each) { return static_cast<char>(each - 'a' + 'A'); });
            made.segments = split(path);
            made.operation = operation.at("operationId").get<std::string>();
            const std::string needs = operation.at("x-right").get<std::string>();
            made.open = needs == "public";
            made.needs = made.open ? right::none : right_of(needs).value();
            if (operation.contains("requestBody")) {
                made.body_limit = operation.at("x-body-limit").get<std::size_t>();
                made.body_type = operation.at("requestBody").at("content").items().begin().key();
            }
            for (const auto& parameter : operation.value("parameters", nlohmann::json::array())) {
                made.checks = made.checks || parameter.value("$ref", "") == "#/components/parameters/check";
            }
            routes_.push_back(std::move(made));
        }
    }
    std::stable_sort(routes_.begin(), routes_.end(), [](const route& left, const route& right) {
        return std::pair(values_in(left), right.segments.size()) <
               std::pair(values_in(right), left.segments.size());
    });
}

contract::found contract::find(std::string_view method, std::string_view path) const {
    const std::vector<std::string> segments = split(path);
    found best;
    for (const route& each : routes_) {
        found here;
        if (!fits(each.segments, 0, segments, 0, here.values)) {
            continue;
        }
        if (each.method == method) {
            here.what = &each;
            return here;
        }
        best.other_method = true;
    }
    return best;
}

} // namespace iom::host::web
