#include "module/frame_log.hpp"

#include "target.hpp"

using namespace iom::ws;

void fuzz(std::string_view input) {
    for (const bool text : {false, true}) {
        const auto line = frame_line(direction::in, "text", true, input.size(), input, text);
        require(line.find('\n') == line.npos);
        require(line.find('\0') == line.npos);
    }
    const auto lines = head_lines(direction::out, input);
    require(lines.find('\0') == lines.npos);
}
