// Versions under a mask: each once, none outside it, the job's own first.
#include "miner/version_rolling.h"

#include <doctest/doctest.h>

#include <bit>
#include <set>

namespace miner {
namespace {

TEST_CASE("every version that a mask allows, once, and no other") {
  struct Row {
    const char* why;
    std::uint32_t job_version;
    std::uint32_t mask;
    std::uint32_t count;
  };
  const Row rows[] = {
      {"none granted", 0x20000000, 0, 1},
      {"one bit", 0x20000000, 0x00002000, 2},
      {"bits apart", 0x20000000, 0x10402000, 8},
      {"BIP320's", 0x20000000, 0x1fffe000, 65536},
      {"the job has some of the bits itself", 0x3fffe004, 0x1fffe000, 65536},
      {"the lowest and the highest bit", 0xffffffff, 0x80000001, 4},
      {"wider than what is counted", 0x20000000, 0xffffffff, 65536},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const RolledVersions versions(row.job_version, row.mask);
    REQUIRE_EQ(versions.count(), row.count);
    CHECK_EQ(versions[0], row.job_version);
    std::set<std::uint32_t> seen;
    for (std::uint32_t i = 0; i < versions.count(); ++i) {
      seen.insert(versions[i]);
      REQUIRE_EQ((versions[i] ^ row.job_version) & ~row.mask, 0);
    }
    CHECK_EQ(seen.size(), row.count);
  }
}

TEST_CASE("a number's bits go to the mask's from the lowest on") {
  const RolledVersions versions(0x20000000, 0x1fffe000);
  CHECK_EQ(versions[1], 0x20002000);
  CHECK_EQ(versions[2], 0x20004000);
  CHECK_EQ(versions[0xffff], 0x3fffe000);
  CHECK_EQ(RolledVersions(0, 0x10402000)[5], 0x10002000);
}

}  // namespace
}  // namespace miner
