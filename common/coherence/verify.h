// Is a claim true? Cheap checks first, the replay last: it alone costs more than a microsecond.
//
// Thread: pure.
// Source: docs/coherence.md, section 13.
#pragma once

#include "common/base/u256.h"
#include "common/coherence/certificate.h"

#include <optional>
#include <string_view>

namespace coherence {

enum class Flaw {
  bad_params,         // not COH1, or no such level
  bloom_end_range,    // not from 6 to R - 1
  r_q_range,          // below r_q_least
  above_target,       // the work hash does not meet the target
  no_bloom,           // the replay has none up to bloom_end
  earlier_bloom,      // it has one before
  wrong_order,        // r_q or psi_q are not the replay's
  wrong_certificate,  // cert_hash is not that of the replay's certificate
};
std::string_view describe(Flaw flaw);
// Stable machine name: "above_target".
std::string_view name_of(Flaw flaw);

// Steps (ii) and (iii): all that can be said without a replay.
std::optional<Flaw> check_claim(const Job& job, const Claim& claim, const base::U256& target);
// Step (iv): what a replay up to claim.bloom_end gave, compared with the claim. `bloom`: the first
// one found, if any.
std::optional<Flaw> compare(const Claim& claim, const std::optional<Bloom>& bloom);
// Both, with the reference's replay.
std::optional<Flaw> verify(const Job& job, const Claim& claim, const base::U256& target);

}  // namespace coherence
