#include "pool/core/shard_context.h"

#include <doctest/doctest.h>

TEST_CASE("a tier is found by its name, and an unknown one is the default") {
  pool::ShardOptions options;
  options.coinbase_tiers = {{"tiny", 255}, {"default", 755}, {"large", 2250}};
  CHECK_EQ(options.tier("tiny"), 0);
  CHECK_EQ(options.tier("default"), 1);
  CHECK_EQ(options.tier("large"), 2);
  CHECK_EQ(options.tier("enormous"), 1);
}

TEST_CASE("each port has its own difficulties") {
  pool::ShardOptions options;
  options.ports.resize(2);
  options.ports[1].shares_per_minute = 20;
  CHECK_EQ(options.port(0).shares_per_minute, 6);
  CHECK_EQ(options.port(1).shares_per_minute, 20);
}
