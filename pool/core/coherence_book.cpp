#include "pool/core/coherence_book.h"

#include "common/base/assert.h"
#include "common/base/bytes.h"
#include "common/crypto/sha256.h"
#include "common/mining/job.h"
#include "common/stratum/codec.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pool {

std::string coherence_job_id_text(CoherenceJobId id) { return base::u64_hex(id.value); }

bool parse_coherence_job_id(std::string_view text, CoherenceJobId& out) {
  mining::JobId id;
  if (!mining::parse_job_id(text, id)) return false;
  out = CoherenceJobId{id.value};
  return true;
}

void CoherenceBook::add(std::shared_ptr<const CoherenceJob> job, bool clean, base::MonoTime now) {
  is_off_ = job == nullptr;
  if (is_off_ || clean || job->clean) {
    for (Entry& entry : entries_) {
      if (!entry.stale_since) entry.stale_since = now;
    }
  }
  if (is_off_) return;
  ASSERT(entries_.empty() || entries_.back().job->id < job->id);
  stratum::CoherenceNotify notify;
  notify.job_id = coherence_job_id_text(job->id);
  notify.header = job->header;
  notify.params = job->params;
  notify.height = job->height;
  std::string line = stratum::write_coherence_notify(notify);
  notify.clean = true;
  entries_.push_back(Entry{std::move(job),
                           std::move(line),
                           stratum::write_coherence_notify(notify),
                           DuplicateFilter(limits::proofs_per_job_max),
                           {}});
  if (entries_.size() > limits::coherence_jobs_kept_max) entries_.pop_front();
}

CoherenceBook::Entry* CoherenceBook::find(CoherenceJobId id) {
  const auto found = std::lower_bound(
      entries_.begin(), entries_.end(), id,
      [](const Entry& entry, CoherenceJobId wanted) { return entry.job->id < wanted; });
  return found != entries_.end() && found->job->id == id ? &*found : nullptr;
}

const CoherenceBook::Entry* CoherenceBook::current() const {
  return is_off_ || entries_.empty() ? nullptr : &entries_.back();
}

// Attempts are counted up, often in steps of a power of two, and the filter wants what is as good
// as random.
bitcoin::BlockHash attempt_key(std::uint64_t extranonce, std::uint64_t attempt) {
  std::array<std::uint8_t, 16> both{};
  base::write_le64(both, extranonce);
  base::write_le64(std::span(both).subspan(8), attempt);
  return bitcoin::BlockHash{crypto::sha256(both)};
}

}  // namespace pool
