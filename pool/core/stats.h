// What the pool counts, and hash-rate windows over it.
//
// Shards count from their start and report their totals about once a second; the web loop adds the
// shards up. Totals, not differences: a lost report costs nothing.
//
// Units:  work is expected hashes (exact); rates are hashes per second, for people.
#pragma once

#include "common/base/ring.h"
#include "common/base/time.h"
#include "common/base/u256.h"
#include "common/bitcoin/hash.h"
#include "common/stratum/reject.h"
#include "pool/core/block_report.h"
#include "pool/core/histogram.h"
#include "pool/core/journal_format.h"
#include "pool/core/shard_types.h"
#include "pool/core/tip_race.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

// Of coherence work, beside and not among what SHA-256d's count.
struct CoherenceStats {
  std::uint64_t clients = 0;  // connections that take it now
  std::uint64_t proofs_accepted = 0;
  std::uint64_t proofs_verifying = 0;  // with a verifier now
  std::uint64_t proofs_unstored = 0;   // verified, and waiting to be durable
  std::array<std::uint64_t, stratum::reject_reason_count> rejects{};
  base::U256 work_accepted;        // expected rounds
  std::uint64_t blocks_found = 0;  // proofs that met their header's own target
};

struct ShardStats {
  ShardIndex shard;
  std::uint64_t connections = 0;  // open now
  std::uint64_t connections_total = 0;
  std::uint64_t connections_refused = 0;  // by the limits of their address, or banned
  std::uint64_t workers = 0;              // distinct names, with their addresses, logged in now
  std::uint64_t miners = 0;               // distinct payout addresses among them
  // Of these names and addresses, at most limits::hashes_told_max each: to count those who are
  // connected to two shards once. Null: not told.
  std::shared_ptr<const std::vector<std::uint64_t>> worker_hashes = {};
  std::shared_ptr<const std::vector<std::uint64_t>> miner_hashes = {};
  std::uint64_t shares_accepted = 0;
  std::uint64_t shares_pending = 0;  // waiting to be durable
  std::array<std::uint64_t, stratum::reject_reason_count> rejects{};
  std::array<std::uint64_t, close_reason_count> closes{};    // by CloseReason: connections we ended
  std::array<std::uint64_t, turn_away_count> turned_away{};  // before they were sessions
  std::uint64_t bad_lines = 0;  // that were no JSON objects with a method
  std::uint64_t pauses = 0;     // of a connection that sent too fast
  std::uint64_t resumed = 0;    // sessions that got their extranonce1 back
  std::uint64_t blocks_found = 0;
  base::U256 work_accepted;
  double best_share_difficulty = 0;
  std::uint64_t job_id = 0;  // the newest this shard has sent
  std::int64_t notify_latency_us =
      -1;  // tip seen to last miner told, of the last new tip; -1: none
  CoherenceStats coherence;
  LatencyHistogram share_to_reply;  // from a good share's arrival to its "true" on the way
  LoopHealth loop = {};
  bool draining = false;  // by order: nobody is let in
};

// What went wrong with a node, by kind; counted since the start.
enum class NodeFailure : std::uint8_t {
  unreachable,   // refused, reset, no route, name not found
  timeout,       // no answer within the deadline
  unauthorized,  // 401, 403, or a cookie file that can't be read
  bad_answer,    // not HTTP, not JSON, or not what was asked for
  node_error,    // it answered with an error
  unfit,         // another chain, or still catching up
  no_template,   // it is up, but gave no usable template
  slow,          // an answer took longer than the node in use may take
};
inline constexpr std::size_t node_failure_count = 8;
// Stable machine name, as in the API: "no_template".
std::string_view name_of(NodeFailure failure);

// One of the nodes of the list.
struct NodeSummary {
  std::string name = {};  // "127.0.0.1:8332"
  bool up = false;
  bool answering = false;
  bool in_use = false;
  std::string error = {};  // why it is not up, or gives no template; one line
  std::string version = {};
  std::uint32_t height = 0;
  std::int64_t response_us = -1;  // of its small answers, smoothed; -1: none yet
  std::array<std::uint64_t, node_failure_count> failures{};
  BlockAnswerCounts block_answers = {};  // what it said of the pool's blocks
  LatencyHistogram template_times = {};  // from a request, not a long-poll, to a template
  LatencyHistogram submit_times = {};    // from a block on its way to what the node makes of it
  friend bool operator==(const NodeSummary&, const NodeSummary&) = default;
};

// Of the node in use, and of all of them.
struct NodeStatus {
  bool connected = false;
  std::string error;  // why not; one line
  std::string chain;
  std::string version;       // subversion
  std::uint32_t height = 0;  // of the tip
  bitcoin::BlockHash tip;
  double network_difficulty = 0;
  double network_hashrate = 0;
  std::int64_t coinbase_sats = 0;  // of the current template
  std::uint64_t template_transactions = 0;
  std::int64_t template_time_us = 0;  // when it came
  std::uint64_t jobs_published = 0;
  std::uint64_t blocks_accepted = 0;
  std::uint64_t blocks_rejected = 0;
  std::uint64_t empty_jobs_published = 0;  // of jobs_published: empty-first work
  bool work_expired = false;               // no template has come for templates.expire_seconds
  TipRaceStats tips;
  std::vector<NodeSummary> nodes;
  LoopHealth loop = {};
  friend bool operator==(const NodeStatus&, const NodeStatus&) = default;
};

struct JournalStatus {
  bool writable = true;
  std::string error;
  JournalPosition durable_to;
  std::uint64_t fsyncs = 0;
  std::int64_t last_fsync_us = 0;
  std::uint64_t unstored_bytes = 0;  // not in PostgreSQL yet
  std::uint64_t bytes_max = 0;       // that these may be
  LatencyHistogram flushes = {};     // a write and its fsync
  LoopHealth loop = {};
};

// Averages of a rising total over the windows people look at. One sample a second at most; memory
// is fixed.
class HashrateWindows {
 public:
  static constexpr std::array<std::chrono::seconds, 7> windows{
      std::chrono::seconds{60},    std::chrono::seconds{300},   std::chrono::seconds{900},
      std::chrono::seconds{3600},  std::chrono::seconds{21600}, std::chrono::seconds{86400},
      std::chrono::seconds{604800}};
  static constexpr std::array<std::string_view, 7> names{"1m", "5m", "15m", "1h", "6h", "1d", "7d"};

  HashrateWindows();
  // The totals never fall.
  void sample(base::MonoTime now, const base::U256& work_total, std::uint64_t shares_total = 0);
  // Hashes per second over window i, or over the time since the first sample if that is shorter.
  double rate(std::size_t window, base::MonoTime now) const;
  // Shares in that time: a rate scatters by about one part in their square root.
  std::uint64_t shares(std::size_t window, base::MonoTime now) const;

 private:
  struct Sample {
    base::MonoTime at;
    base::U256 work;
    std::uint64_t shares = 0;
  };
  const Sample& start_of(std::size_t window, base::MonoTime now) const;

  // Seconds for the last 15 minutes, minutes for the last day, ten minutes for the last week.
  base::Ring<Sample> seconds_;
  base::Ring<Sample> minutes_;
  base::Ring<Sample> tens_;
};

}  // namespace pool
