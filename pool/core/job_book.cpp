#include "pool/core/job_book.h"

#include "common/base/assert.h"
#include "pool/core/limits.h"

#include <algorithm>

namespace pool {

void JobBook::add(std::shared_ptr<const mining::Job> job, base::MonoTime now) {
  ASSERT(job);
  if (!entries_.empty()) {
    ASSERT(entries_.back().job->id < job->id);
    entries_.back().superseded_at = now;
  }
  for (Entry& entry : entries_) {
    if (!entry.stale_since && entry.job->prev_hash() != job->prev_hash()) entry.stale_since = now;
  }
  current_ = job;
  entries_.push_back(
      Entry{std::move(job), DuplicateFilter(limits::duplicates_per_job_max), {}, {}});
  if (entries_.size() > limits::jobs_kept_max) entries_.pop_front();
  expire(now);
}

JobBook::Entry* JobBook::find(mining::JobId id) {
  const auto found = std::lower_bound(
      entries_.begin(), entries_.end(), id,
      [](const Entry& entry, mining::JobId wanted) { return entry.job->id < wanted; });
  return found != entries_.end() && found->job->id == id ? &*found : nullptr;
}

void JobBook::expire(base::MonoTime now) {
  while (!entries_.empty() && entries_.front().superseded_at &&
         now - *entries_.front().superseded_at > limits::job_kept_after_superseded) {
    entries_.pop_front();
  }
}

}  // namespace pool
