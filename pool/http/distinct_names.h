// DistinctNames: how many different names there are over all shards, where each tells its own as
// hashes. A name at two shards counts once; one of those that a shard does not tell (they are too
// many) counts at each.
//
// Thread: one owner. Pure.
#pragma once

#include "pool/core/shard_types.h"

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace pool {

class DistinctNames {
 public:
  using Hashes = std::shared_ptr<const std::vector<std::uint64_t>>;

  // A shard's names now; `hashes` may be null.
  void on(ShardIndex shard, std::uint64_t count, Hashes hashes);
  std::uint64_t count();

 private:
  struct Told {
    std::uint64_t count = 0;
    Hashes hashes;
  };
  std::map<ShardIndex, Told> shards_;
  bool changed_ = false;
  std::uint64_t count_ = 0;
};

}  // namespace pool
