#include "match.hpp"

#include "target.hpp"

#include <algorithm>
#include <array>

using namespace iom::host;

// Kind and comparison in the first byte, then three lines: pointer, text, name; the rest is the message.
void fuzz(std::string_view input) {
    if (input.empty()) {
        return;
    }
    const auto choice = static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
    const auto line = [&] {
        const auto end = std::min(input.find('\n'), input.size());
        const auto taken = input.substr(0, end);
        input.remove_prefix(std::min(end + 1, input.size()));
        return taken;
    };
    const std::array specs{match_spec{.kind = static_cast<match_kind>(choice % 5),
                                      .text = std::string(line()),
                                      .pointer = std::string(line()),
                                      .compare = static_cast<json_comparison>(choice / 5 % 7),
                                      .as = std::string(line())}};
    std::string why;
    std::size_t which = 0;
    const auto made = match::compile(specs, why, which);
    if (!made) {
        require(!why.empty());
        return;
    }
    json_document scratch;
    message_view message(input, choice > 127, scratch);
    capture_list captures;
    const bool holds = made->capture(message, captures);
    require(holds == made->test(message));
    require(captures.size() == (holds ? made->capture_names().size() : 0));

    // The index may name too many, never too few.
    const match* const only = made.get();
    const match_index index(std::span(&only, 1));
    std::vector<std::uint64_t> candidates;
    index.find(message, candidates);
    require(!holds || (!candidates.empty() && (candidates.front() & 1U) != 0));
}
