#pragma once

#include "secret_uses.hpp"
#include "web/access.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace iom::host::web {

/// Which stored secrets a visitor has typed lately, under their names: whoever knows a value may lead it
/// anywhere, and nobody else may because of that.
class given_secrets {
public:
    static constexpr std::int64_t good_for = 10LL * 60 * 1000; ///< milliseconds
    static constexpr std::size_t most = 1024;

    void add(const visitor& who, const std::string& name, std::int64_t now) {
        std::erase_if(when_, [&](const auto& each) {
            // What others have given under that name is not what is stored there any more.
            return now - each.second > good_for || each.first.second == name;
        });
        if (when_.size() < most) {
            when_[{key_of(who), name}] = now;
        }
    }

    [[nodiscard]] secret_set of(const visitor& who, std::int64_t now) const {
        secret_set names;
        const std::string key = key_of(who);
        for (const auto& [what, when] : when_) {
            if (what.first == key && now - when <= good_for) {
                names.insert(what.second);
            }
        }
        return names;
    }

private:
    /// Without a password all who come are one.
    static std::string key_of(const visitor& who) {
        return who.token != 0 ? "token " + std::to_string(who.token) : who.session;
    }

    std::map<std::pair<std::string, std::string>, std::int64_t> when_; ///< by visitor and name
};

} // namespace iom::host::web
