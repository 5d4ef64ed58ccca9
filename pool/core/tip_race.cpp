#include "pool/core/tip_race.h"

#include "pool/core/limits.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace pool {

void TipRace::on_tip(const bitcoin::BlockHash& hash, TipSource source, base::MonoTime now) {
  const auto index = static_cast<std::size_t>(source);
  auto race = std::find_if(recent_.begin(), recent_.end(),
                           [&](const Race& one) { return one.hash == hash; });
  if (race == recent_.end()) {
    const bool counts = !recent_.empty();
    if (recent_.size() == limits::tip_races_kept_max) recent_.pop_front();
    race = recent_.insert(recent_.end(), Race{hash, now, {}, counts});
    if (counts) ++stats_.sources[index].wins;
  }
  if (std::exchange(race->told[index], true) || !race->counts) return;
  TipSourceStats& stats = stats_.sources[index];
  ++stats.heard;
  const auto lag =
      std::chrono::duration_cast<std::chrono::microseconds>(now - race->first_told_at).count();
  stats.last_lag_us = lag;
  stats.lags_sum_us += lag;
}

}  // namespace pool
