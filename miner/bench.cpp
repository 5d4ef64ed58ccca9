#include "miner/bench.h"

#include "common/base/assert.h"
#include "common/bloom/bloom.h"
#include "common/uv/clock.h"
#include "miner/scan_kernel.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

namespace miner {
namespace {

constexpr std::uint32_t batch = 256 * scan_count_multiple;
constexpr std::uint32_t bench_level = 2;  // the usual one; a round costs the same at each

double seconds_between(base::MonoTime from, base::MonoTime to) {
  return std::chrono::duration<double>(to - from).count();
}

// Hashes until told to stop; the hash rate of this thread.
double measure_thread(const ScanKernel& kernel, const std::atomic<bool>& stop) {
  ScanJob job{};
  for (std::uint32_t i = 0; i < 8; ++i) job.midstates[0][i] = 0x9e3779b9 * (i + 1);
  job.midstate_count = 1;
  job.top_word_max = 0;
  job.nonce_step = 1;
  FoundNonce found[16];
  std::uint64_t hashes = 0;
  const base::MonoTime began = uv::read_clock().mono;
  while (!stop.load(std::memory_order_relaxed)) {
    (void)kernel.scan(job, static_cast<std::uint32_t>(hashes), batch, found, 16);
    hashes += batch;
  }
  return static_cast<double>(hashes) / seconds_between(began, uv::read_clock().mono);
}

// Mines without a target; the rounds per second of this thread.
double measure_thread(const bloom::Kernel& kernel, const std::atomic<bool>& stop) {
  constexpr std::uint32_t rounds_between_looks = 512;
  bloom::Miner miner(kernel);
  coherence::Job job;
  job.params = coherence::params_of(bench_level);
  ASSERT(miner.set_job(job));
  const base::MonoTime began = uv::read_clock().mono;
  while (!stop.load(std::memory_order_relaxed)) {
    miner.run(rounds_between_looks, [](const bloom::Finished&) {});
  }
  return static_cast<double>(miner.counters().rounds) /
         seconds_between(began, uv::read_clock().mono);
}

template <class Kernel>
double measure(const Kernel& kernel, std::uint32_t threads, std::uint32_t seconds) {
  std::atomic<bool> stop{false};
  std::vector<double> rates(threads, 0.0);
  {
    std::vector<std::jthread> running;
    running.reserve(threads);
    for (double& rate : rates) {
      running.emplace_back([&kernel, &stop, &rate] { rate = measure_thread(kernel, stop); });
    }
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    stop = true;
  }
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

void print_rate(const Options& options, const ScanKernel& kernel, std::uint32_t threads,
                double rate, std::FILE* out) {
  const double each = rate / threads;
  if (options.json) {
    fmt::print(out,
               "{{\"kernel\":{},\"lanes\":{},\"threads\":{},\"hash_rate\":{:.0f},"
               "\"hash_rate_per_thread\":{:.0f}}}\n",
               json_string(kernel.name), kernel.lanes, threads, rate, each);
  } else {
    fmt::print(out, "{:<12} {:>2} lanes  {:>3} thread{} {:>12}  {:>12} per thread\n", kernel.name,
               kernel.lanes, threads, threads == 1 ? " " : "s", hash_rate_text(rate),
               hash_rate_text(each));
  }
  std::fflush(out);
}

void print_rate(const Options& options, const bloom::Kernel& kernel, std::uint32_t threads,
                double rate, std::FILE* out) {
  const double each = rate / threads;
  if (options.json) {
    fmt::print(out,
               "{{\"kernel\":{},\"algorithm\":\"coherence\",\"lanes\":{},\"threads\":{},"
               "\"rounds_per_second\":{:.0f},\"rounds_per_second_per_thread\":{:.0f}}}\n",
               json_string(kernel.name), kernel.lanes.count, threads, rate, each);
  } else {
    fmt::print(out,
               "{:<12} {:>2} lanes  {:>3} thread{} {:>11} rounds/s  {:>9} per thread, {:.3f} ns "
               "per oscillator and round\n",
               kernel.name, kernel.lanes.count, threads, threads == 1 ? " " : "s", count_text(rate),
               count_text(each), 1e9 / (each * coherence::oscillators));
  }
  std::fflush(out);
}

// False: none was measured.
template <class Kernel>
bool bench_kernels(std::span<const Kernel> kernels, const Options& options,
                   const crypto::CpuFeatures& cpu, std::FILE* out) {
  const std::uint32_t all =
      options.threads > 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
  bool any = false;
  for (const Kernel& kernel : kernels) {
    if (!options.kernel.empty() && kernel.name != options.kernel) continue;
    if (!kernel.supported(cpu)) {
      if (!options.json) fmt::print(out, "{:<12} not supported by this processor\n", kernel.name);
      continue;
    }
    any = true;
    print_rate(options, kernel, 1, measure(kernel, 1, options.bench_seconds), out);
    if (all > 1) print_rate(options, kernel, all, measure(kernel, all, options.bench_seconds), out);
  }
  return any;
}

template <class Kernel>
bool check_kernels(std::string_view kind, std::span<const Kernel> kernels,
                   const crypto::CpuFeatures& cpu, std::FILE* out) {
  bool all_well = true;
  for (const Kernel& kernel : kernels) {
    const bool supported = kernel.supported(cpu);
    const bool well = !supported || self_test(kernel);
    all_well = all_well && well;
    fmt::print(out, "{:<10} {:<12} {}\n", kind, kernel.name,
               !supported ? "skipped: not supported by this processor"
               : well     ? "ok"
                          : "FAILED: computes wrong results");
  }
  return all_well;
}

}  // namespace

int run_bench(const Options& options, const crypto::CpuFeatures& cpu, std::FILE* out) {
  const bool hashed =
      options.algorithm != Algorithm::coherence && bench_kernels(scan_kernels(), options, cpu, out);
  const bool bloomed =
      options.algorithm != Algorithm::sha256d && bench_kernels(bloom::kernels(), options, cpu, out);
  return hashed || bloomed ? 0 : 1;
}

int run_selftest(const crypto::CpuFeatures& cpu, std::FILE* out) {
  const bool hashes = check_kernels("sha256d", scan_kernels(), cpu, out);
  const bool blooms = check_kernels("coherence", bloom::kernels(), cpu, out);
  return hashes && blooms ? 0 : 1;
}

}  // namespace miner
