#include "module/address.hpp"

#include "target.hpp"

using namespace iom::ws;

void fuzz(std::string_view input) {
    const bool name = judge_hostname(input).empty();
    require(!is_ip_address(input) || name);
    require(!name || input.find_first_of("/@?# \r\n") == input.npos);
    require(!judge_path(input).empty() || input.find_first_of(" \r\n#") == input.npos);
    require(!judge_header(input, true).empty() || input.find_first_of("\r\n") == input.npos);
    require(!judge_token(input).empty() || input.find_first_of(" ,;\r\n") == input.npos);
    std::string mistake;
    const auto proxy = read_proxy(input, mistake);
    require(proxy.has_value() == mistake.empty());
    const auto pin = read_pin(input);
    require(!pin || pin->size() == 32);
}
