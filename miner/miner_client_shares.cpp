// A share's way through the client: queued, submitted, answered.
#include "common/stratum/codec.h"
#include "miner/miner_client.h"
#include "miner/refusal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace miner {

void MinerClient::on_share(FoundShare share, base::MonoTime now) {
  if (!connected_ || share.work->epoch != epoch_) {
    ++counters_.dropped_stale;
    return;
  }
  std::deque<FoundShare>& queue = share.is_block ? blocks_queued_ : queued_;
  if (queue.size() == options_.queued_max) {
    ++counters_.dropped_full;
    return;
  }
  queue.push_back(std::move(share));
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

void MinerClient::flush(base::MonoTime now) {
  allowance_.refill(now);
  while (queued() > 0 && unanswered_.size() < options_.unanswered_max && allowance_.has()) {
    std::deque<FoundShare>& queue = blocks_queued_.empty() ? queued_ : blocks_queued_;
    const FoundShare share = std::move(queue.front());
    queue.pop_front();
    // Bits that the pool has since forbidden (mining.set_version_mask).
    if ((share.version_bits.value_or(0) & ~version_mask_.value_or(0)) != 0) {
      ++counters_.dropped_stale;
      continue;
    }
    if (!submitted_hashes_.insert(share.hash)) {
      ++counters_.dropped_repeat;
      continue;
    }
    allowance_.take();
    submit(share, now);
  }
}

void MinerClient::submit(const FoundShare& share, base::MonoTime now) {
  stratum::Submit request;
  request.worker_name = options_.username;
  request.job_id = share.work->notify.job_id;
  request.extranonce2_hex = base::to_hex(share.extranonce2);
  request.ntime = share.ntime;
  request.nonce = share.nonce;
  request.version_bits = share.version_bits;
  const std::uint64_t id = next_id_++;
  unanswered_[id] = {now, std::make_shared<const FoundShare>(share)};
  counters_.best_share = std::max(counters_.best_share, bitcoin::hash_difficulty(share.hash.bytes));
  if (share.is_block) ++counters_.blocks_found;
  host_.send(stratum::write_submit(id, request));
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
  ++counters_.rejected;
  const std::string reason = reason_text(answer);
  counters_.reject_reasons.count(reason);
  host_.report({ClientEventKind::rejected, fmt::format("{} rejected: {}", name, reason),
                submitted.share, nullptr});
  if (is_disowned(answer)) fail("the pool no longer knows this worker", refused_pause);
}

void MinerClient::drop_queued() {
  counters_.dropped_stale += queued();
  blocks_queued_.clear();
  queued_.clear();
}

}  // namespace miner
