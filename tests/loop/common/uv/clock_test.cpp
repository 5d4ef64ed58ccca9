#include "common/uv/clock.h"

#include <doctest/doctest.h>

TEST_CASE("the clock: monotonic goes forward, wall time is after 2020") {
  const base::Instant first = uv::read_clock();
  const base::Instant second = uv::read_clock();
  CHECK_GE(second.mono.time_since_epoch().count(), first.mono.time_since_epoch().count());
  CHECK_GT(first.unix_seconds(), 1'577'836'800);
}
