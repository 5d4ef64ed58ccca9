// The small types of coherence work that a shard, the coherence loop and the verifiers share.
//
// A proof's way: Session checks what is cheap and asks for the replay (ProofToVerify); a verifier's
// thread replays, and the shard hears the verdict (ProofVerdict), journals, and answers.
#pragma once

#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/base/u256.h"
#include "common/bitcoin/hash.h"
#include "common/coherence/chain.h"
#include "common/coherence/verify.h"
#include "pool/core/records.h"
#include "pool/core/shard_types.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pool {

using CoherenceJobId = base::Strong<struct CoherenceJobIdTag, std::uint64_t>;

// One unit of coherence work. Immutable, shared by all shards.
struct CoherenceJob {
  CoherenceJobId id;  // never reused while the process lives; rises with every job
  coherence::Header76 header{};
  std::uint32_t params = 0;
  std::uint32_t level = 0;   // the one in params
  std::uint32_t height = 0;  // of the proof chain's block that it may become
  base::U256 block_target;   // of the header's bits
  bitcoin::BlockHash bitcoin_tip;
  std::vector<JournalStretch> stretches;  // that the merkle root commits to
  bool clean = false;  // a tip changed, Bitcoin's or the chain's: earlier jobs are stale
  base::MonoTime made_at{};
  base::MonoTime tip_seen_at{};  // when the pool first heard of the tip that made it clean
};

// A claim that has passed every cheap check. The replay needs job, extranonce and claim alone.
struct ProofToVerify {
  ShardIndex shard;
  std::uint64_t ticket = 0;  // the shard's own number for it
  std::shared_ptr<const CoherenceJob> job;
  std::uint64_t extranonce = 0;
  coherence::Claim claim;
};

struct ProofVerdict {
  std::uint64_t ticket = 0;
  std::optional<coherence::Flaw> flaw;        // none: the claim is true
  coherence::CertificateBytes certificate{};  // of the replay, when it is
};

}  // namespace pool
