// BlockTracker: what becomes of the pool's blocks once a node has them: in the best chain, orphaned
// and back, and confirmed, at 100 confirmations. The pure half of ChainWatch; ChainHost is what it
// asks of the other half.
//
// The question is always which block the chain has at a height: any node answers it, and the answer
// settles every block of ours that was found there. It is asked seldom. While each new tip stands
// on the one before it, all that is in the chain stays there, one block deeper. After any other tip
// (a reorganisation, a gap, another node in use) it is asked for every block; and once more when a
// block reaches 100 confirmations, since others act on that word; and now and then, in case a tip
// was never heard of.
//
// A block that is settled (confirmed, or orphaned and as deep) is followed no longer. It says
// nothing twice, but after a restart it begins anew.
//
// Time:   every call that can depend on it takes an Instant.
// Thread: the node loop's.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/hash.h"
#include "pool/core/records.h"
#include "pool/core/tip.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

namespace pool {

// A coinbase can be spent by a block that comes 100 after it. Source: Bitcoin Core,
// consensus/consensus.h, COINBASE_MATURITY.
inline constexpr std::uint32_t coinbase_maturity = 100;

// A block as its header tells it.
struct ChainBlock {
  bitcoin::BlockHash hash;
  bitcoin::BlockHash prev_hash;
  std::uint32_t height = 0;  // at most limits::block_height_max
};

// One question is open at a time. Its answer comes as the call of BlockTracker that stands beside
// it, or as on_no_answer(), never from inside; after on_node_changed() it does not come any more.
class ChainHost {
 public:
  // False: there is no node to ask. Answer: on_header().
  [[nodiscard]] virtual bool ask_header(const bitcoin::BlockHash& hash) = 0;
  // Likewise; the block of the best chain at this height. Answer: on_hash_at().
  [[nodiscard]] virtual bool ask_hash_at(std::uint32_t height) = 0;
  // False: not now; it is offered again.
  [[nodiscard]] virtual bool journal(const JournalRecord& record) = 0;

 protected:
  ~ChainHost() = default;
};

class BlockTracker {
 public:
  explicit BlockTracker(ChainHost& host) : host_(host) {}

  // A block of ours that a node has, in its best chain or beside it. Without its height the node is
  // asked for that first.
  void on_block(const bitcoin::BlockHash& hash, std::optional<std::uint32_t> height,
                base::Instant now);
  // The node in use says that this is its best block. Repeats do nothing.
  void on_tip(const TipNews& news, base::Instant now);
  // Another node is in use, or the same one has come back: its chain is unknown until it tells.
  void on_node_changed(base::Instant now);
  // None: the node has no such block.
  void on_header(const std::optional<ChainBlock>& block, base::Instant now);
  // None: the chain is not that high.
  void on_hash_at(const std::optional<bitcoin::BlockHash>& hash, base::Instant now);
  void on_no_answer(base::Instant now);
  // About once a second.
  void on_tick(base::Instant now);

  // The tip as far as its height is known.
  const std::optional<ChainBlock>& tip() const { return tip_; }
  std::size_t blocks_followed() const { return blocks_.size() + without_height_.size(); }

 private:
  struct Block {
    bitcoin::BlockHash hash;
    std::optional<BlockState> state;     // none: nothing is known yet
    std::optional<BlockState> reported;  // in the journal
    bool seen_here = false;              // the node in use has had it in its chain
    bool settled = false;                // decided when it was as deep as it need be
  };
  using Blocks = std::multimap<std::uint32_t, Block>;  // by height
  using Question = std::variant<bitcoin::BlockHash, std::uint32_t>;

  void adopt_tip(const ChainBlock& tip, base::Instant now);
  void follow(const bitcoin::BlockHash& hash, std::uint32_t height);
  bool is_followed(const bitcoin::BlockHash& hash) const;
  void decide(std::uint32_t height, const std::optional<bitcoin::BlockHash>& in_chain);
  bool is_mature(std::uint32_t height) const;
  void doubt_all();
  std::optional<bitcoin::BlockHash> header_wanted() const;
  void report(base::Instant now);
  void ask_next(base::Instant now);

  ChainHost& host_;
  Blocks blocks_;
  std::set<std::uint32_t> doubted_;  // heights to ask about
  // The header tells; false: the node in use does not know it, and is not to be asked yet.
  std::map<bitcoin::BlockHash, bool> without_height_;
  std::optional<ChainBlock> tip_;
  std::optional<bitcoin::BlockHash> reported_tip_;
  std::optional<bitcoin::BlockHash> heard_tip_;  // its header is awaited
  bool detour_ = false;                          // tips were heard of and passed over since tip_
  std::optional<Question> asked_;
  base::MonoTime ask_again_at_{};  // after a failure: not before this
  base::MonoTime recheck_at_{};
};

}  // namespace pool
