#pragma once

#include <cstdint>
#include <string>

namespace iom::peer {

/// So many zero bytes as raw DEFLATE (RFC 1951), ended by a full flush (00 00 ff ff): such pieces may follow
/// each other in any number.
std::string deflated_zeros(std::uint64_t size);

} // namespace iom::peer
