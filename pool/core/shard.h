// Shard: one thread's share of the pool: its sessions, its jobs, its unanswered shares. Pure:
// bytes, messages and time come in through on_*(), verbs go out through ShardHost
// (shard_context.h).
//
// A turn: the loop calls any number of on_*() and then on_turn_end(), which hands the journal all
// records of the turn as one append.
//
// Back pressure: while reading_allowed() is false the loop reads from no socket; what was read
// before
//                is still processed. It becomes true again with a Durable.
// Thread: its loop's.
#pragma once

#include "common/base/time.h"
#include "pool/core/live_worker.h"
#include "pool/core/session.h"
#include "pool/core/shard_context.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pool {

class Shard {
 public:
  Shard(ShardHost& host, const ShardOptions& options);

  // False: the shard is full or draining, or the peer may not connect (now); the shard knows
  // nothing of the connection.
  [[nodiscard]] bool on_connect(ConnectionId id, const Peer& peer, base::Instant now);
  // A connection that another shard handed over. False: the shard is full or draining, or the
  // peer's address has no room here.
  [[nodiscard]] bool on_hand_over(ConnectionId id, const Peer& peer, HandOver state,
                                  base::Instant now);
  void on_bytes(ConnectionId id, base::ByteSpan bytes, base::Instant now);
  void on_disconnect(ConnectionId id, base::Instant now);
  // A connection that the caller closes before it became a session: for the statistics.
  void on_turned_away(TurnAway why) { ++context_.stats.turned_away[static_cast<std::size_t>(why)]; }
  // Bytes that never became Stratum; the caller closes the connection.
  void on_offence(ConnectionId id, Offence offence, base::Instant now);
  void on_ban(const Ban& ban) { context_.guard.ban(ban); }  // another shard's
  // The operator's: who is connected must go as well. How many do.
  std::size_t expel(const Ban& ban);
  bool unban(const AddressPrefix& prefix) { return context_.guard.unban(prefix); }
  // For the statistics: the caller lets nobody in.
  void set_draining(bool draining) { context_.stats.draining = draining; }
  // Who mines as this worker; without a name, as any of its address's; without an address, at all.
  std::vector<ConnectionId> miners(const WorkerName& as) const;
  // What other shards know of their workers.
  void on_difficulties(const std::vector<DifficultyMemory::Entry>& entries);
  std::vector<DifficultyMemory::Entry> take_difficulties() {
    return context_.difficulties.take_changes();
  }
  // The pool has another instance number from now on.
  void set_instance(std::uint8_t instance, base::Instant now);
  // `clean`: miners are told clean_jobs true though the job itself is a refresh, since they never
  // saw the job of the new tip before it.
  void on_new_job(const std::shared_ptr<const mining::Job>& job, bool clean, base::Instant now);
  // There will be no work for a while: miners are told to reconnect, those that do not go are
  // closed a little later, and nobody is let in until on_work_again().
  void on_no_work(base::Instant now);
  void on_work_again() { no_work_since_.reset(); }
  // `spread`: who has an older job of the same tip is told at any time within it, a few at each
  // continue_spread(), those first who were told anything last the longest ago; zero: all now.
  void on_new_job(const std::shared_ptr<const mining::Job>& job, bool clean,
                  std::chrono::milliseconds spread, base::Instant now);
  // While is_spreading(), many times within the spread.
  void continue_spread(base::Instant now);
  bool is_spreading() const { return !spread_.order.empty(); }
  // Null: there is none now, and a miner that asks for coherence work is told so.
  // `clean`: as in on_new_job().
  void on_coherence_job(const std::shared_ptr<const CoherenceJob>& job, bool clean,
                        base::Instant now);
  // What the replay of a proof says that ShardHost::verify() took. Each ticket once.
  void on_verdict(const ProofVerdict& verdict, base::Instant now);
  void on_durable(AppendId up_to);
  void on_not_durable(AppendId first, AppendId last);
  void on_block_vaulted(const bitcoin::BlockHash& hash);
  void on_tick(base::Instant now);  // about once a second
  void on_turn_end();

  // After on_new_job with clean_jobs: the last miner has been told; for notify_latency_us.
  void note_notify_latency(std::int64_t microseconds) {
    context_.stats.notify_latency_us = microseconds;
  }

  // At the end of a turn, once the loop has written what the turn said: for share_to_reply.
  void note_replies_sent(base::MonoTime now);

  // What was refused since the last call; of very many, the newest.
  std::vector<RejectedSubmit> take_rejects();

  // No new connections, no new shares; what was accepted is still answered.
  void drain(base::Instant now);
  // Nothing is waiting for the journal or the vault any more.
  bool drained() const {
    return context_.outbox.idle() && context_.pending.size() == 0 && context_.proofs.size() == 0;
  }
  void close_all(CloseReason why);

  // REQUIRES: connected.
  const Peer& peer(ConnectionId id) const { return sessions_.at(id)->peer(); }
  bool reading_allowed() const;
  ShardStats stats() const;
  // For the statistics: the names behind `workers` and `miners`.
  void add_hashes(ShardStats& stats) {
    stats.worker_hashes = context_.connected.worker_hashes();
    stats.miner_hashes = context_.connected.address_hashes();
  }
  // What its connections know of some workers; looks at no more than it tells.
  LiveAnswer live(const LiveWanted& wanted) const;

 private:
  bool has_room() const;
  // A job that is being told to one miner after the other.
  struct Spread {
    std::shared_ptr<const mining::Job> job;
    std::vector<ConnectionId> order;  // empty: none is under way
    std::size_t told = 0;             // of them
    base::MonoTime began_at{};
    std::chrono::milliseconds over{0};
  };

  void begin_spread(std::shared_ptr<const mining::Job> job, std::chrono::milliseconds over,
                    base::Instant now);
  Session& add_session(ConnectionId id, const Peer& peer, base::Instant now);
  void release(const PendingReply& reply);
  void refuse(const PendingReply& reply);
  void answer(const PendingReply& reply, std::string_view line);
  Session* find_session(ConnectionId id);
  LiveWorker live_worker(const std::string& name, const ConnectedWorkers::Worker& known) const;
  void accept_proof(PendingProof proof, const ProofVerdict& verdict, base::Instant now);
  void refuse_proof(const PendingProof& proof, coherence::Flaw flaw, base::Instant now);
  void release(const PendingProof& proof);
  void not_stored(const PendingProof& proof);

  ShardContext context_;
  std::optional<base::MonoTime> no_work_since_;
  std::unordered_map<ConnectionId, std::unique_ptr<Session>> sessions_;
  Spread spread_;
};

}  // namespace pool
