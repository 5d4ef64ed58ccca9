#include "pool/core/reject_log.h"

#include "pool/core/limits.h"

#include <algorithm>
#include <utility>

namespace pool {

void RejectLog::add(RejectedSubmit reject) {
  auto known = by_worker_.find(reject.worker);
  if (known == by_worker_.end()) {
    if (workers_.size() == limits::reject_log_workers_max) {
      by_worker_.erase(workers_.back().name);
      workers_.pop_back();
    }
    workers_.push_front({reject.worker, {}});
    known = by_worker_.emplace(workers_.front().name, workers_.begin()).first;
  }
  workers_.splice(workers_.begin(), workers_, known->second);
  std::deque<RejectedSubmit>& rejects = known->second->rejects;
  if (rejects.size() == limits::rejects_kept_per_worker) rejects.pop_front();
  rejects.push_back(std::move(reject));
}

std::vector<RejectedSubmit> RejectLog::find(std::string_view user, std::size_t most) const {
  std::vector<const RejectedSubmit*> candidates;
  for (const Worker& worker : workers_) {
    const std::string_view name = worker.name;
    const bool of_address =
        name.size() > user.size() && name[user.size()] == '.' && name.starts_with(user);
    if (name != user && !of_address) continue;
    for (const RejectedSubmit& reject : worker.rejects) candidates.push_back(&reject);
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const auto* a, const auto* b) { return a->time_us > b->time_us; });
  candidates.resize(std::min({candidates.size(), most, found_max}));
  std::vector<RejectedSubmit> found;
  found.reserve(candidates.size());
  for (const RejectedSubmit* reject : candidates) found.push_back(*reject);
  return found;
}

}  // namespace pool
