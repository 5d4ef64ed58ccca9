// CoherenceSide: what a Session keeps for coherence work. A connection that never asked for it has
// none, and pays a pointer.
//
// Memory: about 400 bytes, and what its changes of difficulty take.
// Thread: the shard's.
#pragma once

#include "common/base/time.h"
#include "common/base/u256.h"
#include "pool/core/difficulty_control.h"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace pool {

struct CoherenceSide {
  CoherenceSide(const DifficultyPolicy& policy, std::uint64_t issued, base::MonoTime now)
      : difficulty(policy, now), extranonce(issued) {}

  // Job ids in it are those of coherence jobs; its difficulties are in units of 2^32 blooms.
  DifficultyControl difficulty;
  const std::uint64_t extranonce;         // this connection's alone, while the process lives
  std::optional<mining::JobId> last_job;  // the newest that was sent
  std::uint32_t proofs_waiting = 0;       // for a verifier or the disk
  bool granted = true;                    // false: a later mining.configure took it back
  bool only = false;                      // no mining.notify is wanted
  bool begun = false;                     // the extranonce was sent
  bool told_target = false;               // since then
  std::unordered_map<std::string, base::MonoTime> last_proof_at;  // by worker
};

// T of a difficulty in force: a work hash must be less.
inline base::U256 share_target(const DifficultyHistory::Entry& entry) {
  return base::U256::from_le_bytes(entry.target.bytes());
}

}  // namespace pool
