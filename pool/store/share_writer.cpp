#include "pool/store/share_writer.h"

#include "common/base/assert.h"
#include "common/log.h"
#include "pool/core/limits.h"
#include "pool/store/accounting_rows.h"
#include "pool/store/block_rows.h"
#include "pool/store/coherence_rows.h"
#include "pool/store/database_text.h"
#include "pool/store/schema_version.h"
#include "pool/store/share_sums.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace pool {
namespace {

constexpr std::size_t workers_cached_max = 100'000;  // beyond it all are dropped
constexpr std::size_t address_bytes_max = 128;
// A name's bytes may each need four characters.
constexpr std::size_t worker_name_text_bytes_max = 4 * limits::worker_name_bytes_max;
constexpr std::size_t event_text_bytes_max = 16 * 1024;
// Partitions are made for days around today; shares dated elsewhere (a clock that was wrong) go to
// the default partition.
constexpr std::int64_t partition_days_back = 35;
constexpr std::int64_t partition_days_ahead = 2;
constexpr std::int64_t partition_retry_us = 60'000'000;

std::string worker_key(const std::string& address, const std::string& name) {
  return address + '\0' + name;
}

// The texts that stand for a key's address and name in the database.
std::pair<std::string, std::string> worker_texts(const std::string& key) {
  const std::size_t end = key.find('\0');  // an address has no NUL: it was parsed
  return {database_text(key.substr(0, end), address_bytes_max),
          database_text(key.substr(end + 1), worker_name_text_bytes_max)};
}

std::string uuid_text(const JournalUuid& uuid) { return base::to_hex(uuid); }

const char* status_text(BlockStatus status) {
  switch (status) {
    case BlockStatus::submitted:
      return "submitted";
    case BlockStatus::accepted:
      return "accepted";
    case BlockStatus::rejected:
      return "rejected";
  }
  return "submitted";
}

// Work is the same number for every share of one difficulty: its decimal digits are kept.
class WorkText {
 public:
  const std::string& of(const base::U256& work) {
    if (!known_ || !(work == work_)) {
      work_ = work;
      text_ = work.decimal();
      known_ = true;
    }
    return text_;
  }

 private:
  base::U256 work_;
  std::string text_;
  bool known_ = false;
};

EventRecord gap_event(const JournalGap& gap, std::int64_t now_us) {
  const bool missing = gap.after.sequence > gap.before.sequence;
  EventRecord event;
  event.time_us = now_us;
  event.severity = missing ? "critical" : "medium";
  event.component = "journal";
  event.message =
      missing ? "journal records " + std::to_string(gap.before.sequence + 1) + " to " +
                    std::to_string(gap.after.sequence) + " are missing: they were not stored"
              : "the journal had lost its tail after it was stored, and went on from record " +
                    std::to_string(gap.after.sequence + 1);
  event.context_json = "{\"segment_before\":\"" + segment_file_name(gap.before.segment) +
                       "\",\"segment_after\":\"" + segment_file_name(gap.after.segment) + "\"}";
  return event;
}

EventRecord changed_event(const ClosedSegment& closed, std::int64_t now_us) {
  EventRecord event;
  event.time_us = now_us;
  event.severity = "critical";
  event.component = "journal";
  event.message = "journal segment " + segment_file_name(closed.segment) +
                  " is not what the next one says: " + describe_change(closed);
  event.context_json = "{\"segment\":\"" + segment_file_name(closed.segment) + "\"}";
  return event;
}

EventRecord refusal_event(const JournalEntry& refused, const std::string& why,
                          std::int64_t now_us) {
  base::Bytes payload;
  append_payload(payload, refused.record);
  EventRecord event;
  event.time_us = now_us;
  event.severity = "high";
  event.component = "store";
  event.message = "journal record " + std::to_string(refused.end.sequence) +
                  " was refused by the database: " + one_line(why);
  event.context_json = "{\"sequence\":" + std::to_string(refused.end.sequence) +
                       ",\"record_hex\":\"" + base::to_hex(payload) + "\"}";
  return event;
}

}  // namespace

ShareWriter::ShareWriter(std::string database, const JournalUuid& journal)
    : database_(std::move(database)), journal_text_(uuid_text(journal)) {}

