// ShareWriter: journal records into PostgreSQL, with the journal's position in the same
// transaction. Private to pool/store: it names pqxx.
//
// The position that the database holds is the truth. Each transaction locks and reads it first; if
// it is not where the batch begins (a commit whose answer was lost went through, say), nothing is
// written and the caller goes on from the position it is told.
//
// Thread: the store's; calls block.
#pragma once

#include "pool/core/journal_format.h"
#include "pool/journal/journal_reader.h"
#include "pool/store/database.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace pool {

struct DatabasePosition {
  JournalPosition position;
  std::uint64_t shares_total = 0;
};

class ShareWriter {
 public:
  ShareWriter(std::string database, const JournalUuid& journal);

  bool is_connected() const { return connection_ != nullptr; }
  // Connects, checks the schema, registers the journal, and says where it stands. Refused while
  // another session stores the same journal.
  [[nodiscard]] base::Result<DatabasePosition, DatabaseError> connect();
  void disconnect();
  // Any thread: see ConnectionInterrupt.
  void interrupt() { interrupt_.interrupt(); }
  bool interrupted() const { return interrupt_.interrupted(); }

  // Stores the batch, which begins at `from` and ends at `to`. `now_us` dates what has no time of
  // its own. After an error of kind lost the connection is closed and whether the batch is stored
  // is unknown; after refused_data it is not. The position returned is `to`, or another one: then
  // nothing was stored, and that is where the database stands.
  [[nodiscard]] base::Result<DatabasePosition, DatabaseError> ship(const JournalBatch& batch,
                                                                   const JournalPosition& from,
                                                                   const JournalPosition& to,
                                                                   std::int64_t now_us);
  // Instead of a batch whose only record PostgreSQL refuses: an event that says so, and the gaps
  // before it. REQUIRES: batch.entries holds one record.
  [[nodiscard]] base::Result<DatabasePosition, DatabaseError> ship_refusal(
      const JournalBatch& batch, const JournalPosition& from, const std::string& why,
      std::int64_t now_us);

 private:
  // By address, NUL and name, as the records have them.
  using Workers = std::unordered_map<std::string, std::int64_t>;
  // For each entry of a batch the id of its worker; null where it has none.
  using WorkerIds = std::vector<const std::int64_t*>;

  void set_up_session();
  void lock_journal_of_session();
  DatabasePosition register_journal();
  DatabasePosition lock_position(pqxx::work& transaction);
  void store_position(pqxx::work& transaction, const JournalBatch& batch,
                      const DatabasePosition& position);
  void ensure_partitions(const JournalBatch& batch, std::int64_t now_us);
  WorkerIds ensure_workers(pqxx::work& transaction, const JournalBatch& batch);
  void make_workers(pqxx::work& transaction, std::int64_t first_seen_us);
  std::uint64_t copy_shares(pqxx::work& transaction, const JournalBatch& batch,
                            const WorkerIds& workers);
  void store_others(pqxx::work& transaction, const JournalBatch& batch, const WorkerIds& workers,
                    std::int64_t now_us);
  void store_coherence(pqxx::work& transaction, const JournalBatch& batch,
                       const WorkerIds& workers);
  void store(pqxx::work& transaction, const ClosedSegment& closed, std::int64_t now_us);
  void store(pqxx::work& transaction, const BlockCandidateRecord& block, std::int64_t worker_id);
  void store(pqxx::work& transaction, const BlockOutcomeRecord& outcome);
  void store(pqxx::work& transaction, const EventRecord& event);
  template <class Work>
  base::Result<DatabasePosition, DatabaseError> in_transaction(const JournalBatch& batch,
                                                               const JournalPosition& from,
                                                               Work&& work);

  const std::string database_;
  const std::string journal_text_;  // the uuid, as PostgreSQL reads it
  ConnectionInterrupt interrupt_;
  std::unique_ptr<DatabaseConnection> connection_;
  std::string journal_id_;                            // journal_positions.id
  Workers workers_;                                   // of committed transactions
  Workers new_workers_;                               // of the transaction under way
  std::set<std::int64_t> partition_days_;             // days since 1970 that have a partition
  std::optional<std::int64_t> partitions_failed_us_;  // when some could not be made
};

}  // namespace pool
