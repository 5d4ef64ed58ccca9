// RecentHashes: the last few thousand hashes that were submitted, so that none is submitted twice.
//
// The search order alone should see to that; this is the rule's second guard, for pools that repeat
// a job under another name.
// Thread: one owner.
#pragma once

#include "common/base/ring.h"
#include "common/bitcoin/hash.h"

#include <cstddef>
#include <unordered_set>

namespace miner {

class RecentHashes {
 public:
  explicit RecentHashes(std::size_t capacity) : order_(capacity) {}

  // False when the hash is among the last `capacity` ones inserted.
  [[nodiscard]] bool insert(const bitcoin::BlockHash& hash) {
    if (!known_.insert(hash).second) return false;
    if (order_.full()) known_.erase(order_.pop());
    return order_.push(hash);
  }

 private:
  base::Ring<bitcoin::BlockHash> order_;
  std::unordered_set<bitcoin::BlockHash> known_;
};

}  // namespace miner
