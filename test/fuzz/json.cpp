#include "json.hpp"

#include "target.hpp"

#include <algorithm>

using namespace iom::host;

// A pointer on the first line, a text behind it.
void fuzz(std::string_view input) {
    const auto line = std::min(input.find('\n'), input.size());
    const std::string_view text = input.substr(std::min(line + 1, input.size()));
    static json_document document;
    if (document.parse(text)) {
        std::vector<std::string> tokens;
        if (split_pointer(input.substr(0, line), tokens)) {
            if (const auto* const found = document.find(tokens)) {
                require(found->source.data() >= text.data());
                require(found->source.data() + found->source.size() <= text.data() + text.size());
            }
        }
        const std::string_view root = document.root().source;
        json_document again;
        require(again.parse(root));
    }
    // What is escaped reads back as it was, as far as it is text at all.
    std::string escaped = "\"";
    append_json_escaped(text, escaped);
    escaped += '"';
    json_document quoted;
    if (quoted.parse(escaped) && text.find_first_of("\x7f\xff") == text.npos) {
        require(quoted.root().kind == json_kind::string);
    }
}
