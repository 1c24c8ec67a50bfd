// Shows more than the one symbol.

#include "sample.hpp"

extern "C" __attribute__((visibility("default"))) int one_symbol_too_many() {
    return 0;
}

IOM_TEST_MODULE(iom::test::sample);
