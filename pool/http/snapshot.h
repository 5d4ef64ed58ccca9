// PoolSnapshot: everything the page and the API can show, at one moment. Plain data, made by
// PoolState, read by api.h and page.h; none of them knows a socket or a clock.
//
// Units: as in pool/core/stats.h; hash rates are hashes per second.
#pragma once

#include "common/bitcoin/address.h"
#include "common/stratum/reject.h"
#include "pool/core/stats.h"
#include "pool/http/http_counts.h"
#include "pool/http/recent_counts.h"
#include "pool/messages.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pool {

// What does not change while the process runs.
struct PoolFacts {
  bitcoin::Network network = bitcoin::Network::mainnet;
  std::string version;         // of phasepool
  std::string stratum_url;     // "stratum+tcp://pool.example:3333"
  std::string payout_address;  // the pool's own
  std::string scheme;          // "pplns"
  std::uint32_t fee_ppm = 0;
  std::uint32_t coherence_ppm = 0;
  std::string pplns_window;  // decimal text; empty: the scheme has none
  std::int64_t minimum_sats = 0;
  std::string stratum_tls_url;  // "stratum+ssl://…"; empty: there is none
};

// What one node said of a block.
struct BlockAnswer {
  std::string node;    // published as "node 1", by its place in the configuration
  std::string answer;  // "accepted", "duplicate", …
  std::string detail;
  std::int64_t time_us = 0;
  friend bool operator==(const BlockAnswer&, const BlockAnswer&) = default;
};

// A row of the database's block table.
struct BlockRow {
  std::uint32_t height = 0;
  std::string hash;    // display hex
  std::string status;  // "submitted", "accepted", …
  std::string detail;
  std::int64_t time_us = 0;
  std::string address;
  std::string worker;
  std::int64_t reward_sats = 0;
  double network_difficulty = 0;
  double share_difficulty = 0;
  std::string state;  // "in_chain", "orphaned", "confirmed"; empty until the chain has spoken
  std::optional<std::int64_t> confirmations;  // while it is in the chain
  std::optional<std::int64_t> matures_in;     // blocks until its coinbase can be spent; likewise
  std::vector<BlockAnswer> answers;
  friend bool operator==(const BlockRow&, const BlockRow&) = default;
};

// Work since the pool's last block. Work is exact, in decimal text; effort is for people.
struct RoundFigures {
  std::optional<std::int64_t> began_us;  // none: before the first block
  std::uint64_t shares = 0;
  std::string work;
  std::string network_work;  // that a block takes on average now
  double effort = 0;         // work / network_work
  bool exact = true;         // false: single shares of a bound were dropped
  friend bool operator==(const RoundFigures&, const RoundFigures&) = default;
};

struct BlockBrief {
  std::uint32_t height = 0;
  std::string hash;  // display hex
  std::int64_t time_us = 0;
  std::string status;
  std::optional<double> effort;  // of the round that it closed
  friend bool operator==(const BlockBrief&, const BlockBrief&) = default;
};

// Of closed rounds: blocks found against blocks that the work finds on average.
struct LuckFigures {
  std::uint64_t blocks = 0;
  double expected = 0;
  std::optional<double> luck;
  friend bool operator==(const LuckFigures&, const LuckFigures&) = default;
};

// The worst thing that is wrong, or that nothing is.
enum class PoolCondition {
  starting,        // the node has not been heard of yet
  no_node,         // no template, so no new work
  journal_broken,  // shares can't be made durable
  database_away,   // shares are journaled; blocks and totals below are the last known
  waiting_for_miners,
  mining,
};
// Stable name, as in the API: "waiting_for_miners".
std::string_view name_of(PoolCondition condition);

struct PoolSnapshot {
  // Of those that a loop has made, from 1: with the same number they are the same. 0: nobody
  // counts.
  std::uint64_t number = 0;
  PoolFacts facts;
  std::int64_t time_us = 0;
  std::int64_t uptime_seconds = 0;
  std::array<double, HashrateWindows::windows.size()> hashrate{};
  std::array<std::uint64_t, HashrateWindows::windows.size()> hashrate_shares{};
  base::U256 work_accepted;
  RecentCounts::Recent shares_hour;

  // Sums over the shards, since the process started.
  std::uint64_t shards = 0;  // that have reported
  std::uint64_t shards_draining = 0;
  std::uint64_t connections = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t workers = 0;
  std::uint64_t miners = 0;  // an address on two shards counts twice
  std::uint64_t shares_accepted = 0;
  std::uint64_t shares_pending = 0;
  std::array<std::uint64_t, stratum::reject_reason_count> rejects{};
  std::array<std::uint64_t, close_reason_count> closes{};
  std::array<std::uint64_t, turn_away_count> turned_away{};
  std::uint64_t connections_refused = 0;
  std::uint64_t bad_lines = 0;
  std::uint64_t pauses = 0;
  std::uint64_t resumed = 0;
  std::uint64_t blocks_found = 0;
  double best_share_difficulty = 0;
  std::optional<std::int64_t> notify_latency_us;  // the slowest shard's
  LatencyHistogram share_to_reply;
  LatencyHistogram notify_first;  // of each tip: to the first miner of all shards
  LatencyHistogram notify_last;   // to the last of all
  LoopHealth shard_loops;         // of all of them
  LoopHealth http_loop;
  HttpCounts http;
  std::optional<std::int64_t> tip_time_us;  // when the tip was first heard of

  // Of coherence work: sums over the shards, rounds per second, and the newest word of its loop;
  // none where there is no such work.
  CoherenceStats coherence;
  std::array<double, HashrateWindows::windows.size()> coherence_rates{};
  std::optional<CoherenceStatus> coherence_status;

  // The newest of each; nullopt until it has been heard of. Errors are fit to be published.
  std::optional<NodeStatus> node;
  std::optional<JournalStatus> journal;
  std::optional<StoredStats> stored;

  // From the database, and how old that is.
  std::vector<BlockRow> blocks;
  std::uint64_t blocks_version = 0;  // another one: the rows have changed
  std::map<std::string, std::uint64_t> blocks_by_status;
  std::optional<RoundFigures> round;
  std::optional<BlockBrief> last_block;  // neither rejected nor orphaned
  std::optional<LuckFigures> luck_10;    // of the last ten closed rounds
  std::optional<LuckFigures> luck_100;
  std::string chain_blocks;                      // of the proof chain, as JSON; empty: not read yet
  std::optional<std::int64_t> database_read_us;  // when; nullopt: never
  std::string query_error;                       // why the last reading failed; empty: it did not

  std::uint64_t shares_rejected() const;
  bool database_connected() const { return stored && stored->connected; }
  PoolCondition condition() const;
};

}  // namespace pool
