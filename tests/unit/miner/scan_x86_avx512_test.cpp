// The AVX-512 kernel alone.
#include "tests/unit/miner/kernels.h"

#include <doctest/doctest.h>

#if defined(__x86_64__)

namespace miner {
namespace {

TEST_CASE(
    "x86_avx512 equals portable for extreme words, steps and targets, and for few and many "
    "nonces") {
  kernels::check_edges("x86_avx512");
}

}  // namespace
}  // namespace miner

#endif
