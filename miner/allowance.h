// Allowance: a token bucket that says how many shares may go out now, where a rate is set. It holds
// a tenth of a second's worth, and at least one share. Thread: pure; time is passed in.
#pragma once

#include "common/base/time.h"

#include <algorithm>
#include <chrono>

namespace miner {

class Allowance {
 public:
  explicit Allowance(double per_second) : per_second_(per_second) {}  // 0: no cap

  void start(base::MonoTime now) {
    tokens_ = 0;
    at_ = now;
  }
  void refill(base::MonoTime now) {
    const std::chrono::duration<double> passed = now - at_;
    tokens_ = std::min(std::max(1.0, per_second_ / 10), tokens_ + per_second_ * passed.count());
    at_ = now;
  }
  bool has() const { return per_second_ <= 0 || tokens_ >= 1; }
  void take() { tokens_ -= per_second_ > 0 ? 1 : 0; }

 private:
  double per_second_;
  double tokens_ = 0;
  base::MonoTime at_{};
};

}  // namespace miner
