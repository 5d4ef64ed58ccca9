#include "common/uv/lag_probe.h"

#include "common/uv/clock.h"
#include "tests/loop/loop_test.h"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

using namespace std::chrono_literals;
using loop_test::run_until;

TEST_CASE("what blocks the loop is told as lag, and a loop that waits to run is not") {
  uv::Loop loop;
  std::vector<std::chrono::nanoseconds> lags;
  uv::LagProbe probe(loop, [&](std::chrono::nanoseconds lag) { lags.push_back(lag); });
  // Before it runs for the first time; then, in a turn of its own, for longer than a period.
  const auto busy_for = [](std::chrono::milliseconds time) {
    const auto end = uv::read_clock().mono + time;
    while (uv::read_clock().mono < end) {
    }
  };
  busy_for(2 * uv::LagProbe::period);
  REQUIRE(run_until(loop, [&] { return !lags.empty(); }));
  lags.clear();
  uv::Timer blocker(loop, [&] { busy_for(2 * uv::LagProbe::period); });
  blocker.start(1ms, 0ms);
  REQUIRE(run_until(loop, [&] { return !lags.empty(); }));
  // It was due within a period of the blocking's begin.
  CHECK_GE(lags.front(), uv::LagProbe::period - 10ms);
}

TEST_CASE("the probe keeps no loop alive") {
  uv::Loop loop;
  uv::LagProbe probe(loop, [](std::chrono::nanoseconds) {});
  loop.run();
  CHECK(true);  // it returned
}
