#include "module/codec.hpp"

#include "target.hpp"

using namespace iom::ws;

void fuzz(std::string_view input) {
    const auto back = from_base64(to_base64(input));
    require(back && *back == input);
    if (const auto bytes = from_base64(input)) {
        require(bytes->size() <= input.size());
    }
    if (const auto bytes = from_hex(input)) {
        require(bytes->size() <= input.size() / 2);
    }
    if (const auto bytes = from_percent(input)) {
        require(bytes->size() <= input.size());
    }
    for (std::size_t limit = 0; limit < 8; ++limit) {
        require(cut_text(input, limit).size() <= limit);
    }
}
