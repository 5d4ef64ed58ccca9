#include "pool/http/distinct_names.h"

#include <doctest/doctest.h>

#include <utility>

using pool::DistinctNames;
using pool::ShardIndex;

namespace {

DistinctNames::Hashes hashes(std::vector<std::uint64_t> of) {
  return std::make_shared<const std::vector<std::uint64_t>>(std::move(of));
}

}  // namespace

TEST_CASE("who is at two shards counts once") {
  DistinctNames names;
  CHECK_EQ(names.count(), 0);
  names.on(ShardIndex{0}, 3, hashes({1, 2, 3}));
  CHECK_EQ(names.count(), 3);
  names.on(ShardIndex{1}, 2, hashes({9, 3}));
  CHECK_EQ(names.count(), 4);
  CHECK_EQ(names.count(), 4);
  names.on(ShardIndex{0}, 1, hashes({3}));
  CHECK_EQ(names.count(), 2);
}

TEST_CASE("those not told by hash count at each shard") {
  DistinctNames names;
  names.on(ShardIndex{0}, 5, hashes({1, 2}));
  names.on(ShardIndex{1}, 4, hashes({1, 2}));
  CHECK_EQ(names.count(), 2 + 3 + 2);
  names.on(ShardIndex{2}, 7, nullptr);
  CHECK_EQ(names.count(), 14);
}
