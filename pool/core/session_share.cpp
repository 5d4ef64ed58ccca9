// Submits and their verdicts. The order of the tests is docs/stratum.md's: whatever is wrong with a
// share, a block in it is sent first.
#include "common/base/test_faults.h"
#include "common/stratum/codec.h"
#include "pool/core/limits.h"
#include "pool/core/session.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pool {

using stratum::RejectReason;

namespace {

constexpr std::size_t shown_field_bytes_max = 64;  // of what a refused submit is shown with

std::string_view explain(RejectReason reason) {
  return reason == RejectReason::bad_extranonce2 ? "expected 16 hex digits" : std::string_view{};
}

RejectRecord record_of(const RejectedSubmit& reject, const WorkerName& worker) {
  RejectRecord record;
  record.time_us = reject.time_us;
  record.address = worker.address;
  record.worker_name = worker.name;
  record.reason = reject.reason;
  record.detail = reject.detail;
  record.user_agent = reject.user_agent;
  record.job_id = reject.job_id;
  record.ntime = reject.ntime;
  record.nonce = reject.nonce;
  record.version_bits = reject.version_bits;
  record.height = reject.height;
  record.stale_ms = reject.stale_ms;
  record.difficulty = reject.difficulty;
  record.share_difficulty = reject.share_difficulty;
  record.hash = reject.hash;
  return record;
}

}  // namespace

void Session::on_message(const Id& id, const stratum::Submit& m, base::Instant now) {
  Judged share{m};
  share.worker = workers_.find(m.worker_name, shard_.options.network);
  std::array<std::uint8_t, limits::extranonce2_size> extranonce2;
  const bool whole = base::decode_hex(m.extranonce2_hex, extranonce2).has_value();
  if (whole) share.extranonce2 = extranonce2;
  const Extranonce1* extranonce1 = nullptr;
  mining::JobId job_id;
  if (mining::parse_job_id(m.job_id, job_id)) {
    share.entry = shard_.jobs.find(job_id);
    extranonce1 = &extranonce1_for(job_id);
    share.extranonce1 = *extranonce1;
  }
  if (share.entry != nullptr && difficulty_.announced()) {
    share.difficulty = &difficulty_.history().for_job(job_id);
  }
  share.version_mask = masks_.for_job(job_id);
  if (const auto reason = examine(share, now))
    return refuse(id, share, *reason, explain(*reason), now);
  JobBook::Entry* entry = shard_.jobs.find(job_id);
  switch (entry->seen.insert(share.verdict.hash)) {
    case DuplicateFilter::Verdict::duplicate:
      return refuse(id, share, RejectReason::duplicate, {}, now);
    case DuplicateFilter::Verdict::full:
      return refuse(id, share, RejectReason::not_stored, "too many shares for one job", now);
    case DuplicateFilter::Verdict::fresh:
      return accept(id, share, now);
  }
}

// The first reason to refuse it, but for duplicates. A share that can be hashed is hashed, and is
// on its way if it is a block, whatever else is wrong with it.
std::optional<RejectReason> Session::examine(Judged& share, base::Instant now) {
  const bool can_be_hashed = subscribed_ && share.entry != nullptr && !share.extranonce2.empty();
  if (can_be_hashed) {
    const auto& stale_since = share.entry->stale_since;
    mining::ShareRules rules;
    // Before the first job here a share can't be good, but may be a block: a miner that comes back
    // knows the job from its last connection.
    if (share.difficulty != nullptr) rules.share_target = share.difficulty->target;
    rules.version_mask = share.version_mask;
    rules.extranonce2_size = limits::extranonce2_size;
    rules.stale = stale_since && now.mono - *stale_since >= shard_.options.stale_grace;
    rules.now = now.unix_seconds();
    const stratum::Submit& m = share.submit;
    share.verdict = mining::check_share(
        *share.entry->job,
        {share.extranonce1, share.extranonce2, m.ntime, m.nonce, m.version_bits.value_or(0), tier_},
        rules);
    if (share.verdict.is_block) submit_candidate(share, now);
  }
  if (!subscribed_) return RejectReason::not_subscribed;
  if (share.worker == nullptr) return RejectReason::unauthorized;
  if (share.difficulty == nullptr) return RejectReason::job_not_found;
  if (share.extranonce2.empty()) return RejectReason::bad_extranonce2;
  return share.verdict.reject;
}

void Session::submit_candidate(Judged& share, base::Instant now) {
  const mining::Job& job = *share.entry->job;
  if (!shard_.candidates.should_send(job.prev_hash(), share.verdict.hash)) return;
  BlockCandidateRecord record;
  record.coinbase =
      bitcoin::assemble_coinbase(job.work(tier_).coinbase, share.extranonce1, share.extranonce2);
  record.time_us = now.unix_micros();
  record.address = share.worker != nullptr ? share.worker->address : shard_.options.payout_address;
  record.worker_name = share.worker != nullptr ? share.worker->name : "unauthorized";
  record.height = job.height();
  record.hash = share.verdict.hash;
  record.header = share.verdict.header;
  record.reward = job.coinbase_value;
  record.network_difficulty = job.network_target().difficulty();
  record.share_difficulty = bitcoin::hash_difficulty(share.verdict.hash.bytes);
  record.merkle_branch = job.merkle_branch;
  // Before anything else is done with the share, the block is on its way.
  FoundBlock block{share.entry->job, share.verdict.header, share.verdict.hash,
                   record.coinbase,  shard_.options.index, std::move(record)};
  shard_.host.submit_block(std::move(block));
  ++shard_.stats.blocks_found;
  shard_.candidates_in_flight.insert(share.verdict.hash);
}

