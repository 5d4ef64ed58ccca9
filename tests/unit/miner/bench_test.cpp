// The self test's report.
#include "miner/bench.h"

#include "common/bloom/bloom.h"
#include "miner/scan_kernel.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

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

TEST_CASE("selftest names every kernel, runs the supported ones and skips the others aloud") {
  const std::unique_ptr<std::FILE, CloseFile> here(std::tmpfile());
  REQUIRE(here != nullptr);
  CHECK_EQ(run_selftest(crypto::detect_cpu_features(), here.get()), 0);
  for (const ScanKernel& kernel : scan_kernels()) {
    CHECK_NE(contents(here.get()).find(fmt::format("sha256d    {}", kernel.name)),
             std::string::npos);
  }
  for (const bloom::Kernel& kernel : bloom::kernels()) {
    CHECK_NE(contents(here.get()).find(fmt::format("coherence  {}", kernel.name)),
             std::string::npos);
  }

  const std::unique_ptr<std::FILE, CloseFile> old(std::tmpfile());
  REQUIRE(old != nullptr);
  CHECK_EQ(run_selftest(crypto::CpuFeatures{}, old.get()), 0);
  CHECK_NE(contents(old.get()).find("sha256d    portable     ok"), std::string::npos);
  CHECK_NE(contents(old.get()).find("coherence  portable     ok"), std::string::npos);
#if defined(__x86_64__)
  CHECK_NE(contents(old.get()).find("sha256d    x86_shani    skipped"), std::string::npos);
#endif
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
  CHECK_NE(text.find(R"("kernel":"portable","lanes":1,"threads":1,"hash_rate":)"),
           std::string::npos);
  CHECK_EQ(text.find("\"hash_rate\":0,"), std::string::npos);

  options.algorithm = Algorithm::coherence;
  CHECK_EQ(run_bench(options, crypto::CpuFeatures{}, out.get()), 0);
  CHECK_NE(contents(out.get()).find(R"({"kernel":"portable","algorithm":"coherence","lanes":)"),
           std::string::npos);
  CHECK_EQ(contents(out.get()).find("\"rounds_per_second\":0,"), std::string::npos);
#if defined(__x86_64__)
  options.kernel = "x86_shani";
  CHECK_EQ(run_bench(options, crypto::CpuFeatures{}, out.get()), 1);
#endif
}

}  // namespace
}  // namespace miner
