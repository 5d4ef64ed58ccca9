// Oracle: what must be true of every run, whatever went wrong in it. It hears of each share from
// all sides: the miner that found it, the answer, the journal as its reader gives it, the store.
//
//   durable      a share answered true is in the journal and in the store, exactly once
//   once         no share is stored twice, and none that nobody sent; none is answered true twice
//   totals       miners, journal and store agree on the number of shares and on their work
//   credit       a share is credited with a difficulty that was announced to its miner, and never
//                with more than it was mined at
//   answers      each submit is answered, in the order of their sending, but for those whose
//                connection ended
//   fair         a submit is refused only for a reason that there is
//   extranonce1  unique among the sessions that live
//   blocks       a share that meets the network target reaches the node, valid, and is found once;
//                the store has it, and then what became of it
//   stale        no share is accepted for a job whose clean successor its miner had, past the grace
//   queues       nothing grows past its limit
//   gap          no record is missing from the journal
//   liveness     soon after the faults stop, every miner has the newest job and all rows are stored
//
// Thread: the one there is.
#pragma once

#include "common/base/u256.h"
#include "common/bitcoin/hash.h"
#include "pool/core/records.h"
#include "tests/sim/transcript.h"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace sim {

class Oracle {
 public:
  explicit Oracle(Transcript& transcript) : transcript_(transcript) {}

  // The first failure is kept.
  void fail(std::string_view oracle, std::string text);
  bool failed() const { return failed_.has_value(); }
  // "durable: share 00ab… was answered true and is not stored"
  std::string failure() const;

  // ---------------------------------------------------------------- miners
  struct Found {
    std::uint32_t miner = 0;
    std::string worker;  // as the records have it: "<address>.<name>"
    double difficulty = 0;
    bool is_block = false;
    bitcoin::BlockHash prev_hash;
    std::uint64_t job = 0;
  };
  void on_found(const bitcoin::BlockHash& hash, Found found);
  // `stale`: the miner knows that it must be refused.
  void on_submit(const bitcoin::BlockHash& hash, bool stale);
  // One that is malformed, or whose answer is not looked at.
  void on_odd_submit() { ++odd_; }
  void on_answer(const bitcoin::BlockHash& hash, bool accepted, int code, std::string_view text);
  // Its connection ended first.
  void on_no_answer(const bitcoin::BlockHash& hash);

  // ---------------------------------------------------------------- the pool
  // What may go wrong in this run, so that shares are refused.
  void excuse(bool by_disk, bool by_clock, bool by_vault) {
    disk_may_fail_ = by_disk;
    clock_may_be_wrong_ = by_clock;
    vault_may_fail_ = by_vault;
  }
  void on_publish(const bitcoin::BlockHash& prev_hash, std::uint64_t job);
  void on_extranonce1(std::uint64_t connection, const std::string& extranonce1);
  void on_session_end(std::uint64_t connection);
  // The pool announces a difficulty; its miner may hear of it late, or never.
  void on_difficulty(std::uint32_t miner, double difficulty);
  // A shard of this life of the pool has found it.
  void on_candidate(const bitcoin::BlockHash& hash, std::uint64_t life, std::uint32_t shard);
  // A life of the pool is over, maybe before it could have seen to what it found last.
  void on_pool_end(bool orderly);
  void check_queue(std::string_view what, std::size_t size, std::size_t most);
  // Shares and work that the shards counted as accepted in one life of the pool.
  void on_pool_totals(std::uint64_t shares, const base::U256& work);

  // ---------------------------------------------------------------- node, journal, store
  void on_block_at_node(const bitcoin::BlockHash& hash, std::string_view flaw);
  void on_journalled(const pool::ShareRecord& share);
  void on_stored(const pool::ShareRecord& share);
  // What the store has beside shares.
  void on_stored(const pool::BlockCandidateRecord& candidate);
  void on_stored(const pool::BlockOutcomeRecord& outcome);
  void on_stored(const pool::RejectSumRecord& rejects);
  void on_gap(std::string_view where, std::uint64_t from, std::uint64_t to);

  // All has come to rest: what must be true of the whole.
  void finish();
  std::string summary() const;
  std::uint64_t shares_stored() const { return store_.shares; }

 private:
  struct Share {
    Found found;
    int submits = 0;
    int unanswered = 0;  // of them
    int lost = 0;        // of them: the connection ended first
    bool stale = false;
    bool answered_true = false;
    bool not_stored = false;  // the pool said that it could not
    bool found_by_pool = false;
    bool at_node = false;
    std::uint64_t sent_at_tip = 0;  // as the pool counts its tips; 0: it was stale by then
    bool candidate_stored = false;
    bool outcome_stored = false;
    bool may_be_lost = false;  // the pool crashed on it
    int journalled = 0;
    int stored = 0;
  };
  struct Sum {
    std::uint64_t shares = 0;
    base::U256 work;
    friend bool operator==(const Sum&, const Sum&) = default;
  };
  struct Totals {
    std::uint64_t shares = 0;
    base::U256 work;
    std::map<std::string, Sum> by_worker;
    void add(const pool::ShareRecord& share);
  };

  Share* find(const bitcoin::BlockHash& hash);
  bool may_refuse(const Share& share, int code, std::string_view text) const;
  void check_credit(const pool::ShareRecord& share, const Share& known);
  void finish_share(const bitcoin::BlockHash& hash, const Share& share);
  void finish_block(const bitcoin::BlockHash& hash, const Share& share);
  void finish_totals();
  void finish_rejects();

  Transcript& transcript_;
  std::optional<std::string> failed_;
  std::unordered_map<bitcoin::BlockHash, Share> shares_;
  std::map<std::uint32_t, std::set<double>> difficulties_;      // announced, by miner
  std::unordered_map<std::string, std::uint64_t> extranonces_;  // whose they are
  std::unordered_map<std::uint64_t, std::string> sessions_;
  bool disk_may_fail_ = false;
  bool clock_may_be_wrong_ = false;
  bool vault_may_fail_ = false;
  bitcoin::BlockHash prev_hash_;         // of the newest job
  std::uint64_t tips_ = 1;               // that jobs were published for
  std::deque<std::uint64_t> last_jobs_;  // still known to every shard
  std::set<std::tuple<bitcoin::BlockHash, std::uint64_t, std::uint32_t>> candidates_;
  std::set<bitcoin::BlockHash> candidates_fresh_;  // found, and not at the node yet
  std::map<std::string_view, std::size_t> most_;   // of each queue
  Totals journal_;
  Totals store_;
  Sum pool_;
  bool crashed_ = false;
  // Counts, for people and for the totals.
  std::uint64_t answered_true_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t lost_ = 0;  // submits whose answer was
  std::uint64_t odd_ = 0;   // submits that are none, or of shares long forgotten
  std::uint64_t rejects_stored_ = 0;
  std::uint64_t resurrected_ = 0;  // refused as not stored, and there after a power cut
  std::uint64_t unheard_ = 0;      // stored, though the answer was lost
  std::uint64_t blocks_ = 0;
};

}  // namespace sim
