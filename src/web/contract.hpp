#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The routes of the web interface, as openapi.json describes them. Pure.
namespace iom::host::web {

/// What somebody may do; each right includes those before it.
enum class right : unsigned char { none, read, operate, configure };

std::optional<right> right_of(std::string_view word) noexcept;
std::string_view to_word(right what) noexcept;

struct route {
    std::string method;
    std::vector<std::string> segments; ///< of the path; `{name}` stands for any text
    std::string operation;             ///< operationId
    bool open = false;                 ///< public: needs no right
    right needs = right::configure;
    std::size_t body_limit = 0; ///< bytes; 0: takes no body
    std::string body_type;      ///< media type of the body
    bool checks = false;        ///< takes check=true: judged only
};

class contract {
public:
    /// Reads the description; throws std::runtime_error with a sentence if it is none.
    explicit contract(std::string_view openapi);

    struct found {
        const route* what = nullptr;
        std::map<std::string, std::string, std::less<>> values; ///< of {…} in the path
        bool other_method = false;                              ///< the path is known, the method is not
    };

    /// The route of a path that is decoded already. A {…} may hold slashes, because a rule's name may.
    [[nodiscard]] found find(std::string_view method, std::string_view path) const;

    [[nodiscard]] const std::vector<route>& routes() const noexcept { return routes_; }

private:
    std::vector<route> routes_; ///< those with fewer {…} first
};

} // namespace iom::host::web
