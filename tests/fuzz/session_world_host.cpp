// What the shards ask of the world, and whether they may.
#include "tests/fuzz/session_world.h"

#include "common/bitcoin/merkle.h"
#include "common/coherence/difficulty.h"
#include "common/crypto/sha256.h"
#include "pool/core/journal_format.h"
#include "pool/core/limits.h"
#include "tests/fuzz/fuzz_check.h"

#include <algorithm>

namespace fuzz {

namespace {

std::vector<pool::JournalRecord> records_of(const pool::JournalAppend& append) {
  base::Bytes frames;
  pool::append_frames(frames, append.payloads, 1);
  std::vector<pool::JournalRecord> records;
  base::ByteSpan rest = frames;
  while (!rest.empty()) {
    const auto frame = pool::parse_frame(rest);
    FUZZ_CHECK(frame);
    records.push_back(frame->record);
    rest = rest.subspan(frame->bytes);
  }
  return records;
}

}  // namespace

World::Connection* World::find(pool::ConnectionId id) {
  for (auto& connection : connections_) {
    if (connection && connection->id == id) return &*connection;
  }
  return nullptr;
}

void World::send(pool::ConnectionId to, std::string_view line) {
  Connection* connection = find(to);
  FUZZ_CHECK(connection != nullptr);  // a session outlived its connection
  connection->oracle.on_sent(line, phase_);
  remember_told(connection->oracle);
  check_verdicts(connection->oracle);
  const auto& told = connection->oracle.difficulties();
  difficulties_.insert(told.begin(), told.end());
  const auto& targets = connection->oracle.coherence_targets();
  coherence_targets_.insert(targets.begin(), targets.end());
  const std::string& extranonce1 = connection->oracle.extranonce1();
  for (const auto& other : connections_) {
    if (!other || other->id == to) continue;
    FUZZ_CHECK(extranonce1.empty() || other->oracle.extranonce1() != extranonce1);
    const auto coherent = connection->oracle.coherence_extranonce();
    FUZZ_CHECK(!coherent || other->oracle.coherence_extranonce() != coherent);
  }
}

void World::check_verdicts(ConnectionOracle& oracle) {
  for (const ConnectionOracle::Verdict& verdict : oracle.take_verdicts()) {
    const std::vector<Hash> hashes = oracle.hashes_of(verdict.submit, told_);
    if (hashes.empty()) {
      FUZZ_CHECK(!all_meant_known_ || !oracle.add_meant(meant_, told_));
      continue;
    }
    // "true": it is safe by now. A duplicate: of one that was accepted, by this connection or by
    // one that has gone in this turn and whose share is on its way to the journal.
    const auto is_right = [&](const Hash& hash) {
      if (verdict.accepted) return safe_hashes_.contains(hash);
      return share_hashes_.contains(hash) || refused_hashes_.contains(hash);
    };
    const bool any_right = std::any_of(hashes.begin(), hashes.end(), is_right);
    FUZZ_CHECK(any_right || (!verdict.accepted && gone_in_turn_));
  }
}

void World::close(pool::ConnectionId which, pool::CloseReason why) {
  FUZZ_CHECK(!pool::describe(why).empty());
  Connection* connection = find(which);
  FUZZ_CHECK(connection != nullptr);
  connection->oracle.on_close();
  connection->closing = true;
}

void World::pause_reading(pool::ConnectionId which) {
  Connection* connection = find(which);
  FUZZ_CHECK(connection != nullptr);
  connection->paused = true;
}

void World::resume_reading(pool::ConnectionId which) {
  Connection* connection = find(which);
  FUZZ_CHECK(connection != nullptr);
  connection->paused = false;
}

void World::hand_over(pool::ConnectionId which, pool::HandOver state) {
  Connection* connection = find(which);
  FUZZ_CHECK(connection != nullptr && state.owner.value < members_.size());
  FUZZ_CHECK(state.owner.value != connection->shard);
  connection->paused = true;
  moving_.emplace_back(which, std::move(state));
}

void World::submit_block(pool::FoundBlock block) {
  FUZZ_CHECK(block.hash.bytes == crypto::sha256d(block.header));
  FUZZ_CHECK(block.job->network_target().admits(block.hash.bytes));
  FUZZ_CHECK(block_hashes_.insert(block.hash.bytes).second);
  FUZZ_CHECK(block.candidate.hash == block.hash && block.candidate.header == block.header);
  const bitcoin::Hash256 root = bitcoin::fold_merkle_branch(
      bitcoin::Hash256{crypto::sha256d(block.coinbase)}, block.job->merkle_branch);
  FUZZ_CHECK(std::equal(root.bytes.begin(), root.bytes.end(), block.header.begin() + 36));
  members_.at(block.shard.value).vault.push_back(block.hash);
}

void World::tell_ban(const pool::Ban& ban) { FUZZ_CHECK(!ban.prefix.text().empty()); }

void World::journal(pool::JournalAppend append) {
  Member& member = members_.at(append.source.value);
  FUZZ_CHECK(!member.last_append || *member.last_append < append.id);
  member.last_append = append.id;
  FUZZ_CHECK(member.journal.size() < pool::limits::appends_in_flight_max);
  for (const auto& connection : connections_) {
    if (connection) remember_meant(connection->oracle);
  }
  Append kept{append.id, {}, {}};
  for (const pool::JournalRecord& record : records_of(append)) {
    if (const auto* share = std::get_if<pool::ShareRecord>(&record)) kept.shares.push_back(*share);
    const auto* proof = std::get_if<pool::CoherenceProofRecord>(&record);
    if (proof != nullptr) kept.proofs.push_back(*proof);
  }
  for (const pool::CoherenceProofRecord& proof : kept.proofs) check_proof(proof);
  for (const pool::ShareRecord& share : kept.shares) {
    check_share(share);
    FUZZ_CHECK(share_hashes_.insert(share.hash.bytes).second);  // no share counts twice
  }
  member.journal.push_back(std::move(kept));
}

bool World::verify(pool::ProofToVerify proof) {
  constexpr std::size_t waiting_max = 4;
  FUZZ_CHECK(proof.job != nullptr && proof.shard.value < members_.size());
  auto& waiting = members_[proof.shard.value].proofs;
  if (waiting.size() == waiting_max) return false;
  for (const pool::ProofToVerify& other : waiting) FUZZ_CHECK(other.ticket != proof.ticket);
  FUZZ_CHECK((proof.extranonce >> 48 & 0xff) == proof.shard.value);
  waiting.push_back(std::move(proof));
  return true;
}

// It was held to a target that somebody was told, meets it, and counts once.
void World::check_proof(const pool::CoherenceProofRecord& proof) {
  FUZZ_CHECK(coherence_targets_.contains(proof.target));
  FUZZ_CHECK(coherence::meets(proof.work_hash, proof.target));
  FUZZ_CHECK(proof.work == coherence::work_of(*coherence::level_of(proof.params), proof.target));
  FUZZ_CHECK(proof.address == payout_address && proof.took_us >= -1);
  FUZZ_CHECK(proofs_.insert(key_of(proof)).second);
}

void World::remember_told(const ConnectionOracle& oracle) {
  if (oracle.jobs().empty()) return;
  const stratum::Notify& notify = oracle.jobs().back().notify;
  auto& forms = told_[notify.job_id];
  const auto same = [&](const stratum::Notify& known) {
    return known.coinb1 == notify.coinb1 && known.coinb2 == notify.coinb2;
  };
  if (std::none_of(forms.begin(), forms.end(), same)) forms.push_back(notify);
}

void World::remember_meant(ConnectionOracle& oracle) {
  if (!oracle.add_meant(meant_, told_)) all_meant_known_ = false;
}

void World::check_share(const pool::ShareRecord& share) const {
  FUZZ_CHECK(!all_meant_known_ || meant_.contains(share.hash.bytes));
  const auto difficulty = bitcoin::Difficulty::from_double(share.difficulty);
  FUZZ_CHECK(difficulty && difficulties_.contains(share.difficulty));
  const auto target = bitcoin::Target256::from_difficulty(*difficulty);
  FUZZ_CHECK(target.admits(share.hash.bytes) && share.work == target.work());
  FUZZ_CHECK(share.address == payout_address);
  FUZZ_CHECK(share.worker_name.size() <= pool::limits::worker_name_bytes_max);
  if (const auto stale = stale_since_us_.find(share.height); stale != stale_since_us_.end()) {
    const std::chrono::microseconds grace = options_.shard.stale_grace;
    FUZZ_CHECK(share.time_us <= stale->second + grace.count());
  }
}

}  // namespace fuzz
