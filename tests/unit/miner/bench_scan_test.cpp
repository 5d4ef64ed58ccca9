// The rates of scan kernels: which rows there are, and what is said of them.
#include "miner/bench_scan.h"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <atomic>
#include <string>

namespace miner {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a row for each kernel and each number of midstates, each measured") {
  const ScanKernel& portable = scan_kernels().back();
  const ScanKernel* const kernels[] = {&portable, &portable};
  const std::uint32_t midstates[] = {1, 3};
  const ScanRates rates = measure_scan_rates(kernels, midstates, 1ms);
  REQUIRE_EQ(rates.rows.size(), 4);
  CHECK_GT(rates.clock_hz, 0);
  for (std::size_t i = 0; i < 4; ++i) {
    const ScanRate& row = rates.rows[i];
    CHECK_EQ(row.kernel, &portable);
    CHECK_EQ(row.midstates, midstates[i % 2]);
    CHECK_GT(row.hashes_per_second, 0);
    CHECK_EQ(row.cycles_per_hash, doctest::Approx(rates.clock_hz / row.hashes_per_second));
  }
  // A kernel's ratio to itself: far from one only if they were not measured side by side.
  CHECK_GT(rates.rows[0].ratio_to_portable, 0.2);
  CHECK_LT(rates.rows[0].ratio_to_portable, 5);
}

// Counts what it is asked for.
std::atomic<std::uint64_t> hashes_asked{0};
std::size_t scan_counting(const ScanJob& job, std::uint32_t, std::uint32_t count, FoundNonce*,
                          std::size_t) {
  CHECK_EQ(count % scan_count_multiple, 0);
  CHECK_GT(count, 0);
  hashes_asked += std::uint64_t{count} * job.midstate_count;
  return 0;
}

TEST_CASE("slices are whole numbers of batches, however fast a kernel is") {
  const auto always = [](const crypto::CpuFeatures&) { return true; };
  const ScanKernel instant{"instant", 1, always, scan_counting};
  const ScanKernel* const kernels[] = {&instant};
  const std::uint32_t midstates[] = {scan_midstates_max};
  const ScanRates rates = measure_scan_rates(kernels, midstates, 1ms);
  REQUIRE_EQ(rates.rows.size(), 1);
  CHECK_GT(rates.rows[0].ratio_to_portable, 1);
  CHECK_GE(hashes_asked, std::uint64_t{3} * scan_count_multiple * scan_midstates_max);
}

TEST_CASE("text and JSON say the same") {
  const ScanKernel& portable = scan_kernels().back();
  const ScanRates rates{3e9, {{&portable, 1, 1.5e6, 2000, 1}, {&portable, 8, 3e6, 1000, 2}}};
  const std::string text = scan_rates_text(rates);
  CHECK_NE(text.find("one thread at 3.00 GHz"), std::string::npos);
  CHECK_NE(text.find("portable         1          1    1.500 MH/s       2000.0        1.00\n"),
           std::string::npos);
  CHECK_NE(text.find("portable         1          8    3.000 MH/s       1000.0        2.00\n"),
           std::string::npos);
  rapidjson::Document json;
  REQUIRE_FALSE(json.Parse(scan_rates_json(rates).c_str()).HasParseError());
  REQUIRE_EQ(json.Size(), 2);
  CHECK_EQ(std::string(json[1]["name"].GetString()), "portable");
  CHECK_EQ(json[1]["lanes"].GetInt(), 1);
  CHECK_EQ(json[1]["midstates"].GetInt(), 8);
  CHECK_EQ(json[1]["hashes_per_second"].GetDouble(), 3e6);
  CHECK_EQ(json[1]["cycles_per_hash"].GetDouble(), 1000);
  CHECK_EQ(json[1]["ratio_to_portable"].GetDouble(), 2);
  CHECK_EQ(scan_rates_json({}), "[]");
}

}  // namespace
}  // namespace miner