void Session::accept(const Id& id, const Judged& share, base::Instant now) {
  const mining::Job& job = *share.entry->job;
  ShareRecord record;
  record.time_us = now.unix_micros();
  record.address = share.worker->address;
  record.worker_name = share.worker->name;
  record.height = job.height();
  record.job_id = job.id.value;
  record.difficulty = share.difficulty->difficulty.value();
  record.work = share.difficulty->work;
  record.share_difficulty = bitcoin::hash_difficulty(share.verdict.hash.bytes);
  record.hash = share.verdict.hash;
  const AppendId append = shard_.outbox.add(record);

  note_accepted(*share.worker, now);
  PendingReply pending;
  pending.append = append;
  pending.connection = id_;
  pending.request = id;
  pending.job = job.id;
  pending.hash = share.verdict.hash;
  pending.work = share.difficulty->work;
  pending.share_difficulty = record.share_difficulty;
  pending.received_at = now.mono;
  // Also when it was another submit that brought the block.
  pending.waits_for_vault = shard_.candidates_in_flight.contains(share.verdict.hash);
  shard_.pending.add(std::move(pending));
  ++answers_waiting_;
  // A miner far too fast should not flood until its next tick.
  difficulty_.on_share(record.share_difficulty, now.mono);
  if (difficulty_.retarget(network_difficulty(), now.mono) == DifficultyControl::Urgency::now) {
    renotify(now);
  }
}

void Session::note_accepted(const WorkerName& worker, base::Instant now) {
  shard_.connected.on_share(worker, now.unix_micros());
  last_accepted_at_ = now.mono;
  only_rejects_at_.reset();
  only_rejects_steps_ = 0;
  unauthorized_submits_ = 0;  // a proxy's worker that had to make room for others is no attack
}

void Session::refuse(const Id& id, const Judged& share, RejectReason reason,
                     std::string_view detail, base::Instant now) {
  keep_reject(share, reason, detail, now);
  reject(id, reason, detail);
  after_refusal(reason, now);
}

void Session::after_refusal(RejectReason reason, base::Instant now) {
  if (mining_) help_stuck_miner(now);
  if (reason == RejectReason::unauthorized && !base::fault("unauthorized_for_ever") &&
      ++unauthorized_submits_ >= limits::unauthorized_submits_max) {
    close(CloseReason::too_many_unauthorized);
  }
}

void Session::keep_reject(const Judged& share, RejectReason reason, std::string_view detail,
                          base::Instant now) {
  if (share.worker == nullptr) {
    static_cast<void>(shard_.reject_sums.add({}, {}, reason));
    return;
  }
  const stratum::Submit& m = share.submit;
  RejectedSubmit kept;
  kept.reason = reason;
  kept.detail = detail;
  kept.job_id = m.job_id;
  kept.extranonce1 =
      base::to_hex(share.extranonce1.empty() ? base::ByteSpan(extranonce1_) : share.extranonce1);
  kept.extranonce2 = clean_text(m.extranonce2_hex, shown_field_bytes_max);
  kept.ntime = m.ntime;
  kept.nonce = m.nonce;
  kept.version_bits = m.version_bits;
  kept.version_mask = share.version_mask;
  if (share.entry != nullptr) {
    kept.height = share.entry->job->height();
    kept.job_age_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.mono - share.entry->since)
            .count();
    if (const auto& since = share.entry->stale_since) {
      kept.stale_ms =
          std::chrono::duration_cast<std::chrono::milliseconds>(now.mono - *since).count();
    }
  }
  if (share.verdict.hashed) {
    kept.hash = share.verdict.hash;
    kept.share_difficulty = bitcoin::hash_difficulty(share.verdict.hash.bytes);
    if (share.difficulty != nullptr) kept.difficulty = share.difficulty->difficulty.value();
  }
  keep_reject(std::move(kept), *share.worker, now);
}

// Fills in what is the same for every kind of submit; `kept` has the rest, as the miner wrote it.
void Session::keep_reject(RejectedSubmit kept, const WorkerName& worker, base::Instant now) {
  const bool in_full = shard_.reject_sums.add(worker.address, worker.name, kept.reason);
  if (base::fault("rejects_not_told")) return;
  kept.time_us = now.unix_micros();
  kept.worker = worker.full();
  kept.user_agent = user_agent_;
  kept.detail = clean_text(kept.detail, limits::user_agent_bytes_max);
  kept.job_id = clean_text(kept.job_id, shown_field_bytes_max);
  if (in_full) shard_.outbox.add(record_of(kept, worker));
  if (shard_.rejects.size() == limits::rejects_told_max) shard_.rejects.pop_front();
  shard_.rejects.push_back(std::move(kept));
}

}  // namespace pool
