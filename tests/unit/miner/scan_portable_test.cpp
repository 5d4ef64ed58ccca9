// The portable kernel against crypto::sha256d, nonce by nonce: the oracle's oracle.
#include "tests/unit/miner/kernels.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace miner {
namespace {

TEST_CASE("the portable kernel proposes what sha256d proposes, of every version") {
  for (const kernels::HeaderRow& row : kernels::header_rows) {
    CAPTURE(row.why);
    bitcoin::HeaderBytes header = kernels::header_of(row.hex);
    ScanJob job{};
    constexpr std::uint32_t count = 6016;
    constexpr std::uint32_t first = 0xffffff00;  // past the wrap to zero
    kernels::Proposals expected;
    for (std::uint32_t m = 0; m < 4; ++m) {
      base::write_le32(header, 0x20000000 + m * 0x6000);
      if (m == 0) job = build_scan_job(header, bitcoin::Target256());
      if (m != 0) add_midstate(job, header);
      for (std::uint32_t i = 0; i < count; ++i) {
        base::write_le32(std::span(header).subspan(76), first + i);
        const bitcoin::BlockHash hash = bitcoin::hash_header(header);
        if (base::read_le32(base::ByteSpan(hash.bytes).subspan(28)) > 0x03ffffff) continue;
        expected.emplace_back(first + i, m);
      }
    }
    std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first - first, a.second) < std::pair(b.first - first, b.second);
    });
    job.top_word_max = 0x03ffffff;
    CHECK_GT(expected.size(), 200);
    CHECK_EQ(kernels::scan(scan_portable, job, first, count), expected);
  }
}

}  // namespace
}  // namespace miner
