#include "pool/core/coherence_judge.h"

#include "common/coherence/verify.h"
#include "tests/unit/common/coherence/known_answers.h"
#include "tests/unit/pool/core/chain_maker.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using chain_test::ChainMaker;
using coherence::Certificate;
using pool::ChainJudge;
using pool::CoherenceProof;
using pool::ProofStep;

namespace {

CoherenceProof known_proof(std::size_t which) {
  const auto known = coherence_test::known_attempts()[which];
  const auto phases = coherence::phases_of(coherence::seed_of(known.job, known.attempt));
  const auto bloom = coherence::run(phases, *coherence::level_of(known.job.params));
  REQUIRE(bloom);
  const auto claim = coherence::claim_of(known.attempt, *bloom);
  return {.header92 = coherence::header92(known.job.header, claim),
          .extranonce = known.job.extranonce,
          .attempt = known.attempt,
          .params = known.job.params,
          .target = base::U256::max(),
          .certificate = coherence::encode(coherence::certificate_of(*bloom)),
          .work_hash = coherence::work_hash_of(known.job.header, claim)};
}

// What a forger does who knows the format: header92 and work hash are made anew to fit.
void fit(CoherenceProof& proof) {
  const auto certificate = coherence::decode_certificate(proof.certificate);
  REQUIRE(certificate);
  coherence::Header76 header;
  std::copy_n(proof.header92.begin(), header.size(), header.begin());
  const coherence::Claim claim{.attempt = proof.attempt,
                               .bloom_end = certificate->bloom_end,
                               .r_q = certificate->r_q.back(),
                               .psi_q = certificate->psi_q.back(),
                               .cert_hash = coherence::cert_hash_of(proof.certificate)};
  proof.header92 = coherence::header92(header, claim);
  proof.work_hash = coherence::work_hash_of(header, claim);
}

template <class Change>
CoherenceProof with_certificate(CoherenceProof proof, Change&& change) {
  Certificate certificate = *coherence::decode_certificate(proof.certificate);
  change(certificate);
  proof.certificate = coherence::encode(certificate);
  fit(proof);
  return proof;
}

void check_fault(const CoherenceProof& proof, ProofStep step, std::string_view why) {
  const auto judged = pool::judge_proof(proof);
  REQUIRE_FALSE(judged);
  CHECK(pool::name_of(judged.error().step) == pool::name_of(step));
  CHECK(judged.error().why == why);
}

// The chain's flaws, by block.
std::vector<std::string> flaws(const ChainMaker& chain) {
  ChainJudge judge(chain.rules());
  std::vector<std::string> all;
  for (std::size_t i = 0; i < chain.blocks.size(); ++i) {
    all.push_back(judge.add(chain.blocks[i], &chain.proofs[i]));
  }
  return all;
}

pool::JournalStretch stretch(std::uint32_t pool, std::uint64_t first, std::uint64_t last) {
  pool::JournalStretch made;
  made.stretch = {pool, first, last, {}};
  made.stretch.head.fill(static_cast<std::uint8_t>(last));
  made.journal.fill(static_cast<std::uint8_t>(pool));
  return made;
}

// Ten blocks, over two retargets; two pools write journals.
ChainMaker ten_blocks() {
  ChainMaker chain;
  for (std::uint64_t h = 0; h < 10; ++h) {
    std::vector<pool::JournalStretch> stretches;
    if (h % 3 != 2) stretches.push_back(stretch(1, 10 * (h - h / 3) + 1, 10 * (h - h / 3) + 10));
    stretches.push_back(stretch(2, 5 * h + 1, 5 * h + 5));
    chain.add(stretches, h < 4 ? 3 : 20);
  }
  return chain;
}

}  // namespace

TEST_CASE("the known attempts' proofs are true, and what they are is told") {
  const auto first = pool::judge_proof(known_proof(0));
  REQUIRE(first);
  CHECK(first->level == 2);
  CHECK(first->bloom_start == 5654);
  CHECK(first->bloom_end == 5660);
  CHECK(first->work == base::U256{13312});
  CHECK(pool::judge_proof(known_proof(1)).has_value());
}

