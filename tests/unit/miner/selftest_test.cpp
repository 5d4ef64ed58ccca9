// The self test: a line for each part, and no line that says ok of what is not.
#include "miner/selftest.h"

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
  std::string text(8192, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

std::unique_ptr<WorkSource> no_pool(uv::Loop&, WorkSourceHost&) { return nullptr; }

TEST_CASE("selftest names every kernel, runs the supported ones and skips the others aloud") {
  const std::unique_ptr<std::FILE, CloseFile> here(std::tmpfile());
  REQUIRE(here != nullptr);
  CHECK_EQ(run_selftest({}, crypto::detect_cpu_features(), no_pool, here.get()), 0);
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
  CHECK_EQ(run_selftest({}, crypto::CpuFeatures{}, no_pool, old.get()), 0);
  CHECK_NE(contents(old.get()).find("sha256d    portable     ok"), std::string::npos);
  CHECK_NE(contents(old.get()).find("coherence  portable     ok"), std::string::npos);
#if defined(__x86_64__)
  CHECK_NE(contents(old.get()).find("sha256d    x86_shani    skipped"), std::string::npos);
#endif
  for (const char* part : {"work       division     ok: 5 spaces", "work       nonce orders ok: ",
                           "coherence  replay       ok: bloom at states 5654 to 5660"}) {
    CAPTURE(part);
    CHECK_NE(contents(old.get()).find(part), std::string::npos);
  }
}

TEST_CASE("what is wrong is said to be") {
  const std::unique_ptr<std::FILE, CloseFile> out(std::tmpfile());
  REQUIRE(out != nullptr);
  print_check(out.get(), "work", "division", false, "one unit twice");
  print_check(out.get(), "rpc", "chain", true, "");
  CHECK_EQ(contents(out.get()),
           "work       division     FAILED: one unit twice\nrpc        chain        ok\n");
}

TEST_CASE("a node that is not there fails the self test, with why") {
  const std::unique_ptr<std::FILE, CloseFile> out(std::tmpfile());
  REQUIRE(out != nullptr);
  rpc::RpcEndpoint nobody;
  nobody.host = "127.0.0.1";
  nobody.port = 1;
  nobody.user = "u";
  CHECK_FALSE(test_rpc(nobody, out.get()));
  CHECK_NE(contents(out.get()).find("rpc        chain        FAILED: "), std::string::npos);
  CHECK_NE(contents(out.get()).find("127.0.0.1:1"), std::string::npos);
}

}  // namespace
}  // namespace miner
