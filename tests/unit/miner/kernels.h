// Real headers, and what the kernel tests share.
#pragma once

#include "common/base/random.h"
#include "common/bitcoin/header.h"
#include "miner/scan_kernel.h"
#include "miner/work.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace miner::kernels {

struct HeaderRow {
  const char* why;
  const char* hex;
};
// Bitcoin main chain blocks 0, 1, 100000 (any node); and three shares of the Stratum vectors, with
// their sources in tests/unit/vectors/stratum_shares.json.
inline const HeaderRow header_rows[] = {
    {"block 0",
     "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72"
     "c"
     "3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"},
    {"block 1",
     "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe6"
     "8"
     "0e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299"},
    {"share V1, no version rolling",
     "00000020560f606df25a668faffc0163452633a555b39d4bf9875dff63953a860000000004ad3ae2852a15ebb5331"
     "2"
     "2b77f32a0229eec55ebe1ae427f3b85762fc346d1838f9b667ae77031e90155ff1"},
    {"share V2, version rolled",
     "00c03a28a714f98740a35e74ba381005654056bb638baf1465de8a33defb2b0000000000ec492993ea4e56b79ef91"
     "b"
     "a9e79e3d432871bc0634a95852d11c11cd46ab282002b67868ae77031e7000f958"},
    {"share V3, mainnet work of difficulty 29588",
     "0040b420fd55646bc162b96dfcd4f201a3f4670d1d3996bc96520100000000000000000006ddf5f08c36414b95ea5"
     "4"
     "db71a0c28761a98bcf6355919e044f88725519a7cbd7685468043a02174c035275"},
};

inline bitcoin::HeaderBytes header_of(const char* hex) {
  bitcoin::HeaderBytes bytes{};
  REQUIRE(base::decode_hex(hex, bytes).has_value());
  return bytes;
}

// Calls `check` for each kernel that runs here, and says aloud which do not.
template <class Check>
void for_each_supported(Check check) {
  const crypto::CpuFeatures cpu = crypto::detect_cpu_features();
  for (const ScanKernel& kernel : scan_kernels()) {
    const std::string name(kernel.name);
    CAPTURE(name);
    if (kernel.supported(cpu)) {
      check(kernel);
    } else {
      MESSAGE("SKIPPED: kernel " << name << " is not supported by this processor");
    }
  }
}

// All that a kernel proposes, as (nonce, midstate).
using Proposals = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
inline Proposals scan(ScanFunction* kernel, const ScanJob& job, std::uint32_t first,
                      std::uint32_t count) {
  // With room for what must not be there.
  std::vector<FoundNonce> found(std::size_t{count + scan_count_multiple} * job.midstate_count);
  found.resize(kernel(job, first, count, found.data(), found.size()));
  Proposals proposals;
  for (const FoundNonce& one : found) proposals.emplace_back(one.nonce, one.midstate);
  return proposals;
}

// A job and a first nonce that nobody would choose, with `midstates` of them; targets from "nearly
// all" to "one in 2^17".
struct RandomScan {
  ScanJob job{};
  std::uint32_t first = 0;
};
inline RandomScan random_scan(base::Random& random, bool step_one, std::uint32_t midstates = 1) {
  RandomScan scan;
  scan.job.midstate_count = midstates;
  for (std::uint32_t m = 0; m < midstates; ++m) {
    for (std::uint32_t& word : scan.job.midstates[m]) {
      word = static_cast<std::uint32_t>(random.next());
    }
  }
  for (std::uint32_t& word : scan.job.tail) word = static_cast<std::uint32_t>(random.next());
  scan.job.top_word_max = static_cast<std::uint32_t>(random.next() >> 32) >> random.below(17);
  scan.job.nonce_step = step_one ? 1 : static_cast<std::uint32_t>(random.next()) | 1;
  scan.first = static_cast<std::uint32_t>(random.next());
  return scan;
}

// One kernel alone against the portable one, at the edges that shortened rounds, lanes and streams
// could get wrong. Skipped aloud where this processor does not have it.
inline void check_edges(std::string_view name) {
  const auto rows = scan_kernels();
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const ScanKernel& kernel) { return kernel.name == name; });
  REQUIRE(row != rows.end());
  if (!row->supported(crypto::detect_cpu_features())) {
    MESSAGE("SKIPPED: " << name << " is not supported by this processor");
    return;
  }
  for (const std::uint32_t word : {0U, 1U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    for (const std::uint32_t step : {1U, 3U, 0x9e3779b1U, 0xffffffffU}) {
      for (const std::uint32_t top : {0U, 0x007fffffU, 0x00800000U, 0x80000000U, 0xffffffffU}) {
        ScanJob job{};
        job.midstate_count = 2;
        for (auto& midstate : job.midstates) {
          for (std::uint32_t& state : midstate) state = word;
        }
        for (std::uint32_t& tail : job.tail) tail = word;
        job.nonce_step = step;
        job.top_word_max = top;
        CHECK_EQ(scan(row->scan, job, word, 512), scan(scan_portable, job, word, 512));
      }
    }
  }
  base::Random random(42);
  RandomScan far = random_scan(random, true);
  far.job.top_word_max = 0x0fffffff;
  CHECK_EQ(scan(row->scan, far.job, far.first, 51200),
           scan(scan_portable, far.job, far.first, 51200));
  far.job.top_word_max = 0xffffffff;
  const Proposals smallest = scan(row->scan, far.job, far.first, row->lanes);
  REQUIRE_EQ(smallest.size(), row->lanes);
  for (std::uint32_t i = 0; i < row->lanes; ++i)
    CHECK_EQ(smallest[i], std::pair{far.first + i, 0U});
  CHECK(scan(row->scan, far.job, far.first, 0).empty());
}

}  // namespace miner::kernels
