#include "module/cause.hpp"

#include "module/verdict.hpp"
#include "target.hpp"

using namespace iom::ws;

// What a server or a library says must always become a sentence.
void fuzz(std::string_view input) {
    if (input.empty()) {
        return;
    }
    const auto choice = static_cast<unsigned char>(input.front());
    const auto why = cause_of(input.substr(1), {.stage = static_cast<reached>(choice % 4),
                                                .proxied = (choice & 4U) != 0,
                                                .certificate = (choice & 8U) != 0});
    require(!why.code.empty());
    require(!judge(why, choice >> 4U).sentence.empty());
}
