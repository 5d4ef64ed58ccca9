// Every message that crosses a thread, and who sends it to whom. Plain data: they can be printed,
// recorded and replayed. Mailboxes are bounded; what happens when one is full stands at each
// message.
#pragma once

#include "pool/core/address_guard.h"
#include "pool/core/coherence_job_source.h"
#include "pool/core/coherence_status.h"
#include "pool/core/coherence_types.h"
#include "pool/core/difficulty_memory.h"
#include "pool/core/journal_format.h"
#include "pool/core/live_worker.h"
#include "pool/core/notify_times.h"
#include "pool/core/operator_order.h"
#include "pool/core/reject_log.h"
#include "pool/core/shard_types.h"
#include "pool/core/stats.h"
#include "pool/core/stats_query.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace net {
class TlsContext;  // common/net/tls.h
}

namespace pool {

struct MovedConnection;

// Orderly stop; every loop finishes what it has promised and leaves its thread.
struct Shutdown {};

// How many shards took a message, of how many.
struct PostedToShards {
  std::size_t taken = 0;
  std::size_t shards = 0;
};

// ---------------------------------------------------------------- to a shard (pool/net)

// node -> every shard. Full: the newest replaces the waiting one and keeps clean_jobs if either had
// it, and the shorter spread.
struct NewJob {
  std::shared_ptr<const mining::Job> job;
  bool replaced_clean = false;  // this message replaced one whose job had clean_jobs set
  // Miners may be told at any time within it, to even out the load; zero: at once.
  std::chrono::milliseconds spread{0};
};
// coherence -> every shard; null: there is none now. Full: the newest replaces the waiting one and
// keeps clean if either had it.
struct NewCoherenceJob {
  std::shared_ptr<const CoherenceJob> job;
  bool replaced_clean = false;  // this message replaced one whose job was clean
};
// verifier -> the shard that asked for it. Always goes through: a shard waits for at most
// limits::proofs_per_shard_max.
struct ProofVerified {
  ProofVerdict verdict;
};

// journal -> shard. Every append of this source up to `up_to` is on disk, except those named by a
// NotDurable before. Full: the newest replaces the waiting one, if that is the last in the box.
struct Durable {
  AppendId up_to;
};
// journal -> shard. Appends first..last could not be written; their shares are answered with an
// error. Always goes through (reserved space).
struct NotDurable {
  AppendId first;
  AppendId last;
};
// node -> the shard that found it: the block's bytes are in the vault (or can't be: `stored`
// false). The candidate's reply waits for this. Always goes through.
struct BlockVaulted {
  bitcoin::BlockHash hash;
  bool stored = false;
};

// node -> every shard: no node has been usable for so long that miners had better go elsewhere.
// They are told to reconnect, and nobody is let in until it is over. Always goes through.
struct NoWork {
  bool over = false;
};

// main -> every shard, and with its own certificate to http: the one for handshakes from now on.
// Always goes through.
struct TlsReload {
  std::shared_ptr<const net::TlsContext> tls;
};
// shard -> every other shard: an address has offended there. Full: lost; it will offend here too.
struct AddressBanned {
  Ban ban;
};

// shard -> every other shard, about once a second: difficulties that suited workers there, who may
// connect here next time. Full: lost; vardiff finds them again.
struct DifficultiesLearnt {
  std::vector<DifficultyMemory::Entry> entries;
};
// main -> every shard, when the configuration was read again. Always goes through.
struct InstanceChanged {
  std::uint8_t instance = 0;
};
// shard -> the shard that owns the session which the miner comes back to. Full: the connection
// stays where it is.
struct ConnectionMoved {
  std::shared_ptr<MovedConnection> connection;  // pool/net/connection.h; nobody else's any more
  Peer peer;
  HandOver state;
};

// http -> every shard: an OperatorOrder (pool/core/operator_order.h). Full: the order fails, and
// the operator is told.

// http -> every shard: a LiveQuestion (pool/core/live_worker.h). Full: lost; the answer then says
// that it is not complete.

using ShardMessage =
    std::variant<NewJob, NewCoherenceJob, NoWork, Durable, NotDurable, BlockVaulted, ProofVerified,
                 AddressBanned, TlsReload, DifficultiesLearnt, InstanceChanged, ConnectionMoved,
                 OperatorOrder, LiveQuestion, Shutdown>;

// ---------------------------------------------------------------- to the journal (pool/journal)

// shard or node -> journal. A shard keeps to a window (pool/core/journal_outbox.h) for which there
// is always room, and stops reading its sockets while too much is unsettled; the node's appends go
// through on reserved space.
// (JournalAppend stands in pool/core/shard_types.h, beside the sources that fill it.)

// store -> journal: the database holds everything before it. The newest replaces; full: lost.
struct JournalStored {
  JournalPosition stored_to;
};

using JournalMessage = std::variant<JournalAppend, JournalStored, Shutdown>;

// ---------------------------------------------------------------- to the node loop (pool/node)

// A FoundBlock (pool/core/shard_types.h) always goes through, on reserved space.

// coherence -> node: how the proof chain's tip begins, which the coinbases of further jobs are to
// hold. The newest replaces.
struct CoherenceTip {
  std::array<std::uint8_t, 16> start{};
};

using NodeMessage = std::variant<FoundBlock, Durable, NotDurable, CoherenceTip, Shutdown>;

// ---------------------------------------------------------------- coherence work (pool/coherence)

// node -> coherence, as miners are given work on another tip. The newest replaces.
struct BitcoinTip {
  bitcoin::BlockHash hash;
  base::MonoTime seen_at{};
};

// A JournalHead (pool/core/coherence_job_source.h) comes from the journal to the coherence loop and
// to the chain's thread after a flush, at most about five times a second; the newest replaces.

// chain -> coherence, when the chain has changed, and about once a second. The newest replaces.
struct ChainRead {
  std::optional<ChainView> view;  // none: the database could not be asked
  std::string error;              // why
};

// VerifierCounts (pool/core/coherence_status.h), about once a second: the newest of each replaces.
using CoherenceMessage =
    std::variant<BitcoinTip, JournalHead, ChainRead, VerifierCounts, InstanceChanged, Shutdown>;

// shard -> a verifier: ProofToVerify (pool/core/coherence_types.h). When as many wait as may, the
// verifier says so at once, and the miner is asked to submit again.
using VerifierMessage = std::variant<ProofToVerify, Shutdown>;

// To the chain's thread (pool/store).
using ChainMessage = std::variant<JournalHead, InstanceChanged, Shutdown>;

// ---------------------------------------------------------------- to the store (pool/store)

// journal -> store: everything before `durable_to` may be shipped. The newest replaces.
struct JournalAdvanced {
  JournalPosition durable_to;
};

using StoreMessage = std::variant<JournalAdvanced, Shutdown>;

// ---------------------------------------------------------------- to the query thread (pool/store)

// http -> query: StatsQuery (pool/core/stats_query.h). Full: http answers 503. The answers for the
// page, as sql/migrations describes them:
//   blocks  [{"height":12,"hash":"<display hex>","status":"accepted","detail":"",
//           "time":"2026-01-31T12:00:00.000Z","address":"…","worker":"…","reward_sats":5000000000,
//           "network_difficulty":1.0,"share_difficulty":1.5,"state":"in_chain",
//           "confirmations":3,"matures_in":97,"submissions":[{"node":"…","answer":"accepted",
//           "detail":"","time":"…"}]}, …], newest first; state, confirmations and matures_in may
//           be null
//   coherence  [{"height":0,"hash":"<hex>","prev_hash":"<hex>","time":1769000000,"bits":"1e080000",
//           "level":2,"bitcoin_tip":"<display hex>"}, …], of the proof chain, newest first
//   totals  {"shares_stored":0,"miners":0,"workers":0,"blocks":{"<status>":0, …}}, of the whole
//           database
using QueryMessage = std::variant<StatsQuery, Shutdown>;

// ---------------------------------------------------------------- to main

// http -> main: read the configuration again, as at SIGHUP. Full: the order fails.
struct ReloadOrder {
  std::uint64_t number = 0;  // echoed
};

using MainMessage = std::variant<ReloadOrder>;

// ---------------------------------------------------------------- to the web loop (pool/http)

// An OrderDone (pool/core/operator_order.h), from each shard or main. Full: lost, and the operator
// is told that no answer came.

// ShardStats, NodeStatus, JournalStatus (pool/core/stats.h), CoherenceStatus: the newest of each
// sender replaces.

// store -> http, after each batch and each change of state.
struct StoredStats {
  bool connected = false;
  std::string error;  // the last one, for the operator; empty when connected
  JournalPosition shipped_to;
  std::uint64_t shares_stored = 0;  // rows in all, by this journal
  LatencyHistogram lag = {};        // of each batch: from its oldest record to its commit
  LoopHealth loop = {};
};

struct QueryResult {
  std::uint64_t request = 0;
  bool ok = false;
  std::string json;        // the answer when ok (empty: there is no such thing), else an error text
  bool timed_out = false;  // not ok, since it took too long; the database is there
};

// shard -> http, about once a second: submits that were refused since. Full: lost.
struct SubmitsRejected {
  std::vector<RejectedSubmit> rejects;  // the newest last
};

// A TipTold (pool/core/notify_times.h) comes from each shard that has miners, once for each new
// tip. Full: lost.

// A LiveAnswer (pool/core/live_worker.h) comes from each shard that was asked. Full: lost.

using HttpMessage =
    std::variant<ShardStats, NodeStatus, JournalStatus, StoredStats, CoherenceStatus, QueryResult,
                 SubmitsRejected, TipTold, OrderDone, LiveAnswer, TlsReload, Shutdown>;

}  // namespace pool
