#include "secrets_text.hpp"

#include "target.hpp"

#include <algorithm>
#include <vector>

using namespace iom::host;

void fuzz(std::string_view input) {
    const auto names = secret_names(input);
    std::string why;
    const std::vector<named_secret> values{{"fresh", " a \"b\" "}};
    const auto with = with_secrets(input, values, why);
    require(with.has_value() == why.empty());
    if (!with)
        return;
    const auto now = secret_names(*with);
    const bool known = std::find(names.begin(), names.end(), "fresh") != names.end();
    require(now.size() == names.size() + (known ? 0 : 1));
    require(with_secrets(*with, values, why) == with);
    // Everything else is there as it was.
    require(without_secret(*with, "fresh").starts_with(without_secret(input, "fresh")));
}
