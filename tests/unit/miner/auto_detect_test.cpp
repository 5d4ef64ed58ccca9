// The choice by measuring: the fastest of those that work, and that rates are measured at all.
#include "miner/auto_detect.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

namespace miner {
namespace {

bool always(const crypto::CpuFeatures&) { return true; }
bool never(const crypto::CpuFeatures&) { return false; }

std::string chosen(const std::map<std::string_view, double>& rates, std::string_view broken = "") {
  const ScanKernel rows[] = {{"a", 1, always, scan_portable},
                             {"unsupported", 1, never, scan_portable},
                             {"b", 1, always, scan_portable},
                             {"c", 1, always, scan_portable}};
  const ScanKernel* const kernel = fastest_kernel<ScanKernel>(
      rows, crypto::CpuFeatures{}, [&](const ScanKernel& one) { return one.name != broken; },
      [&](const ScanKernel& one) { return rates.at(one.name); });
  return kernel == nullptr ? "" : std::string(kernel->name);
}

TEST_CASE("the fastest that is supported and works") {
  CHECK_EQ(chosen({{"a", 1}, {"b", 3}, {"c", 2}}), "b");
  CHECK_EQ(chosen({{"a", 1}, {"b", 3}, {"c", 2}}, "b"), "c");
  CHECK_EQ(chosen({{"a", 0}, {"b", 0}, {"c", 0}}), "a");  // as the table has them
  const ScanKernel none[] = {{"a", 1, never, scan_portable}};
  CHECK_EQ(fastest_kernel<ScanKernel>(
               none, crypto::CpuFeatures{}, [](const ScanKernel&) { return true; },
               [](const ScanKernel&) { return 1.0; }),
           nullptr);
}

TEST_CASE("rates of real kernels") {
  CHECK_GT(quick_rate(scan_kernels().back()), 0);
  CHECK_GT(quick_rate(bloom::kernels().back()), 0);
}

}  // namespace
}  // namespace miner
