#include "miner/bench_orders.h"

#include "common/base/random.h"
#include "common/uv/clock.h"
#include "miner/nonce_order.h"
#include "miner/search.h"
#include "miner/share_odds.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <time.h>

#include <algorithm>
#include <memory>
#include <random>

namespace miner {
namespace {

constexpr std::uint32_t slice_hashes = 1 << 21;
constexpr std::uint32_t batch_hashes = 1 << 18;
constexpr double share_probability = 1.0 / 256;
constexpr double suspicious = 0.01;  // a p-value below it is said to be one

// A job that no pool gave, unlike any other, at the target that one hash in 256 meets.
std::shared_ptr<const Work> random_work(base::Random& random) {
  auto work = std::make_shared<Work>();
  work->notify.version = 0x20000000;
  work->notify.ntime = static_cast<std::uint32_t>(random.next());
  work->notify.nbits = 0x1d00ffff;
  base::write_le32(work->notify.prev_hash.bytes, static_cast<std::uint32_t>(random.next()));
  work->extranonce1.resize(8);
  for (std::uint8_t& byte : work->extranonce1) byte = static_cast<std::uint8_t>(random.next());
  work->extranonce2_size = 4;
  std::array<std::uint8_t, 32> target{};
  std::fill(target.begin(), target.end() - 1, 0xff);
  work->share_target = bitcoin::Target256(target);
  work->version_mask = 0x1fffe000;  // as pools grant it
  work->search_id = 1;
  return work;
}

// Of this thread on its core, so that what else runs on the machine is left out.
double cpu_seconds() {
  timespec time{};
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Hashes a second of one slice; counts it.
double measure_slice(const ScanKernel& kernel, std::uint32_t nonce_step, base::Random& random,
                     OrderMeasurement& counted) {
  Search search(0, 1, kernel, nonce_step);
  search.set_work(random_work(random));
  std::uint64_t tried = 0;
  const double began = cpu_seconds();
  while (tried < slice_hashes) {
    tried += search.step(batch_hashes, Appetite::shares, [&counted](const FoundShare&) {
      ++counted.shares;
      return true;
    });
  }
  const double took = cpu_seconds() - began;
  counted.hashes += tried;
  return static_cast<double>(tried) / std::max(took, 1e-9);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void print_order(const Options& options, const NonceOrder& order, const ScanKernel& kernel,
                 const OrderMeasurement& measured, double deviation, std::FILE* out) {
  const double expected = static_cast<double>(measured.hashes) * share_probability;
  if (options.json) {
    fmt::print(out,
               "{{\"nonce_order\":{},\"nonce_step\":{},\"kernel\":{},\"hashes\":{},\"shares\":{},"
               "\"shares_expected\":{:.1f},\"deviation\":{:.3f},\"hash_rate\":{:.0f},"
               "\"rate_ratio\":{:.4f}}}\n",
               json_string(order.name), order.step, json_string(kernel.name), measured.hashes,
               measured.shares, expected, deviation, measured.hash_rate, measured.rate_ratio);
  } else {
    fmt::print(out, "{:<11} {:>10}  {:>12}  {:>9}  {:>11.1f}  {:>+6.2f}  {:>12}  {:>8.3f}\n",
               order.name, order.step, measured.hashes, measured.shares, expected, deviation,
               hash_rate_text(measured.hash_rate), measured.rate_ratio);
  }
}

void print_verdict(const Options& options, const ShareOdds& odds, std::FILE* out) {
  if (options.json) {
    fmt::print(out,
               "{{\"chi_squared\":{:.4f},\"degrees_of_freedom\":{},\"p_value\":{:.6g},"
               "\"resolution\":{:.6f},\"together\":{:.3f}}}\n",
               odds.chi_squared, odds.degrees_of_freedom, odds.p_value, odds.resolution,
               odds.together);
    return;
  }
  fmt::print(out,
             "chi-squared {:.2f}, {} degrees of freedom: chance alone is as far off in {:.2f} % "
             "of all runs; all orders together: {:+.2f} sigma\n",
             odds.chi_squared, odds.degrees_of_freedom, 100 * odds.p_value, odds.together);
  if (odds.p_value >= suspicious) {
    fmt::print(out,
               "no order finds more shares, or fewer, than another; an advantage of {:.2f} % would "
               "have shown\n",
               100 * odds.resolution);
  } else {
    fmt::print(out,
               "that is rare. Run it again: chance will not repeat the same deviations, and a real "
               "difference, or a fault, will\n");
  }
}

std::vector<NonceOrder> wanted_orders(const Options& options) {
  const std::span<const NonceOrder> all = nonce_orders();
  if (options.nonce_order == "all") return {all.begin(), all.end()};
  std::vector<NonceOrder> orders = {all[0]};
  const NonceOrder* named = find_nonce_order(options.nonce_order);
  if (named != nullptr && named != &all[0]) orders.push_back(*named);
  return orders;
}

}  // namespace

std::vector<OrderMeasurement> measure_orders(const ScanKernel& kernel,
                                             std::span<const std::uint32_t> nonce_steps,
                                             std::chrono::nanoseconds each, std::uint64_t seed) {
  base::Random random(seed);
  std::vector<OrderMeasurement> all(nonce_steps.size());
  std::vector<std::vector<double>> rates(nonce_steps.size());
  std::vector<std::vector<double>> ratios(nonce_steps.size());
  const base::MonoTime end =
      uv::read_clock().mono + each * static_cast<std::int64_t>(nonce_steps.size());
  for (std::size_t round = 0; round == 0 || uv::read_clock().mono < end; ++round) {
    // Another one goes first each time, so that none always has the same neighbour.
    for (std::size_t turn = 0; turn < nonce_steps.size(); ++turn) {
      const std::size_t i = (round + turn) % nonce_steps.size();
      rates[i].push_back(measure_slice(kernel, nonce_steps[i], random, all[i]));
    }
    for (std::size_t i = 0; i < ratios.size(); ++i) {
      ratios[i].push_back(rates[i].back() / rates[0].back());
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].hash_rate = median(std::move(rates[i]));
    all[i].rate_ratio = median(std::move(ratios[i]));
  }
  return all;
}

int run_bench_orders(const Options& options, const crypto::CpuFeatures& cpu, std::FILE* out) {
  const ScanKernel* kernel =
      pick_working_kernel(scan_kernels(), cpu, options.kernel, [](const ScanKernel&) {});
  if (kernel == nullptr) return 1;
  const std::vector<NonceOrder> orders = wanted_orders(options);
  std::vector<std::uint32_t> steps;
  steps.reserve(orders.size());
  for (const NonceOrder& order : orders) steps.push_back(order.step);
  if (!options.json) {
    fmt::print(out,
               "kernel {}, one thread, eight versions, one hash in 256 is a share\n"
               "{:<11} {:>10}  {:>12}  {:>9}  {:>11}  {:>6}  {:>12}  {:>8}\n",
               kernel->name, "order", "step", "hashes", "shares", "expected", "sigma", "rate",
               "ratio");
    std::fflush(out);
  }
  const std::vector<OrderMeasurement> measured = measure_orders(
      *kernel, steps, std::chrono::seconds(options.bench_seconds), std::random_device{}());
  std::vector<ShareCount> counts;
  counts.reserve(measured.size());
  for (const OrderMeasurement& one : measured) counts.push_back({one.hashes, one.shares});
  const ShareOdds odds = share_odds(counts, share_probability);
  for (std::size_t i = 0; i < orders.size(); ++i) {
    print_order(options, orders[i], *kernel, measured[i], odds.deviations[i], out);
  }
  print_verdict(options, odds, out);
  return 0;
}

}  // namespace miner
