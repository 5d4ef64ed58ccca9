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

std::vector<std::uint32_t> scan_with(ScanFunction* scan, const ScanJob& job, std::uint32_t first,
                                     std::uint32_t count) {
  std::vector<std::uint32_t> found(count);
  found.resize(scan(job, first, count, found.data(), found.size()));
  return found;
}

TEST_CASE("x86_shani equals portable for extreme words, steps and targets") {
  if (!can_run()) return;
  for (const std::uint32_t word : {0U, 1U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    for (const std::uint32_t step : {1U, 3U, 0xffffffffU}) {
      for (const std::uint32_t top : {0x007fffffU, 0x80000000U, 0xfffffffeU, 0xffffffffU}) {
        ScanJob job{};
        for (std::uint32_t& state : job.midstate) state = word;
        for (std::uint32_t& tail : job.tail) tail = word;
        job.nonce_step = step;
        job.top_word_max = top;
        CHECK_EQ(scan_with(scan_x86_shani, job, word, 1024),
                 scan_with(scan_portable, job, word, 1024));
      }
    }
  }
}

TEST_CASE("x86_shani equals portable over 10^5 nonces of one job, and for the smallest count") {
  if (!can_run()) return;
  base::Random random(42);
  kernels::RandomScan scan = kernels::random_scan(random, true);
  scan.job.top_word_max = 0x0fffffff;
  CHECK_EQ(scan_with(scan_x86_shani, scan.job, scan.first, 102400),
           scan_with(scan_portable, scan.job, scan.first, 102400));
  scan.job.top_word_max = 0xffffffff;
  CHECK_EQ(scan_with(scan_x86_shani, scan.job, scan.first, 2),
           std::vector<std::uint32_t>{scan.first, scan.first + 1});
  CHECK(scan_with(scan_x86_shani, scan.job, scan.first, 0).empty());
}

}  // namespace
}  // namespace miner

#endif
