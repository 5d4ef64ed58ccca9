// CoherenceStatus: how the second kind of work stands, for the operator and the API.
//
// Units:  times as the name says; hashes as SHA-256 gives them.
// Thread: plain data.
#pragma once

#include "common/bitcoin/hash.h"
#include "common/coherence/chain.h"
#include "common/crypto/sha256.h"
#include "pool/core/histogram.h"

#include <cstdint>
#include <optional>
#include <string>

namespace pool {

// A verifier's thread, since the start.
struct VerifierCounts {
  std::uint32_t verifier = 0;  // its index
  std::uint64_t waiting = 0;   // proofs that it has not verified yet
  std::uint64_t verified = 0;
  std::uint64_t false_proofs = 0;  // of those
  std::uint64_t busy_us = 0;       // spent on them
  friend bool operator==(const VerifierCounts&, const VerifierCounts&) = default;
};

struct CoherenceStatus {
  std::string error;      // why there is no work; one line, empty when there is
  std::string conflict;   // the chain's rules are not the configured ones; one line that says which
  bool database = false;  // the chain could be read last time
  std::int64_t chain_age_us = -1;  // since it was last read; -1: never
  std::optional<coherence::ChainRules> rules;
  std::optional<coherence::ChainTip> tip;  // none: no block yet, or not known
  // Of the work that miners have; height 0 with job_age_us -1: none.
  std::uint32_t height = 0;
  std::uint32_t bits = 0;
  std::uint32_t level = 0;
  bitcoin::BlockHash bitcoin_tip;
  std::int64_t job_age_us = -1;
  std::uint64_t jobs = 0;       // given out
  std::uint64_t stretches = 0;  // of journals that the job commits to
  std::string kernel;           // that verifies
  std::uint32_t verifiers = 0;
  VerifierCounts counts;  // of all of them
  LoopHealth loop;        // of the coherence loop
  friend bool operator==(const CoherenceStatus&, const CoherenceStatus&) = default;
};

}  // namespace pool
