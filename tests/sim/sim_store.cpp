#include "tests/sim/sim_store.h"

#include "pool/journal/journal_folder.h"
#include "tests/sim/sim_journal.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sim {
namespace {

constexpr Micros linger = 50 * millisecond;
constexpr Micros retry_last = 10 * second;
constexpr std::size_t batch_records = 500;

// Each segment is what the next one's header says that it is.
void check_link(Environment& env, const pool::ClosedSegment& closed) {
  if (closed.found) env.oracle.fail("gap", "a closed segment has " + pool::describe_change(closed));
}

}  // namespace

// ---------------------------------------------------------------- the database

std::optional<pool::JournalPosition> SimDatabase::position() const {
  return up_ ? std::optional(position_) : std::nullopt;
}

std::optional<pool::JournalPosition> SimDatabase::ship(const pool::JournalBatch& batch,
                                                       const pool::JournalPosition& from,
                                                       const pool::JournalPosition& to) {
  if (!up_ || chance(env_.random, env_.faults.commits_lost)) return std::nullopt;
  if (env_.broken == Break::lazy_store && env_.now() > 10 * minute) return std::nullopt;
  if (position_ != from && env_.broken != Break::store_twice) return position_;
  for (const pool::JournalGap& gap : batch.gaps) {
    env_.oracle.on_gap("the store", gap.before.sequence, gap.after.sequence);
  }
  for (const pool::ClosedSegment& closed : batch.closed) check_link(env_, closed);
  for (const pool::JournalEntry& entry : batch.entries) store(entry.record);
  const bool answer_lost = chance(env_.random, env_.faults.answers_lost);
  if (!answer_lost || env_.broken != Break::store_twice) position_ = to;
  env_.transcript.note("store", answer_lost ? "commits unheard" : "commits", batch.entries.size(),
                       "");
  return answer_lost ? std::nullopt : std::optional(position_);
}

void SimDatabase::store(const pool::JournalRecord& record) {
  if (const auto* block = std::get_if<pool::BlockCandidateRecord>(&record)) {
    return env_.oracle.on_stored(*block);
  }
  if (const auto* outcome = std::get_if<pool::BlockOutcomeRecord>(&record)) {
    if (env_.broken != Break::lose_outcome) env_.oracle.on_stored(*outcome);
    return;
  }
  if (const auto* rejects = std::get_if<pool::RejectSumRecord>(&record)) {
    if (env_.broken != Break::lose_rejects) env_.oracle.on_stored(*rejects);
    return;
  }
  const auto* share = std::get_if<pool::ShareRecord>(&record);
  if (share == nullptr) return;
  ++rows_;
  if (env_.broken == Break::lose_row && rows_ == 100) return;
  pool::ShareRecord row = *share;
  if (env_.broken == Break::wrong_work && rows_ == 100) row.work = row.work + base::U256(1);
  env_.oracle.on_stored(row);
}

// ---------------------------------------------------------------- the auditor

SimAuditor::SimAuditor(Environment& env, const SimDisk& disk)
    : env_(env), disk_(disk), reader_(disk.folder(), sim_journal_id(), {}) {}

void SimAuditor::read_to(const pool::JournalPosition& durable_to) {
  pool::JournalBatch batch;
  do {
    batch.clear();
    const auto read = reader_.read(batch_records, durable_to, batch);
    if (!read) {
      return env_.oracle.fail("gap",
                              disk_.without_folder("the journal can't be read: " + read.error()));
    }
    for (const pool::JournalGap& gap : batch.gaps) {
      if (gap.before == pool::JournalPosition{} && gap.after.sequence == 0) continue;
      env_.oracle.on_gap("the journal", gap.before.sequence, gap.after.sequence);
    }
    for (const pool::ClosedSegment& closed : batch.closed) check_link(env_, closed);
    for (const pool::JournalEntry& entry : batch.entries) {
      const auto* share = std::get_if<pool::ShareRecord>(&entry.record);
      if (share == nullptr) continue;
      if (++records_ == 100 && env_.broken == Break::miss_record) continue;
      env_.oracle.on_journalled(*share);
    }
  } while (!batch.empty());
}

// ---------------------------------------------------------------- the thread 'store'

SimStore::SimStore(Environment& env, Owner owner, SimDisk& disk, SimDatabase& database,
                   SimAuditor& auditor, bool removes_segments, OnStored on_stored)
    : env_(env),
      owner_(owner),
      disk_(disk),
      database_(database),
      auditor_(auditor),
      removes_segments_(removes_segments),
      on_stored_(std::move(on_stored)) {}

void SimStore::on_advanced(const pool::JournalPosition& durable_to) {
  durable_to_ = std::max(durable_to_, durable_to);
  if (!scheduled_) schedule(linger);
}

void SimStore::schedule(Micros delay) {
  scheduled_ = true;
  env_.schedule.after(delay, owner_, [this] {
    scheduled_ = false;
    work();
  });
}

void SimStore::work() {
  if (reader_ == nullptr && !connect()) return;
  batch_.clear();
  const auto read = reader_->read(batch_records, durable_to_, batch_);
  if (!read && batch_.entries.empty()) {
    env_.oracle.fail("gap",
                     disk_.without_folder("the store can't read the journal: " + read.error()));
    return;
  }
  if (batch_.empty()) return remove_segments();
  ship();
}

bool SimStore::connect() {
  const auto position = database_.position();
  if (!position) {
    on_lost();
    return false;
  }
  restart_from(*position);
  on_stored_(stored_);
  return true;
}

void SimStore::restart_from(const pool::JournalPosition& at) {
  stored_ = at;
  reader_ = std::make_unique<pool::JournalReader>(disk_.folder(), sim_journal_id(), stored_);
}

void SimStore::ship() {
  const auto now = database_.ship(batch_, stored_, reader_->position());
  if (!now) return on_lost();
  if (*now != reader_->position()) {
    restart_from(*now);
    return schedule(0);
  }
  const bool full = batch_.entries.size() >= batch_records;
  stored_ = *now;
  retry_delay_ = second;
  on_stored_(stored_);
  remove_segments();
  if (full) return schedule(0);
  if (stored_ < durable_to_ && !scheduled_) schedule(linger);
}

void SimStore::on_lost() {
  reader_.reset();
  schedule(retry_delay_);
  retry_delay_ = std::min(retry_delay_ * 2, retry_last);
}

void SimStore::remove_segments() {
  const std::uint64_t segment = std::min(reader_->position().segment, durable_to_.segment);
  if (std::exchange(segments_removed_to_, segment) == segment) return;
  const auto noted = pool::write_stored_note(disk_.folder(), stored_);
  if (!noted) return env_.oracle.fail("gap", disk_.without_folder(noted.error()));
  if (!removes_segments_) return;
  auditor_.read_to(durable_to_);
  // By number alone: the files' times are not of this world.
  pool::Retention retention;
  retention.newest = 2;
  retention.at_least = std::chrono::seconds{0};
  retention.stored_bytes_max = 0;
  pool::remove_stored_segments(disk_.folder(), segment, retention);
}

}  // namespace sim
