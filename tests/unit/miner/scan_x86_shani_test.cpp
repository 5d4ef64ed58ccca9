// The SHA-NI kernel alone.
#include "tests/unit/miner/kernels.h"

#include <doctest/doctest.h>

#if defined(__x86_64__)

namespace miner {
namespace {

TEST_CASE(
    "x86_shani equals portable for extreme words, steps and targets, and for few and many nonces") {
  kernels::check_edges("x86_shani");
}

}  // namespace
}  // namespace miner

#endif
