// CoherenceBook: a shard's recent coherence jobs, which of them are stale, and the attempts already
// seen for each. JobBook's counterpart for the second kind of work.
//
// A job is stale when a clean one came after it: Bitcoin's tip or the proof chain's has changed.
// Its notify lines are the same for every miner, so they are written once.
// Memory: coherence_jobs_kept_max jobs, of each proofs_per_job_max attempts, 32 bytes each.
// Thread: one shard's.
#pragma once

#include "common/base/time.h"
#include "pool/core/coherence_types.h"
#include "pool/core/duplicate_filter.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

// Exactly 16 lower-case hex digits, as in coherence.notify.
std::string coherence_job_id_text(CoherenceJobId id);
[[nodiscard]] bool parse_coherence_job_id(std::string_view text, CoherenceJobId& out);

class CoherenceBook {
 public:
  struct Entry {
    std::shared_ptr<const CoherenceJob> job;
    std::string notify_line;
    std::string notify_line_clean;
    DuplicateFilter seen;  // by attempt_key()
    std::optional<base::MonoTime> stale_since;
  };

  // Null: there is none now, and what was given out is stale.
  // REQUIRES: job ids rise.
  void add(std::shared_ptr<const CoherenceJob> job, bool clean, base::MonoTime now);
  // Null when unknown: never given out, or too old. Valid until the next add().
  Entry* find(CoherenceJobId id);
  // What a miner should work on; null: nothing.
  const Entry* current() const;
  // Somebody who asks for coherence work may hope for it: there is some, or nobody has said yet
  // that there is none.
  bool is_promised() const { return !is_off_; }
  std::size_t size() const { return entries_.size(); }

 private:
  std::deque<Entry> entries_;  // by rising id
  bool is_off_ = false;
};

// What a shard remembers an attempt of a connection by: everything that the seed takes from the
// miner is fixed by these two and the job.
bitcoin::BlockHash attempt_key(std::uint64_t extranonce, std::uint64_t attempt);

}  // namespace pool
