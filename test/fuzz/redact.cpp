#include "redact.hpp"

#include "target.hpp"

using namespace iom::host;

// Half of the input is a secret: it shows nowhere in what is left of the whole.
void fuzz(std::string_view input) {
    const std::string_view secret = input.substr(0, input.size() / 2);
    redactor known;
    known.add(secret);
    const auto shown = known.redact(input);
    if (secret.size() >= 4) {
        require(shown.find(secret) == shown.npos || redactor::mark.find(secret) != redactor::mark.npos ||
                secret.find('*') != secret.npos);
    }
}