base::Result<DatabasePosition, DatabaseError> ShareWriter::connect() {
  disconnect();
  auto connected = guarded([&] {
    connection_ = std::make_unique<DatabaseConnection>(database_, "phasepool_store", &interrupt_);
    return schema_complaint(schema_version_of(connection_->get()));
  });
  if (connected && !connected->empty()) {
    disconnect();
    return base::err(DatabaseError{DatabaseFailure::lost, *connected, {}});
  }
  base::Result<DatabasePosition, DatabaseError> position;
  if (connected) {
    position = guarded([&] {
      set_up_session();
      lock_journal_of_session();
      return register_journal();
    });
  } else {
    position = base::err(connected.error());
  }
  if (!position) disconnect();
  return position;
}

void ShareWriter::disconnect() {
  connection_.reset();
  workers_.clear();
  new_workers_.clear();
  partition_days_.clear();
}

void ShareWriter::set_up_session() {
  pqxx::nontransaction session(connection_->get());
  // A commit that was answered must last even if this server's cluster defaults say otherwise; and
  // a client that is gone must not hold the locks on its journal for long.
  session.exec(
      "SET synchronous_commit = on; SET idle_in_transaction_session_timeout = '60s';"
      "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
      "SET tcp_user_timeout = 15000; SET lock_timeout = '30s'; SET TimeZone = 'UTC'; SET DateStyle "
      "= 'ISO';"
      "SET client_encoding = 'UTF8'; SET standard_conforming_strings = on;"
      "SET phasepool.writes_sums = on");
}

// Held until the session ends. Two pools with one journal id would take turns at its position, and
// delete segments that only the other has stored.
void ShareWriter::lock_journal_of_session() {
  pqxx::nontransaction session(connection_->get());
  const auto row = session.exec_params1(
      "SELECT pg_try_advisory_lock(hashtextextended('phasepool journal ' || $1::uuid, 0))",
      journal_text_);
  if (row[0].as<bool>()) return;
  throw pqxx::failure("journal " + journal_text_ +
                      " is being stored by another session of this database: is a second pool "
                      "running on a copy of data_dir? Each pool needs a data_dir of its own");
}

DatabasePosition ShareWriter::register_journal() {
  pqxx::work transaction(connection_->get());
  const std::string find = "SELECT id FROM journal_positions WHERE journal = $1::uuid";
  auto rows = transaction.exec_params(find, journal_text_);
  if (rows.empty()) {
    // Only now: an INSERT uses an id up even where it meets a conflict.
    transaction.exec_params(
        "INSERT INTO journal_positions (journal) VALUES ($1::uuid) ON CONFLICT DO NOTHING",
        journal_text_);
    rows = transaction.exec_params(find, journal_text_);
  }
  journal_id_ = rows.at(0)[0].as<std::string>();
  const DatabasePosition position = lock_position(transaction);
  transaction.commit();
  return position;
}

DatabasePosition ShareWriter::lock_position(pqxx::work& transaction) {
  const auto row = transaction.exec_params1(
      "SELECT segment, file_offset, sequence, shares_total FROM journal_positions"
      " WHERE journal = $1::uuid FOR UPDATE",
      journal_text_);
  return {{row[0].as<std::uint64_t>(), row[1].as<std::uint64_t>(), row[2].as<std::uint64_t>()},
          row[3].as<std::uint64_t>()};
}

void ShareWriter::store_position(pqxx::work& transaction, const JournalBatch& batch,
                                 const DatabasePosition& at) {
  std::string stored_to;
  if (!batch.entries.empty()) {
    std::visit([&](const auto& record) { stored_to = timestamp_text(record.time_us); },
               batch.entries.back().record);
  }
  transaction.exec_params0(
      "UPDATE journal_positions SET segment = $2, file_offset = $3, sequence = $4,"
      " shares_total = $5, updated_at = now(), retired_at = null,"
      " stored_to = coalesce(least(nullif($6, '')::timestamptz, now()), stored_to)"
      " WHERE journal = $1::uuid",
      journal_text_, at.position.segment, at.position.offset, at.position.sequence, at.shares_total,
      stored_to);
}

// Runs `work`, which stores the batch and returns the new position, if the database is at `from`.
template <class Work>
base::Result<DatabasePosition, DatabaseError> ShareWriter::in_transaction(
    const JournalBatch& batch, const JournalPosition& from, Work&& work) {
  ASSERT(is_connected());
  new_workers_.clear();
  auto result = guarded([&] {
    pqxx::work transaction(connection_->get());
    DatabasePosition position = lock_position(transaction);
    if (position.position != from) return position;
    position = work(transaction, position);
    store_position(transaction, batch, position);
    transaction.commit();
    return position;
  });
  if (!result && result.error().kind == DatabaseFailure::lost) disconnect();
  if (result) {
    if (workers_.size() + new_workers_.size() > workers_cached_max) workers_.clear();
    workers_.merge(new_workers_);
  }
  return result;
}

