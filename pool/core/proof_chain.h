// The proof chain as a whole, as an export or the database has it: what there is to be judged.
#pragma once

#include "common/coherence/chain.h"
#include "pool/core/coherence_proof_json.h"
#include "pool/core/records.h"

#include <map>
#include <vector>

namespace pool {

struct ProofChain {
  coherence::ChainRules rules;
  std::vector<CoherenceBlockRecord> blocks;         // as their heights, if none is missing
  std::map<crypto::Digest, CoherenceProof> proofs;  // of the blocks, by work hash
};

}  // namespace pool
