// A module that keeps the contract.

#include "sample.hpp"

IOM_TEST_MODULE(iom::test::sample);
