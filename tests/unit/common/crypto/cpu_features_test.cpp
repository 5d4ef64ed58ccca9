#include "common/crypto/cpu_features.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

namespace {

// The flags that Linux reports for the first processor: those it lets programs use.
std::set<std::string> kernel_flags() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind("flags", 0) != 0) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    return {std::istream_iterator<std::string>(words), std::istream_iterator<std::string>()};
  }
  return {};
}

}  // namespace

TEST_CASE("the features are those that Linux sees") {
  const std::set<std::string> flags = kernel_flags();
  if (flags.empty()) {
    MESSAGE("SKIPPED: no x86 processor flags in /proc/cpuinfo");
    return;
  }
  const crypto::CpuFeatures features = crypto::detect_cpu_features();
  CHECK_EQ(features.sse41, flags.count("sse4_1") == 1);
  CHECK_EQ(features.avx2, flags.count("avx2") == 1);
  CHECK_EQ(features.avx512f, flags.count("avx512f") == 1);
  CHECK_EQ(features.avx512bw, flags.count("avx512bw") == 1);
  CHECK_EQ(features.avx512vnni, flags.count("avx512_vnni") == 1);
  CHECK_EQ(features.sha_ni, flags.count("sha_ni") == 1);
}

TEST_CASE("the wide registers come with the narrow ones") {
  const crypto::CpuFeatures features = crypto::detect_cpu_features();
  if (features.avx512bw || features.avx512vnni) CHECK(features.avx512f);
  if (features.avx512f) CHECK(features.avx2);
}
