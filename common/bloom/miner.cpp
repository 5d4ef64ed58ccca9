#include "common/bloom/bloom.h"

#include <algorithm>

namespace bloom {

Miner::Miner(const Kernel& kernel) : lanes_(kernel), attempts_(kernel.lanes.count) {}

bool Miner::set_job(const coherence::Job& job) {
  lanes_.clear();
  const std::optional<std::uint32_t> level = coherence::level_of(job.params);
  job_.reset();
  if (!level) return false;
  job_ = job;
  level_ = *level;
  return true;
}

void Miner::start_at(std::uint64_t first, std::uint64_t stride) {
  next_attempt_ = first;
  stride_ = stride;
}

void Miner::refill(std::uint32_t lane) {
  attempts_[lane] = next_attempt_;
  const crypto::Digest seed = coherence::seed_of(*job_, next_attempt_);
  next_attempt_ += stride_;
  lanes_.put(lane,
             walk_from(coherence::phases_of(seed), level_, coherence::states_per_attempt - 1));
}

void Miner::finish(std::uint32_t lane, const Sink& sink) {
  const Walk walk = lanes_.take(lane);
  Finished finished;
  finished.attempt = attempts_[lane];
  if (walk.coherent == bloom_states) finished.bloom = bloom_of(walk);
  ++counters_.attempts;
  if (finished.bloom) ++counters_.blooms;
  sink(finished);
}

void Miner::run(std::uint32_t rounds_max, const Sink& sink) {
  if (!job_) return;
  for (std::uint32_t left = rounds_max; left > 0;) {
    for (std::uint32_t lane = 0; lane < lanes_.count(); ++lane) {
      if (!lanes_.is_busy(lane)) refill(lane);
    }
    const std::uint32_t steps = lanes_.run(left);
    left -= steps;
    counters_.rounds += std::uint64_t{steps} * lanes_.count();
    for (std::uint32_t lane = 0; lane < lanes_.count(); ++lane) {
      if (lanes_.has_ended(lane)) finish(lane, sink);
    }
  }
}

Miner::Best Miner::best() const {
  Best best;
  for (std::uint32_t lane = 0; lane < lanes_.count(); ++lane) {
    if (!lanes_.is_busy(lane)) continue;
    const Walk walk = lanes_.peek(lane);
    const std::uint16_t r_q = coherence::r_q_of(order_of(walk, bloom_states - 1));
    if (r_q > best.r_q) best = {walk.state, r_q};
  }
  return best;
}

}  // namespace bloom
