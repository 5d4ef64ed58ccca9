// DifficultyHistory: which difficulty a connection's share for a given job must meet.
//
// A change takes effect with a notify, but miners differ in when they obey it (some at once, some a
// job later), so around a change the lower of old and new counts: for the jobs before it, and for
// the first job after it. A share is credited with the difficulty it was checked against.
//
// Only the last changes are kept. When another comes, the two oldest become one, with the lower of
// their difficulties: a share of an old job may be judged by one that is too low, never too high.
//
// Source: stratum practice (ckpool, DATUM; docs/stratum.md).
#pragma once

#include "common/base/u256.h"
#include "common/bitcoin/target.h"
#include "common/mining/job.h"

#include <cstddef>
#include <vector>

namespace pool {

class DifficultyHistory {
 public:
  struct Entry {
    mining::JobId first_job;
    bitcoin::Difficulty difficulty;
    bitcoin::Target256 target;
    base::U256 work;
  };

  // From `first_job` on, `difficulty` was announced. REQUIRES: job ids rise.
  void change(mining::JobId first_job, bitcoin::Difficulty difficulty);
  // The easiest difficulty that counts for this job. REQUIRES: change() was called.
  const Entry& for_job(mining::JobId job) const;
  // The one that was announced with this job or last before it (of a job before all, the first),
  // for clients that are known to obey at once. REQUIRES: change() was called.
  const Entry& announced_for(mining::JobId job) const;
  // The one announced last. REQUIRES: change() was called.
  const Entry& latest() const;
  bool empty() const { return entries_.empty(); }

 private:
  void merge_oldest();

  std::vector<Entry> entries_;  // by rising first_job
};

}  // namespace pool
