#include "miner/auto_detect.h"

#include "common/base/assert.h"
#include "common/uv/clock.h"

#include <chrono>

namespace miner {
namespace {

constexpr std::chrono::milliseconds measured_time{100};

// `step` returns how much it did; the rate of doing it.
double rate_of(const std::function<std::uint64_t()>& step) {
  (void)step();  // the first time finds cold caches
  std::uint64_t done = 0;
  const base::MonoTime began = uv::read_clock().mono;
  base::MonoTime now = began;
  while (now - began < measured_time) {
    done += step();
    now = uv::read_clock().mono;
  }
  return static_cast<double>(done) / std::chrono::duration<double>(now - began).count();
}

}  // namespace

double quick_rate(const ScanKernel& kernel) {
  constexpr std::uint32_t batch = 256 * scan_count_multiple;
  ScanJob job{};
  job.midstate_count = 1;
  job.nonce_step = 1;
  FoundNonce found[16];
  std::uint32_t nonce = 0;
  return rate_of([&]() -> std::uint64_t {
    (void)kernel.scan(job, nonce, batch, found, std::size(found));
    nonce += batch;
    return batch;
  });
}

double quick_rate(const bloom::Kernel& kernel) {
  constexpr std::uint32_t level = 2;  // a round costs the same at each
  constexpr std::uint32_t rounds = 512;
  bloom::Miner miner(kernel);
  coherence::Job job;
  job.params = coherence::params_of(level);
  ASSERT(miner.set_job(job));
  return rate_of([&] {
    const std::uint64_t before = miner.counters().rounds;
    miner.run(rounds, [](const bloom::Finished&) {});
    return miner.counters().rounds - before;
  });
}

}  // namespace miner
