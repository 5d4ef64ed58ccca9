#include "pool/core/notify_times.h"

#include "pool/core/limits.h"

#include <algorithm>

namespace pool {

void NotifyTimes::on(const TipTold& told, base::MonoTime now) {
  const auto known = std::find_if(open_.begin(), open_.end(),
                                  [&](const Tip& tip) { return tip.told.job == told.job; });
  if (known != open_.end()) {
    known->told.first_us = std::min(known->told.first_us, told.first_us);
    known->told.last_us = std::max(known->told.last_us, told.last_us);
    return;
  }
  if (open_.size() == limits::tips_unsettled_max) settle_oldest();
  open_.push_back({told, now});
}

void NotifyTimes::tick(base::MonoTime now) {
  while (!open_.empty() && now - open_.front().heard_at >= limits::tip_settled_after) {
    settle_oldest();
  }
}

void NotifyTimes::settle_oldest() {
  first_.add(open_.front().told.first_us);
  last_.add(open_.front().told.last_us);
  open_.pop_front();
}

}  // namespace pool
