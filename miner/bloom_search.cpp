#include "miner/bloom_search.h"

#include "common/base/assert.h"
#include "common/coherence/verify.h"

#include <algorithm>
#include <utility>

namespace miner {

BloomSearch::BloomSearch(std::uint32_t worker, std::uint32_t workers, const bloom::Kernel& kernel)
    : miner_(kernel), sink_([this](const bloom::Finished& finished) { look_at(finished); }) {
  ASSERT(worker < workers);
  miner_.start_at(worker, workers);
}

void BloomSearch::set_work(std::shared_ptr<const CoherenceWork> work) {
  work_ = std::move(work);
  if (!work_ || (has_job_ && work_->job == job_)) return;
  job_ = work_->job;
  has_job_ = miner_.set_job(job_);
  if (!has_job_) work_.reset();
}

void BloomSearch::step(std::uint32_t rounds, const Verbs& verbs) {
  if (!work_) return;
  candidates_.clear();
  miner_.run(rounds, sink_);
  std::sort(candidates_.begin(), candidates_.end(),
            [](const Candidate& a, const Candidate& b) { return a.value < b.value; });
  candidates_.resize(std::min(candidates_.size(), confirmed_per_step_max));
  for (const Candidate& candidate : candidates_) {
    const bool is_block = candidate.value < work_->block_target;
    const Appetite appetite = verbs.appetite();
    if (appetite == Appetite::nothing || (appetite == Appetite::blocks && !is_block)) return;
    if (coherence::verify(work_->job, candidate.claim, work_->target)) {
      ++wrong_blooms_;
      continue;
    }
    if (!verbs.found({work_, candidate.claim, candidate.work_hash, is_block})) return;
  }
}

void BloomSearch::look_at(const bloom::Finished& finished) {
  if (!finished.bloom) return;
  Candidate candidate;
  candidate.claim = coherence::claim_of(finished.attempt, *finished.bloom);
  candidate.work_hash = coherence::work_hash_of(work_->job.header, candidate.claim);
  candidate.value = base::U256::from_le_bytes(candidate.work_hash);
  if (candidate.value < work_->target) candidates_.push_back(candidate);
}

}  // namespace miner
