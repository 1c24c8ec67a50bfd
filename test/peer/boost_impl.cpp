// The one translation unit that holds Boost.Asio's and Boost.Beast's compiled halves.
#include <utility>

#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