base::Result<DatabasePosition, DatabaseError> ShareWriter::ship(const JournalBatch& batch,
                                                                const JournalPosition& from,
                                                                const JournalPosition& to,
                                                                std::int64_t now_us) {
  ASSERT(is_connected());
  ensure_partitions(batch, now_us);
  return in_transaction(batch, from, [&](pqxx::work& transaction, const DatabasePosition& before) {
    const WorkerIds workers = ensure_workers(transaction, batch);
    const std::uint64_t shares = copy_shares(transaction, batch, workers);
    store_others(transaction, batch, workers, now_us);
    store_coherence(transaction, batch, workers);
    return DatabasePosition{to, before.shares_total + shares};
  });
}

base::Result<DatabasePosition, DatabaseError> ShareWriter::ship_refusal(const JournalBatch& batch,
                                                                        const JournalPosition& from,
                                                                        const std::string& why,
                                                                        std::int64_t now_us) {
  ASSERT(batch.entries.size() == 1);
  const JournalEntry& refused = batch.entries.front();
  return in_transaction(batch, from, [&](pqxx::work& transaction, const DatabasePosition& before) {
    for (const JournalGap& gap : batch.gaps) {
      // One after the record is read again with the next batch.
      if (gap.before < refused.end) store(transaction, gap_event(gap, now_us));
    }
    for (const ClosedSegment& closed : batch.closed) {
      if (closed.segment < refused.end.segment) store(transaction, closed, now_us);
    }
    store(transaction, refusal_event(refused, why, now_us));
    return DatabasePosition{refused.end, before.shares_total};
  });
}

void ShareWriter::ensure_partitions(const JournalBatch& batch, std::int64_t now_us) {
  const std::int64_t today = day_of(now_us);
  std::set<std::int64_t> missing;
  const auto want = [&](std::int64_t day) {
    if (partition_days_.count(day) == 0) missing.insert(day);
  };
  for (std::int64_t day = today; day <= today + partition_days_ahead; ++day) want(day);
  for (const JournalEntry& entry : batch.entries) {
    const auto* share = std::get_if<ShareRecord>(&entry.record);
    if (share == nullptr) continue;
    const std::int64_t day = day_of(share->time_us);
    if (day >= today - partition_days_back && day <= today + partition_days_ahead) want(day);
  }
  if (missing.empty()) return;
  if (partitions_failed_us_ && std::abs(now_us - *partitions_failed_us_) < partition_retry_us)
    return;
  // On its own: making a partition locks more than storing in it. Nothing waits for it: until it is
  // there, the default partition takes the day's shares.
  const auto made = guarded([&] {
    pqxx::work transaction(connection_->get());
    transaction.exec0("SET LOCAL lock_timeout = '1s'");
    for (const std::int64_t day : missing) {
      transaction.exec_params1(
          "SELECT ensure_share_partitions($1::date, $1::date),"
          " ensure_share_sum_partitions($1::date, $1::date)",
          date_text(day));
    }
    transaction.commit();
  });
  if (made) {
    partition_days_.merge(missing);
  } else {
    partitions_failed_us_ = now_us;
    LOG(warning, "share_partitions_missing", {"days", missing.size()},
        {"first", date_text(*missing.begin())}, {"error", made.error().message});
  }
}

ShareWriter::WorkerIds ShareWriter::ensure_workers(pqxx::work& transaction,
                                                   const JournalBatch& batch) {
  WorkerIds ids(batch.entries.size(), nullptr);
  std::int64_t first_seen_us = 0;
  const auto find = [&](const auto& record) {
    std::string key = worker_key(record.address, record.worker_name);
    const auto known = workers_.find(key);
    if (known != workers_.end()) return &known->second;
    if (new_workers_.empty()) first_seen_us = record.time_us;
    return &new_workers_.try_emplace(std::move(key), 0).first->second;
  };
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const JournalRecord& record = batch.entries[i].record;
    if (const auto* share = std::get_if<ShareRecord>(&record)) ids[i] = find(*share);
    if (const auto* block = std::get_if<BlockCandidateRecord>(&record)) ids[i] = find(*block);
    if (const auto* proof = std::get_if<CoherenceProofRecord>(&record)) ids[i] = find(*proof);
  }
  if (!new_workers_.empty()) make_workers(transaction, first_seen_us);
  return ids;
}

