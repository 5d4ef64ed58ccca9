// DuplicateFilter: the accepted shares of one job, so that none is counted twice.
//
// Keyed by 16 bytes of the header hash, into which every field of the header has gone. The low
// bytes are as good as random (only the top ones are pressed to zero by the work), so they serve as
// the hash of an open-addressing table with linear probing. Extranonce1 differs between
// connections, and a connection stays on its shard, so a filter per shard and job sees every
// possible repeat.
//
// Memory: 16 bytes a slot, at most half full, growing by doubling up to the given maximum.
#pragma once

#include "common/bitcoin/hash.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pool {

class DuplicateFilter {
 public:
  enum class Verdict { fresh, duplicate, full };

  explicit DuplicateFilter(std::size_t entries_max);

  // Remembers the hash; `full` when it is new but there is no room (then it is not remembered).
  Verdict insert(const bitcoin::BlockHash& hash);
  // Forgets it, so that it may be sent again: its share could not be stored.
  void erase(const bitcoin::BlockHash& hash);
  std::size_t size() const { return size_; }

 private:
  using Key = std::array<std::uint64_t, 2>;
  static Key key_of(const bitcoin::BlockHash& hash);
  std::size_t slot_of(const Key& key) const;  // where it is, or the empty slot where it belongs
  void grow();

  const std::size_t entries_max_;
  std::size_t size_ = 0;
  std::vector<Key> slots_;  // a power of two; all-zero is empty
};

}  // namespace pool
