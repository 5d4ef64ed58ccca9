// Orders of nonces measured side by side, with a kernel whose odds are known.
#include "miner/bench_orders.h"

#include "miner/nonce_order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>

namespace miner {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::string contents(std::FILE* file) {
  std::rewind(file);
  std::string text(8192, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_CASE(
    "shares are counted, each verified, near what the target gives, on headers of their own") {
  const std::uint32_t steps[] = {1, 0x9e3779b9, 1};
  const auto measured = measure_orders(
      scan_kernels().front().supported(crypto::detect_cpu_features()) ? scan_kernels().front()
                                                                      : scan_kernels().back(),
      steps, std::chrono::nanoseconds(1), 7);
  REQUIRE_EQ(measured.size(), 3);
  for (const OrderMeasurement& one : measured) {
    CHECK_GE(one.hashes, 1 << 21);
    const double expected = static_cast<double>(one.hashes) / 256;
    // Five standard deviations; the seed is fixed, so it is so each time or never.
    CHECK_LT(std::abs(static_cast<double>(one.shares) - expected), 5 * std::sqrt(expected));
    CHECK_GT(one.hash_rate, 0);
    CHECK_GT(one.rate_ratio, 0);
  }
  CHECK_EQ(measured[0].rate_ratio, 1);
  CHECK_NE(measured[0].shares, measured[2].shares);
}

TEST_CASE("the report: a line for each order, and the verdict") {
  Options options;
  options.command = Command::bench;
  options.nonce_order = "golden";
  options.bench_seconds = 0;  // one round
  options.json = true;
  const File json(std::tmpfile());
  REQUIRE(json != nullptr);
  CHECK_EQ(run_bench_orders(options, crypto::detect_cpu_features(), json.get()), 0);
  const std::string text = contents(json.get());
  CHECK_EQ(lines_of(text), 3);  // the usual order, the one asked for, the verdict
  CHECK_EQ(text.find(R"({"nonce_order":"sequential","nonce_step":1,"kernel":")"), 0);
  CHECK_NE(text.find(R"({"nonce_order":"golden","nonce_step":2654435769,)"), std::string::npos);
  CHECK_NE(text.find(R"({"chi_squared":)"), std::string::npos);
  CHECK_NE(text.find(R"("degrees_of_freedom":2,"p_value":)"), std::string::npos);

  options.json = false;
  options.nonce_order = "sequential";
  const File plain(std::tmpfile());
  REQUIRE(plain != nullptr);
  CHECK_EQ(run_bench_orders(options, crypto::detect_cpu_features(), plain.get()), 0);
  CHECK_NE(contents(plain.get()).find("1 degrees of freedom"), std::string::npos);

  options.kernel = "none such";
  CHECK_EQ(run_bench_orders(options, crypto::detect_cpu_features(), plain.get()), 1);
}

}  // namespace
}  // namespace miner
