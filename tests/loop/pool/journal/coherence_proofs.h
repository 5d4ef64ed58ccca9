// Real coherence proofs, of level 0 and with targets that nearly any bloom meets, so that a test
// has one in less than a millisecond.
#pragma once

#include "common/coherence/certificate.h"
#include "common/coherence/chain.h"
#include "pool/core/records.h"

#include <utility>
#include <vector>

namespace journal_test {

inline constexpr std::uint32_t easy_bits = 0x207fffff;  // every second hash meets it

inline coherence::Header76 header_after(const crypto::Digest& prev_hash, std::uint32_t time,
                                        std::uint8_t merkle = 0) {
  coherence::HeaderFields fields;
  fields.prev_hash = prev_hash;
  fields.merkle_root.fill(merkle);
  fields.time = time;
  fields.bits = easy_bits;
  return coherence::encode_header(fields);
}

// The first attempt from `attempt` on that blooms, and whose hash is a block's.
inline pool::CoherenceProofRecord prove(const coherence::Header76& header, std::uint32_t height,
                                        std::uint64_t extranonce = 1, std::uint64_t attempt = 0) {
  pool::CoherenceProofRecord proof;
  proof.time_us = 1'769'000'000'000'000;
  proof.address = "bcrt1qminer";
  proof.worker_name = "rig";
  proof.chain_height = height;
  proof.header = header;
  proof.extranonce = extranonce;
  proof.params = coherence::params_of(0);
  proof.target = base::U256::max() >> 1;
  proof.work = coherence::work_of(0, proof.target);
  const coherence::Job job{header, extranonce, proof.params};
  for (;; ++attempt) {
    const auto bloom = coherence::run(coherence::phases_of(coherence::seed_of(job, attempt)), 0);
    if (!bloom) continue;
    const coherence::Claim claim = coherence::claim_of(attempt, *bloom);
    proof.work_hash = coherence::work_hash_of(header, claim);
    if (proof.work_hash.back() >= 0x7f) continue;
    proof.attempt = attempt;
    proof.certificate = coherence::encode(coherence::certificate_of(*bloom));
    return proof;
  }
}

inline pool::CoherenceBlockRecord block_of(const pool::CoherenceProofRecord& proof,
                                           std::vector<pool::JournalStretch> stretches = {}) {
  pool::CoherenceBlockRecord block;
  block.time_us = proof.time_us + 1;
  block.height = proof.chain_height;
  block.hash = proof.work_hash;
  block.header = proof.header;
  block.params = proof.params;
  block.bitcoin_tip.bytes.fill(7);
  block.stretches = std::move(stretches);
  return block;
}

}  // namespace journal_test
