// Coherence proofs and the proof chain as the database holds them, one after the other, for files
// that others can check.
//
// Errors: one line for the operator.
// Thread: the caller's, which it blocks.
#pragma once

#include "pool/core/coherence_proof_json.h"
#include "pool/store/payout_export.h"

#include <functional>
#include <string>

namespace pool {

struct CoherenceExport {
  std::function<void(const coherence::ChainRules&)> on_rules;  // once; not at all: no chain
  std::function<void(const CoherenceBlockRecord&)> on_block;   // from height 0 on
  std::function<void(const CoherenceProof&)> on_proof;         // in the order they were stored
};

// All of one moment: the chain's rules and blocks, then the proofs of the blocks, and those that
// the runs or the period of the question count (none, for an empty question).
[[nodiscard]] base::Result<void, std::string> read_coherence_export(const std::string& database,
                                                                    const ExportQuestion& question,
                                                                    const CoherenceExport& out);

}  // namespace pool
