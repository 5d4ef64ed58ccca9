// Backoff: how long to wait before the next connection attempt.
//
// Doubles from `first` to `most`, and each pause is drawn from its upper half, so that the miners
// of a pool that restarts do not all come back in the same moment. Thread: pure; chance is passed
// in.
#pragma once

#include "common/base/random.h"

#include <algorithm>
#include <chrono>

namespace miner {

class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most)
      : first_(std::min(first, most)), most_(most), next_(first_) {}

  std::chrono::milliseconds next(base::Random& random) {
    const std::chrono::milliseconds whole = next_;
    next_ = std::min(most_, next_ * 2);
    const auto half = static_cast<std::uint64_t>(whole.count() / 2);
    return whole - std::chrono::milliseconds(random.below(half + 1));
  }
  void reset() { next_ = first_; }

 private:
  const std::chrono::milliseconds first_;
  const std::chrono::milliseconds most_;
  std::chrono::milliseconds next_;
};

}  // namespace miner
