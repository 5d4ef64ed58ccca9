// CoherenceWork: a pool's coherence job as this miner tries it, and what is found for it.
// Thread: a CoherenceWork is immutable and read by all threads.
// Source: docs/coherence.md, section 2; docs/stratum.md.
#pragma once

#include "common/base/u256.h"
#include "common/coherence/attempt.h"
#include "common/coherence/certificate.h"
#include "common/crypto/sha256.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace miner {

struct CoherenceWork {
  std::uint32_t pool = 0;  // which of several pools it is from
  std::string job_id;
  coherence::Job job;  // with the connection's extranonce
  std::uint32_t level = 0;
  base::U256 target;                    // a share's work hash is less
  base::U256 block_target;              // of the header's bits; zero where they are nonsense
  std::optional<std::uint32_t> height;  // of the proof chain's block, where the pool tells
  // Proofs of a work from an earlier epoch (another connection, or a clean job since) are
  // worthless.
  std::uint64_t epoch = 0;
};

// A share: a bloom whose work hash meets the work's target, and that the reference confirms.
struct FoundProof {
  std::shared_ptr<const CoherenceWork> work;
  coherence::Claim claim;
  crypto::Digest work_hash{};
  bool is_block = false;  // it also meets the proof chain's target
};

// The blooms that a share of this target takes on average: 2^256 / target, for people.
inline double hash_difficulty(const base::U256& target) {
  return base::U256::max().to_double() / target.to_double();
}

}  // namespace miner
