#include "http/answer.hpp"

#include "target.hpp"

using namespace iom::host;

namespace {

struct reading {
    http_answer::state how;
    int status;
    std::string body;
    std::string why;
};

reading read(std::string_view bytes, std::size_t piece, bool bodiless) {
    constexpr std::size_t most = 4096;
    http_answer answer(most, bodiless);
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        answer.take(bytes.substr(at, piece));
        require(answer.body().size() <= most);
    }
    answer.end();
    return {answer.now(), answer.status(), answer.body(), answer.why()};
}

} // namespace

// The first byte chooses a HEAD and the size of the pieces, the rest is what the server sends.
void fuzz(std::string_view input) {
    if (input.empty()) {
        return;
    }
    const auto choice = static_cast<unsigned char>(input.front());
    const bool bodiless = (choice & 1U) != 0;
    const std::string_view bytes = input.substr(1);
    const reading whole = read(bytes, bytes.size() + 1, bodiless);
    require(whole.how != http_answer::state::reading);
    if (whole.how == http_answer::state::complete) {
        require(whole.status >= 200 && whole.status <= 599);
    } else {
        require(!whole.why.empty() && whole.body.empty());
    }
    // In pieces it is the same.
    const reading pieces = read(bytes, 1U + (choice >> 1U), bodiless);
    require(pieces.how == whole.how && pieces.body == whole.body && pieces.why == whole.why);
}
