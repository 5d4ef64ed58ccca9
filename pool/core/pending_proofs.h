// PendingProofs: coherence proofs that have passed the cheap checks and are not answered yet. First
// a verifier replays them, then the journal writes them; only then "true" leaves the pool.
//
// A proof's fate does not hang on its connection: one whose miner has gone is still journalled and
// credited. Answers leave as they become known, so they may overtake each other; miners tell them
// apart by their ids.
// Memory: bounded by proofs_per_shard_max and, of a connection, proofs_per_connection_max.
// Thread: one shard's.
#pragma once

#include "common/base/u256.h"
#include "common/stratum/client_to_server.h"
#include "pool/core/coherence_types.h"
#include "pool/core/worker_name.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

namespace pool {

struct PendingProof {
  ConnectionId connection;
  stratum::RequestId request;
  WorkerName worker;
  std::shared_ptr<const CoherenceJob> job;
  std::uint64_t extranonce = 0;
  coherence::Claim claim;
  crypto::Digest work_hash{};
  base::U256 target;          // that it was held to
  base::U256 work;            // what it counts for, in rounds
  std::int64_t took_us = -1;  // since the worker's proof before; -1: it is the first
  AppendId append;            // once it is on its way to the disk
};

class PendingProofs {
 public:
  using Action = std::function<void(const PendingProof&)>;

  // A proof on its way to a verifier; returns its ticket, which no other has had.
  std::uint64_t add(PendingProof proof);
  // Its verdict is here, or no verifier took it. None: no such ticket waits.
  std::optional<PendingProof> take(std::uint64_t ticket);
  // It was true, and its record is in `append`. REQUIRES: appends never fall.
  void wait_for_disk(PendingProof proof, AppendId append);
  // Calls `release` for each proof of an append up to and including `up_to`, oldest first.
  void durable(AppendId up_to, const Action& release);
  // Calls `refuse` for each proof of the appends first..last.
  void not_durable(AppendId first, AppendId last, const Action& refuse);

  std::size_t verifying() const { return verifying_.size(); }
  std::size_t size() const { return verifying_.size() + written_.size(); }

 private:
  std::uint64_t next_ticket_ = 1;
  std::unordered_map<std::uint64_t, PendingProof> verifying_;  // by ticket
  std::deque<PendingProof> written_;                           // by rising append
};

}  // namespace pool
