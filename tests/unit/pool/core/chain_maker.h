// A proof chain with true proofs, mined by the reference at level 0 with the easiest target: a few
// milliseconds a block.
#pragma once

#include "common/base/assert.h"
#include "common/coherence/certificate.h"
#include "common/coherence/chain.h"
#include "common/coherence/difficulty.h"
#include "pool/core/coherence_proof_json.h"

#include <optional>
#include <utility>
#include <vector>

namespace chain_test {

inline constexpr coherence::ChainRules easy_rules{.block_seconds = 10,
                                                  .retarget_blocks = 4,
                                                  .initial_bits = 0x207fffff,
                                                  .start_time = 1'769'000'000};

// The proof of a job: of the first attempt whose bloom meets the target.
inline pool::CoherenceProof mine(const coherence::Job& job, const base::U256& target) {
  const std::uint32_t level = *coherence::level_of(job.params);
  for (std::uint64_t attempt = 0;; ++attempt) {
    const auto phases = coherence::phases_of(coherence::seed_of(job, attempt));
    const auto bloom = coherence::run(phases, level);
    if (!bloom) continue;
    const auto claim = coherence::claim_of(attempt, *bloom);
    const auto hash = coherence::work_hash_of(job.header, claim);
    if (!coherence::meets(hash, target)) continue;
    return {.header92 = coherence::header92(job.header, claim),
            .extranonce = job.extranonce,
            .attempt = attempt,
            .params = job.params,
            .target = target,
            .certificate = coherence::encode(coherence::certificate_of(*bloom)),
            .work_hash = hash};
  }
}

class ChainMaker {
 public:
  explicit ChainMaker(const coherence::ChainRules& rules = easy_rules) : rules_(rules) {}

  void add(std::vector<pool::JournalStretch> stretches = {}, std::uint32_t seconds = 10,
           std::uint32_t level = 0) {
    const auto next = coherence::next_block(rules_, tip_ ? &*tip_ : nullptr, level);
    pool::CoherenceBlockRecord block;
    block.height = next.height;
    block.params = coherence::params_of(next.level);
    block.bitcoin_tip.bytes[0] = static_cast<std::uint8_t>(next.height);
    block.stretches = std::move(stretches);
    std::vector<coherence::Stretch> committed;
    for (const auto& each : block.stretches) committed.push_back(each.stretch);
    coherence::HeaderFields header;
    header.prev_hash = next.prev_hash;
    header.merkle_root = coherence::merkle_root_of(block.bitcoin_tip, committed);
    header.time = (tip_ ? tip_->time : rules_.start_time) + seconds;
    header.bits = next.bits;
    block.header = coherence::encode_header(header);
    const auto proof = mine({block.header, 7, block.params}, coherence::target_of_bits(next.bits));
    block.hash = proof.work_hash;
    tip_ = coherence::extend(rules_, tip_ ? &*tip_ : nullptr, header, next.level, block.hash);
    blocks.push_back(std::move(block));
    proofs.push_back(proof);
  }
  const coherence::ChainRules& rules() const { return rules_; }

  std::vector<pool::CoherenceBlockRecord> blocks;
  std::vector<pool::CoherenceProof> proofs;  // of the blocks

 private:
  const coherence::ChainRules rules_;
  std::optional<coherence::ChainTip> tip_;
};

}  // namespace chain_test
