#include "miner/scan_kernel.h"

#include "common/base/assert.h"
#include "common/base/bytes.h"
#include "common/bitcoin/header.h"
#include "common/bitcoin/target.h"
#include "common/crypto/kernel_choice.h"
#include "miner/work.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace miner {
namespace {

// Headers of the Bitcoin main chain, heights 0, 1 and 125552, as any node gives them; the hashes of
// the first two have a top word of zero, the last one is the header that wikis explain hashing
// with.
constexpr std::string_view known_headers[] = {
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c"
    "3e"
    "67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c",
    "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe68"
    "0e"
    "1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299",
    "0100000081cd02ab7e569e8bcd9317e2fe99f2de44d49ab2b8851ba4a308000000000000e320b6c2fffc8d750423db"
    "8b"
    "1eb942ae710e951ed797f7affc8892b0f1fc122bc7f5d74df2b9441a42a14695",
};

bitcoin::HeaderBytes known_header(std::string_view hex) {
  bitcoin::HeaderBytes bytes{};
  ASSERT(base::decode_hex(hex, bytes).has_value());
  return bytes;
}

bool finds_known_nonce(const ScanKernel& kernel, const bitcoin::HeaderBytes& header) {
  const std::uint32_t nonce = base::read_le32(base::ByteSpan(header).subspan(76));
  ScanJob job = build_scan_job(header, bitcoin::Target256());
  job.top_word_max = 0;
  constexpr std::uint32_t around = 8 * scan_count_multiple;
  std::array<FoundNonce, 4> found{};
  // A one-in-four-billion hash has no second one among its neighbours.
  const std::size_t count = kernel.scan(job, nonce - around / 2 - 1, around, found.data(), 4);
  return count == 1 && found[0].nonce == nonce && found[0].midstate == 0;
}

// The header with `versions` values of its version, as version rolling makes them, against
// crypto::sha256d() nonce by nonce.
bool agrees_with_reference(const ScanKernel& kernel, bitcoin::HeaderBytes header,
                           std::uint32_t versions) {
  constexpr std::uint32_t count = 2 * scan_count_multiple;
  constexpr std::uint32_t first = 0xffffffc0;  // crosses the wrap to zero
  constexpr std::uint32_t top_word_max = 0x7fffffff;
  ScanJob job{};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> expected;
  for (std::uint32_t m = 0; m < versions; ++m) {
    base::write_le32(header, 0x20000000 | m << 13);
    if (m == 0) job = build_scan_job(header, bitcoin::Target256());
    if (m != 0) add_midstate(job, header);
    for (std::uint32_t i = 0; i < count; ++i) {
      base::write_le32(std::span(header).subspan(76), first + i);
      const bitcoin::BlockHash hash = bitcoin::hash_header(header);
      const bool wanted = base::read_le32(base::ByteSpan(hash.bytes).subspan(28)) <= top_word_max;
      if (wanted) expected.emplace_back(i, m);
    }
  }
  std::sort(expected.begin(), expected.end());
  job.top_word_max = top_word_max;
  std::vector<FoundNonce> found(std::size_t{count} * versions);
  found.resize(kernel.scan(job, first, count, found.data(), found.size()));
  return std::equal(found.begin(), found.end(), expected.begin(), expected.end(),
                    [](const FoundNonce& a, const std::pair<std::uint32_t, std::uint32_t>& b) {
                      return a.nonce == first + b.first && a.midstate == b.second;
                    });
}

}  // namespace

std::span<const ScanKernel> scan_kernels() {
  using crypto::CpuFeatures;
  static constexpr ScanKernel kernels[] = {
#if defined(__x86_64__)
    {"x86_avx512", 16, [](const CpuFeatures& cpu) { return cpu.avx512f; }, scan_x86_avx512},
    {"x86_shani", 2, [](const CpuFeatures& cpu) { return cpu.sha_ni && cpu.sse41; },
     scan_x86_shani},
    {"x86_avx2", 8, [](const CpuFeatures& cpu) { return cpu.avx2; }, scan_x86_avx2},
#endif
#if defined(__aarch64__)
    {"arm_sha2", 2, [](const CpuFeatures& cpu) { return cpu.arm_sha2; }, scan_arm_sha2},
#endif
    {"portable", 1, [](const CpuFeatures&) { return true; }, scan_portable},
  };
  return kernels;
}

const ScanKernel* pick_kernel(std::span<const ScanKernel> kernels, const crypto::CpuFeatures& cpu,
                              std::string_view forced) {
  return crypto::first_supported(kernels, cpu, forced);
}

bool self_test(const ScanKernel& kernel) {
  for (const std::string_view hex : known_headers) {
    const bitcoin::HeaderBytes header = known_header(hex);
    if (!finds_known_nonce(kernel, header) || !agrees_with_reference(kernel, header, 1)) {
      return false;
    }
  }
  const bitcoin::HeaderBytes header = known_header(known_headers[0]);
  for (std::uint32_t versions = 2; versions <= scan_midstates_max; ++versions) {
    if (!agrees_with_reference(kernel, header, versions)) return false;
  }
  return true;
}

const ScanKernel* pick_working_kernel(std::span<const ScanKernel> kernels,
                                      const crypto::CpuFeatures& cpu, std::string_view forced,
                                      const std::function<void(const ScanKernel&)>& on_failed) {
  return crypto::first_working(kernels, cpu, forced, self_test, on_failed);
}

}  // namespace miner
