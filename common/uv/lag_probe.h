// LagProbe: how late a loop's events come, as a timer of its own finds it, four times a second.
//
// A loop that spends its time in callbacks calls its timers late, by as much as anything else on it
// has to wait. Up to a millisecond of what is told is the system's rounding, not lag.
//
// Thread: the loop's. Does not keep the loop alive.
#pragma once

#include "common/uv/loop.h"

#include <chrono>
#include <functional>

namespace uv {

class LagProbe {
 public:
  static constexpr std::chrono::milliseconds period{250};

  LagProbe(Loop& loop, std::function<void(std::chrono::nanoseconds)> on_lag);
  LagProbe(const LagProbe&) = delete;
  LagProbe& operator=(const LagProbe&) = delete;

 private:
  void arm();
  void on_fire();

  Loop& loop_;
  const std::function<void(std::chrono::nanoseconds)> on_lag_;
  std::chrono::nanoseconds due_{};
  bool running_ = false;  // the loop was, when the timer was armed
  Timer timer_;
};

}  // namespace uv
