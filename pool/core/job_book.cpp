#include "pool/core/job_book.h"

#include "common/base/assert.h"
#include "common/base/test_faults.h"
#include "common/mining/job_builder.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace pool {

void JobBook::add(std::shared_ptr<const mining::Job> job, base::MonoTime now) {
  ASSERT(job);
  for (Entry& entry : entries_) {
    if (!entry.stale_since && entry.job->prev_hash() != job->prev_hash()) entry.stale_since = now;
  }
  current_ = job;
  current_since_ = now;
  reissued_ = 0;
  append(std::move(job), now);
  entries_.back().from_node = true;
  ++from_node_;
  while (from_node_ > limits::templates_kept_max) drop_first();
  expire(now);
}

void JobBook::append(std::shared_ptr<const mining::Job> job, base::MonoTime now) {
  if (!entries_.empty()) {
    ASSERT(entries_.back().job->id < job->id);
    entries_.back().superseded_at = now;
    if (base::fault("superseded_is_stale")) entries_.back().stale_since = now;
  }
  entries_.push_back(
      Entry{std::move(job), false, now, DuplicateFilter(limits::duplicates_per_job_max), {}, {}});
  if (entries_.size() > limits::jobs_kept_max) drop_first();
}

void JobBook::drop_first() {
  if (entries_.front().from_node) --from_node_;
  entries_.pop_front();
}

std::shared_ptr<const mining::Job> JobBook::job_after(mining::JobId last, base::MonoTime now) {
  if (!current_) return nullptr;
  if (last < entries_.back().job->id) return entries_.back().job;
  static const TokenRate rate = TokenRate::of(1, limits::reissues_at_once_max);
  if (reissued_ == limits::reissues_per_job_max || !reissues_.try_spend(rate, now)) return nullptr;
  ++reissued_;
  const mining::JobId id{current_->id.value + (std::uint64_t{shard_} << 8 | reissued_)};
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - current_since_);
  append(
      mining::reissue_job(*current_, id, current_->ntime + static_cast<std::uint32_t>(age.count())),
      now);
  return entries_.back().job;
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
    drop_first();
  }
}

}  // namespace pool
