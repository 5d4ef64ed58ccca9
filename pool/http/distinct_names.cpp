#include "pool/http/distinct_names.h"

#include <algorithm>
#include <utility>

namespace pool {

void DistinctNames::on(ShardIndex shard, std::uint64_t count, Hashes hashes) {
  Told& told = shards_[shard];
  if (told.count == count && told.hashes == hashes) return;
  told = {count, std::move(hashes)};
  changed_ = true;
}

// Sorted when a shard has told of a change, which each does once a second at most.
std::uint64_t DistinctNames::count() {
  if (!std::exchange(changed_, false)) return count_;
  std::vector<std::uint64_t> all;
  count_ = 0;
  for (const auto& [shard, told] : shards_) {
    const std::uint64_t hashed = told.hashes ? told.hashes->size() : 0;
    count_ += told.count - std::min(told.count, hashed);
    if (hashed > 0) all.insert(all.end(), told.hashes->begin(), told.hashes->end());
  }
  if (shards_.size() > 1) {
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  }
  count_ += all.size();
  return count_;
}

}  // namespace pool
