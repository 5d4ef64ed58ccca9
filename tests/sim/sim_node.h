// SimNode: a node and the network behind it: a chain at a toy target, blocks that others find, two
// at nearly the same time, reorganisations, and the node's answers. It outlives the pool.
//
// A block that is submitted is parsed and checked in full (common/bitcoin/block_check.h), as a node
// would.
// Thread: the one there is.
#pragma once

#include "common/bitcoin/header.h"
#include "common/mining/block_template.h"
#include "pool/core/block_report.h"
#include "pool/core/tip.h"
#include "tests/sim/environment.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

namespace sim {

struct NodeOptions {
  std::uint32_t nbits = 0;
  Micros block_interval = 600 * second;  // of the others' blocks
};

class SimNode {
 public:
  // `on_new_tip` is called when the best block changes.
  SimNode(Environment& env, const NodeOptions& options, std::function<void()> on_new_tip);

  void start();
  bool is_up() const { return up_; }
  void set_up(bool up) { up_ = up; }

  const bitcoin::BlockHash& tip() const { return tip_; }
  pool::TipNews news(const bitcoin::BlockHash& hash, pool::TipSource source) const;
  mining::BlockTemplate make_template();
  pool::SubmitReport submit(const std::string& hex);
  std::uint64_t reorganisations() const { return reorganisations_; }
  std::uint64_t blocks() const { return blocks_.size(); }

 private:
  struct Block {
    bitcoin::Header header;
    std::uint32_t height = 0;
    bool is_ours = false;
  };

  void schedule_block();
  void find_block();
  bitcoin::BlockHash mine_on(const bitcoin::BlockHash& parent);
  bitcoin::BlockHash add(const bitcoin::Header& header, bool is_ours);
  void make_tip(const bitcoin::BlockHash& hash);
  bool is_in_chain(const bitcoin::BlockHash& hash) const;

  Environment& env_;
  const NodeOptions options_;
  const bitcoin::Target256 target_;
  const std::function<void()> on_new_tip_;
  std::unordered_map<bitcoin::BlockHash, Block> blocks_;
  bitcoin::BlockHash tip_;
  bool up_ = true;
  std::uint64_t next_transaction_ = 1;
  std::uint64_t reorganisations_ = 0;
};

}  // namespace sim
