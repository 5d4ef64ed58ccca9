// NotifyTimes: from a new tip to the first and to the last miner who was told, over all shards.
//
// Each shard tells when it told its own first and last miner; the pool's first is the earliest of
// them, its last the latest. A tip counts once its shards have had time to report, or when too many
// newer ones have come.
//
// Time:   an argument. Thread: one owner.
#pragma once

#include "common/base/time.h"
#include "common/mining/job.h"
#include "pool/core/histogram.h"
#include "pool/core/shard_types.h"

#include <cstdint>
#include <deque>

namespace pool {

// Of one shard and the first job on a new tip. Times since the tip was heard of.
struct TipTold {
  ShardIndex shard;
  mining::JobId job;
  std::int64_t first_us = 0;
  std::int64_t last_us = 0;
};

class NotifyTimes {
 public:
  void on(const TipTold& told, base::MonoTime now);
  void tick(base::MonoTime now);

  const LatencyHistogram& first() const { return first_; }
  const LatencyHistogram& last() const { return last_; }

 private:
  struct Tip {
    TipTold told;  // of all shards that have reported
    base::MonoTime heard_at{};
  };
  void settle_oldest();

  std::deque<Tip> open_;
  LatencyHistogram first_;
  LatencyHistogram last_;
};

}  // namespace pool
