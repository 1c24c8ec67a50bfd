#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace iom::peer {

/// A request target that asks for something this server cannot play; what() is a sentence for the client.
class bad_target : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The request target of RFC 9112 §3.2.1, percent-decoded. A '+' in the query stays a '+'.
struct target {
    std::string path;
    std::map<std::string, std::string, std::less<>> query;

    /// The value of a query parameter, or nothing.
    std::optional<std::string> text(std::string_view name) const;

    /// The number of a query parameter, or `otherwise` where it is absent.
    /// Throws bad_target where it is no decimal number in least … most.
    std::uint64_t number(std::string_view name, std::uint64_t otherwise, std::uint64_t least,
                         std::uint64_t most) const;

    /// 1, true, yes, on or an empty value is true; 0, false, no or off is false. Throws bad_target otherwise.
    bool flag(std::string_view name, bool otherwise) const;
};

/// Throws bad_target for one that does not begin with '/' or holds a broken percent escape.
target parse_target(std::string_view text);

} // namespace iom::peer
