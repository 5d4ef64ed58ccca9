#include "common/coherence/verify.h"

#include "common/coherence/difficulty.h"
#include "tests/unit/common/coherence/known_answers.h"

#include <doctest/doctest.h>

#include <set>

using base::U256;
using coherence::Claim;
using coherence::Flaw;
using namespace coherence_test;

namespace {

struct Proof {
  coherence::Job job;
  coherence::Bloom bloom;
  Claim claim;
};

Proof proof_of(const KnownAttempt& known) {
  const auto phases = coherence::phases_of(coherence::seed_of(known.job, known.attempt));
  const auto bloom = coherence::run(phases, *coherence::level_of(known.job.params));
  REQUIRE(bloom);
  return {known.job, *bloom, coherence::claim_of(known.attempt, *bloom)};
}

// The first attempt of a job that blooms early, so that hundreds of replays are quick.
Proof quick_proof() {
  coherence::Job job{.header = {}, .extranonce = 77, .params = coherence::params_of(0)};
  job.header[70] = 9;
  for (std::uint64_t attempt = 0;; ++attempt) {
    const auto bloom =
        coherence::run(coherence::phases_of(coherence::seed_of(job, attempt)), 0, 500);
    if (bloom) return {job, *bloom, coherence::claim_of(attempt, *bloom)};
  }
}

}  // namespace

TEST_CASE("the known attempts are true, up to the target they just meet") {
  for (const KnownAttempt& known : known_attempts()) {
    const Proof proof = proof_of(known);
    CHECK(coherence::verify(proof.job, proof.claim, U256::max()) == std::nullopt);
    const auto hash = U256::from_le_bytes(coherence::work_hash_of(proof.job.header, proof.claim));
    CHECK(coherence::verify(proof.job, proof.claim, hash + U256{1}) == std::nullopt);
    CHECK(coherence::verify(proof.job, proof.claim, hash) == Flaw::above_target);
  }
}

TEST_CASE("cheap checks: each range at its ends") {
  const Proof proof = proof_of(known_attempts()[0]);
  const auto check = [&proof](const Claim& claim) {
    return coherence::check_claim(proof.job, claim, U256::max());
  };
  Claim claim = proof.claim;
  claim.bloom_end = 5;
  CHECK(check(claim) == Flaw::bloom_end_range);
  claim.bloom_end = 6;
  CHECK(check(claim) == std::nullopt);
  claim.bloom_end = 15126;
  CHECK(check(claim) == std::nullopt);
  claim.bloom_end = 15127;
  CHECK(check(claim) == Flaw::bloom_end_range);
  claim.bloom_end = 0xffffffff;
  CHECK(check(claim) == Flaw::bloom_end_range);
  claim = proof.claim;
  claim.r_q = 56754;
  CHECK(check(claim) == Flaw::r_q_range);
  claim.r_q = 56755;
  CHECK(check(claim) == std::nullopt);
  claim.r_q = 65535;
  CHECK(check(claim) == std::nullopt);
  coherence::Job job = proof.job;
  for (const std::uint32_t params : {0U, 2U, 0x00010006U, 0x00020002U, 0xffffffffU}) {
    job.params = params;
    CHECK(coherence::check_claim(job, proof.claim, U256::max()) == Flaw::bad_params);
    CHECK(coherence::verify(job, proof.claim, U256::max()) == Flaw::bad_params);
  }
}

