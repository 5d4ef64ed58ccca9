// --auto-detect: which kernel is the fastest on this very machine, by trying each for a moment.
//
// The tables of kernels are in the order that was measured on other machines. A processor that
// lowers its clock for wide instructions, or a virtual one, may put another first.
//
// Thread: the caller's, which it keeps busy for a tenth of a second for each kernel.
#pragma once

#include "common/bloom/bloom.h"
#include "common/crypto/cpu_features.h"
#include "miner/scan_kernel.h"

#include <functional>
#include <span>

namespace miner {

// The fastest of those that the processor supports and that `works` says yes to. Null: none.
// `rate_of` is asked once for each.
template <class Kernel>
const Kernel* fastest_kernel(std::span<const Kernel> kernels, const crypto::CpuFeatures& cpu,
                             const std::function<bool(const Kernel&)>& works,
                             const std::function<double(const Kernel&)>& rate_of) {
  const Kernel* fastest = nullptr;
  double best = 0;
  for (const Kernel& kernel : kernels) {
    if (!kernel.supported(cpu) || !works(kernel)) continue;
    const double rate = rate_of(kernel);
    if (fastest != nullptr && rate <= best) continue;
    fastest = &kernel;
    best = rate;
  }
  return fastest;
}

// Hashes, or rounds, a second of one thread, measured for a tenth of a second.
// REQUIRES: the processor supports the kernel.
double quick_rate(const ScanKernel& kernel);
double quick_rate(const bloom::Kernel& kernel);

}  // namespace miner
