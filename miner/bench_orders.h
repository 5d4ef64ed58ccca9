// `phaseminer bench --nonce-order all`: does any order of nonces find more shares than another, and
// what does it cost?
//
// Over a whole unit all orders find the same shares, since each tries all nonces. So what is
// counted is what they find in the first few million hashes of many headers, each header for one
// order only, at a target that one hash in 256 meets. The orders take turns in short slices, so
// that a rate and the usual order's are measured side by side.
//
// Thread: main's, one.
#pragma once

#include "common/crypto/cpu_features.h"
#include "miner/options.h"
#include "miner/scan_kernel.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

namespace miner {

struct OrderMeasurement {
  std::uint64_t hashes = 0;
  std::uint64_t shares = 0;
  double hash_rate = 0;   // a second of the processor's time; the median over the slices
  double rate_ratio = 0;  // to the first order's slice of the same round; the median
};

// For each step, about `each` long. `seed` makes the headers, all different.
// REQUIRES: odd steps, the usual one first.
std::vector<OrderMeasurement> measure_orders(const ScanKernel& kernel,
                                             std::span<const std::uint32_t> nonce_steps,
                                             std::chrono::nanoseconds each, std::uint64_t seed);

// options.nonce_order: a name, which is compared with the usual order, or "all". Exit code.
int run_bench_orders(const Options& options, const crypto::CpuFeatures& cpu, std::FILE* out);

}  // namespace miner
