// The SHA-NI kernel alone, at the edges that its two streams and shortened rounds could get wrong.
#include "tests/unit/miner/kernels.h"

#include <doctest/doctest.h>

#if defined(__x86_64__)

namespace miner {
namespace {

bool can_run() {
  const crypto::CpuFeatures cpu = crypto::detect_cpu_features();
  if (cpu.sha_ni && cpu.sse41) return true;
  MESSAGE("SKIPPED: x86_shani is not supported by this processor");
  return false;
}

using kernels::scan;

TEST_CASE("x86_shani equals portable for extreme words, steps and targets") {
  if (!can_run()) return;
  for (const std::uint32_t word : {0U, 1U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    for (const std::uint32_t step : {1U, 3U, 0xffffffffU}) {
      for (const std::uint32_t top : {0x007fffffU, 0x80000000U, 0xfffffffeU, 0xffffffffU}) {
        ScanJob job{};
        job.midstate_count = 2;
        for (auto& midstate : job.midstates) {
          for (std::uint32_t& state : midstate) state = word;
        }
        for (std::uint32_t& tail : job.tail) tail = word;
        job.nonce_step = step;
        job.top_word_max = top;
        CHECK_EQ(scan(scan_x86_shani, job, word, 1024), scan(scan_portable, job, word, 1024));
      }
    }
  }
}

TEST_CASE("x86_shani equals portable over 10^5 nonces of one job, and for the smallest count") {
  if (!can_run()) return;
  base::Random random(42);
  kernels::RandomScan far = kernels::random_scan(random, true);
  far.job.top_word_max = 0x0fffffff;
  CHECK_EQ(scan(scan_x86_shani, far.job, far.first, 102400),
           scan(scan_portable, far.job, far.first, 102400));
  far.job.top_word_max = 0xffffffff;
  CHECK_EQ(scan(scan_x86_shani, far.job, far.first, 2),
           kernels::Proposals{{far.first, 0}, {far.first + 1, 0}});
  CHECK(scan(scan_x86_shani, far.job, far.first, 0).empty());
}

}  // namespace
}  // namespace miner

#endif
