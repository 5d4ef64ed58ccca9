// SimStore: the database, which outlives the pool, and the pool's thread 'store', which ships the
// journal into it: the real JournalReader, batches, and the position in the same transaction as the
// rows (pool/store/store_loop.cpp, share_writer.h).
//
// Faults: outages, transactions that are lost, commits that go through though nobody hears of it.
// Thread: the one there is.
#pragma once

#include "pool/journal/journal_reader.h"
#include "tests/sim/sim_disk.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace sim {

class SimDatabase {
 public:
  explicit SimDatabase(Environment& env) : env_(env) {}

  void set_up(bool up) { up_ = up; }
  // None: no connection, or it was lost on the way.
  std::optional<pool::JournalPosition> position() const;
  // One transaction. The position that stands in the database afterwards; other than `to`: nothing
  // was stored. None: the connection was lost, and whether it was stored is not known.
  std::optional<pool::JournalPosition> ship(const pool::JournalBatch& batch,
                                            const pool::JournalPosition& from,
                                            const pool::JournalPosition& to);
  const pool::JournalPosition& stored_to() const { return position_; }

 private:
  void store(const pool::JournalRecord& record);

  Environment& env_;
  bool up_ = true;
  pool::JournalPosition position_;
  std::uint64_t rows_ = 0;
};

// Reads the journal beside the store, as `phasepool verify journal` would, before segments are
// removed and at the end.
class SimAuditor {
 public:
  SimAuditor(Environment& env, const SimDisk& disk);
  void read_to(const pool::JournalPosition& durable_to);

 private:
  Environment& env_;
  const SimDisk& disk_;
  pool::JournalReader reader_;
  std::uint64_t records_ = 0;
};

class SimStore {
 public:
  using OnStored = std::function<void(const pool::JournalPosition&)>;

  SimStore(Environment& env, Owner owner, SimDisk& disk, SimDatabase& database, SimAuditor& auditor,
           bool removes_segments, OnStored on_stored);

  void on_advanced(const pool::JournalPosition& durable_to);
  bool is_at_rest() const { return !scheduled_; }

 private:
  void schedule(Micros delay);
  void work();
  [[nodiscard]] bool connect();
  void ship();
  void restart_from(const pool::JournalPosition& at);
  void on_lost();
  void remove_segments();

  Environment& env_;
  const Owner owner_;
  SimDisk& disk_;
  SimDatabase& database_;
  SimAuditor& auditor_;
  const bool removes_segments_;
  const OnStored on_stored_;
  std::unique_ptr<pool::JournalReader> reader_;  // null: no connection
  pool::JournalBatch batch_;
  pool::JournalPosition stored_;
  pool::JournalPosition durable_to_;
  std::uint64_t segments_removed_to_ = 0;
  bool scheduled_ = false;
  Micros retry_delay_ = second;
};

}  // namespace sim
