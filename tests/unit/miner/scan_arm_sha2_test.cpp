// The ARMv8 SHA-2 kernel alone.
#include "tests/unit/miner/kernels.h"

#include <doctest/doctest.h>

#if defined(__aarch64__)

namespace miner {
namespace {

TEST_CASE(
    "arm_sha2 equals portable for extreme words, steps and targets, and for few and many nonces") {
  kernels::check_edges("arm_sha2");
}

}  // namespace
}  // namespace miner

#endif
