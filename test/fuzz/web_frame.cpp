// Lines of Log Comms, as the page reads them: what a server has sent stands in them.

#include "web/book.hpp"

#include "target.hpp"

using namespace iom::host::web;

void fuzz(std::string_view input) {
    const auto read = read_frame(input);
    if (!read)
        return;
    require(input.starts_with(read->in ? "in  " : "out "));
    require(input.find(read->opcode) != std::string_view::npos);
    require(read->payload.size() <= input.size());
}
