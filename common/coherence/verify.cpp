#include "common/coherence/verify.h"

#include "common/coherence/difficulty.h"

namespace coherence {

std::string_view describe(Flaw flaw) {
  switch (flaw) {
    case Flaw::bad_params:
      return "params are not of this version, or name a level that does not exist";
    case Flaw::bloom_end_range:
      return "bloom_end is not from 6 to 15126";
    case Flaw::r_q_range:
      return "r_q is below 56755, that of a state which is not coherent";
    case Flaw::above_target:
      return "the work hash does not meet the target";
    case Flaw::no_bloom:
      return "the replay has no bloom up to bloom_end";
    case Flaw::earlier_bloom:
      return "the replay bloomed before bloom_end";
    case Flaw::wrong_order:
      return "r_q or psi_q are not those of the replay";
    case Flaw::wrong_certificate:
      return "the certificate is not that of the replay";
  }
  return "unknown";
}

std::string_view name_of(Flaw flaw) {
  switch (flaw) {
    case Flaw::bad_params:
      return "bad_params";
    case Flaw::bloom_end_range:
      return "bloom_end_range";
    case Flaw::r_q_range:
      return "r_q_range";
    case Flaw::above_target:
      return "above_target";
    case Flaw::no_bloom:
      return "no_bloom";
    case Flaw::earlier_bloom:
      return "earlier_bloom";
    case Flaw::wrong_order:
      return "wrong_order";
    case Flaw::wrong_certificate:
      return "wrong_certificate";
  }
  return "unknown";
}

std::optional<Flaw> check_claim(const Job& job, const Claim& claim, const base::U256& target) {
  if (!level_of(job.params)) return Flaw::bad_params;
  if (claim.bloom_end < bloom_states - 1 || claim.bloom_end >= states_per_attempt) {
    return Flaw::bloom_end_range;
  }
  if (claim.r_q < r_q_least) return Flaw::r_q_range;
  if (!meets(work_hash_of(job.header, claim), target)) return Flaw::above_target;
  return std::nullopt;
}

std::optional<Flaw> compare(const Claim& claim, const std::optional<Bloom>& bloom) {
  if (!bloom || bloom->end > claim.bloom_end) return Flaw::no_bloom;
  if (bloom->end < claim.bloom_end) return Flaw::earlier_bloom;
  const Claim true_claim = claim_of(claim.attempt, *bloom);
  if (claim.r_q != true_claim.r_q || claim.psi_q != true_claim.psi_q) return Flaw::wrong_order;
  if (claim.cert_hash != true_claim.cert_hash) return Flaw::wrong_certificate;
  return std::nullopt;
}

std::optional<Flaw> verify(const Job& job, const Claim& claim, const base::U256& target) {
  if (auto flaw = check_claim(job, claim, target)) return flaw;
  const Phases phases = phases_of(seed_of(job, claim.attempt));
  return compare(claim, run(phases, *level_of(job.params), claim.bloom_end));
}

}  // namespace coherence
