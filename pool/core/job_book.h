// JobBook: a shard's recent jobs, which of them are stale, and the shares already seen for each.
//
// A job is superseded when a newer one comes, and stale when the newer one has another tip. Shares
// for superseded jobs of the same tip are good; stale ones are refused, but still hashed, since a
// late block may win its race. So jobs are kept a while after they were superseded.
// Thread: one shard's.
#pragma once

#include "common/base/time.h"
#include "common/mining/job.h"
#include "pool/core/duplicate_filter.h"

#include <deque>
#include <memory>
#include <optional>

namespace pool {

class JobBook {
 public:
  struct Entry {
    std::shared_ptr<const mining::Job> job;
    DuplicateFilter seen;
    std::optional<base::MonoTime> superseded_at;
    std::optional<base::MonoTime> stale_since;
  };

  // REQUIRES: job ids rise.
  void add(std::shared_ptr<const mining::Job> job, base::MonoTime now);
  // Null when unknown: never given out, or too old. Valid until the next add() or expire().
  Entry* find(mining::JobId id);
  // The job that a miner should work on; null before the first.
  const std::shared_ptr<const mining::Job>& current() const { return current_; }
  // Lets go of jobs that were superseded long ago.
  void expire(base::MonoTime now);
  std::size_t size() const { return entries_.size(); }

 private:
  std::deque<Entry> entries_;  // by rising id
  std::shared_ptr<const mining::Job> current_;
};

}  // namespace pool
