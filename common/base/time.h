// Time as an argument. The pure code never reads a clock: a loop reads it once per event
// (common/uv/clock.h) and passes the Instant down, and a test passes any Instant it likes.
#pragma once

#include <chrono>
#include <cstdint>

namespace base {

using MonoTime = std::chrono::steady_clock::time_point;             // for durations; never jumps
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;  // for records and ntime

struct Instant {
  MonoTime mono{};
  WallTime wall{};

  // Seconds since 1970, as a block header's time field counts them.
  std::int64_t unix_seconds() const {
    return std::chrono::floor<std::chrono::seconds>(wall).time_since_epoch().count();
  }
  // Microseconds since 1970.
  std::int64_t unix_micros() const { return wall.time_since_epoch().count(); }
};

}  // namespace base