// Fills in the ids of new_workers_.
void ShareWriter::make_workers(pqxx::work& transaction, std::int64_t first_seen_us) {
  std::vector<std::string> addresses;
  std::vector<std::string> names;
  for (const auto& [key, id] : new_workers_) {
    auto [address, name] = worker_texts(key);
    addresses.push_back(std::move(address));
    names.push_back(std::move(name));
  }
  const auto rows = transaction.exec_params(
      "SELECT address, name, worker_id FROM ensure_workers($1::text[], $2::text[], "
      "$3::timestamptz)",
      array_text(addresses), array_text(names), timestamp_text(first_seen_us));
  Workers by_text;
  for (const auto& row : rows) {
    by_text[worker_key(row[0].as<std::string>(), row[1].as<std::string>())] =
        row[2].as<std::int64_t>();
  }
  for (auto& [key, id] : new_workers_) {
    const auto [address, name] = worker_texts(key);
    id = by_text.at(worker_key(address, name));
  }
}

std::uint64_t ShareWriter::copy_shares(pqxx::work& transaction, const JournalBatch& batch,
                                       const WorkerIds& workers) {
  static const std::array<const char*, 10> columns{
      "time",   "journal",    "sequence",         "worker_id", "height",
      "job_id", "difficulty", "share_difficulty", "work",      "hash"};
  const auto is_share = [](const JournalEntry& entry) {
    return std::holds_alternative<ShareRecord>(entry.record);
  };
  const auto count = std::count_if(batch.entries.begin(), batch.entries.end(), is_share);
  if (count == 0) return 0;
  pqxx::stream_to stream(transaction, "shares", columns);
  WorkText work_text;
  ShareSums sums;
  std::array<std::string, columns.size()> row;
  row[1] = journal_id_;
  for (std::size_t i = 0; i < batch.entries.size(); ++i) {
    const JournalEntry& entry = batch.entries[i];
    const auto* share = std::get_if<ShareRecord>(&entry.record);
    if (share == nullptr) continue;
    sums.add(*share, *workers[i]);
    row[0] = timestamp_text(share->time_us);
    row[2] = std::to_string(entry.end.sequence);
    row[3] = std::to_string(*workers[i]);
    row[4] = std::to_string(share->height);
    row[5] = std::to_string(share->job_id);
    row[6] = double_text(share->difficulty);
    row[7] = double_text(share->share_difficulty);
    row[8] = work_text.of(share->work);
    row[9] = reversed_bytea_text(share->hash.bytes);
    stream << row;
  }
  stream.complete();
  sums.store(transaction, journal_id_);
  return static_cast<std::uint64_t>(count);
}

void ShareWriter::store_others(pqxx::work& transaction, const JournalBatch& batch,
                               const WorkerIds& workers, std::int64_t now_us) {
  for (const JournalGap& gap : batch.gaps) store(transaction, gap_event(gap, now_us));
  for (const ClosedSegment& closed : batch.closed) store(transaction, closed, now_us);
  RejectCounts rejects;
  for (std::size_t i = 0; i < batch.entries.size(); ++i) {
    const JournalRecord& record = batch.entries[i].record;
    if (const auto* block = std::get_if<BlockCandidateRecord>(&record)) {
      store(transaction, *block, *workers[i]);
    } else if (const auto* outcome = std::get_if<BlockOutcomeRecord>(&record)) {
      store(transaction, *outcome);
    } else if (const auto* event = std::get_if<EventRecord>(&record)) {
      store(transaction, *event);
    } else if (const auto* submission = std::get_if<BlockSubmissionRecord>(&record)) {
      pool::store(transaction, *submission);
    } else if (const auto* state = std::get_if<BlockStateRecord>(&record)) {
      pool::store(transaction, *state);
    } else if (const auto* tip = std::get_if<ChainTipRecord>(&record)) {
      pool::store(transaction, *tip);
    } else if (const auto* height = std::get_if<HeightRecord>(&record)) {
      pool::store(transaction, *height);
    } else if (const auto* scheme = std::get_if<PayoutSchemeRecord>(&record)) {
      pool::store(transaction, *scheme);
    } else if (const auto* reject = std::get_if<RejectRecord>(&record)) {
      pool::store(transaction, *reject);
    } else if (const auto* sum = std::get_if<RejectSumRecord>(&record)) {
      rejects.add(*sum);
    }
  }
  rejects.store(transaction, journal_id_);
}