TEST_CASE("a forged proof fails at the step where the lie is") {
  const CoherenceProof good = known_proof(0);
  CoherenceProof bad = good;
  bad.params = 0x00020002;
  check_fault(bad, ProofStep::params,
              "params are 00020002, expected 0001000L with a level L of 0 to 5");
  bad = good;
  base::write_le32(std::span(bad.certificate).subspan(8), 62);
  check_fault(bad, ProofStep::certificate, "oscillators is 0x3e, not 0x3f");
  bad = good;
  bad.header92[76] ^= 1;
  check_fault(bad, ProofStep::header, "nonce is 00000002, expected 00000003");
  bad = good;
  bad.attempt = 24;
  check_fault(bad, ProofStep::header, "nonce is 00000003, expected d5336960");
  bad = good;
  bad.header92[81] ^= 1;
  check_fault(bad, ProofStep::header, "r is 3f63d000, expected 3f63d100");
  bad = good;
  bad.work_hash[0] ^= 1;
  check_fault(bad, ProofStep::work_hash,
              "is c59efeb9cbaa2fce2261ca652993049a7e0571c651b4f2190cde7617129d840b, but header and "
              "certificate give c49efeb9cbaa2fce2261ca652993049a7e0571c651b4f2190cde7617129d840b");
  bad = good;
  bad.target = base::U256{1} << 240;
  check_fault(bad, ProofStep::target,
              "the work hash, as a number "
              "0b849d121776de0c19f2b451c671057e9a04932965ca6122ce2faacbb9fe9ec4, is not below "
              "0001000000000000000000000000000000000000000000000000000000000000");
}

TEST_CASE("a forged bloom, its hashes made to fit, fails at the replay") {
  const CoherenceProof good = known_proof(0);
  // 63 equal phases.
  check_fault(with_certificate(good, [](Certificate& c) { c.phases.fill(0x12345678); }),
              ProofStep::replay, "phase 0 of the certificate is 12345678, the replay has 3dc785e1");
  // Another end of the bloom, either way.
  check_fault(with_certificate(good,
                               [](Certificate& c) {
                                 ++c.bloom_start;
                                 ++c.bloom_end;
                               }),
              ProofStep::replay,
              "an earlier bloom, states 5654 to 5660, where the certificate has 5655 to 5661");
  check_fault(with_certificate(good,
                               [](Certificate& c) {
                                 --c.bloom_start;
                                 --c.bloom_end;
                               }),
              ProofStep::replay, "no bloom up to state 5659");
  check_fault(with_certificate(good, [](Certificate& c) { c.r_q[0] = 60000; }), ProofStep::replay,
              "r 0 of the certificate is 0000ea60, the replay has 0000de4f");
  check_fault(with_certificate(good, [](Certificate& c) { c.psi_q[6] = 1; }), ProofStep::replay,
              "psi 6 of the certificate is 00000001, the replay has 00005646");
  // Somebody else's proof under one's own extranonce, and at an easier level.
  CoherenceProof stolen = good;
  stolen.extranonce = 1;
  const auto judged = pool::judge_proof(stolen);
  REQUIRE_FALSE(judged);
  CHECK(judged.error().step == ProofStep::replay);
  CoherenceProof easier = good;
  easier.params = coherence::params_of(1);
  REQUIRE_FALSE(pool::judge_proof(easier));
  CHECK(pool::judge_proof(easier).error().step == ProofStep::replay);
}

