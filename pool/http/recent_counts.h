// RecentCounts: shares accepted and refused within the last hour, out of totals that only rise.
//
// Memory: a sample a minute, 61 of them.
// Time:   an argument. Thread: one owner. Pure.
#pragma once

#include "common/base/ring.h"
#include "common/base/time.h"
#include "common/stratum/reject.h"

#include <array>
#include <chrono>
#include <cstdint>

namespace pool {

struct ShareCounts {
  std::uint64_t accepted = 0;
  std::array<std::uint64_t, stratum::reject_reason_count> rejects{};
  std::uint64_t rejected() const;
};

class RecentCounts {
 public:
  RecentCounts();
  void sample(base::MonoTime now, const ShareCounts& totals);

  struct Recent {
    std::chrono::seconds length{0};  // an hour, or since the first sample
    ShareCounts counts;
  };
  // `totals` as of now.
  Recent recent(base::MonoTime now, const ShareCounts& totals) const;

 private:
  struct Sample {
    base::MonoTime at;
    ShareCounts totals;
  };
  base::Ring<Sample> minutes_;
};

}  // namespace pool
