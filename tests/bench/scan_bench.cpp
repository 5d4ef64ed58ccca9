// What a hash costs with each scan kernel, beside OpenSSL and, where the build was given one,
// beside another miner: all in one thread of one process, in turns. Not a test: run
// build/release/bin/scan_bench [SECONDS]. docs/miner-kernels.md has the commands and figures.
#include "common/base/assert.h"
#include "common/base/bytes.h"
#include "miner/bench_scan.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string_view>
#include <vector>

#if defined(SCAN_RIVAL)
extern "C" void rival_begin();
// Tries about so many nonces; returns how many.
extern "C" std::uint64_t rival_scan(std::uint32_t nonces);
#endif

namespace {

bool always(const crypto::CpuFeatures&) { return true; }

// As one would write it with a library: the state after 64 bytes is kept, the rest hashed anew.
std::uint32_t openssl_top_word(SHA256_CTX context, std::span<const unsigned char> tail) {
  std::array<unsigned char, 32> digest{};
  SHA256_Update(&context, tail.data(), tail.size());
  SHA256_Final(digest.data(), &context);
  SHA256(digest.data(), digest.size(), digest.data());
  return base::read_le32(base::ByteSpan(digest).subspan(28));
}

std::size_t scan_openssl(const miner::ScanJob& job, std::uint32_t first, std::uint32_t count,
                         miner::FoundNonce* found, std::size_t found_max) {
  const std::array<unsigned char, 64> block{};
  std::array<SHA256_CTX, miner::scan_midstates_max> after_block{};
  for (std::uint32_t m = 0; m < job.midstate_count; ++m) {
    SHA256_Init(&after_block[m]);
    SHA256_Update(&after_block[m], block.data(), block.size());
    std::copy_n(job.midstates[m], 8, after_block[m].h);
  }
  std::array<unsigned char, 16> tail{};
  for (std::size_t i = 0; i < 3; ++i) {
    base::write_be32(std::span(tail).subspan(4 * i), job.tail[i]);
  }
  std::size_t found_count = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t nonce = first + i * job.nonce_step;
    base::write_le32(std::span(tail).subspan(12), nonce);
    for (std::uint32_t m = 0; m < job.midstate_count; ++m) {
      const bool wanted = openssl_top_word(after_block[m], tail) <= job.top_word_max;
      if (wanted && found_count < found_max) found[found_count++] = {nonce, m};
    }
  }
  return found_count;
}

#if defined(SCAN_RIVAL)
// It knows one midstate: as many hashes, then.
std::size_t scan_rival(const miner::ScanJob& job, std::uint32_t, std::uint32_t count,
                       miner::FoundNonce*, std::size_t) {
  std::uint64_t left = std::uint64_t{count} * job.midstate_count;
  while (left > 0) left -= std::min(left, rival_scan(static_cast<std::uint32_t>(left)));
  return 0;
}
#endif

}  // namespace

int main(int argc, char** argv) {
  std::uint32_t seconds = 5;
  const std::string_view given = argc > 1 ? argv[1] : "";
  std::from_chars(given.data(), given.data() + given.size(), seconds);

  const miner::ScanKernel openssl{"openssl", 1, always, scan_openssl};
  ASSERT(miner::self_test(openssl));
  std::vector<const miner::ScanKernel*> kernels;
#if defined(SCAN_RIVAL)
  rival_begin();
  const miner::ScanKernel rival{"rival", 16, always, scan_rival};
  kernels.push_back(&rival);
#endif
  const crypto::CpuFeatures cpu = crypto::detect_cpu_features();
  for (const miner::ScanKernel& kernel : miner::scan_kernels()) {
    if (kernel.supported(cpu)) kernels.push_back(&kernel);
  }
  kernels.push_back(&openssl);
  constexpr std::uint32_t midstates[] = {1, 2, 4, miner::scan_midstates_max};
  const miner::ScanRates rates =
      miner::measure_scan_rates(kernels, midstates, std::chrono::seconds(seconds));
  fmt::print("{}", miner::scan_rates_text(rates));
#if defined(SCAN_RIVAL)
  const double base = rates.rows[0].hashes_per_second;
  for (const miner::ScanRate& row : rates.rows) {
    fmt::print("{:<12} {} midstates: {:.3f} x rival\n", row.kernel->name, row.midstates,
               row.hashes_per_second / base);
  }
#endif
  return 0;
}
