#include "pool/core/difficulty_history.h"

#include "common/base/assert.h"
#include "common/base/test_faults.h"
#include "pool/core/limits.h"

#include <algorithm>

namespace pool {

void DifficultyHistory::change(mining::JobId first_job, bitcoin::Difficulty difficulty) {
  ASSERT(entries_.empty() || entries_.back().first_job < first_job);
  const bitcoin::Target256 target = bitcoin::Target256::from_difficulty(difficulty);
  if (entries_.size() == limits::difficulty_changes_kept_max) merge_oldest();
  entries_.push_back({first_job, difficulty, target, target.work()});
}

void DifficultyHistory::merge_oldest() {
  const mining::JobId first_job = entries_[0].first_job;
  const std::size_t harder = entries_[0].difficulty < entries_[1].difficulty ? 1 : 0;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(harder));
  entries_[0].first_job = first_job;
}

const DifficultyHistory::Entry& DifficultyHistory::for_job(mining::JobId job) const {
  ASSERT(!entries_.empty());
  if (base::fault("newest_difficulty_for_all")) return entries_.back();
  // The last change that came before this job counts, and every change from the job's own on.
  auto from = std::find_if(entries_.rbegin(), entries_.rend(),
                           [&](const Entry& entry) { return entry.first_job < job; });
  const auto begin = from == entries_.rend() ? entries_.begin() : std::prev(from.base());
  return *std::min_element(begin, entries_.end(), [](const Entry& a, const Entry& b) {
    return a.difficulty < b.difficulty;
  });
}

const DifficultyHistory::Entry& DifficultyHistory::announced_for(mining::JobId job) const {
  ASSERT(!entries_.empty());
  const auto in_force = std::find_if(entries_.rbegin(), entries_.rend(),
                                     [&](const Entry& entry) { return entry.first_job <= job; });
  return in_force == entries_.rend() ? entries_.front() : *in_force;
}

const DifficultyHistory::Entry& DifficultyHistory::latest() const {
  ASSERT(!entries_.empty());
  return entries_.back();
}

}  // namespace pool