TEST_CASE("forged claims: each lie has its name") {
  const Proof proof = proof_of(known_attempts()[0]);
  const auto flaw = [](const coherence::Job& job, const Claim& claim) {
    return coherence::verify(job, claim, U256::max());
  };
  // 63 equal phases, which a careless verifier takes for a bloom.
  coherence::Bloom equal = proof.bloom;
  equal.phases.fill(0x12345678);
  equal.orders.fill(coherence::order_of(equal.phases));
  CHECK(flaw(proof.job, coherence::claim_of(0, equal)) == Flaw::wrong_order);
  equal.orders = proof.bloom.orders;
  CHECK(flaw(proof.job, coherence::claim_of(0, equal)) == Flaw::wrong_certificate);

  Claim late = proof.claim;
  late.bloom_end += 1;
  CHECK(flaw(proof.job, late) == Flaw::earlier_bloom);
  Claim early = proof.claim;
  early.bloom_end -= 1;
  CHECK(flaw(proof.job, early) == Flaw::no_bloom);

  // A later bloom of the same attempt, true in itself, with the first one hidden.
  coherence::Phases phases = proof.bloom.phases;
  coherence::Bloom later = proof.bloom;
  const auto gate = coherence::gate(2);
  for (int i = 0; i < 7; ++i) coherence::step(phases, coherence::order_of(phases), gate);
  later.start += 7;
  later.end += 7;
  later.phases = phases;
  CHECK(flaw(proof.job, coherence::claim_of(0, later)) == Flaw::earlier_bloom);

  coherence::Job other = proof.job;
  other.extranonce = 1;
  CHECK(flaw(other, proof.claim).has_value());
  other = proof.job;
  other.params = coherence::params_of(3);
  CHECK(flaw(other, proof.claim).has_value());
  Claim attempt = proof.claim;
  attempt.attempt = 24;
  CHECK(flaw(proof.job, attempt).has_value());
}

TEST_CASE("every bit of a claim counts") {
  const Proof proof = quick_proof();
  const auto flaw = [&proof](const Claim& claim) {
    return coherence::verify(proof.job, claim, U256::max());
  };
  REQUIRE(flaw(proof.claim) == std::nullopt);
  for (int bit = 0; bit < 64; ++bit) {
    Claim claim = proof.claim;
    claim.attempt ^= std::uint64_t{1} << bit;
    CHECK(flaw(claim).has_value());
  }
  for (int bit = 0; bit < 32; ++bit) {
    Claim claim = proof.claim;
    claim.bloom_end ^= std::uint32_t{1} << bit;
    CHECK(flaw(claim).has_value());
  }
  for (int bit = 0; bit < 16; ++bit) {
    Claim claim = proof.claim;
    claim.r_q ^= static_cast<std::uint16_t>(1U << bit);
    CHECK(flaw(claim).has_value());
    claim = proof.claim;
    claim.psi_q ^= static_cast<std::uint16_t>(1U << bit);
    CHECK(flaw(claim) == Flaw::wrong_order);
  }
  for (std::size_t bit = 0; bit < 256; ++bit) {
    Claim claim = proof.claim;
    claim.cert_hash[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    CHECK(flaw(claim) == Flaw::wrong_certificate);
  }
}

TEST_CASE("every bit of a certificate counts: its hash is in the claim") {
  const Proof proof = quick_proof();
  const auto bytes = coherence::encode(coherence::certificate_of(proof.bloom));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto corrupt = bytes;
    corrupt[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    Claim claim = proof.claim;
    claim.cert_hash = coherence::cert_hash_of(corrupt);
    CHECK(coherence::compare(claim, proof.bloom) == Flaw::wrong_certificate);
  }
}

TEST_CASE("every bit of the job counts") {
  const Proof proof = quick_proof();
  for (std::size_t bit = 0; bit < 76 * 8; ++bit) {
    coherence::Job job = proof.job;
    job.header[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    CHECK(coherence::verify(job, proof.claim, U256::max()).has_value());
  }
  for (int bit = 0; bit < 64; ++bit) {
    coherence::Job job = proof.job;
    job.extranonce ^= std::uint64_t{1} << bit;
    CHECK(coherence::verify(job, proof.claim, U256::max()).has_value());
  }
}

TEST_CASE("every flaw has a name and a sentence of its own") {
  std::set<std::string_view> names;
  std::set<std::string_view> sentences;
  for (const Flaw flaw :
       {Flaw::bad_params, Flaw::bloom_end_range, Flaw::r_q_range, Flaw::above_target,
        Flaw::no_bloom, Flaw::earlier_bloom, Flaw::wrong_order, Flaw::wrong_certificate}) {
    names.insert(coherence::name_of(flaw));
    sentences.insert(coherence::describe(flaw));
  }
  CHECK(names.size() == 8);
  CHECK(sentences.size() == 8);
}
