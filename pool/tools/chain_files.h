// The proof chain as an export has it, two files of lines of JSON:
//
//   coherence_chain.jsonl    the chain's rules, then its blocks from height 0 on
//   coherence_proofs.jsonl   proofs, among them those of the blocks; a chain without blocks has no
//                            need of it
//
// Errors: one line that names file, line and field.
// Thread: the caller's, which it blocks.
#pragma once

#include "common/base/result.h"
#include "pool/core/proof_chain.h"

#include <string>

namespace pool {

inline constexpr const char* coherence_chain_name = "coherence_chain.jsonl";
inline constexpr const char* coherence_proofs_name = "coherence_proofs.jsonl";

[[nodiscard]] base::Result<ProofChain, std::string> read_chain_files(const std::string& folder);

}  // namespace pool
