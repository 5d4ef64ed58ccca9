// The second kind of work on a connection: who asked for it gets an extranonce, a target and jobs
// of its own, and its submits go to a verifier before they count.
//
// What costs nothing is looked at first, in the order of docs/stratum.md; then a verifier replays
// the attempt; then the journal writes it; then the miner is told.
#include "common/coherence/difficulty.h"
#include "common/stratum/codec.h"
#include "pool/core/coherence_side.h"
#include "pool/core/limits.h"
#include "pool/core/session.h"

#include <fmt/format.h>

#include <utility>

namespace pool {

using stratum::RejectReason;

namespace {

constexpr std::uint32_t coherence_version = 1;
constexpr std::uint32_t q_most = 65535;  // r_q and psi_q are 16 bits wide
constexpr std::string_view submit_again = "submit it again";

// The first number that no bloom has; empty: each could be one's.
std::string out_of_range(const stratum::CoherenceSubmit& m) {
  const auto wrong = [](std::string_view name, std::uint32_t value, std::uint32_t least,
                        std::uint32_t most) {
    if (value >= least && value <= most) return std::string();
    return fmt::format("{}: {} is not from {} to {}", name, value, least, most);
  };
  std::string why = wrong("bloom_end", m.bloom_end, coherence::bloom_states - 1,
                          coherence::states_per_attempt - 1);
  if (why.empty()) why = wrong("r_q", m.r_q, coherence::r_q_least, q_most);
  if (why.empty()) why = wrong("psi_q", m.psi_q, 0, q_most);
  return why;
}

coherence::Claim claim_of(const stratum::CoherenceSubmit& m) {
  coherence::Claim claim;
  claim.attempt = m.attempt;
  claim.bloom_end = m.bloom_end;
  claim.r_q = static_cast<std::uint16_t>(m.r_q);
  claim.psi_q = static_cast<std::uint16_t>(m.psi_q);
  claim.cert_hash = m.cert_hash;
  return claim;
}

// The hardest share that no block of the proof chain could hide behind.
bitcoin::Difficulty hardest_share(const CoherenceBook::Entry* entry) {
  return entry != nullptr
             ? bitcoin::hardest_share(bitcoin::Target256(entry->job->block_target.to_le_bytes()))
             : *bitcoin::Difficulty::from_double(bitcoin::Difficulty::most);
}

}  // namespace

// ---------------------------------------------------------------- asking for it

// A version that is missing, unreadable or not ours takes it back as well: each configure with the
// extension replaces what the one before agreed on.
bool Session::grant_coherence(std::optional<std::uint32_t> version, bool only, base::Instant now) {
  const bool granted = shard_.options.coherence.enabled && version == coherence_version &&
                       shard_.coherence.is_promised();
  if (granted) {
    give_coherence(only, now);
  } else {
    drop_coherence();
  }
  return granted;
}

// Another shard has said yes to it.
void Session::regrant_coherence(bool only, base::Instant now) {
  if (shard_.options.coherence.enabled) give_coherence(only, now);
}

void Session::give_coherence(bool only, base::Instant now) {
  if (coherence_ == nullptr) {
    coherence_ = std::make_unique<CoherenceSide>(shard_.options.coherence.difficulty,
                                                 shard_.issue_coherence_extranonce(), now.mono);
  }
  coherence_->granted = true;
  coherence_->only = only;
}

void Session::drop_coherence() {
  shard_.coherence_clients.erase(id_);
  if (coherence_ == nullptr) return;
  coherence_->granted = coherence_->only = coherence_->begun = coherence_->told_target = false;
}

bool Session::wants_sha256() const { return coherence_ == nullptr || !coherence_->only; }

std::string Session::coherence_key() const { return miner_key_ + "\n\ncoherence"; }

void Session::begin_coherence(base::Instant now) {
  if (!mining_ || closing_ || coherence_ == nullptr) return;
  if (!coherence_->granted || coherence_->begun) return;
  coherence_->begun = true;
  shard_.coherence_clients.insert(id_);
  if (const auto last = shard_.difficulties.recall(coherence_key(), now.mono)) {
    coherence_->difficulty.on_remembered(*last);
  }
  shard_.host.send(id_, stratum::write_coherence_set_extranonce(coherence_->extranonce));
  if (const auto* entry = shard_.coherence.current()) send_coherence_job(*entry, true, now);
}

// ---------------------------------------------------------------- jobs

void Session::on_coherence_job(const CoherenceBook::Entry& entry, bool clean, base::Instant now) {
  if (closing_ || coherence_ == nullptr || !coherence_->begun) return;
  const bool first = !coherence_->told_target;
  send_coherence_job(entry, clean || entry.job->clean || first, now);
}

// The same job may go out twice: to a miner that is to let go of what it works on. Then nothing
// changes but that.
void Session::send_coherence_job(const CoherenceBook::Entry& entry, bool clean, base::Instant now) {
  CoherenceSide& side = *coherence_;
  const mining::JobId id{entry.job->id.value};
  bool changed = false;
  if (!side.last_job || *side.last_job < id) {
    const bitcoin::Difficulty block = hardest_share(&entry);
    if (side.difficulty.announced()) {
      static_cast<void>(side.difficulty.retarget(block, now.mono));
    }
    changed = side.difficulty.announce(id, block, now.mono).has_value();
    side.last_job = id;
  }
  const bool told = std::exchange(side.told_target, true);
  if (changed || !told) {
    const base::U256 target = share_target(side.difficulty.history().latest());
    shard_.host.send(id_, stratum::write_coherence_set_target(target));
  }
  shard_.host.send(id_, clean ? entry.notify_line_clean : entry.notify_line);
}

// What was asked of its vardiff goes out with the next job, which is never far.
void Session::tick_coherence(base::Instant now) {
  if (coherence_ == nullptr || !coherence_->difficulty.announced()) return;
  static_cast<void>(
      coherence_->difficulty.retarget(hardest_share(shard_.coherence.current()), now.mono));
}

// ---------------------------------------------------------------- submits

void Session::on_message(const Id& id, const stratum::CoherenceSubmit& m, base::Instant now) {
  ProofJudged proof{m};
  if (const auto reason = examine(proof, now)) {
    return refuse(id, proof, *reason, proof.detail, now);
  }
  if (!send_to_verifier(id, proof, now)) {
    proof.entry->seen.erase(attempt_key(coherence_->extranonce, m.attempt));
    refuse(id, proof, RejectReason::verifier_busy, submit_again, now);
  }
}

// The first reason to refuse it that can be seen without a replay. When there is none, its attempt
// has been noted as seen.
std::optional<RejectReason> Session::examine(ProofJudged& proof, base::Instant now) {
  const stratum::CoherenceSubmit& m = proof.submit;
  if (coherence_ == nullptr || !coherence_->granted) {
    proof.detail = "ask for it in mining.configure";
    return RejectReason::coherence_off;
  }
  if (!subscribed_) return RejectReason::not_subscribed;
  proof.worker = workers_.find(m.worker_name, shard_.options.network);
  if (proof.worker == nullptr) return RejectReason::unauthorized;
  proof.detail = out_of_range(m);
  if (!proof.detail.empty()) return RejectReason::bad_claim;
  CoherenceJobId job_id;
  if (parse_coherence_job_id(m.job_id, job_id)) proof.entry = shard_.coherence.find(job_id);
  if (proof.entry == nullptr || !coherence_->difficulty.announced()) {
    return RejectReason::job_not_found;
  }
  const auto& stale_since = proof.entry->stale_since;
  if (stale_since && now.mono - *stale_since >= shard_.options.stale_grace) {
    return RejectReason::stale;
  }
  return judge_hash(proof);
}

std::optional<RejectReason> Session::judge_hash(ProofJudged& proof) {
  const stratum::CoherenceSubmit& m = proof.submit;
  const CoherenceJob& job = *proof.entry->job;
  const bitcoin::BlockHash key = attempt_key(coherence_->extranonce, m.attempt);
  switch (proof.entry->seen.insert(key)) {
    case DuplicateFilter::Verdict::duplicate:
      return RejectReason::duplicate;
    case DuplicateFilter::Verdict::full:
      proof.detail = "too many proofs for one job";
      return RejectReason::not_stored;
    case DuplicateFilter::Verdict::fresh:
      break;
  }
  // Who speaks this extension obeys a target from its job on; credit for an easier one would be too
  // little for what a proof took.
  proof.difficulty = &coherence_->difficulty.history().announced_for(mining::JobId{job.id.value});
  proof.target = share_target(*proof.difficulty);
  proof.work_hash = coherence::work_hash_of(job.header, claim_of(m));
  if (coherence::meets(*proof.work_hash, proof.target)) return std::nullopt;
  proof.entry->seen.erase(key);
  proof.detail = "the work hash is not below the target";
  return RejectReason::low_difficulty;
}

// False: there is no room for it anywhere, and nothing is left of it.
bool Session::send_to_verifier(const Id& id, const ProofJudged& proof, base::Instant now) {
  CoherenceSide& side = *coherence_;
  if (side.proofs_waiting >= limits::proofs_per_connection_max) return false;
  if (shard_.proofs.verifying() >= limits::proofs_per_shard_max) return false;
  PendingProof pending;
  pending.connection = id_;
  pending.request = id;
  pending.worker = *proof.worker;
  pending.job = proof.entry->job;
  pending.extranonce = side.extranonce;
  pending.claim = claim_of(proof.submit);
  pending.work_hash = *proof.work_hash;
  pending.target = proof.target;
  pending.work = coherence::work_of(pending.job->level, proof.target);
  const std::string worker = proof.worker->full();
  const auto last = side.last_proof_at.find(worker);
  if (last != side.last_proof_at.end()) {
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(now.mono - last->second);
    pending.took_us = took.count();
  }
  ProofToVerify asked{shard_.options.index, 0, pending.job, pending.extranonce, pending.claim};
  asked.ticket = shard_.proofs.add(std::move(pending));
  const std::uint64_t ticket = asked.ticket;
  if (!shard_.host.verify(std::move(asked))) {
    static_cast<void>(shard_.proofs.take(ticket));
    return false;
  }
  ++side.proofs_waiting;
  if (side.last_proof_at.size() >= limits::workers_per_connection_max) side.last_proof_at.clear();
  side.last_proof_at[worker] = now.mono;
  return true;
}

// ---------------------------------------------------------------- verdicts

void Session::on_true_proof(const PendingProof& proof, base::Instant now) {
  note_accepted(proof.worker, now);
  coherence_->difficulty.on_share(bitcoin::hash_difficulty(proof.work_hash), now.mono);
  static_cast<void>(
      coherence_->difficulty.retarget(hardest_share(shard_.coherence.current()), now.mono));
}

// Bit for bit the replay of honest work is the same, so this one's was not done.
void Session::on_false_proof(const PendingProof& proof, coherence::Flaw flaw, base::Instant now) {
  if (closing_) return;
  RejectedSubmit kept;
  kept.reason = RejectReason::false_proof;
  kept.detail = coherence::describe(flaw);
  kept.job_id = coherence_job_id_text(proof.job->id);
  kept.extranonce1 = base::u64_hex(proof.extranonce);
  kept.hash = bitcoin::BlockHash{proof.work_hash};
  kept.share_difficulty = bitcoin::hash_difficulty(proof.work_hash);
  keep_reject(std::move(kept), proof.worker, now);
  if (!proof.request.is_notification()) {
    shard_.host.send(id_, stratum::write_reject(proof.request, RejectReason::false_proof,
                                                coherence::describe(flaw)));
  }
  shard_.offend(peer_, Offence::false_proof, now.mono);
  close(CloseReason::false_proof);
}

void Session::on_proof_answered() { --coherence_->proofs_waiting; }

// ---------------------------------------------------------------- refusals

void Session::refuse(const Id& id, const ProofJudged& proof, RejectReason reason,
                     std::string_view detail, base::Instant now) {
  ++shard_.stats.coherence.rejects[static_cast<std::size_t>(reason)];
  if (proof.worker == nullptr) {
    static_cast<void>(shard_.reject_sums.add({}, {}, reason));
  } else {
    RejectedSubmit kept;
    kept.reason = reason;
    kept.detail = detail;
    kept.job_id = proof.submit.job_id;
    if (coherence_ != nullptr) kept.extranonce1 = base::u64_hex(coherence_->extranonce);
    if (proof.entry != nullptr && proof.entry->stale_since) {
      const auto stale = now.mono - *proof.entry->stale_since;
      kept.stale_ms = std::chrono::duration_cast<std::chrono::milliseconds>(stale).count();
    }
    if (proof.work_hash) {
      kept.hash = bitcoin::BlockHash{*proof.work_hash};
      kept.share_difficulty = bitcoin::hash_difficulty(*proof.work_hash);
      kept.difficulty = proof.difficulty->difficulty.value();
    }
    keep_reject(std::move(kept), *proof.worker, now);
  }
  reply(id, stratum::write_reject(id, reason, detail));
  // Verifiers that are full are no fault of the miner's.
  if (reason != RejectReason::verifier_busy) after_refusal(reason, now);
}

}  // namespace pool