// Last of all: a block of the proof chain may have to wait for another pool's transaction, which
// must not wait for what this one has locked.
void ShareWriter::store_coherence(pqxx::work& transaction, const JournalBatch& batch,
                                  const WorkerIds& workers) {
  CoherenceProofRows proofs;
  for (std::size_t i = 0; i < batch.entries.size(); ++i) {
    const JournalEntry& entry = batch.entries[i];
    const auto* proof = std::get_if<CoherenceProofRecord>(&entry.record);
    if (proof != nullptr) proofs.add(*proof, entry.end.sequence, *workers[i]);
  }
  proofs.store(transaction, journal_id_);
  for (const JournalEntry& entry : batch.entries) {
    const auto* block = std::get_if<CoherenceBlockRecord>(&entry.record);
    if (block != nullptr) pool::store(transaction, *block);
  }
}

// A journal that was restored from a copy may close a segment that an earlier life of it has
// closed: the row that is there stands.
void ShareWriter::store(pqxx::work& transaction, const ClosedSegment& closed, std::int64_t now_us) {
  transaction.exec_params0(
      "INSERT INTO journal_segments (journal, segment, first_sequence, last_sequence, bytes, "
      "sha256,"
      " prev_sha256) VALUES ($1, $2, $3, $4, $5, $6::bytea, $7::bytea) ON CONFLICT DO NOTHING",
      journal_id_, closed.segment, closed.first_sequence, closed.last_sequence, closed.bytes,
      bytea_text(closed.sha256), bytea_text(closed.prev_sha256));
  if (closed.found) store(transaction, changed_event(closed, now_us));
}

void ShareWriter::store(pqxx::work& transaction, const BlockCandidateRecord& block,
                        std::int64_t worker_id) {
  std::vector<std::string> branch;
  for (const bitcoin::Hash256& hash : block.merkle_branch) branch.push_back(bytea_text(hash.bytes));
  const auto part = pool_part(block.coinbase, block.reward);
  const std::string part_text = part ? std::to_string(part->value) : std::string();
  transaction.exec_params0(
      "INSERT INTO blocks (hash, height, time, worker_id, reward, network_difficulty,"
      " share_difficulty, header, coinbase, merkle_branch, pool_sats) VALUES ($1::bytea, $2,"
      " $3::timestamptz, $4, $5, $6::float8, $7::float8, $8::bytea, $9::bytea, $10::bytea[], $11)"
      " ON CONFLICT (hash) DO NOTHING",
      reversed_bytea_text(block.hash.bytes), block.height, timestamp_text(block.time_us), worker_id,
      block.reward.value, double_text(block.network_difficulty),
      double_text(block.share_difficulty), bytea_text(block.header), bytea_text(block.coinbase),
      array_text(branch), part ? part_text.c_str() : nullptr);
  apply_block_state(transaction, block.hash);
}

void ShareWriter::store(pqxx::work& transaction, const BlockOutcomeRecord& outcome) {
  const std::string hash = reversed_bytea_text(outcome.hash.bytes);
  const std::string detail = database_text(outcome.detail, event_text_bytes_max);
  const auto row = transaction.exec_params1(
      "SELECT set_block_outcome($1::bytea, $2, $3, $4::timestamptz)", hash,
      status_text(outcome.status), detail, timestamp_text(outcome.time_us));
  if (row[0].as<bool>()) return;
  store(transaction, EventRecord{outcome.time_us, "medium", "store",
                                 "a node's answer for a block that is not in the database: " +
                                     outcome.hash.display_hex() + " " + status_text(outcome.status),
                                 ""});
}

void ShareWriter::store(pqxx::work& transaction, const EventRecord& event) {
  transaction.exec_params("SELECT record_event($1::timestamptz, $2, $3, $4, $5)",
                          timestamp_text(event.time_us), database_text(event.severity, 16),
                          database_text(event.component, 64),
                          database_text(event.message, event_text_bytes_max),
                          database_text(event.context_json, event_text_bytes_max * 16));
}

}  // namespace pool
