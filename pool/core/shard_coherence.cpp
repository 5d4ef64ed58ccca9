// Coherence work of a shard: its jobs to those that asked for them, its verdicts to the journal,
// and its answers back.
#include "common/base/assert.h"
#include "common/coherence/difficulty.h"
#include "common/stratum/codec.h"
#include "pool/core/shard.h"

#include <utility>

namespace pool {
namespace {

CoherenceProofRecord proof_record(const PendingProof& proof, const ProofVerdict& verdict,
                                  base::Instant now) {
  CoherenceProofRecord record;
  record.time_us = now.unix_micros();
  record.address = proof.worker.address;
  record.worker_name = proof.worker.name;
  record.chain_height = proof.job->height;
  record.header = proof.job->header;
  record.extranonce = proof.extranonce;
  record.attempt = proof.claim.attempt;
  record.params = proof.job->params;
  record.target = proof.target;
  record.work = proof.work;
  record.took_us = proof.took_us;
  record.certificate = verdict.certificate;
  record.work_hash = proof.work_hash;
  return record;
}

CoherenceBlockRecord block_record(const PendingProof& proof, base::Instant now) {
  CoherenceBlockRecord record;
  record.time_us = now.unix_micros();
  record.height = proof.job->height;
  record.hash = proof.work_hash;
  record.header = proof.job->header;
  record.params = proof.job->params;
  record.bitcoin_tip = proof.job->bitcoin_tip;
  record.stretches = proof.job->stretches;
  return record;
}

}  // namespace

void Shard::on_coherence_job(const std::shared_ptr<const CoherenceJob>& job, bool clean,
                             base::Instant now) {
  context_.coherence.add(job, clean, now.mono);
  const CoherenceBook::Entry* entry = context_.coherence.current();
  if (entry == nullptr || context_.draining) return;
  for (const ConnectionId id : context_.coherence_clients) {
    sessions_.at(id)->on_coherence_job(*entry, clean, now);
  }
}

// A proof counts, whether or not its miner is still there to hear of it.
void Shard::on_verdict(const ProofVerdict& verdict, base::Instant now) {
  auto proof = context_.proofs.take(verdict.ticket);
  ASSERT(proof);
  if (verdict.flaw) return refuse_proof(*proof, *verdict.flaw, now);
  accept_proof(std::move(*proof), verdict, now);
}

// The block's record follows the proof's in the same append: neither is ever stored alone.
void Shard::accept_proof(PendingProof proof, const ProofVerdict& verdict, base::Instant now) {
  AppendId append = context_.outbox.add(proof_record(proof, verdict, now));
  if (coherence::meets(proof.work_hash, proof.job->block_target)) {
    append = context_.outbox.add(block_record(proof, now));
    ++context_.stats.coherence.blocks_found;
  }
  if (Session* session = find_session(proof.connection)) session->on_true_proof(proof, now);
  context_.proofs.wait_for_disk(std::move(proof), append);
}

void Shard::refuse_proof(const PendingProof& proof, coherence::Flaw flaw, base::Instant now) {
  constexpr auto reason = stratum::RejectReason::false_proof;
  ++context_.stats.coherence.rejects[static_cast<std::size_t>(reason)];
  if (CoherenceBook::Entry* entry = context_.coherence.find(proof.job->id)) {
    entry->seen.erase(attempt_key(proof.extranonce, proof.claim.attempt));
  }
  if (Session* session = find_session(proof.connection)) {
    session->on_proof_answered();
    session->on_false_proof(proof, flaw, now);
  } else {
    static_cast<void>(context_.reject_sums.add(proof.worker.address, proof.worker.name, reason));
  }
}

void Shard::release(const PendingProof& proof) {
  ++context_.stats.coherence.proofs_accepted;
  context_.stats.coherence.work_accepted = context_.stats.coherence.work_accepted + proof.work;
  Session* session = find_session(proof.connection);
  if (session == nullptr) return;
  session->on_proof_answered();
  if (proof.request.is_notification()) return;
  context_.host.send(proof.connection, stratum::write_result_true(proof.request));
}

// It may be sent again.
void Shard::not_stored(const PendingProof& proof) {
  constexpr auto reason = stratum::RejectReason::not_stored;
  ++context_.stats.coherence.rejects[static_cast<std::size_t>(reason)];
  static_cast<void>(context_.reject_sums.add({}, {}, reason));
  if (CoherenceBook::Entry* entry = context_.coherence.find(proof.job->id)) {
    entry->seen.erase(attempt_key(proof.extranonce, proof.claim.attempt));
  }
  Session* session = find_session(proof.connection);
  if (session == nullptr) return;
  session->on_proof_answered();
  if (proof.request.is_notification()) return;
  context_.host.send(proof.connection, stratum::write_reject(proof.request, reason));
}

Session* Shard::find_session(ConnectionId id) {
  const auto session = sessions_.find(id);
  return session == sessions_.end() ? nullptr : session->second.get();
}

}  // namespace pool
