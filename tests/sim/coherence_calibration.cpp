// coherence_calibration: how many attempts of a level bloom, and how many rounds a bloom takes,
// held against what docs/coherence.md says. The attempts 0 … N-1 of one job are run to their ends,
// each counted however late it ends, so the figures are the same on every machine and kernel.
//
// usage: coherence_calibration LEVEL ATTEMPTS BLOOM_SHARE TOLERANCE ROUNDS_TOLERANCE [KERNEL]
// Exit status 1: the share of blooms is not within TOLERANCE of BLOOM_SHARE, or the rounds a bloom
// not within ROUNDS_TOLERANCE (a ratio) of the frozen ones.
#include "common/bloom/bloom.h"
#include "common/coherence/difficulty.h"
#include "common/crypto/cpu_features.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

struct Totals {
  std::uint64_t ended = 0;
  std::uint64_t blooms = 0;
  std::uint64_t rounds = 0;
};

Totals run_attempts(const bloom::Kernel& kernel, std::uint32_t level, std::uint64_t attempts) {
  bloom::Miner miner(kernel);
  coherence::Job job;
  job.params = coherence::params_of(level);
  miner.set_job(job);
  miner.start_at(0);
  Totals totals;
  while (totals.ended < attempts) {
    miner.run(10'000, [&](const bloom::Finished& finished) {
      if (finished.attempt >= attempts) return;  // began in a lane that was free early
      ++totals.ended;
      totals.blooms += finished.bloom.has_value() ? 1 : 0;
      totals.rounds += finished.bloom ? finished.bloom->end : coherence::states_per_attempt - 1;
    });
  }
  return totals;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    fmt::print(stderr,
               "usage: coherence_calibration LEVEL ATTEMPTS BLOOM_SHARE TOLERANCE "
               "ROUNDS_TOLERANCE [KERNEL]\n");
    return 2;
  }
  const auto level = static_cast<std::uint32_t>(std::strtoul(argv[1], nullptr, 10));
  const std::uint64_t attempts = std::strtoull(argv[2], nullptr, 10);
  const double expected_share = std::strtod(argv[3], nullptr);
  const double share_tolerance = std::strtod(argv[4], nullptr);
  const double rounds_tolerance = std::strtod(argv[5], nullptr);
  const std::string_view forced = argc > 6 ? argv[6] : "";
  const bloom::Kernel* kernel =
      bloom::pick_kernel(bloom::kernels(), crypto::detect_cpu_features(), forced);
  if (kernel == nullptr || level >= coherence::levels || attempts == 0) {
    fmt::print(stderr, "coherence_calibration: no such kernel here, or no such level\n");
    return 2;
  }
  const Totals totals = run_attempts(*kernel, level, attempts);
  const double share = static_cast<double>(totals.blooms) / static_cast<double>(attempts);
  const double rounds = static_cast<double>(totals.rounds) / static_cast<double>(totals.blooms);
  const double expected_rounds = coherence::rounds_per_bloom[level];
  const bool good = std::abs(share - expected_share) <= share_tolerance &&
                    std::abs(rounds / expected_rounds - 1) <= rounds_tolerance;
  fmt::print(
      "level {}, {} attempts, kernel {}: {:.4f} bloom (expected {} +- {}), {:.0f} rounds a "
      "bloom (expected {:.0f} +- {:.1f} %){}\n",
      level, attempts, kernel->name, share, expected_share, share_tolerance, rounds,
      expected_rounds, 100 * rounds_tolerance, good ? "" : ": NOT within");
  return good ? 0 : 1;
}