TEST_CASE("every bit of a proof counts") {
  const CoherenceProof good = chain_test::mine({{}, 3, coherence::params_of(0)}, base::U256::max());
  REQUIRE(pool::judge_proof(good).has_value());
  const auto refused = [](const CoherenceProof& proof) {
    return !pool::judge_proof(proof).has_value();
  };
  for (std::size_t bit = 0; bit < good.header92.size() * 8; ++bit) {
    CoherenceProof bad = good;
    bad.header92[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    CHECK(refused(bad));
  }
  for (std::size_t bit = 0; bit < good.certificate.size() * 8; ++bit) {
    CoherenceProof bad = good;
    bad.certificate[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    CHECK(refused(bad));
  }
}

TEST_CASE("a chain that keeps the rules has no flaw") {
  const ChainMaker chain = ten_blocks();
  for (const std::string& flaw : flaws(chain)) CHECK(flaw.empty());
  ChainJudge judge(chain.rules());
  CHECK(judge.tip() == nullptr);
  judge.add(chain.blocks[0], &chain.proofs[0]);
  CHECK(judge.blocks() == 1);
  CHECK(judge.tip()->hash == chain.blocks[0].hash);
}

TEST_CASE("missing, reordered and foreign blocks are told where they are") {
  const ChainMaker good = ten_blocks();
  ChainMaker missing = ten_blocks();
  missing.blocks.erase(missing.blocks.begin() + 5);
  missing.proofs.erase(missing.proofs.begin() + 5);
  auto found = flaws(missing);
  CHECK(found[4].empty());
  CHECK(found[5] == "expected height 5: a block is missing or out of order");
  CHECK(found[8].empty());

  ChainMaker swapped = ten_blocks();
  std::swap(swapped.blocks[5], swapped.blocks[6]);
  std::swap(swapped.proofs[5], swapped.proofs[6]);
  CHECK(flaws(swapped)[5] == "expected height 5: a block is missing or out of order");

  ChainMaker renamed = ten_blocks();
  renamed.blocks[5].hash[3] ^= 1;
  found = flaws(renamed);
  CHECK(found[5] == "its proof has another work hash");
  CHECK(found[6].find("prev_hash is ") == 0);

  ChainMaker without_first = ten_blocks();
  without_first.blocks.erase(without_first.blocks.begin());
  without_first.proofs.erase(without_first.proofs.begin());
  CHECK(flaws(without_first)[0] == "expected height 0: a block is missing or out of order");
}

TEST_CASE("each rule can be broken, by one who mines the block anew") {
  const auto changed = [](auto&& change) {
    ChainMaker chain = ten_blocks();
    pool::CoherenceBlockRecord& block = chain.blocks[5];
    auto header = coherence::decode_header(block.header);
    change(block, header);
    block.header = coherence::encode_header(header);
    chain.proofs[5] = chain_test::mine({block.header, 7, block.params}, base::U256::max() >> 1);
    block.hash = chain.proofs[5].work_hash;
    return flaws(chain);
  };
  CHECK(changed([](auto&, auto& header) { header.version = 2; })[5] == "version is 2, expected 1");
  CHECK(changed([](auto&, auto& header) { header.bits = 0x207fffff; })[5].find(
            "bits are 207fffff, expected ") == 0);
  CHECK(changed([](auto&, auto& header) { header.time -= 20; })[5].find("time is ") == 0);
  CHECK(changed([](auto& block, auto&) { block.params = coherence::params_of(1); })[5] ==
        "level is 1, expected 0: it changes at an epoch's first block only");
  CHECK(changed([](auto&, auto& header) { header.merkle_root[0] ^= 1; })[5].find(
            "merkle_root is ") == 0);
  CHECK(changed([](auto& block, auto&) { block.bitcoin_tip.bytes[5] ^= 1; })[5].find(
            "merkle_root is ") == 0);
  CHECK(changed([](auto& block, auto&) { block.stretches[0].stretch.head[5] ^= 1; })[5].find(
            "merkle_root is ") == 0);
  const auto remade = [&](auto&& change) {
    return changed([&](auto& block, auto& header) {
      change(block.stretches);
      std::vector<coherence::Stretch> stretches;
      for (const auto& each : block.stretches) stretches.push_back(each.stretch);
      header.merkle_root = coherence::merkle_root_of(block.bitcoin_tip, stretches);
    });
  };
  CHECK(remade([](auto& stretches) { ++stretches[0].stretch.first_sequence; })[5] ==
        "its stretch of journal 02020202020202020202020202020202 begins at record 27, expected 26");
  CHECK(remade([](auto& stretches) { stretches[0].stretch.last_sequence = 25; })[5] ==
        "its stretch of journal 02020202020202020202020202020202 is of records 26 to 25");
  const auto left_out = remade([](auto& stretches) { stretches.clear(); });
  CHECK(left_out[5].empty());
  CHECK(left_out[6].find("prev_hash is ") == 0);
}

TEST_CASE("a block needs its proof, and one that meets its bits") {
  const ChainMaker chain = ten_blocks();
  ChainJudge judge(chain.rules());
  CHECK(judge.add(chain.blocks[0], nullptr).ends_with(", is not here"));
  CHECK(judge.add(chain.blocks[1], &chain.proofs[2]) == "its proof is of another header or level");
  ChainMaker hard(coherence::ChainRules{.block_seconds = 10,
                                        .retarget_blocks = 4,
                                        .initial_bits = 0x1f7fffff,
                                        .start_time = 1'769'000'000});
  ChainMaker easy;
  easy.add();
  auto header = coherence::decode_header(easy.blocks[0].header);
  header.bits = 0x1f7fffff;
  easy.blocks[0].header = coherence::encode_header(header);
  const auto proof =
      chain_test::mine({easy.blocks[0].header, 7, easy.blocks[0].params}, base::U256::max());
  easy.blocks[0].hash = proof.work_hash;
  ChainJudge strict(hard.rules());
  CHECK(strict.add(easy.blocks[0], &proof).find("its proof: target: ") == 0);
}
