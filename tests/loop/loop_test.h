// Helpers of the loop tests: run a loop until something has happened, with a deadline instead of
// sleeps. A test that fails says so at once when the condition can no longer come true.
#pragma once

#include "common/uv/loop.h"

#include <doctest/doctest.h>

#include <chrono>
#include <utility>

namespace loop_test {

using namespace std::chrono_literals;

inline constexpr auto patience = 20s;  // far above what any test needs, also under TSan

// Runs the loop until `condition` holds, which is asked at the end of each turn, before the loop
// waits for more. False when the deadline came first.
template <class Condition>
[[nodiscard]] bool run_until(uv::Loop& loop, Condition condition,
                             std::chrono::milliseconds deadline = patience) {
  bool expired = false;
  uv::Timer timer(loop, [&] { expired = true; });
  timer.start(deadline, 0ms);
  uv::TurnEnd turn_end(loop, [&] {
    if (expired || condition()) loop.stop();
  });
  while (!condition() && !expired) loop.run();
  return condition();
}

// Runs what is due now and returns; for "this does not happen" after something that would cause it.
inline void run_turns(uv::Loop& loop, int turns) {
  for (int i = 0; i < turns; ++i) loop.run_once_nowait();
}

}  // namespace loop_test
