// SimJournal: the pool's thread 'journal' in virtual time: the real JournalWriter on the simulated
// disk, driven as JournalLoop drives it (pool/journal/journal_loop.cpp): a window, one flush for
// all sources, a tick a second that tries a new segment where there is none.
//
// What the database has not stored is bounded: past it, shares are refused (JournalSpace).
// A flush takes as long as the disk does; what is posted meanwhile waits in the mailbox.
// Thread: the one there is.
#pragma once

#include "pool/core/journal_space.h"
#include "pool/core/shard_types.h"
#include "pool/journal/journal_writer.h"
#include "pool/messages.h"
#include "tests/sim/sim_disk.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>

namespace sim {

class SimJournal {
 public:
  struct Hooks {
    std::function<void(pool::JournalSource, pool::Durable)> durable;
    std::function<void(pool::JournalSource, pool::NotDurable)> not_durable;
    std::function<void(pool::JournalPosition)> advanced;
  };

  SimJournal(Environment& env, Owner owner, SimDisk& disk, Hooks hooks);

  // Recovers what is there and begins a segment. False: the disk refuses; try again later.
  [[nodiscard]] bool open(std::size_t segment_bytes_max, std::uint64_t bytes_max);
  void on_stored(const pool::JournalPosition& stored);
  void post(pool::JournalAppend append);
  pool::JournalPosition durable_to() const { return writer_->durable_to(); }
  bool is_at_rest() const { return mailbox_.empty() && !writer_->has_waiting() && !busy_; }

 private:
  void take_mailbox();
  bool refuse(const pool::JournalAppend& append);
  void list_segments();
  void look_at_space();
  void open_window();
  void flush();
  void report(const pool::FlushReport& report);
  void tick();

  Environment& env_;
  const Owner owner_;
  SimDisk& disk_;
  const Hooks hooks_;
  std::unique_ptr<pool::JournalWriter> writer_;
  std::optional<pool::JournalSpace> space_;
  std::deque<pool::JournalAppend> mailbox_;
  std::size_t segment_bytes_max_ = 0;
  bool window_open_ = false;
  bool busy_ = false;  // in a flush
};

// The name of the one journal there is.
const pool::JournalUuid& sim_journal_id();

}  // namespace sim
