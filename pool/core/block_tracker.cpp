#include "pool/core/block_tracker.h"

#include "pool/core/limits.h"

#include <algorithm>
#include <utility>

namespace pool {

void BlockTracker::on_block(const bitcoin::BlockHash& hash, std::optional<std::uint32_t> height,
                            base::Instant now) {
  if (is_followed(hash)) return;
  if (height) {
    follow(hash, *height);
  } else if (without_height_.size() < limits::blocks_followed_max) {
    without_height_.emplace(hash, true);
  }
  report(now);
  ask_next(now);
}

void BlockTracker::on_tip(const TipNews& news, base::Instant now) {
  if (tip_ && news.hash == tip_->hash) {
    if (!heard_tip_) return;
    // There and back, faster than the node could be asked where "there" was.
    heard_tip_.reset();
    detour_ = false;
    doubt_all();
  } else if (news.header && news.height && *news.height <= limits::block_height_max) {
    detour_ = detour_ || heard_tip_;
    heard_tip_.reset();
    adopt_tip({news.hash, news.header->prev_hash, *news.height}, now);
  } else if (heard_tip_ != news.hash) {
    detour_ = detour_ || heard_tip_;
    heard_tip_ = news.hash;
    ask_again_at_ = now.mono;
  }
  ask_next(now);
}

void BlockTracker::on_node_changed(base::Instant now) {
  tip_.reset();
  heard_tip_.reset();
  asked_.reset();
  ask_again_at_ = now.mono;
  for (auto& [height, block] : blocks_) block.seen_here = false;
}

void BlockTracker::on_header(const std::optional<ChainBlock>& block, base::Instant now) {
  const auto asked = std::exchange(asked_, std::nullopt);
  const auto* hash = asked ? std::get_if<bitcoin::BlockHash>(&*asked) : nullptr;
  if (hash == nullptr) return;
  const auto waiting = without_height_.find(*hash);
  if (waiting != without_height_.end()) {
    waiting->second = false;
    if (block) {
      without_height_.erase(waiting);
      follow(*hash, block->height);
    }
  }
  if (heard_tip_ == *hash) {
    if (block) {
      heard_tip_.reset();
      adopt_tip(*block, now);
    } else {
      ask_again_at_ = now.mono + limits::chain_question_pause;
    }
  }
  report(now);
  ask_next(now);
}

void BlockTracker::on_hash_at(const std::optional<bitcoin::BlockHash>& hash, base::Instant now) {
  const auto asked = std::exchange(asked_, std::nullopt);
  const auto* height = asked ? std::get_if<std::uint32_t>(&*asked) : nullptr;
  if (height == nullptr) return;
  // Doubted again since it was asked: the answer may be of the chain as it was.
  if (!doubted_.contains(*height)) decide(*height, hash);
  report(now);
  ask_next(now);
}

void BlockTracker::on_no_answer(base::Instant now) {
  const auto asked = std::exchange(asked_, std::nullopt);
  if (!asked) return;
  if (const auto* height = std::get_if<std::uint32_t>(&*asked)) doubted_.insert(*height);
  ask_again_at_ = now.mono + limits::chain_question_pause;
}

void BlockTracker::on_tick(base::Instant now) {
  if (now.mono >= recheck_at_) {
    recheck_at_ = now.mono + limits::chain_recheck;
    doubt_all();
  }
  report(now);
  ask_next(now);
}

void BlockTracker::adopt_tip(const ChainBlock& tip, base::Instant now) {
  const bool extends =
      tip_ && !detour_ && tip.prev_hash == tip_->hash && tip.height == tip_->height + 1;
  detour_ = false;
  tip_ = tip;
  if (!extends) doubt_all();
  for (const auto& [height, block] : blocks_) {
    if (!is_mature(height)) break;
    doubted_.insert(height);
  }
  decide(tip.height, tip.hash);
  report(now);
}

void BlockTracker::follow(const bitcoin::BlockHash& hash, std::uint32_t height) {
  if (is_followed(hash)) return;
  if (blocks_.size() >= limits::blocks_followed_max) blocks_.erase(blocks_.begin());
  blocks_.emplace(height, Block{.hash = hash, .state = {}, .reported = {}});
  if (tip_ && tip_->height == height) return decide(height, tip_->hash);
  doubted_.insert(height);
}

bool BlockTracker::is_followed(const bitcoin::BlockHash& hash) const {
  return std::any_of(blocks_.begin(), blocks_.end(),
                     [&](const auto& item) { return item.second.hash == hash; }) ||
         without_height_.contains(hash);
}

// What a chain that has this block at the height means for ours. Above the chain's end only those
// that were in it are orphaned: for the others, the node may not have got so far.
void BlockTracker::decide(std::uint32_t height, const std::optional<bitcoin::BlockHash>& in_chain) {
  doubted_.erase(height);
  const auto [begin, end] = blocks_.equal_range(height);
  for (auto at = begin; at != end; ++at) {
    Block& block = at->second;
    if (in_chain == block.hash) {
      block.seen_here = true;
      block.state = is_mature(height) ? BlockState::confirmed : BlockState::in_chain;
    } else if (in_chain || block.seen_here) {
      block.state = BlockState::orphaned;
    }
    block.settled = block.state && is_mature(height);
  }
}

bool BlockTracker::is_mature(std::uint32_t height) const {
  return tip_ && tip_->height >= height && tip_->height - height + 1 >= coinbase_maturity;
}

void BlockTracker::doubt_all() {
  for (const auto& [height, block] : blocks_) doubted_.insert(height);
  for (auto& [hash, wanted] : without_height_) wanted = true;
}

std::optional<bitcoin::BlockHash> BlockTracker::header_wanted() const {
  if (heard_tip_) return heard_tip_;
  const auto wanted = std::find_if(without_height_.begin(), without_height_.end(),
                                   [](const auto& item) { return item.second; });
  if (wanted == without_height_.end()) return std::nullopt;
  return wanted->first;
}

void BlockTracker::report(base::Instant now) {
  if (tip_ && reported_tip_ != tip_->hash) {
    const ChainTipRecord record{now.unix_micros(), tip_->height, tip_->hash, tip_->prev_hash};
    if (!host_.journal(record)) return;
    reported_tip_ = tip_->hash;
  }
  for (auto at = blocks_.begin(); at != blocks_.end();) {
    const std::uint32_t height = at->first;
    Block& block = at->second;
    if (block.state && block.reported != block.state) {
      if (!host_.journal(BlockStateRecord{now.unix_micros(), block.hash, *block.state, height})) {
        return;
      }
      block.reported = block.state;
    }
    at = block.settled ? blocks_.erase(at) : std::next(at);
  }
}

void BlockTracker::ask_next(base::Instant now) {
  if (asked_ || now.mono < ask_again_at_) return;
  if (const auto hash = header_wanted()) {
    if (host_.ask_header(*hash)) asked_ = *hash;
    return;
  }
  // What the chain has at a height says little without its end.
  if (!tip_) return;
  while (!doubted_.empty()) {
    // The newest first: they are the most likely to have changed.
    const std::uint32_t height = *doubted_.rbegin();
    if (blocks_.contains(height)) {
      if (!host_.ask_hash_at(height)) return;
      asked_ = height;
    }
    doubted_.erase(height);
    if (asked_) return;
  }
}

}  // namespace pool
