// What the scan kernels can do, measured on one thread.
//
// All rows take turns in slices of a few milliseconds, so that each meets the same clock and the
// same neighbours; a slice's time is the processor time that the thread got, and a row's rate the
// median of its slices. So a busy machine disturbs the figures little, and what they say of each
// other hardly at all.
// Thread: the caller's; blocks for the time it is given.
#pragma once

#include "miner/scan_kernel.h"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace miner {

struct ScanRate {
  const ScanKernel* kernel = nullptr;
  std::uint32_t midstates = 1;  // tried per call: versions of a header
  double hashes_per_second = 0;
  double cycles_per_hash = 0;
  double ratio_to_portable = 0;  // to the last row of scan_kernels() with one midstate
};

struct ScanRates {
  double clock_hz = 0;  // of the core, measured by a chain of shifts between the slices
  std::vector<ScanRate> rows;
};

// Each kernel with each number of midstates, in order. REQUIRES: the processor supports them.
ScanRates measure_scan_rates(std::span<const ScanKernel* const> kernels,
                             std::span<const std::uint32_t> midstates,
                             std::chrono::milliseconds time_for_each_kernel);

// A table, with the clock above it.
std::string scan_rates_text(const ScanRates& rates);
// A JSON array of an object for each row.
std::string scan_rates_json(const ScanRates& rates);

}  // namespace miner
