#include "pool/http/pool_state.h"

#include "pool/http/api_coherence.h"

#include <algorithm>
#include <numeric>

namespace pool {

std::string_view name_of(PoolCondition condition) {
  switch (condition) {
    case PoolCondition::starting:
      return "starting";
    case PoolCondition::no_node:
      return "no_node";
    case PoolCondition::journal_broken:
      return "journal_broken";
    case PoolCondition::database_away:
      return "database_away";
    case PoolCondition::waiting_for_miners:
      return "waiting_for_miners";
    case PoolCondition::mining:
      return "mining";
  }
  return "";
}

std::uint64_t PoolSnapshot::shares_rejected() const {
  return std::accumulate(rejects.begin(), rejects.end(), std::uint64_t{0});
}

PoolCondition PoolSnapshot::condition() const {
  if (journal && !journal->writable) return PoolCondition::journal_broken;
  if (!node) return PoolCondition::starting;
  if (!node->connected) return PoolCondition::no_node;
  if (stored && !stored->connected) return PoolCondition::database_away;
  return workers == 0 ? PoolCondition::waiting_for_miners : PoolCondition::mining;
}

namespace {

void say_instead(std::string& error, const char* text) {
  if (!error.empty()) error = text;
}

void add(ShareCounts& sums, const ShardStats& stats) {
  sums.accepted += stats.shares_accepted;
  for (std::size_t i = 0; i < sums.rejects.size(); ++i) sums.rejects[i] += stats.rejects[i];
}

void add(CoherenceStats& sums, const CoherenceStats& stats) {
  sums.clients += stats.clients;
  sums.proofs_accepted += stats.proofs_accepted;
  sums.proofs_verifying += stats.proofs_verifying;
  sums.proofs_unstored += stats.proofs_unstored;
  sums.work_accepted = sums.work_accepted + stats.work_accepted;
  sums.blocks_found += stats.blocks_found;
  for (std::size_t i = 0; i < sums.rejects.size(); ++i) sums.rejects[i] += stats.rejects[i];
}

// By its place in the configuration.
std::string public_name(std::string_view name, const std::optional<NodeStatus>& node) {
  for (std::size_t i = 0; node && i < node->nodes.size(); ++i) {
    if (node->nodes[i].name == name) return "node " + std::to_string(i + 1);
  }
  return "another node";
}

// Which node, and what it said, where that does not tell where it is.
void hide_node(BlockAnswer& answer, const std::optional<NodeStatus>& node) {
  std::string shown = public_name(answer.node, node);
  const bool is_nodes_word =
      answer.answer != "unreachable" && answer.detail.find(answer.node) == std::string::npos;
  if (!is_nodes_word) answer.detail.clear();
  answer.node = std::move(shown);
}

// Whoever reads the page learns what is wrong; hosts, users and paths, which libpq, the node's RPC
// and the system name in their errors, are for the log.
void hide_errors(PoolSnapshot& s) {
  for (BlockRow& row : s.blocks) {
    for (BlockAnswer& answer : row.answers) hide_node(answer, s.node);
  }
  if (s.node) {
    say_instead(s.node->error, s.node->connected ? "the node gives no usable template"
                                                 : "the node does not answer as it should");
    for (std::size_t i = 0; i < s.node->nodes.size(); ++i) {
      NodeSummary& node = s.node->nodes[i];
      node.name = "node " + std::to_string(i + 1);
      say_instead(node.error,
                  node.up ? "it gives no usable template" : "it does not answer as it should");
    }
  }
  if (s.journal) {
    // It stays so until it is 5 percent below (pool/core/journal_space.h).
    const std::uint64_t bound = s.journal->bytes_max;
    const bool full = bound > 0 && s.journal->unstored_bytes > bound - bound / 20;
    say_instead(s.journal->error, full ? "the journal is full: it waits for the database"
                                       : "the disk does not take the journal");
  }
  if (s.stored) {
    say_instead(s.stored->error, s.stored->connected
                                     ? "the journal can't be shipped to the database"
                                     : "the database is away");
  }
  say_instead(s.query_error, "the database could not answer");
}

}  // namespace

PoolState::PoolState(PoolFacts facts, base::Instant started)
    : facts_(std::move(facts)), started_(started) {
  windows_.sample(started.mono, base::U256{});
  coherence_windows_.sample(started.mono, base::U256{});
  recent_.sample(started.mono, {});
}

bool PoolState::on_blocks(const std::string& json, base::Instant now) {
  auto rows = parse_blocks(json);
  if (!rows) return false;
  if (*rows != blocks_) ++blocks_version_;
  blocks_ = std::move(*rows);
  database_read_us_ = now.unix_micros();
  query_error_.clear();
  return true;
}

bool PoolState::on_totals(const std::string& json, base::Instant now) {
  auto by_status = parse_blocks_by_status(json);
  if (!by_status) return false;
  blocks_by_status_ = std::move(*by_status);
  database_read_us_ = now.unix_micros();
  query_error_.clear();
  return true;
}

bool PoolState::on_chain_blocks(const std::string& json) {
  auto blocks = parse_chain_blocks(json);
  if (!blocks) return false;
  chain_blocks_ = std::move(*blocks);
  return true;
}

bool PoolState::on_round(const std::string& json, base::Instant now) {
  auto round = parse_round(json);
  if (!round) return false;
  round_ = std::move(*round);
  database_read_us_ = now.unix_micros();
  return true;
}

bool PoolState::on_luck(const std::string& json) {
  auto luck = parse_luck(json);
  if (!luck) return false;
  luck_ = *luck;
  return true;
}

std::string PoolState::public_node_name(std::string_view name) const {
  return public_name(name, node_);
}

void PoolState::tick(base::Instant now) {
  base::U256 work;
  base::U256 rounds;
  ShareCounts shares;
  for (const auto& [shard, stats] : shards_) {
    work = work + stats.work_accepted;
    rounds = rounds + stats.coherence.work_accepted;
    add(shares, stats);
  }
  windows_.sample(now.mono, work, shares.accepted);
  notify_times_.tick(now.mono);
  coherence_windows_.sample(now.mono, rounds);
  recent_.sample(now.mono, shares);
  if (!node_ || node_->height == 0 || tip_ == node_->tip) return;
  // Of the first one that is heard of nobody knows since when it was the tip.
  if (tip_) tip_time_us_ = now.unix_micros();
  tip_ = node_->tip;
}

void PoolState::on(const ShardStats& stats) {
  shards_[stats.shard] = stats;
  workers_.on(stats.shard, stats.workers, stats.worker_hashes);
  miners_.on(stats.shard, stats.miners, stats.miner_hashes);
}

void PoolState::on(const SubmitsRejected& message) {
  for (const RejectedSubmit& reject : message.rejects) rejects_.add(reject);
}

PoolSnapshot PoolState::snapshot(base::Instant now) {
  PoolSnapshot out;
  out.facts = facts_;
  out.time_us = now.unix_micros();
  out.uptime_seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now.mono - started_.mono).count();
  for (std::size_t i = 0; i < out.hashrate.size(); ++i) {
    out.hashrate[i] = windows_.rate(i, now.mono);
    out.hashrate_shares[i] = windows_.shares(i, now.mono);
    out.coherence_rates[i] = coherence_windows_.rate(i, now.mono);
  }
  ShareCounts shares;
  std::uint64_t newest_job = 0;
  for (const auto& [shard, stats] : shards_) newest_job = std::max(newest_job, stats.job_id);
  for (const auto& [shard, stats] : shards_) {
    out.shards += 1;
    out.shards_draining += stats.draining ? 1 : 0;
    out.connections += stats.connections;
    out.connections_total += stats.connections_total;
    add(shares, stats);
    out.work_accepted = out.work_accepted + stats.work_accepted;
    out.shares_pending += stats.shares_pending;
    out.blocks_found += stats.blocks_found;
    out.best_share_difficulty = std::max(out.best_share_difficulty, stats.best_share_difficulty);
    for (std::size_t i = 0; i < out.closes.size(); ++i) out.closes[i] += stats.closes[i];
    for (std::size_t i = 0; i < out.turned_away.size(); ++i) {
      out.turned_away[i] += stats.turned_away[i];
    }
    out.connections_refused += stats.connections_refused;
    out.bad_lines += stats.bad_lines;
    out.pauses += stats.pauses;
    out.resumed += stats.resumed;
    add(out.coherence, stats.coherence);
    out.share_to_reply.add(stats.share_to_reply);
    out.shard_loops.add(stats.loop);
    // A shard that has not reported since the newest job would tell of an older tip.
    if (stats.notify_latency_us >= 0 && stats.job_id == newest_job) {
      out.notify_latency_us = std::max(out.notify_latency_us.value_or(0), stats.notify_latency_us);
    }
  }
  out.workers = workers_.count();
  out.miners = miners_.count();
  out.notify_first = notify_times_.first();
  out.notify_last = notify_times_.last();
  out.http_loop = health_;
  out.shares_accepted = shares.accepted;
  out.rejects = shares.rejects;
  out.shares_hour = recent_.recent(now.mono, shares);
  out.tip_time_us = tip_time_us_;
  out.node = node_;
  out.journal = journal_;
  out.stored = stored_;
  out.coherence_status = coherence_;
  out.blocks = blocks_;
  out.blocks_version = blocks_version_;
  out.blocks_by_status = blocks_by_status_;
  out.chain_blocks = chain_blocks_;
  out.round = round_.round;
  out.last_block = round_.last_block;
  out.luck_10 = luck_.last_10;
  out.luck_100 = luck_.last_100;
  out.database_read_us = database_read_us_;
  out.query_error = query_error_;
  hide_errors(out);
  return out;
}

}  // namespace pool
