#include "common/coherence/certificate.h"

#include "common/coherence/lucas.h"
#include "tests/unit/common/coherence/known_answers.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <numbers>
#include <random>
#include <span>

using coherence::Order;
using namespace coherence_test;

namespace {

coherence::Bloom bloom_of(const KnownAttempt& known) {
  const auto phases = coherence::phases_of(coherence::seed_of(known.job, known.attempt));
  const auto bloom = coherence::run(phases, *coherence::level_of(known.job.params));
  REQUIRE(bloom);
  return *bloom;
}

Order order(std::int32_t c, std::int32_t s) {
  return {c, s, static_cast<std::uint32_t>(c * c + s * s)};
}

}  // namespace

TEST_CASE("known attempts: certificate, header, work hash") {
  for (const KnownAttempt& known : known_attempts()) {
    CAPTURE(known.attempt);
    const coherence::Bloom bloom = bloom_of(known);
    const auto certificate = coherence::certificate_of(bloom);
    CHECK(certificate.r_q == known.bloom_r_q);
    CHECK(certificate.psi_q[6] == known.psi_q);
    const auto bytes = coherence::encode(certificate);
    CHECK(bytes.size() == 332);
    CHECK(base::to_hex(coherence::cert_hash_of(bytes)) == known.cert_hash);
    const auto claim = coherence::claim_of(known.attempt, bloom);
    CHECK(claim.bloom_end == known.bloom_end);
    CHECK(claim.r_q == known.bloom_r_q[6]);
    CHECK(claim.psi_q == known.psi_q);
    CHECK(base::to_hex(claim.cert_hash) == known.cert_hash);
    const auto header = coherence::header92(known.job.header, claim);
    const base::ByteSpan words(header);
    CHECK(base::read_le32(words.subspan(76)) == known.nonce);
    CHECK(base::read_le32(words.subspan(80)) == known.r_bits);
    CHECK(base::read_le32(words.subspan(84)) == known.psi_bits);
    CHECK(base::read_le32(words.subspan(88)) == 63);
    CHECK(base::to_hex(coherence::work_hash_of(known.job.header, claim)) == known.work_hash);
  }
}

TEST_CASE("F(q) is the binary32 of q / 65536, for every q") {
  for (std::uint32_t q = 0; q < 65536; ++q) {
    const float exact = static_cast<float>(q) / 65536.0F;
    CHECK(coherence::float_bits(static_cast<std::uint16_t>(q)) ==
          std::bit_cast<std::uint32_t>(exact));
  }
}

TEST_CASE("r_q is the root of R2, rounded down, and never more than 65535") {
  CHECK(coherence::r_q_of(order(0, 0)) == 0);
  CHECK(coherence::r_q_of(order(32256, 0)) == 65535);
  CHECK(coherence::r_q_of(order(32256, 400)) == 65535);
  CHECK(coherence::r_q_of(Order{0, 0, coherence::r2_coherent}) == coherence::r_q_least);
  // The last R2 that isn't coherent has the same r_q, so r_q alone doesn't tell a bloom.
  CHECK(coherence::r_q_of(Order{0, 0, coherence::r2_coherent - 40000}) < coherence::r_q_least);
  std::mt19937 random(3);
  for (int i = 0; i < 20000; ++i) {
    const auto r2 = static_cast<std::uint32_t>(random() % (coherence::r2_unit + 1));
    const std::uint64_t q = coherence::r_q_of(Order{0, 0, r2});
    const std::uint64_t squared = (std::uint64_t{r2} << 32) / coherence::r2_unit;
    CHECK(q * q <= squared);
    if (q < 65535) CHECK((q + 1) * (q + 1) > squared);
  }
}

