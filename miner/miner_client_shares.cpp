// A share's way through the client: queued, submitted, answered; and over the end of its
// connection.
#include "common/stratum/codec.h"
#include "miner/miner_client.h"
#include "miner/refusal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace miner {
namespace {

std::uint32_t hashed_version(const FoundShare& share) {
  const std::uint32_t job = share.work->notify.version;
  const std::uint32_t mask = share.work->version_mask.value_or(0);
  return (job & ~mask) | (share.version_bits.value_or(job) & mask);
}

}  // namespace

void MinerClient::on_share(FoundShare share, base::MonoTime now) {
  if (!connected_ || share.work->epoch != epoch_) {
    ++counters_.dropped_stale;
    return;
  }
  std::deque<Queued>& queue = share.is_block ? blocks_queued_ : queued_;
  if (queue.size() >= options_.queued_max) {
    ++counters_.dropped_full;
    return;
  }
  queue.push_back({std::move(share)});
  flush(now);
}

void MinerClient::on_proof(FoundProof proof, base::MonoTime now) {
  if (coherence_) coherence_->on_proof(std::move(proof), now);
}

Appetite MinerClient::appetite() const {
  if (blocks_queued_.size() >= options_.queued_max / 2) return Appetite::nothing;
  if (queued_.size() >= options_.queued_max / 2) return Appetite::blocks;
  return Appetite::shares;
}

// The pool makes the version of the job's, and of the share's bits under its mask, which may be
// another by now (mining.set_version_mask): that has to come to what was hashed.
bool MinerClient::fits_mask(const FoundShare& share) const {
  const std::uint32_t changed = share.work->notify.version ^ hashed_version(share);
  return (changed & ~version_mask_.value_or(0)) == 0;
}

void MinerClient::flush(base::MonoTime now) {
  allowance_.refill(now);
  while (queued() > 0 && unanswered_.size() < options_.unanswered_max && allowance_.has()) {
    std::deque<Queued>& queue = blocks_queued_.empty() ? queued_ : blocks_queued_;
    Queued next = std::move(queue.front());
    queue.pop_front();
    if (!fits_mask(next.share)) {
      count_dropped(next);
      continue;
    }
    if (!submitted_hashes_.insert(next.share.hash) && !next.again) {
      ++counters_.dropped_repeat;
      continue;
    }
    allowance_.take();
    submit(std::move(next), now);
  }
}

void MinerClient::submit(Queued&& queued, base::MonoTime now) {
  const FoundShare& share = queued.share;
  stratum::Submit request;
  request.worker_name = options_.username;
  request.job_id = share.work->notify.job_id;
  request.extranonce2_hex = base::to_hex(share.extranonce2);
  request.ntime = share.ntime;
  request.nonce = share.nonce;
  if (version_mask_ || share.version_bits) {
    request.version_bits = hashed_version(share) & version_mask_.value_or(0);
  }
  const std::uint64_t id = next_id_++;
  counters_.best_share = std::max(counters_.best_share, bitcoin::hash_difficulty(share.hash.bytes));
  if (queued.again) {
    ++counters_.resubmitted;
  } else if (share.is_block) {
    ++counters_.blocks_found;
  }
  host_.send(stratum::write_submit(id, request));
  unanswered_[id] = {std::make_shared<const FoundShare>(std::move(queued.share)), now,
                     queued.again};
}

void MinerClient::on_submit_answer(const Submitted& submitted,
                                   const stratum::ServerResponse& answer) {
  const FoundShare& share = *submitted.share;
  const std::string_view name = share.is_block ? "block" : "share";
  if (answer.accepted) {
    ++counters_.accepted;
    counters_.difficulty_accepted += share.work->difficulty.value();
    if (share.is_block) ++counters_.blocks_accepted;
    host_.report(
        {ClientEventKind::accepted, fmt::format("{} accepted", name), submitted.share, nullptr});
    return;
  }
  const int known = stratum::reject_code(stratum::RejectReason::duplicate);
  if (submitted.again && answer.error_code == known) {
    ++counters_.resubmitted_known;
    return;
  }
  ++counters_.rejected;
  const std::string reason = reason_text(answer);
  counters_.reject_reasons.count(reason);
  host_.report({ClientEventKind::rejected, fmt::format("{} rejected: {}", name, reason),
                submitted.share, nullptr});
  if (is_disowned(answer)) fail("the pool no longer knows this worker", refused_pause);
}

void MinerClient::count_dropped(const Queued& queued) {
  ++(queued.again ? counters_.unanswered_lost : counters_.dropped_stale);
}

void MinerClient::drop_queued() {
  for (const Queued& queued : blocks_queued_) count_dropped(queued);
  for (const Queued& queued : queued_) count_dropped(queued);
  blocks_queued_.clear();
  queued_.clear();
}

// --- over the end of a connection ---

std::size_t MinerClient::unanswered() const {
  const auto again =
      std::count_if(kept_.begin(), kept_.end(), [](const Queued& kept) { return kept.again; });
  return unanswered_.size() + static_cast<std::size_t>(again);
}

bool MinerClient::is_of_this_tip(const FoundShare& share) const {
  return work_ && share.work->notify.prev_hash == work_->notify.prev_hash;
}

// Shares of the current tip; at most as many as may wait and be unanswered, since those of an
// earlier connection have gone out or been dropped before a share of this one is found.
void MinerClient::keep_shares() {
  if (!connected_) return;
  if (kept_.empty()) kept_since_ = now_;
  const bool may_resume = !session_id_.empty() && options_.resume_window.count() > 0;
  for (auto& [id, submitted] : unanswered_) {
    if (may_resume && is_of_this_tip(*submitted.share)) {
      kept_.push_back({*submitted.share, true});
    } else {
      ++counters_.unanswered_lost;
    }
  }
  unanswered_.clear();
  for (std::deque<Queued>* queue : {&blocks_queued_, &queued_}) {
    if (!may_resume) break;
    for (Queued& queued : *queue) {
      if (!is_of_this_tip(queued.share)) continue;
      kept_.push_back(std::move(queued));
    }
    std::erase_if(*queue, [](const Queued& queued) { return queued.share.work == nullptr; });
  }
}

void MinerClient::drop_kept() {
  for (const Queued& kept : kept_) count_dropped(kept);
  kept_.clear();
}

// With the first job of a session that goes on: it tells which tip the pool is at.
void MinerClient::resubmit_kept() {
  if (kept_.empty() || !resumes_) return;
  std::size_t count = 0;
  for (Queued& kept : std::exchange(kept_, {})) {
    const Work& work = *kept.share.work;
    const bool valid = is_of_this_tip(kept.share) && work.extranonce1 == extranonce1_ &&
                       work.extranonce2_size == extranonce2_size_;
    if (!valid) {
      count_dropped(kept);
      continue;
    }
    (kept.share.is_block ? blocks_queued_ : queued_).push_back(std::move(kept));
    ++count;
  }
  if (count == 0) return;
  host_.report({ClientEventKind::message,
                fmt::format("session resumed: {} share{} of the last connection submitted", count,
                            count == 1 ? "" : "s")});
}

}  // namespace miner
