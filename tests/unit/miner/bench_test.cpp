// What bench prints.
#include "miner/bench.h"

#include "common/bloom/bloom.h"
#include "miner/scan_kernel.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <rapidjson/document.h>

#include <cstdio>
#include <memory>
#include <string>

namespace miner {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::string contents(std::FILE* file) {
  std::rewind(file);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

TEST_CASE("bench measures the kernel that is asked for, and says when it can't") {
  Options options;
  options.kernel = "portable";
  options.bench_seconds = 1;
  options.threads = 1;
  options.json = true;
  const std::unique_ptr<std::FILE, CloseFile> out(std::tmpfile());
  REQUIRE(out != nullptr);
  CHECK_EQ(run_bench(options, crypto::CpuFeatures{}, out.get()), 0);
  const std::string text = contents(out.get());
  rapidjson::Document rates;
  REQUIRE_FALSE(rates.Parse(text.c_str()).HasParseError());
  REQUIRE_EQ(rates["kernels"].Size(), 4);
  for (const auto& row : rates["kernels"].GetArray()) {
    CHECK_EQ(std::string(row["name"].GetString()), "portable");
    CHECK_GT(row["hashes_per_second"].GetDouble(), 0);
    CHECK_GT(row["cycles_per_hash"].GetDouble(), 0);
    CHECK_GT(row["ratio_to_portable"].GetDouble(), 0);
  }
  CHECK_EQ(rates["kernels"][0]["midstates"].GetInt(), 1);
  CHECK_EQ(rates["kernels"][3]["midstates"].GetInt(), 8);
  CHECK_EQ(rates["coherence_kernels"].Size(), 0);

  options.algorithm = Algorithm::coherence;
  const std::unique_ptr<std::FILE, CloseFile> blooms(std::tmpfile());
  REQUIRE(blooms != nullptr);
  CHECK_EQ(run_bench(options, crypto::CpuFeatures{}, blooms.get()), 0);
  REQUIRE_FALSE(rates.Parse(contents(blooms.get()).c_str()).HasParseError());
  CHECK_EQ(rates["kernels"].Size(), 0);
  REQUIRE_EQ(rates["coherence_kernels"].Size(), 1);
  CHECK_GT(rates["coherence_kernels"][0]["rounds_per_second"].GetDouble(), 0);
#if defined(__x86_64__)
  options.kernel = "x86_shani";
  CHECK_EQ(run_bench(options, crypto::CpuFeatures{}, out.get()), 1);
#endif
}

}  // namespace
}  // namespace miner
