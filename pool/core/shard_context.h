// What all sessions of one shard share: the world it speaks to, its options, jobs, outbox, counts.
// A Session holds a reference to it; the Shard owns it.
#pragma once

#include "common/bitcoin/address.h"
#include "common/bitcoin/target.h"
#include "pool/core/address_guard.h"
#include "pool/core/candidate_memory.h"
#include "pool/core/coherence_book.h"
#include "pool/core/coherence_types.h"
#include "pool/core/connected_workers.h"
#include "pool/core/difficulty_control.h"
#include "pool/core/difficulty_memory.h"
#include "pool/core/extranonce.h"
#include "pool/core/job_book.h"
#include "pool/core/journal_outbox.h"
#include "pool/core/limits.h"
#include "pool/core/pending_proofs.h"
#include "pool/core/pending_replies.h"
#include "pool/core/reject_log.h"
#include "pool/core/reject_sums.h"
#include "pool/core/shard_types.h"
#include "pool/core/stats.h"
#include "pool/core/token_bucket.h"
#include "pool/core/user_agents.h"
#include "pool/core/worker_name.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace pool {

// What a Shard asks of the world. ShardLoop answers with libuv, a simulator with a simulated world.
class ShardHost {
 public:
  virtual void send(ConnectionId to, std::string_view line) = 0;
  // The connection is gone for the shard when on_disconnect() comes, in a later turn.
  virtual void close(ConnectionId which, CloseReason why) = 0;
  // A connection that is out of tokens is not read from until resume_reading(); bytes that were
  // read before may still come. Both may be repeated, and the shard's own back pressure goes on
  // top.
  virtual void pause_reading(ConnectionId which) = 0;
  virtual void resume_reading(ConnectionId which) = 0;
  // The connection goes on at another shard, with all that is not sent yet; for this shard it is
  // gone when on_disconnect() comes, in a later turn.
  virtual void hand_over(ConnectionId which, HandOver state) = 0;
  virtual void submit_block(FoundBlock block) = 0;
  // For the other shards to know; here it counts already.
  virtual void tell_ban(const Ban& ban) = 0;
  // A proof whose replay is wanted; Shard::on_verdict() hears of it in a later turn. False: every
  // verifier is full, and nothing was taken.
  [[nodiscard]] virtual bool verify(ProofToVerify proof) = 0;
  // Never refused: JournalOutbox keeps to a window for which the journal has room.
  virtual void journal(JournalAppend append) = 0;

 protected:
  ~ShardHost() = default;
};

// The second kind of work, as a shard gives it out.
struct CoherenceOptions {
  bool enabled = false;
  // In units of 2^32 blooms, as a hash difficulty is in bitcoin::Difficulty: start 2^-16 is 65536.
  DifficultyPolicy difficulty;
  std::uint64_t first_extranonce_counter = 0;  // random at start; its low 48 bits count
};

struct ShardOptions {
  ShardIndex index;
  std::uint32_t shard_count = 1;
  std::uint8_t pool_instance = 0;
  std::size_t connections_max = limits::connections_per_shard_max;
  std::uint16_t first_extranonce_counter = 0;  // random at start
  bitcoin::Network network = bitcoin::Network::mainnet;
  std::string payout_address;  // credited for a block whose finder is not authorized
  std::vector<DifficultyPolicy> ports = {DifficultyPolicy{}};  // by listener
  std::vector<UserAgentRule> user_agents = default_user_agent_rules();
  // In the order of the jobs' tiers. One of them is called "default".
  std::vector<CoinbaseTier> coinbase_tiers = default_coinbase_tiers();
  std::uint32_t version_mask = 0x1fffe000;
  std::chrono::milliseconds stale_grace{0};
  std::chrono::seconds resume_window{180};
  std::chrono::seconds subscribe_deadline{30};
  std::chrono::seconds authorize_deadline{60};
  std::chrono::seconds idle_deadline{3600};  // without an accepted share
  std::string welcome;                       // shown after login; empty: nothing
  AddressLimits address_limits;
  CoherenceOptions coherence;

  const DifficultyPolicy& port(std::uint32_t listener) const {
    return ports[std::min<std::size_t>(listener, ports.size() - 1)];
  }
  // An unknown name's is the default one.
  std::uint8_t tier(std::string_view name) const;
};

struct ShardContext {
  ShardContext(ShardHost& where, const ShardOptions& chosen);

  ShardHost& host;
  const ShardOptions options;
  const TokenRate line_rate;  // of one connection
  JobBook jobs;
  JournalOutbox outbox;
  PendingReplies pending;
  ShardStats stats;
  ConnectedWorkers connected;
  CandidateMemory candidates;
  AddressGuard guard;
  ExtranonceAllocator extranonces;
  DifficultyMemory difficulties;
  RejectSums reject_sums;
  std::vector<base::MonoTime> replied;  // when the shares came whose "true" is on its way
  std::deque<RejectedSubmit> rejects;   // since the last take_rejects(); the newest last
  std::unordered_set<bitcoin::BlockHash> candidates_in_flight;  // submitted, not in the vault yet
  CoherenceBook coherence;
  PendingProofs proofs;
  std::unordered_set<ConnectionId> coherence_clients;  // that are told of coherence jobs
  std::uint64_t coherence_extranonces = 0;             // the counter's next value
  bool draining = false;

  // pool instance u8 | shard u8 | counter: never the same twice while the process lives.
  std::uint64_t issue_coherence_extranonce();

  void offend(const Peer& peer, Offence offence, base::MonoTime now) {
    if (!peer.limited) return;
    if (const auto ban = guard.on_offence(peer.prefix, offence, now)) host.tell_ban(*ban);
  }
};

}  // namespace pool