TEST_CASE("psi_q is the direction of the mean, within a unit of its last place") {
  std::mt19937 random(4);
  const auto differs = [](std::int32_t c, std::int32_t s) {
    const double turns = std::atan2(s, c) / (2 * std::numbers::pi);
    const double apart = coherence::psi_q_of(order(c, s)) - 65536 * turns;
    return std::abs(std::remainder(apart, 65536));
  };
  for (int i = 0; i < 20000; ++i) {
    const auto c = static_cast<std::int32_t>(random() % 64513) - 32256;
    const auto s = static_cast<std::int32_t>(random() % 64513) - 32256;
    if (c * c + s * s < 10000) continue;  // no direction to speak of
    CAPTURE(c);
    CAPTURE(s);
    CHECK(differs(c, s) < 0.75);
  }
  CHECK(coherence::psi_q_of(order(32256, 0)) == 0);
  CHECK(coherence::psi_q_of(order(0, 32256)) == 16384);
  CHECK(coherence::psi_q_of(order(-32256, 0)) == 32768);
  CHECK(coherence::psi_q_of(order(0, -32256)) == 49152);
}

TEST_CASE("a certificate survives encoding and decoding") {
  for (const KnownAttempt& known : known_attempts()) {
    const auto certificate = coherence::certificate_of(bloom_of(known));
    const auto decoded = coherence::decode_certificate(coherence::encode(certificate));
    REQUIRE(decoded);
    CHECK(*decoded == certificate);
  }
  coherence::Certificate least{};
  least.bloom_end = 6;
  least.r_q.fill(coherence::r_q_least);
  coherence::Certificate most{};
  most.bloom_start = 15120;
  most.bloom_end = 15126;
  most.r_q.fill(65535);
  most.psi_q.fill(65535);
  most.phases.fill(0xffffffff);
  for (const auto& certificate : {least, most}) {
    const auto decoded = coherence::decode_certificate(coherence::encode(certificate));
    REQUIRE(decoded);
    CHECK(*decoded == certificate);
  }
}

TEST_CASE("what the decoder refuses, and what it says") {
  const auto certificate = coherence::certificate_of(bloom_of(known_attempts()[0]));
  const auto bytes = coherence::encode(certificate);
  struct Row {
    std::size_t word;
    std::uint32_t value;
    const char* error;
  };
  const Row rows[] = {
      {0, 15121, "bloom_start is 15121, not at most 15120"},
      {0, 5653, "bloom_end is 5660, not bloom_start + 6"},
      {1, 5661, "bloom_end is 5661, not bloom_start + 6"},
      {2, 64, "oscillators is 0x40, not 0x3f"},
      {3, 0x3f5db3d8, "coherence is 0x3f5db3d8, not 0x3f5db3d7"},
      {4, 8, "states is 0x8, not 0x7"},
      {5, 6, "states needed is 0x6, not 0x7"},
      {6, 0x3f5db200, "r is 56754, not at least 56755"},
      {6, 0x3f800000, "r is 0x3f800000, not the binary32 of a whole number of 1/65536"},
      {12, 0x3f63d101, "r is 0x3f63d101, not the binary32 of a whole number of 1/65536"},
      {13, 0x80000000, "psi is 0x80000000, not the binary32 of a whole number of 1/65536"},
      {13, 0x00000001, "psi is 0x1, not the binary32 of a whole number of 1/65536"},
      {19, 0xffc00000, "psi is 0xffc00000, not the binary32 of a whole number of 1/65536"},
  };
  for (const Row& row : rows) {
    auto corrupt = bytes;
    base::write_le32(std::span(corrupt).subspan(4 * row.word), row.value);
    const auto decoded = coherence::decode_certificate(corrupt);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error() == row.error);
  }
  for (const std::size_t size : {0U, 1U, 331U}) {
    CHECK_FALSE(coherence::decode_certificate(base::ByteSpan(bytes).first(size)));
  }
  base::Bytes longer(bytes.begin(), bytes.end());
  longer.push_back(0);
  CHECK(coherence::decode_certificate(longer).error() == "certificate is 333 bytes, not 332");
}

TEST_CASE(
    "what the decoder accepts of a corrupted certificate, it encodes back to the same bytes") {
  const auto bytes = coherence::encode(coherence::certificate_of(bloom_of(known_attempts()[1])));
  std::size_t accepted_before_phases = 0;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto corrupt = bytes;
    corrupt[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto decoded = coherence::decode_certificate(corrupt);
    if (!decoded) continue;
    CHECK(coherence::encode(*decoded) == corrupt);
    CHECK(coherence::cert_hash_of(corrupt) != coherence::cert_hash_of(bytes));
    if (bit < 4 * 6 * 8) ++accepted_before_phases;
  }
  CHECK(accepted_before_phases == 0);
}
