#include "miner/bench_scan.h"

#include "common/base/assert.h"
#include "common/uv/clock.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <time.h>

#include <algorithm>

namespace miner {
namespace {

constexpr double slice_seconds = 0.004;
constexpr std::size_t rounds_min = 3;

double thread_seconds() {
  timespec now{};
  ASSERT(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Each shift waits for the one before, and each exclusive or for its shift: two cycles a step, on
// every processor that has a kernel here. (Not additions: some processors fold chains of them.)
double measure_clock() {
  constexpr std::uint32_t steps = 8;
  constexpr std::uint32_t turns = 10000;
  std::uint64_t x = 0x9e3779b97f4a7c15;
  const double began = thread_seconds();
  for (std::uint32_t i = 0; i < turns; ++i) {
#pragma GCC unroll 8
    for (std::uint32_t j = 0; j < steps; ++j) {
      x ^= x >> 7;
      __asm__ volatile("" : "+r"(x));  // or the compiler makes one step of many
    }
  }
  return 2.0 * steps * turns / std::max(thread_seconds() - began, 1e-9);
}

// A row and what has been measured of it.
struct Bench {
  const ScanKernel* kernel;
  std::uint32_t midstates;
  std::uint32_t nonces;  // a slice
  std::vector<double> rates;
};

ScanJob some_job(std::uint32_t midstates) {
  ScanJob job{};
  job.midstate_count = midstates;
  for (std::uint32_t m = 0; m < midstates; ++m) {
    for (std::uint32_t i = 0; i < 8; ++i) job.midstates[m][i] = 0x9e3779b9 * (8 * m + i + 1);
  }
  job.nonce_step = 1;
  return job;
}

double run_slice(const Bench& bench) {
  const ScanJob job = some_job(bench.midstates);
  FoundNonce found[16];
  const double began = thread_seconds();
  (void)bench.kernel->scan(job, 0, bench.nonces, found, std::size(found));
  const double took = std::max(thread_seconds() - began, 1e-9);
  const std::uint64_t hashes = std::uint64_t{bench.midstates} * bench.nonces;
  return static_cast<double>(hashes) / took;
}

// Also warms it up.
void size_slice(Bench& bench) {
  bench.nonces = 4 * scan_count_multiple;
  const double nonces = run_slice(bench) / bench.midstates * slice_seconds;
  const auto multiples = static_cast<std::uint32_t>(std::min(nonces, 1e8)) / scan_count_multiple;
  bench.nonces = std::max(multiples, 1U) * scan_count_multiple;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

ScanRates measure_scan_rates(std::span<const ScanKernel* const> kernels,
                             std::span<const std::uint32_t> midstates,
                             std::chrono::milliseconds time_for_each_kernel) {
  const ScanKernel& portable = scan_kernels().back();
  std::vector<Bench> benches{{&portable, 1, 0, {}}};
  for (const ScanKernel* const kernel : kernels) {
    for (const std::uint32_t count : midstates) benches.push_back({kernel, count, 0, {}});
  }
  for (Bench& bench : benches) size_slice(bench);

  std::vector<double> clocks;
  const auto time = time_for_each_kernel * kernels.size();
  const base::MonoTime began = uv::read_clock().mono;
  for (std::size_t round = 0; round < rounds_min || uv::read_clock().mono - began < time; ++round) {
    for (Bench& bench : benches) {
      bench.rates.push_back(run_slice(bench));
      clocks.push_back(measure_clock());
    }
  }

  ScanRates result;
  result.clock_hz = median(clocks);
  const double base = median(benches[0].rates);
  for (std::size_t i = 1; i < benches.size(); ++i) {
    const double rate = median(benches[i].rates);
    result.rows.push_back(
        {benches[i].kernel, benches[i].midstates, rate, result.clock_hz / rate, rate / base});
  }
  return result;
}

std::string scan_rates_text(const ScanRates& rates) {
  std::string text = fmt::format(
      "sha256d, one thread at {:.2f} GHz\n"
      "kernel       lanes  midstates          rate  cycles/hash  x portable\n",
      rates.clock_hz / 1e9);
  for (const ScanRate& row : rates.rows) {
    text += fmt::format("{:<12} {:>5}  {:>9}  {:>12}  {:>11.1f}  {:>10.2f}\n", row.kernel->name,
                        row.kernel->lanes, row.midstates, hash_rate_text(row.hashes_per_second),
                        row.cycles_per_hash, row.ratio_to_portable);
  }
  return text;
}

std::string scan_rates_json(const ScanRates& rates) {
  std::string text;
  for (const ScanRate& row : rates.rows) {
    text += fmt::format(
        "{}{{\"name\":{},\"lanes\":{},\"midstates\":{},\"hashes_per_second\":{:.0f},"
        "\"cycles_per_hash\":{:.1f},\"ratio_to_portable\":{:.3f}}}",
        text.empty() ? "" : ",", json_string(row.kernel->name), row.kernel->lanes, row.midstates,
        row.hashes_per_second, row.cycles_per_hash, row.ratio_to_portable);
  }
  return "[" + text + "]";
}

}  // namespace miner
