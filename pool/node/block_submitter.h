// BlockSubmitter: carries out what BlockCourier (pool/core/block_courier.h) decides for found
// blocks: sends them over the nodes' links, stores them in the vault, journals what becomes of
// them, and tells the operator.
//
// Thread: the node loop's.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/hash.h"
#include "pool/core/block_courier.h"
#include "pool/core/records.h"
#include "pool/core/shard_types.h"
#include "pool/messages.h"
#include "pool/node/block_vault.h"
#include "pool/node/node_journal.h"
#include "pool/node/node_link.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pool {

// The block of a found share in hex, as submitblock takes it: with the coinbase's witness where the
// template commits to witnesses.
std::string found_block_hex(const FoundBlock& found);

class BlockSubmitter final : private CourierHost {
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
  // The blocks from the vault, at the start.
  void resume(std::vector<VaultedBlock> blocks, base::Instant now);
  // This node answers again: no need to wait for the next attempt's time.
  void on_node_up(const NodeLink& node, base::Instant now);
  // A few times a second: attempts that are due.
  void on_tick(base::Instant now) { courier_.on_tick(now); }

  // Nothing is under way that a little more time would settle: for the orderly stop.
  bool is_quiet() const { return courier_.is_quiet(); }
  std::uint64_t blocks_accepted() const { return courier_.accepted(); }
  std::uint64_t blocks_rejected() const { return courier_.rejected(); }
  // What this node, by its place in the configuration, has said of blocks.
  const BlockAnswerCounts& answers(std::size_t node) const { return courier_.answers(node); }

 private:
  // CourierHost
  void send(std::size_t node, const bitcoin::BlockHash& hash, const std::string& hex, bool prefer,
            std::uint32_t round) override;
  void store(const VaultedBlock& block) override;
  void retire(const bitcoin::BlockHash& hash, Fate fate) override;
  void journal(const JournalRecord& record) override;
  void journal_outcome(const BlockOutcomeRecord& outcome) override;
  bool journal_has_room() const override { return journal_.has_room(); }
  void block_vaulted(ShardIndex shard, const bitcoin::BlockHash& hash, bool stored) override;
  void became_tip(const bitcoin::BlockHash& hash, std::size_t node) override;
  void became_known(const bitcoin::BlockHash& hash) override;
  void tell(const BlockNews& news) override;

  BlockVault& vault_;
  NodeJournal& journal_;
  const std::vector<NodeLink*> nodes_;
  const Hooks hooks_;
  BlockCourier courier_;
  // Answers of the vault that come after this object is gone reach nobody.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace pool
