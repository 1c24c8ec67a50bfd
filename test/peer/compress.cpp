#include "compress.hpp"

#include <utility>

#include <boost/beast/zlib/deflate_stream.hpp>
#include <boost/system/system_error.hpp>

namespace iom::peer {

std::string deflated_zeros(std::uint64_t size) {
    namespace zlib = boost::beast::zlib;
    const std::string zeros(size, '\0');
    zlib::deflate_stream deflate;
    std::string out(deflate.upper_bound(zeros.size()) + 64, '\0');
    zlib::z_params step;
    step.next_in = zeros.data();
    step.avail_in = zeros.size();
    step.next_out = out.data();
    step.avail_out = out.size();
    boost::system::error_code error;
    deflate.write(step, zlib::Flush::full, error);
    if (error) {
        throw boost::system::system_error(error, "compressing zeros");
    }
    out.resize(step.total_out);
    return out;
}

} // namespace iom::peer
