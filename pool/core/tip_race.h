// TipRace: which source tells of new tips first, and how long after it the others tell.
//
// Each source counts once for a tip. Only the last few tips are remembered: what tells later than
// that is not counted any more, nor is the tip that was there at the start.
//
// Units:  lags in microseconds after the first to tell.
// Time:   passed in.
// Thread: the node loop's; TipRaceStats is plain data.
#pragma once

#include "common/base/time.h"
#include "common/bitcoin/hash.h"
#include "pool/core/tip.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace pool {

struct TipSourceStats {
  std::uint64_t wins = 0;   // tips that it was the first to tell of
  std::uint64_t heard = 0;  // tips that it told of at all
  std::int64_t last_lag_us = 0;
  std::int64_t lags_sum_us = 0;

  // Over the tips that another source told of first; 0 when there were none.
  std::int64_t mean_lag_us() const {
    const auto late = static_cast<std::int64_t>(heard - wins);
    return late > 0 ? lags_sum_us / late : 0;
  }
  friend bool operator==(const TipSourceStats&, const TipSourceStats&) = default;
};

struct TipRaceStats {
  std::array<TipSourceStats, tip_source_count> sources;

  const TipSourceStats& of(TipSource source) const {
    return sources[static_cast<std::size_t>(source)];
  }
  friend bool operator==(const TipRaceStats&, const TipRaceStats&) = default;
};

class TipRace {
 public:
  void on_tip(const bitcoin::BlockHash& hash, TipSource source, base::MonoTime now);
  // Another node is listened to from now on: its tip is not news.
  void start_over() { recent_.clear(); }
  const TipRaceStats& stats() const { return stats_; }

 private:
  struct Race {
    bitcoin::BlockHash hash;
    base::MonoTime first_told_at{};
    std::array<bool, tip_source_count> told{};
    bool counts = true;
  };

  std::deque<Race> recent_;  // the newest last
  TipRaceStats stats_;
};

}  // namespace pool
