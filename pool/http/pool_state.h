// PoolState: the newest report of every other thread, added up to a PoolSnapshot.
//
// Reports are totals, so a lost one costs nothing, and a shard's next report replaces its last.
// Time:   an argument; tick() once a second keeps the hash-rate windows.
// Thread: the web loop's. Pure.
#pragma once

#include "pool/core/stats.h"
#include "pool/http/distinct_names.h"
#include "pool/http/query_answers.h"
#include "pool/http/snapshot.h"
#include "pool/messages.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pool {

class PoolState {
 public:
  PoolState(PoolFacts facts, base::Instant started);

  void on(const ShardStats& stats);
  void on(const NodeStatus& status) { node_ = status; }
  void on(const JournalStatus& status) { journal_ = status; }
  void on(const StoredStats& stats) { stored_ = stats; }
  void on(const CoherenceStatus& status) { coherence_ = status; }
  void on(const SubmitsRejected& message);
  void on(const TipTold& message, base::Instant now) { notify_times_.on(message, now.mono); }
  // Of the web loop itself.
  LoopHealth& health() { return health_; }
  // What the database answered, as messages.h describes it. False: not that; the old rows stay.
  bool on_blocks(const std::string& json, base::Instant now);
  bool on_totals(const std::string& json, base::Instant now);
  bool on_chain_blocks(const std::string& json);
  bool on_round(const std::string& json, base::Instant now);
  bool on_luck(const std::string& json);
  // The database could not be read; the old rows stay.
  bool has_coherence() const { return coherence_.has_value(); }
  void on_query_failed(std::string error) { query_error_ = std::move(error); }
  const std::string& query_error() const { return query_error_; }

  void tick(base::Instant now);
  // For everybody's eyes: errors are told by their kind, not in the words of libraries.
  PoolSnapshot snapshot(base::Instant now);
  // The last refused submits of a worker, or of all workers of an address; the newest first.
  std::vector<RejectedSubmit> rejects(std::string_view user, std::size_t most) const {
    return rejects_.find(user, most);
  }
  // What a node, by host and port, is called where anybody reads it: "node 1".
  std::string public_node_name(std::string_view name) const;

 private:
  const PoolFacts facts_;
  const base::Instant started_;
  std::map<ShardIndex, ShardStats> shards_;
  DistinctNames workers_;
  DistinctNames miners_;
  HashrateWindows windows_;
  HashrateWindows coherence_windows_;
  RecentCounts recent_;
  RejectLog rejects_;
  NotifyTimes notify_times_;
  LoopHealth health_;
  std::optional<NodeStatus> node_;
  std::optional<JournalStatus> journal_;
  std::optional<StoredStats> stored_;
  std::optional<CoherenceStatus> coherence_;
  std::vector<BlockRow> blocks_;
  std::uint64_t blocks_version_ = 0;
  std::map<std::string, std::uint64_t> blocks_by_status_;
  std::string chain_blocks_;
  RoundAnswer round_;
  LuckAnswer luck_;
  std::optional<bitcoin::BlockHash> tip_;  // as of the last tick
  std::optional<std::int64_t> tip_time_us_;
  std::optional<std::int64_t> database_read_us_;
  std::string query_error_;
};

}  // namespace pool
