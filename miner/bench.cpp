#include "miner/bench.h"

#include "common/base/assert.h"
#include "common/bloom/bloom.h"
#include "common/uv/clock.h"
#include "miner/bench_scan.h"
#include "miner/scan_kernel.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace miner {
namespace {

constexpr std::uint32_t bench_level = 2;  // the usual one; a round costs the same at each
constexpr std::uint32_t midstate_counts[] = {1, 2, 4, scan_midstates_max};

double seconds_between(base::MonoTime from, base::MonoTime to) {
  return std::chrono::duration<double>(to - from).count();
}

// Hashes with as many midstates as there may be, until told to stop; the hash rate of this thread.
double measure_thread(const ScanKernel& kernel, const std::atomic<bool>& stop) {
  constexpr std::uint32_t nonces = 32 * scan_count_multiple;
  ScanJob job{};
  job.midstate_count = scan_midstates_max;
  job.nonce_step = 1;
  FoundNonce found[16];
  std::uint64_t hashes = 0;
  const base::MonoTime began = uv::read_clock().mono;
  while (!stop.load(std::memory_order_relaxed)) {
    (void)kernel.scan(job, static_cast<std::uint32_t>(hashes), nonces, found, 16);
    hashes += std::uint64_t{nonces} * scan_midstates_max;
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

// What bench prints at its end, as JSON: one array for each kind.
struct Report {
  std::string kernels = "[]";
  std::string coherence_kernels;
};

std::uint32_t threads_of(const Options& options) {
  return options.threads > 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
}

// The kernels that are asked for and run here; those that don't are told of.
template <class Kernel>
std::vector<const Kernel*> chosen(std::span<const Kernel> kernels, const Options& options,
                                  const crypto::CpuFeatures& cpu, std::FILE* out) {
  std::vector<const Kernel*> result;
  for (const Kernel& kernel : kernels) {
    if (!options.kernel.empty() && kernel.name != options.kernel) continue;
    if (kernel.supported(cpu)) {
      result.push_back(&kernel);
    } else if (!options.json) {
      fmt::print(out, "{:<12} not supported by this processor\n", kernel.name);
    }
  }
  return result;
}

// False: none was measured.
bool bench_hashes(const Options& options, const crypto::CpuFeatures& cpu, std::FILE* out,
                  Report& report) {
  const auto kernels = chosen(scan_kernels(), options, cpu, out);
  if (kernels.empty()) return false;
  const ScanRates rates =
      measure_scan_rates(kernels, midstate_counts, std::chrono::seconds(options.bench_seconds));
  report.kernels = scan_rates_json(rates);
  if (options.json) return true;
  fmt::print(out, "{}", scan_rates_text(rates));
  const std::uint32_t threads = threads_of(options);
  for (const ScanKernel* const kernel : kernels) {
    if (threads == 1) break;
    const double rate = measure(*kernel, threads, options.bench_seconds);
    fmt::print(out, "{:<12} {} threads, {} midstates: {}, {} per thread\n", kernel->name, threads,
               scan_midstates_max, hash_rate_text(rate), hash_rate_text(rate / threads));
    std::fflush(out);
  }
  return true;
}

void print_rounds(const bloom::Kernel& kernel, std::uint32_t threads, double rate, std::FILE* out) {
  const double each = rate / threads;
  fmt::print(out,
             "{:<12} {:>2} lanes  {:>3} thread{} {:>11} rounds/s  {:>9} per thread, {:.3f} ns per "
             "oscillator and round\n",
             kernel.name, kernel.lanes.count, threads, threads == 1 ? " " : "s", count_text(rate),
             count_text(each), 1e9 / (each * coherence::oscillators));
  std::fflush(out);
}

bool bench_blooms(const Options& options, const crypto::CpuFeatures& cpu, std::FILE* out,
                  Report& report) {
  const auto kernels = chosen(bloom::kernels(), options, cpu, out);
  const std::uint32_t threads = threads_of(options);
  for (const bloom::Kernel* const kernel : kernels) {
    const double rate = measure(*kernel, 1, options.bench_seconds);
    report.coherence_kernels +=
        fmt::format("{}{{\"name\":{},\"lanes\":{},\"rounds_per_second\":{:.0f}}}",
                    report.coherence_kernels.empty() ? "" : ",", json_string(kernel->name),
                    kernel->lanes.count, rate);
    if (options.json) continue;
    print_rounds(*kernel, 1, rate, out);
    if (threads == 1) continue;
    print_rounds(*kernel, threads, measure(*kernel, threads, options.bench_seconds), out);
  }
  return !kernels.empty();
}

}  // namespace

int run_bench(const Options& options, const crypto::CpuFeatures& cpu, std::FILE* out) {
  Report report;
  const bool hashed =
      options.algorithm != Algorithm::coherence && bench_hashes(options, cpu, out, report);
  const bool bloomed =
      options.algorithm != Algorithm::sha256d && bench_blooms(options, cpu, out, report);
  if (options.json) {
    fmt::print(out, "{{\"kernels\":{},\"coherence_kernels\":[{}]}}\n", report.kernels,
               report.coherence_kernels);
  }
  return hashed || bloomed ? 0 : 1;
}

}  // namespace miner
