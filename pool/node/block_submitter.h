// BlockSubmitter: what becomes of a found block. It goes to every node and into the vault at the
// same moment, so that neither a slow disk nor a slow node holds up the other; it is journalled,
// and then what the nodes say of it; and it is sent again, with growing pauses, until a node knows
// it or all refuse it. What is not settled when the pool ends is taken up from the vault at the
// next start.
//
//   vault write ──> BlockVaulted to the shard (stored, or not)
//   candidate   ──> NodeJournal, at once
//   submitblock ──> outcome ──> NodeJournal ──> on disk ──> the file leaves the vault
//
// A block leaves the vault only when its candidate record and its outcome are on disk in the
// journal, in that order: the store needs the first for the second. Both may be there more than
// once, after a crash or when the journal lost them; the store takes them as one.
//
// Thread: the node loop's.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/hash.h"
#include "pool/core/records.h"
#include "pool/core/shard_types.h"
#include "pool/messages.h"
#include "pool/node/block_vault.h"
#include "pool/node/node_journal.h"
#include "pool/node/node_link.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pool {

// The block of a found share in hex, as submitblock takes it: with the coinbase's witness where the
// template commits to witnesses.
std::string found_block_hex(const FoundBlock& found);

class BlockSubmitter {
 public:
  struct Hooks {
    std::function<void(ShardIndex, BlockVaulted)> block_vaulted;
    // The block has just become that node's tip.
    std::function<void(const bitcoin::BlockHash&, NodeLink&)> on_new_tip;
    // A node has the block, in its best chain or on another branch: what becomes of it is for
    // others to follow. Once for each block.
    std::function<void(const bitcoin::BlockHash&)> on_known;
  };

  BlockSubmitter(BlockVault& vault, NodeJournal& journal, std::vector<NodeLink*> nodes,
                 Hooks hooks);
  BlockSubmitter(const BlockSubmitter&) = delete;
  BlockSubmitter& operator=(const BlockSubmitter&) = delete;

  void on_found(const FoundBlock& found, base::Instant now);
  // A block from the vault, at the start.
  void resume(VaultedBlock block, base::Instant now);
  // This node answers again: no need to wait for the next attempt's time.
  void on_node_up(const NodeLink& node, base::Instant now);
  // A few times a second: attempts that are due.
  void on_tick(base::Instant now);

  // Nothing is under way that a little more time would settle: for the orderly stop.
  bool is_quiet() const;
  std::uint64_t blocks_accepted() const { return accepted_; }
  std::uint64_t blocks_rejected() const { return rejected_; }

 private:
  struct Attempt {  // one node's
    enum class State { due, asking, accepted, side_chain, rejected } state = State::due;
    std::string detail;
    int failures = 0;
    base::MonoTime not_before{};
  };
  enum class InVault { no, writing, yes, failed };
  struct Submission {
    std::shared_ptr<const std::string> hex;
    std::optional<BlockCandidateRecord> candidate;  // a block from the vault may have none
    std::vector<Attempt> attempts;                  // in the order of nodes_
    std::vector<ShardIndex> waiting_shards;
    base::MonoTime since{};
    InVault in_vault = InVault::no;
    base::MonoTime store_again_at{};
    std::optional<BlockOutcomeRecord> outcome;
    bool outcome_journalled = false;  // handed to the journal; it is not forgotten there
  };
  using Open = std::map<bitcoin::BlockHash, Submission>;

  void send(const bitcoin::BlockHash& hash, Submission& block, base::MonoTime now);
  void store(const bitcoin::BlockHash& hash, Submission& block);
  void on_stored(const bitcoin::BlockHash& hash, const BlockVault::Outcome& outcome);
  void on_report(const bitcoin::BlockHash& hash, std::size_t node, SubmitReport report);
  void try_again_later(const bitcoin::BlockHash& hash, Attempt& attempt, std::size_t node,
                       const std::string& why);
  void decide(const bitcoin::BlockHash& hash, Submission& block);
  void set_outcome(const bitcoin::BlockHash& hash, Submission& block, BlockStatus status,
                   std::string detail);
  void journal_outcome(const bitcoin::BlockHash& hash, Submission& block);
  void retire(const bitcoin::BlockHash& hash);

  BlockVault& vault_;
  NodeJournal& journal_;
  const std::vector<NodeLink*> nodes_;
  const Hooks hooks_;
  Open open_;
  std::uint64_t accepted_ = 0;
  std::uint64_t rejected_ = 0;
  // Answers of the vault that come after this object is gone reach nobody.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace pool
