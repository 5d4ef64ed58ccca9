// JobBook: a shard's recent jobs, which of them are stale, and the shares already seen for each.
//
// A job is superseded when a newer one comes, and stale when the newer one has another tip. Shares
// for superseded jobs of the same tip are good; stale ones are refused, but still hashed, since a
// late block may win its race. So jobs are kept a while after they were superseded.
//
// A miner that needs a notify between two jobs of the node (its difficulty changed, say) gets the
// current job issued anew: firmwares ignore a job id that they have seen. All miners of the shard
// share such a job, and no more than a few are made, so that nobody can crowd out the others' jobs.
// Thread: one shard's.
#pragma once

#include "common/base/time.h"
#include "common/mining/job.h"
#include "pool/core/duplicate_filter.h"
#include "pool/core/token_bucket.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

namespace pool {

class JobBook {
 public:
  // `shard` keeps the ids of jobs issued anew apart from other shards'.
  explicit JobBook(std::uint8_t shard) : shard_(shard) {}

  struct Entry {
    std::shared_ptr<const mining::Job> job;
    bool from_node = false;  // else issued anew here
    base::MonoTime since;    // given out
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
  // The newest job of the current tip with an id above `last`: one there is, or else one issued
  // anew. Null when there is none and enough were made for the moment; ask again a little later.
  std::shared_ptr<const mining::Job> job_after(mining::JobId last, base::MonoTime now);
  // Lets go of jobs that were superseded long ago.
  void expire(base::MonoTime now);
  std::size_t size() const { return entries_.size(); }

 private:
  void append(std::shared_ptr<const mining::Job> job, base::MonoTime now);
  void drop_first();

  const std::uint8_t shard_;
  std::deque<Entry> entries_;  // by rising id
  std::size_t from_node_ = 0;  // of the entries: jobs that add() brought
  base::MonoTime current_since_{};
  std::uint32_t reissued_ = 0;  // times that current_ was issued anew
  TokenBucket reissues_;
  std::shared_ptr<const mining::Job> current_;
};

}  // namespace pool
