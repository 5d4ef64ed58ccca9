#include "pool/core/notify_times.h"

#include "pool/core/limits.h"

#include <doctest/doctest.h>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr base::MonoTime start{1000h};

TipTold told(std::uint32_t shard, std::uint64_t job, std::int64_t first_us, std::int64_t last_us) {
  return {ShardIndex{shard}, mining::JobId{job}, first_us, last_us};
}

}  // namespace

TEST_CASE("the pool's first is the earliest shard's first, its last the latest shard's last") {
  NotifyTimes times;
  times.on(told(0, 7, 300, 900), start);
  times.on(told(1, 7, 150, 400), start + 1ms);
  times.on(told(2, 7, 200, 40'000), start + 2ms);
  times.tick(start + limits::tip_settled_after - 1ms);
  CHECK_EQ(times.first().count(), 0);
  times.tick(start + limits::tip_settled_after);
  CHECK_EQ(times.first().count(), 1);
  CHECK_EQ(times.first().sum(), 150);
  CHECK_EQ(times.last().count(), 1);
  CHECK_EQ(times.last().sum(), 40'000);
}

TEST_CASE("tips that come close together are kept apart, also out of order") {
  NotifyTimes times;
  times.on(told(0, 7, 100, 110), start);
  times.on(told(0, 8, 200, 220), start + 5ms);
  times.on(told(1, 7, 120, 130), start + 6ms);
  times.tick(start + 10s);
  CHECK_EQ(times.first().sum(), 300);
  CHECK_EQ(times.last().sum(), 350);
  CHECK_EQ(times.last().count(), 2);
}

TEST_CASE("with too many tips open the oldest settles") {
  NotifyTimes times;
  for (std::uint64_t job = 0; job < limits::tips_unsettled_max; ++job) {
    times.on(told(0, job, 1, 2), start);
  }
  CHECK_EQ(times.first().count(), 0);
  times.on(told(0, 1000, 1, 2), start);
  CHECK_EQ(times.first().count(), 1);
  times.tick(start + 10s);
  CHECK_EQ(times.first().count(), limits::tips_unsettled_max + 1);
}

}  // namespace pool
