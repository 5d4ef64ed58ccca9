// BlockCourier: sees found blocks home. A block goes to every node and into the vault at the same
// moment, so that neither a slow disk nor a slow node holds up the other; it is journalled, and
// then what the nodes say of it; and it is offered again, with growing pauses, to each node that
// has not spoken. What is not settled when the pool ends is taken up from the vault at the next
// start.
//
//   vault write ──> block_vaulted to the shard, whose miner waits for it
//   candidate   ──> journal, at once
//   submitblock ──> each node's answer ──> journal
//              └──> outcome ──> journal ──> on disk ──> the file leaves the vault
//
// One outcome, one leaving: the outcome is decided once, and the block leaves the vault once its
// candidate and its outcome are on disk in the journal, in that order, since the store needs the
// first for the second. Nodes that are away then are still offered the block for an hour, if the
// pool lives so long.
//
// Of two own blocks on one parent only the first may be preferred to others (preciousblock):
// otherwise each would take the tip from the other.
//
// Thread: none of its own; pure. What a host does may call back, but not from inside a verb.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/hash.h"
#include "pool/core/block_report.h"
#include "pool/core/records.h"
#include "pool/core/shard_types.h"
#include "pool/core/vault_file.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pool {

// For the operator's log.
struct BlockNews {
  enum class What { found, resubmitted, not_stored, send_failed, outcome };
  What what = What::found;
  bitcoin::BlockHash hash;
  std::string_view text = {};                   // an error, a reason
  std::optional<std::size_t> node = {};         // send_failed
  BlockStatus status = BlockStatus::submitted;  // outcome
  std::uint32_t height = 0;                     // found
};

class CourierHost {
 public:
  using Fate = VaultFate;
  virtual ~CourierHost() = default;

  // Its answer comes by on_report() with the same round. `prefer`: see above.
  virtual void send(std::size_t node, const bitcoin::BlockHash& hash, const std::string& hex,
                    bool prefer, std::uint32_t round) = 0;
  virtual void store(const VaultedBlock& block) = 0;  // then on_stored()
  virtual void retire(const bitcoin::BlockHash& hash, Fate fate) = 0;
  virtual void journal(const JournalRecord& record) = 0;
  virtual void journal_outcome(const BlockOutcomeRecord& outcome) = 0;  // then on_outcome_durable()
  // False: only what can't be said again should be journalled.
  virtual bool journal_has_room() const = 0;
  virtual void block_vaulted(ShardIndex shard, const bitcoin::BlockHash& hash, bool stored) = 0;
  virtual void became_tip(const bitcoin::BlockHash& hash, std::size_t node) = 0;
  // A node has it, in its best chain or on another branch. Once for each block.
  virtual void became_known(const bitcoin::BlockHash& hash) = 0;
  virtual void tell(const BlockNews& news) = 0;
};

class BlockCourier {
 public:
  // `nodes`: their names, in order.
  BlockCourier(CourierHost& host, std::vector<std::string> nodes);
  BlockCourier(const BlockCourier&) = delete;
  BlockCourier& operator=(const BlockCourier&) = delete;

  // `block` has its candidate. The same block again only gets `shard` its answer.
  void on_found(VaultedBlock block, ShardIndex shard, base::Instant now);
  bool knows(const bitcoin::BlockHash& hash) const { return open_.contains(hash); }
  // The blocks that the vault held at the start.
  void resume(std::vector<VaultedBlock> blocks, base::Instant now);
  // `why_not` empty: it is on disk.
  void on_stored(const bitcoin::BlockHash& hash, std::string_view why_not, base::Instant now);
  void on_report(const bitcoin::BlockHash& hash, std::size_t node, std::uint32_t round,
                 SubmitReport report, base::Instant now);
  void on_outcome_durable(const bitcoin::BlockHash& hash, base::Instant now);
  // This node answers again: no need to wait for the next attempt's time.
  void on_node_up(std::size_t node, base::Instant now);
  // A few times a second: what is due again, what need not be offered any more.
  void on_tick(base::Instant now);

  // Nothing is under way that a little more time would settle: for the orderly stop.
  bool is_quiet() const;
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t rejected() const { return rejected_; }
  const BlockAnswerCounts& answers(std::size_t node) const { return answers_.at(node); }
  std::size_t open() const { return open_.size(); }

 private:
  struct Attempt {  // one node's
    enum class State { due, asking, in_chain, side_chain, rejected } state = State::due;
    std::string detail;
    int failures = 0;
    std::uint32_t round = 0;  // of the last time it was sent
    base::MonoTime asked_at{};
    base::MonoTime not_before{};
    std::optional<std::pair<SubmissionAnswer, std::string>> recorded;
    int records = 0;
  };
  enum class InVault { writing, yes, failed, left };
  struct Submission {
    VaultedBlock block;
    bitcoin::BlockHash parent;
    std::vector<Attempt> attempts;  // in the order of nodes_
    std::vector<ShardIndex> waiting_shards;
    base::MonoTime since{};
    InVault in_vault = InVault::writing;
    base::MonoTime store_again_at{};
    std::optional<BlockOutcomeRecord> outcome;
    bool outcome_durable = false;
    bool known = false;

    bool is_settled() const {  // all that is left is to offer it to nodes that are away
      return outcome_durable && (in_vault == InVault::left || in_vault == InVault::failed);
    }
  };

  Submission& open(VaultedBlock block, base::Instant now);
  void send_due(Submission& block, base::Instant now);
  void send(Submission& block, std::size_t node, base::Instant now);
  void answer_shards(Submission& block);
  void try_again_later(Submission& block, std::size_t node, base::Instant now);
  void record(Submission& block, std::size_t node, const SubmitReport& report, base::Instant now);
  void decide(Submission& block, base::Instant now);
  void set_outcome(Submission& block, BlockStatus status, std::string detail, base::Instant now);
  void retire_if_safe(Submission& block);
  bool may_be_preferred(const Submission& block) const;
  void drop_settled(base::MonoTime now);

  CourierHost& host_;
  const std::vector<std::string> nodes_;
  std::map<bitcoin::BlockHash, Submission> open_;
  // The first own block on each of the last parents: parent, block.
  std::deque<std::pair<bitcoin::BlockHash, bitcoin::BlockHash>> first_on_;
  std::vector<BlockAnswerCounts> answers_;
  std::uint64_t accepted_ = 0;
  std::uint64_t rejected_ = 0;
};

}  // namespace pool
