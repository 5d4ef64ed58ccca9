// The portable kernel against crypto::sha256d, nonce by nonce: the oracle's oracle.
#include "tests/unit/miner/kernels.h"

#include <doctest/doctest.h>

namespace miner {
namespace {

TEST_CASE("the portable kernel proposes what sha256d proposes") {
  for (const kernels::HeaderRow& row : kernels::header_rows) {
    CAPTURE(row.why);
    bitcoin::HeaderBytes header = kernels::header_of(row.hex);
    ScanJob job = build_scan_job(header, bitcoin::Target256());
    job.top_word_max = 0x03ffffff;
    constexpr std::uint32_t count = 20032;
    constexpr std::uint32_t first = 0xffffff00;  // past the wrap to zero
    std::vector<std::uint32_t> expected;
    for (std::uint32_t i = 0; i < count; ++i) {
      base::write_le32(std::span(header).subspan(76), first + i);
      const bitcoin::BlockHash hash = bitcoin::hash_header(header);
      if (base::read_le32(base::ByteSpan(hash.bytes).subspan(28)) <= job.top_word_max) {
        expected.push_back(first + i);
      }
    }
    CHECK_GT(expected.size(), 200);
    CHECK_EQ(kernels::scan(scan_kernels().back(), job, first, count), expected);
  }
}

}  // namespace
}  // namespace miner
