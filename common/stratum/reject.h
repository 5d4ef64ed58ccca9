// Why a request is refused: Stratum V1's error codes 20 to 25 and our texts.
//
// A code is what miners' software may branch on; the reason is finer, is counted by itself, and its
// text is what a miner's owner reads. Form on the wire: [code, "text", null].
// Source: the original Stratum mining protocol page (codes), practice of ckpool and DATUM (texts).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stratum {

enum class RejectReason : std::uint8_t {
  malformed,           // 20: a field is missing or can't be read
  bad_extranonce2,     // 20: not extranonce2_size bytes
  bad_version_bits,    // 20: bits outside the granted mask
  ntime_too_old,       // 20
  ntime_too_new,       // 20
  unsupported_method,  // 20
  not_stored,          // 20: the share could not be written to disk, so it is not counted
  pool_full,           // 20: no extranonce1 is left
  job_not_found,       // 21: unknown job id
  stale,               // 21: the job is of an earlier tip
  duplicate,           // 22
  low_difficulty,      // 23
  unauthorized,        // 24: the worker name was not authorized on this connection
  bad_address,         // 24: the user name is not a payout address of this network
  not_subscribed,      // 25
  // Of coherence work. Numbers are stored, so new reasons come last.
  coherence_off,  // 20: not asked for in mining.configure, or not granted
  bad_claim,      // 20: a number of the claim that no bloom has
  verifier_busy,  // 20: every verifier is full; the same proof is welcome a moment later
  false_proof,    // 20: the replay says otherwise; the connection ends
};
inline constexpr std::size_t reject_reason_count = 19;

int reject_code(RejectReason reason);
std::string_view reject_text(RejectReason reason);
// Stable machine name, as in the database and metrics: "low_difficulty".
std::string_view reject_name(RejectReason reason);

}  // namespace stratum
