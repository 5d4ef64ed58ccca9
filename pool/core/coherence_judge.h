// Judges coherence proofs and the proof chain's blocks from their exported form alone, step by
// step, with the reference's replay: what a kernel, a database or a pool's owner got wrong shows
// here.
//
// Errors: a Fault names the step that failed and says what was found and what was expected.
// Thread: pure. A proof's replay takes milliseconds.
// Source: docs/coherence.md, sections 13 and 14.
#pragma once

#include "common/base/result.h"
#include "common/coherence/chain.h"
#include "pool/core/coherence_proof_json.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

// The steps in which a proof is checked, in this order.
enum class ProofStep {
  params,       // the version, and a level that there is
  certificate,  // its form
  header,       // nonce, r, psi and number of oscillators in header92
  work_hash,    // that of header92 and certificate
  target,       // met
  replay,       // from the seed: this bloom, and none before
};
std::string_view name_of(ProofStep step);

struct ProofFault {
  ProofStep step = ProofStep::params;
  std::string why;
};

// What a good proof is.
struct ProofFacts {
  std::uint32_t level = 0;
  std::uint32_t bloom_start = 0;
  std::uint32_t bloom_end = 0;
  base::U256 work;  // expected rounds of its target
};
[[nodiscard]] base::Result<ProofFacts, ProofFault> judge_proof(const CoherenceProof& proof);

// Follows a chain block by block. A block that breaks a rule is told and gone on from, so that the
// next ones are judged by themselves.
class ChainJudge {
 public:
  explicit ChainJudge(const coherence::ChainRules& rules) : rules_(rules) {}

  // `proof`: of the block; null: there is none here. Gives what is wrong, "" for nothing.
  std::string add(const CoherenceBlockRecord& block, const CoherenceProof* proof);

  std::uint32_t blocks() const { return blocks_; }
  const coherence::ChainTip* tip() const { return tip_ ? &*tip_ : nullptr; }

 private:
  std::string link_flaw(const CoherenceBlockRecord& block) const;
  std::string rule_flaw(const CoherenceBlockRecord& block) const;
  std::string stretch_flaw(const CoherenceBlockRecord& block);
  std::string proof_flaw(const CoherenceBlockRecord& block, const CoherenceProof* proof) const;

  const coherence::ChainRules rules_;
  std::optional<coherence::ChainTip> tip_;
  std::uint32_t blocks_ = 0;
  std::map<std::array<std::uint8_t, 16>, std::uint64_t> committed_;  // last record, by journal
};

}  // namespace pool
