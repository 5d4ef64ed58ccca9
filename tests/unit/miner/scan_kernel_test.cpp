// Every kernel that this processor runs, against real headers and against the portable one; and the
// choice among kernels on pretended processors.
#include "miner/scan_kernel.h"

#include "tests/unit/miner/kernels.h"

#include <doctest/doctest.h>
#include <openssl/sha.h>

#include <array>
#include <string>
#include <vector>

namespace miner {
namespace {

using kernels::for_each_supported;
using kernels::header_of;
using kernels::header_rows;
using kernels::HeaderRow;
using kernels::scan;

TEST_CASE("every kernel finds the nonces of real headers, wherever they stand in the batch") {
  for_each_supported([](const ScanKernel& kernel) {
    for (const HeaderRow& row : header_rows) {
      CAPTURE(row.why);
      const bitcoin::HeaderBytes header = header_of(row.hex);
      const std::uint32_t nonce = base::read_le32(base::ByteSpan(header).subspan(76));
      ScanJob job = build_scan_job(header, bitcoin::Target256());
      CHECK_EQ(job.top_word_max, 0);
      for (const std::uint32_t before : {0U, 1U, 2U, 15U, 63U}) {
        const auto found = scan(kernel.scan, job, nonce - before, scan_count_multiple);
        REQUIRE_EQ(found.size(), 1);
        CHECK_EQ(found[0], std::pair{nonce, 0U});
      }
      job.tail[1] ^= 1;  // another second: the nonce is no longer one
      CHECK(scan(kernel.scan, job, nonce, scan_count_multiple).empty());
    }
  });
}

TEST_CASE("every kernel proposes what the portable one does, with one midstate and with several") {
  base::Random random(20240601);
  for (int round = 0; round < 50; ++round) {
    const kernels::RandomScan job = kernels::random_scan(
        random, round % 2 == 0, 1 + static_cast<std::uint32_t>(random.below(8)));
    const auto expected = scan(scan_portable, job.job, job.first, 4096);
    for_each_supported([&](const ScanKernel& kernel) {
      CHECK_EQ(scan(kernel.scan, job.job, job.first, 4096), expected);
    });
  }
}

// What OpenSSL says of a header with this nonce: the most significant word of its double SHA-256.
std::uint32_t openssl_top_word(bitcoin::HeaderBytes header, std::uint32_t nonce) {
  base::write_le32(std::span(header).subspan(76), nonce);
  std::array<unsigned char, 32> first{};
  std::array<unsigned char, 32> second{};
  SHA256(header.data(), header.size(), first.data());
  SHA256(first.data(), first.size(), second.data());
  return base::read_le32(base::ByteSpan(second).subspan(28));
}

TEST_CASE("every kernel proposes what OpenSSL proposes, of random headers in several versions") {
  base::Random random(7);
  for (int round = 0; round < 24; ++round) {
    std::array<bitcoin::HeaderBytes, scan_midstates_max> headers{};
    for (std::uint8_t& byte : headers[0]) byte = static_cast<std::uint8_t>(random.next());
    const auto versions = 1 + static_cast<std::uint32_t>(random.below(scan_midstates_max));
    ScanJob job = build_scan_job(headers[0], bitcoin::Target256());
    for (std::uint32_t m = 1; m < versions; ++m) {
      headers[m] = headers[0];
      base::write_le32(headers[m], static_cast<std::uint32_t>(random.next()));
      add_midstate(job, headers[m]);
    }
    job.top_word_max = 0x0fffffff;
    const auto first = static_cast<std::uint32_t>(random.next());
    kernels::Proposals expected;
    for (std::uint32_t i = 0; i < 256; ++i) {
      for (std::uint32_t m = 0; m < versions; ++m) {
        if (openssl_top_word(headers[m], first + i) > job.top_word_max) continue;
        expected.emplace_back(first + i, m);
      }
    }
    for_each_supported(
        [&](const ScanKernel& kernel) { CHECK_EQ(scan(kernel.scan, job, first, 256), expected); });
  }
}

TEST_CASE("a kernel writes no more than found_max and keeps the order it tried") {
  for_each_supported([](const ScanKernel& kernel) {
    ScanJob job{};
    job.top_word_max = 0xffffffff;
    job.nonce_step = 3;
    for (const std::uint32_t midstates : {1U, 3U, scan_midstates_max}) {
      job.midstate_count = midstates;
      std::array<FoundNonce, 9> found{};
      found[8] = {0xdeadbeef, 99};
      CHECK_EQ(kernel.scan(job, 0xfffffffe, 64, found.data(), 8), 8);
      for (std::uint32_t i = 0; i < 8; ++i) {
        CHECK_EQ(found[i].nonce, 0xfffffffe + 3 * (i / midstates));
        CHECK_EQ(found[i].midstate, i % midstates);
      }
      CHECK_EQ(found[8].nonce, 0xdeadbeef);
      CHECK_EQ(found[8].midstate, 99);
      CHECK_EQ(kernel.scan(job, 0, 64, found.data(), 0), 0);
    }
  });
}

TEST_CASE("lanes divide the count every caller keeps to") {
  for (const ScanKernel& kernel : scan_kernels()) {
    CHECK_EQ(scan_count_multiple % kernel.lanes, 0);
  }
  CHECK_EQ(scan_kernels().back().name, "portable");
}

std::size_t scan_nothing(const ScanJob&, std::uint32_t, std::uint32_t, FoundNonce*, std::size_t) {
  return 0;
}

TEST_CASE("pick_kernel takes the first that the processor supports, or the one that is forced") {
  const auto needs_sha = [](const crypto::CpuFeatures& cpu) { return cpu.sha_ni; };
  const auto needs_avx2 = [](const crypto::CpuFeatures& cpu) { return cpu.avx2; };
  const auto needs_none = [](const crypto::CpuFeatures&) { return true; };
  const ScanKernel kernels[] = {{"sha", 2, needs_sha, scan_nothing},
                                {"avx2", 8, needs_avx2, scan_nothing},
                                {"plain", 1, needs_none, scan_nothing}};
  crypto::CpuFeatures nothing;
  crypto::CpuFeatures with_avx2;
  with_avx2.avx2 = true;
  crypto::CpuFeatures with_both = with_avx2;
  with_both.sha_ni = true;
  struct Row {
    const char* why;
    crypto::CpuFeatures cpu;
    const char* forced;
    const char* picked;  // null: none
  };
  const Row rows[] = {
      {"an old processor runs the last row", nothing, "", "plain"},
      {"rows are in order of preference", with_both, "", "sha"},
      {"an unsupported first row is passed over", with_avx2, "", "avx2"},
      {"a slower one may be forced", with_both, "plain", "plain"},
      {"forcing does not make a processor able", with_avx2, "sha", nullptr},
      {"no such name", with_both, "cuda", nullptr},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const ScanKernel* picked = pick_kernel(kernels, row.cpu, row.forced);
    CHECK_EQ(picked == nullptr, row.picked == nullptr);
    if (picked != nullptr && row.picked != nullptr) CHECK_EQ(picked->name, row.picked);
  }
  CHECK_EQ(pick_kernel({}, with_both, ""), nullptr);
}

std::size_t scan_one_too_few(const ScanJob& job, std::uint32_t first, std::uint32_t count,
                             FoundNonce* found, std::size_t found_max) {
  const std::size_t n = scan_portable(job, first, count, found, found_max);
  return n > 1 ? n - 1 : n;
}
std::size_t scan_next_nonce(const ScanJob& job, std::uint32_t first, std::uint32_t count,
                            FoundNonce* found, std::size_t found_max) {
  const std::size_t n = scan_portable(job, first, count, found, found_max);
  for (std::size_t i = 0; i < n; ++i) ++found[i].nonce;
  return n;
}

std::size_t scan_first_midstate(const ScanJob& job, std::uint32_t first, std::uint32_t count,
                                FoundNonce* found, std::size_t found_max) {
  ScanJob one = job;
  one.midstate_count = 1;
  return scan_portable(one, first, count, found, found_max);
}

TEST_CASE("the self test passes every kernel here and catches a faulty one, which is skipped") {
  for_each_supported([](const ScanKernel& kernel) { CHECK(self_test(kernel)); });

  const auto always = [](const crypto::CpuFeatures&) { return true; };
  const ScanKernel kernels[] = {{"finds nothing", 1, always, scan_nothing},
                                {"misses one", 1, always, scan_one_too_few},
                                {"names another", 1, always, scan_next_nonce},
                                {"first version alone", 1, always, scan_first_midstate},
                                {"right", 1, always, scan_portable}};
  std::vector<std::string> failed;
  const auto note = [&](const ScanKernel& kernel) { failed.emplace_back(kernel.name); };
  const ScanKernel* picked = pick_working_kernel(kernels, {}, "", note);
  REQUIRE(picked != nullptr);
  CHECK_EQ(picked->name, "right");
  CHECK_EQ(failed, std::vector<std::string>{"finds nothing", "misses one", "names another",
                                            "first version alone"});

  failed.clear();
  CHECK_EQ(pick_working_kernel(kernels, {}, "misses one", note), nullptr);
  CHECK_EQ(failed, std::vector<std::string>{"misses one"});
}

}  // namespace
}  // namespace miner
